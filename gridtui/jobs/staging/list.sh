# What there is in a job's folder. $1: the folder; $2: most names; then words for find. Says kind (f, l, d, o) and name, ended by a NUL each.
cd -- "$1" || exit 66
most=$2
shift 2
LC_ALL=C
export LC_ALL
for tool in find tr head xargs; do command -v "$tool" >/dev/null 2>&1 || { echo "the node has no $tool, which outputs need" >&2; exit 69; }; done
# Names become lines for head alone: when it has enough, find ends. The kinds are told by the shell itself, without a process for each.
find . "$@" | tr '\0\n' '\n\0' | head -n "$most" | tr '\n\0' '\0\n' | xargs -0 -r sh -c 'for f; do
if [ -L "$f" ]; then k=l; elif [ -f "$f" ]; then k=f; elif [ -d "$f" ]; then k=d; else k=o; fi; printf "%s%s\0" "$k" "$f"; done' sh
