"""Ending on a node what its channel's end left behind. Owns the shell text for that; knows neither tasks nor outcomes.

sshd ends nothing when a channel closes, and grants signals only to logins that are not root's. What it does is close its ends
of the command's pipes. So, on Linux: of the processes under this connection's sshd, the ones whose output leads nowhere any more are commands that
were given up, and their process groups are signalled. Commands whose channel is open are not touched, and nor is what they daemonised.
"""

from __future__ import annotations

from ..errors import SshError
from ..ssh import Connection, quote

WAIT = 8.0
"""Seconds for the whole of it."""

_PATIENCE = 10
"""Tenths of a second between SIGTERM and the next step."""

# /proc/PID/fd shows a pipe as `pipe:[inode]`, the same at both of its ends: proc(5).
_SCRIPT = """
up=$PPID
[ -r /proc/$up/fd ] || exit 3
given_up() {
    held=" "
    for end in /proc/$up/fd/*; do held="$held$(readlink "$end") "; done
    for child in $(cat /proc/$up/task/*/children); do
        [ "$child" = $$ ] && continue
        out=$(readlink /proc/$child/fd/1) err=$(readlink /proc/$child/fd/2)
        case $out in pipe:*) ;; *) out=$err ;; esac
        case $out in pipe:*) ;; *) continue ;; esac
        case $held in *" $out "*) continue ;; esac
        case $err in pipe:*) case $held in *" $err "*) continue ;; esac ;; esac
        echo "$child"
    done
}
for signal in SIGNALS; do
    found=$(given_up)
    [ "$found" ] || exit 0
    for child in $found; do kill -s $signal -- "-$child"; done
    tick=0
    while [ $tick -lt TENTHS ] && [ "$(given_up)" ]; do tick=$((tick + 1)); sleep 0.1; done
done
[ "$(given_up)" ] && exit 4
exit 0
"""


async def reap(connection: Connection, *signals: str) -> bool:
    """Signal what was given up on this connection, one signal after the other. Whether nothing of it is left, as far as can be seen.

    Never raises for the node: what cannot be looked at counts as left.
    """
    script = _SCRIPT.replace("SIGNALS", " ".join(signals)).replace("TENTHS", str(_PATIENCE))
    try:
        done = await connection.run(f"exec /bin/sh -c {quote(script)} 2>/dev/null", timeout=WAIT)
    except SshError:
        return False
    return done.exit_status == 0
