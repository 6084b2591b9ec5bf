# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# The keeper: one for each attempt

heard() { # a controller's ear: whether it asked for anything in the last 45 s
    IFS= read -r beat 2>/dev/null <"$1/beat" || return 1
    uptime
    beat=${beat##*[!0-9]}
    while case $beat in 0?*) ;; *) break ;; esac do beat=${beat#0}; done
    [ $((now - ${beat:-0})) -lt 4500 ]
}

# What the controllers of its queue are told. Those that did not ask for anything of late may be cut off: writing to them could take
# for ever, and the next one asks anyway.
tell() {
    for ear in "$run/ears/${key%%.*}".* "$run"/ears/-.*; do
        [ -p "$ear/fifo" ] || continue
        # Twice, since it may be written in this very moment.
        heard "$ear" || heard "$ear" || continue
        # The reader may go at any time: then this is no reader either, and the shell is told so.
        { { exec 6>"$ear/fifo"; } 5<>"$ear/fifo" && printf '! %s %.480s\n' "$key" "$1" >&6; } 2>/dev/null
        exec 6>&-
    done
}

finish() { # cause, why: writes the report. Only names are made here, so that it works on a full disk
    uptime
    set -- "$1" "${2%%"$nl"*}"
    line="exit=${code:--} cause=$1 level=$level took=$((now - since)) cpu=${cpu:--} memory=${memory:--} wrote=${wrote:--} why=$2"
    if [ "$forgotten" ]; then
        cd / && rm_tree "$job"
        return
    fi
    printf '%.480s\n' "$line" 1<>"$job/report"
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
        case $said in
            *' byte'*) got=${said%' byte'*} got=${got##*"$nl"} ;; # in the last line; warnings speak of bytes, too
            # Not every busybox tells.
            *) if [ -f "$2" ]; then got=$(($(wc -c <"$2") - size)); else got=$((block * count)); fi ;;
        esac
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
        wrote=$size turn=0 turns=0
        while [ -z "$eof" ]; do
            # What is written much beyond is slowed, to a sixteenth of the limit each quarter of a second.
            : >"$job/end.$turn"
            copy $((last < 262144 ? 262144 : last)) "$job/end.$turn" || { flaw=disk && break; }
            wrote=$((wrote + size)) newest=$turn newest_size=$size
            turn=$((1 - turn)) turns=$((turns + 1))
            [ "$eof" ] || [ $turns -lt 32 ] || pause
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
        umask "$own_mask"
        if [ "$had_lc" ]; then LC_ALL=$own_lc; else unset LC_ALL; fi
        # Who buries a dead keeper makes this file, too: one of both is too late.
        process self
        set -C
        printf '%s %s\n' "$proc_id" "$proc_born" >"$job/pid" || exit 126
        set +C
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
    job=$spool/$key work=$spool/$key/work unit=gridtui-$key
    cd "$job" || exit
    # This is what makes it exactly once: the file is made by one keeper alone.
    set -C
    { printf '' >keeper; } 2>/dev/null || exit 0
    set +C
    code='' cpu='' memory='' wrote='' pid='' cause=exit why='' forgotten='' ending='' oomed='' begun='' left=''
    held='' frozen='' back='' yielded='' told=''
    {
        printf '%s %s %s %s %s\n' "$proc_id" "$proc_born" "$since" "$boot" "$level" >keeper &&
            printf '%512s\n' '' >report && printf '%s' "$launcher" >launcher &&
            printf '%s\n%s' "$extra" "$command" >cmd && { [ -z "$scripted" ] || printf '%s' "$scripted" >script; }
    } 2>/dev/null || full
    exec 8<>ctl
    trap 'told=1 && put "$job/ctl" "end 5 evicted it was told to end with the node or the login"' TERM
    if [ "$inputs" ]; then
        said=$( (eval "$inputs") 2>&1 >/dev/null)
        case $? in
            0) ;;
            *) finish refused "${said##*"$nl"}" && exit ;;
        esac
    fi
    printf '' >"$run/live/$key"
    [ "$wall" = - ] || [ "$wall" -gt 1000 ] || eager
    pulse_on there
    eval "$launcher"
    attend | bound &
    printer=$!
    uptime
    looked=$now
    while IFS=' ' read -r word rest <&8 || uptime; do
        case $word in
            pid) pid=$rest ;;
            [0-9]*m*) cpu="$word,$rest" ;; # of times: the last line is the children's
            cpu) cpu=$rest ;;
            memory) memory=$rest ;;
            oom) oomed=1 ;;
            began) begun=1 ;;
            exit)
                code=$rest
                uptime
                left=$((now + 500))
                eager
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
    if [ -z "$ending" ] && goes_down; then
        ending=evicted why='the node went down'
    fi
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

