"""Staging as a whole: inputs to nodes, outputs back. Owns the logins and what is known of each node's cache.

    async with Stage(settings.ssh) as stage:
        manifest = await stage.bring(node, spec.inputs)     # then the keeper runs manifest.text in the attempt's folder
        ...
        fetched = await stage.fetch(node, folder, spec.outputs, into)

Without inputs and outputs none of this runs anything, here or on a node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import InputError
from ...model import Node
from ...settings import Ssh
from ...ssh.masters import Link
from ..model import Input
from . import fetching, looking, patterns
from .depot import Changed, Depot
from .digests import Digests
from .doors import Doors
from .index import NONE, manifest
from .model import Fetched, Manifest

CACHE = 20 << 30
"""Bytes of inputs that a node keeps."""
_REMEMBERED = 100_000
"""Files of all manifests that are kept: packing 10,000 names takes half a second."""
_LOOKS = 4
"""Times that inputs are looked at anew because they changed while they were sent."""


class Stage:
    """Use it within one event loop, as a context manager or with `close`.

    `cache` is the most bytes of inputs that each node keeps, `limits` what one attempt may send back; `state` the folder in which
    digests are remembered, the state folder unless given.
    """

    def __init__(
        self, settings: Ssh, *, cache: int = CACHE, limits: fetching.Limits | None = None, state: Path | None = None
    ) -> None:
        self._doors = Doors(settings)
        self._digests = Digests(state)
        self._cache, self._limits = cache, limits or fetching.Limits()
        self._depots: dict[str, Depot] = {}
        self._turn = asyncio.Lock()
        self._looks: dict[tuple[Input, ...], asyncio.Task[Manifest]] = {}
        self._last: dict[tuple[Input, ...], Manifest] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what runs, and the logins. Idempotent."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
        await asyncio.gather(*(depot.close() for depot in self._depots.values()))
        await self._doors.close()
        self._digests.close()

    async def manifest(self, inputs: Sequence[Input]) -> Manifest:
        """What inputs are now. Files that did not change since they were looked at last are not read again. Raises InputError."""
        wanted = tuple(inputs)
        if not wanted:
            return NONE
        # Many elements of an array ask at once. Who asks before a look has begun shares it; who asks later may know of a change.
        look = self._looks.get(wanted)
        if look is None:
            look = self._looks[wanted] = asyncio.create_task(self._look(wanted), name="look at inputs")
            look.add_done_callback(_heard)
        return await asyncio.shield(look)

    async def _look(self, inputs: tuple[Input, ...]) -> Manifest:
        try:
            async with self._turn:
                self._digests.load()
                del self._looks[inputs]
                entries, sources = await asyncio.to_thread(looking.look, inputs, self._digests)
                last = self._last.get(inputs)
                if last is None or last.entries != entries:
                    last = await asyncio.to_thread(manifest, entries, sources)
                    self._last.pop(inputs, None)
                    self._last[inputs] = last
                    while len(self._last) > 1 and sum(len(one.entries) for one in self._last.values()) > _REMEMBERED:
                        del self._last[next(iter(self._last))]
                self._digests.save()
                return last
        except BaseException:
            self._looks.pop(inputs, None)
            raise

    async def send(self, node: Node, manifest: Manifest) -> None:
        """Have all of it lie in the node's cache. Returns at once when it does. Raises SshError, StagingError, InputError."""
        if manifest:
            await self._depot(node).send(manifest)

    async def bring(self, node: Node, inputs: Sequence[Input]) -> Manifest:
        """Have the inputs as they are now lie in the node's cache; what they are. Raises SshError, StagingError, InputError.

        InputError alone is the job's own fault: no other node would help.
        """
        for _ in range(_LOOKS):
            found = await self.manifest(inputs)
            try:
                await self.send(node, found)
            except Changed as error:
                changed = error
            else:
                return found
        raise InputError(f"{changed.message}, {_LOOKS} times")

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
        async with self._doors.enter(node) as link:
            return await fetching.fetch(link, folder, chosen, into, self._limits)

    def _depot(self, node: Node) -> Depot:
        def enter(large: bool) -> AbstractAsyncContextManager[Link]:
            return self._doors.enter(node, large)

        return self._depots.setdefault(node.name, Depot(enter, self._cache))


def _heard(look: asyncio.Task[Manifest]) -> None:
    """All who asked may have been cancelled: nobody is left to hear why it failed."""
    if not look.cancelled():
        look.exception()
