# Makes work/ of a job's inputs. Run in a subshell in the attempt's folder; $1 is the index's digest, $2 is z where it is compressed. Docs: docs/STAGING.md.
# Exit status: 0 done; 66 something is missing or wrong in the cache; 69 a program is missing; 73 it cannot be written. The last line of standard error says why.
# Each process costs a millisecond, and each start with inputs pays for them.
set -u +f
unset IFS
umask 0
LC_ALL=C
export LC_ALL
objects=../../cache/objects
no() { code=$1; shift; echo "$*" >&2; chmod -R u+rwx in 2>/dev/null; rm -rf in; exit "$code"; }
for tool in tar sha256sum xargs; do command -v "$tool" >/dev/null 2>&1 || no 69 "the node has no $tool, which inputs need"; done
[ -r "$objects/$1" ] || no 66 "an input is missing in the node's cache"
sum=$(sha256sum <"$objects/$1") || no 66 "the index of the inputs cannot be read in the node's cache"
[ "${sum%% *}" = "$1" ] || { rm -f "$objects/$1"; no 66 "the index of the inputs was damaged in the node's cache"; }
[ ! -e in ] || rm -rf in
mkdir -m 700 in && ln -s "../$objects" in/o || no 73 "the job's folder cannot be written"
tar "-x$2" -opmf "$objects/$1" -C in 2>/dev/null
laid=$?
[ -e in/need ] || no 73 "the inputs cannot be unpacked"
count=0
used=$1
while read -r name _; do
  [ -r "in/o/$name" ] || no 66 "an input is missing in the node's cache"
  count=$((count + 1))
  [ "$count" -gt 100 ] || used="$used $name"
done <in/need
# What a job gets is what was sent: whatever happened to the cache meanwhile.
if [ "$count" -gt 0 ] && ! (cd in/o && exec sha256sum -c -) <in/need >in/sums 2>/dev/null; then
  [ -s in/sums ] || no 73 "the inputs cannot be checked"
  while read -r name found; do case $found in OK) ;; *) rm -f "in/o/${name%:}" ;; esac; done <in/sums
  no 66 "an input was damaged in the node's cache"
fi
if [ "$laid" -ne 0 ]; then
  # The cache is a disk of its own, or there are no hard links.
  chmod -R u+rwx in/tree 2>/dev/null
  rm -rf in/tree in/o
  mkdir in/o
  (here=$PWD && cd "$objects" && cut -c1-64 | xargs -r sh -c 'to=$1; shift; exec cp -- "$@" "$to"' sh "$here/in/o") <in/need || no 73 "the inputs cannot be copied"
  tar "-x$2" -opmf "$objects/$1" -C in || no 73 "the inputs cannot be unpacked"
fi
# A copy, never the cache's own file: the job may write to its inputs.
cp -RP --reflink=auto in/tree/. work/ 2>in/said || cp -RP in/tree/. work/ 2>in/said || no 73 "the inputs cannot be copied: $(tail -n 1 in/said)"
# busybox's cp keeps what is linked linked: files of one content would be one file.
if [ -e in/twins ]; then
  find work -type f -links +1 -exec sh -c 'for f; do cp "$f" in/one && rm -f "$f" && mv in/one "$f" || exit 1; done' sh {} + || no 73 "the inputs cannot be copied"
fi
for list in in/modes/*; do
  [ -f "$list" ] || continue
  (cd work && exec xargs -0 chmod "${list##*/}") <"$list" || no 73 "the modes of the inputs cannot be set"
done
# For the cache's cleaning, which begins with what was not used for longest.
if [ "$count" -le 100 ]; then
  (cd "$objects" && exec touch -c $used) 2>/dev/null
else
  (cd "$objects" && cut -c1-64 | xargs touch -c "$1") <in/need 2>/dev/null
fi
rm -rf in
