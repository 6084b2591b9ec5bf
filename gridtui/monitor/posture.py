"""Asks nodes how well they are kept, and keeps what they said: one JSON file an inventory, in the state folder.

Owns the question's way over an open connection and the kept file; what an answer means is the posture room's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import posture, store
from ..errors import LockedError, ShellError, SshError, StateError
from ..model import Node, Unsupported
from ..posture import Answer, Drift, Look, Posture, Services
from . import due

if TYPE_CHECKING:
    from ..ssh import Connection, Pool

SCHEMA = 1
_LEAST = 5.0
"""Seconds that must be left to ask at all: a question that is cut off in the middle has cost the node as much."""
_PATIENCE = 10.0
"""Seconds to wait for another run that writes the same file: it holds the lock for as long as writing takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking one node."""

    answer: Answer | None = None
    error: str = ""
    layer: str | None = None
    seconds: float = 0.0
    bytes: int = 0


async def ask(
    node: Node, connection: Connection, known: Answer | None, *, sudo: bool, timeout: float = posture.TIMEOUT
) -> Asked:
    """Put the question over `connection`. `known` is the last answer: what of it is slow and did not change is not asked again.

    Never raises for a node.
    """
    services = known.services if known and isinstance(known.services, Services) else None
    nonce = posture.new_nonce()
    text = posture.script(nonce, sudo=sudo, services=services.checksum if services else "")
    began = time.monotonic()
    try:
        done = await connection.run(posture.COMMAND, input=text, timeout=timeout, limit=posture.LIMIT)
    except SshError as error:
        return Asked(error=str(error), layer=error.layer, seconds=time.monotonic() - began)
    answer = posture.parse(done.stdout, nonce, time.time(), services)
    if answer is None:
        wrong = ShellError(
            "the login shell did not answer the question", hint="the account needs one that runs commands"
        )
        return Asked(error=str(wrong), layer=wrong.layer, seconds=time.monotonic() - began, bytes=len(done.stdout))
    return Asked(answer, seconds=time.monotonic() - began, bytes=len(done.stdout))


async def reach(node: Node, pool: Pool, known: Answer | None, *, sudo: bool) -> Asked:
    """The same, with the connection that the pool has or makes."""
    try:
        connection = await pool.connect(node)
    except SshError as error:
        return Asked(error=str(error), layer=error.layer)
    return await ask(node, connection, known, sudo=sudo)


def accepted(node: Node) -> frozenset[str]:
    """`gridtui_posture_accept`: ids of findings that are meant on this node."""
    value = node.vars.get("gridtui_posture_accept")
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    return (
        frozenset(word for word in words if isinstance(word, str)) if isinstance(words, list | tuple) else frozenset()
    )


@dataclass(slots=True)
class _Entry:
    """What is kept of one node: its last answer, and the one before."""

    answer: Answer
    before: Answer | None = None


class Record:
    """What is known of an inventory's nodes. Read when made; `take` new answers, then `save` them."""

    def __init__(self, nodes: Mapping[str, Node], file: Path | None) -> None:
        """`file` None keeps nothing. Raises StateError."""
        self._nodes, self._file = nodes, file
        self._taken: dict[str, _Entry] = {}
        # As written, and read only where somebody asks: a check of thousands has a few nodes to compare.
        self._written: dict[str, dict[str, Any]] = self._read(file) if file else {}
        self._entries: dict[str, _Entry | None] = {}

    @staticmethod
    def _read(file: Path) -> dict[str, dict[str, Any]]:
        document = store.read_json(file)
        nodes = document.get("nodes") if isinstance(document, dict) and document.get("schema") == SCHEMA else None
        return {name: item for name, item in nodes.items() if isinstance(item, dict)} if isinstance(nodes, dict) else {}

    def _entry(self, name: str) -> _Entry | None:
        if name in self._taken:
            return self._taken[name]
        if name not in self._entries:
            item = self._written.get(name, {})
            answer = posture.from_json(item.get("answer"))
            self._entries[name] = _Entry(answer, posture.from_json(item.get("before"))) if answer else None
        return self._entries[name]

    def answer(self, name: str) -> Answer | None:
        """The last answer."""
        entry = self._entry(name)
        return entry.answer if entry else None

    def younger(self, name: str, seconds: float) -> bool:
        """Whether the last answer is less than `seconds` old."""
        answer = self.answer(name)
        return answer is not None and 0 <= time.time() - answer.time < seconds

    def take(self, name: str, answer: Answer) -> None:
        """A new answer."""
        self._taken[name] = _Entry(answer, self.answer(name))

    def look(self, name: str) -> Look:
        """What is known of a node, as if it was asked when it last was. Without a posture where it never was."""
        entry = self._entry(name)
        if entry is None:
            return Look(name, error="never asked")
        shown = posture.assess(name, entry.answer, accepted(self._nodes[name]))
        return Look(name, shown, self._drift(name, entry), fresh=name in self._taken)

    def _drift(self, name: str, entry: _Entry) -> Drift | None:
        if entry.before is None:
            return None
        return posture.drift(name, entry.before, entry.answer, accepted(self._nodes[name]))

    def brief(self, name: str, every: float) -> due.Brief:
        """For a check, of a node that was just asked. Raises KeyError."""
        entry = self._taken[name]
        shown: Posture = posture.assess(name, entry.answer, accepted(self._nodes[name]))
        drift = self._drift(name, entry)
        asked = entry.answer.time
        worse = drift.worse if drift else ()
        return due.Brief(due.after(name, asked, every), asked, shown.score, shown.high, worse, entry.answer.privileged)

    async def save(self, every: float) -> int:
        """Write what was taken into the file, beside what others wrote meanwhile. Gives the file's new time of change in ns, 0 without one.

        Nodes that the inventory no longer has are dropped. Raises StateError, LockedError.
        """
        if not self._taken or self._file is None:
            return 0
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with store.lock(self._file.stem):
                    return self._write(self._file, every)
            except LockedError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    def _write(self, file: Path, every: float) -> int:
        try:
            kept = self._read(file)
        except StateError:
            kept = self._written  # damaged and moved aside: what was known before it was is still here
        kept |= {name: self._document(name, entry, every) for name, entry in self._taken.items()}
        self._written = {name: kept[name] for name in self._nodes if name in kept}
        self._entries.clear()
        store.write_json(file, {"schema": SCHEMA, "time": time.time(), "nodes": self._written})
        return file.stat().st_mtime_ns

    def _document(self, name: str, entry: _Entry, every: float) -> dict[str, Any]:
        return {
            "answer": posture.to_json(entry.answer),
            "before": posture.to_json(_slim(entry.before)) if entry.before else None,
            "brief": self.brief(name, every).to_json(),
        }


