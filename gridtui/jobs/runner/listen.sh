# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# What the controller speaks with

say() { printf '@%s %s\n' "$nonce" "$1"; }

look() { # number of the request, key
    at=$spool/$2
    if [ -e "$at/forgotten" ] || [ ! -e "$at/keeper" ]; then
        say "$1 $2 unknown"
        return
    fi
    if [ -e "$at/ended" ]; then
        if IFS= read -r report 2>/dev/null <"$at/report"; then say "$1 $2 ended $report"; else say "$1 $2 lost its report cannot be read"; fi
        return
    fi
    IFS=' ' read -r who born since where level 2>/dev/null <"$at/keeper"
    uptime
    if [ -e "$at/buried" ]; then
        say "$1 $2 lost its keeper died"
    elif [ -z "$who" ]; then
        # being born, or killed in this very moment; if it only slept it finds that it is too late
        if [ "$(find "$at/keeper" -mmin +1 2>/dev/null)" ]; then
            bury "$2"
            say "$1 $2 lost its keeper died"
        else
            say "$1 $2 running took=0 level=plain"
        fi
    elif [ "$where" != "$boot" ]; then
        say "$1 $2 lost the node was started anew"
    elif alive "$who" "$born"; then
        state=''
        IFS= read -r state 2>/dev/null <"$at/state"
        say "$1 $2 ${state:-running} took=$((now - since)) level=$level"
    elif [ -e "$at/ended" ]; then
        look "$1" "$2"
    else
        bury "$2"
        say "$1 $2 lost its keeper died"
    fi
}

bury() { # ends what a dead keeper left
    (
        job=$spool/$1 work=$spool/$1/work unit=gridtui-$1 pid=''
        cd "$job" || exit
        # The job may be about to begin: now it does not, or it has told its number.
        set -C
        printf '' >pid || {
            tries=0
            until [ -s pid ] || [ $tries -ge 5 ]; do
                tries=$((tries + 1))
                sleep 0.1 || sleep 1
            done
        }
        set +C
        # shellcheck disable=SC2094
        IFS=' ' read -r pid born <"$job/pid"
        # The number may be another's by now; while any of its session lives, it is nobody else's.
        process "$pid" && [ "$proc_born" != "$born" ] && pid=''
        # shellcheck disable=SC1091
        [ -s launcher ] && . ./launcher && sweep
        printf '' >buried
    ) >/dev/null 2>&1 3<&-
}

# Folders are made ahead, many at once: then a start takes one process, which gives a folder its name.
stock() {
    pool=$run/pool.$me
    made=$((made + 1))
    rm -rf "$pool.$made"
    # shellcheck disable=SC2086
    set -- 0 1 2 3 4 5 6 7 8 9
    for each; do set -- "$@" "$pool.$made/$each/work" "$pool.$made/$each/tmp"; done
    shift 10
    mkdir -p "$@" 2>/dev/null || return 1
    set -- 0 1 2 3 4 5 6 7 8 9
    for each; do set -- "$@" "$pool.$made/$each/ctl"; done
    shift 10
    mkfifo "$@" 2>/dev/null || return 1
    ready=10
}

start() { # key, texts: launcher, command, script, inputs; wall, grace, output limit, disk, level, idle
    key=$1
    eval "launcher=\${text_$2} command=\${text_$3} scripted=\${text_$4} inputs=\${text_$5}"
    shift 5
    wall=$1 grace=$2 limit=$3 disk=$4 level=$5 yields=$6
    [ "$yields" = - ] || manners
    if [ -e "$spool/$key/keeper" ]; then
        look "$number" "$key"
    else
        if [ "$yields" = - ]; then no jobs; else disturbed; fi
        [ -z "$closed" ] && [ "$yields" != - ] && [ "$idle_until" = 0 ] && closed='its hours are over'
        if [ -z "$closed" ] && [ "$disk" != 0 ]; then
            value=$(free)
            case $value in *[!0-9]*) ;; *) [ "$value" -ge "$disk" ] || closed='it has not enough space' ;; esac
        fi
        [ -z "$closed" ] || {
            refuse "$closed"
            return
        }
        if [ ! -d "$spool/$key" ]; then
            [ "$ready" -gt 0 ] || stock || {
                refuse 'its folder cannot be made: no space left, or not writable'
                return
            }
            ready=$((ready - 1))
            mv "$pool.$made/$ready" "$spool/$key" 2>/dev/null
        fi
        if [ ! -d "$spool/$key" ]; then
            refuse 'its folder cannot be made: no space left, or not writable'
            return
        fi
        # Not as redirections of the function: the shell would keep the channel open beside them, to have it back afterwards.
        ( (
            exec </dev/null >/dev/null 2>&1 3<&-
            keep
        ) &)
        say "$number $key running took=0 level=$level"
    fi
}

