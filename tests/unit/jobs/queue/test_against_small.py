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
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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

SEEDS = st.integers(0, 1 << 32)
PHASES = [Phase.RUNNING, Phase.FROZEN, Phase.ENDED, Phase.ENDED, Phase.LOST, Phase.UNKNOWN, Phase.WAITING]
CAUSES = [None, Cause.EXIT, Cause.EXIT, Cause.EXIT, Cause.CANCELLED, *Cause]


class Both(RuleBasedStateMachine):
    """Every step is done to the queue and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.place_ = tempfile.TemporaryDirectory()
        self.folder = Path(self.place_.name)
        self.queue = Queue.open(self.folder)
        self.other = Queue.open(self.folder)
        self.small = Small(self.queue.id)
        self.now = 1000.0
        self.keys: list[Key] = [Key("00000000", JobId(1), 1)]
        self.last = 0

    def teardown(self) -> None:
        self.look()
        self.queue.close()
        self.other.close()
        self.place_.cleanup()

    def some_id(self, random: random.Random, whole: bool = True) -> JobId:
        id = random.choice(list(self.small.jobs()))
        return JobId(id.number) if whole and random.random() < 0.4 else id

    @rule(
        size=st.sampled_from([None, None, 1, 3, 6]),
        each=st.booleans(),
        retries=st.integers(0, 2),
        held=st.sampled_from([False, False, True]),
        hows=st.lists(st.sampled_from(End), max_size=2),
        by_other=st.booleans(),
        seed=SEEDS,
    )
    def submit(
        self, size: int | None, each: bool, retries: int, held: bool, hows: list[End], by_other: bool, seed: int
    ) -> None:
        chance = random.Random(seed)
        after = tuple(After(self.some_id(chance), how) for how in hows if self.small.all)
        spec = Spec("true", retries=retries, name=f"n{retries}")
        indices: Sequence[int | None] = [None]
        array: tuple[int, ...] = ()
        items: tuple[str, ...] = ()
        if size and each:
            items, indices = tuple(f"item {n}" for n in range(size)), list(range(1, size + 1))
        elif size:
            array = tuple(chance.sample(range(20), size))
            indices = sorted(array)
        queue = self.other if by_other else self.queue
        number = queue.submit(spec, array=array, each=items, after=after, held=held, now=self.now)
        assert number > self.last
        self.last = number
        self.small.submit(number, indices, retries, tuple(dict.fromkeys(after)), held)

    @rule(share=st.sampled_from([0.3, 1.0]), seed=SEEDS)
    def place(self, share: float, seed: int) -> None:
        chance = random.Random(seed)
        ids = [JobId(lot.number, index) for lot in self.queue.lots(self.now) for index in lot.ready]
        chosen = [id for id in ids if chance.random() < share]
        # and what placement chose before things changed
        chosen += [self.some_id(chance, whole=False) for _ in range(2) if self.small.all]
        orders = self.queue.place([Placement(id, "n1", Level.PLAIN) for id in chosen], self.now)
        assert [order.key for order in orders] == self.small.place(chosen, self.now)
        assert len({order.key.id for order in orders}) == len(orders)
        self.keys += [order.key for order in orders]
        assert self.queue.orders([order.key for order in orders]) == orders

    @rule(many=st.integers(1, 4), usual=st.booleans(), seed=SEEDS)
    def take(self, many: int, usual: bool, seed: int) -> None:
        chance = random.Random(seed)
        reports = []
        for _ in range(many):
            key = chance.choice(self.keys[-6:] if usual else self.keys)
            phase = Phase.ENDED if usual and chance.random() < 0.5 else chance.choice(PHASES)
            cause = (Cause.EXIT if usual else chance.choice(CAUSES)) if phase is Phase.ENDED else None
            status = chance.choice([0, 0, 0, 1, 137, None]) if phase is Phase.ENDED else None
            reports.append(Report(key, phase, "n1", exit=status, cause=cause, elapsed=chance.choice([None, 0.5, 9.0])))
        taken = self.queue.take(reports, self.now)
        expected = [(report.key, self.small.take(report, self.now)) for report in reports]
        assert taken.fetch == [key for key, what in expected if what == "fetch"]
        assert taken.forget == [key for key, what in expected if what == "forget"]

    @rule(many=st.integers(1, 4), ok=st.sampled_from([True, True, True, False]), seed=SEEDS)
    def publish(self, many: int, ok: bool, seed: int) -> None:
        chance = random.Random(seed)
        over = [key for key in self.keys if (job := self.small.current(key)) and job.over]
        keys = [chance.choice(self.keys if chance.random() < 0.2 or not over else over) for _ in range(many)]
        states = self.queue.published([(key, "/out", ok, "") for key in keys], self.now)
        expected = {}
        for key in keys:
            if state := self.small.published(key, ok, self.now):
                expected[key] = state
        assert states == expected

    @rule(many=st.integers(1, 2), seed=SEEDS)
    def lose(self, many: int, seed: int) -> None:
        chance = random.Random(seed)
        keys = [chance.choice(self.keys) for _ in range(many)]
        lost = self.queue.lose(keys, "rebooted", self.now)
        assert lost == [key.id for key in keys if self.small.lose(key, self.now)]

    @precondition(lambda self: self.small.all)
    @rule(what=st.sampled_from(["cancel", "hold", "release", "retry", "retry"]), by_other=st.booleans(), seed=SEEDS)
    def ask(self, what: str, by_other: bool, seed: int) -> None:
        id = self.some_id(random.Random(seed))
        queue = self.other if by_other else self.queue
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

    @rule(seconds=st.sampled_from([0.5, 2.0, 10.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.queue.close()
        self.queue = Queue.open(self.folder)
        assert self.queue.id == self.small.queue

    @rule(by_other=st.booleans())
    def prune(self, by_other: bool) -> None:
        gone = (self.other if by_other else self.queue).prune(self.now, days=-1)
        assert set(gone) == self.small.prune()

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

    # Not after each step: steps of others that were not looked at in between are what makes it hard.
    @rule()
    def look(self) -> None:
        lots = self.queue.lots(self.now)
        assert {JobId(lot.number, index) for lot in lots for index in lot.ready} == self.small.ready(self.now)
        assert all(lot.ready and list(lot.ready) == sorted(lot.ready, key=lambda i: i or 0) for lot in lots)
        # what was followed is what is read anew
        with Queue.open(self.folder) as fresh:
            anew = {lot.number: lot for lot in fresh.lots(self.now)}
        assert {lot.number: lot for lot in lots}.keys() == anew.keys()
        for lot in lots:
            again = anew[lot.number]
            assert (lot.running, lot.priority, lot.spec, list(lot.ready)) == (
                *(again.running, again.priority, again.spec, list(again.ready)),
            )
            assert all(lot.avoid.get(index) == nodes for index, nodes in again.avoid.items())

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
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBoth = pytest.mark.timeout(300)(Both.TestCase)
