"""A command on a node over the master that rsync uses too. Owns that child; knows nothing of files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ...errors import ConnectionLost, Evidence, ShellError, StagingError
from ...model import clean
from ...ssh import children, quote
from ...ssh.masters import Link


@dataclass(frozen=True, slots=True)
class Said:
    """How it ended. Output is raw and hostile."""

    code: int
    output: bytes
    error: str
    """The last line of standard error, neutralised."""


async def run(link: Link, text: str, *arguments: str, limit: int, timeout: float) -> Said:
    """Run POSIX sh text on the node, whatever the login shell is. Raises SshError, StagingError where it says more than `limit`."""
    command = quote("/bin/sh", "-c", text, "gridtui", *arguments)
    node = link.node.name
    process = await children.start([*link.words, link.host, command])
    assert process.stdout
    assert process.stderr
    errors = asyncio.create_task(_tail(process.stderr))
    try:
        async with asyncio.timeout(timeout):
            output = bytearray()
            while data := await process.stdout.read(1 << 16):
                output += data
                if len(output) > limit:
                    raise StagingError(f"{node}: says more than {limit} bytes")
            code = await process.wait()
            error = await errors
    except TimeoutError:
        raise ShellError(f"{node}: no answer within {timeout:g} s") from None
    finally:
        if process.returncode is None:
            await children.end(process, grace=0.5)
        errors.cancel()
    if lost := link.lost():
        raise lost
    if code == 255 and not link.node.local:
        raise ConnectionLost(f"{node}: connection lost", evidence=Evidence(node=node, stderr=error))
    return Said(code, bytes(output), error)


async def _tail(stream: asyncio.StreamReader) -> str:
    last = b""
    while data := await stream.read(1 << 14):
        last = (last + data)[-4096:]
    lines = [line for line in last.splitlines() if line.strip()]
    return clean(lines[-1], 400) if lines else ""
