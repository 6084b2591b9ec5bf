"""Programs that must not outlive us. Owns how such a child starts and how it and all under it end; knows no ssh.

Each is the leader of a process group of its own, so that Ctrl-C at the terminal reaches us alone and we decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence

GRACE = 5.0
"""Seconds between asking a group to end and killing it."""

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


def _with_parent() -> None:
    """In the child, before it runs the program: end when the parent does, however that ends (SIGKILL)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


async def start(
    words: Sequence[str], env: Mapping[str, str] | None = None, limit: int = 1 << 16
) -> asyncio.subprocess.Process:
    """Start a program with both outputs piped and nothing to read. Raises OSError where it cannot be run."""
    return await asyncio.create_subprocess_exec(
        *(os.fsencode(word) for word in words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        limit=limit,
        start_new_session=True,
        preexec_fn=_with_parent,
    )


def ask(process: asyncio.subprocess.Process, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal to the whole group, its leader gone or not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def end(process: asyncio.subprocess.Process, grace: float = GRACE) -> None:
    """Ask the group to end, kill what is left of it, and wait for its leader."""
    ask(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await process.wait()
    ask(process, signal.SIGKILL)
    await process.wait()
