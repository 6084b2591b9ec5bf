"""Work in slices: the same result as at once, and a key is faster than what goes on."""

from __future__ import annotations

import math

import pytest

from gridtui.model import Layer
from gridtui.tui import slices as slicing
from gridtui.tui.app import Dashboard
from gridtui.tui.arrange import arranging
from gridtui.tui.slices import EACH, Slices, Work, pieces, whole

from .fake import FakeFleet


@pytest.fixture(autouse=True)
def piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "SLICE", 1e-9)


def adding_up(numbers: list[int]) -> Work[int]:
    total = 0
    for some in pieces(numbers):
        total += sum(some)
        yield
    return total


@pytest.mark.parametrize("count", [0, 1, EACH, EACH + 1, 10 * EACH])
def test_slices_come_to_the_same(count: int) -> None:
    numbers = list(range(count))
    slices = Slices(adding_up(numbers))
    turns = 0
    while not slices.go_on():
        turns += 1
    assert slices.result == whole(adding_up(numbers)) == sum(numbers)
    assert turns == math.ceil(count / EACH)


async def test_what_nobody_wants_any_more_is_left() -> None:
    slices = Slices(adding_up(list(range(EACH))))
    assert not await slices.finish(lambda: False)
    assert await slices.finish()
    assert slices.result == sum(range(EACH))


def test_nodes_are_arranged_in_slices_as_at_once() -> None:
    fleet = FakeFleet(3 * EACH)
    fleet.advance(1)
    fleet.fail(next(iter(fleet.nodes)), Layer.TCP, "refused")
    slices = Slices(arranging(list(fleet.nodes), fleet.status, group="state"))
    turns = 1
    while not slices.go_on():
        turns += 1
    assert turns > 9  # sorted, told apart, added up
    assert slices.result == whole(arranging(list(fleet.nodes), fleet.status, group="state"))


async def test_a_key_is_faster_than_an_order_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeFleet(3 * EACH)
    fleet.advance(1)
    app = Dashboard(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        screen = app.fleet_screen
        monkeypatch.setattr(slicing, "REST", 3600.0)  # what goes on never gets to its end
        screen.reorder()
        assert screen.reordering
        screen.sort_by("name")
        assert screen._goes_on is None
        assert screen.lines == sorted(fleet.nodes)
