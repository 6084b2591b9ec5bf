"""Brings what an ended attempt made: its log and its outputs, however it ended. Owns the tries; decides nothing about the job.

Nothing is published before it is here whole: a dispatcher that is killed meanwhile leaves an attempt that has ended and whose outputs
are fetched again by the next one, over what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .. import settings as settings_
from ..errors import ConnectError, GridtuiError, SshError, StateError
from .board import Card
from .engines.protocol import Engine
from .logs import Logs
from .model import Cause, Key, Report

TRIES = 3
"""Fetches of one attempt that may fail although its node answers."""
PAUSE = 2.0
"""Seconds before the next one, and between two tries to reach a node that does not answer."""

Published = Callable[[Key, str, bool, str], None]
"""Key, where its outputs lie, whether they do, else why not."""
Begin = Callable[[Coroutine[Any, Any, None]], object]


class Publisher:
    """Fetches for one dispatcher."""

    def __init__(self, logs: Logs, engine: Engine, settings: settings_.Jobs, published: Published) -> None:
        self._engine, self._published = engine, published
        self._logs = logs
        self._gate = asyncio.Semaphore(settings.fetches)
        self._under_way: set[Key] = set()

    def bring(self, card: Card, report: Report, begin: Begin) -> None:
        """Fetch, and tell when it is done. At once where the report holds all there is."""
        order, key = card.order, card.order.key
        if key in self._under_way:
            return
        if report.cause is Cause.EXIT and report.exit is None and report.elapsed is None:
            self._published(key, "", True, "")  # it never began: there is nothing of it
            return
        if not order.spec.outputs and len(report.tail) == report.output:
            why = ""
            try:
                if report.tail:
                    self._logs.write(key, report.tail)
            except StateError as error:
                why = str(error)
            self._published(key, "", not why, why)
            return
        self._under_way.add(key)
        begin(self._bring(card))

    def leave(self, key: Key) -> None:
        """Nobody wants it any more."""
        self._under_way.discard(key)

    async def _bring(self, card: Card) -> None:
        key, spec = card.order.key, card.order.spec
        failures = 0
        while key in self._under_way:
            try:
                into, log = self._logs.outputs(key, spec), self._logs.prepare(key)
                async with self._gate:
                    if self._engine.places and self._engine.ground(card.node) is None:
                        raise ConnectError(f"{card.node} does not answer")  # and must not keep those waiting that do
                    await self._engine.fetch(card.node, key, spec.outputs, into, log, spec.output_limit)
            except SshError:
                await asyncio.sleep(PAUSE)  # until it answers, or was silent for too long: then it is left
            except GridtuiError as error:
                failures += 1
                if failures >= TRIES:
                    self._tell(key, "", str(error))
                else:
                    await asyncio.sleep(PAUSE)
            else:
                self._tell(key, str(into) if spec.outputs else "", "")

    def _tell(self, key: Key, fetched: str, why: str) -> None:
        if key in self._under_way:
            self._under_way.discard(key)
            self._published(key, fetched, not why, why)
