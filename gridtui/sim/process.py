"""The simulator as a process of its own: start it, wait until it is ready, end it. Loads nothing heavy, so that a face can import it.

A process apart keeps the simulated nodes' work out of the controller's event loop, and out of its CPU time in benchmarks. It ends
when its standard input ends, so it cannot outlive whoever started it, whatever that one died of.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Evidence, GridtuiError
from ..model import clean

READY = b"ready\n"
"""What the simulator prints when all nodes listen and all files are written."""
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that is ready."""

    nodes: int
    folder: Path
    inventory: Path
    pid: int


@asynccontextmanager
async def start_process(
    nodes: int,
    folder: Path,
    *,
    seed: int = 0,
    calm: bool = False,
    with_local: bool = False,
    cycle: tuple[float, float] | None = None,
    timeout: float = 60.0,
) -> AsyncIterator[Running]:
    """Run `python -m gridtui.sim` over `folder` while the context lasts; enter when it is ready.

    `cycle` are the seconds for which the dying node lives and is dead. Raises GridtuiError when it ends early, prints something else, or is
    not ready within `timeout` seconds; the process is gone then.
    """
    words = [sys.executable, "-m", "gridtui.sim", "--nodes", str(nodes), "--folder", str(folder), "--seed", str(seed)]
    words += ["--calm"] * calm + ["--with-local"] * with_local
    if cycle:
        words += ["--cycle", f"{cycle[0]:g}:{cycle[1]:g}"]
    # A session of its own: Ctrl-C in the terminal is for the face, which ends the simulator when it is done itself.
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    complaints = _Tail()
    assert process.stdout
    assert process.stderr
    listening = asyncio.ensure_future(complaints.follow(process.stderr))
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), timeout)
        except TimeoutError:
            line = b""
            why = f"was not ready within {timeout:g} s"
        else:
            why = f"said {clean(line.strip(), 80)!r} instead of being ready"
        if line != READY:
            status = await _end(process)
            await listening
            if not line and status not in (0, -15):
                why = complaints.last or f"ended with status {status}"
            raise GridtuiError(
                f"the simulated nodes did not start: {why}",
                hint="fewer nodes may do" if nodes > 1000 else "",
                evidence=Evidence(command=" ".join(words), exit_status=status, stderr=complaints.text),
            )
        yield Running(nodes, folder, folder / "inventory.yaml", process.pid)
    finally:
        await _end(process)
        await listening


async def _end(process: asyncio.subprocess.Process) -> int:
    """End of input is the signal to go; who does not listen is killed."""
    assert process.stdin
    process.stdin.close()
    for finish in (process.terminate, process.kill):
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), _GRACE)
        with suppress(ProcessLookupError):
            finish()
    return await process.wait()


class _Tail:
    """The last lines that a stream gave, at most 8 kB."""

    def __init__(self) -> None:
        self._data = b""

    async def follow(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._data = (self._data + data)[-8192:]

    @property
    def text(self) -> str:
        return "\n".join(clean(line) for line in self._data.splitlines())

    @property
    def last(self) -> str:
        lines = [line for line in self._data.splitlines() if line.strip()]
        return clean(lines[-1], 300) if lines else ""
