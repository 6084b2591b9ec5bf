"""What a simulated node answers when somebody looks closer: a unit's journal, its containers, a signal. Owns the made-up text.

The commands are known by the frames of `probes`, as all of them; nothing is run, and no process ever gets a signal.
"""

from __future__ import annotations

import re
import time
import zlib

from .. import probes
from . import identity
from .machine import Machine
from .population import Ail

_UNIT = re.compile(r" sh '([A-Za-z0-9:_.@\\-]{1,250}\.[a-z]{1,16})'$")
_NONCE = re.compile(r"@([0-9a-f]{16}) end")
_SIGNAL = re.compile(r"exec /bin/sh -c '.*kill -s .*' sh [A-Z]{3,4} \d{1,10} \S{2,40} \d{1,20}", re.DOTALL)

_STEPS = (
    "Starting backup.service - Nightly backup of /srv to the storage node...",
    "backup[{pid}]: looking for what has changed since the last run",
    "backup[{pid}]: {files} files, {size} GB to send",
    "backup[{pid}]: store01: connection reset by peer; trying again in 30 s",
    "backup[{pid}]: store01: connection reset by peer; trying again in 60 s",
    "backup[{pid}]: store01: connection reset by peer; giving up",
    "backup.service: Main process exited, code=exited, status=4/NOPERMISSION",
    "backup.service: Failed with result 'exit-code'.",
    "Failed to start backup.service - Nightly backup of /srv to the storage node.",
)


def answer(command: str, machine: Machine) -> tuple[str, int] | None:
    """The answer and its exit status; None where it is another command."""
    if (unit := _UNIT.search(command)) and command == probes.journal_command(unit[1]):
        return _journal(unit[1], machine), 0
    if nonce := _NONCE.search(command):
        for sudo in (False, True):
            if command == probes.containers_command(nonce[1], sudo=sudo):
                return _containers(nonce[1], machine), 0
    if _SIGNAL.fullmatch(command):
        return "denied\n", 0
    return None


def _journal(unit: str, machine: Machine) -> str:
    if unit != "backup.service" or Ail.UNIT not in machine.person.ails:
        return "ActiveState=inactive\nResult=success\n\n-- No entries --\n"
    began = machine.now - machine.now % 86400 + 2 * 3600
    began -= 86400 if began > machine.now else 0
    lines = []
    for night in range(6, -1, -1):
        pid = 31000 - night * 2711
        for at, step in enumerate(_STEPS):
            who = "systemd[1]: " if not step.startswith("backup[") else ""
            words = step.format(pid=pid, files=41_200 + 37 * night, size=12 + night)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(began - 86400 * night + 19 * at))
            lines.append(f"{stamp} {machine.person.name} {who}{words}")
    since = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(began + 19 * len(_STEPS)))
    head = (
        "ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=4\nNRestarts=0\n"
        f"StateChangeTimestamp={since}\n"
    )
    return f"{head}\n" + "\n".join(lines) + "\n"


def _containers(nonce: str, machine: Machine) -> str:
    said = ""
    for engine in ("docker", "podman"):
        if engine in identity.programs(machine):
            person = machine.person
            rows = [
                f"{zlib.crc32(f'{person.name} {at}'.encode()):012x}\t{name}-{at + 1}\tregistry.example/{name}:2.{at}\tUp {5 + at} days\t"
                for at, name in enumerate(person.hardware.services[:3])
            ]
            said += f"@{nonce} {engine} own 0\n" + "".join(f"{row}\n" for row in rows)
    return f"{said}@{nonce} end\n"
