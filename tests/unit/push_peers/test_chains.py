"""Who stands behind whom at first."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.push.peers.chains import chains

NAMES = [f"n{number}" for number in range(7)]
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(PAIRS), st.one_of(st.none(), st.floats(0, 1))))
def test_everybody_stands_once_and_behind_one_who_reaches_them(trips: dict[tuple[str, str], float | None]) -> None:
    made = chains(NAMES, trips, {})
    assert sorted(name for chain in made for name in chain) == NAMES
    for chain in made:
        for one, other in itertools.pairwise(chain):
            assert trips.get((one, other), 0.0) is not None


@settings(deadline=None)
@given(st.permutations(NAMES))
def test_without_walls_there_is_one_chain(names: list[str]) -> None:
    assert len(chains(names, {}, {})) == 1


def test_near_nodes_stand_together() -> None:
    here, there = {"a1", "a2", "a3"}, {"b1", "b2", "b3"}
    trips: dict[tuple[str, str], float | None] = {
        (one, other): 0.001 if one[0] == other[0] else 0.2
        for one in here | there
        for other in here | there
        if one != other
    }
    (chain,) = chains(sorted(here | there), trips, {})
    assert sum(one[0] != other[0] for one, other in itertools.pairwise(chain)) == 1


def test_two_sites_that_do_not_see_each_other_are_two_chains() -> None:
    names = ["a1", "a2", "b1", "b2"]
    trips = {(one, other): None if one[0] != other[0] else 0.001 for one in names for other in names if one != other}
    assert sorted(map(sorted, chains(names, trips, {}))) == [["a1", "a2"], ["b1", "b2"]]


def test_a_node_that_reaches_nobody_stands_last() -> None:
    trips = {("b", other): None for other in "acd"}
    (chain,) = chains(["a", "b", "c", "d"], trips, {})
    assert chain[-1] == "b"


def test_a_node_that_nobody_reaches_begins() -> None:
    trips = {(other, "b"): None for other in "acd"}
    (chain,) = chains(["a", "b", "c", "d"], trips, {})
    assert chain[0] == "b"


def test_a_node_behind_walls_both_ways_is_fed_from_here() -> None:
    trips: dict[tuple[str, str], float | None] = dict.fromkeys([("b", "a"), ("b", "c"), ("a", "b"), ("c", "b")])
    assert sorted(map(sorted, chains(["a", "b", "c"], trips, {}))) == [["a", "c"], ["b"]]
