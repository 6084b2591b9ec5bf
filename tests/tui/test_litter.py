"""When full collections come: never behind a key, and nothing stays uncollected for good."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gridtui.tui.litter import CALM, DEEP, EVERY, LATEST, LOOK, REST, Litter

from .screens import begin, board


class Loop:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def litter(clock: Clock) -> Iterator[Litter]:
    before = gc.get_threshold()
    made = Litter(clock)
    made.begin()
    yield made
    made.end()
    assert gc.get_threshold() == before
    assert not gc.get_freeze_count()


def dropped() -> weakref.ref[Loop]:
    """A value that only a full collection finds, once it is old."""
    loop = Loop()
    gc.collect(1)
    return weakref.ref(loop)


def test_the_first_comes_with_the_first_calm(litter: Litter, clock: Clock) -> None:
    litter.touched()
    lost = dropped()
    litter.look()
    assert lost() is not None
    clock.now += CALM
    litter.look()
    assert lost() is None
    assert gc.get_freeze_count()


def test_python_makes_none_by_itself(litter: Litter) -> None:
    found = gc.get_stats()[2]["collections"]
    kept: list[list[list[int]]] = [[[]] for _ in range(200_000)]  # enough for several
    assert gc.get_stats()[2]["collections"] == found
    assert kept


def test_keys_put_it_off_but_not_for_ever(litter: Litter, clock: Clock) -> None:
    clock.now += CALM
    litter.look()
    lost = dropped()
    for _ in range(int(LATEST / LOOK) - 1):
        clock.now += LOOK
        litter.touched()
        litter.look()
        assert lost() is not None
    clock.now += LOOK
    litter.touched()
    litter.look()
    assert lost() is None


def test_what_was_set_aside_is_looked_through_in_a_long_rest(litter: Litter, clock: Clock) -> None:
    kept = Loop()
    lost = weakref.ref(kept)
    litter.look()
    del kept
    clock.now += EVERY
    litter.look()
    assert lost() is not None
    clock.now += DEEP
    litter.touched()
    clock.now += REST - 1
    litter.look()
    assert lost() is not None
    clock.now += 1
    litter.look()
    assert lost() is None
    assert gc.get_freeze_count()


def test_nothing_is_looked_for_before_the_first_paint(clock: Clock) -> None:
    litter = Litter(clock)
    litter.hush()
    assert not gc.isenabled()
    litter.begin()
    assert gc.isenabled()
    litter.end()
    litter.hush()
    litter.end()
    assert gc.isenabled()


async def test_the_dashboard_gives_the_collector_back() -> None:
    before = gc.get_threshold()
    app = board()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        assert gc.get_threshold()[2] > before[2]
        app.litter.look()
        assert gc.get_freeze_count()
    assert gc.get_threshold() == before
    assert not gc.get_freeze_count()
