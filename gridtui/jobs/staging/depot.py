"""One node's cache of inputs, as seen from here: what it holds, and how what is missing gets there, once. Owns no login.

On the node an object is `objects/<digest>`, put there by a rename after its hash was compared; what is on its way, or was cut off, lies in
`incoming/`. All who need something at one time share one rsync; who comes while it runs shares the next one.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from ...errors import ConnectionLost, GridtuiError, InputError, StagingError
from ...model import clean
from ...push import Ending, Options, Plan, Transfer
from ...push.packages import how_to_install
from ...push.transfer import NoRsync, Rsync
from ...ssh.masters import Link
from . import shell
from .model import CACHE, Manifest

_DIGEST = re.compile(rb"[0-9a-f]{64}")
_ASKED = 1 << 27
"""Bytes that a node may tell of its cache: two million objects."""
_TIMEOUT = 120.0
_SETTLE = 1800.0
"""Seconds for the node to hash what came."""
_WAIT = 3600.0
"""Seconds to wait while another controller sends to the same node and login."""

Open = Callable[[], Awaitable[Link]]


class Depot:
    """One node's."""

    def __init__(self, open: Open, limit: int) -> None:
        self._open, self._limit = open, limit
        self._known: set[str] | None = None
        self._place = ""
        self._waiting: list[tuple[Manifest, asyncio.Future[None]]] = []
        self._batch: asyncio.Task[None] | None = None

    @property
    def holds(self) -> frozenset[str]:
        """Digests that lie there, as far as is known."""
        return frozenset(self._known or ())

    def doubt(self) -> None:
        """Something that was thought to lie there does not: ask anew."""
        self._known = None

    async def send(self, manifest: Manifest) -> None:
        """Everything of it lies there when this returns. Raises SshError, StagingError, InputError."""
        if self._known is not None and manifest.digests.keys() <= self._known:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((manifest, done))
        if self._batch is None:
            self._batch = asyncio.create_task(self._work(), name="staging")
        await done

    async def close(self) -> None:
        """End what runs."""
        if self._batch:
            self._batch.cancel()
            await asyncio.gather(self._batch, return_exceptions=True)

    async def _work(self) -> None:
        mine: list[tuple[Manifest, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                mine, self._waiting = self._waiting, []
                asked = [(manifest, done) for manifest, done in mine if not done.done()]
                failed: GridtuiError | dict[str, GridtuiError]
                try:
                    failed = await self._bring([manifest for manifest, _ in asked])
                except GridtuiError as error:
                    failed = error
                for manifest, done in asked:
                    if not done.done():
                        self._tell(manifest, done, failed)
        finally:
            self._batch = None
            for _, done in (*mine, *self._waiting):
                done.cancel()
            self._waiting = []

    def _tell(
        self, manifest: Manifest, done: asyncio.Future[None], failed: GridtuiError | dict[str, GridtuiError]
    ) -> None:
        if isinstance(failed, GridtuiError):
            done.set_exception(failed)
            return
        for digest in manifest.digests:
            if digest in failed:
                done.set_exception(failed[digest])
                return
        done.set_result(None)

    async def _bring(self, manifests: Iterable[Manifest]) -> dict[str, GridtuiError]:
        """Send what is missing; for each digest that did not get there, why."""
        link = await self._open()
        if self._known is None:
            await self._ask(link)
        known = self._known
        assert known is not None
        missing: dict[str, str | bytes] = {}
        for manifest in manifests:
            for digest in manifest.digests.keys() - known:
                missing[digest] = manifest.index if digest == manifest.id else manifest.sources[digest]
        if not missing:
            return {}
        with tempfile.TemporaryDirectory(prefix="gridtui-stage-") as farm:
            await asyncio.to_thread(_plant, Path(farm), missing)
            moved = await self._move(link, farm)
        if moved.status in (Ending.UNREACHABLE, Ending.TIMEOUT):
            raise ConnectionLost(f"{link.node.name}: {moved.error}")
        wrong = await self._settle(link)
        failed: dict[str, GridtuiError] = {}
        for digest in missing.keys() - known:
            source = missing[digest]
            if digest in wrong and isinstance(source, str):
                failed[digest] = InputError(f"input {clean(source, 300)} changed while it was sent")
            else:
                failed[digest] = StagingError(f"{link.node.name}: {moved.error or 'an input did not get there'}")
        return failed

    async def _ask(self, link: Link) -> None:
        said = await shell.run(link, _script("ask.sh"), CACHE, limit=_ASKED, timeout=_TIMEOUT)
        place, _, names = said.output.partition(b"\n")
        if said.code or not place.startswith(b"/"):
            raise StagingError(f"{link.node.name}: no place for inputs: {said.error or 'the node answers oddly'}")
        self._place = os.fsdecode(place)
        self._known = _digests(names)

    async def _move(self, link: Link, farm: str) -> Transfer:
        options = Options(
            chmod="F600",
            sparse=True,
            wait=_WAIT,
            more=("--copy-links", "--no-owner", "--no-group", "--no-D", "--no-times", "--omit-dir-times"),
        )
        plan = Plan((farm + "/",), f"{self._place}/incoming", options=options)
        try:
            return await Rsync(plan, link).finish()
        except NoRsync as missing:
            raise StagingError(
                f"{link.node.name}: there is no rsync, which inputs need", hint=how_to_install(missing.distribution)
            ) from None

    async def _settle(self, link: Link) -> set[str]:
        """Have what came checked and put in its place; what was wrong."""
        words = self._place, str(self._limit)
        said = await shell.run(link, _script("settle.sh"), *words, limit=_ASKED, timeout=_SETTLE)
        if said.code:
            raise StagingError(f"{link.node.name}: inputs cannot be kept: {said.error or 'the node answers oddly'}")
        told: dict[bytes, set[str]] = {b"ok": set(), b"wrong": set(), b"gone": set()}
        for line in said.output.splitlines():
            word, _, name = line.partition(b" ")
            if word in told and _DIGEST.fullmatch(name):
                told[word].add(name.decode())
        if self._known is not None:
            self._known |= told[b"ok"]
            self._known -= told[b"gone"]
        return told[b"wrong"]


def _plant(farm: Path, missing: dict[str, str | bytes]) -> None:
    """A folder of links, named as the node shall name what they lead to."""
    for digest, source in missing.items():
        if isinstance(source, bytes):
            (farm / digest).write_bytes(source)
        else:
            (farm / digest).symlink_to(source)


def _digests(lines: bytes) -> set[str]:
    return {name.decode() for name in lines.split(b"\n") if _DIGEST.fullmatch(name)}


@cache
def _script(name: str) -> str:
    lines = files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"
