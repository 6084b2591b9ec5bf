"""Staging as a whole: inputs to nodes, outputs back. Owns the logins and what is known of each node's cache.

    async with Stage(settings.ssh) as stage:
        manifest = await stage.manifest(spec.inputs)
        await stage.send(node, manifest)            # then the keeper runs manifest.text in the attempt's folder
        ...
        fetched = await stage.fetch(node, folder, spec.outputs, into)

Without inputs and outputs none of this runs anything, here or on a node.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ...model import Node
from ...settings import Ssh
from ...ssh.masters import Link, Masters
from ..model import Input
from . import fetching, looking, patterns
from .depot import Depot
from .digests import Digests
from .index import NONE
from .model import Fetched, Manifest

CACHE = 20 << 30
"""Bytes of inputs that a node keeps."""


class Stage:
    """Use it within one event loop, as a context manager or with `close`. `cache` is the most bytes of inputs that each node keeps."""

    def __init__(self, settings: Ssh, *, cache: int = CACHE, limits: fetching.Limits | None = None) -> None:
        self._masters = Masters(settings)
        self._digests = Digests()
        self._cache, self._limits = cache, limits or fetching.Limits()
        self._depots: dict[str, Depot] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what runs, and the logins. Idempotent."""
        await asyncio.gather(*(depot.close() for depot in self._depots.values()))
        await self._masters.close()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._digests.close)

    async def manifest(self, inputs: Sequence[Input]) -> Manifest:
        """What inputs are now. Files that did not change since they were looked at last are not read again. Raises InputError."""
        if not inputs:
            return NONE
        return await asyncio.to_thread(looking.look, inputs, self._digests)

    async def send(self, node: Node, manifest: Manifest) -> None:
        """Have all of it lie in the node's cache. Returns at once when it does. Raises SshError, StagingError, InputError."""
        if manifest:
            await self._depot(node).send(manifest)

    def holds(self, node: str) -> frozenset[str]:
        """Digests of what lies in a node's cache, as far as is known."""
        depot = self._depots.get(node)
        return depot.holds if depot else frozenset()

    def doubt(self, node: str) -> None:
        """An input was missing on a node that was thought to have it."""
        if depot := self._depots.get(node):
            depot.doubt()

    async def fetch(self, node: Node, folder: str, outputs: Sequence[str], into: Path) -> Fetched:
        """Bring what matches in a folder of the node to `into`, which is made. Raises SshError, StagingError, UsageError.

        What did not come is told in the result. After an SshError what arrived is kept, and the next call goes on with it.
        """
        chosen = patterns.parse(outputs)
        if not chosen:
            return Fetched()
        return await fetching.fetch(await self._masters.open(node), folder, chosen, into, self._limits)

    def _depot(self, node: Node) -> Depot:
        async def open() -> Link:
            return await self._masters.open(node)

        return self._depots.setdefault(node.name, Depot(open, self._cache))
