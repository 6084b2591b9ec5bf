"""The queue against the small model: whatever people and nodes do, in whatever order, through two open queues and across restarts.

No job is lost, none is on two nodes at once as far as the queue knows, each succeeds at most once, and what is kept twice (sums, the
line in memory) says the same as the tables.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gridtui.errors import UsageError
from gridtui.jobs.model import (
    ENDED,
    PLACED,
    After,
    Cause,
    End,
    Group,
    JobId,
    JobState,
    Key,
    Level,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue
from gridtui.store.database import Database
from tests.unit.jobs.queue.small import Small

SEEDS = st.integers(0, 1 << 64)
PHASES = [Phase.RUNNING, Phase.FROZEN, Phase.ENDED, Phase.ENDED, Phase.LOST, Phase.UNKNOWN, Phase.WAITING]
CAUSES = [None, Cause.EXIT, Cause.EXIT, Cause.EXIT, Cause.CANCELLED, *Cause]


STEPS = [
    *("submit", "submit", "place", "place", "place", "take", "take", "take", "publish", "publish", "publish"),
    *("wait", "wait", "look", "look", "lose", "restart", "prune", "cancel", "hold", "release", "retry", "retry"),
]


def opened(folder: Path) -> Queue:
    queue = Queue.open(folder)
    # Power cuts are not the subject here, and fsync(2) is what takes most of the time.
    queue._database._connection.execute("PRAGMA synchronous = OFF")
    return queue


class Both(RuleBasedStateMachine):
    """Every step is done to the queue and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.place_ = tempfile.TemporaryDirectory()
        self.folder = Path(self.place_.name)
        self.queue = opened(self.folder)
        self.other = opened(self.folder)
        self.small = Small(self.queue.id)
        self.now = 1000.0
        self.keys: list[Key] = [Key("00000000", JobId(1), 1)]
        self.last = 0

    def teardown(self) -> None:
        try:
            self.look(random.Random(0))
        finally:
            self.queue.close()
            self.other.close()
            self.place_.cleanup()

    # One rule for all: with a rule each, Hypothesis leaves out many in each run, and little comes of jobs then.
    @rule(what=st.sampled_from(STEPS), seed=SEEDS)
    def step(self, what: str, seed: int) -> None:
        chance = random.Random(seed)
        if what == "submit" or not self.small.all:
            self.submit(chance)
        elif what in ("cancel", "hold", "release", "retry"):
            self.ask(what, chance)
        else:
            does = (self.place, self.take, self.publish, self.lose, self.wait, self.look, self.restart, self.prune)
            ways: dict[str, Callable[[random.Random], None]] = {one.__name__: one for one in does}
            ways[what](chance)

    def one_of_both(self, chance: random.Random) -> Queue:
        return chance.choice((self.queue, self.other))

    def some_id(self, chance: random.Random, whole: bool = True) -> JobId:
        id = chance.choice(list(self.small.jobs()))
        return JobId(id.number) if whole and chance.random() < 0.4 else id

    def some_keys(self, chance: random.Random) -> list[Key]:
        """Mostly those that count."""
        count = [key for key in self.keys if self.small.current(key)]
        return [
            chance.choice(count if count and chance.random() < 0.8 else self.keys) for _ in range(chance.randint(1, 4))
        ]

    def submit(self, chance: random.Random) -> None:
        retries, held = chance.randint(0, 2), chance.random() < 0.2
        after = tuple(
            After(self.some_id(chance), chance.choice(list(End)))
            for _ in range(chance.choice((0, 0, 1, 2)))
            if self.small.all
        )
        indices: Sequence[int | None] = [None]
        array: tuple[int, ...] = ()
        items: tuple[str, ...] = ()
        if size := chance.choice((0, 0, 1, 3, 6)):
            if chance.random() < 0.5:
                items, indices = tuple(f"item {n}" for n in range(size)), list(range(1, size + 1))
            else:
                array = tuple(chance.sample(range(20), size))
                indices = sorted(array)
        spec = Spec("true", retries=retries, name=f"n{retries}")
        number = self.one_of_both(chance).submit(spec, array=array, each=items, after=after, held=held, now=self.now)
        assert number > self.last
        self.last = number
        self.small.submit(number, indices, retries, tuple(dict.fromkeys(after)), held)

    def place(self, chance: random.Random) -> None:
        share = chance.choice((0.3, 1.0))
        ids = [JobId(lot.number, index) for lot in self.queue.lots(self.now) for index in lot.ready]
        chosen = [id for id in ids if chance.random() < share]
        # and what placement chose before things changed
        chosen += [self.some_id(chance, whole=False) for _ in range(2)]
        orders = self.queue.place([Placement(id, "n1", Level.PLAIN) for id in chosen], self.now)
        assert [order.key for order in orders] == self.small.place(chosen, self.now)
        assert len({order.key.id for order in orders}) == len(orders)
        self.keys += [order.key for order in orders]
        assert self.queue.orders([order.key for order in orders]) == orders

    def take(self, chance: random.Random) -> None:
        reports, usual = [], chance.random() < 0.7
        for key in self.some_keys(chance):
            phase = chance.choice((Phase.RUNNING, Phase.ENDED, Phase.ENDED) if usual else PHASES)
            cause = (Cause.EXIT if usual else chance.choice(CAUSES)) if phase is Phase.ENDED else None
            status = chance.choice([0, 0, 0, 1, 137, None]) if phase is Phase.ENDED else None
            reports.append(Report(key, phase, "n1", exit=status, cause=cause, elapsed=chance.choice([None, 0.5, 9.0])))
        taken = self.queue.take(reports, self.now)
        expected = [(report.key, self.small.take(report, self.now)) for report in reports]
        assert taken.fetch == [key for key, what in expected if what == "fetch"]
        assert taken.forget == [key for key, what in expected if what == "forget"]

    def publish(self, chance: random.Random) -> None:
        over = [key for key in self.keys if (job := self.small.current(key)) and job.over]
        keys = [*over, *self.some_keys(chance)] if chance.random() < 0.5 else self.some_keys(chance)
        ok = chance.random() < 0.8
        states = self.queue.published([(key, "/out", ok, "") for key in keys], self.now)
        expected = {}
        for key in keys:
            if state := self.small.published(key, ok, self.now):
                expected[key] = state
        assert states == expected

    def lose(self, chance: random.Random) -> None:
        keys = self.some_keys(chance)[:2]
        lost = self.queue.lose(keys, "rebooted", self.now)
        assert lost == [key.id for key in keys if self.small.lose(key, self.now)]

    def ask(self, what: str, chance: random.Random) -> None:
        id, queue = self.some_id(chance), self.one_of_both(chance)
        ways: dict[str, tuple[Callable[[], list[JobId]], Callable[[], set[JobId] | None]]] = {
            "cancel": (lambda: queue.cancel([id], self.now), lambda: self.small.cancel(id)),
            "hold": (lambda: queue.hold([id]), lambda: self.small.hold(id)),
            "release": (lambda: queue.release([id]), lambda: self.small.release(id)),
            "retry": (lambda: queue.retry([id], self.now), lambda: self.small.retry(id, self.now)),
        }
        real, model = ways[what]
        expected = model()
        if expected is None:
            with pytest.raises(UsageError, match="retry that one first"):
                real()
        else:
            changed = real()
            assert len(changed) == len(set(changed))
            assert set(changed) == expected

    def wait(self, chance: random.Random) -> None:
        self.now += chance.choice((0.5, 2.0, 10.0, 400.0))

    def restart(self, chance: random.Random) -> None:
        self.queue.close()
        self.queue = opened(self.folder)
        assert self.queue.id == self.small.queue

    def prune(self, chance: random.Random) -> None:
        assert set(self.one_of_both(chance).prune(self.now, days=-1)) == self.small.prune()

    # Not after each step: steps of others that were not looked at in between are what makes it hard.
    def look(self, chance: random.Random) -> None:
        lots = self.queue.lots(self.now)
        assert {JobId(lot.number, index) for lot in lots for index in lot.ready} == self.small.ready(self.now)
        assert all(lot.ready and list(lot.ready) == sorted(lot.ready, key=lambda i: i or 0) for lot in lots)
        # what was followed is what is read anew
        fresh = opened(self.folder)
        anew = {lot.number: lot for lot in fresh.lots(self.now)}
        fresh.close()
        assert {lot.number for lot in lots} == anew.keys()
        for lot in lots:
            again = anew[lot.number]
            assert (lot.running, lot.priority, lot.spec, list(lot.ready)) == (
                *(again.running, again.priority, again.spec, list(again.ready)),
            )
            assert all(lot.avoid.get(index) == again.avoid.get(index) for index in lot.ready)

    @invariant()
    def jobs_are_alike(self) -> None:
        expected = self.small.jobs()
        for queue in (self.queue, self.other):
            jobs = queue.jobs()
            assert [job.id for job in jobs] == list(expected)
            assert {job.id: (job.state, job.attempt) for job in jobs} == {
                id: (job.state, job.attempt) for id, job in expected.items()
            }
        assert all(job.successes <= 1 for job in expected.values())
        assert all(job.successes == (job.state is JobState.SUCCEEDED) for job in expected.values())

    @invariant()
    def sums_are_right(self) -> None:
        jobs = self.small.jobs()
        assert self.queue.counts() == Counter(job.state for job in jobs.values())
        groups = Counter[Group]()
        progress = {one.number: one for one in self.queue.progress()}
        assert progress.keys() == self.small.all.keys()
        for number, one in self.small.all.items():
            states = Counter(job.state for job in one.jobs.values())
            placed = any(state in PLACED for state in states)
            group = Group.RUNNING if placed else Group.ENDED if ENDED.issuperset(states) else Group.WAITING
            groups[group] += 1
            assert (progress[number].counts, progress[number].group) == (states, group)
            assert progress[number].waits == one.waits
            assert {each.after: each.met for each in self.queue.after(number)} == one.after
        assert self.queue.groups() == groups
        for group in Group:
            assert {one.number for one in self.queue.progress(group=group)} == {
                number for number, one in progress.items() if one.group is group
            }

    @invariant()
    def one_attempt_is_open_where_a_node_has_it(self) -> None:
        expected = {
            Key(self.small.queue, id, job.attempt): job for id, job in self.small.jobs().items() if job.state in PLACED
        }
        placed = {one.attempt.key: one for one in self.queue.placed()}
        assert placed.keys() == expected.keys()
        for key, job in expected.items():
            one = placed[key]
            assert (one.state, one.cancelled, one.held) == (job.state, job.wish == "cancel", job.wish == "hold")
            assert (one.attempt.ended is not None) == (job.over is not None)
        assert set(self.queue.wishes()) == {key for key, job in expected.items() if job.wish == "cancel"}
        for id, job in self.small.jobs().items():
            attempts = self.queue.attempts(id)
            assert [one.key.attempt for one in attempts] == list(range(1, job.attempt + 1))
            open_ones = [one.key for one in attempts if one.ended is None]
            assert open_ones == [key for key in expected if key.id == id and not job.over]
            assert all(one.ended is None or one.ended >= one.placed for one in attempts)

    @invariant()
    def the_file_is_whole(self) -> None:
        database: Database = self.queue._database
        assert database.value("PRAGMA integrity_check") == "ok"
        assert database.rows("PRAGMA foreign_key_check") == []


Both.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBoth = pytest.mark.timeout(300)(Both.TestCase)


@pytest.mark.parametrize("seed", range(4))
def test_a_long_walk(seed: int) -> None:
    """Further than Hypothesis goes, which prefers what is short."""
    chance, both = random.Random(seed), Both()
    try:
        for _ in range(60):
            for _ in range(6):
                both.step(chance.choice(STEPS), chance.getrandbits(64))
            both.jobs_are_alike()
            both.sums_are_right()
            both.one_attempt_is_open_where_a_node_has_it()
        both.the_file_is_whole()
    finally:
        both.teardown()
