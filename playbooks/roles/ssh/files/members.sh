# The group of those who may log in: members GROUP RECORD USER... An empty USER only makes the group.
# RECORD gets a line for each who was not a member before.
set -eu
group=$1 record=$2
shift 2
getent group "$group" >/dev/null || groupadd --system "$group"
for user; do
    [ -n "$user" ] || continue
    gpasswd -a "$user" "$group" >/dev/null
    echo "$user" >>"$record"
done
