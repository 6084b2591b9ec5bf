#!/bin/sh
# What a node does with jobs: docs/RUNNER.md. POSIX sh; needs no Python and leaves no daemon. No test in it takes a clock: all times
# are hundredths of a second since boot.
#   serve       reads requests from its input, one a line, and answers: the controller's channel
#   owner ROOT  what it thinks of the node's owner (ROOT: where to find /proc, /dev, /sys and /etc)
# shellcheck disable=SC2034 # job, work, unit and levels are for the launcher's text
nl='
'
self_lc=${LC_ALL-} had_lc=${LC_ALL+1} self_mask=$(umask) self_path=$PATH
umask 077
LC_ALL=C IFS=' '
PATH=${PATH:-/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH POSIXLY_CORRECT ENV BASH_ENV
set -f

home=${XDG_STATE_HOME:-${HOME:-/}/.local/state}/gridtui/jobs
spool=$home/spool
IFS= read -r boot </proc/sys/kernel/random/boot_id || boot=unknown
run=$home/run/$boot

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

# A writer that neither blocks where nobody reads nor dies of it: FIFO, text. For readers that are never stopped.
put() { printf '%s\n' "$2" 2>/dev/null 1<>"$1"; }

# --- the keeper: one for each attempt

# What the controllers of its queue are told. Those that did not ask for anything of late may be cut off: writing to them could take
# for ever, and the next one asks anyway.
tell() {
    set +f
    for ear in "$run/ears/${key%%.*}".*; do
        set -f
        IFS= read -r beat 2>/dev/null <"$ear/beat" || continue
        uptime
        [ $((now - beat)) -lt 4500 ] || continue
        # The reader may go at any time: then this is no reader either, and the shell is told so.
        { { exec 6>"$ear/fifo"; } 5<>"$ear/fifo" && printf '! %s %s\n' "$key" "$1" >&6; } 2>/dev/null
        exec 6>&-
    done
    set -f
}

finish() { # cause, why: writes the report. Only names are made here, so that it works on a full disk
    uptime
    set -- "$1" "${2%%"$nl"*}"
    line="exit=${code:--} cause=$1 level=$level took=$((now - since)) cpu=${cpu:--} memory=${memory:--} wrote=${wrote:--} why=$2"
    if [ "$forgotten" ]; then
        cd / && rm_tree "$job"
        return
    fi
    printf '%s\n' "$line" 1<>"$job/report"
    printf '' >"$job/ended"
    tell "ended $line"
}

rm_tree() {
    rm -rf "$@" 2>/dev/null && return
    chmod -R u+rwx "$@" 2>/dev/null
    rm -rf "$@" 2>/dev/null
}

copy() { # bytes at most, file: appends what comes. Sets size, eof; fails when it cannot be written
    size=0 eof=
    while [ $size -lt "$1" ]; do
        block=65536 count=$((($1 - size) / 65536))
        [ $count -gt 0 ] || block=$(($1 - size)) count=1
        [ $count -lt 256 ] || count=256
        said=$(dd bs=$block count=$count 2>&1 >>"$2")
        result=$?
        # "12+3 records in", "12+3 records out", "4567 bytes ..."; each read is a record, whole or not
        records=${said%%' records in'*} records=${records##*"$nl"}
        got=${said%' byte'*} got=${got##*"$nl"} got=${got%% *}
        case $got in '' | *[!0-9]*) got=0 ;; esac
        size=$((size + got))
        [ $result = 0 ] || return 1
        case $records in
            *[!0-9+]* | *+*+* | +* | *+ | '') eof=1 ;;
            *+*) [ $((${records%+*} + ${records#*+})) -lt $count ] && eof=1 ;;
        esac
        [ -z "$eof" ] || return 0
    done
}

bound() { # the job's output: its beginning in out, and then its end in turns in end.0 and end.1
    last=$((limit / 16)) flaw=-
    trap '' PIPE TERM INT HUP
    if copy $((limit - last)) "$job/out"; then
        wrote=$size turn=0
        while [ -z "$eof" ]; do
            # What is written beyond is slowed: a MiB each quarter of a second at most.
            : >"$job/end.$turn"
            copy $((last < 262144 ? 262144 : last)) "$job/end.$turn" || { flaw=disk && break; }
            wrote=$((wrote + size)) newest=$turn newest_size=$size
            turn=$((1 - turn))
            [ "$eof" ] || pause
        done
        [ -z "${newest-}" ] || join
    else
        wrote=$size flaw=disk
    fi
    # A job that goes on writing is not stopped by a full disk, but nothing of it is kept.
    while [ $flaw != - ] && ! [ "$eof" ]; do
        size=0
        copy 1048576 /dev/null
        wrote=$((wrote + size))
        [ "$eof" ] || pause
    done
    printf 'drained %s %s\n' "$wrote" "$flaw" >&8
}

pause() { sleep 0.25 2>/dev/null || sleep 1; }

join() { # puts the end behind the beginning
    kept=$((limit - last)) older=$((1 - newest))
    [ -e "$job/end.$older" ] || older=$newest
    if [ "$older" = "$newest" ]; then cat "$job/end.$newest"; else cat "$job/end.$older" "$job/end.$newest"; fi |
        tail -c "$last" >"$job/end" || flaw=disk
    left=$((wrote - kept - last))
    {
        [ $left -le 0 ] || printf '\n[gridtui: %s bytes are left out here]\n' $left
        cat "$job/end"
    } >>"$job/out" || flaw=disk
    rm -f "$job/end" "$job/end.0" "$job/end.1"
}

attend() { # starts the job, waits for it, and says how it ended
    (
        trap - PIPE TERM INT HUP
        exec 8>&-
        printf 500 >/proc/self/oom_score_adj
        umask "$self_mask"
        if [ "$had_lc" ]; then LC_ALL=$self_lc; else unset LC_ALL; fi
        PATH=$self_path
        cd "$work" && launch
    ) 2>&1 &
    pid=$!
    printf 'pid %s\n' "$pid" >&8
    trap '' PIPE TERM INT HUP
    wait "$pid"
    code=$?
    times >&8
    usage >&8
    if oom; then printf 'oom\n' >&8; fi
    if began; then printf 'began\n' >&8; fi
    printf 'exit %s\n' "$code" >&8
}

keep() {
    trap '' HUP INT PIPE
    process self || exit
    uptime
    since=$now
    job=$spool/$key work=$spool/$key/work unit=gridtui-$key levels=$run/levels
    cd "$job" || exit
    # This is what makes it exactly once: the file is made by one keeper alone.
    set -C
    { printf '' >keeper; } 2>/dev/null || exit 0
    set +C
    code='' cpu='' memory='' wrote='' pid='' cause=exit why='' forgotten='' ending='' frozen='' oomed='' begun='' held='' left=''
    {
        printf '%s %s %s %s %s\n' "$proc_id" "$proc_born" "$since" "$boot" "$level" >keeper &&
            printf '%512s\n' '' >report && printf '%s' "$launcher" >launcher &&
            printf '%s\n%s' "$extra" "$command" >cmd && { [ -z "$scripted" ] || printf '%s' "$scripted" >script; }
    } 2>/dev/null || full
    exec 8<>ctl
    trap 'put "$job/ctl" "end 5 evicted the node told it to end"' TERM
    if [ "$inputs" ]; then
        said=$( (eval "$inputs") 2>&1 >/dev/null)
        case $? in
            0) ;;
            *) finish refused "${said##*"$nl"}" && exit ;;
        esac
    fi
    printf '' >"$run/live/$key"
    pulse_on
    eval "$launcher"
    attend | bound &
    printer=$!
    while IFS=' ' read -r word rest <&8 || uptime; do
        case $word in
            pid) pid=$rest && printf '%s' "$pid" >pid ;;
            [0-9]*m*) cpu="$word,$rest" ;; # of times: the last line is the children's
            cpu) cpu=$rest ;;
            memory) memory=$rest ;;
            oom) oomed=1 ;;
            began) begun=1 ;;
            exit)
                code=$rest
                uptime
                left=$((now + 500))
                sweep
                ;;
            drained)
                wrote=${rest%% *}
                [ "${rest#* }" = - ] || cause=disk why='no space left for its output'
                break
                ;;
            end) stop "${rest%% *}" "${rest#* }" ;;
            freeze) held=1 && hold ;;
            thaw) held='' && hold ;;
            forget) forgotten=1 && stop 0 'cancelled' ;;
            tick) tick || break ;;
        esac
    done
    trap '' TERM
    if [ -z "$code" ]; then
        sweep
        [ "$ending" ] || cause=broken why='what waited for the job was killed'
    fi
    if [ -z "$ending" ] && [ "$cause" = exit ]; then
        if [ -e refused ]; then
            cause=refused && IFS= read -r why <refused
        elif [ -z "$begun" ]; then
            cause=broken && why=$(tail -n 1 out | head -c 300)
        elif [ "$oomed" ]; then
            cause=memory why='it needed more memory than it has'
        fi
    fi
    finish "${ending:-$cause}" "$why"
}

