# shellcheck shell=sh disable=SC2034,SC2154 # the parts are one script, and some names are for the launcher's text
# The pulse: one process that wakes the keepers each second, as long as there are any

pulse_on() { # what asks whether that process lives; a keeper does not look so closely, the controller's beat does
    IFS=' ' read -r beat_id beat_born 2>/dev/null <"$run/pulse" && "$@" "$beat_id" "$beat_born" 2>/dev/null && return
    ( (
        exec 8>&- </dev/null >/dev/null 2>&1 3<&-
        pulse
    ) &)
}

pulse() {
    trap '' HUP INT PIPE
    process self || exit
    mine="$proc_id $proc_born"
    printf '%s\n' "$mine" >"$run/pulse"
    none=0 round=0
    while [ $none -lt 10 ]; do
        sleep 1
        IFS= read -r current 2>/dev/null <"$run/pulse" && [ "$current" != "$mine" ] && exit
        none=$((none + 1)) round=$((round + 1))
        gone=''
        for mark in "$run"/live/*; do
            name=${mark##*/}
            [ "$name" != '*' ] || break
            if [ -e "$spool/$name/ended" ] || ! [ -p "$spool/$name/ctl" ]; then
                gone="$gone $mark"
            else
                none=0
                # A keeper has little to do but now and then, unless it says so.
                if [ -s "$mark" ] || [ $((round % 5)) = 0 ]; then put "$spool/$name/ctl" tick; fi
            fi
        done
        # shellcheck disable=SC2086
        [ -z "$gone" ] || (cd "$run/live" && set -- $gone && rm -f "$@")
        # A keeper that comes now looks for the pulse after its own mark was made, and we for marks after ours was taken.
        [ $none -lt 10 ] || {
            rm -f "$run/pulse"
            for mark in "$run"/live/*; do [ ! -e "$mark" ] || none=0; done
            [ $none != 0 ] || printf '%s\n' "$mine" >"$run/pulse"
        }
    done
}
