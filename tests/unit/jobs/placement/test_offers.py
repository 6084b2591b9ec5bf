"""What is left of a node: measured, less what is placed, and each job counted once."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.jobs.engines.protocol import Ground
from gridtui.jobs.model import Level, Needs
from gridtui.jobs.placement import Offer, Share, Trace, offer
from gridtui.model import Facts, Layer, Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Unsupported, Verdict
from gridtui.probes.gpus import Gpu

from .offered import GB, NOW

GROUND = Ground(frozenset({Level.PLAIN}), disk=50 * GB, holds=frozenset({"x"}))


def status(
    *,
    age: float = 0.0,
    interval: float | None = None,
    cpus: int = 12,
    failed: Layer | None = None,
    pending: bool = False,
    measured: bool = True,
    parts: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
    maintenance: bool = False,
    **metrics: float,
) -> Status:
    found = {"mem.total": 64.0 * GB, "mem.free": 60.0 * GB, "load": 0.0, "users": 0.0}
    found |= {name.replace("_", "."): value for name, value in metrics.items()}
    return Status(
        Node("n1", "n1", vars=variables or {}, maintenance=maintenance, interval=interval),
        Reach(NOW, failed, "no route to host" if failed else "", pending=pending),
        RoundTrips(PingMethod.ICMP),
        Verdict("n1", State.OK, 0.0),
        Sample("n1", NOW - age, parts=parts or {}, metrics={k: v for k, v in found.items() if not math.isnan(v)})
        if measured
        else None,
        Facts("n1", cpus=cpus),
    )


def made(of: Status, *shares: Share, **more: Any) -> Offer:
    given: dict[str, Any] = {"ground": GROUND, "now": NOW}
    return offer(of, shares, **given | more)


def job(cpus: float = 1.0, memory: int = 0, *, since: float, seen: int | None = None) -> Share:
    return Share(Needs(cpus=cpus, memory=memory), since=NOW - since, memory=seen)


def test_an_idle_node_offers_all_of_itself() -> None:
    found = made(status())
    assert (found.closed, found.cpus, found.cpus_free, found.load, found.jobs) == ("", 12.0, 12.0, 0.0, 0)
    assert (found.memory, found.memory_free, found.disk_free) == (64 * GB, 60 * GB, 50 * GB)
    assert found.owner.idle == math.inf and found.holds == {"x"} and found.levels == {Level.PLAIN}


@pytest.mark.parametrize(
    ("of", "more", "why"),
    [
        (status(failed=Layer.TCP), {}, "down: no route to host"),
        (status(pending=True), {}, "not known yet"),
        (status(measured=False), {}, "not known yet"),
        (status(maintenance=True), {}, "in maintenance"),
        (status(age=61), {}, "last measured 1 min ago"),
        (status(cpus=0), {}, "its CPUs are not known yet"),
        (status(), {"ground": None}, "has not said yet what it can do"),
        (status(), {"ground": Ground(frozenset(), closed="/etc/gridtui/no-jobs")}, "/etc/gridtui/no-jobs"),
        (status(failed=Layer.TCP), {"barred": "drained: new disk"}, "drained: new disk"),
        (status(age=59), {}, ""),
        (status(age=290, interval=100), {}, ""),
        (status(age=310, interval=100), {}, "last measured 5 min ago"),
    ],
)
def test_a_node_that_cannot_take_jobs_says_why(of: Status, more: dict[str, Any], why: str) -> None:
    assert made(of, **more).closed == why


def test_a_job_counts_once_whether_or_not_it_shows_in_the_load() -> None:
    placed_now = made(status(load=0.5), job(8, since=0))
    assert (placed_now.load, placed_now.cpus_free) == (0.5, 3.5)
    runs_long = made(status(load=8.5), job(8, since=3600))
    assert (runs_long.load, runs_long.cpus_free) == (0.5, 3.5)
    half_there = made(status(load=8 * (1 - math.exp(-0.7)) + 0.5), job(8, since=42))
    assert half_there.load == pytest.approx(0.5) and half_there.cpus_free == pytest.approx(3.5)


def test_jobs_that_take_more_than_they_asked_for_count_as_load() -> None:
    assert made(status(load=6.0), job(1, since=3600)).cpus_free == pytest.approx(6.0)


def test_a_little_load_keeps_nobody_from_the_whole_node_and_placed_jobs_do() -> None:
    assert made(status(load=0.4)).cpus_open == 12
    assert made(status(load=0.9)).cpus_open == pytest.approx(11.7)
    assert made(status(cpus=64, load=3.0)).cpus_open == 64
    assert made(status(load=0.0), job(1, since=3600)).cpus_open == 11
    assert made(status(load=0.0), job(1, since=3600)).cpus_most == 12


def test_slots_stand_above_load() -> None:
    found = made(status(load=40, variables={"gridtui_slots": 4}), job(1, since=5))
    assert (found.cpus, found.cpus_free, found.cpus_open) == (4, 3, 3)
    assert made(status(load=40, variables={"gridtui_slots": "2.5"})).cpus_open == 2.5
    assert made(status(variables={"gridtui_slots": 0})).closed == "its CPUs are not known yet"
    assert made(status(cpus=0, variables={"gridtui_slots": 3})).cpus_open == 3


@pytest.mark.parametrize(
    ("free", "shares", "left"),
    [
        (60, (), 60),
        (60, (job(1, 8 * GB, since=0),), 52),  # placed, and nothing of it shows
        (52, (job(1, 8 * GB, since=36000),), 52),  # runs, shows, and is counted once
        (59, (job(1, 8 * GB, since=36000, seen=1 * GB),), 52),  # took 1 of its 8 so far: 7 stay its own
        (40, (job(1, 8 * GB, since=36000, seen=12 * GB),), 40),  # took more than it asked for: measured
        (52, (job(1, 8 * GB, since=36000), job(1, 4 * GB, since=0)), 48),
        (3, (job(1, 8 * GB, since=0),), -5),
    ],
)
def test_memory_is_measured_less_what_cannot_show_yet(free: int, shares: tuple[Share, ...], left: int) -> None:
    found = made(status(mem_free=free * GB), *shares)
    assert found.memory_free == pytest.approx(left * GB, rel=1e-6)
    assert found.memory_placed == sum(share.needs.memory for share in shares)


def test_what_is_not_measured_is_not_offered() -> None:
    found = made(status(mem_free=math.nan), ground=Ground(frozenset()))
    assert (found.memory_free, found.disk_free, found.gpus) == (None, None, ())
    assert made(status(mem_total=math.nan)).memory is None
    assert made(status(users=math.nan)).owner.idle is None
    assert made(status(users=2)).owner.idle is None
    assert made(status(users=2, users_idle=7)).owner.idle == 7
    assert made(status(battery_on=1)).owner.battery is True
    assert made(status(parts={"gpus": Unsupported("no GPU")})).gpus == ()


def test_gpus_keep_their_index_and_know_whose_they_are() -> None:
    gpus = (
        Gpu("A", "GPU-a", 3.0, 24 * GB, 0, 24 * GB, index=0),
        Gpu("B", "GPU-b", 90.0, 24 * GB, 9 * GB, 15 * GB, index=2),
        Gpu("C", "GPU-c", 90.0, 24 * GB, 9 * GB, 15 * GB, index=3),
        Gpu("Radeon", "", 0.0, 8 * GB, 0, 8 * GB, index=0),
    )
    share = Share(Needs(gpus=1), (2,), NOW - 99)
    found = made(status(parts={"gpus": gpus}), share).gpus
    assert [(gpu.index, gpu.busy, gpu.taken) for gpu in found] == [
        (0, False, False),
        (2, False, True),
        (3, True, False),
    ]
    assert [gpu.index for gpu in made(status(parts={"gpus": gpus[3:]})).gpus] == [0], "AMD's where there are no others"


def test_disk_is_kept_for_who_asked_and_room_is_counted() -> None:
    found = made(status(), Share(Needs(disk=20 * GB), since=NOW - 9), ground=GROUND)
    assert found.disk_free == 30 * GB
    assert found.room == 12 * 8 - 1 and made(status(cpus=1)).room == 16


class Kernel:
    """The load average as the kernel keeps it: every 5 s, with a time constant of 60 s (kernel/sched/loadavg.c)."""

    def __init__(self) -> None:
        self.time, self.load = NOW, 0.0

    def until(self, when: float, running: float) -> None:
        while self.time + 5 <= when:
            self.time += 5
            self.load += (running - self.load) * (1 - math.exp(-5 / 60))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 8)), min_size=1, max_size=40),
    st.integers(0, 6),
)
def test_a_trace_tells_others_load_from_ours(changes: list[tuple[int, int]], others: int) -> None:
    """Jobs start and end in whatever way: what is left of the kernel's load average is the others', to within a fifth of a CPU."""
    kernel, trace, now, cpus = Kernel(), Trace(), NOW, 0
    kernel.load = others
    for steps, next_cpus in changes:
        trace.follow(cpus, now)
        now += 5 * steps
        kernel.until(now, others + cpus)
        found = offer(status(load=kernel.load), (), ground=GROUND, trace=trace, now=NOW)
        assert kernel.load - trace.load(now) == pytest.approx(others, abs=0.2)
        assert found.node == "n1"
        cpus = next_cpus
        trace.follow(cpus, now)


def test_a_trace_is_asked_for_the_time_of_the_sample() -> None:
    trace = Trace()
    assert trace.load(NOW) == 0.0
    trace.follow(4, NOW - 600)
    trace.follow(0, NOW - 1)
    assert trace.load(NOW - 2) == pytest.approx(4, abs=0.01)
    assert trace.load(NOW + 59) == pytest.approx(4 / math.e, abs=0.01)
    just_ended = offer(status(load=4.3), (), ground=GROUND, trace=trace, now=NOW)
    assert just_ended.load == pytest.approx(0.37, abs=0.02), "jobs that ended still show, and are not others'"


def test_a_trace_stays_small_and_takes_a_clock_that_was_set_back() -> None:
    trace = Trace()
    for step in range(5000):
        trace.follow(step % 2, NOW + step / 10)
    assert trace.load(NOW + 500) == pytest.approx(0.5, abs=0.02)
    assert len(trace._times) < 600
    trace.follow(9, NOW - 1000)
    assert trace.load(NOW + 500 + 600) == pytest.approx(9, abs=0.01)
