# Limits and the job's processes as one: a cgroup of version 2 or 1 where one can be written, else what ulimit has.
# box_memory, box_tasks (counts), box_cpus (hundredths of a processor) and box_disk (KiB a file) are the order's; 0: no limit.
box_v2='' box_v1='' box_limits=ulimit
# 1: the job's CPU time is in the file `times` already, because its processes are no children of the keeper.
box_timed=0
box_find() {
    box_limits=$(box_found limits) || box_limits=ulimit
    case $box_limits in
        cgroup2*) box_v2=${box_limits#cgroup2 }/$unit ;;
        cgroup1*) box_v1=${box_limits#cgroup1 } ;;
    esac
}

box_put() { { printf '%s\n' "$2" >"$1"; } 2>/dev/null || box_fail "cannot write $1"; }

# Called in the job's own process, just before it becomes the job.
box_enter() {
    case $box_limits in
        cgroup2*)
            mkdir "$box_v2" || box_fail "cannot make $box_v2"
            [ "$box_tasks" = 0 ] || [ ! -e "$box_v2/pids.max" ] || box_put "$box_v2/pids.max" "$box_tasks"
            if [ "$box_memory" != 0 ] && [ -e "$box_v2/memory.max" ]; then
                box_put "$box_v2/memory.max" "$box_memory"
                [ ! -e "$box_v2/memory.swap.max" ] || box_put "$box_v2/memory.swap.max" 0
                [ ! -e "$box_v2/memory.oom.group" ] || box_put "$box_v2/memory.oom.group" 1
            fi
            [ "$box_cpus" = 0 ] || [ ! -e "$box_v2/cpu.max" ] || box_put "$box_v2/cpu.max" "$((box_cpus * 1000)) 100000"
            box_put "$box_v2/cgroup.procs" 0
            ;;
        cgroup1*)
            for box_group in $box_v1; do
                mkdir "$box_group/$unit" || box_fail "cannot make $box_group/$unit"
                box_group=$box_group/$unit
                if [ -e "$box_group/memory.limit_in_bytes" ] && [ "$box_memory" != 0 ]; then
                    box_put "$box_group/memory.limit_in_bytes" "$box_memory"
                    [ ! -e "$box_group/memory.memsw.limit_in_bytes" ] || box_put "$box_group/memory.memsw.limit_in_bytes" "$box_memory"
                fi
                [ "$box_tasks" = 0 ] || [ ! -e "$box_group/pids.max" ] || box_put "$box_group/pids.max" "$box_tasks"
                if [ -e "$box_group/cpu.cfs_quota_us" ] && [ "$box_cpus" != 0 ]; then
                    box_put "$box_group/cpu.cfs_period_us" 100000
                    box_put "$box_group/cpu.cfs_quota_us" "$((box_cpus * 1000))"
                fi
                box_put "$box_group/cgroup.procs" 0
            done
            ;;
        *)
            # RLIMIT_DATA counts what is private and written, so that a program may reserve more than it uses; each process has its own.
            [ "$box_memory" = 0 ] || ulimit -d "$((box_memory / 1024))"
            # Counted are all processes of the login: those that are here already do not count against the job.
            set -- /proc/[0-9]*
            if (ulimit -u 100000) 2>/dev/null; then ulimit -u "$((box_tasks + $#))"; else ulimit -p "$((box_tasks + $#))"; fi 2>/dev/null
            ;;
    esac
    ulimit -c 0
    [ "$box_disk" = 0 ] || ulimit -f "$((box_disk * 2))"
}

