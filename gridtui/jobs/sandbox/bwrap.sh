# shellcheck shell=sh disable=SC2034,SC2154,SC2016 # a piece of a text: other names are the keeper's and the other pieces'
# bubblewrap: the system read-only, homes and other jobs out of sight, processes and network of its own.
launch() {
    box_reset
    box_begin
    set -- --die-with-parent --new-session --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try
    # A mount at a place that is not there needs a root that can be written until all is mounted: then each folder of / is bound by itself.
    box_new=0
    : places
    if [ $box_new = 0 ]; then
        set -- "$@" --ro-bind / /
    else
        for box_path in /* /.[!.]*; do
            if [ -L "$box_path" ]; then
                set -- "$@" --symlink "$(readlink "$box_path")" "$box_path"
            elif [ -e "$box_path" ]; then
                case $box_path in /dev | /proc) ;; *) set -- "$@" --ro-bind "$box_path" "$box_path" ;; esac
            fi
        done
    fi
    set -- "$@" --dev /dev --proc /proc
    [ "$box_network" = 1 ] || set -- "$@" --unshare-net
    for box_path in /run /home /root "$box_home" "${job%/*/*}"; do
        if [ -d "$box_path" ] && [ ! -L "$box_path" ]; then set -- "$@" --tmpfs "$box_path"; fi
    done
    for box_path in /tmp /var/tmp; do [ ! -d "$box_path" ] || set -- "$@" --bind "$job/tmp" "$box_path"; done
    # What bubblewrap makes is root's, and the job is not.
    [ "$box_root" = 0 ] || set -- "$@" --bind "$job/tmp" /dev/shm
    if [ "$box_network" = 1 ]; then
        box_path=$(readlink -f /etc/resolv.conf)
        case $box_path in /run/*) set -- "$@" --ro-bind-try "$box_path" "$box_path" ;; esac
    fi
    # Made by name, since the way to a folder that nobody else may read would be closed for the job's user, too.
    set -- "$@" --dir "${job%/*}" --dir "$job" --ro-bind "$job/cmd" "$job/cmd" --ro-bind-try "$job/script" "$job/script" --bind "$work" "$work"
    : mounts
    [ $box_new = 0 ] || set -- "$@" --remount-ro /
    for box_path in $(box_devices); do set -- "$@" --dev-bind "$box_path" "$box_path"; done
    for box_path in /run /home /root "$box_home" "${job%/*/*}"; do
        if [ -d "$box_path" ] && [ ! -L "$box_path" ]; then set -- "$@" --remount-ro "$box_path"; fi
    done
    if [ "$box_root" = 1 ]; then
        box_own
        box_groups=$(box_shared)
        # shellcheck disable=SC2086
        if [ -n "$box_groups" ]; then box_groups="--groups $(echo $box_groups | tr ' ' ,)"; else box_groups=--clear-groups; fi
        # shellcheck disable=SC2086
        # The mounts are made by root, the job is nobody's: of the capabilities only those that change the user come along, and go there.
        set -- "$@" --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP \
            setpriv --reuid "$box_uid" --regid "$box_uid" $box_groups --inh-caps=-all --bounding-set=-all
    fi
    # What the job's shell inherits as its input is the mark that it began, and 3 the file for its times; the job itself gets neither.
    # bubblewrap does not wait for its child, so without a cgroup the times have to be taken inside.
    box_inner='umask 077; cd "$1" || exit 70; echo began >&0; exec /bin/sh "$0" </dev/null 3>&-'
    [ "$box_limits" != ulimit ] ||
        box_inner='umask 077; cd "$1" || exit 70; echo began >&0; trap : TERM INT HUP QUIT USR1 USR2; /bin/sh "$0" </dev/null 3>&-; set -- $?; times >&3; exit "$1"'
    umask 022
    box_enter
    exec setsid bwrap "$@" /bin/sh -c "$box_inner" "$job/cmd" "$work" 0<>"$job/began" 3>"$job/times"
}
box_nested=1
# box_place PATH: whether something can be mounted there. Below folders of the system's nothing can be made.
box_place() {
    [ ! -e "$1" ] || return 0
    case $1 in /run/* | /home/* | /root/* | /tmp/* | /var/tmp/* | "$box_home"/*) return 0 ;; esac
    box_path=${1#/}
    [ ! -e "/${box_path%%/*}" ] && box_new=1
}
# Without a cgroup, what was counted inside.
usage() (
    box_reset
    if [ -n "$box_v2$box_v1" ]; then
        box_counts >"$job/box.counts"
        cat "$job/box.counts"
    else
        awk -F '[ms ]+' 'NR == 2 && NF > 3 { gsub(",", "."); printf "cpu %.3f\n", $1 * 60 + $2 + $3 * 60 + $4 }' "$job/times"
    fi
) 2>/dev/null
