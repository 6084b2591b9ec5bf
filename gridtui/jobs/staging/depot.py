"""One node's cache of inputs, as seen from here: what it holds, and how what is missing gets there, once. Owns no login.

On the node an object is `objects/<digest>`, put there by a rename after its hash was compared; what is on its way, or was cut off, lies in
`incoming/`. All who need something at one time share one rsync; who comes while it runs shares the next one. What is large has a lane of
its own: a script of a kilobyte does not wait for a disk image.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from ...errors import ConnectionLost, GridtuiError, InputError, StagingError
from ...model import clean
from ...push import Ending, Options, Plan, Transfer
from ...push.packages import how_to_install
from ...push.transfer import NoRsync, Rsync
from ...ssh.masters import Link
from . import shell
from .farm import planted
from .model import CACHE, Manifest
from .scripts import script

LARGE = 64 << 20
"""Bytes to send from which on it goes the lane of the large ones."""
_HELD = re.compile(rb"^[0-9a-f]{64}$", re.MULTILINE)
_TOLD = re.compile(rb"^(ok|wrong|gone) ([0-9a-f]{64})$", re.MULTILINE)
_ASKED = 1 << 26
"""Bytes that a node may tell of its cache: a million objects."""
_TIMEOUT = 120.0
"""Seconds in which it has to."""
_SETTLE = 1800.0
"""Seconds for the node to hash what came."""
PATIENCE = 60
"""Seconds without a byte after which rsync gives up."""
_WAIT = 3600.0
"""Seconds to wait while another controller sends to the same node and login."""
_FULL = ("no space left on device", "disk quota exceeded")

Enter = Callable[[bool], AbstractAsyncContextManager[Link]]
Failures = dict[str, GridtuiError]
"""For each digest that did not get there, why."""


class Changed(InputError):
    """An input was written to after it was looked at."""


@dataclass(slots=True)
class _Lane:
    name: str
    waiting: list[tuple[Manifest, asyncio.Future[None]]] = field(default_factory=list)
    batch: asyncio.Task[None] | None = None
    moving: frozenset[str] = frozenset()


class Depot:
    """One node's. `enter` gives a turn on the node, told whether it may take long; `limit` is the most bytes that it keeps."""

    def __init__(self, enter: Enter, limit: int) -> None:
        self._enter, self._limit = enter, limit
        self._known: frozenset[str] | None = None
        self._place = ""
        self._small, self._large = _Lane("small"), _Lane("large")

    @property
    def holds(self) -> frozenset[str]:
        """Digests that lie there, as far as is known."""
        return self._known or frozenset()

    def doubt(self) -> None:
        """Something that was thought to lie there does not: ask anew."""
        self._known = None

    async def send(self, manifest: Manifest) -> None:
        """Everything of it lies there when this returns. Raises SshError, StagingError, Changed."""
        missing = manifest.digests.keys() - self.holds
        if self._known is not None and not missing:
            return
        large = sum(manifest.digests[digest] for digest in missing) >= LARGE
        lane = self._large if large or missing & self._large.moving else self._small
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append((manifest, done))
        if lane.batch is None:
            lane.batch = asyncio.create_task(self._work(lane), name=f"staging {lane.name}")
        await done

    async def close(self) -> None:
        """End what runs."""
        batches = [lane.batch for lane in (self._small, self._large) if lane.batch]
        for batch in batches:
            batch.cancel()
        await asyncio.gather(*batches, return_exceptions=True)

    async def _work(self, lane: _Lane) -> None:
        mine: list[tuple[Manifest, asyncio.Future[None]]] = []
        try:
            while lane.waiting:
                mine = [(manifest, done) for manifest, done in lane.waiting if not done.done()]
                lane.waiting = []
                failed: Failures | GridtuiError
                try:
                    failed = await self._bring(lane, [manifest for manifest, _ in mine])
                except GridtuiError as error:
                    failed = error
                if failed:
                    self.doubt()
                for manifest, done in mine:
                    _tell(manifest, done, failed)
        finally:
            lane.batch, lane.moving = None, frozenset()
            for _, done in (*mine, *lane.waiting):
                done.cancel()
            lane.waiting = []

    async def _bring(self, lane: _Lane, manifests: Iterable[Manifest]) -> Failures:
        async with self._enter(lane is self._large) as link:
            known = self._known
            if known is None:
                known = self._known = await self._ask(link)
            missing: dict[str, str | bytes] = {}
            for manifest in manifests:
                for digest in manifest.digests.keys() - known:
                    missing[digest] = manifest.index if digest == manifest.id else manifest.sources[digest]
            if not missing:
                return {}
            lane.moving = frozenset(missing)
            with planted(missing) as farm:
                there, wrong, moved = await self._carry(link, lane, str(farm))
            if self._known is not None:
                self._known |= there
            left = missing.keys() - there
            return {digest: _failure(link, missing[digest], digest in wrong, moved) for digest in left}

    async def _carry(self, link: Link, lane: _Lane, farm: str) -> tuple[set[str], set[str], Transfer]:
        """Send, and once more where the disk was full and something could go. What is there, what was wrong, how rsync ended."""
        there: set[str] = set()
        wrong: set[str] = set()
        for last in (False, True):
            moved = await self._move(link, lane, farm)
            if moved.status in (Ending.UNREACHABLE, Ending.TIMEOUT):
                raise ConnectionLost(f"{link.node.name}: {moved.error}")
            full = not moved.ok and moved.error.startswith(_FULL)
            ok, bad, gone = await self._settle(link, lane, full)
            there, wrong = (there | ok) - gone, wrong | bad
            if self._known is not None:
                self._known -= gone
            if not full or not gone or last:
                break
        return there, wrong, moved

    async def _ask(self, link: Link) -> frozenset[str]:
        said = await shell.run(link, script("ask"), CACHE, limit=_ASKED, timeout=_TIMEOUT)
        place, _, names = said.output.partition(b"\n")
        if said.code or not place.startswith(b"/"):
            raise StagingError(f"{link.node.name}: no place for inputs: {said.error or 'the node answers oddly'}")
        self._place = os.fsdecode(place)
        return frozenset(match[0].decode() for match in _HELD.finditer(names))

    async def _move(self, link: Link, lane: _Lane, farm: str) -> Transfer:
        options = Options(
            chmod="F600",
            sparse=True,
            timeout=PATIENCE,
            wait=_WAIT,
            more=("--copy-links", "--no-owner", "--no-group", "--no-D", "--no-times", "--omit-dir-times"),
        )
        plan = Plan((farm + "/",), f"{self._place}/incoming/{lane.name}", options=options)
        try:
            return await Rsync(plan, link).finish()
        except NoRsync as missing:
            raise StagingError(
                f"{link.node.name}: there is no rsync, which inputs need", hint=how_to_install(missing.distribution)
            ) from None

    async def _settle(self, link: Link, lane: _Lane, full: bool) -> tuple[set[str], set[str], set[str]]:
        """Have what came checked and put in its place: what is there, what was wrong, what went for its space."""
        words = (
            (f"{self._place}/incoming/{lane.name}", "0", "full")
            if full
            else (f"{self._place}/incoming/{lane.name}", str(self._limit), "")
        )
        said = await shell.run(link, script("settle"), *words, limit=_ASKED, timeout=_SETTLE)
        if said.code:
            raise StagingError(f"{link.node.name}: inputs cannot be kept: {said.error or 'the node answers oddly'}")
        told: dict[bytes, set[str]] = {b"ok": set(), b"wrong": set(), b"gone": set()}
        for match in _TOLD.finditer(said.output):
            told[match[1]].add(match[2].decode())
        return told[b"ok"], told[b"wrong"], told[b"gone"]


def _tell(manifest: Manifest, done: asyncio.Future[None], failed: Failures | GridtuiError) -> None:
    if done.done():
        return
    if isinstance(failed, GridtuiError):
        done.set_exception(failed)
        return
    for digest in manifest.digests:
        if digest in failed:
            done.set_exception(failed[digest])
            return
    done.set_result(None)


def _failure(link: Link, source: str | bytes, wrong: bool, moved: Transfer) -> GridtuiError:
    if isinstance(source, str):
        if wrong:
            return Changed(f"input {clean(source, 300)} changed while it was sent")
        if not os.path.isfile(source):
            return Changed(f"input {clean(source, 300)} is gone")
    # the name in the cache says nothing to anybody
    why = re.sub(r": \S*/incoming/\S*( \(and \d+ more\))?$", " for inputs", moved.error) or "an input did not get there"
    return StagingError(f"{link.node.name}: {why}")
