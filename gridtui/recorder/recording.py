"""A recording, read: series, events, and how the nodes were at a moment. Owns the way back from the file; writes nothing.

A file may come from elsewhere, so nothing in it is believed: texts go through `clean`, pieces are unpacked to a bounded size, and what is
not as it should be is a StateError.
"""

from __future__ import annotations

import contextlib
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import StateError
from ..events import Event
from ..model import Facts, Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Verdict, clean
from ..store.database import Database
from . import packing, words
from .codes import COUNT, INDEX, RECORDED, SCALES, coarser, decode
from .combining import lay
from .schema import MIGRATIONS, TABLES
from .tape import node_ids
from .tiers import COARSE, FINE, MIDDLE, TIERS, Tier, tier_for

FEW = 40
"""Nodes that are asked for one by one; more of them are read in one go."""
GAP = 90.0
"""Seconds without a recording that are told as such: the newest minute is not written yet."""
ECHOES = 200
"""Echoes that a recorded loss is told as: it is kept to half a per cent."""
_STATES = f"kind IN ({int(words.Kind.CHANGED)}, {int(words.Kind.STATE)})"

_ALARMS = f"""SELECT time FROM happened WHERE kind = {int(words.Kind.REBOOTED)}
    OR kind = {int(words.Kind.NOTED)} AND body LIKE '%"alarm":1}}'
    OR kind = {int(words.Kind.CHANGED)} AND (body LIKE '{{"v":{{"s":1,%' OR body LIKE '{{"v":{{"s":2,%')
        AND instr(body, '"b":') = 0 AND instr(body, '"m":1') = 0 AND instr(body, '"u":') = 0
    ORDER BY time"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one metric: the first one at `start`, each `step` seconds after the other, NaN where there was none."""

    start: float
    step: float
    values: Sequence[float]