def _slim(answer: Answer) -> Answer:
    """Without the long list of services, but for those that the network reaches: no more of it is compared."""
    if not isinstance(answer.services, Services) or isinstance(answer.ports, Unsupported):
        return answer
    reached = {port.unit for port in answer.ports if port.world}
    units = tuple(unit for unit in answer.services.units if unit.unit in reached)
    return replace(answer, services=replace(answer.services, units=units))


def opened(nodes: Mapping[str, Node], sources: Iterable[Path], problem: Callable[[StateError], None] | None) -> Record:
    """The record of an inventory. A state folder or a file that cannot be used is told to `problem`, and nothing is known then."""
    file: Path | None = None
    try:
        file = due.path(sources)
        return Record(nodes, file)
    except StateError as error:
        if problem:
            problem(error)
    # A damaged file was moved aside: there is a new one to write. Without a folder there is none.
    return Record(nodes, file if file and not file.exists() else None)


def looked(record: Record, name: str, asked: Asked) -> Look:
    """What asking came to; the record takes the answer."""
    if asked.answer is None:
        return Look(name, error=asked.error, layer=asked.layer, seconds=asked.seconds, bytes=asked.bytes)
    record.take(name, asked.answer)
    return replace(record.look(name), seconds=asked.seconds, bytes=asked.bytes)


class Round:
    """The nodes that one check has to ask, beside its looks, and what came of it."""

    def __init__(self, record: Record, names: Iterable[str], sudo: bool, until: float | None) -> None:
        """`until` bounds the asking, in `time.monotonic()`; a node whose turn comes too late is asked by the next check."""
        self._record, self._names, self._sudo, self._until = record, tuple(names), sudo, until

    def questions(self) -> dict[str, Callable[[Node, Connection], Awaitable[Asked | None]]]:
        """By node, for `Fleet.examine`."""
        return dict.fromkeys(self._names, self._ask)

    async def _ask(self, node: Node, connection: Connection) -> Asked | None:
        timeout = posture.TIMEOUT if self._until is None else min(posture.TIMEOUT, self._until - time.monotonic())
        if timeout < _LEAST:
            return None
        known = self._record.answer(node.name)
        # A refused sudo is logged on the node, and may be mailed to its administrator: only a person tries for the first time.
        sudo = self._sudo and known is not None and known.privileged
        return await ask(node, connection, known, sudo=sudo, timeout=timeout)

    async def settle(self, told: Mapping[str, Any], briefs: due.Briefs, now: float, every: float) -> None:
        """Keep the answers, and give them to the check. Raises StateError, LockedError: the check knows them all the same."""
        for name in self._names:
            asked = told.get(name)
            if not isinstance(asked, Asked):
                continue  # not reached, or no time was left
            if asked.answer is None:
                briefs.postpone(name, now, every)
                continue
            self._record.take(name, asked.answer)
            briefs.briefs[name] = self._record.brief(name, every)
        briefs.stamp = await self._record.save(every) or briefs.stamp
