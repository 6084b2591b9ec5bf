# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# The job's processes as one: a cgroup of version 2, of version 1, or both (hybrid); where none can be had, what can be known of its processes.
# $job/box names the cgroups, so that whoever comes after a keeper's death finds them: `v2 PATH`, `v1 PATH...`.
# box_memory, box_tasks (counts) and box_cpus (hundredths of a processor) are the order's; 0: no limit.
box_v2='' box_v1=''
box_reset() {
    unset IFS
    set +f
    [ -s "$job/box" ] || return 0
    if box_find v2 "$job/box"; then box_v2=$box_rest; fi
    if box_find v1 "$job/box"; then box_v1=$box_rest; fi
}
: "${box_mount:=/sys/fs/cgroup}"
box_unified=$box_mount
[ -e "$box_mount/cgroup.procs" ] || box_unified=$box_mount/unified

# box_put FILE VALUE: if there is such a file, it has to take the value.
box_put() { [ ! -e "$1" ] || { printf '%s\n' "$2" >"$1"; } 2>/dev/null || box_fail "cannot write $2 to $1"; }

# box_join: the job's own process goes into cgroups below those that probe.sh found or that systemd gives us now.
box_join() {
    case $box_limits in
        scope) box_scope ;;
        tree) box_base=/gridtui ;;
    esac
    while IFS=: read -r box_word box_names box_path; do
        case $box_names in
            '') [ ! -e "$box_unified/cgroup.procs" ] || box_v2=$box_unified$box_base/$unit ;;
            name=* | cpuset | devices | blkio | net_* | perf_event | hugetlb | rdma | misc) ;;
            *)
                # Of a scope, systemd makes the folders, where it has the controller.
                if [ "$box_limits" = tree ] || [ -e "$box_mount/$box_names$box_base/cgroup.procs" ]; then
                    box_v1="$box_v1${box_v1:+ }$box_mount/$box_names$box_base/$unit"
                fi
                ;;
        esac
    done </proc/self/cgroup
    [ "$box_limits" != tree ] || mkdir -p ${box_v2:+"$box_unified$box_base"} 2>/dev/null
    # Controllers of version 2 are let through by whoever is above.
    if [ -n "$box_v2" ] && [ "$box_limits" = tree ]; then box_let "$box_unified"; fi
    [ -z "$box_v2" ] || box_let "$box_unified$box_base"
    # shellcheck disable=SC2086
    if [ "$box_limits" = tree ]; then mkdir -p $box_v2 $box_v1; else mkdir $box_v2 $box_v1; fi 2>/dev/null
    set -- "$box_v2" "$box_v1"
    box_v2='' box_v1=''
    # shellcheck disable=SC2068
    for box_path in $1; do [ ! -e "$box_path/cgroup.procs" ] || box_v2=$box_path; done
    for box_path in $2; do [ ! -e "$box_path/cgroup.procs" ] || box_v1="$box_v1${box_v1:+ }$box_path"; done
    printf 'v2 %s\nv1 %s\n' "$box_v2" "$box_v1" >"$job/box"
    [ -n "$box_v2$box_v1" ] || box_fail "no cgroup can be made here"
    # Which of them the kernel holds; what is missing is ulimit's.
    box_held=''
    for box_path in $box_v2 $box_v1; do
        [ ! -e "$box_path/memory.max" ] && [ ! -e "$box_path/memory.limit_in_bytes" ] || box_held="$box_held memory"
        [ ! -e "$box_path/pids.max" ] || box_held="$box_held tasks"
        [ ! -e "$box_path/cpu.max" ] && [ ! -e "$box_path/cpu.cfs_quota_us" ] || box_held="$box_held cpu"
        [ "$box_tasks" = 0 ] || box_put "$box_path/pids.max" "$box_tasks"
        if [ "$box_memory" != 0 ]; then
            box_put "$box_path/memory.max" "$box_memory"
            box_put "$box_path/memory.swap.max" 0
            box_put "$box_path/memory.oom.group" 1
            box_put "$box_path/memory.limit_in_bytes" "$box_memory"
            box_put "$box_path/memory.memsw.limit_in_bytes" "$box_memory"
        fi
        if [ "$box_cpus" != 0 ]; then
            box_put "$box_path/cpu.max" "$((box_cpus * 1000)) 100000"
            box_put "$box_path/cpu.cfs_quota_us" "$((box_cpus * 1000))"
        fi
        box_put "$box_path/cgroup.procs" 0
    done
    printf 'held%s\n' "$box_held" >>"$job/box"
}

