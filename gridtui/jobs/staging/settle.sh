# Checks what came and puts it in its place, then cleans the cache. $1: the cache; $2: its most bytes.
# Says `ok DIGEST`, `wrong DIGEST` and `gone DIGEST`.
umask 077
LC_ALL=C
export LC_ALL
cd "$1/incoming" || exit 73
sums=$1/incoming/.sums.$$
trap 'rm -f "$sums"' EXIT
# whole ones alone have their name: rsync renames
ls | grep -x '[0-9a-f]\{64\}' | xargs -r sha256sum >"$sums"
good() { while read -r sum name; do [ "$sum" != "$name" ] || echo "$name"; done <"$sums"; }
good | xargs -r chmod 400
good | xargs -r sh -c 'exec mv -f -- "$@" ../objects/' sh
while read -r sum name; do
  if [ "$sum" != "$name" ]; then rm -f "$name"; echo "wrong $name"
  elif [ -r "../objects/$name" ]; then echo "ok $name"; fi
done <"$sums"
# The least lately used ones go first (place.sh touches), and none that was used in the last ten minutes.
cd ../objects || exit 73
ls -ltn | awk -v most="$2" '$5 ~ /^[0-9]+$/ { all += $5; if (all > most) print $NF }' >"$sums"
[ -s "$sums" ] || exit 0
while read -r name; do
  [ -n "$(find "./$name" -mmin +10 2>/dev/null)" ] && rm -f "./$name" && echo "gone $name"
done <"$sums"
exit 0
