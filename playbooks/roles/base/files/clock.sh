# Something keeps the clock right: clock CHECK UNIT... What runs or is enabled stays; else the first one that is here is enabled.
set -eu
check=$1
shift
[ -d /run/systemd/system ] || exit 0
for unit; do
    state=$(systemctl is-enabled "$unit" 2>/dev/null) || true
    # Enabled and not running is well, too: in a container its condition (the right to set the clock) does not hold.
    if [ "$state" = enabled ] || systemctl -q is-active "$unit"; then exit 0; fi
    [ "$state" != disabled ] || found=${found-$unit}
done
[ -n "${found-}" ] || exit 0
echo "enabled $found"
[ "$check" = 1 ] || systemctl -q enable --now "$found"
