"""The chooser of columns, and what of it is kept."""

from __future__ import annotations

import pytest

from gridtui.errors import SettingsError
from gridtui.settings import Dashboard as DashboardSettings
from gridtui.settings import Settings
from gridtui.tui.app import Dashboard
from gridtui.tui.columns import COLUMNS
from gridtui.tui.keeping import Keeping
from gridtui.tui.screens.columns import ColumnLines, ColumnsScreen

from .fake import FakeFleet, sick_fleet
from .screens import WIDE, begin, board, screen_text, table, told, until

NAMES = [column.name for column in COLUMNS]


def columns(app: Dashboard) -> list[str]:
    return [column.name for column, _ in table(app).layout_now.columns]


def lines(app: Dashboard) -> ColumnLines:
    return app.screen.query_one(ColumnLines)


async def test_keys_and_the_table_behind() -> None:
    app = board()
    async with app.run_test(size=(240, 40)) as pilot:
        await begin(app, pilot)
        before = columns(app)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and "Columns" in screen_text(app))
        assert lines(app).names == NAMES
        assert "[x] state" in screen_text(app)
        await pilot.press("down", "down", "space")
        assert columns(app) == [name for name in before if name != "rtt"]  # at once, behind
        assert "[ ] rtt" in screen_text(app)
        await pilot.press("enter", "K")
        assert columns(app)[:3] == ["state", "rtt", "name"]
        assert lines(app).name_here == "rtt"
        await pilot.press("J", "J")
        assert [name for name in columns(app) if name != "trips"][:3] == ["state", "name", "rtt"]
        await pilot.press("r")
        assert columns(app) == before
        await pilot.press("escape")
        assert app.screen is app.fleet_screen
        assert app.focused is table(app)


async def test_the_choice_is_kept_and_the_settings_are_what_it_goes_back_to() -> None:
    settings = Settings(dashboard=DashboardSettings(columns=("state", "name", "cpu")))
    fleet = FakeFleet(5, settings=settings)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert columns(app) == ["state", "name", "cpu"]
        await pilot.press("C", "down", "down", "space", "escape")
        assert columns(app) == ["state", "name"]
    app = board(FakeFleet(5, settings=settings))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert columns(app) == ["state", "name"]
        await pilot.press("C", "r")
        assert columns(app) == ["state", "name", "cpu"]
        assert lines(app).chosen == ["state", "name", "cpu"]
    app = board(FakeFleet(5, settings=settings))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert columns(app) == ["state", "name", "cpu"]


@pytest.mark.parametrize("kept", [{"names": []}, {"names": "cpu"}, {"names": [1, "no-such"]}, {"other": 1}, {}])
async def test_what_was_kept_and_is_no_choice_is_left_alone(kept: dict[str, object]) -> None:
    keeping = Keeping()
    keeping.put("columns", kept)
    await keeping.close()
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert app.fleet_screen.columns == ()
        assert "name" in columns(app)


async def test_one_column_stays() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_columns("cpu")
        await pilot.press("C", "space")
        assert columns(app) == ["cpu"]
        assert told(app)[-1] == "one column has to stay"


async def test_command() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_columns("name,cpu, state,cpu")
        assert columns(app) == ["name", "cpu", "state"]
        with pytest.raises(SettingsError):
            app.fleet_screen.command_columns("name,cpuu")
        assert columns(app) == ["name", "cpu", "state"]


async def test_headers_say_their_group_without_the_column_of_names() -> None:
    app = board(sick_fleet(20, ticks=4))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_columns("cpu,mem")
        await pilot.press("u", "Z")
        await until(pilot, lambda: "▸ web" in screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (20, 5)])
async def test_in_a_small_terminal(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen))
        await pilot.press("G")
        await until(pilot, lambda: "labels" in screen_text(app))
        await pilot.press("space", "g")
        await until(pilot, lambda: "state" in screen_text(app))
