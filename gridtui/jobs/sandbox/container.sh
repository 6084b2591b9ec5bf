# shellcheck shell=sh disable=SC2034,SC2154,SC2016,SC3045 # a piece of a text: other names are the keeper's and the other pieces'
# A container of podman's or docker's: the image's own system, read-only; of the node only the job's folder and what was asked for.
# With podman and crun (--cgroups=disabled) all of it lives in the job's own cgroup, as at the other levels; else the engine makes one.
box_find engine "$levels"
box_options=${box_rest#"${box_rest%% *}"} box_engine=${box_rest%% *}
box_nested=1
launch() {
    box_reset
    box_session=${XDG_RUNTIME_DIR-/run/user/$uid} box_home=$HOME
    box_begin
    [ -n "$box_engine" ] || box_refuse 'neither podman nor docker runs containers here'
    # The engine keeps its images where the login's home and session are; the job gets neither.
    HOME=$box_home
    if [ "$box_root" = 0 ] && [ -d "$box_session" ]; then export XDG_RUNTIME_DIR="$box_session"; fi
    box_readable
    set -- --name "$unit" --read-only --cap-drop ALL --security-opt no-new-privileges --entrypoint '' \
        --workdir "$work" --volume "$work:$work:Z" --volume "$job/tmp:/tmp:Z" --volume "$job/tmp:/var/tmp:Z" --volume "$job/cmd:$job/cmd:ro,Z" \
        --env TMPDIR=/tmp --env "HOME=$work" --env "GRIDTUI_UNIT=$unit"
    [ ! -e "$job/script" ] || set -- "$@" --volume "$job/script:$job/script:ro,Z"
    for box_word in CUDA_DEVICE_ORDER CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES; do set -- "$@" --env "$box_word"; done
    [ "$box_network" = 1 ] || set -- "$@" --network none
    if [ "$box_root" = 1 ]; then
        box_own
        set -- "$@" --user "$box_uid:$box_uid"
        for box_group in $(box_shared); do set -- "$@" --group-add "$box_group"; done
    elif [ "$box_engine" = docker ]; then
        set -- "$@" --user "$uid:$(id -g)"
    fi
    if [ "$box_engine" = podman ]; then
        # What is bounded here is bounded there, which has to be said because podman asks for more than a node may have.
        ulimit -c 0
        [ "$box_disk" = 0 ] || ulimit -f "$((box_disk * 2))"
        set -- "$@" --ulimit host --read-only-tmpfs=false
    else
        set -- "$@" --ulimit core=0
        [ "$box_disk" = 0 ] || set -- "$@" --ulimit "fsize=$((box_disk * 1024)):$((box_disk * 1024))"
    fi
    if [ -n "$box_options" ]; then
        # podman itself takes some 60 MB, which are not the job's.
        [ "$box_memory" = 0 ] || box_memory=$((box_memory + 100663296))
        box_enter
    else
        [ "$box_memory" = 0 ] || set -- "$@" --memory "$box_memory" --memory-swap "$box_memory"
        [ "$box_cpus" = 0 ] || set -- "$@" --cpu-period 100000 --cpu-quota "$((box_cpus * 1000))"
        set -- "$@" --pids-limit "$box_tasks"
    fi
    box_cdi=''
    for box_path in /etc/cdi/nvidia* /var/run/cdi/nvidia*; do [ ! -e "$box_path" ] || box_cdi=1; done
    if [ -n "$box_cdi" ]; then
        for box_index in $box_gpus; do set -- "$@" --device "nvidia.com/gpu=$box_index"; done
    else
        for box_path in $(box_devices); do set -- "$@" --device "$box_path"; done
    fi
    : mounts
    # The first process of a container hears no signal that it did not ask for: so it is this shell, and the job another.
    box_inner='umask 077; /bin/sh "$0" </dev/null; exit $?'
    if [ "$box_engine" = podman ]; then
        box_inner='echo began >&3; umask 077; /bin/sh "$0" </dev/null 3>&-; set -- $?; times >&3; exit "$1"'
        # shellcheck disable=SC2086
        podman --log-level=error run $box_options --preserve-fds=1 "$@" "$box_image" /bin/sh -c "$box_inner" "$job/cmd" </dev/null 3<>"$job/began"
        box_status=$?
    else
        docker run "$@" "$box_image" /bin/sh -c "$box_inner" "$job/cmd" </dev/null
        box_status=$?
        case $box_status in 125 | 126 | 127) ;; *) echo began >"$job/began" ;; esac
    fi
    if [ $box_status -ge 125 ]; then
        box_said=$("$box_engine" inspect --type container --format 'started {{.State.StartedAt}} oom {{.State.OOMKilled}}' "$unit" 2>/dev/null)
        case $box_said in 'started 0001-'* | '') ;; 'started '*) [ "$box_engine" = podman ] || echo began >"$job/began" ;; esac
        case $box_said in *' oom true') echo oom >"$job/box.end" ;; esac
        if ! began; then
            "$box_engine" image inspect "$box_image" >/dev/null 2>&1 || box_refuse "the image $box_image cannot be had here"
            # podman calls everything 127 that it did not find, a device of the network's as well.
            [ $box_status != 127 ] || box_refuse "the image $box_image has no /bin/sh, or something that it takes to start it is not here"
        fi
    fi
    exit "$box_status"
}
# By their mark: all of them descend from the container's first process, and podman may have moved them out of the cgroup (version 1, without root).
box_members() { box_tree; }
freeze() (box_pause pause 1)
thaw() (box_pause unpause 0)
box_pause() {
    box_reset
    for box_path in ${box_v2:-$box_v1}; do
        while read -r box_pid; do
            if box_within "$box_pid"; then
                box_freeze "$2"
                return
            fi
        done <"$box_path/cgroup.procs"
    done 2>/dev/null
    box_v2='' box_v1=''
    "$box_engine" "$1" "$unit" >/dev/null 2>&1 || box_freeze "$2"
}
# CPU as the container's first shell counted it; memory where the cgroup held it.
usage() (
    box_reset
    box_counts >"$job/box.counts"
    awk -F '[ms ]+' 'NR == 3 && NF > 3 { gsub(",", "."); printf "cpu %.3f\n", $1 * 60 + $2 + $3 * 60 + $4 }' "$job/began"
    if box_find held "$job/box"; then case $box_rest in *memory*) box_find memory "$job/box.counts" && echo "memory $box_rest" ;; esac fi
    :
) 2>/dev/null
oom() {
    box_find oom "$job/box.counts" || box_find oom "$job/box.end"
}
# The engine forgets the container first, while what it knows of it is still true; and the volumes that the image asked for.
sweep() (
    box_reset
    [ ! -e "$job/began" ] || "$box_engine" rm --force --volumes --time 0 "$unit" || "$box_engine" rm --force --volumes "$unit"
    box_sweep
) >/dev/null 2>&1
