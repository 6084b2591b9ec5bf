# What this node lacks for sandboxes, as JSON; changes nothing: look USER CPU MEMORY TASKS WEIGHT RANGE
#
# CPU, MEMORY, TASKS: per cent of the machine. WEIGHT: cgroup weight (100 is everybody else's). RANGE: subordinate ids.
# files: path and content of those that have to be written. todo: what apply.sh has to do. notes: what cannot be had here.
set -u
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
user=$1 cpu=$2 memory=$3 tasks=$4 weight=$5 range=$6
files='' todo='' notes=''

json() { awk '{ gsub(/[^ -~]/, "?"); gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "%s%s", sep, $0; sep = "\\n" }'; }
note() { notes="$notes${notes:+, }\"$(printf '%s\n' "$*" | json)\""; }
do_it() { todo="$todo${todo:+, }\"$1\""; }

# want PATH VERB: standard input is what has to be in the file; VERB has it take effect.
want() {
    content=$(cat)
    [ "$content" != "$(cat "$1" 2>/dev/null)" ] || return 0
    files="$files${files:+, }{\"path\": \"$1\", \"content\": \"$(printf '%s\n' "$content" | json)\\n\"}"
    do_it "$2"
}

limits() {
    echo "# Made by gridtui (playbook sandbox): $cpu % of the processors, $memory % of the memory, $tasks % of the tasks."
    [ "$1" = Unit ] || printf '[Unit]\nDescription=Work of the grid\nBefore=slices.target\n'
    printf '[Slice]\nCPUAccounting=yes\nMemoryAccounting=yes\nTasksAccounting=yes\n'
    # Of a quota, 100 % is one processor.
    printf 'CPUQuota=%d%%\nCPUWeight=%d\nIOWeight=%d\n' "$((cpu * $(getconf _NPROCESSORS_ONLN)))" "$weight" "$weight"
    printf 'MemoryMax=%d%%\nTasksMax=%d%%\n' "$memory" "$tasks"
}

services() {
    if [ ! -d /run/systemd/system ]; then
        note 'no systemd here: no slice and no lingering, so nothing holds grid work within limits'
        return
    fi
    limits slice >"$temp"
    want /etc/systemd/system/grid.slice reload <"$temp"
    # What the user starts by itself, over SSH or from its own manager, lives in another slice: held to the same.
    limits Unit >"$temp"
    want "/etc/systemd/system/user-$uid.slice.d/90-gridtui.conf" reload <"$temp"
    printf '# Made by gridtui (playbook sandbox): rootless containers may have limits of their own.\n[Service]\nDelegate=cpu cpuset io memory pids\n' >"$temp"
    want "/etc/systemd/system/user@$uid.service.d/90-gridtui.conf" reload <"$temp"
    [ -e "/var/lib/systemd/linger/$user" ] || do_it linger
    [ -w /sys/fs/cgroup ] || note 'the cgroups of this node are read-only: limits of slices are written down and not held'
}

subordinate() {
    for file in /etc/subuid /etc/subgid; do
        grep -qE "^($user|$uid):" $file 2>/dev/null || { do_it "ranges $range" && break; }
    done
    # A range that another has as well would let each into the other's containers.
    awk -F: -v user="$user" -v uid="$uid" '
        { mine = ($1 == user || $1 == uid); n++; who[n] = mine; name[n] = $1; from[n] = $2; to[n] = $2 + $3 }
        END { for (i = 1; i <= n; i++) for (j = 1; j <= n; j++) if (who[i] && !who[j] && from[i] < to[j] && from[j] < to[i]) { print name[j]; exit } }
    ' /etc/subuid >"$temp" 2>/dev/null
    [ ! -s "$temp" ] || note "the subordinate ids of $user overlap those of $(cat "$temp"): mend /etc/subuid"
}

# Where a kernel keeps plain users from making namespaces, it has a switch for it.
namespaces() {
    : >"$temp"
    for switch in kernel.unprivileged_userns_clone user.max_user_namespaces; do
        file=/proc/sys/$(echo $switch | tr . /)
        [ -r "$file" ] || continue
        value=1
        [ $switch = kernel.unprivileged_userns_clone ] || value=15000
        if [ "$(cat "$file")" = 0 ] || grep -qs "^$switch" /etc/sysctl.d/90-gridtui.conf; then echo "$switch = $value" >>"$temp"; fi
    done
    [ ! -s "$temp" ] || { echo '# Made by gridtui (playbook sandbox): plain users may make namespaces.' && sort "$temp"; } >"$temp.2"
    if [ -s "$temp.2" ]; then want /etc/sysctl.d/90-gridtui.conf sysctl <"$temp.2"; fi
    # Ubuntu asks for a profile of each program that may; other systems with AppArmor do not.
    if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ] && command -v apparmor_parser >/dev/null &&
        ! grep -rlsE '/bwrap\b' /etc/apparmor.d --include='*' --exclude=gridtui-bwrap --exclude-dir=abstractions >/dev/null; then
        cat >"$temp" <<'PROFILE'
# Made by gridtui (playbook sandbox): bubblewrap may make user namespaces; nothing else is allowed or denied by it.
abi <abi/4.0>,
include <tunables/global>

profile gridtui-bwrap /{usr/,}bin/bwrap flags=(unconfined) {
  userns,
  include if exists <local/gridtui-bwrap>
}
PROFILE
        want /etc/apparmor.d/gridtui-bwrap apparmor <"$temp"
    fi
}

uid=$(id -u "$user" 2>/dev/null) || {
    printf '{"missing": true, "files": [], "todo": [], "notes": []}\n'
    exit 0
}
temp=$(mktemp 2>/dev/null || mktemp -p /run) || exit 1
trap 'rm -f "$temp" "$temp.2"' EXIT
services
subordinate
namespaces
printf '{"missing": false, "files": [%s], "todo": [%s], "notes": [%s]}\n' "$files" "$todo" "$notes"
