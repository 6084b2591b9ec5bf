# The controller's public keys in a user's authorized_keys: keys USER CHECK, the keys on standard input (none: our lines go).
# All writing is done as the user, whose home folder may be full of symbolic links to root's files.
set -eu
home=$(getent passwd "$1" | cut -d: -f6)
if [ ! -d "$home" ]; then
    [ ! -s /dev/stdin ] || echo "would add keys of $1"
    exit 0
fi
# shellcheck disable=SC2016
exec runuser -u "$1" -- sh -c '
    umask 077
    cd "$1" || exit
    file=.ssh/authorized_keys
    keys=$(cat)
    old=$(cat "$file" 2>/dev/null)
    new=$(printf "%s\n" "$old" | sed "/^# begin gridtui$/,/^# end gridtui$/d")
    [ -z "$keys" ] || new=$(printf "%s\n" "$new" "# begin gridtui" "$keys" "# end gridtui" | sed "/^$/d")
    [ "$new" != "$old" ] || exit 0
    echo "changed $PWD/$file"
    [ "$2" = 0 ] || exit 0
    if [ -z "$new" ]; then
        rm -f "$file"
    else
        mkdir -p .ssh && printf "%s\n" "$new" >"$file.gridtui" && mv -f "$file.gridtui" "$file"
    fi
' keys "$home" "$2"
