# shellcheck shell=sh disable=SC2034,SC2154,SC2016 # a piece of a text: other names are the keeper's and the other pieces'
# A service of systemd's: a user of its own, the system read-only, homes and other jobs out of sight, a filter of system calls, a cgroup with limits.
box_service=/grid.slice/$unit.service
launch() {
    box_reset
    box_begin
    box_join
    box_version=0
    if box_find version "$levels"; then box_version=${box_rest:-0}; fi
    # What is set here can be read by every user of the node: the job's own environment is in cmd.
    set -- --quiet --collect --wait --pipe --unit="$unit" --slice=grid.slice --service-type=exec --description="Job $unit" \
        --setenv=TMPDIR=/tmp --setenv=HOME="$work" --setenv=GRIDTUI_UNIT="$unit" --setenv=CUDA_DEVICE_ORDER="$CUDA_DEVICE_ORDER" \
        --setenv=CUDA_VISIBLE_DEVICES="$CUDA_VISIBLE_DEVICES" --setenv=ROCR_VISIBLE_DEVICES="$ROCR_VISIBLE_DEVICES" \
        -p DynamicUser=yes -p ProtectSystem=strict -p ProtectHome=tmpfs -p NoNewPrivileges=yes -p CapabilityBoundingSet= \
        -p SystemCallFilter=@system-service -p SystemCallErrorNumber=EPERM -p SystemCallArchitectures=native \
        -p RestrictNamespaces=yes -p RestrictRealtime=yes -p LockPersonality=yes -p PrivateUsers=yes \
        -p ProtectKernelTunables=yes -p ProtectKernelModules=yes -p ProtectControlGroups=yes -p KeyringMode=private -p PrivateDevices=yes \
        -p UMask=0077 -p LimitCORE=0 -p KillSignal=SIGKILL -p TasksMax="$box_tasks"
    for box_word in 242:RestrictSUIDSGID=yes 242:ProtectHostname=yes 243:OOMPolicy=kill 244:ProtectKernelLogs=yes 245:ProtectClock=yes \
        247:ProtectProc=invisible 248:PrivateIPC=yes; do
        [ "$box_version" -lt "${box_word%%:*}" ] || set -- "$@" -p "${box_word#*:}"
    done
    [ "$box_memory" = 0 ] || set -- "$@" -p MemoryMax="$box_memory" -p MemorySwapMax=0
    [ "$box_cpus" = 0 ] || set -- "$@" -p CPUQuota="$box_cpus%"
    [ "$box_disk" = 0 ] || set -- "$@" -p LimitFSIZE="${box_disk}K"
    if [ "$box_network" = 1 ]; then
        set -- "$@" -p "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK" -p BindReadOnlyPaths=-/run/systemd/resolve
    else
        set -- "$@" -p PrivateNetwork=yes -p "RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6"
    fi
    for box_path in $(box_devices); do
        set -- "$@" -p DeviceAllow="$box_path rw" -p BindPaths="$box_path"
    done
    for box_group in $(box_shared); do set -- "$@" -p SupplementaryGroups="$box_group"; done
    set -- "$@" -p TemporaryFileSystem=/run:ro -p TemporaryFileSystem=/dev/shm:mode=1777 -p "TemporaryFileSystem=${job%/*/*}:ro" \
        -p BindPaths="$work" -p BindPaths="$job/tmp:/tmp" -p BindPaths="$job/tmp:/var/tmp" \
        -p BindReadOnlyPaths="$job/cmd" -p BindReadOnlyPaths="-$job/script" \
        -p BindReadOnlyPaths="$job/box.start" -p BindReadOnlyPaths="$job/box.stop" -p BindPaths="$job/box.end" \
        -p BindReadOnlyPaths=/run/systemd/dynamic-uid
    : mounts
    # With +, as root and in the job's mounts all the same: the folder goes to the job's user, and what the cgroup counted is read before it goes.
    printf '%s\n' 'user=$(readlink "/run/systemd/dynamic-uid/direct:$USER") || user=$(id -u "$USER") || exit' \
        'chown -R -h "$user:$user" "$@"' >"$job/box.start"
    box_readable
    printf '%s\n' "job='$job'" "box_v2='$box_v2'" "box_v1='$box_v1'" "$box_stop" >"$job/box.stop"
    : >"$job/box.end"
    set -- "$@" -p "ExecStartPre=+/bin/sh \"$job/box.start\" \"$work\" /tmp" -p "ExecStopPost=+/bin/sh \"$job/box.stop\""
    systemd-run "$@" /bin/sh -c 'cd "$1" || exit 70; echo began >&0; exec /bin/sh "$0" </dev/null' "$job/cmd" "$work" 0<>"$job/began"
    box_status=$?
    # systemd-run's own status does not tell a signal from a failure, calls SIGTERM a success, and what it says when it lost systemd is no end.
    if box_find status "$job/box.end"; then exit "$box_rest"; fi
    began || exit "$box_status"
    : >"$job/began"
    box_fail "systemd does not tell how the job ended ($box_status)"
}
box_join() {
    [ ! -e "$box_unified/cgroup.procs" ] || box_v2=$box_unified$box_service
    for box_path in freezer memory cpuacct cpu,cpuacct cpu pids; do
        [ ! -e "$box_mount/$box_path/cgroup.procs" ] || box_v1="$box_v1${box_v1:+ }$box_mount/$box_path$box_service"
    done
    printf 'v2 %s\nv1 %s\n' "$box_v2" "$box_v1" >"$job/box"
}
usage() {
    while read -r box_word box_rest; do case $box_word in cpu | memory) echo "$box_word $box_rest" ;; esac done <"$job/box.end"
} 2>/dev/null
oom() { box_find oom "$job/box.end"; }
# As the unit has it, the end is SIGKILL for the whole cgroup.
sweep() { [ ! -e "/run/systemd/transient/$unit.service" ] || systemctl stop "$unit.service"; } 2>/dev/null
