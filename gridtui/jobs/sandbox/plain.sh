# Its own session and limits, nothing else.
launch() {
    box_find
    mkdir -p "$job/tmp"
    box_visible
    export TMPDIR="$job/tmp" GRIDTUI_UNIT="$unit"
    box_enter
    cd "$work" || box_fail "no folder $work"
    echo began >"$job/began" || box_fail "cannot write to $job"
    exec setsid "$job/cmd" </dev/null
}
box_spare=''
box_find
