"""The cast: how many, who, where, and who is ill."""

from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.sim.population import LARGEST, Ail, population


@settings(max_examples=40)
@given(count=st.integers(1, 1500), seed=st.integers(0, 5), calm=st.booleans())
def test_every_cast_is_sound(count: int, seed: int, calm: bool) -> None:
    people = population(count, seed, calm)
    assert len(people) == count
    names = {person.name for person in people}
    assert len(names) == count
    addresses = [ipaddress.IPv4Address(person.address) for person in people]
    assert len(set(addresses)) == count
    for address in addresses:
        assert address in ipaddress.IPv4Network("127.77.0.0/16")
        assert address.packed[3] not in (0, 255)
    for person in people:
        assert person.parent is None or person.parent in names
        assert person.hardware.cpus > 0
        assert not calm or not person.ails


def test_the_same_seed_gives_the_same_cast() -> None:
    assert population(300, 7) == population(300, 7)
    assert population(300, 7) != population(300, 8)


@pytest.mark.parametrize(
    ("count", "ails"),
    [
        (5, {Ail.DISK, Ail.HOT, Ail.LOAD, Ail.DIES}),
        (12, {Ail.DISK, Ail.HOT, Ail.LOAD, Ail.DIES, Ail.SLOW, Ail.UNIT, Ail.CLOCK, Ail.MAINTENANCE, Ail.REBOOT}),
        (40, set(Ail)),
    ],
)
def test_small_fleets_have_the_same_characters_as_large_ones(count: int, ails: set[Ail]) -> None:
    assert set().union(*(person.ails for person in population(count))) == ails


def test_most_of_a_large_fleet_is_well() -> None:
    people = population(1000)
    assert 0.9 < sum(not person.ails for person in people) / 1000 < 0.99
    assert {
        role: count > 20 for role, count in Counter(person.role for person in people).items() if role != "gw"
    } == dict.fromkeys(("web", "db", "render", "gpu", "pi"), True) | {"storage": False}


def test_an_outage_takes_the_gateway_and_all_behind_it() -> None:
    people = population(200)
    [gateway] = [person for person in people if Ail.OUTAGE in person.ails]
    behind = [person for person in people if person.parent == gateway.name]
    assert behind
    assert all(Ail.BEHIND in person.ails for person in behind)
    assert not any(Ail.BEHIND in person.ails for person in people if person.parent != gateway.name)


@pytest.mark.parametrize("count", [-1, 0, LARGEST + 1])
def test_impossible_numbers_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to"):
        population(count)
