"""Groups that fold."""

from __future__ import annotations

from gridtui.model import Layer, Node
from gridtui.tui.app import Dashboard
from gridtui.tui.arrange import Group
from gridtui.tui.screens.node import NodeScreen

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, table, until


def nest() -> FakeFleet:
    groups = {
        "a1": ("all", "berlin", "rack1"),
        "a2": ("all", "berlin", "rack1"),
        "a3": ("all", "berlin"),
        "b1": ("all", "oslo"),
        "b2": ("all", "oslo"),
    }
    made = FakeFleet(0, [Node(name, name, groups=of) for name, of in groups.items()])
    made.advance(2)
    return made


def outline(app: Dashboard) -> list[str]:
    return [line if isinstance(line, str) else line.title for line in app.fleet_screen.lines]


OPEN = ["berlin", "a3", "rack1", "a1", "a2", "oslo", "b1", "b2"]


async def test_keys() -> None:
    app = board(nest())
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("u")
        assert outline(app) == OPEN
        table(app).seek("a2")
        await pilot.press("z")  # from a node: the innermost group
        assert outline(app) == ["berlin", "a3", "rack1", "oslo", "b1", "b2"]
        assert table(app).group == "group/rack1"
        await until(pilot, lambda: "▸ rack1" in screen_text(app) and "▾ berlin" in screen_text(app))
        assert "2/2 up" in screen_text(app)
        await pilot.press("z")
        assert outline(app) == OPEN
        await pilot.press("enter")
        assert "a1" not in outline(app)
        await pilot.press("Z")
        assert outline(app) == ["berlin", "oslo"]
        await pilot.press("g", "enter")
        assert outline(app) == ["berlin", "a3", "rack1", "oslo"]
        await pilot.press("Z", "Z")
        assert outline(app) == OPEN


async def test_mouse() -> None:
    app = board(nest())
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("u")
        await pilot.click("#table", offset=(20, 5))
        assert table(app).group == "group/oslo"
        await pilot.click("#table", offset=(20, 5))
        await until(pilot, lambda: outline(app) == OPEN[:-2])
        await pilot.click("#table", offset=(20, 5), control=True)
        assert app.marks.names == ["b1", "b2"]


async def test_folding_survives_other_orders_and_groupings() -> None:
    fleet = nest()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("u")
        table(app).seek("b1")
        await pilot.press("z")
        folded = [*OPEN[:-2]]
        await pilot.press("greater_than_sign", "r")
        assert outline(app)[-1] == "oslo" and set(outline(app)) == set(folded)
        fleet.fail("b2", Layer.TCP, "refused")
        await until(pilot, lambda: "✖ 1/2 up" in screen_text(app))
        assert "b2 first: 1 down" in screen_text(app)  # the worst inside is told from outside
        await pilot.press("u")
        assert any(isinstance(line, Group) and line.key == "state/down" for line in app.fleet_screen.lines)
        await pilot.press("u", "u")
        assert set(outline(app)) == set(folded)


async def test_the_nodes_of_a_folded_group_are_targets_and_can_be_marked() -> None:
    app = board(nest())
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("u", "g", "z")
        assert outline(app) == ["berlin", "oslo", "b1", "b2"]
        assert sorted(app.fleet_screen.targets) == ["a1", "a2", "a3", "b1", "b2"]
        await pilot.press("space")
        assert app.marks.names == ["a1", "a2", "a3"]
        assert table(app).group == "group/oslo"
        await pilot.press("down", "space", "g", "down")
        lines = screen_text(app).splitlines()
        assert any(line.startswith(" *") and "▸ berlin" in line for line in lines)
        assert any(line.startswith("▌+") and "▾ oslo" in line for line in lines)


async def test_a_node_that_is_folded_away_leaves_the_cursor_on_its_group() -> None:
    app = board(nest())
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("u", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("escape", "Z")
        assert table(app).group == "group/berlin"