# Whether the job ended because all here does: services and sessions may be ended seconds before the keeper is, and what the job made of
# its SIGTERM is no result. systemd forbids logins first of all then, which costs nothing to see.
goes_down() {
    [ -z "$told" ] || return 0
    if [ ! -e /run/nologin ]; then
        [ "${code:-255}" -ge 128 ] && [ -z "$oomed" ] || return 1
        sleep 1
        [ -z "$told" ] || return 0
        [ -e /run/nologin ] || return 1
    fi
    case $(systemctl is-system-running 2>/dev/null) in stopping | offline | '') [ -d /run/systemd/system ] ;; *) return 1 ;; esac
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
    eager
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

eager() { printf 1 >"$run/live/$key"; } # wants to be woken each second

hold() { # stops the job where it stands, or lets it go on, as the controller and the owner wish
    [ -z "$ending$code" ] || return
    if [ "$held$yielded" ]; then
        [ -z "$frozen" ] || return
        freeze
        frozen=1
        printf frozen >state
        (tell frozen) &
    elif [ "$frozen" ]; then
        thaw
        frozen=''
        printf '' >state
        (tell running) &
    fi
}

tick() { # once a second; fails when there is nothing more to wait for
    uptime
    if [ "$code" ]; then
        # something that cannot be found still holds its output
        [ "$now" -lt "$left" ] || {
            kill "$printer" 2>/dev/null
            return 1
        }
    elif [ "$ending" ]; then
        [ "$now" -lt "$kill_at" ] || signal KILL
        [ "$now" -lt $((kill_at + 6000)) ] || { why="$why; it cannot be ended" && return 1; }
    elif [ "$wall" != - ] && [ $((now - since)) -ge "$wall" ]; then
        stop "$grace" "wall its time was over"
        return 0
    else
        [ "$wall" = - ] || [ $((wall - now + since)) -gt 1000 ] || eager
        [ "$now" -ge $((looked + 450)) ] || return 0
        looked=$now
        if [ "$yields" = - ]; then
            no jobs
            [ -z "$closed" ] || stop "$grace" "evicted $closed"
        else
            give_way
        fi
    fi
    return 0
}

give_way() { # lower weight, then frozen, then ended; back again when the owner is gone
    no jobs
    [ "$closed" ] || no idle-jobs
    if [ "$closed" ]; then
        stop "$grace" "evicted $closed"
    elif [ "$idle_until" != - ] && [ "$now" -ge $((since + idle_until)) ]; then
        stop "$grace" "evicted its hours are over"
    else
        disturbed
        if [ -z "$closed" ]; then
            [ "$back" ] || return 0
            back='' yielded=''
            hold
            weight normal
            return 0
        fi
        [ "$back" ] || { back=$now && weight low; }
        if [ -z "$yielded" ] && [ "$now" -ge $((back + idle_freeze)) ]; then
            yielded=$now
            hold
        fi
        [ -z "$yielded" ] || [ "$now" -lt $((yielded + idle_evict)) ] || stop "$grace" "evicted $closed"
    fi
}
