"""Rounds of placement: single rules by example."""

from __future__ import annotations

from collections import Counter

from gridtui.jobs.model import Idle, JobId, Level, Needs
from gridtui.jobs.placement import Offer, OfferedGpu, Owner, Planner, plan

from .offered import GB, NOW, lot, node, nothing


def test_a_job_goes_to_the_node_that_has_room() -> None:
    (placed,) = plan([lot(needs=Needs(cpus=8))], [node("small"), node("large", 12)], nothing, {}, NOW)
    assert (placed.id, placed.node, placed.level, placed.gpus) == (JobId(1), "large", Level.SYSTEMD, ())


def test_nothing_fits_nothing_is_placed() -> None:
    assert plan([lot(needs=Needs(cpus=8))], [node("a"), node("b")], nothing, {}, NOW) == []
    assert plan([], [node()], nothing, {}, NOW) == []
    assert plan([lot()], [], nothing, {}, NOW) == []


def test_an_array_fills_nodes_and_no_more() -> None:
    placed = plan([lot(count=100)], [node("a", 4), node("b", 8)], nothing, {}, NOW)
    assert Counter(one.node for one in placed) == {"a": 4, "b": 8}
    assert [one.id.index for one in placed] == list(range(1, 13))


def test_spread_takes_the_emptiest_and_pack_the_fullest_that_fits() -> None:
    offers = [node("a", 4), node("b", 4, cpus_placed=1), node("c", 4)]
    assert [one.node for one in plan([lot(count=3)], offers, nothing, {}, NOW)] == ["a", "c", "a"]
    assert [one.node for one in plan([lot(count=5, pack=True)], offers, nothing, {}, NOW)] == ["b", "b", "b", "a", "a"]


def test_users_share_whatever_they_have_queued() -> None:
    lots = [lot(1, 100, user="ann"), lot(2, 3, user="bob"), lot(3, 100, user="cy")]
    placed = plan(lots, [node("a", 12)], nothing, {}, NOW)
    assert Counter(one.id.number for one in placed) == {1: 5, 2: 3, 3: 4}


def test_who_runs_more_waits() -> None:
    lots = [lot(1, 100, user="ann"), lot(2, 100, user="bob")]
    placed = plan(lots, [node("a", 4)], nothing, {"ann": 3.0}, NOW)
    assert Counter(one.id.number for one in placed) == {2: 4} or placed[-1].id.number == 1
    assert [one.id.number for one in placed][:3] == [2, 2, 2]


def test_urgent_before_few_running_before_old() -> None:
    lots = [
        lot(1, 9, submitted=NOW - 50, running=2),
        lot(2, 2, submitted=NOW - 10, priority=5),
        lot(3, 9, submitted=NOW - 20),
        lot(4, 9, submitted=NOW - 30),
    ]
    placed = plan(lots, [node("a", 7)], nothing, {}, NOW)
    assert [one.id.number for one in placed] == [2, 2, 4, 3, 4, 3, 1]


def test_requirements_are_asked_once_and_kept() -> None:
    asked = []

    def match(where: str) -> frozenset[str]:
        asked.append(where)
        return frozenset({"b", "gone"})

    lots = [lot(1, 9, where="@render"), lot(2, 9, where="@render")]
    placed = plan(lots, [node("a"), node("b")], match, {}, NOW)
    assert {one.node for one in placed} == {"b"} and len(placed) == 4
    assert asked == ["@render"]


def test_inputs_draw_a_job_until_their_node_is_full() -> None:
    offers = [node("a"), node("b", 2, holds=frozenset({"x"})), node("c", holds=frozenset({"y"}))]
    inputs = {1: {"x": 40 << 20, "y": 1 << 20}}
    placed = plan([lot(1, 4)], offers, nothing, {}, NOW, inputs)
    assert [one.node for one in placed] == ["b", "b", "a", "c"]


