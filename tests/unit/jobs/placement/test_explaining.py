"""Why, in words and numbers: tables."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from gridtui.jobs.model import Hours, Idle, Level, Needs, Sandbox
from gridtui.jobs.placement import Kept, Offer, OfferedGpu, Owner, explain, may_start, waiting

from .offered import GB, NOW, lot, node, nothing

GPUS = (
    OfferedGpu(0, 24 * GB, 24 * GB, taken=True),
    OfferedGpu(1, 24 * GB, 23 * GB, busy=True),
    OfferedGpu(2, 24 * GB, 2 * GB),
    OfferedGpu(3, 24 * GB, 24 * GB),
)


@pytest.mark.parametrize(
    ("asked", "offer", "reason"),
    [
        (
            {"needs": Needs(cpus=8)},
            node(cpus=12, cpus_placed=8, load=0.5),
            "needs 8 cpus, 3.5 free: 12 in all, 8 placed, load of others 0.5",
        ),
        ({"needs": Needs(cpus=16)}, node(cpus=12, cpus_placed=8), "needs 16 cpus, has 12"),
        (
            {"needs": Needs(cpus=1.25)},
            node(cpus=2, cpus_placed=1, slots=True, load=9),
            "needs 1.25 cpus, 1 free: 2 slots, 1 placed",
        ),
        (
            {"needs": Needs(memory=6 * GB)},
            node(memory_free=5 * GB, memory_placed=2 * GB),
            "needs 6.0 GB of memory, 5.0 GB free: 8.0 GB in all, 2.0 GB placed, 1.0 GB used otherwise",
        ),
        ({"needs": Needs(memory=99 * GB)}, node(), "needs 99.0 GB of memory, has 8.0 GB"),
        ({"needs": Needs(memory=GB)}, node(memory_free=None), "its memory is not known"),
        ({"needs": Needs(disk=101 * GB)}, node(), "needs 101 GB of disk, 100 GB free"),
        ({"needs": Needs(disk=GB)}, node(disk_free=None), "its free disk is not known"),
        ({"needs": Needs(gpus=1)}, node(), "needs 1 GPU, has none"),
        (
            {"needs": Needs(gpus=2, gpu_memory=8 * GB)},
            node(gpus=GPUS),
            "needs 2 GPUs with 8.0 GB free, 1 free: 4 in all, 1 placed, 1 busy, 1 without the memory",
        ),
        ({"where": "@render"}, node("n9"), "does not match `@render`"),
        ({}, node(closed="drained: new disk"), "drained: new disk"),
        ({}, node(room=0, jobs=96), "has 96 jobs, as many as it may have"),
        (
            {"sandbox": Sandbox(least=Level.SYSTEMD)},
            node(levels=frozenset({Level.PLAIN, Level.BWRAP})),
            "needs a sandbox of systemd to container; it offers plain, bwrap",
        ),
        ({"sandbox": Sandbox(image="debian:12")}, node(), "runs no containers; its sandboxes: plain, bwrap, systemd"),
        ({"idle": Idle()}, node(owner=Owner(word="/etc/gridtui/no-idle-jobs")), "/etc/gridtui/no-idle-jobs"),
        (
            {"needs": Needs(cpus=8, memory=9 * GB)},
            node("n9", closed="drained"),
            "drained; needs 8 cpus, has 4; needs 9.0 GB of memory, has 8.0 GB",
        ),
    ],
)
def test_what_keeps_a_job_from_a_node(asked: dict[str, Any], offer: Offer, reason: str) -> None:
    (why,) = explain(lot(**asked), [offer], lambda _: frozenset({"n1"}), NOW)
    assert (why.node, why.answer, why.score, why.reason) == (offer.node, "no", 0.0, reason)


def test_the_chosen_one_comes_first_with_its_merits() -> None:
    offers = [
        node("far", 12),
        node("near", 4, cpus_placed=2, holds=frozenset({"x"})),
        node("ill", 64, shunned=True, holds=frozenset({"x"})),
        node("full", 4, cpus_placed=4),
    ]
    whys = explain(lot(needs=Needs(cpus=1, memory=GB)), offers, nothing, NOW, inputs={"x": 2 * GB, "y": 1})
    assert [(why.node, why.answer) for why in whys] == [
        ("near", "chosen"),
        ("far", "could"),
        ("ill", "could"),
        ("full", "no"),
    ]
    assert (
        whys[0].reason
        == "2 of 4 cpus free, 8.0 GB of memory free, holds 2.0 GB of 2.0 GB of its inputs, sandbox systemd"
    )
    assert whys[2].reason.endswith("jobs failed there of late: only where nothing else will do")


def test_an_element_hears_where_it_failed() -> None:
    one = lot(count=3, avoid={2: frozenset({"a"})})
    whys = explain(one, [node("a"), node("b")], nothing, NOW, 2)
    assert [(why.node, why.answer, why.reason) for why in whys][1] == ("a", "no", "an earlier attempt failed there")
    assert explain(one, [node("a"), node("b")], nothing, NOW, 1)[0].node == "a"
    assert explain(one, [node("a")], nothing, NOW, 2)[0].answer == "chosen", "where there is no other"
    whys = explain(one, [node("a"), node("b", cpus_placed=4)], nothing, NOW, 2)
    assert [why.answer for why in whys] == ["no", "no"], "b is only full: it waits for b"


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()


IDLE = Idle(after=900, load=0.3)


@pytest.mark.parametrize(
    ("idle", "offer", "why"),
    [
        (IDLE, node(owner=Owner(900)), ""),
        (IDLE, node(owner=Owner(899)), "somebody was active 14 min ago, idle counts after 15 min"),
        (IDLE, node(owner=Owner(None)), ""),
        (IDLE, node(owner=Owner(9999, word="opted out")), "opted out"),
        (IDLE, node(owner=Owner(9999, battery=True)), "runs on battery"),
        (replace(IDLE, battery=True), node(owner=Owner(9999, battery=True)), ""),
        (IDLE, node(cpus=4, load=1.2), ""),
        (IDLE, node(cpus=4, load=1.3), "load of others 0.33 a cpu, at most 0.3"),
        (replace(IDLE, load=1.0), node(cpus=4, load=1.3), ""),
    ],
)
def test_when_a_node_counts_as_idle(idle: Idle, offer: Offer, why: str) -> None:
    assert may_start(idle, offer, NOW) == why


@pytest.mark.parametrize(
    ("begin", "end", "clock", "may"),
    [
        ("22:00", "06:00", "23:30", True),
        ("22:00", "06:00", "05:59", True),
        ("22:00", "06:00", "06:00", False),
        ("22:00", "06:00", "21:59", False),
        ("22:00", "06:00", "00:00", True),
        ("09:00", "17:00", "12:00", True),
        ("09:00", "17:00", "17:00", False),
        ("08:00", "08:00", "03:00", True),
    ],
)
def test_hours_are_local_and_may_pass_midnight(berlin: None, begin: str, end: str, clock: str, may: bool) -> None:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    idle = Idle(hours=Hours(minutes(begin), minutes(end)))
    now = time.mktime((2026, 7, 1, 0, minutes(clock), 0, 0, 0, -1))
    why = may_start(idle, node(), now)
    assert why == ("" if may else f"outside its hours, {begin} to {end}")


@pytest.mark.parametrize(
    ("asked", "offers", "why"),
    [
        ({}, [], "there is no node"),
        ({"needs": Needs(cpus=1)}, [node(cpus=2, cpus_placed=1, load=3)], "needs 1 cpus, 0 free"),
        (
            {"needs": Needs(cpus=1)},
            [node("a", cpus=2, cpus_placed=2), node("b", closed="down: refused"), node("c", cpus=4, cpus_placed=4)],
            "needs 1 cpus, 0 free (2 nodes); down (1 node)",
        ),
        (
            {"needs": Needs(cpus=4)},
            [node("a", cpus=4, cpus_placed=1), node("b", cpus=4, cpus_placed=2)],
            "needs 4 cpus",
        ),
        ({"where": "@render"}, [node("a")], "no node matches `@render`"),
        ({"ready": (2,), "avoid": {2: frozenset({"a"})}}, [node("a")], "an earlier attempt failed there"),
        ({"ready": (2, 3), "avoid": {2: frozenset({"a"})}}, [node("a")], "others are before it"),
    ],
)
def test_why_jobs_wait_in_a_line(asked: dict[str, Any], offers: list[Offer], why: str) -> None:
    found = {name: asked.pop(name) for name in ("ready", "avoid") if name in asked}
    assert waiting(replace(lot(**asked), **found), offers, lambda _: frozenset(), NOW) == why


def test_room_that_is_kept_is_said() -> None:
    """For whom, and to all others whom it keeps from the node."""
    full = node("n1", cpus_placed=3)
    kept = {"n1": Kept(7, Needs(cpus=4, memory=4 * GB))}
    large = explain(lot(7, needs=Needs(cpus=4)), [full, node("n2", cpus_placed=4)], nothing, NOW, kept=kept)
    assert [(why.node, why.answer, why.reason.split(":")[0]) for why in large] == [
        ("n1", "no", "room is kept there for it; needs 4 cpus, 1 free"),
        ("n2", "no", "needs 4 cpus, 0 free"),
    ]
    [small] = explain(lot(8), [full], nothing, NOW, kept=kept)
    assert (small.answer, small.reason) == ("no", "room is kept there for job 7")
    [beside] = explain(lot(8), [node("n1", cpus=16)], nothing, NOW, kept=kept)
    assert beside.answer == "chosen"
    gpu = {"n1": Kept(7, Needs(gpus=1))}
    [other] = explain(lot(8, needs=Needs(gpus=1)), [node("n1", gpus=GPUS[3:])], nothing, NOW, kept=gpu)
    assert other.reason == "room is kept there for job 7"
    [free] = explain(lot(7, needs=Needs(gpus=1)), [node("n1", gpus=GPUS[3:])], nothing, NOW, kept=gpu)
    assert free.answer == "chosen"
