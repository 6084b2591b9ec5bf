# Whether sandboxes really run here, as the user whose jobs they are: try USER PODMAN. Fails where bubblewrap does not.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd /
runuser -u "$1" -- bwrap --ro-bind / / --unshare-all --die-with-parent --proc /proc --dev /dev true 2>&1 || {
    echo "bubblewrap does not run as $1: may plain users make namespaces here?" >&2
    exit 1
}
[ "$2" = 1 ] || exit 0
# With a home of its own: podman makes folders in it.
home=$(mktemp -d) && chown "$1" "$home" && cd "$home" || exit 0
trap 'rm -rf "$home"' EXIT
said=$(runuser -u "$1" -- env "HOME=$home" "XDG_RUNTIME_DIR=/run/user/$(id -u "$1")" podman unshare true 2>&1) ||
    echo "rootless podman does not run as $1: $(echo "$said" | tail -n 1)"
