"""Every key on every screen, through Textual's Pilot, over made-up fleets."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from gridtui.errors import PingError, SettingsError
from gridtui.events import Changed
from gridtui.model import Layer, State
from gridtui.settings import Dashboard as DashboardSettings
from gridtui.settings import Settings
from gridtui.tui import themes
from gridtui.tui.actions import ACTIONS, of
from gridtui.tui.app import Dashboard
from gridtui.tui.arrange import Group
from gridtui.tui.bridge import Fresh
from gridtui.tui.columns import SORTS
from gridtui.tui.keys import shown
from gridtui.tui.screens.events import EventLines, EventsScreen
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.help import HelpScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.widgets.fleet_table import TableHeader

from .fake import FakeFleet, sick_fleet
from .screens import WIDE, begin, board, screen_text, table, until


def page_of(app: Dashboard) -> str | None:
    """The node whose page is shown."""
    return app.screen.node if isinstance(app.screen, NodeScreen) else None


# ---- the first moments, and news ----


async def test_all_nodes_are_listed_before_the_fleet_starts() -> None:
    fleet = FakeFleet(5)
    app = board(fleet)
    seen_first: list[tuple[bool, list[str]]] = []
    original = fleet.start

    async def start() -> None:
        seen_first.append((fleet.started, table(app).names))
        await original()

    fleet.start = start  # type: ignore[method-assign]
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert seen_first == [(False, list(fleet.nodes))]
        assert screen_text(app).count("○ pending") == 5
        assert "5 nodes" in screen_text(app)


async def test_rows_fill_in_as_nodes_answer() -> None:
    fleet = FakeFleet(5)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        fleet.advance(1, list(fleet.nodes)[:3])
        await until(pilot, lambda: screen_text(app).count("● up") == 3)
        assert screen_text(app).count("○ pending") == 2


async def test_a_node_that_fails_is_named_with_its_layer_and_goes_to_the_top() -> None:
    fleet = FakeFleet(8)
    fleet.advance(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        last = list(fleet.nodes)[-1]
        fleet.fail(last, Layer.BANNER, "spoke HTTP")
        await until(pilot, lambda: table(app).names[0] == last)
        assert "✖ down: banner" in screen_text(app)
        assert "spoke HTTP" in screen_text(app)
        assert "✖ 1 down" in screen_text(app)
        fleet.heal(last)
        await until(pilot, lambda: "down" not in screen_text(app))


async def test_messages_that_pile_up_replace_one_another() -> None:
    assert Fresh().can_replace(Fresh())


async def test_the_cursor_stays_on_its_node_when_the_order_changes() -> None:
    fleet = FakeFleet(8)
    fleet.advance(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("down", "down", "down")
        mine = table(app).node
        other = list(fleet.nodes)[-1]
        fleet.fail(other, Layer.TCP, "refused")
        await until(pilot, lambda: table(app).names[0] == other)
        assert table(app).node == mine


async def test_the_cursor_stays_at_the_top_when_it_is_there() -> None:
    fleet = FakeFleet(8)
    fleet.advance(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        other = list(fleet.nodes)[-1]
        fleet.fail(other, Layer.TCP, "refused")
        await until(pilot, lambda: table(app).names[0] == other)
        assert table(app).node == other


async def test_the_banner_is_on_every_screen() -> None:
    app = board(banner="SIMULATED NODES")
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        assert "SIMULATED NODES" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "SIMULATED NODES" in screen_text(app))
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and "SIMULATED NODES" in screen_text(app))


async def test_alerts_and_the_time_are_told_at_80_columns_and_the_banner_on_any_screen_however_low() -> None:
    app = board(banner="SIMULATED NODES")
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: "alert" in screen_text(app).splitlines()[0])
        trail, below = screen_text(app).splitlines()[:2]
        assert trail.strip()[-3] == ":", "the time"
        assert "SIMULATED" in trail
        assert "SIMULATED" not in below
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: " nodes" in screen_text(app).splitlines()[0])
        assert "SIMULATED NODES" in screen_text(app).splitlines()[0]


async def test_a_page_says_once_why_a_node_does_not_answer() -> None:
    app = board()
    async with app.run_test(size=(200, 50)) as pilot:
        await begin(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "Why" in screen_text(app))
        summary = screen_text(app).splitlines()[2]
        assert summary.count("connection refused") == 1


async def test_a_fleet_that_cannot_start_ends_the_dashboard_with_its_error() -> None:
    fleet = FakeFleet(2)
    fleet.start_error = PingError("no way to ping")
    app = board(fleet)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.failure is not None)
    assert app.failure is fleet.start_error


# ---- moving ----


async def test_moving_by_keys() -> None:
    app = board()
    async with app.run_test(size=(100, 20)) as pilot:
        await begin(app, pilot)
        names = table(app).names
        height = table(app).size.height

        async def after(key: str) -> str | None:
            await pilot.press(key)
            return table(app).node

        assert await after("down") == names[1]
        assert await after("j") == names[2]
        assert await after("up") == names[1]
        assert await after("k") == names[0]
        assert await after("k") == names[0]
        assert await after("end") == names[-1]
        assert await after("home") == names[0]
        assert await after("G") == names[-1]
        assert await after("pageup") == names[-height]
        assert await after("ctrl+f") == names[-1]
        await after("ctrl+b")
        assert await after("pagedown") == names[-1]
        assert table(app).scroll_offset.y == len(names) - height


async def test_moving_by_mouse() -> None:
    app = board()
    async with app.run_test(size=(100, 20)) as pilot:
        await begin(app, pilot)
        names = table(app).names
        await pilot.click("#table", offset=(20, 3))
        assert table(app).node == names[3]
        await pilot.click("#table", offset=(20, 3))
        await until(pilot, lambda: page_of(app) == names[3])


async def test_a_click_on_a_title_sorts() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        layout = table(app).layout_now
        x = next(x for x in range(160) if (column := layout.at(x)) and column.name == "rtt")
        await pilot.click(TableHeader, offset=(x, 0))
        await until(pilot, lambda: "▼RTT" in screen_text(app))
        await pilot.click(TableHeader, offset=(x, 0))
        await until(pilot, lambda: "▲RTT" in screen_text(app))


async def test_a_click_on_the_key_bar_does_what_the_key_does() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        bar = next(line for line in screen_text(app).splitlines() if "Enter open" in line)
        await pilot.click("#keys", offset=(bar.index("events"), 0))
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))


# ---- order ----


def sort_of(app: Dashboard) -> tuple[str, bool]:
    return app.fleet_screen.sort, app.fleet_screen.descending


async def test_sort_keys() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        seen = []
        columns = [column.name for column, _ in table(app).layout_now.columns if column.name in SORTS]
        for _ in columns:
            await pilot.press("greater_than_sign")
            seen.append(sort_of(app)[0])
        assert seen == columns
        await pilot.press("0")
        assert sort_of(app) == ("problems", False)
        await pilot.press("less_than_sign")
        assert sort_of(app)[0] == columns[-1]
        await pilot.press("0")
        await pilot.press("greater_than_sign")
        assert sort_of(app)[0] == "state"
        await pilot.press("greater_than_sign", "greater_than_sign")
        assert sort_of(app) == ("rtt", True)
        await pilot.press("less_than_sign")
        assert sort_of(app) == ("name", False)
        names = table(app).names
        assert names == sorted(names)
        await pilot.press("r")
        assert table(app).names == sorted(names, reverse=True)


async def test_groups_cycle() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        titles = []
        for _ in range(4):
            await pilot.press("u")
            titles.append([line.title for line in table(app)._lines if isinstance(line, Group)])
        assert "web" in titles[0]
        assert titles[1][0] == "down"
        assert "role=db" in titles[2]
        assert "site=oslo" in titles[3]
        await pilot.press("u")
        assert not any(isinstance(line, Group) for line in table(app)._lines)
        await pilot.press("u")
        assert table(app).node == table(app).names[0]  # the cursor stays on the first node
        await pilot.press("g")
        assert table(app).group == "group/db"  # and rests on headers too


# ---- the filter ----


async def test_filter() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        everything = len(table(app).names)
        await pilot.press("slash")
        await pilot.press(*"gpu")
        await until(pilot, lambda: table(app).names and all(name.startswith("gpu") for name in table(app).names))
        assert f"{len(table(app).names)} of {everything}" in screen_text(app)
        await pilot.press("enter")
        assert app.focused is table(app)
        assert "gpu" in screen_text(app).splitlines()[2]
        await pilot.press("escape")
        assert len(table(app).names) == everything


async def test_a_wrong_filter_is_explained_while_typing_and_keeps_the_last_good_one() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        everything = table(app).names
        await pilot.press("slash", *"@wbe")
        await until(pilot, lambda: "at 2: there is no group `wbe`" in screen_text(app))
        assert "did you mean `web`?" in screen_text(app)
        app.post_message(Fresh())
        await pilot.pause()
        assert "there is no group" in screen_text(app)  # news do not push it away
        assert table(app).names == everything
        await pilot.press("enter")
        assert isinstance(app.focused, Input)
        await pilot.press("backspace", "backspace", "backspace", *"web", "enter")
        await until(pilot, lambda: app.focused is table(app))
        assert len(table(app).names) < len(everything)


async def test_a_filter_is_live() -> None:
    fleet = FakeFleet(8)
    fleet.advance(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"state=down", "enter")
        await until(pilot, lambda: app.focused is table(app))
        assert table(app).names == []
        assert "no node matches state=down" in screen_text(app)
        fleet.fail("web01", Layer.TCP, "refused") if "web01" in fleet.nodes else fleet.fail(
            next(iter(fleet.nodes)), Layer.TCP, "refused"
        )
        await until(pilot, lambda: len(table(app).names) == 1)


async def test_keys_are_text_while_a_filter_is_typed_but_ctrl_c_leaves() -> None:
    app = board()
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await pilot.press("slash", "q", "u")
        assert app.screen.query_one(Input).value == "qu"
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.return_value == 0)


# ---- a node's page ----


async def test_node_page() -> None:
    app = board()
    async with app.run_test(size=(160, 70)) as pilot:
        await begin(app, pilot)
        names = table(app).names
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "no nvidia-smi" in screen_text(app))
        page = screen_text(app)
        for words in (
            "/var is 97 % full",
            "round trip",
            "File systems",
            "nvme0n1",
            "eno1",
            "EPYC",
            "certbot.service",
            "ada",
            "1.6 ms of its CPU",
        ):
            assert words in page, words
        await pilot.press("right_square_bracket")
        assert page_of(app) == names[2]
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert page_of(app) == names[0]
        await pilot.press("escape")
        assert page_of(app) is None
        assert table(app).node == names[0]


async def test_processes_on_demand() -> None:
    app = board()
    async with app.run_test(size=(160, 70)) as pilot:
        await begin(app, pilot)
        await pilot.press("down", "enter", "p")
        await until(pilot, lambda: "187%" in screen_text(app))
        assert "[b]kworker[/]" in screen_text(app)
        await pilot.press("p")
        await until(pilot, lambda: "187%" not in screen_text(app))
        assert not app.screen.query_one("#sheet-processes").display


async def test_processes_of_a_node_that_is_down_say_why() -> None:
    app = board()
    async with app.run_test(size=(160, 70)) as pilot:
        await begin(app, pilot)
        await pilot.press("enter", "p")
        await until(pilot, lambda: "is not connected" in screen_text(app))


async def test_a_page_of_a_node_never_heard_of() -> None:
    app = board()
    async with app.run_test(size=(100, 40)) as pilot:
        await begin(app, pilot)
        table(app).seek("silent")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        assert "not measured yet" in screen_text(app)


async def test_retry() -> None:
    fleet = sick_fleet(9, ticks=1)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        name = table(app).node
        await pilot.press("R")
        await pilot.press("enter", "R")
        await until(pilot, lambda: fleet.retried == [name, name])


# ---- the event log and the help ----


async def test_event_log() -> None:
    fleet = sick_fleet(20, ticks=4)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and "this machine slept" in screen_text(app))
        log = app.screen.query_one(EventLines)
        everything = log.count
        fleet.fail("resting", Layer.SHELL, "no shell")
        await until(pilot, lambda: log.count == everything + 1)
        assert log.cursor == everything  # it follows
        await pilot.press("up")
        fleet.note("db01" if "db01" in fleet.nodes else None, "something")
        await until(pilot, lambda: log.count == everything + 2)
        assert log.cursor == everything - 1  # but not while somebody reads
        await pilot.press("a")
        assert 0 < log.count < everything
        await pilot.press("a", "home", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("backspace", "backspace")
        assert isinstance(app.screen, FleetScreen)


async def test_help_lists_every_key() -> None:
    app = board()
    async with app.run_test(size=(140, 600)) as pilot:
        await begin(app, pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Everywhere" in screen_text(app))
        page = screen_text(app)
        for action in ACTIONS:
            if set(action.scopes) != {"help"}:
                assert action.help in page, action.name
                assert shown(action.key.split(",")[0]) in page
        await pilot.press("escape")
        assert isinstance(app.screen, FleetScreen)


# ---- everywhere ----


async def test_themes_cycle_and_all_of_them_draw() -> None:
    app = board()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        for name in [*themes.CYCLE[1:], themes.CYCLE[0]]:
            await pilot.press("t")
            assert app.theme == name
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            assert "● up" in screen_text(app)


async def test_the_palette_has_every_action_of_the_screen_and_every_theme() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        titles = {command.title for command in app.get_system_commands(app.screen)}
        for action in (*of("fleet"), *of("app")):
            assert (action.help in titles) == action.palette
        assert {f"Theme: {name}" for name in (*themes.CYCLE, "nord", "dracula")} <= titles
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"event log")
        await until(pilot, lambda: "Open the event log" in screen_text(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))


async def test_quit() -> None:
    app = board()
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)


async def test_remapped_keys() -> None:
    settings = Settings(dashboard=DashboardSettings(keys={"group": "f5", "quit": "ctrl+x"}))
    app = board(FakeFleet(3, settings=settings))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert "F5 group" in screen_text(app)
        await pilot.press("f5")
        assert app.fleet_screen.by == "group"
        await pilot.press("u", "q")
        assert app.fleet_screen.by == "group"
        await pilot.press("ctrl+x")
        await until(pilot, lambda: app.return_value == 0)


@pytest.mark.parametrize(
    "settings",
    [
        DashboardSettings(columns=("state", "nmae")),
        DashboardSettings(theme="no-such"),
        DashboardSettings(keys={"group": "q"}),
        DashboardSettings(keys={"x": "q"}),
    ],
)
def test_bad_settings_are_told_before_the_screen_is_touched(settings: DashboardSettings) -> None:
    with pytest.raises(SettingsError):
        Dashboard(FakeFleet(1, settings=Settings(dashboard=settings)))


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (40, 8), (300, 100)])
async def test_any_size_of_terminal(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        for key in (
            "down",
            "u",
            "enter",
            "p",
            "escape",
            "escape",
            "e",
            "escape",
            "question_mark",
            "escape",
            "slash",
            "w",
            "escape",
        ):
            await pilot.press(key)
        await pilot.resize_terminal(90, 30)
        await until(pilot, lambda: app.size.width == 90 and "● up" in screen_text(app))
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: app.size.width == size[0])
        assert isinstance(app.screen, FleetScreen)


async def test_hostile_names_are_plain_text_everywhere() -> None:
    fleet = sick_fleet(9, ticks=1)
    hostile = "[red]x[/]\x1b[31m"
    fleet.ill(hostile, ("disk", State.CRITICAL, "[blink]\x1b]0;owned\x07 full", 97.0))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        for keys in ([], ["enter"], ["R"], ["e"]):
            table(app).seek(hostile) if not keys else None
            await pilot.press(*keys)
            await until(pilot, lambda: "[red]x[/]·[31m" in screen_text(app))
            assert "\x1b" not in screen_text(app)
            assert "\x07" not in screen_text(app)
    assert any(isinstance(event, Changed) for event in fleet.log())


async def test_an_empty_inventory() -> None:
    app = board(FakeFleet(0))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter", "down", "end", "g", "u", "space", "asterisk", "R")
        assert "the inventory has no nodes" in screen_text(app)


async def test_a_long_reason_is_told_whole_on_the_page() -> None:
    fleet = FakeFleet(3)
    fleet.advance(2)
    name = next(iter(fleet.nodes))
    fleet.fail(
        name,
        Layer.LOGIN,
        "the host key SHA256:" + "x" * 43 + " is not in known_hosts; compare it on the console, THE END",
    )
    app = board(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        assert "THE END" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "THE END" in screen_text(app))
