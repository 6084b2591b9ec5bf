"""The busiest processes, on demand. Format: proc(5), /proc/PID/stat. No `ps`: busybox's differs, and both look at more than we ask.

`top_command()` goes through `Connection.run`; it reads all processes twice, a moment apart, so that shares are those of that moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ProbeError
from ..model import clean

TOP_LIMIT = 8 << 20
"""Bytes of output to allow for: two readings of some 20,000 processes."""

MOST = 32768

# pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice threads 0 starttime vsize rss
_STAT = re.compile(
    rb"^(\d{1,10}) \((.{0,64}?)\) ([A-Za-z]) (\d{1,10})(?: -?\d{1,20}){9} (\d{1,15}) (\d{1,15}) -?\d{1,15} -?\d{1,15} -?\d{1,6} (-?\d{1,4})"
    rb" (\d{1,7}) -?\d{1,15} (\d{1,20}) \d{1,20} (-?\d{1,16})$",
    re.M,
)
_OWNER = re.compile(rb"^(\S{1,64}) /proc/(\d{1,10})$", re.M)
_UPTIME = re.compile(rb"(\d{1,11}\.\d\d) ")
_PAGE = re.compile(rb"\s*(\d{4,7})\s*")
_LOGIN = re.compile(rb"\s*([0-9a-f-]{36})?\s+(\d{1,10}) (\S{1,64})\s*")
_TICK = 0.01


@dataclass(frozen=True, slots=True)
class Process:
    """One process."""

    pid: int
    name: str
    """As the kernel knows it: at most 15 bytes (threads of the kernel more)."""
    user: str
    state: str
    """R running, S sleeping, D waiting for I/O, Z zombie, ... (proc(5))."""
    cpu: float
    """Per cent of one CPU, as `top` counts: four busy threads make 400."""
    memory: int
    """Resident, in bytes."""
    seconds: float
    """CPU time since it started."""
    threads: int
    nice: int
    parent: int
    started: int = 0
    """Ticks of the kernel's clock from the boot to its start: with `boot` and the number, no other process has the same."""
    boot: str = ""
    """The boot id of the node then; '' where it was not told."""
    ours: bool = False
    """Whether the login may send it signals: it is its own, or the login is root's."""


def top_command(pause: float = 0.5) -> str:
    """The command to run: two readings, `pause` seconds apart (a whole second where `sleep` knows no fractions)."""
    seconds = min(10.0, max(0.1, pause))
    # Cut behind the 24th field: the rest is addresses. The name may hold blanks and brackets: the greedy `.*)` takes the last bracket.
    cut = r"s/^\([0-9]* (.*) [A-Za-z]\(  *-*[0-9][0-9]*\)\{21\}\).*/\1/"
    script = (
        "LC_ALL=C; export LC_ALL; exec 2>/dev/null; cd / ; "
        f'r() {{ echo @uptime; cat /proc/uptime; echo @stat; cat /proc/[0-9]*/stat | sed -n -e "{cut}p"; }}; '
        f"r; sleep {seconds:g} || sleep 1; r; "
        "echo @login; cat /proc/sys/kernel/random/boot_id; id -u -n >/dev/null && echo $(id -u) $(id -u -n); "
        'echo @page; getconf PAGESIZE || echo 4096; echo @owners; stat -c "%U %n" /proc/[0-9]*; echo @end'
    )
    return f"exec /bin/sh -c '{script}'"


def parse_top(text: bytes, count: int = 20) -> tuple[Process, ...]:
    """The `count` busiest processes, busiest first, then largest. Raises ProbeError when the answer is not whole."""
    parts: dict[bytes, list[bytes]] = {}
    name = b""
    for piece in re.split(rb"^(@uptime|@stat|@login|@page|@owners|@end)\n", text[:TOP_LIMIT], flags=re.M):
        if piece[:1] == b"@" and b"\n" not in piece:
            name = piece
            parts.setdefault(name, [])
        elif name:
            parts[name].append(piece)
    stats, ups = parts.get(b"@stat", []), parts.get(b"@uptime", [])
    if len(stats) != 2 or len(ups) != 2 or b"@end" not in parts:
        raise ProbeError("the list of processes did not come whole")
    times = [_UPTIME.match(up) for up in ups]
    if times[0] is None or times[1] is None:
        raise ProbeError("the list of processes is damaged")
    seconds = float(times[1][1]) - float(times[0][1])
    page = next((int(match[1]) for piece in parts.get(b"@page", []) if (match := _PAGE.fullmatch(piece))), 4096)
    login = next((match for piece in parts.get(b"@login", []) if (match := _LOGIN.fullmatch(piece))), None)
    boot, root, us = (login[1] or b"", login[2] == b"0", login[3]) if login else (b"", False, b"")
    owners = {pid: user for piece in parts.get(b"@owners", []) for user, pid in _OWNER.findall(piece)[:MOST]}
    before = {(row[0], row[8]): int(row[4]) + int(row[5]) for row in _STAT.findall(stats[0])[:MOST]}
    found = []
    for pid, comm, state, parent, user_time, system_time, nice, threads, start, rss in _STAT.findall(stats[1])[:MOST]:
        spent = int(user_time) + int(system_time)
        old = before.get((pid, start), 0)  # one that began in between: all of its time is of that moment
        share = 100.0 * max(0, spent - old) * _TICK / seconds if seconds > 0 else 0.0
        found.append((share, max(0, int(rss)) * page, pid, comm, state, parent, spent, nice, threads, start))
    found.sort(key=lambda row: row[:2], reverse=True)
    return tuple(
        Process(
            int(pid),
            clean(comm, 64),
            clean(owners.get(pid, b""), 64),
            clean(state, 1),
            share,
            memory,
            spent * _TICK,
            int(threads),
            int(nice),
            int(parent),
            int(start),
            boot.decode("ascii"),
            root or (bool(us) and owners.get(pid) == us),
        )
        for share, memory, pid, comm, state, parent, spent, nice, threads, start in found[: max(0, count)]
    )
