# Checks what came and puts it in its place, then cleans the cache. $1: the folder in which it came; $2: the cache's most bytes.
# $3: `full` where the disk is: what was cut off goes too. Says `ok DIGEST`, `wrong DIGEST` and `gone DIGEST`. Keeps no file of its own,
# since the disk may be full.
umask 077
LC_ALL=C
export LC_ALL
cd "$1" || exit 73
# Whole ones alone have their name: rsync renames.
sums=$(ls | grep -x '[0-9a-f]\{64\}' | xargs -r sha256sum)
told() { printf '%s\n' "$sums" | while read -r sum name; do [ -n "$name" ] && "$1"; done; }
good() { [ "$sum" != "$name" ] || echo "$name"; }
tell() {
  if [ "$sum" != "$name" ]; then rm -f "./$name"; echo "wrong $name"
  elif [ -r "../../objects/$name" ]; then echo "ok $name"; fi
}
told good | xargs -r chmod 400
told good | xargs -r sh -c 'exec mv -f -- "$@" ../../objects/' sh
told tell
# What was cut off and never came again.
find . -type f -mtime +2 -exec rm -f {} +
[ "$3" != full ] || rm -rf .gridtui-partial
# The least lately used ones go first (place.sh touches), and none that was used in the last ten minutes.
cd ../../objects || exit 73
ls -ltn | awk -v most="$2" '$5 ~ /^[0-9]+$/ { all += $5; if (all > most) print $NF }' | while read -r name; do
  [ -n "$(find "./$name" -mmin +10 2>/dev/null)" ] && rm -f "./$name" && echo "gone $name"
done
exit 0
