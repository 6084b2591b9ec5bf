"""The file while it is written to: what is added, packed by node when an hour and a day are over, and thrown away when it is old.

Knows no loop: every method is short work for the one thread that owns it. Whoever has the lock beside the file writes, so that two
programs never record the same thing twice; readers need no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import store
from ..errors import GridtuiError, StateError
from ..events import Event
from ..model import Facts, Node, Reach
from ..settings import History
from ..store.database import Database, damaged, set_aside
from . import packing, words
from .codes import COUNT, coarser
from .combining import combined
from .schema import MIGRATIONS
from .tiers import COARSE, DAY, FINE, MIDDLE, STEP, TIERS

WINDOW = FINE.window // STEP
"""Slots of an hour."""
NODES = 8
"""Nodes that one call of `settle` packs: some 7 ms of CPU."""
PATIENCE = 1.0
"""Seconds for which somebody else's lock is waited for; what was to be written waits for the next time."""
STEADY = 3600.0
"""Seconds for which the clock must have run evenly before anything is thrown away for its age: a clock that is wrong by a year is not
to cost the year."""


def path_for(sources: Iterable[Path], names: Iterable[str]) -> Path:
    """The file of an inventory: nodes of the same name in two inventories are two nodes. One without a source is known by its nodes' names.

    Raises StateError (no state folder).
    """
    folder = store.folder() / "history"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"{folder} cannot be made: {error.strerror}") from error
    identity = "\0".join(str(source.resolve()) for source in sources) or "\n".join(names)
    return folder / f"{hashlib.sha256(identity.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.db"


@dataclass(slots=True)
class Batch:
    """What is added at once."""

    begins: float | None = None
    """When a new stretch begins with it; None where the last one goes on."""
    until: float = 0.0
    written: bool = False
    start: int = 0
    """The first slot."""
    slots: list[bytes] = field(default_factory=list)
    """Slot by slot, all nodes."""
    events: list[tuple[Event, Reach | None]] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)
    states: list[tuple[float, str, words.Seen]] = field(default_factory=list)
    """How nodes are, at a moment: where a stretch or a day begins."""


@dataclass(slots=True)
class _Hour:
    """What is being packed."""

    span: int
    hour: int
    nodes: Sequence[int]
    width: int
    slots: bytes
    done: int = 0


