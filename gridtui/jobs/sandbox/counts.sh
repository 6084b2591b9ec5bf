# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# box_find WORD FILE: sets box_rest to the rest of the first line that begins so; false when there is none.
box_find() {
    while read -r box_word box_rest; do [ "$box_word" != "$1" ] || return 0; done <"$2"
    box_rest=''
    return 1
} 2>/dev/null
# What the cgroups counted: `cpu SECONDS`, `memory BYTES` (most at once), and `oom` where the kernel's OOM killer took something.
box_counts() {
    box_cpu=''
    if box_find usage_usec "$box_v2/cpu.stat"; then box_cpu=$box_rest; fi
    for box_path in $box_v1; do
        [ -n "$box_cpu" ] || [ ! -r "$box_path/cpuacct.usage" ] || { read -r box_cpu <"$box_path/cpuacct.usage" && box_cpu=$((box_cpu / 1000)); }
    done
    [ -z "$box_cpu" ] || printf 'cpu %d.%06d\n' $((box_cpu / 1000000)) $((box_cpu % 1000000))
    for box_path in $box_v2 $box_v1; do
        for box_word in memory.peak memory.max_usage_in_bytes; do
            [ ! -r "$box_path/$box_word" ] || { read -r box_rest <"$box_path/$box_word" && echo "memory $box_rest"; }
        done
        if box_find oom_kill "$box_path/memory.events" || box_find oom_kill "$box_path/memory.oom_control"; then
            [ "$box_rest" = 0 ] || echo oom
        fi
    done
} 2>/dev/null
