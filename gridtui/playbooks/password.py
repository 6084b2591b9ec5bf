"""Sudo's password for a run: how it comes to Ansible, and who tastes it. Owns the pipe; keeps, logs and writes it nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SshError
from ..model import Node

if TYPE_CHECKING:
    from ..ssh import Pool

_PAUSE = 0.02
_TIMEOUT = 20.0


@asynccontextmanager
async def pipe(folder: Path, secret: str | None) -> AsyncIterator[Path | None]:
    """A named pipe in `folder` (mode 0700, ours) that gives the password to its one reader; None without a password.

    A pipe holds nothing on a disk, stands in no argument list and in no environment, and can be read once.
    """
    if secret is None:
        yield None
        return
    path = folder / "password"
    os.mkfifo(path, 0o600)
    feeder = asyncio.create_task(_feed(path, f"{secret}\n".encode()))
    try:
        yield path
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
        path.unlink(missing_ok=True)


async def _feed(path: Path, content: bytes) -> None:
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                return
            await asyncio.sleep(_PAUSE)
            continue
        with contextlib.suppress(OSError):
            os.write(handle, content)  # far under PIPE_BUF: whole or not at all
        os.close(handle)
        return


async def taste(nodes: Sequence[Node], pool: Pool, secret: str) -> str | None:
    """Whether sudo takes the password on the first node that can be asked. The node's name where it was refused, else None.

    `-k` makes sudo ask even where it was told a minute ago; where it needs no password it does not read what is sent.
    """
    for node in nodes:
        if node.vars.get("ansible_become_method", "sudo") != "sudo":
            continue
        try:
            connection = await pool.connect(node)
            done = await connection.run("sudo -S -k -p '' true", input=f"{secret}\n".encode(), timeout=_TIMEOUT)
        except SshError:
            continue
        if done.exit_status == 0:
            return None
        if b"incorrect password" in done.stderr or b"try again" in done.stderr:
            return node.name
    return None
