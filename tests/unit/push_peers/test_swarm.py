"""How long a broadcast takes on paper, and who stands where when relays are slow, dead or behind a wall."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.push.peers.payload import LARGEST, SMALLEST, part_size
from gridtui.push.peers.swarm import HERE, Attach, Drop, Swarm

from .simulation import LINK, World

NAMES = [f"n{number}" for number in range(1, 9)]
AIM = 2.2


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 60))
def test_a_healthy_chain_takes_the_parts_and_one_more_for_each_link(nodes: int, parts: int) -> None:
    names = [f"n{number}" for number in range(nodes)]
    done = World([names], parts).run()
    assert set(done) == set(names)
    assert max(done.values()) == pytest.approx(LINK + parts + nodes - 1)


@settings(deadline=None)
@given(st.integers(2, 64), st.integers(24 << 20, 1 << 40))
def test_the_parts_are_small_enough_for_the_aim(nodes: int, size: int) -> None:
    each = part_size(size, nodes)
    assert SMALLEST <= each <= LARGEST
    parts = -(-size // each)
    if each > SMALLEST:
        assert (parts + nodes - 1) / parts <= 1.5


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.floats(0.02, 0.4))
def test_a_slow_relay_holds_up_nobody_else(slow: str, rate: float) -> None:
    done = World([NAMES], 48, rates={slow: rate}).run()
    assert set(done) == set(NAMES)
    assert max(done[name] for name in NAMES if name != slow) <= AIM * 48


@settings(deadline=None)
@given(st.sampled_from(NAMES[1:]), st.floats(0.02, 0.3))
def test_a_node_that_receives_slowly_holds_up_nobody_else(slow: str, rate: float) -> None:
    done = World([NAMES], 48, downs={slow: rate}).run()
    others = [name for name in NAMES if name != slow]
    assert set(others) <= set(done)
    assert max(done[name] for name in others) <= (AIM + 0.6) * 48


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.floats(0, 55), max_size=5))
def test_when_relays_die_the_others_get_all(deaths: dict[str, float]) -> None:
    done = World([NAMES], 48, deaths=deaths).run()
    assert set(NAMES) - set(deaths) <= set(done)
    # each death costs the time until it is noticed, and what the parts on the way take again
    alive = [done[name] for name in NAMES if name not in deaths]
    assert max(alive) <= 48 + len(NAMES) + 14 * (len(deaths) + 1)


@settings(deadline=None)
@given(st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30))
def test_walls_that_nobody_knew_of_end_at_this_machine_at_worst(walls: set[tuple[str, str]]) -> None:
    done = World([NAMES], 24, walls=frozenset(walls)).run()
    assert set(done) == set(NAMES)


def test_a_frozen_relay_is_passed_by() -> None:
    done = World([NAMES], 48, deaths={"n3": 10.0}, notice=1e9).run(until=400)
    assert {name for name in NAMES if name != "n3"} <= set(done)
    assert max(done.values()) <= AIM * 48


def test_who_is_alone_behind_walls_and_cannot_be_fed_from_here_fails() -> None:
    swarm = Swarm([["a", "b"]], {("a", "b"): None, ("b", "a"): None})
    swarm.produce(3)
    orders = swarm.unlinked("a", "b", 1.0, "refused")
    assert Attach(HERE, "b") in orders
    swarm.unlinked(HERE, "b", 2.0, "refused here too")
    assert swarm.failed == {"b": "refused here too"}
    assert swarm.nodes == ["a"]


def test_a_receiver_that_moves_gets_only_what_it_lacks() -> None:
    swarm = Swarm([["a", "b", "c"]], {})
    swarm.produce(6)
    for part in range(6):
        swarm.arrived("a", part, part)
    for part in (0, 1, 3):
        swarm.arrived("b", part, part)
    assert swarm.lost("a", 7.0)[-1] == Attach(HERE, "b", 2, (3,))
    assert swarm.feeders == {"b": HERE, "c": "b"}


def test_a_part_is_dropped_when_all_who_are_left_have_it() -> None:
    swarm = Swarm([["a", "b"]], {})
    swarm.produce(2)
    assert swarm.arrived("a", 0, 1.0) == []
    assert swarm.arrived("b", 0, 2.0) == [Drop(0)]
    assert swarm.arrived("a", 1, 3.0) == []
    assert Drop(1) in swarm.lost("b", 4.0)


def test_news_of_the_unknown_changes_nothing() -> None:
    swarm = Swarm([["a"]], {})
    assert swarm.arrived("x", 0, 1.0) == []
    assert swarm.lost("x", 1.0) == []
    assert swarm.unlinked("x", "y", 1.0) == []
    assert swarm.nodes == ["a"]
