"""This machine as a feeder: rsync over the system's ssh, one login for each node that is fed from here. Owns those processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ...errors import SshError
from ...model import Node, clean
from ...ssh import children, system
from ...ssh.masters import Link, Masters
from .. import command

SLOTS = 2
"""Parts on the way at once: while one is being finished, the next fills the link."""

Sent = Callable[[str, int, str], None]
"""The receiver, the part, and what rsync said, empty when all went well."""


class Feed:
    """Parts from here to one node, in order, until it is stopped."""

    def __init__(
        self, masters: Masters, node: Node, folder: str, parts: Path, first: int, skip: frozenset[int]
    ) -> None:
        self._masters, self._node, self._folder, self._parts = masters, node, folder, parts
        self._first, self._skip = first, skip
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def offer(self, part: int) -> None:
        """There is one more part."""
        if part >= self._first and part not in self._skip:
            self._queue.put_nowait(part)

    def start(self, linked: Callable[[str], None], sent: Sent) -> None:
        """Begin. `linked` hears why there is no way, or an empty text when there is one."""
        self._task = asyncio.create_task(self._run(linked, sent), name=f"feed {self._node.name}")

    async def stop(self) -> None:
        """End it and its processes."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, linked: Callable[[str], None], sent: Sent) -> None:
        try:
            link = await self._masters.open(self._node)
        except SshError as error:
            linked(str(error))
            return
        linked("")
        async with asyncio.TaskGroup() as group:
            for _ in range(SLOTS):
                group.create_task(self._work(link, sent))

    async def _work(self, link: Link, sent: Sent) -> None:
        while True:
            part = await self._queue.get()
            if not (self._parts / str(part)).exists():
                continue  # everybody has it by now, this node too
            sent(self._node.name, part, await self._send(link, part))

    async def _send(self, link: Link, part: int) -> str:
        words = [
            "rsync",
            "-W",
            "--timeout=30",
            f"--rsh={system.rsh(link.words)}",
            # the node's script hears of the part from the same command that takes it
            f"--rsync-path=cd {self._folder} && /bin/sh ./take",
            "--",
            f"{self._parts}/{part}",
            system.place(self._node, f"{self._folder}/in/"),
        ]
        try:
            process = await children.start(words, command.environment())
        except OSError as error:
            return f"rsync cannot be run here: {error.strerror}"
        try:
            out, said = await process.communicate()
            if process.returncode == 0:
                return ""
            return clean(b" ".join((out + said).split()[-60:]), 300) or f"rsync ended with {process.returncode}"
        finally:
            await children.end(process, 0)