refuse() { say "$number $key ended exit=- cause=refused level=$level took=0 cpu=- memory=- wrote=0 why=$1"; }

ground() { # what may change
    say "$number free $(free)"
    no jobs
    if [ "$closed" ]; then
        say "$number closed $closed"
    else
        no idle-jobs
        [ -z "$closed" ] || say "$number idle_closed $closed"
    fi
}

attempts() { # prints the keys of all
    for each in "$spool"/*; do
        each=${each##*/}
        case $each in *.*.*.*) say "$1 $each unknown" ;; esac
    done
}

wish() { # key, text: to its keeper, if it lives
    if [ -e "$spool/$1/keeper" ] && [ ! -e "$spool/$1/ended" ]; then put "$spool/$1/ctl" "$2"; fi
}

forget() { # keys
    for each; do
        at=$spool/$each
        who=''
        IFS=' ' read -r who born _ where _ 2>/dev/null <"$at/keeper"
        if [ -e "$at/ended" ] || [ "$where" != "$boot" ] || ! alive "$who" "$born"; then
            [ -e "$at/ended" ] || [ ! -s "$at/launcher" ] || bury "$each"
            [ ! -d "$at" ] || printf '' >"$at/forgotten"
            set -- "$@" "$at"
        else
            put "$at/ctl" forget
        fi
        shift
    done
    [ $# = 0 ] || (rm_tree "$@" &) >/dev/null 2>&1 3<&-
}

text() { # name, lines: what follows, until it is whole
    value=''
    left=$2
    while [ "$left" -gt 0 ] && IFS= read -r line <&3; do
        case $line in
            =*) value=$value${line#=}$nl ;; # a whole line
            -*) value=$value${line#-} ;;    # a piece of one
            '! '*) say "$line" && continue ;; # came between
            *) continue ;;
        esac
        left=$((left - 1))
    done
    eval "text_$1=\$value"
}

encoded() { if command -v base64 >/dev/null; then base64; else od -An -v -tx1; fi; }

send() { # number, key, offset, bytes: a piece of output
    say "$1 data"
    if [ "$3" -ge 0 ]; then
        tail -c "+$(($3 + 1))" "$spool/$2/out" 2>/dev/null | head -c "$4" | encoded
    else
        tail -c "${3#-}" "$spool/$2/out" 2>/dev/null | head -c "$4" | encoded
    fi
    say "$1 ."
}

free() { # bytes
    set -- "$(df -Pk "$spool" 2>/dev/null)"
    # shellcheck disable=SC2086
    set -- ${1##*"$nl"}
    case ${4-} in '' | *[!0-9]*) echo - ;; *) echo $(($4 * 1024)) ;; esac
}

listen() { # in a session of its own: the controller's requests and the keepers' words, in one stream
    me=$2 fleeting=$3 made=0 ready=0 beaten=0 nonce='' text_0='' extra=''
    uid=$(id -u)
    process self && printf '%s %s\n' "$proc_id" "$proc_born" >"$run/ears/$me/main"
    while IFS= read -r line <&3; do
        case $line in
            '! '*)
                say "$line"
                continue
                ;;
            'x '*)
                extra=${line#x }
                continue
                ;;
            bye) break ;;
        esac
        set -f
        # shellcheck disable=SC2086
        set -- $line
        set +f
        number=$1
        case $2 in
            hello)
                nonce=$3
                say "$number boot $boot"
                say "$number home $home"
                [ -z "$fleeting" ] || say "$number fleeting $fleeting"
                while IFS= read -r line; do say "$number level $line"; done <"$levels"
                ground
                ;;
            beat)
                ground
                for each in "$run"/live/*; do
                    [ ! -e "$each" ] || pulse_on alive
                    break
                done
                ;;
            text) text "$3" "$4" ;;
            drop) shift 2 && for each; do unset "text_$each"; done ;;
            start)
                shift 2
                start "$@"
                ;;
            poll) shift 2 && for each; do look "$number" "$each"; done ;;
            list) attempts "$number" ;;
            end)
                shift 2
                grace=$1
                shift
                for each; do wish "$each" "end $grace cancelled"; done
                ;;
            freeze | thaw)
                verb=$2
                shift 2
                for each; do wish "$each" "$verb"; done
                ;;
            forget) shift 2 && forget "$@" ;;
            read)
                send "$number" "$3" "$4" "$5"
                continue
                ;;
        esac
        uptime
        if [ $((now - beaten)) -ge 500 ]; then
            beaten=$now
            printf '%012d\n' "$now" 1<>"$run/ears/$me/beat"
        fi
        case $number in *[!0-9]* | '' | 0) ;; *) say "$number ." ;; esac
    done
    rm -rf "$run/pool.$me".* "$run/ears/$me"
}
