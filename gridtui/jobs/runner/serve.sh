# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# The channel

clean() { # what killed ones left. One queue has one controller: a channel of it that is still there is cut off, or about to be
    for each in "$run"/ears/*; do
        [ -d "$each" ] || continue
        name=${each##*/}
        other=${name#*.}
        who='' born=''
        IFS=' ' read -r who born 2>/dev/null <"$each/main"
        if alive "$who" "$born"; then
            [ "${name%%.*}" = "$queue" ] || continue
            [ "$queue" != - ] || continue
            kill "$who" 2>/dev/null
        elif alive "${other%%.*}" "${other#*.}"; then
            continue
        fi
        rm -rf "$each" "$run/pool.$name".*
    done
    for each in "$home/run/$host"@*; do [ "$each" = "$run" ] || rm -rf "$each"; done
}

# systemd-logind may end all that a login started when it ends. Then what listens and all that it starts has to be elsewhere.
away() { # the command that listens; sets fleeting, to why its jobs will not outlive the login
    fleeting=''
    case $(cat /proc/self/cgroup 2>/dev/null) in *session-*) ;; *) return 1 ;; esac
    user=$(id -un)
    uid=$(id -u)
    kills=no spared='' only=''
    for value in $(loginctl show-session -p KillUserProcesses -p KillExcludeUsers -p KillOnlyUsers 2>/dev/null | tr ' ' ,); do
        case $value in
            KillUserProcesses=*) kills=${value#*=} ;;
            KillExcludeUsers=*) spared=,${value#*=}, ;;
            KillOnlyUsers=*) only=${value#*=} ;;
        esac
    done
    [ "$kills" = yes ] || return 1
    case $spared in *",$user,"*) return 1 ;; esac
    case ,$only, in ,, | *",$user,"*) ;; *) return 1 ;; esac
    if [ "$uid" = 0 ]; then
        systemd-run --quiet --scope true 2>/dev/null && return 0
    else
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$uid}
        export XDG_RUNTIME_DIR
        [ -e "/var/lib/systemd/linger/$user" ] || loginctl enable-linger 2>/dev/null
        [ -e "/var/lib/systemd/linger/$user" ] && systemd-run --user --quiet --scope true 2>/dev/null && return 0
    fi
    fleeting='logind ends what a login leaves (KillUserProcesses), and no scope can be had'
    return 1
}

tried() { # whether the sandboxes were tried since programs, ranges of ids, units and lingering users were last changed here
    [ -s "$levels" ] || return 1
    for each in /usr/bin /usr/local/bin /etc/subuid /etc/systemd/system /var/lib/systemd/linger; do
        # shellcheck disable=SC3013 # dash, bash and busybox know it
        ! [ "$each" -nt "$levels" ] || return 1
    done
}

serve() { # the queue, a shell. On the channel: it passes on what it reads, because the shell cannot wait for two things
    queue=$1
    shift
    for each in "$spool" "$run/ears" "$run/live"; do
        mkdir -p "$each" 2>/dev/null || unfit "$home cannot be written"
    done
    for each in setsid mkfifo dd head tail; do
        command -v $each >/dev/null || unfit "it has no $each"
    done
    clean
    process self
    me=$queue.$proc_id.$proc_born ear=$run/ears/$queue.$proc_id.$proc_born
    tried || {
        # In a process of its own: it moves itself from cgroup to cgroup.
        "$@" "$0" probe >"$levels.$$" 2>/dev/null </dev/null
        mv -f "$levels.$$" "$levels"
    }
    uptime
    { mkdir "$ear" && mkfifo "$ear/fifo" && printf '%012d\n' "$now" >"$ear/beat"; } 2>/dev/null || unfit "$run cannot be written"
    set -- setsid "$@"
    # Not every busybox has it; then load of ours cannot be told from others'.
    command -v nice >/dev/null && set -- nice -n 1 "$@"
    if ! away; then
        :
    elif [ "$uid" = 0 ]; then
        set -- systemd-run --quiet --scope "$@"
    else
        set -- systemd-run --user --quiet --scope "$@"
    fi
    # shellcheck disable=SC2094
    exec 4<>"$ear/fifo" 5>"$ear/fifo" 6<&0 3<"$ear/fifo" 4>&-
    # The controller's requests. It holds the one writing end that lasts: when it ends, the other side ends.
    (
        exec 3<&- >/dev/null
        while IFS= read -r line <&6; do printf '%s\n' "$line" >&5; done
    ) &
    copier=$!
    exec 5>&- 6<&-
    "$@" "$0" listen "$queue" "$me" "$fleeting" </dev/null 2>/dev/null &
    exec 3<&-
    wait $!
    kill "$copier" 2>/dev/null
}

unfit() {
    echo "unfit $1"
    exit 0
}

case ${1-} in
    serve) shift && serve "$@" ;;
    listen) listen "$2" "$3" "$4" ;;
    probe) probe ;;
    owner)
        root=${2-} run=${3:-$run}
        no jobs
        [ "$closed" ] || no idle-jobs
        owner
        printf 'closed=%s\nidle=%s\nbusy=%s\nbattery=%s\n' "$closed" "$idle" "$busy" "$powerless"
        ;;
esac
