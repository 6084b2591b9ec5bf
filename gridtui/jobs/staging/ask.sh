# Where the cache is, and what lies there. $1: its path below the state folder.
umask 077
case ${XDG_STATE_HOME:-} in /*) root=$XDG_STATE_HOME ;; *) root=${HOME:?}/.local/state ;; esac
mkdir -p "$root/$1/objects" "$root/$1/incoming" && cd "$root/$1" && pwd -P && exec ls objects