class Tape:
    """One open file, and the lock on it."""

    def __init__(self, path: Path, kept: History) -> None:
        """Raises LockedError where another one records, StateError where the file cannot be used."""
        self.path = path
        self._kept = kept
        self._span = 0
        self._ids: dict[str, int] = {}
        self._width = 0
        self._packing: _Hour | None = None
        with contextlib.ExitStack() as stack:
            stack.enter_context(store.lock(path.stem, path.parent))
            self._open()
            self._stack = stack.pop_all()

    def _open(self) -> None:
        self._database = Database.open(
            self.path.stem, MIGRATIONS, self.path.parent, replace_damaged=True, patience=PATIENCE
        )

    def close(self) -> None:
        """Let others record. Twice is once."""
        self._database.close()
        self._stack.close()

    def mend(self, error: StateError) -> bool:
        """Go on with a new file where this one turned out to be damaged; whether it was. Raises StateError."""
        if not damaged(error):
            return False
        self._database.close()
        set_aside(self.path)
        self._open()
        self._span = 0
        return True

    # ---- adding ----

    @property
    def begun(self) -> bool:
        """Whether there is a stretch to go on with."""
        return self._span > 0

    def begin(self, nodes: Iterable[Node], now: float, sources: Sequence[str] = ()) -> None:
        """A new stretch, of these nodes in this order. Raises StateError."""
        every = list(nodes)
        with self._database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO about VALUES ('sources', ?)", ("\n".join(sources),))
            cursor.executemany(
                "INSERT INTO nodes (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                [(node.name, words.node_text(node)) for node in every],
            )
            known: dict[str, int] = dict(cursor.execute("SELECT name, id FROM nodes"))
            ids = array("I", [known[node.name] for node in every])
            cursor.execute(
                "INSERT INTO spans (since, until, nodes) VALUES (?, ?, ?)", (now, now, packing.pack([ids.tobytes()]))
            )
            self._span = cursor.lastrowid or 0
        self._ids = {node.name: known[node.name] for node in every}
        self._width = COUNT * len(every)

    def add(self, batch: Batch) -> None:
        """All of it or, with an error, nothing. Raises StateError."""
        rows = []
        for event, reach in batch.events:
            if told := words.told(event, reach):
                time, node, kind, body = told
                rows.append((time, self._ids.get(node) if node else None, int(kind), self._span, body))
        for time, name, (verdict, reach) in batch.states:
            rows.append((time, self._ids[name], int(words.Kind.STATE), self._span, words.state(verdict, reach)))
        with self._database.write() as cursor:
            if batch.slots:
                cursor.execute(
                    "INSERT INTO journal VALUES (?, ?, ?, ?)",
                    (self._span, batch.start, len(batch.slots), packing.pack(batch.slots)),
                )
            cursor.executemany("INSERT INTO happened (time, node, kind, span, body) VALUES (?, ?, ?, ?, ?)", rows)
            for name, facts in batch.facts.items():
                text = words.facts_text(facts)
                cursor.execute(
                    "UPDATE nodes SET facts = ? WHERE id = ? AND facts IS NOT ?", (text, self._ids[name], text)
                )
            cursor.execute("UPDATE spans SET until = max(until, ?) WHERE id = ?", (batch.until, self._span))

    # ---- packing ----

    def settle(self, now: float) -> bool:
        """A little of what is to be packed; whether there is more. What is done twice is done once. Raises StateError."""
        hour = self._database.rows(
            "SELECT span, start / ? FROM journal WHERE span <> ? OR start / ? < ? ORDER BY start LIMIT 1",
            (WINDOW, self._span, WINDOW, int(now) // FINE.window),
        )
        if hour:
            return self._pack_hour(*hour[0])
        day = self._database.value(
            "SELECT min(start * ?) / ? FROM pieces WHERE tier = ? AND span > 0 AND start < ?",
            (MIDDLE.step, DAY, MIDDLE.number, int(now) // DAY * DAY // MIDDLE.step),
        )
        return day is not None and self._pack_day(int(day))

    def _pack_hour(self, span: int, hour: int) -> bool:
        if self._packing is None or (self._packing.span, self._packing.hour) != (span, hour):
            self._packing = self._read_hour(span, hour)
        work = self._packing
        pieces = []
        for index in range(work.done, min(work.done + NODES, len(work.nodes))):
            columns = [work.slots[index * COUNT + metric :: work.width] for metric in range(COUNT)]
            pieces += self._pieces(work.nodes[index], hour, span, columns)
        done = work.done + NODES >= len(work.nodes)
        with self._database.write() as cursor:
            cursor.executemany(_ADD_PIECE, pieces)
            if done:
                first = hour * WINDOW
                cursor.execute(
                    "DELETE FROM journal WHERE span = ? AND start >= ? AND start < ?", (span, first, first + WINDOW)
                )
        work.done += NODES
        if done:
            self._packing = None
        return True

    def _read_hour(self, span: int, hour: int) -> _Hour:
        first = hour * WINDOW
        nodes = node_ids(self._database.value("SELECT nodes FROM spans WHERE id = ?", (span,)))
        width = COUNT * len(nodes)
        slots = [bytes(width)] * WINDOW
        rows = self._database.rows(
            "SELECT start, slots, body FROM journal WHERE span = ? AND start >= ? AND start < ? ORDER BY start",
            (span, first, first + WINDOW),
        )
        for start, count, body in rows:
            for offset, one in enumerate(packing.unpack(body, width)[:count], start - first):
                if offset < WINDOW:
                    slots[offset] = one
        return _Hour(span, hour, nodes, width, b"".join(slots))

    def _pieces(self, node: int, hour: int, span: int, columns: Sequence[bytes]) -> list[tuple[object, ...]]:
        if not any(map(any, columns)):
            return []
        each = MIDDLE.step // FINE.step
        means = [coarser(metric, column, each) for metric, column in enumerate(columns)]
        start = hour * WINDOW
        return [
            (FINE.number, node, start, span, WINDOW, packing.pack(columns)),
            (MIDDLE.number, node, start // each, span, WINDOW // each, packing.pack(means)),
        ]

    def _pack_day(self, day: int) -> bool:
        slots = DAY // MIDDLE.step
        first = day * slots
        nodes = self._database.rows(
            "SELECT DISTINCT node FROM pieces WHERE tier = ? AND start >= ? AND start < ? AND span > 0 LIMIT ?",
            (MIDDLE.number, first, first + slots, NODES),
        )
        for (node,) in nodes:
            rows = self._database.rows(
                "SELECT start, slots, body FROM pieces WHERE tier = ? AND node = ? AND start >= ? AND start < ? ORDER BY span",
                (MIDDLE.number, node, first, first + slots),
            )
            columns = combined(((start, packing.unpack(body, count)) for start, count, body in rows), first, slots)
            each = COARSE.step // MIDDLE.step
            means = [coarser(metric, column, each) for metric, column in enumerate(columns)]
            with self._database.write() as cursor:
                cursor.execute(
                    "DELETE FROM pieces WHERE tier = ? AND node = ? AND start >= ? AND start < ?",
                    (MIDDLE.number, node, first, first + slots),
                )
                cursor.executemany(
                    _ADD_PIECE,
                    [
                        (MIDDLE.number, node, first, 0, slots, packing.pack(columns)),
                        (COARSE.number, node, first // each, 0, slots // each, packing.pack(means)),
                    ],
                )
        return True

    # ---- throwing away ----

    def prune(self, now: float, steady: float) -> None:
        """Throw away what is too old, where the clock has been `steady` for long enough, and the oldest of what is too much. Raises StateError."""
        if steady >= STEADY:
            keep = self._kept.keep
            with self._database.write() as cursor:
                for tier in TIERS:
                    oldest = now - DAY * min(tier.days or keep, keep)
                    cursor.execute(
                        "DELETE FROM pieces WHERE tier = ? AND start < ?",
                        (tier.number, (oldest - tier.window) // tier.step),
                    )
                cursor.execute("DELETE FROM happened WHERE time < ?", (now - DAY * keep,))
                cursor.execute("DELETE FROM spans WHERE until < ? AND id <> ?", (now - DAY * keep, self._span))
            self._forget_others(now - DAY * keep)
        limit = self._kept.limit * 1_000_000
        if self.used() > limit:
            self._shrink(int(0.9 * limit))

    def _forget_others(self, oldest: float) -> None:
        """Remove the files of inventories that nobody has watched since."""
        for path in self.path.parent.glob("*.db"):
            with contextlib.suppress(OSError, GridtuiError):
                if path != self.path and path.stat().st_mtime < oldest:
                    with store.lock(path.stem, path.parent):
                        for ending in ("", "-wal", "-shm"):
                            Path(f"{path}{ending}").unlink(missing_ok=True)
                    path.with_suffix(".lock").unlink(missing_ok=True)

    def used(self) -> int:
        """Bytes of the file that hold something. Raises StateError."""
        pages = self._database.value("PRAGMA page_count") - self._database.value("PRAGMA freelist_count")
        return int(pages) * int(self._database.value("PRAGMA page_size"))

    def _shrink(self, wanted: int) -> None:
        for tier in TIERS:
            while self.used() > wanted:
                oldest = self._database.value("SELECT min(start) FROM pieces WHERE tier = ?", (tier.number,))
                if oldest is None:
                    break
                with self._database.write() as cursor:
                    cursor.execute(
                        "DELETE FROM pieces WHERE tier = ? AND start < ?",
                        (tier.number, oldest + 6 * 3600 // tier.step),
                    )
        while self.used() > wanted:
            newest = self._database.value("SELECT id FROM happened ORDER BY id LIMIT 1 OFFSET 999")
            if newest is None:
                break
            with self._database.write() as cursor:
                cursor.execute("DELETE FROM happened WHERE id <= ?", (newest,))


_ADD_PIECE = "INSERT OR REPLACE INTO pieces (tier, node, start, span, slots, body) VALUES (?, ?, ?, ?, ?, ?)"


def node_ids(blob: bytes | None) -> Sequence[int]:
    """The packed ids of a stretch. Raises StateError."""
    ids = array("I")
    if blob:
        for content in packing.unpack(blob, 4):
            ids.frombytes(content)
    return ids
