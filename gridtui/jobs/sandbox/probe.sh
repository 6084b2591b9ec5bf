# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# Really tries each level, with the very text that jobs are started by, and prints: the words of those that work; `limits`, how a job is held, and
# what of memory, tasks and cpu the kernel holds; `engine`, what runs containers, and how; `version` of systemd.
# For the runner to run once a boot, as a file: some tenths of a second, with podman one or two seconds. What does not work says so on standard error.
PATH=${PATH:-/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset IFS
umask 077
have() { command -v "$1" >/dev/null 2>&1; }
root=0
[ "$(id -u)" != 0 ] || root=1
# Where jobs will be, so that what holds there holds for them.
jobs=${XDG_STATE_HOME:-${HOME:-/}/.local/state}/gridtui/jobs
base=$(mkdir -p "$jobs" 2>/dev/null && mktemp -d "$jobs/probe.XXXXXX" 2>/dev/null) || base=$(mktemp -d) || exit 1
trap 'rm -rf "$base"' EXIT
levels=$base/levels

# try LEVEL: a small keeper. True when the job said that all is as it should be.
try() {
    key=try$((count = ${count:-0} + 1))
    job=$base/spool/$key work=$base/spool/$key/work unit=gridtui-probe-$$-$key
    mkdir -p "$work" && printf '%s\n' "$apart" >"$job/cmd" || return 1
    (
        "level_$1"
        (launch) >"$job/out" 2>&1 </dev/null &
        pid=$!
        (
            nap=''
            trap 'kill "$nap"; exit' TERM
            sleep 20 &
            nap=$!
            wait "$nap"
            kill -s KILL "$pid"
        ) >/dev/null 2>&1 &
        alarm=$!
        wait "$pid"
        status=$?
        kill "$alarm"
        sweep
        began && [ $status = 0 ] && exit
        echo "ended with $status" >>"$job/out"
        exit 1
    ) 2>/dev/null && return
    echo "$1: $(tail -n 3 "$job/out" 2>/dev/null | tr '\n' ' ')" >&2
    return 1
}

# How a job is held: by systemd, else by cgroups of our own, else by ulimit.
apart='#!/bin/sh
exit 0'
limits='ulimit'
if have busctl && [ -d /run/systemd/system ]; then
    echo limits scope >"$levels"
    ! try plain || limits=scope
fi
if [ $limits = ulimit ] && [ $root = 1 ]; then
    echo limits tree >"$levels"
    ! try plain || limits=tree
fi
said="limits $limits"
if [ $limits != ulimit ]; then
    read -r held <<HELD
$(sed -n 's/^held//p' "$job/box" | tr ' ' '\n' | sort -u | tr '\n' ' ')
HELD
    said="$said $held"
fi
said="${said% }
version $(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
printf '%s\n' "$said" | tee "$levels"

if try plain; then echo plain; fi
# From here on nothing but the job's own folder may be written, and there is no network but its own.
# shellcheck disable=SC2016
apart='#!/bin/sh
echo >work.txt && echo >/tmp/tmp.txt || exit 11
for place in / /etc /usr /var "$PWD/.." "$PWD/../../.."; do
    if (echo >"$place/gridtui-probe") 2>/dev/null; then exit 12; fi
done
while read -r line; do case $line in *lo:* | *"|"*) ;; *) exit 13 ;; esac done </proc/net/dev
exit 0'
if have bwrap && try bwrap; then echo bwrap; fi
if [ $root = 1 ] && [ -d /run/systemd/system ] && have systemd-run && try systemd; then echo systemd; fi

# An image of this node's own shell, and of what that is linked with.
image() (
    umask 022
    folder=$base/image
    shell=$(command -v busybox || readlink -f /bin/sh)
    mkdir -p "$folder/bin" && cp "$shell" "$folder/bin/sh" || return 1
    for library in $(ldd "$shell" 2>/dev/null | grep -o '/[^ ]*'); do
        mkdir -p "$folder${library%/*}" && cp -L "$library" "$folder$library"
    done
    tar -C "$folder" -c . | "$1" import - gridtui-probe
) >/dev/null 2>&1
for engine in "podman --cgroups=disabled" podman docker; do
    have "${engine%% *}" || continue
    image "${engine%% *}" || continue
    printf '%s\n' "$said" "engine $engine" >"$levels"
    if try container; then
        printf 'engine %s\ncontainer\n' "$engine"
        break
    fi
done
for engine in podman docker; do ! have $engine || $engine rmi --force gridtui-probe >/dev/null 2>&1; done
exit 0
