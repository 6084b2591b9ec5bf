"""Outputs of one attempt from its node: asks what there is, and has rsync bring exactly that. Owns the folder in which it arrives.

Nothing on the node is believed: names come back through the exact match, links are not followed, pipes and devices are left, and what
arrives is looked at again before it gets its place (`into`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConnectionLost, StagingError
from ...model import clean, size
from ...push import Direction, Ending, Options, Plan, Progress, Transfer
from ...push import command as rsync_words
from ...push.packages import how_to_install
from ...push.transfer import NoRsync, Rsync
from ...ssh.masters import Link
from . import into as placing
from . import patterns as matching
from . import shell
from .model import Fetched
from .scripts import script

PATIENCE = 60
"""Seconds without a byte after which rsync gives up."""
_FOLDER = ".gridtui-fetch-"
_ASKED = 1 << 26
"""Bytes of names that a node may tell."""
_TIMEOUT = 120.0
"""Seconds in which it has to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may send back."""

    files: int = 100_000
    """The rest is left there."""
    bytes: int = 1 << 40
    """A larger file is left there; where all are more together, the transfer is ended within a second or so."""


async def fetch(link: Link, folder: str, patterns: Sequence[matching.Pattern], into: Path, limits: Limits) -> Fetched:
    """Bring what matches to `into`. Raises SshError, StagingError."""
    names, troubles = await _listed(link, folder, patterns, limits)
    if not names:
        return Fetched(troubles=troubles)
    arriving = into / (
        _FOLDER + hashlib.sha256(f"{link.node.name}\0{folder}".encode("utf-8", "replace")).hexdigest()[:16]
    )
    try:
        await asyncio.to_thread(arriving.mkdir, 0o700, True, True)
        _own(arriving)
        transfer = await _move(link, folder, names, arriving, limits)
        if transfer.status in (Ending.UNREACHABLE, Ending.TIMEOUT):
            # what has arrived stays for the next time
            raise ConnectionLost(f"{link.node.name}: {transfer.error}")
        came = await asyncio.to_thread(placing.settle, _place(arriving, link), into, names)
    except OSError as error:
        name = error.filename if isinstance(error.filename, str | bytes) else str(into)
        raise StagingError(f"{clean(name, 300)}: {(error.strerror or str(error)).lower()}") from None
    await asyncio.to_thread(shutil.rmtree, arriving, ignore_errors=True)
    if transfer.ok:
        troubles += tuple(f"{clean(name, 300)}: gone, or too large" for name in came.missing[: placing.TROUBLES])
    else:
        troubles = (transfer.error, *troubles)
    return Fetched(came.names, (*troubles, *came.troubles)[: placing.TROUBLES], came.size, transfer.ok and came.ok)


async def _listed(
    link: Link, folder: str, patterns: Sequence[matching.Pattern], limits: Limits
) -> tuple[list[bytes], tuple[str, ...]]:
    """The names to bring, and what is left."""
    words = matching.expression(patterns)
    said = await shell.run(link, script("list"), folder, str(limits.files + 1), *words, limit=_ASKED, timeout=_TIMEOUT)
    if said.code == 66:
        raise StagingError(f"{link.node.name}: the job's folder is gone")
    if said.code:
        raise StagingError(f"{link.node.name}: outputs cannot be listed: {said.error or f'exit status {said.code}'}")
    # a folder that may not be read, most likely
    troubles = [said.error] if said.error else []
    # no more pieces than that: a node may say nothing but NULs
    found = said.output.split(b"\0", limits.files + 1)
    if len(found) > limits.files + 1:
        troubles.append(f"more than {limits.files} files match: the rest was left on {link.node.name}")
        del found[limits.files :]
    names = await asyncio.to_thread(_chosen, found, patterns, troubles)
    return names, tuple(troubles)


def _chosen(found: Sequence[bytes], patterns: Sequence[matching.Pattern], troubles: list[str]) -> list[bytes]:
    names: list[bytes] = []
    for item in found:
        kind, name = item[:1], item[1:].removeprefix(b"./")  # the last item is what follows the last NUL: nothing
        parts = name.split(b"/")
        if not name or b".." in parts or b"" in parts or b"." in parts:
            continue  # find never says so
        if not any(pattern.matches(os.fsdecode(name)) for pattern in patterns):
            continue
        if kind in (b"f", b"d", b"l"):
            names.append(name)
        elif len(troubles) < placing.TROUBLES:
            troubles.append(f"{clean(name, 300)}: no file, folder or link")
    return names


async def _move(link: Link, folder: str, names: Sequence[bytes], arriving: Path, limits: Limits) -> Transfer:
    listed = arriving / "names"
    # ./ before each: a line that begins with # or ; would be a comment (rsync(1), --files-from)
    await asyncio.to_thread(listed.write_bytes, b"".join(b"./" + name + b"\0" for name in names))
    options = Options(
        timeout=PATIENCE,
        more=(
            "--no-perms",
            "--no-owner",
            "--no-group",
            "--no-D",
            "--executability",
            "--omit-dir-times",
            f"--max-size={limits.bytes}",
            "--from0",
            f"--files-from={listed}",
        ),
    )
    plan = _plan(folder, arriving, options)

    def told(progress: Progress) -> None:
        if progress.bytes > limits.bytes:
            moving.interrupt(Ending.FAILED, f"the outputs are more than {size(limits.bytes)}")

    moving = Rsync(plan, link, told=told)
    await asyncio.to_thread(_place(arriving, link).mkdir, 0o700, True, True)
    try:
        return await moving.finish()
    except NoRsync as missing:
        raise StagingError(
            f"{link.node.name}: there is no rsync, which outputs need", hint=how_to_install(missing.distribution)
        ) from None


def _plan(folder: str, arriving: Path, options: Options) -> Plan:
    return Plan((folder.rstrip("/") + "/",), str(arriving / "files"), Direction.PULL, options)


def _place(arriving: Path, link: Link) -> Path:
    """Where rsync puts them."""
    return Path(rsync_words.folder(_plan("work", arriving, Options()), link.node.name))


def _own(folder: Path) -> None:
    """A folder of ours alone: what arrives in it is not yet looked at."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StagingError(f"{clean(str(folder), 300)} is no folder of ours")
    os.chmod(folder, 0o700)
