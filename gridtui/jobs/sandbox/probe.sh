# Really tries each level and prints a line for each that works, for what limits a job here, and for what runs containers.
# Once a boot: some tenths of a second. Nothing of it needs a controller; standard error is for people.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
have() { command -v "$1" >/dev/null 2>&1; }
bounded() { if have timeout; then timeout 20 "$@"; else "$@"; fi; }
root=0
[ "$(id -u)" != 0 ] || root=1
systemd=0
if [ $root = 1 ] && [ -d /run/systemd/system ] && have systemd-run; then systemd=1; fi

echo plain

# As bwrap.sh starts it, with the job's user where we are root.
try_bwrap() {
    set -- --die-with-parent --new-session --unshare-pid --unshare-ipc --unshare-uts --unshare-net --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp
    [ $root = 0 ] || set -- "$@" --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP \
        setpriv --reuid 61184 --regid 61184 --clear-groups --inh-caps=-all --bounding-set=-all
    bounded bwrap "$@" /bin/sh -c '! ( : >/etc/gridtui-probe ) 2>/dev/null && [ "$$" -lt 10 ]'
}
if have bwrap && try_bwrap </dev/null >&2; then echo bwrap; fi

echo limits ulimit
