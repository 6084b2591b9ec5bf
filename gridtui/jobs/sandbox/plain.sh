# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# Its own session and limits, nothing else.
launch() {
    box_reset
    box_tmp
    export TMPDIR="$job/tmp" GRIDTUI_UNIT="$unit"
    box_visible
    box_enter
    cd "$work" || box_fail "no folder $work"
    echo began >"$job/began" || box_fail "cannot write to $job"
    exec setsid /bin/sh "$job/cmd" </dev/null
}