box_members() {
    if [ -n "$box_v2" ]; then
        cat "$box_v2/cgroup.procs" 2>/dev/null
    elif [ -n "$box_v1" ]; then
        cat "${box_v1##* }/$unit/cgroup.procs" 2>/dev/null
    else
        box_tree
    fi
}
signal() {
    if [ "$1" = KILL ]; then sweep; else box_send "$1"; fi
}
freeze() {
    if [ -e "$box_v2/cgroup.freeze" ]; then
        echo 1 >"$box_v2/cgroup.freeze"
    elif [ -e "${box_v1%% *}/$unit/freezer.state" ]; then
        echo FROZEN >"${box_v1%% *}/$unit/freezer.state"
    else
        box_send STOP
    fi
}
thaw() {
    if [ -e "$box_v2/cgroup.freeze" ]; then
        echo 0 >"$box_v2/cgroup.freeze"
    elif [ -e "${box_v1%% *}/$unit/freezer.state" ]; then
        echo THAWED >"${box_v1%% *}/$unit/freezer.state"
    else
        box_send CONT
    fi
}
# weight low|normal. Without a cgroup, only root can go back to normal.
weight() {
    box_nice=0 box_weight=100 box_shares=1024
    [ "$1" = normal ] || { box_nice=19 box_weight=1 box_shares=2; }
    if [ -e "$box_v2/cpu.weight" ]; then
        echo $box_weight >"$box_v2/cpu.weight"
        return
    fi
    for box_group in $box_v1; do
        [ ! -e "$box_group/$unit/cpu.shares" ] || { echo $box_shares >"$box_group/$unit/cpu.shares" && return; }
    done
    for box_pid in $(box_members); do
        # Where the kernel groups by session, nice counts inside the group alone.
        echo $box_nice >"/proc/$box_pid/autogroup"
        renice -n $box_nice -p "$box_pid" >/dev/null
    done 2>/dev/null
    :
}

# After the job's end, in the keeper's own shell (a subshell knows nothing of the children): usage >FILE
usage() {
    box_cpu=''
    if [ -r "$box_v2/cpu.stat" ]; then
        while read -r box_word box_rest; do [ "$box_word" != usage_usec ] || box_cpu=$box_rest; done <"$box_v2/cpu.stat"
        [ ! -r "$box_v2/memory.peak" ] || { read -r box_rest <"$box_v2/memory.peak" && echo "memory $box_rest"; }
    fi
    for box_group in $box_v1; do
        [ ! -r "$box_group/$unit/cpuacct.usage" ] || { read -r box_cpu <"$box_group/$unit/cpuacct.usage" && box_cpu=$((box_cpu / 1000)); }
        [ ! -r "$box_group/$unit/memory.max_usage_in_bytes" ] || { read -r box_rest <"$box_group/$unit/memory.max_usage_in_bytes" && echo "memory $box_rest"; }
    done
    if [ -n "$box_cpu" ]; then
        printf 'cpu %d.%06d\n' $((box_cpu / 1000000)) $((box_cpu % 1000000))
    else
        [ "$box_timed" = 1 ] || times >"$job/times"
        awk -F '[ms ]+' 'NR == 2 { gsub(",", "."); printf "cpu %.3f\n", $1 * 60 + $2 + $3 * 60 + $4 }' "$job/times" 2>/dev/null
    fi
}
oom() {
    if [ -n "$box_v2" ]; then
        grep -qs '^oom_kill [1-9]' "$box_v2/memory.events"
    else
        for box_group in $box_v1; do
            if grep -qs '^oom_kill [1-9]' "$box_group/$unit/memory.oom_control"; then return 0; fi
        done
        return 1
    fi
}
sweep() {
    if [ -n "$box_v2" ]; then
        [ -e "$box_v2" ] || return 0
        echo 1 >"$box_v2/cgroup.kill" 2>/dev/null || box_kill_group "$box_v2"
        box_remove "$box_v2"
    elif [ -n "$box_v1" ]; then
        box_kill_group "${box_v1##* }/$unit"
        for box_group in $box_v1; do box_remove "$box_group/$unit"; done
    else
        box_round=0
        until box_kill || [ $box_round -ge 20 ]; do
            box_round=$((box_round + 1))
            sleep 0.05 2>/dev/null || sleep 1
        done
    fi
    :
}
box_kill_group() {
    freeze 2>/dev/null
    # shellcheck disable=SC2046
    kill -s KILL $(cat "$1/cgroup.procs" 2>/dev/null) 2>/dev/null
    thaw 2>/dev/null
    :
}
# A cgroup can be removed once its last process is gone, which takes the kernel a moment.
box_remove() {
    box_round=0
    while [ -e "$1" ] && ! rmdir "$1" 2>/dev/null && [ $box_round -lt 100 ]; do
        box_round=$((box_round + 1))
        # shellcheck disable=SC2046
        kill -s KILL $(cat "$1/cgroup.procs" 2>/dev/null) 2>/dev/null
        sleep 0.02 2>/dev/null || sleep 1
    done
}