def test_shunned_nodes_come_last_and_closed_ones_never() -> None:
    offers = [node("a", shunned=True), node("b", 1), node("c", closed="drained")]
    assert [one.node for one in plan([lot(1, 9)], offers, nothing, {}, NOW)] == ["b", "a", "a", "a", "a"]


def test_an_element_avoids_where_it_failed_while_there_is_another_node() -> None:
    failed: dict[int | None, frozenset[str]] = {1: frozenset({"a"}), 2: frozenset({"a", "b"})}
    offers = [node("a"), node("b")]
    placed = plan([lot(1, 3, avoid=failed)], offers, nothing, {}, NOW)
    assert {one.id.index: one.node for one in placed} == {1: "b", 2: "a", 3: "a"}
    # Where the other node is only full, it waits for it, and those behind it go on.
    offers = [node("a"), node("b", cpus_placed=4)]
    assert [one.id.index for one in plan([lot(1, 3, avoid=failed)], offers, nothing, {}, NOW)] == [2, 3]


def test_gpus_are_given_by_index_and_once() -> None:
    gpus = (
        OfferedGpu(0, 8 * GB, 8 * GB),
        OfferedGpu(1, 24 * GB, 24 * GB),
        OfferedGpu(2, 24 * GB, 2 * GB),
        OfferedGpu(3, 24 * GB, 24 * GB, busy=True),
        OfferedGpu(4, 24 * GB, 20 * GB),
        OfferedGpu(5, 24 * GB, 24 * GB, taken=True),
    )
    needs = Needs(gpus=1, gpu_memory=10 * GB)
    placed = plan([lot(1, 9, needs=needs)], [node("a", 32, gpus=gpus), node("b")], nothing, {}, NOW)
    assert [one.gpus for one in placed] == [(4,), (1,)]
    placed = plan([lot(1, 9, needs=Needs(gpus=2))], [node("a", 32, gpus=gpus)], nothing, {}, NOW)
    assert [one.gpus for one in placed] == [(0, 4)]


def test_room_is_kept_for_a_large_job_that_waits() -> None:
    """Nodes of 4 CPUs whose jobs of one CPU are replaced as they end: a job of four waits for ever without it."""

    def nodes(a: float, b: float) -> list[Offer]:
        return [node("a", 4, cpus_placed=a), node("b", 4, cpus_placed=b)]

    planner = Planner()
    large = lot(1, user="ann", needs=Needs(cpus=4), submitted=NOW - 400)
    small = lot(2, 100, user="bob")
    assert planner.plan([large, small], nodes(4, 3), nothing, {"bob": 7}, NOW) == []
    assert planner.kept == {1: "b"}
    placed = planner.plan([large, small], nodes(3, 2), nothing, {"bob": 5, "ann": 6}, NOW)
    assert [(one.id.number, one.node) for one in placed] == [(2, "a")], "kept from round to round, whoever's turn it is"
    placed = planner.plan([large, small], nodes(4, 0), nothing, {"bob": 4}, NOW)
    assert [(one.id.number, one.node) for one in placed] == [(1, "b")]
    assert planner.kept == {}
    young = lot(1, user="ann", needs=Needs(cpus=4), submitted=NOW - 10)
    assert len(planner.plan([young, small], nodes(4, 3), nothing, {"bob": 7}, NOW)) == 1


def test_idle_jobs_only_where_nobody_works() -> None:
    offers = [
        node("away", owner=Owner(4000.0)),
        node("here", owner=Owner(5.0)),
        node("unknown", owner=Owner(None)),
        node("laptop", owner=Owner(4000.0, battery=True)),
        node("word", owner=Owner(4000.0, word="opted out")),
        node("loaded", load=3.0, owner=Owner(4000.0)),
    ]
    placed = plan([lot(1, 99, idle=Idle())], offers, nothing, {}, NOW)
    assert {one.node for one in placed} == {"away", "unknown"}
