"""The words of rsync's command line for one node, and its environment. Pure; owns what is asked of rsync, starts nothing.

Names go to the other side inside rsync's protocol (`-s`, rsync(1) `--secluded-args`), never through a shell: blanks, quotes, newlines,
leading dashes and bytes that are no UTF-8 arrive as they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from ..model import Node
from ..ssh import quote, system
from .model import PARTIAL, Direction, Plan, place, remote

BUSY = "gridtui-push-busy"
"""What the node says on standard error where another transfer to the same place goes on."""
MISSING = "gridtui-push-missing"
"""What it says where there is no rsync; the distribution's name follows (`ID` of os-release(5))."""

# One line and no quote of its own, since the login shell that reads it may be any: sh, bash, zsh, fish, csh.
# flock(1) on a file in a folder of the login user's own: /tmp is everybody's, and who may open a lock may keep it. Whoever gets the lock looks
# whether the file still has its name, since the one before has removed it. Where the folder or the file is not what it should be, or where /proc
# cannot tell, nothing is locked. No exec at the end: sudo closes what it inherits, and this shell keeps the lock until rsync has ended,
# even when the link was cut and nobody listens any more.
_WITH_LOCK = (
    'l=$1; shift; command -v "$1" >/dev/null 2>&1 || {{ i=; [ -r /etc/os-release ] && i=$(. /etc/os-release; echo "$ID"); '
    'echo "{missing} $i" >&2; exit 127; }}; '
    "d=/tmp/.gridtui-$(id -u); "
    'if [ -n "$l" ] && command -v flock >/dev/null 2>&1; then l=$d/$l; n=0; while :; do n=$((n+1)); mkdir -m 700 "$d" 2>/dev/null; '
    'if [ -L "$d" ] || {{ [ -e "$d" ] && [ ! -O "$d" ]; }}; then l=; break; fi; '
    '[ -e "$l" ] || [ -L "$l" ] || (umask 022; set -C; : >"$l") 2>/dev/null; '
    'if [ -L "$l" ] || [ "$n" -gt 50 ]; then l=; break; fi; '
    'if [ -f "$l" ] && [ -r "$l" ]; then command exec 9<"$l" || continue; '
    "flock -n 9 || {{ echo {busy} >&2; exit 75; }}; "
    '[ -e /proc/self/fd/9 ] || break; [ "$l" -ef /proc/self/fd/9 ] && break; '
    'elif [ -e "$l" ]; then l=; break; fi; done; else l=; fi; '
    '"$@"; s=$?; [ -z "$l" ] || {{ rm -f "$l"; rmdir "$d" 2>/dev/null; }}; exit $s'
)


def lock_name(destination: str) -> str:
    """The file that stands for a destination while something is moved there, in the login user's `/tmp/.gridtui-<uid>` on the node."""
    return "push-" + hashlib.sha256(os.fsencode(place(destination))).hexdigest()[:24]


def at_node(plan: Plan) -> str:
    """Shell text that stands for `rsync` on the node (`--rsync-path`): finds it, holds the lock, and is root where that is wanted."""
    locked = plan.direction is Direction.PUSH and not plan.options.dry_run
    script = _WITH_LOCK.format(missing=MISSING, busy=BUSY)
    words = [lock_name(plan.destination) if locked else "", *(("sudo", "-n") if plan.options.sudo else ()), "rsync"]
    return quote("/bin/sh", "-c", script, "gridtui-push", *words)


def options(plan: Plan, progress: bool = False) -> list[str]:
    """rsync's options for a plan, the way to the node apart. With `progress` it prints a line for each file and each second."""
    wanted = plan.options
    words = [
        "--archive",
        "-s",  # the long name changed with 3.2.6
        "--partial",
        f"--partial-dir={PARTIAL}",
        "--no-human-readable",
        "--outbuf=L",
        f"--info={'stats2,progress2' if progress and not wanted.dry_run else 'stats2'}",
        f"--timeout={wanted.timeout}",
    ]
    for flag, given in (
        ("--delete", wanted.delete),
        ("--dry-run", wanted.dry_run),
        ("--sparse", wanted.sparse),
        ("--hard-links", wanted.hard_links),
        ("--checksum", wanted.checksum),
        ("--compress", wanted.compress),
        ("--whole-file", wanted.whole_file),
    ):
        if given:
            words.append(flag)
    if wanted.dry_run:
        words.append("--out-format=%i %n%L")
    if wanted.rate:
        words.append(f"--bwlimit={max(1, wanted.rate // 1024)}")  # KiB a second
    if wanted.chmod:
        words.append(f"--chmod={wanted.chmod}")
    if wanted.chown:
        words.append(f"--chown={wanted.chown}")
    return [*words, *wanted.filters, *wanted.more]


def words(plan: Plan, node: Node, ssh: list[str], rate: int | None = None, progress: bool = False) -> list[str]:
    """The whole command line. `ssh` is the argument list up to the host; `rate` bounds this node, in bytes a second."""
    list_ = ["rsync", *options(plan, progress), f"--rsh={system.rsh(ssh)}", f"--rsync-path={at_node(plan)}"]
    if rate and (not plan.options.rate or rate < plan.options.rate):
        list_.append(f"--bwlimit={max(1, rate // 1024)}")
    if plan.direction is Direction.PUSH:
        return [*list_, "--", *map(here, plan.sources), system.place(node, remote(plan.destination))]
    first, *more = (remote(source) for source in plan.sources)
    return [
        *list_,
        "--",
        system.place(node, first),
        # an empty host: the same one as the first (rsync(1), ADVANCED USAGE)
        *(f":{source}" for source in more),
        folder(plan, node.name) + "/",
    ]


def folder(plan: Plan, node: str) -> str:
    """The folder here that a pull from a node fills: `DEST/<node>`."""
    # a name of an inventory may hold anything; a slash or a lone dot would lead out of DEST
    name = node.replace("/", "∕")
    return os.path.join(here(plan.destination), f"_{name}" if name in (".", "..", "") else name)


def here(path: str) -> str:
    """A path on this machine as rsync gets it: not to be taken for a host, an option or a URL."""
    return path if path.startswith(("/", "./", "../")) else f"./{path}"


def environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Ours, without what would change rsync's ways, and with numbers and messages in the one form that is read here."""
    kept = {name: value for name, value in base.items() if not name.startswith(("RSYNC_", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8"}
