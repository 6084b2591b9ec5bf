# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# The owner: whether somebody is here, and what the node does that is not ours. $root is where to look, for tests

no() { # jobs or idle-jobs: sets closed, to why not
    closed=''
    for each in "$root/etc/gridtui/no-$1" "$root${HOME:-}/.config/gridtui/no-$1"; do
        [ -e "$each" ] || continue
        said=''
        IFS= read -r said 2>/dev/null <"$each"
        closed="its owner wants no $1 ($each${said:+: $said})"
        return
    done
}

terminals() { # sets newest: the last time that somebody typed, by the node's clock; empty where that cannot be had
    newest=''
    for each in $(stat -c %X "$root"/dev/pts/[0-9]* "$root"/dev/tty[0-9]* 2>/dev/null); do
        [ "$each" -le "${newest:-0}" ] || newest=$each
    done
}

desktops() { # sets idle to the seconds without a touch where a screen is in use and less than it
    for each in "$root"/run/systemd/sessions/*; do
        graphic='' class=''
        [ -f "$each" ] || continue
        while IFS='=' read -r name value; do
            case $name=$value in TYPE=x11 | TYPE=wayland | TYPE=mir) graphic=1 ;; CLASS=user) class=1 ;; esac
        done 2>/dev/null <"$each"
        [ "$graphic$class" = 11 ] || continue
        hint=no since_boot=0
        for value in $(loginctl show-session "${each##*/}" -p IdleHint -p IdleSinceHintMonotonic 2>/dev/null); do
            case $value in IdleHint=*) hint=${value#*=} ;; IdleSinceHintMonotonic=*) since_boot=${value#*=} ;; esac
        done
        case $hint$since_boot in yes*[!0-9]*) value=0 ;; yes?*) value=$((now / 100 - since_boot / 1000000)) ;; *) value=0 ;; esac
        [ $value -ge "$idle" ] || idle=$((value < 0 ? 0 : value))
    done
}

battery() { # sets powerless where the node runs on its battery
    powerless=0
    for each in "$root"/sys/class/power_supply/*; do
        kind='' state='' scope=''
        IFS= read -r kind 2>/dev/null <"$each/type"
        IFS= read -r state 2>/dev/null <"$each/status"
        IFS= read -r scope 2>/dev/null <"$each/scope"
        case $kind-$state-$scope in *-Device) ;; Battery-Discharging* | UPS-Discharging*) powerless=1 ;; esac
    done
}

# What keepers found last is kept for five seconds, and what is needed to see changes: the clock may be set meanwhile, so that after
# the first look only a change of the newest access counts. Ours runs with nice 1 or more, which the kernel counts apart.
owner() { # sets idle (seconds), busy (thousandths of a core for each core) and powerless
    uptime
    was='' was_newest='' was_active='' was_other='' was_all='' idle='' busy=0 powerless=0
    IFS=' ' read -r was was_newest was_active was_other was_all idle busy powerless last 2>/dev/null <"$run/owner"
    [ "${last-}" = . ] || was=''
    [ -z "$was" ] || [ $((now - was)) -ge 500 ] || return 0
    terminals
    newest=${newest:-0}
    if [ "$was" ]; then
        active=$now
        [ "$newest" != "$was_newest" ] || active=$was_active
    else
        # The first look. A time in the future was written before the clock was set back: nobody knows, so it counts as now.
        active=0
        [ "$newest" = 0 ] || active=$((now - ($(date +%s) - newest) * 100))
        [ $active -le "$now" ] || active=$now
    fi
    idle=$(((now - active) / 100))
    desktops
    battery
    IFS=' ' read -r _ user nice system rest 2>/dev/null <"$root/proc/stat"
    # idle iowait irq softirq steal: the kernel's work is shared out as the programs' is
    # shellcheck disable=SC2086
    set -- $rest
    other=$((user + (user + nice > 0 ? system * user / (user + nice) : system) + ${3:-0} + ${4:-0}))
    all=$((user + nice + system + $1 + $2 + ${3:-0} + ${4:-0} + ${5:-0}))
    if [ "$was" ] && [ $all -gt "$was_all" ]; then
        value=$(((other - was_other) * 1000 / (all - was_all)))
        busy=$(((busy * 3 + (value < 0 ? 0 : value)) / 4))
    else
        busy=0
    fi
    printf '%s\n' "$now $newest $active $other $all $idle $busy $powerless ." >"$run/owner"
}

disturbed() { # sets closed, to why a job that gives way must not run now
    no jobs
    [ "$closed" ] || no idle-jobs
    [ -z "$closed" ] || return
    owner
    if [ "$idle" -lt "$idle_after" ]; then
        closed='somebody is working there'
    elif [ "$busy" -gt "$idle_load" ]; then
        closed='it has work of its own'
    elif [ "$powerless" = 1 ] && [ "$idle_battery" = 0 ]; then
        closed='it runs on battery'
    fi
}

manners() { # takes what a job that gives way asks for apart: hundredths of a second, but seconds of idleness and thousandths of load
    usual=$IFS
    IFS=,
    # shellcheck disable=SC2086
    set -- $yields
    IFS=$usual
    idle_after=$1 idle_load=$2 idle_battery=$3 idle_freeze=$4 idle_evict=$5 idle_until=$6
}
