"""A sudo that asks before `open` has returned: what it says then must not be lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from gridtui.exec import Ending, Plan, Run, Task
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Channel, Connection, Pool, Receiver

SUDO = """#!/bin/sh
printf %s "$3" >&2
IFS= read -r password
[ "$password" = secret ] || { echo "not in the sudoers file" >&2; exit 1; }
shift 4
exec "$@"
"""


class Late:
    """A connection whose `open` returns only after the other side has spoken on standard error."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def open(self, command: str, receiver: Receiver) -> Channel:
        spoke = asyncio.Event()
        hear = cast(Any, receiver).complained

        def complained(data: bytes) -> None:
            hear(data)
            spoke.set()

        cast(Any, receiver).complained = complained
        channel = await self._connection.open(command, receiver)
        await spoke.wait()
        await asyncio.sleep(0.05)  # what was started by it has its turn
        return channel


class LatePool:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def connect(self, node: Node) -> Late:
        return Late(await self._pool.connect(node))


@pytest.mark.parametrize(
    ("password", "ending", "error"),
    [("secret", Ending.OK, ""), ("wrong", Ending.FAILED, "sudo refused: not in the sudoers file")],
)
async def test_the_password_arrives(
    password: str, ending: Ending, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "sudo"
    program.write_text(SUDO)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SHELL", "/bin/sh")

    async def ask(question: str) -> str | None:
        return password

    async with Pool(Ssh()) as pool:
        task = Task("echo well", sudo=True, timeout=10)
        run = Run(task, [Node("here", "here", local=True)], cast(Pool, LatePool(pool)), Plan(), ask=ask)
        outcome = (await run.finish())["here"]
    assert (outcome.status, outcome.error) == (ending, error)
    assert outcome.stdout == (b"well\n" if ending is Ending.OK else b"")