full() { # not even its folder can be written
    uptime
    tell "ended exit=- cause=refused level=$level took=0 cpu=- memory=- wrote=- why=no space left for its folder"
    cd / && rm_tree "$job"
    exit 0
}

stop() { # seconds of grace, cause and why
    uptime
    deadline=$((now + $1 * 100))
    if [ -z "$ending" ]; then
        ending=${2%% *} why=${2#"$ending"} why=${why# } kill_at=$deadline
    elif [ $deadline -lt "$kill_at" ]; then
        kill_at=$deadline
    fi
    [ -z "$code" ] || return
    if [ "$1" = 0 ]; then
        signal KILL
        [ -z "$frozen" ] || thaw
    else
        signal TERM
        [ -z "$frozen" ] || thaw
    fi
    frozen=''
}

hold() { # as it is wished
    [ -z "$ending" ] && [ -z "$code" ] || return
    if [ "$held" ]; then
        [ "$frozen" ] || { freeze && frozen=1 && printf frozen >state && (tell frozen) & }
        frozen=1
    elif [ "$frozen" ]; then
        frozen=''
        thaw && printf '' >state && (tell running) &
    fi
}

tick() { # once a second; fails when there is nothing more to wait for
    uptime
    if [ "$code" ]; then
        # something that cannot be found still holds its output
        [ $now -lt "$left" ] || { kill "$printer" 2>/dev/null && return 1; }
    elif [ "$ending" ]; then
        [ $now -lt "$kill_at" ] || signal KILL
        [ $now -lt $((kill_at + 6000)) ] || { why="$why; it cannot be ended" && return 1; }
    elif [ "$wall" != - ] && [ $((now - since)) -ge "$wall" ]; then
        stop "$grace" "wall its time was over"
    fi
    return 0
}

# --- the pulse: one process that wakes the keepers each second, as long as there are any

pulse_on() {
    IFS=' ' read -r beat_id beat_born 2>/dev/null <"$run/pulse" && alive "$beat_id" "$beat_born" && return
    (pulse 8>&- &)
}

pulse() {
    trap '' HUP INT PIPE
    process self || exit
    mine="$proc_id $proc_born"
    printf '%s\n' "$mine" >"$run/pulse"
    none=0
    while [ $none -lt 10 ]; do
        sleep 1
        IFS= read -r current 2>/dev/null <"$run/pulse" && [ "$current" != "$mine" ] && exit
        none=$((none + 1))
        gone=''
        set +f
        for mark in "$run"/live/*; do
            name=${mark##*/}
            [ "$name" != '*' ] || break
            if [ -e "$spool/$name/ended" ] || ! [ -p "$spool/$name/ctl" ]; then
                gone="$gone $mark"
            else
                put "$spool/$name/ctl" tick
                none=0
            fi
        done
        set -f
        # shellcheck disable=SC2086
        [ -z "$gone" ] || (cd "$run/live" && set -- $gone && rm -f "$@")
        # A keeper that comes now looks for the pulse after its own mark was made, and we for marks after ours was taken.
        [ $none -lt 10 ] || {
            rm -f "$run/pulse"
            set +f
            for mark in "$run"/live/*; do [ ! -e "$mark" ] || none=0; done
            set -f
            [ $none != 0 ] || printf '%s\n' "$mine" >"$run/pulse"
        }
    done
}

# --- what the controller speaks with

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
    if [ -z "$who" ]; then
        # being born, or killed in this very moment
        if [ "$(find "$at/keeper" -mmin +1 2>/dev/null)" ]; then say "$1 $2 lost its keeper died"; else say "$1 $2 running took=0 level=plain"; fi
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
        job=$spool/$1 work=$spool/$1/work unit=gridtui-$1 levels=$run/levels pid=''
        cd "$job" || exit
        IFS= read -r pid 2>/dev/null <pid
        # shellcheck disable=SC1091
        [ -s launcher ] && . ./launcher && sweep
    ) >/dev/null 2>&1 3<&-
}

# Folders are made ahead, many at once: then a start takes one process, which gives a folder its name.
stock() {
    pool=$run/pool.$me
    made=$((made + 1))
    rm -rf "$pool.$made"
    # shellcheck disable=SC2086
    set -- 0 1 2 3 4 5 6 7 8 9
    for each; do set -- "$@" "$pool.$made/$each/work"; done
    shift 10
    mkdir -p "$@" 2>/dev/null || return 1
    for each; do set -- "$@" "${each%/work}/ctl" && shift; done
    mkfifo "$@" 2>/dev/null || return 1
    ready=10
}

start() { # key, texts: launcher, command, script, inputs; wall, grace, output limit, disk, level, idle
    key=$1
    eval "launcher=\${text_$2} command=\${text_$3} scripted=\${text_$4} inputs=\${text_$5}"
    shift 5
    wall=$1 grace=$2 limit=$3 disk=$4 level=$5 idle=$6
    if [ -e "$spool/$key/keeper" ]; then
        look "$number" "$key"
    else
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
        (keep </dev/null >/dev/null 2>&1 3<&- &)
        say "$number $key running took=0 level=$level"
    fi
}

refuse() { say "$number $key ended exit=- cause=refused level=$level took=0 cpu=- memory=- wrote=0 why=$1"; }

attempts() { # prints the keys of all
    set +f
    for each in "$spool"/*; do
        set -f
        each=${each##*/}
        case $each in *.*.*.*) say "$1 $each unknown" ;; esac
    done
    set -f
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
            *) continue ;;                 # an event came between
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
    me=$2 made=0 ready=0 nonce='' text_0='' extra=''
    uptime
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
        # shellcheck disable=SC2086
        set -- $line
        number=$1
        case $2 in
            hello)
                nonce=$3
                say "$number boot $boot"
                say "$number home $home"
                say "$number free $(free)"
                while IFS= read -r line; do say "$number level $line"; done <"$run/levels"
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
            free) say "$number free $(free)" ;;
        esac
        uptime
        printf '%s\n' "$now" >"$run/ears/$me/beat"
        case $number in *[!0-9]* | '') ;; *) say "$number ." ;; esac
    done
    set +f
    rm -rf "$run/pool.$me".* "$run/ears/$me"
}

