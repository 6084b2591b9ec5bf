# Where the cache is, and what lies there. $1: its path below the state folder.
umask 077
case ${XDG_STATE_HOME:-} in /*) root=$XDG_STATE_HOME ;; *) root=${HOME:?}/.local/state ;; esac
cd / && mkdir -p "$root/$1/objects" "$root/$1/incoming/small" "$root/$1/incoming/large" && cd "$root/$1" && pwd -P && exec ls objects