class Recording:
    """One file, open. A context manager; for one thread."""

    def __init__(self, database: Database) -> None:
        self.path = database.path
        self._database = database
        with self._whole():
            found = {name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not found.issuperset(TABLES):
                raise StateError(f"{self.path} is no recording")
            self.about = {
                str(name): clean(str(value)) for name, value in database.rows("SELECT name, value FROM about")
            }
            self.nodes: dict[str, Node] = {}
            """All nodes that were ever recorded, in the order in which they came."""
            self._ids: dict[str, int] = {}
            for number, name, body in database.rows("SELECT id, name, body FROM nodes ORDER BY id"):
                node = words.read_node(str(name), words.loads(body))
                self.nodes[node.name] = node
                self._ids[node.name] = int(number)
            self._names = {number: name for name, number in self._ids.items()}
            self.spans = [
                (words.number(since), words.number(until))
                for since, until in database.rows("SELECT since, until FROM spans ORDER BY since")
            ]
            """Stretches of time that were recorded, in order of their beginnings; they may overlap."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises StateError."""
        database = Database.view(path, MIGRATIONS)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    @classmethod
    def empty(cls, nodes: Mapping[str, Node]) -> Self:
        """Of these nodes nothing was recorded."""
        recording = cls(Database.memory(MIGRATIONS))
        recording.nodes.update(nodes)
        return recording

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        # Any cell of a file that somebody else made may be of any type.
        try:
            yield
        except (TypeError, ValueError, OverflowError, IndexError, KeyError) as error:
            raise StateError(f"{self.path} is damaged: {error}") from error

    @property
    def database(self) -> Database:
        """What it is read from: for who copies it."""
        return self._database

    def number(self, name: str) -> int:
        """The number by which a node goes in the file. Raises KeyError."""
        return self._ids[name]

    @property
    def since(self) -> float:
        """When it begins; 0 where it is empty."""
        return min((since for since, _ in self.spans), default=0.0)

    @property
    def until(self) -> float:
        """When it ends; 0 where it is empty."""
        return max((until for _, until in self.spans), default=0.0)

    def covers(self, time: float) -> bool:
        """Whether it was recorded then."""
        return any(since - FINE.step <= time <= until + FINE.step for since, until in self.spans)

    def gaps(self, since: float, until: float) -> list[tuple[float, float]]:
        """Where nothing was recorded within a span, for longer than `GAP`."""
        found = []
        end = since
        for begin, finish in self.spans:
            if begin > until:
                break
            if begin - end > GAP:
                found.append((end, begin))
            end = max(end, finish)
        if until - end > GAP:
            found.append((end, until))
        return found

    # ---- values ----

    def oldest(self, tier: Tier) -> float | None:
        """The time of the oldest value of a tier. Raises StateError."""
        with self._whole():
            piece = self._database.value("SELECT min(start) FROM pieces WHERE tier = ?", (tier.number,))
            journal = self._database.value("SELECT min(start) FROM journal")
            known = [int(piece) * tier.step] if piece is not None else []
            known += [int(journal) * FINE.step] if journal is not None else []
            return float(min(known)) if known else None

    def tier(self, step: float, since: float) -> Tier:
        """What to read for values `step` seconds apart: the finest that goes back to `since`, where the right one does not. Raises StateError."""
        wanted = tier_for(step)
        for tier in TIERS[wanted.number :]:
            oldest = self.oldest(tier)
            if oldest is not None and oldest <= max(since, self.since) + tier.window:
                return tier
        return wanted

    def columns(self, tier: Tier, first: int, slots: int, names: Iterable[str]) -> dict[str, list[bytes]]:
        """The bytes of each metric for the `slots` slots of a tier from `first` on. A node of which there is nothing is left out. Raises StateError."""
        ids = {number: name for name in names if (number := self._ids.get(name)) is not None}
        found: dict[int, list[bytearray]] = {}

        def put(node: int, start: int, piece: Sequence[bytes]) -> None:
            columns = found.get(node)
            if columns is None:
                columns = found[node] = [bytearray(slots) for _ in range(COUNT)]
            for metric, codes in enumerate(piece[:COUNT]):
                lay(columns[metric], metric, start - first, codes)

        with self._whole():
            for node, start, piece in self._pieces(tier, first, slots, ids):
                put(node, start, piece)
            if tier is COARSE:
                # Days that are not over are there in hours, of the tier below.
                each = COARSE.step // MIDDLE.step
                for node, start, piece in self._pieces(MIDDLE, first * each, slots * each, ids, unmerged=True):
                    put(
                        node,
                        start // each,
                        [coarser(metric, codes, each) for metric, codes in enumerate(piece[:COUNT])],
                    )
            each = tier.step // FINE.step
            for node, start, piece in self._journal(first * each, slots * each, ids):
                means = piece if each == 1 else [coarser(metric, codes, each) for metric, codes in enumerate(piece)]
                put(node, start // each, means)
        return {ids[node]: [bytes(column) for column in columns] for node, columns in found.items()}

    def _pieces(
        self, tier: Tier, first: int, slots: int, ids: Mapping[int, str], unmerged: bool = False
    ) -> Iterator[tuple[int, int, list[bytes]]]:
        span = " AND span > 0" if unmerged else ""
        sql = f"SELECT node, start, slots, body FROM pieces WHERE tier = ? AND start > ? AND start < ?{span}"  # noqa: S608 - our own words
        bounds = (tier.number, first - tier.window // tier.step, first + slots)
        if len(ids) <= FEW:
            rows = [
                row for node in ids for row in self._database.rows(f"{sql} AND node = ? ORDER BY span", (*bounds, node))
            ]
        else:
            rows = self._database.rows(f"{sql} ORDER BY span", bounds)
        for node, start, count, body in rows:
            if node in ids:
                yield node, start, packing.unpack(body, count)

    def _journal(self, first: int, slots: int, ids: Mapping[int, str]) -> Iterator[tuple[int, int, list[bytes]]]:
        """The newest values, which are not packed by node yet."""
        rows = self._database.rows(
            "SELECT span, start, slots, body FROM journal WHERE start > ? AND start < ? ORDER BY span, start",
            (first - 3600, first + slots),
        )
        for span in dict.fromkeys(row[0] for row in rows):
            order = node_ids(self._database.value("SELECT nodes FROM spans WHERE id = ?", (span,)))
            width = COUNT * len(order)
            mine = [
                (start, packing.unpack(body, width)[:count]) for number, start, count, body in rows if number == span
            ]
            begin = mine[0][0] // 90 * 90  # where the slots of all tiers begin
            end = max(start + len(one) for start, one in mine)
            if not 0 <= end - begin <= 1 << 20:
                raise StateError(f"{self.path} is damaged: its newest part has no possible length")
            every = [bytes(width)] * (-(-(end - begin) // 90) * 90)
            for start, one in mine:
                every[start - begin : start - begin + len(one)] = one
            together = b"".join(every)
            for index, node in enumerate(order):
                if node in ids:
                    yield node, begin, [together[index * COUNT + metric :: width] for metric in range(COUNT)]

    def series(self, node: str, metric: str, since: float, until: float, step: float = 0.0) -> Series:
        """Values of a metric of a node over a span; `step` 0 takes what is kept of it. Raises StateError, KeyError."""
        index = INDEX[metric]
        tier = self.tier(step or (until - since) / 2000, since)
        each = max(1, round(step / tier.step)) if step else 1
        first = int(since) // tier.step // each * each
        slots = max(1, math.ceil(until / tier.step) - first)
        slots = -(-slots // each) * each
        columns = self.columns(tier, first, slots, [node]).get(node)
        codes = columns[index] if columns else bytes(slots)
        if each > 1:
            codes = coarser(index, codes, each)
        return Series(float(first * tier.step), float(tier.step * each), decode(metric, codes))

    # ---- what happened ----

    def events(self, since: float, until: float, names: Iterable[str] | None = None) -> Iterator[Event]:
        """What happened from `since` to `until`, in order of time. With `names`, of these nodes alone. Raises StateError."""
        for _, event in self.numbered_events(since, until, names):
            yield event

    def numbered_events(
        self, since: float, until: float, names: Iterable[str] | None = None, after: int = 0
    ) -> Iterator[tuple[int, Event]]:
        """The same with their numbers, which grow as they are recorded; only those `after` one."""
        wanted = None if names is None else {self._ids[name] for name in names if name in self._ids}
        with self._whole():
            rows = self._database.rows(
                f"SELECT id, time, node, kind, body FROM happened WHERE time >= ? AND time <= ? AND id > ? AND kind <> {int(words.Kind.STATE)} ORDER BY time, id",  # noqa: S608 - our own words
                (since, until, after),
            )
            for number, time, node, kind, body in rows:
                if wanted is not None and node not in wanted:
                    continue
                if event := words.event(int(kind), float(time), self._names.get(node), words.loads(body)):
                    yield int(number), event

    def newest(self, until: float, count: int) -> list[Event]:
        """The last `count` events up to a moment, oldest first. Raises StateError."""
        with self._whole():
            rows = self._database.rows(
                f"SELECT time, node, kind, body FROM happened WHERE time <= ? AND kind <> {int(words.Kind.STATE)} ORDER BY time DESC, id DESC LIMIT ?",  # noqa: S608 - our own words
                (until, count),
            )
            found = (
                words.event(int(kind), float(time), self._names.get(node), words.loads(body))
                for time, node, kind, body in reversed(rows)
            )
            return [event for event in found if event]

    def next_event(self, time: float) -> float:
        """When the next event after a moment happened; infinite where there is none. Raises StateError."""
        with self._whole():
            found = self._database.value(
                f"SELECT min(time) FROM happened WHERE time > ? AND kind <> {int(words.Kind.STATE)}",  # noqa: S608
                (time,),
            )
            return math.inf if found is None else float(found)

    def alarms(self) -> list[float]:
        """When something happened that asked for attention. Told by how rows begin, without reading each: there may be a million. Raises StateError."""
        with self._whole():
            rows = self._database.rows(_ALARMS)
            return [float(time) for (time,) in rows]

    def states(self, names: Iterable[str], since: float, until: float) -> dict[str, list[tuple[float, words.Seen]]]:
        """How nodes were: what was in force at `since`, and each change until `until`, in order. Raises StateError."""
        found: dict[str, list[tuple[float, words.Seen]]] = {}
        with self._whole():
            for name in names:
                if (number := self._ids.get(name)) is None:
                    continue
                before = self._database.rows(
                    f"SELECT time, body FROM happened WHERE node = ? AND time <= ? AND {_STATES} ORDER BY time DESC, id DESC LIMIT 1",  # noqa: S608
                    (number, since),
                )
                within = self._database.rows(
                    f"SELECT time, body FROM happened WHERE node = ? AND time > ? AND time <= ? AND {_STATES} ORDER BY time, id",  # noqa: S608
                    (number, since, until),
                )
                found[name] = [
                    (float(time), words.seen(name, float(time), words.loads(body))) for time, body in (*before, *within)
                ]
        return found

    def facts(self) -> dict[str, Facts]:
        """The newest facts of each node. Raises StateError."""
        with self._whole():
            rows = self._database.rows("SELECT id, facts FROM nodes WHERE facts IS NOT NULL")
            return {
                name: words.read_facts(name, words.loads(text))
                for number, text in rows
                if (name := self._names.get(number))
            }

    def stretch(self, since: float, until: float, tier: Tier | None = None) -> Stretch:
        """All that a replay needs of a span. Raises StateError."""
        tier = tier or self.tier(FINE.step, since)
        first = int(since) // tier.step
        slots = max(1, math.ceil(until / tier.step) - first)
        return Stretch(
            first,
            slots,
            tier.step,
            self.nodes,
            self.columns(tier, first, slots, self.nodes),
            self.states(self.nodes, since, until),
            self.facts(),
            self.spans,
        )

    def at(self, time: float) -> Mapping[str, Status]:
        """How all nodes were at a moment. Raises StateError."""
        stretch = self.stretch(time, time + 1)
        return {name: stretch.status(name, time) for name in self.nodes}


class Stretch:
    """Some of a recording, in memory: what a screen asks for is there at once."""

    def __init__(
        self,
        first: int,
        slots: int,
        step: int,
        nodes: Mapping[str, Node],
        columns: Mapping[str, Sequence[bytes]],
        states: Mapping[str, Sequence[tuple[float, words.Seen]]],
        facts: Mapping[str, Facts],
        spans: Sequence[tuple[float, float]],
    ) -> None:
        self.step = step
        self.since, self.until = float(first * step), float((first + slots) * step)
        self._first, self._slots = first, slots
        self._nodes, self._columns, self._states, self._facts = nodes, columns, states, facts
        self._spans = spans
        self._times = {name: [time for time, _ in rows] for name, rows in states.items()}

    def metrics(self, name: str, time: float) -> dict[str, float]:
        """What was measured of a node then; a metric that is not known is absent."""
        at = int(time) // self.step - self._first
        columns = self._columns.get(name)
        if columns is None or not 0 <= at < self._slots:
            return {}
        return {
            metric: SCALES[index].values[code] for index, metric in enumerate(RECORDED) if (code := columns[index][at])
        }

    def history(self, name: str, metric: str, time: float, count: int) -> list[float]:
        """The `count` values up to a moment, `step` seconds apart, oldest first."""
        columns = self._columns.get(name)
        if columns is None or metric not in INDEX:
            return []
        end = max(0, min(self._slots, int(time) // self.step - self._first + 1))
        return decode(metric, columns[INDEX[metric]][max(0, end - count) : end])

    def seen(self, name: str, time: float) -> words.Seen | None:
        """A node's state then; None where it is not known."""
        times = self._times.get(name)
        at = bisect_right(times, time) if times else 0
        return self._states[name][at - 1][1] if at else None

    def recorded(self, time: float) -> bool:
        """Whether anything was recorded then."""
        return any(since - self.step <= time <= until + self.step for since, until in self._spans)

    def status(self, name: str, time: float) -> Status:
        """A node as it was."""
        node = self._nodes[name]
        seen = self.seen(name, time) if self.recorded(time) else None
        if seen is None:
            reach = Reach(time, error="nothing was recorded then", pending=True)
            return Status(node, reach, RoundTrips(PingMethod.ICMP), Verdict(name, State.UNKNOWN, 0.0))
        verdict, reach = seen
        metrics = self.metrics(name, time)
        trips = _trips(metrics, reach.method)
        sample = (
            Sample(name, time, metrics=metrics) if any(metric not in ("rtt", "loss") for metric in metrics) else None
        )
        if sample is not None and reach.pending:
            reach = Reach(time, method=reach.method)  # it answered after the picture was taken
        return Status(node, reach, trips, verdict, sample, self._facts.get(name))


def _trips(metrics: Mapping[str, float], method: PingMethod) -> RoundTrips:
    rtt, loss = metrics.get("rtt"), metrics.get("loss")
    if rtt is None and loss is None:
        return RoundTrips(method)
    received = round(ECHOES * (1 - min(100.0, loss or 0.0) / 100))
    return RoundTrips(method, ECHOES, received, rtt, rtt, rtt, rtt)