box_let() {
    read -r box_rest <"$1/cgroup.subtree_control"
    for box_word in cpu memory pids; do
        case " $box_rest " in *" $box_word "*) ;; *) echo "+$box_word" >"$1/cgroup.subtree_control" ;; esac
    done
} 2>/dev/null

# box_scope: into a scope of systemd's that is ours to divide. So a login's end does not end jobs, and grid.slice, where there is one, bounds all
# of them together. Only systemd may move what is not root's: asked are this process, the keeper, and the shell that the keeper came from, whose
# later children are there already.
box_scope() {
    box_round=0
    while [ $box_round -lt $((3 + 7 * box_root)) ]; do
        box_round=$((box_round + 1))
        while IFS=: read -r box_word box_names box_path; do
            case $box_names:$box_path in :*/gridtui-*.scope/keepers) box_base=${box_path%/keepers} && return ;; esac
        done </proc/self/cgroup
        box_chain
        if [ "$box_root" = 1 ]; then
            box_base=/grid.slice/gridtui-jobs.scope
            ! box_settle || return 0
            set -- --system gridtui-jobs.scope 5 Slice s grid.slice
        else
            set -- --user "$unit.scope" 4
        fi
        box_manager=$1 box_name=$2 box_count=$3
        shift 3
        # shellcheck disable=SC2086
        set -- PIDs au "$(set -- $box_pids && echo $#)" $box_pids Delegate b true CollectMode s inactive-or-failed Description s 'Jobs of the grid' "$@" 0
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$uid} busctl "$box_manager" --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
            StartTransientUnit 'ssa(sv)a(sa(sv))' "$box_name" fail "$box_count" "$@" >"$job/box.bus" 2>&1 || {
            # There is one of that name: another keeper's, which will be seen in a moment, or an old one that goes.
            box_wait=0
            while [ "$box_root" = 1 ] && [ $box_wait -lt 25 ]; do
                box_wait=$((box_wait + 1))
                box_nap
                ! box_settle || return 0
            done
            continue
        }
        # It is done when it is seen.
        box_wait=0
        while [ $box_wait -lt 100 ]; do
            box_wait=$((box_wait + 1))
            while IFS=: read -r box_word box_names box_path; do
                case $box_names:$box_path in :*/"$box_name" | name=systemd:*/"$box_name") box_base=$box_path && box_settle && return ;; esac
            done </proc/self/cgroup
            box_nap
        done
    done
    box_fail "systemd gives no scope: $(tail -n 1 "$job/box.bus")"
}
# box_chain: sets box_pids: this process and those above it, up to the shell that all of them came from, or two.
box_chain() {
    read -r box_pid box_rest </proc/self/stat
    box_pids=''
    [ ! -d "/proc/$$" ] || box_pids=$$
    box_deep=0
    while [ "$box_pid" != $$ ] && [ "$box_pid" -gt 1 ] && [ $box_deep -lt 3 ]; do
        box_pids="$box_pids $box_pid" box_deep=$((box_deep + 1))
        read -r box_rest <"/proc/$box_pid/stat" || break
        # shellcheck disable=SC2086
        set -- ${box_rest##*') '}
        box_pid=$2
    done
}
# box_settle: keepers live in a cgroup of their own beside the jobs, where limits and kills do not reach them, and processes live in leaves alone.
box_settle() {
    if [ -e "$box_unified/cgroup.procs" ]; then
        [ -e "$box_unified$box_base/cgroup.procs" ] || return 1
        mkdir "$box_unified$box_base/keepers"
        for box_pid in $box_pids; do echo "$box_pid" >"$box_unified$box_base/keepers/cgroup.procs" || return 1; done
    elif [ ! -e "$box_mount/systemd$box_base/cgroup.procs" ]; then
        return 1
    fi
    while IFS=: read -r box_word box_names box_path; do
        box_path=$box_mount/${box_names#name=}$box_base/cgroup.procs
        [ -e "$box_path" ] || [ "$box_names" = name=systemd ] || continue
        for box_pid in $box_pids; do echo "$box_pid" >"$box_path"; done
    done </proc/self/cgroup
    return 0
} 2>/dev/null

# The job's processes, one number a line.
box_members() {
    if [ -n "$box_v2" ]; then
        box_listed "$box_v2"
    elif [ -n "$box_v1" ]; then
        box_listed "${box_v1##* }"
    else
        box_tree
    fi
}
# 0 is what cannot be seen from here, and would be ourselves.
box_listed() { while read -r box_pid; do [ "$box_pid" -le 1 ] || echo "$box_pid"; done <"$1/cgroup.procs"; } 2>/dev/null
# As far as they can be known without a cgroup: the job's session, what descends from it, and what carries its mark in the environment.
# The kernel escapes newlines in names, so the last bracket of a line is the right one.
box_tree() {
    {
        cat /proc/[0-9]*/stat
        grep -lsz "^GRIDTUI_UNIT=$unit\$" /proc/[0-9]*/environ | sed 's,/proc/\([0-9]*\)/.*,mark \1,'
    } 2>/dev/null | awk -v root="${pid:-0}" -v keeper="$$" '
        $1 == "mark" { mine[$2] = 1; next }
        { p = $1; sub(/.*\) /, ""); if ($1 == "Z") next; up[p] = $2; if (root > 1 && ($4 == root || p == root)) mine[p] = 1 }
        END {
            for (more = 1; more;) { more = 0; for (p in up) if (!(p in mine) && (up[p] in mine)) { mine[p] = 1; more = 1 } }
            for (p in mine) if ((p in up) && p != keeper && p > 1) print p
        }'
}

# signal NAME: to all of the job's processes. Where they are in a namespace of their own, those outside of it are the sandbox's, and would take
# the job with them.
signal() (
    box_reset
    if [ "$1" = KILL ]; then
        sweep
    else
        for box_pid in $(box_members); do
            [ $box_nested = 0 ] || box_within "$box_pid" || continue
            kill -s "$1" "$box_pid" 2>/dev/null
        done
    fi
    :
)
box_nested=0
# box_within PID: whether it has more numbers, one a namespace, than this shell.
box_within() {
    box_rest=$(sed -n 's/^NSpid://p' "/proc/$1/status" 2>/dev/null)
    # shellcheck disable=SC2086
    set -- $box_rest
    box_deep=$#
    box_rest=$(sed -n 's/^NSpid://p' /proc/self/status)
    # shellcheck disable=SC2086
    set -- $box_rest
    [ "$box_deep" -gt $# ]
}
# box_freeze 1|0, by v2, v1, or signals; a process can tell the last and cannot prevent it.
box_freeze() {
    # One that was stopped before it had its cgroup was stopped by signals, whatever it has now.
    [ "$1" = 1 ] || [ ! -e "$job/box.stopped" ] || box_continue
    if [ -e "$box_v2/cgroup.freeze" ]; then
        echo "$1" >"$box_v2/cgroup.freeze"
        return
    fi
    for box_path in $box_v1; do
        [ -e "$box_path/freezer.state" ] || continue
        if [ "$1" = 1 ]; then echo FROZEN; else echo THAWED; fi >"$box_path/freezer.state"
        return
    done
    if [ "$1" = 1 ]; then
        : >"$job/box.stopped"
        for box_pid in $(box_members); do kill -s STOP "$box_pid" 2>/dev/null; done
    else
        box_continue
    fi
}
box_continue() {
    for box_pid in $(box_members; box_tree); do kill -s CONT "$box_pid" 2>/dev/null; done
    rm -f "$job/box.stopped"
}
freeze() (box_reset && box_freeze 1)
thaw() (box_reset && box_freeze 0)
# weight low|normal. Without a cgroup of ours, only root can go back to normal.
weight() (
    box_reset
    box_nice=0 box_weight=100 box_shares=1024
    [ "$1" = normal ] || box_nice=19 box_weight=1 box_shares=2
    for box_path in $box_v2 $box_v1; do
        if [ -e "$box_path/cpu.weight" ]; then echo $box_weight >"$box_path/cpu.weight" && return; fi
        if [ -e "$box_path/cpu.shares" ]; then echo $box_shares >"$box_path/cpu.shares" && return; fi
    done
    for box_pid in $(box_members); do
        # Where the kernel groups by session, nice counts inside the group alone.
        echo $box_nice >"/proc/$box_pid/autogroup"
        renice -n $box_nice -p "$box_pid" >/dev/null
    done 2>/dev/null
    :
)

# What is not counted here, the keeper's own shell may know of those it waited for.
usage() (
    box_reset
    [ -n "$box_v2$box_v1" ] || exit 0
    box_counts >"$job/box.counts"
    while read -r box_word box_rest; do [ "$box_word" = oom ] || echo "$box_word $box_rest"; done <"$job/box.counts"
) 2>/dev/null
oom() { box_find oom "$job/box.counts"; }

sweep() (
    box_reset
    box_sweep
) 2>/dev/null
box_sweep() {
    if [ -n "$box_v2$box_v1" ]; then
        # What is empty goes at once.
        # shellcheck disable=SC2086
        rmdir $box_v1 $box_v2 && return
        # Before version 5.14 of the kernel there is no cgroup.kill: what forks while it is killed is brought to a stand first.
        [ ! -e "$box_v2/cgroup.kill" ] || echo 1 >"$box_v2/cgroup.kill"
        box_round=0
        for box_path in $box_v1 $box_v2; do
            while [ -e "$box_path" ] && ! rmdir "$box_path" && [ $box_round -lt 250 ]; do
                box_round=$((box_round + 1))
                box_freeze 1
                # shellcheck disable=SC2046
                kill -s KILL $(box_listed "$box_path")
                box_freeze 0
                box_nap
            done
        done
    elif box_some; then
        box_round=0
        until box_kill || [ $box_round -ge 20 ]; do
            box_round=$((box_round + 1))
            box_nap
        done
    fi
    :
}
# box_some: whether anything can be left. All that the job started has a number between its own and the last one given, and a session that is
# not older: mostly nothing is, and that is found out without a process.
box_some() {
    read -r box_last box_last box_last box_last box_last </proc/loadavg
    case ${pid-} in '' | *[!0-9]*) return 0 ;; esac
    # Numbers began anew, or it ran for so long that looking at all is cheaper.
    if [ "$box_last" -lt "$pid" ] || [ $((box_last - pid)) -gt 4000 ]; then return 0; fi
    box_now=$pid
    while [ "$box_now" -le "$box_last" ]; do
        if read -r box_rest <"/proc/$box_now/stat"; then
            # shellcheck disable=SC2086
            set -- ${box_rest##*') '}
            [ "$1" = Z ] || [ "$4" -lt "$pid" ] || return 0
        fi
        box_now=$((box_now + 1))
    done
    return 1
} 2>/dev/null
# box_kill: true when nothing was there. What forks while it is killed is first brought to a stand, all of it.
box_kill() {
    box_last='' box_stop=0
    while [ $box_stop -lt 50 ]; do
        box_now=$(box_tree)
        [ "$box_now" != "$box_last" ] || break
        # shellcheck disable=SC2086
        [ -z "$box_now" ] || kill -s STOP $box_now 2>/dev/null
        box_last=$box_now box_stop=$((box_stop + 1))
    done
    # shellcheck disable=SC2086
    [ -z "$box_last" ] || kill -s KILL $box_last 2>/dev/null
    [ -z "$box_last" ]
}
