"""The border to an engine: whatever it raises becomes an EngineError, or nothing known of a node, and is told once. Owns no decision.

Engines may be anybody's (entry points). One that fails at one node, or at all, must not end what goes on with the others: it did not do
what was asked, and is asked again, as one that does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import EngineError, GridtuiError, SshError
from ...model import clean
from ..model import Key, Order, Report, Spec
from .protocol import Engine, Ground

AGAIN = 5.0
"""Seconds before an engine is listened to again whose news ended with an error."""
MOST = 1000
"""Troubles that are remembered as told."""

Note = Callable[[str | None, str], None]
"""Hears of which node (None: of no single one) something is to be told, and what, in one line."""


class Guarded:
    """An engine as it is, but for what it raises: SshError and EngineError alone."""

    def __init__(self, engine: Engine, note: Note) -> None:
        self._engine, self._note = engine, note
        self._told: set[tuple[str, str]] = set()

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def places(self) -> bool:
        return self._engine.places

    async def inputs(self, spec: Spec) -> Mapping[str, int]:
        with suppress(SshError, EngineError), self._border("inputs"):
            return await self._engine.inputs(spec)
        return {}

    async def start(self, orders: Sequence[Order]) -> Sequence[Report]:
        with self._border("start", *{order.node for order in orders}):
            return await self._engine.start(orders)

    async def poll(self, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        with self._border("poll", node):
            return await self._engine.poll(node, keys)

    def ground(self, node: str) -> Ground | None:
        with suppress(SshError, EngineError), self._border("ground", node):
            return self._engine.ground(node)
        return None

    async def changes(self) -> AsyncIterator[Report]:
        while True:
            with suppress(SshError, EngineError), self._border("changes"):
                async for report in self._engine.changes():
                    yield report
                return
            await asyncio.sleep(AGAIN)

    async def end(self, node: str, keys: Sequence[Key], *, grace: float) -> None:
        with self._border("end", node):
            await self._engine.end(node, keys, grace=grace)

    async def freeze(self, node: str, keys: Sequence[Key], frozen: bool) -> None:
        with self._border("freeze", node):
            await self._engine.freeze(node, keys, frozen)

    async def read(self, node: str, key: Key, offset: int, limit: int) -> bytes:
        with self._border("read", node):
            return await self._engine.read(node, key, offset, limit)

    async def fetch(
        self, node: str, key: Key, patterns: Sequence[str], into: Path, log: Path, limit: int
    ) -> Sequence[str]:
        with self._border("fetch", node):
            return await self._engine.fetch(node, key, patterns, into, log, limit)

    async def forget(self, node: str, keys: Sequence[Key]) -> None:
        with self._border("forget", node):
            await self._engine.forget(node, keys)

    async def close(self) -> None:
        with suppress(SshError, EngineError), self._border("close"):
            await self._engine.close()

    @contextmanager
    def _border(self, what: str, *nodes: str) -> Iterator[None]:
        try:
            yield
        except (SshError, EngineError):
            raise
        except Exception as error:  # whatever a foreign package raises
            known = isinstance(error, GridtuiError)
            text = clean(str(error) if known else f"{what}: {type(error).__name__}: {error}", 500)
            text = f"the engine {self.name} failed: {text}"
            for node in nodes or ("",):
                if (node, what) not in self._told and len(self._told) < MOST:
                    self._told.add((node, what))
                    self._note(node or None, text)
            raise EngineError(text) from error
