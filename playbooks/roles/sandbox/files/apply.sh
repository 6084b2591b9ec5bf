# Has what was written take effect, and gives the grid user what is no file: apply USER RECORD DO...; undo USER RECORD CHECK
# RECORD is the folder where `undo` finds what was not there before. Prints one line for everything it did.
set -eu
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

# The lowest number above all ranges that anybody has, in both files alike.
free() {
    first=$(sed -n 's/^SUB_UID_MIN[[:space:]]*//p' /etc/login.defs 2>/dev/null)
    cat /etc/subuid /etc/subgid 2>/dev/null | awk -F: -v free="${first:-100000}" '$2 + $3 > free { free = $2 + $3 } END { print free }'
}

ranges() {
    start=$(free)
    for kind in uid gid; do
        touch "/etc/sub$kind"
        grep -qE "^($user|$(id -u "$user")):" "/etc/sub$kind" && continue
        usermod "--add-sub${kind}s" "$start-$((start + $1 - 1))" "$user"
        echo "$kind $start-$((start + $1 - 1))" >>"$record/ranges"
        echo "gave $user the subordinate ${kind}s from $start"
    done
}

linger() {
    loginctl enable-linger "$user"
    echo "$user" >"$record/linger"
    echo "$user lingers"
}

sysctl_now() {
    sed -n 's/^\([a-z_.]*\) = .*/\1/p' /etc/sysctl.d/90-gridtui.conf | while read -r switch; do
        echo "$switch = $(sysctl -n "$switch")" >>"$record/sysctl"
    done
    sysctl -q -p /etc/sysctl.d/90-gridtui.conf
}

undo() {
    if [ -s "$record/ranges" ] && id "$user" >/dev/null 2>&1; then
        echo "took the subordinate ids of $user back"
        [ "$check" = 1 ] || while read -r kind range; do usermod "--del-sub${kind}s" "$range" "$user"; done <"$record/ranges"
    fi
    if [ -s "$record/linger" ] && id "$user" >/dev/null 2>&1; then
        echo "$user no longer lingers"
        [ "$check" = 1 ] || loginctl disable-linger "$user"
    fi
    for file in /etc/systemd/system/user-*.slice.d/90-gridtui.conf /etc/systemd/system/user@*.service.d/90-gridtui.conf; do
        grep -qs '^# Made by gridtui (playbook sandbox)' "$file" || continue
        echo "removed $file"
        [ "$check" = 0 ] || continue
        rm -f "$file"
        rmdir "${file%/*}" 2>/dev/null || :
    done
    if [ -s "$record/sysctl" ] && [ "$check" = 0 ]; then sysctl -q -p "$record/sysctl"; fi
    if [ -e /etc/apparmor.d/gridtui-bwrap ] && [ "$check" = 0 ]; then apparmor_parser -R /etc/apparmor.d/gridtui-bwrap; fi
    [ "$check" = 1 ] || rm -f "$record/ranges" "$record/linger" "$record/sysctl"
}

verb=$1 user=$2 record=$3
shift 3
if [ "$verb" = undo ]; then
    check=$1
    undo
    exit
fi
for verb; do
    case $verb in
        reload) [ -n "${reloaded-}" ] || systemctl daemon-reload && reloaded=1 ;;
        ranges*) ranges "${verb#ranges }" ;;
        linger) linger ;;
        sysctl) sysctl_now ;;
        apparmor) apparmor_parser -r /etc/apparmor.d/gridtui-bwrap ;;
    esac
done
