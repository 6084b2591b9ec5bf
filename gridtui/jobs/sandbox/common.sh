# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# What every level builds on. The keeper gives job, work, unit and, once launch runs, pid (of launch's subshell).
# levels is the file with what probe.sh found here.
: "${levels:=${job%/*/*}/levels}"

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
box_nap() { sleep 0.02 2>/dev/null || sleep 1; }
box_tmp() { [ -d "$job/tmp" ] || mkdir -p "$job/tmp" || box_fail "cannot write to $job"; }

# What launch begins with at every level but plain: the job's own folder for temporary files and a home, and nothing of the login's session.
box_begin() {
    box_tmp
    : >"$job/began"
    export TMPDIR=/tmp GRIDTUI_UNIT="$unit"
    box_home=$HOME HOME=$work
    unset SSH_CONNECTION SSH_CLIENT SSH_TTY SSH_AUTH_SOCK XDG_RUNTIME_DIR XDG_SESSION_ID XDG_SESSION_TYPE XDG_SESSION_CLASS DBUS_SESSION_BUS_ADDRESS MAIL OLDPWD
    box_visible
}

# Where we are root, a job gets a user that nobody has: from systemd's range for such users, by the job's own name.
: "${uid:=$(id -u)}"
box_root=0
[ "$uid" != 0 ] || box_root=1
box_readable() { for box_path in "$job/cmd" "$job/script"; do [ ! -e "$box_path" ] || chmod 644 "$box_path"; done; }
box_own() {
    box_uid=$(printf %s "$unit" | cksum)
    box_uid=$((61184 + ${box_uid%% *} % 4336))
    box_readable
    chown -R -h "$box_uid:$box_uid" "$work" "$job/tmp" || box_fail "cannot give $work to the job"
}

# GPUs: box_gpus has the indices that nvidia-smi shows, or the order in /dev/dri for other makers.
box_devices() {
    [ -n "$box_gpus" ] || return 0
    if [ -e /dev/nvidiactl ]; then
        for box_path in /dev/nvidiactl /dev/nvidia-uvm /dev/nvidia-uvm-tools /dev/nvidia-modeset; do
            [ ! -e $box_path ] || echo $box_path
        done
        for box_index in $box_gpus; do echo "/dev/nvidia$(box_gpu "$box_index" 'Device Minor' || echo "$box_index")"; done
    else
        [ ! -e /dev/kfd ] || echo /dev/kfd
        for box_index in $box_gpus; do
            box_count=0
            for box_path in /dev/dri/renderD*; do
                [ $box_count != "$box_index" ] || echo "$box_path"
                box_count=$((box_count + 1))
            done
        done
    fi
}
# The groups that may use them, but root's: a job's own user is in none.
box_shared() {
    for box_path in $(box_devices); do
        box_group=$(stat -c %g "$box_path")
        [ "$box_group" = 0 ] || echo "$box_group"
    done | sort -u
}
# box_gpu INDEX FIELD: what the kernel's module says of a GPU, sorted by bus as nvidia-smi sorts; asks no program.
box_gpu() {
    box_count=0
    for box_path in "${box_nvidia:=/proc/driver/nvidia/gpus}"/*/information; do
        [ -r "$box_path" ] || return 1
        if [ $box_count = "$1" ]; then
            sed -n "s/^$2:[[:space:]]*//p" "$box_path"
            return
        fi
        box_count=$((box_count + 1))
    done
    return 1
}
# Which GPUs programs see, by names that do not depend on what else they see. -1 is none.
box_visible() {
    box_list='' box_amd=''
    for box_index in $box_gpus; do
        box_list=$box_list${box_list:+,}$(box_gpu "$box_index" 'GPU UUID' || echo "$box_index")
        box_amd=$box_amd${box_amd:+,}$box_index
    done
    export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES="${box_list:--1}" ROCR_VISIBLE_DEVICES="${box_amd:--1}"
}
