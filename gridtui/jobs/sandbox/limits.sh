# shellcheck shell=sh disable=SC2034,SC2154,SC3045 # a piece of a text: other names are the keeper's and the other pieces'
# What a job may use: by cgroups where probe.sh could write one, else what ulimit has. box_disk is in KiB, a file; the others as in cgroup.sh.
# box_enter is called in the job's own process, just before it becomes the job.
box_limits='ulimit'
if box_find limits "$levels"; then box_limits=${box_rest%% *}; fi
box_enter() {
    box_held=''
    [ "$box_limits" = ulimit ] || box_join
    # RLIMIT_DATA counts what is private and written, so that a program may reserve more than it uses; each process has its own.
    case $box_held in *memory*) ;; *) [ "$box_memory" = 0 ] || ulimit -d "$((box_memory / 1024))" ;; esac
    case $box_held in
        *tasks*) ;;
        *)
            # Counted are all processes of the login: those that are here already do not count against the job.
            set -- /proc/[0-9]*
            if (ulimit -u 100000) 2>/dev/null; then ulimit -u "$((box_tasks + $#))"; else ulimit -p "$((box_tasks + $#))"; fi 2>/dev/null
            ;;
    esac
    ulimit -c 0
    # Blocks of 512 bytes everywhere but in a bash that is not called sh.
    [ "$box_disk" = 0 ] || ulimit -f "$((box_disk * 2))"
}
