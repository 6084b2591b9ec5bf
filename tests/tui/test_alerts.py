"""The alerts' screen: every key, what is said and taken back, the corner's count, the bell and the title."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input

from gridtui.errors import StateError
from gridtui.model import Hush, Layer, Node, State
from gridtui.settings import Dashboard as DashboardSettings
from gridtui.settings import Guard, Settings
from gridtui.tui.alarm import Alarm, titled
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.alerts import AlertsScreen
from gridtui.tui.screens.events import EventsScreen
from gridtui.tui.screens.muting import MuteScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.widgets.alerts import AlertLines

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, table, until

GATE = Node("gate", "198.18.9.1")
BEHIND = tuple(Node(f"rack{number}", f"198.18.9.{number}", parent="gate") for number in range(2, 6))


def broken(settings: Settings | None = None) -> FakeFleet:
    """A gateway that is dead with four nodes behind it, a full disk, a hot one, the rest well."""
    fleet = FakeFleet(8, extra=(GATE, *BEHIND), settings=settings)
    fleet.advance(3)
    names = list(fleet.nodes)[5:]
    fleet.ill(names[0], ("disk", State.CRITICAL, "/var is 97 % full", 97.0))
    fleet.now += 60
    fleet.ill(names[1], ("temp", State.WARNING, "86 °C at [b]k10temp[/] Tctl", 86.0))
    fleet.now += 60
    for node in (GATE, *BEHIND):
        fleet.fail(node.name, Layer.TCP, "no answer")
    fleet.now += 90
    return fleet


def told(app: Dashboard) -> str:
    """What notifications say."""
    return "\n".join(note.message for note in app._notifications)


def summary(app: Dashboard) -> str:
    """The first lines."""
    return "\n".join(screen_text(app).splitlines()[:2])


def lines(app: Dashboard) -> AlertLines:
    return app.screen.query_one(AlertLines)


def shown(app: Dashboard) -> list[str]:
    return lines(app).names


async def opened(app: Dashboard, pilot: Any) -> None:
    await begin(app, pilot)
    await pilot.press("a")
    await until(pilot, lambda: isinstance(app.screen, AlertsScreen) and lines(app).count)
    await until(pilot, lambda: app.bridge.status(next(iter(app.fleet.nodes))).verdict.known)


async def asked(app: Dashboard, pilot: Any, key: str) -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, MuteScreen) and app.screen.query_one("#typed", Input).has_focus)


# ---- what is shown ----


async def test_alerts_are_listed_the_worst_first_with_what_is_behind_the_dead_gateway() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        names = list(fleet.nodes)
        await until(pilot, lambda: "3 alerts" in screen_text(app))
        assert shown(app) == ["gate", names[5], names[6]]
        page = screen_text(app)
        assert "↳ 4 cut off" in page
        assert "✖ down: tcp" in page and "4 nodes behind it" in page
        assert "disk" in page and "97 %" in page and "/var is 97 % full" in page
        assert "[b]k10temp[/]" in page, "markup is text"
        assert lines(app).node == "gate"


async def test_z_shows_what_is_behind_and_Z_all_of_it() -> None:  # noqa: N802 - the keys
    app = board(broken())
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("z")
        assert shown(app)[:5] == ["gate", *(node.name for node in BEHIND)]
        await pilot.press("down", "down")
        assert lines(app).node == "rack3"
        assert "behind gate: no alert of its own" in screen_text(app)
        await pilot.press("z")
        assert lines(app).node == "gate"
        assert "rack3" not in shown(app)
        await pilot.press("Z")
        assert "rack5" in shown(app)
        await pilot.press("Z")
        assert "rack5" not in shown(app)


async def test_a_node_of_which_nothing_is_known_is_no_alert() -> None:
    app = board(FakeFleet(4))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert "alert" not in summary(app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen) and "no alert" in screen_text(app))
        assert "all is well" in screen_text(app)
        # With nothing under the cursor no key has anybody to be for.
        await pilot.press("enter", "a", "S", "m", "T", "z", "Z", "space", "asterisk", "U", "R", "j", "G")
        assert isinstance(app.screen, AlertsScreen)


async def test_what_has_ended_is_listed_and_its_part_folds() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        hot = list(fleet.nodes)[6]
        fleet.heal(hot)
        await until(pilot, lambda: "● well again" in screen_text(app))
        assert "2 alerts" in screen_text(app)
        assert "was warning for" in screen_text(app)
        await pilot.press("G", "k")
        assert "ended lately" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: "well again" not in screen_text(app))
        assert hot not in shown(app)
        await pilot.press("z")
        await until(pilot, lambda: hot in shown(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 10), (20, 5)])
async def test_it_fits_every_terminal(size: tuple[int, int]) -> None:
    app = board(broken())
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "3 alerts" in screen_text(app))
        assert "gate" in screen_text(app)
        assert all(len(line) <= size[0] for line in screen_text(app).splitlines())


# ---- going elsewhere ----


async def test_enter_opens_the_node_and_escape_comes_back() -> None:
    app = board(broken())
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))


async def test_a_click_opens_and_retry_tries() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("R")
        assert fleet.retried == ["gate"]
        await pilot.click(AlertLines, offset=(10, 0))
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))


# ---- what is said ----


async def test_an_alert_is_acknowledged_with_a_word_why() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await asked(app, pilot, "a")
        assert "Acknowledge 1 node" in screen_text(app) and "gate" in screen_text(app)
        await pilot.press(*"power")
        await until(pilot, lambda: "acknowledged: power" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "2 alerts" in screen_text(app))
        (said,) = fleet.mutes()
        assert (said.node, said.hush, said.why) == ("gate", Hush.ACKNOWLEDGED, "power")
        page = screen_text(app)
        assert "✓ 1 acknowledged" in page and "✓ acknowledged" in page and "acknowledged by ada: power" in page
        assert fleet.status("gate").verdict.state is State.CRITICAL
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert "✖ down: tcp" in screen_text(app), "ill is what it is"


async def test_a_silence_takes_one_of_the_times_or_a_typed_one() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("down")
        await asked(app, pilot, "S")
        box = app.screen.query_one("#typed", Input)
        assert box.value == "1h "
        await pilot.press("down")
        assert box.value == "8h "
        await pilot.press("up", "up")
        assert box.value == "15m "
        await pilot.press("ctrl+u", "enter")
        assert isinstance(app.screen, MuteScreen), "a silence needs an end"
        assert "for how long" in screen_text(app)
        await pilot.press(*"2h new disk", "enter")
        await until(pilot, lambda: fleet.mutes())
        (said,) = fleet.mutes()
        assert said.until == fleet.now + 7200 and said.why == "new disk" and said.hush is Hush.SILENCED
        await until(pilot, lambda: "~ silenced" in screen_text(app))
        fleet.now += 7201
        fleet.advance(1)
        await until(pilot, lambda: "3 alerts" in screen_text(app))


async def test_maintenance_lasts_until_it_is_taken_back() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await asked(app, pilot, "m")
        await until(pilot, lambda: "until it is taken back" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: fleet.mutes())
        assert fleet.status("gate").verdict.maintenance
        await until(pilot, lambda: "‖ maintenance" in screen_text(app))
        fleet.heal("gate")
        await until(pilot, lambda: "well; in maintenance by ada" in screen_text(app))
        lines(app).seek("gate")
        await pilot.press("T")
        await until(pilot, lambda: not fleet.mutes() and not fleet.status("gate").verdict.maintenance)


async def test_it_is_for_what_is_marked() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("down", "space", "space")
        names = list(fleet.nodes)
        assert app.marks.names == names[5:7]
        assert "2 marked" in screen_text(app)
        await asked(app, pilot, "a")
        assert "Acknowledge 2 nodes" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: len(fleet.mutes()) == 2)
        await pilot.press("T")
        await until(pilot, lambda: not fleet.mutes())
        await pilot.press("U")
        assert not len(app.marks)
        await pilot.press("asterisk")
        assert app.marks.names == ["gate", *names[5:7]]


async def test_escape_says_nothing() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        for key in ("a", "S", "m"):
            await asked(app, pilot, key)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        assert not fleet.mutes()


@pytest.mark.parametrize("key", ["a", "S", "m", "T"])
async def test_read_only_says_so_and_nothing_else(key: str) -> None:
    fleet = broken(Settings(guard=Guard(read_only=True)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press(key)
        await until(pilot, lambda: "read-only" in told(app))
        assert isinstance(app.screen, AlertsScreen)
        assert not fleet.mutes()


async def test_what_cannot_be_kept_is_told() -> None:
    fleet = broken()
    fleet.refusal = StateError("alerts.json cannot be written; it holds here alone until the program ends")
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await asked(app, pilot, "a")
        await pilot.press("enter")
        await until(pilot, lambda: "holds here alone" in told(app))


async def test_what_is_behind_another_one_has_no_alert_to_acknowledge() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("z", "down")
        assert lines(app).node == "rack2"
        await asked(app, pilot, "a")
        await pilot.press("enter")
        await until(pilot, lambda: "no alert of its own" in told(app))
        assert not fleet.mutes()


# ---- the corner, the bell, the title ----


async def test_the_corner_counts_what_nobody_has_acknowledged_on_every_screen() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: "3 alerts" in summary(app))
        await fleet.mute(["gate"], Hush.SILENCED, seconds=60)
        await until(pilot, lambda: "2 alerts" in summary(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        assert "2 alerts" in summary(app)


async def test_the_bell_rings_for_a_new_alert_where_that_is_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    rang: list[bool] = []
    monkeypatch.setattr(Dashboard, "bell", lambda self: rang.append(True))
    fleet = broken(Settings(dashboard=DashboardSettings(bell=True)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: app.alarm.count == 3)
        assert not rang, "what was there is no news"
        fleet.ill(list(fleet.nodes)[9], ("mem", State.WARNING, "memory is 96 % in use", 96.0))
        await until(pilot, lambda: app.alarm.count == 4)
        assert rang == [True]


def test_one_bell_in_a_while_and_none_for_what_gets_better() -> None:
    fleet = broken()
    rang: list[float] = []
    titles: list[str] = []
    now = [100.0]
    alarm = Alarm(lambda: rang.append(now[0]), titles.append)
    names = list(fleet.nodes)

    def look() -> None:
        alarm.look(map(fleet.status, names), lambda: now[0])

    look()
    assert (alarm.count, rang, titles) == (3, [], ["gridtui: 3 alerts"])
    fleet.ill(names[8], ("mem", State.WARNING, "full", 96.0))
    look()
    fleet.ill(names[9], ("mem", State.WARNING, "full", 96.0))
    now[0] += 1
    look()
    assert rang == [100.0]
    now[0] += 10
    fleet.heal(names[8])
    look()
    assert rang == [100.0]
    fleet.ill(names[8], ("mem", State.WARNING, "full", 96.0))
    look()
    assert rang == [100.0, 111.0]
    for name in names:
        fleet.heal(name)
    look()
    assert alarm.count == 0
    assert titles == ["gridtui: 3 alerts", *(f"gridtui: {n} alerts" for n in (4, 5, 4, 5)), "gridtui"]


def test_no_name_of_a_node_gets_into_the_title() -> None:
    evil = Node("evil\x1b]0;pwned\x07", "198.18.0.1")
    fleet = FakeFleet(0, extra=(evil,))
    fleet.advance(1)
    titles: list[str] = []
    alarm = Alarm(None, titles.append)
    fleet.fail(evil.name, Layer.TCP, "\x1b]0;pwned\x07")
    alarm.look(map(fleet.status, fleet.nodes))
    assert titles == ["gridtui: 1 alert"]


@pytest.mark.parametrize(
    ("env", "able"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen", "TMUX": "/tmp/x,1,0"}, True),
        ({"TERM": "screen"}, False),
        ({"TERM": "linux"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_only_a_terminal_that_gives_its_title_back_gets_one(
    env: dict[str, str], able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert titled() is able


async def test_a_thousand_alerts_are_a_list_like_any_other() -> None:
    fleet = FakeFleet(1000)
    fleet.advance(1, full=False)
    for name in fleet.nodes:
        fleet.fail(name, Layer.TCP, "no answer")
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: len(shown(app)) == 1000)
        await pilot.press("G")
        assert lines(app).cursor == 999
        await pilot.press("g")
        assert lines(app).cursor == 0


# ---- from elsewhere ----


async def test_commands_speak_of_the_node_under_the_cursor_or_what_is_marked() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: table(app).node == "gate")
        await pilot.press("colon", *"ack power", "enter")
        await until(pilot, lambda: [mute.why for mute in fleet.mutes()] == ["power"])
        await pilot.press("down", "space", "space")
        marked = app.marks.names
        await pilot.press("colon", *"silence 2h fans", "enter")
        await until(pilot, lambda: len(fleet.mutes()) == 3)
        assert {mute.node for mute in fleet.mutes() if mute.hush is Hush.SILENCED} == set(marked)
        await pilot.press("colon", *"silence soon", "enter")
        await until(pilot, lambda: "for how long" in screen_text(app))
        assert len(fleet.mutes()) == 3
        await pilot.press("escape", "colon", *"take_back", "enter")
        await until(pilot, lambda: len(fleet.mutes()) == 1)
        await pilot.press("U", "colon", *"maintain", "enter")
        await until(pilot, lambda: isinstance(app.screen, MuteScreen))


async def test_an_acknowledged_node_says_so_in_its_row_and_on_its_page() -> None:
    fleet = broken()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        disk = list(fleet.nodes)[5]
        await fleet.mute([disk], Hush.ACKNOWLEDGED, why="ticket 4711")
        await until(pilot, lambda: "✓ /var is" in screen_text(app))
        table(app).seek(disk)
        await until(pilot, lambda: "by ada: ticket 4711" in screen_text(app))
        assert "◆ critical" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "by ada: ticket 4711" in screen_text(app))


async def test_verbs_are_for_what_is_marked_else_under_the_cursor() -> None:
    fleet = broken()
    app = board(fleet)
    opened_for: list[list[str]] = []
    app.open_shell = lambda names: opened_for.append(list(names))  # type: ignore[method-assign]
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("s")
        await pilot.press("down", "space", "s")
        assert opened_for == [["gate"], [list(fleet.nodes)[5]]]
        await pilot.press("x")
        await until(pilot, lambda: app.screen is app.runs.get("exec"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await pilot.press("P")
        await until(pilot, lambda: app.screen is app.runs.get("push"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await pilot.press("b")
        await until(pilot, lambda: app.screen is app.playbooks_screen)


async def test_a_command_with_words_is_for_the_node_under_the_cursor_and_what_was_said_is_noted() -> None:
    fleet = broken(Settings(guard=Guard(confirm_above=1000)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        lines(app).seek(list(fleet.nodes)[5])
        app.obey(app.understand("exec uptime"))
        await until(pilot, lambda: fleet.ran)
        assert fleet.ran[-1][0].command == "uptime" and list(fleet.ran[-1][1]) == [list(fleet.nodes)[5]]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AlertsScreen))
        await fleet.mute(["gate"], Hush.SILENCED, seconds=3600)
        app.muting.take_back(["gate"])
        await until(pilot, lambda: any("taken back" in deed.what for deed in app.ledger.deeds()))
        (deed,) = (deed for deed in app.ledger.deeds() if deed.what.startswith("taken back"))
        assert deed.what == "taken back: silenced" and deed.names == ("gate",)
        app.muting.say(["gate"], Hush.MAINTENANCE, None, "")
        await until(pilot, lambda: any("maintenance" in deed.what for deed in app.ledger.deeds()))
