# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# What a node does with jobs: docs/RUNNER.md. POSIX sh; needs no Python and leaves no daemon. No test in it takes a clock: all times
# are hundredths of a second since boot.
#   serve       reads requests from its input, one a line, and answers: the controller's channel
#   owner       what it thinks of the node's owner
nl='
'
root=''
own_lc=${LC_ALL-} had_lc=${LC_ALL+1} own_mask=$(umask)
umask 077
LC_ALL=C IFS=" $(printf '\t')$nl"
PATH=${PATH:-/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH POSIXLY_CORRECT ENV BASH_ENV

home=${XDG_STATE_HOME:-${HOME:-/}/.local/state}/gridtui/jobs
spool=$home/spool
IFS= read -r boot </proc/sys/kernel/random/boot_id || boot=unknown
IFS= read -r host </proc/sys/kernel/hostname || host=unknown
case $host in '' | .* | */*) host=unknown ;; esac
# Homes are shared by nodes at some places: what is of this start of this node lies apart.
run=$home/run/$host@$boot
# What the sandboxes' probe found, at this start of the node and by this version of it.
levels=$run/levels-${0##*-}

# --- time and processes, without a process

uptime() { # sets now
    IFS=' ' read -r now _ </proc/uptime
    now=${now%.*}${now#*.}
}

process() { # a number or self: sets proc_id, proc_born (start time in ticks), or fails
    IFS= read -r proc_line 2>/dev/null <"/proc/$1/stat" || return 1
    proc_id=${proc_line%% *}
    # shellcheck disable=SC2086
    set -- ${proc_line##*') '}
    case $1 in Z | X | x) return 1 ;; esac
    proc_born=${20}
}

alive() { # number, start time: whether this very process lives
    [ "$1" ] && process "$1" && [ "$proc_born" = "$2" ]
}

there() { kill -0 "$1"; } # number: some process has it

# A writer that neither blocks where nobody reads nor dies of it: FIFO, text. For readers that are never stopped.
put() { printf '%s\n' "$2" 2>/dev/null 1<>"$1"; }
