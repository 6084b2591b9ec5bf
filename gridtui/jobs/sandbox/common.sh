# What every level builds on. The keeper gives job, work, unit and, once launch runs, pid (of launch's subshell).
# levels is the file with what probe.sh found here.
: "${levels:=${job%/*/*}/levels}"

# box_found WORD: the rest of probe.sh's line that begins so.
box_found() {
    while read -r box_word box_rest; do
        if [ "$box_word" = "$1" ]; then printf '%s\n' "$box_rest" && return; fi
    done <"$levels"
    return 1
} 2>/dev/null

# Not the job's failure: what it needs is not here (box_refuse), or this node is broken (any end before it began).
box_refuse() {
    printf '%s\n' "$*" >"$job/refused"
    exit 69
}
box_fail() {
    printf 'gridtui: %s\n' "$*" >&2
    exit 70
}
began() { [ -s "$job/began" ]; }

# The job's processes, one number a line, as far as they can be known without a cgroup: its session, what descends from it, and
# what carries its mark in the environment. The kernel escapes newlines in names, so the last bracket of a line is the right one.
box_tree() {
    {
        cat /proc/[0-9]*/stat
        grep -lsz "^GRIDTUI_UNIT=$unit\$" /proc/[0-9]*/environ | sed 's,/proc/\([0-9]*\)/.*,mark \1,'
    } 2>/dev/null | awk -v root="$pid" -v keeper="$$" '
        $1 == "mark" { mine[$2] = 1; next }
        { p = $1; sub(/.*\) /, ""); if ($1 == "Z") next; up[p] = $2; if ($4 == root || p == root) mine[p] = 1 }
        END {
            for (more = 1; more;) { more = 0; for (p in up) if (!(p in mine) && (up[p] in mine)) { mine[p] = 1; more = 1 } }
            for (p in mine) if ((p in up) && p != keeper && p > 1) print p
        }'
}

# box_kill: a tree that forks while it is killed is first brought to a stand.
box_kill() {
    box_last='' box_round=0
    while [ $box_round -lt 50 ]; do
        box_now=$(box_tree)
        [ "$box_now" != "$box_last" ] || break
        # shellcheck disable=SC2086
        [ -z "$box_now" ] || kill -s STOP $box_now 2>/dev/null
        box_last=$box_now box_round=$((box_round + 1))
    done
    # shellcheck disable=SC2086
    [ -z "$box_last" ] || kill -s KILL $box_last 2>/dev/null
    [ -z "$box_last" ]
}

# box_send NAME: to all but the processes of the sandbox itself, which would take the job with them.
box_send() {
    for box_pid in $(box_members); do
        [ "$box_pid" = "$box_spare" ] || kill -s "$1" "$box_pid" 2>/dev/null
    done
    :
}

# Where we are root, a job gets a user that nobody has: from systemd's range for such users, by the job's own name.
box_root=0
[ "$(id -u)" != 0 ] || box_root=1
box_own() {
    box_uid=$(printf %s "$unit" | cksum)
    box_uid=$((61184 + ${box_uid%% *} % 4336))
    chmod 755 "$job/cmd"
    chown -R -h "$box_uid:$box_uid" "$work" "$job/tmp" || box_fail "cannot give $work to the job"
}

# GPUs: box_gpus has the indices that nvidia-smi shows, or the order of /dev/dri for other makers. Sorted by bus, as nvidia-smi sorts.
box_devices() {
    [ -n "$box_gpus" ] || return 0
    if [ -e /dev/nvidiactl ]; then
        for box_path in /dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-uvm-tools /dev/nvidia-modeset; do
            [ ! -e $box_path ] || echo $box_path
        done
        for box_gpu in $box_gpus; do echo "/dev/nvidia$(box_gpu "$box_gpu" 'Device Minor' || echo "$box_gpu")"; done
    else
        [ ! -e /dev/kfd ] || echo /dev/kfd
        for box_gpu in $box_gpus; do
            box_count=0
            for box_path in /dev/dri/renderD*; do
                [ $box_count != "$box_gpu" ] || echo "$box_path"
                box_count=$((box_count + 1))
            done
        done
    fi
}
# box_gpu INDEX FIELD: of the kernel module's own description; asks no program.
box_gpu() {
    box_count=0
    for box_path in /proc/driver/nvidia/gpus/*/information; do
        [ -r "$box_path" ] || return 1
        if [ $box_count = "$1" ]; then
            sed -n "s/^$2:[[:space:]]*//p" "$box_path"
            return
        fi
        box_count=$((box_count + 1))
    done
    return 1
}
# Which GPUs programs see, by what does not depend on what else they see.
box_visible() {
    box_list=''
    for box_gpu in $box_gpus; do box_list=$box_list${box_list:+,}$(box_gpu "$box_gpu" 'GPU UUID' || echo "$box_gpu"); done
    export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES="${box_list:--1}"
    box_list=$(echo $box_gpus | tr ' ' ,)
    export ROCR_VISIBLE_DEVICES="${box_list:--1}"
}