serve() { # the queue, a shell. On the channel: it passes on what it reads, because the shell cannot wait for two things
    for each in "$spool" "$run/ears" "$run/live"; do
        mkdir -p "$each" || {
            echo "unfit $home cannot be written"
            exit 0
        }
    done
    queue=$1
    shift
    process self
    me=$queue.$proc_id.$proc_born ear=$run/ears/$queue.$proc_id.$proc_born
    [ -s "$run/levels" ] || {
        (probe) >"$run/levels.$$" 2>/dev/null </dev/null
        mv -f "$run/levels.$$" "$run/levels"
    }
    rm -rf "$ear"
    mkdir "$ear" && mkfifo "$ear/fifo" || {
        echo "unfit $run cannot be written"
        exit 0
    }
    uptime
    echo "$now" >"$ear/beat"
    exec 4<>"$ear/fifo" 5>"$ear/fifo" 6<&0 3<"$ear/fifo" 4>&-
    # The controller's requests. It holds the one writing end that lasts: when it ends, the other side ends.
    (
        exec 3<&- >/dev/null
        while IFS= read -r line <&6; do printf '%s\n' "$line" >&5; done
    ) &
    exec 5>&- 6<&-
    copier=$!
    nice -n 1 setsid "$@" "$0" listen "$queue" "$me" </dev/null 2>/dev/null &
    exec 3<&-
    wait $!
    kill "$copier" 2>/dev/null
}

case ${1-} in
    serve) shift && serve "$@" ;;
    listen) listen "$2" "$3" ;;
esac
