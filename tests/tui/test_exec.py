"""The exec screen: every key of it, guard rails, streaming, hostile output; over a made-up fleet, through Textual's Pilot."""

from __future__ import annotations

import asyncio
import time

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from gridtui.exec import Ending, Outcome, Task, log
from gridtui.settings import Guard, Settings
from gridtui.tui.app import Dashboard
from gridtui.tui.output import Page, page
from gridtui.tui.results import Results
from gridtui.tui.screens.exec import ExecScreen
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.text import width
from gridtui.tui.widgets.groups import GroupLines
from gridtui.tui.widgets.output import OutputLines
from gridtui.tui.widgets.prompt import Prompt

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, until

MANY = Settings(guard=Guard(confirm_above=1000))


async def opened(fleet: FakeFleet, pilot: Pilot[int], app: Dashboard) -> ExecScreen:
    """The exec screen over all nodes."""
    await begin(app, pilot)
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, ExecScreen) and isinstance(app.focused, Prompt))
    screen = app.screen
    assert isinstance(screen, ExecScreen)
    return screen


async def run(pilot: Pilot[int], app: Dashboard, command: str = "hostname") -> None:
    """Type a command and wait for its end."""
    box = app.screen.query_one(Prompt)
    app.screen.set_focus(box)
    box.value = command
    await pilot.press("enter")
    await until(pilot, lambda: not app.run_screen("exec").running)
    await pilot.pause()


def told(app: Dashboard) -> str:
    """What notifications say."""
    return "\n".join(note.message for note in app._notifications)


def groups(app: Dashboard) -> list[str]:
    """The lines at the left."""
    lines = app.screen.query_one(GroupLines)
    return [" ".join("".join(words for words, _ in lines.parts(index)).split()) for index in range(lines.count)]


def shown(app: Dashboard) -> list[str]:
    """The lines at the right."""
    lines = app.screen.query_one(OutputLines)
    return ["".join(words for words, _ in lines.parts(index)).rstrip() for index in range(lines.count)]


async def test_identical_output_is_folded_and_shown() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        assert "on all 14 nodes" in screen_text(app)
        await pilot.press(*"uname -a", "enter")
        await until(pilot, lambda: not app.run_screen("exec").running and groups(app))
        assert fleet.ran == [(Task("uname -a"), tuple(fleet.nodes))]
        first = groups(app)[0]
        assert first.startswith("● ") and "[" in first
        assert shown(app) == ["one", "two", "three"]
        assert any(line.endswith("exit 3") and line.startswith("✖") for line in groups(app))
        assert "failed" in screen_text(app) and "differ or failed" in screen_text(app)
        await pilot.press("end")
        assert any("no such file" in line for line in shown(app))
        last = log.last()
        assert last is not None and last.command == "uname -a" and len(last.outcomes) == 14


async def test_what_is_filtered_is_the_target_and_a_page_is_for_its_node() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"gpu", "enter")
        await until(pilot, lambda: app.focused is app.fleet_screen.table)
        wanted = app.fleet_screen.table.names
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await run(pilot, app)
        assert fleet.ran[-1][1] == tuple(wanted) and len(wanted) < 14
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        await pilot.press("enter", "x")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen))
        await run(pilot, app)
        assert fleet.ran[-1][1] == (wanted[0],)


async def test_it_is_refused_where_nothing_may_change() -> None:
    fleet = FakeFleet(3, settings=Settings(guard=Guard(read_only=True)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: "read-only" in told(app))
        assert app.screen is app.fleet_screen


@pytest.mark.parametrize(("key", "runs"), [("n", 0), ("y", 1)])
async def test_many_nodes_are_asked_about_first(key: str, runs: int) -> None:
    fleet = FakeFleet(14, settings=Settings(guard=Guard(confirm_above=13)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await pilot.press("f2", *"reboot", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "on all 14 nodes: " in screen_text(app))
        assert "reboot" in screen_text(app) and "as root" in screen_text(app)
        await pilot.press("enter", key)
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        if runs:
            await until(pilot, lambda: isinstance(app.screen, SecretScreen))
        await pilot.pause()
        assert len(fleet.ran) == runs


async def test_sudo_asks_for_the_password_and_keeps_nothing_of_it() -> None:
    fleet = FakeFleet(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(fleet, pilot, app)
        await pilot.press("f2", "f3")
        assert "as root" in screen_text(app) and "time-out 10s" in screen_text(app)
        await pilot.press(*"id", "enter")
        await until(pilot, lambda: isinstance(app.screen, SecretScreen) and "[sudo] password" in screen_text(app))
        await pilot.press(*"pssst", "enter")
        await until(pilot, lambda: fleet.secret == "pssst" and app.screen is screen)
        await until(pilot, lambda: not screen.running)
        assert fleet.ran[-1][0] == Task("id", sudo=True, timeout=10.0)
        assert "pssst" not in repr(vars(screen)) and "pssst" not in repr(vars(app.asking))
        await pilot.press("f2", "f3", "f3", "f3", "f3", "f3")
        assert "as root" not in screen_text(app).splitlines()[3] and "time-out" not in screen_text(app).splitlines()[3]


async def test_history() -> None:
    fleet = FakeFleet(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        for command in ("one", "two", "one"):
            await run(pilot, app, command)
        await pilot.press("x")
        box = app.screen.query_one(Prompt)
        box.value = "draft"
        await pilot.press("up")
        assert box.value == "one"
        await pilot.press("up", "up")
        assert box.value == "two"
        await pilot.press("down", "down", "down")
        assert box.value == "draft"
        await pilot.press("escape")  # from the line to the results
        assert app.focused is app.screen.query_one(GroupLines)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)


async def test_an_empty_command_is_told() -> None:
    fleet = FakeFleet(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "there is no command to run" in screen_text(app))
        await pilot.press("escape", "x")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen))
        app.run_screen("exec").names = ()
        await run(pilot, app)
        assert "no node is selected" in screen_text(app)
        assert not fleet.ran


async def test_results_come_while_others_run_and_a_stop_is_polite_first() -> None:
    fleet = FakeFleet(14, settings=MANY)
    fleet.held = set(list(fleet.nodes)[:3])
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(fleet, pilot, app)
        await pilot.press(*"stubborn", "enter")
        await until(pilot, lambda: "▸ 3 running" in screen_text(app) and "● " in screen_text(app))
        assert groups(app)[0] == "▸ 3 running"
        assert "at it: ·[31m[b]50%[/]" in shown(app)[0]
        await pilot.press("R")
        await until(pilot, lambda: "something still runs" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert not screen.stops
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "once more to end at once" in screen_text(app))
        assert screen.running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not screen.running)
        assert app.return_value is None  # Ctrl+C stopped the run, not the program
        assert "‖ 3 cancelled" in screen_text(app)
        screen.say("")
        screen.show()
        await until(pilot, lambda: "may still be running on" in screen_text(app))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.return_value == 0)


async def test_it_runs_on_while_the_reader_looks_elsewhere() -> None:
    fleet = FakeFleet(5, settings=MANY)
    fleet.held = set(fleet.nodes)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(fleet, pilot, app)
        await pilot.press(*"sleep 9", "enter")
        await until(pilot, lambda: screen.running)
        await pilot.press("backspace")
        await until(pilot, lambda: app.screen is app.fleet_screen and "exec runs on 5" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: "exec still runs on 5 nodes" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        fleet.let_go()
        await until(pilot, lambda: "exec: 5 nodes in" in told(app))
        fleet.held.clear()
        await pilot.press("x")
        await until(pilot, lambda: app.screen is screen and groups(app))
        await pilot.press("escape")
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)


async def test_leaving_while_it_runs() -> None:
    fleet = FakeFleet(5, settings=MANY)
    fleet.held = set(fleet.nodes)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(fleet, pilot, app)
        await pilot.press(*"sleep 9", "enter")
        await until(pilot, lambda: screen.running)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: app.return_value == 0)


async def test_unfolding_diff_and_running_again_where_it_differs() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await run(pilot, app)
        folded = groups(app)
        await pilot.press("enter")
        first = groups(app)[1]
        assert first in fleet.nodes
        await pilot.press("down", "enter")  # from one of its nodes: folded again, the cursor on the group
        assert groups(app) == folded
        await pilot.press("d", "down")
        await until(pilot, lambda: any(line == "+two and a half" for line in shown(app)) or "-three" in shown(app))
        assert "against the most common" in screen_text(app)
        await pilot.press("home")
        assert shown(app) == ["one", "two", "three"]
        await pilot.press("d")
        apart = [name for name in fleet.nodes if fleet.answer(name, Task("hostname")).stdout != b"one\ntwo\nthree\n"]
        fleet.answer = lambda name, task: Outcome(name, Ending.OK, 0, b"one\ntwo\nthree\n")
        await pilot.press("R")
        await until(pilot, lambda: len(groups(app)) == 1)
        assert sorted(fleet.ran[-1][1]) == sorted(apart)
        await pilot.press("R")
        await until(pilot, lambda: "there is none that differs" in screen_text(app))
        assert len(fleet.ran) == 2


async def test_search_goes_through_all_groups() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await run(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: "nothing is searched for" in screen_text(app))
        await pilot.press("slash", *"t/wo")
        box = app.screen.query_one("#search", Input)
        assert box.value == "t/wo"
        box.value = "two"
        await pilot.press("enter")
        lines = app.screen.query_one(OutputLines)
        assert app.focused is lines and lines.cursor == 1
        assert ("two", "match") in lines.parts(1)
        first = app.screen.query_one(GroupLines).key
        await pilot.press("n")
        await until(pilot, lambda: app.screen.query_one(GroupLines).key != first)
        assert "in another group" in screen_text(app)
        await pilot.press("N")
        await until(pilot, lambda: app.screen.query_one(GroupLines).key == first)
        await pilot.press("slash")
        app.screen.query_one("#search", Input).value = "nowhere at all"
        await pilot.press("enter")
        await until(pilot, lambda: "is nowhere" in screen_text(app))
        await pilot.press("slash", "escape")
        assert isinstance(app.screen, ExecScreen) and app.focused is lines


HOSTILE = (
    b"\x1b[2J\x1b]0;owned\x07[red]markup[/]\r\n"
    + b"wide \xe3\x83\x87\xe3\x83\xbc\xe3\x82\xbf " * 60
    + b"\nnot utf-8 \xff\xfe \xe2\x80\xae over\n"
    + b"x" * 500_000
    + b"\n\ttab\there\n"
)


async def test_hostile_output_is_plain_text() -> None:
    fleet = FakeFleet(3)
    fleet.answer = lambda name, task: Outcome(name, Ending.FAILED, 1, HOSTILE, b"[b]e\x1bc[/]", error="[i]\x1b[5m no")
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await run(pilot, app, "printf '[red]\x1b[2J'")
        await until(pilot, lambda: "[red]markup[/]" in screen_text(app))
        for _ in range(3):
            text = screen_text(app)
            assert not any(char in text for char in "\x1b\x07\r\t\u202e")
            assert all(width(line) == 160 for line in text.splitlines())
            await pilot.press("right")
        assert "[b]e·c[/]" not in shown(app)[-3]  # it stands before what is shown now
        await pilot.press("left", "left", "left", "left")
        assert shown(app)[0] == "··[2J·]0;owned·[red]markup[/]"[1:]
        assert "        tab     here" in shown(app)
        await pilot.press("d", "n", "slash")
        app.screen.query_one("#search", Input).value = "[red]"
        await pilot.press("enter")
        await until(pilot, lambda: ("[red]", "match") in app.screen.query_one(OutputLines).parts(0))


@pytest.mark.parametrize("start", [0, 1, 3, 7, 64])
def test_what_is_shown_of_a_line_never_takes_more_cells_than_there_are(start: int) -> None:
    made = page(Outcome("a", Ending.OK, 0, HOSTILE))
    for index in range(made.count):
        for cells in (1, 2, 17):
            assert width("".join(words for words, _ in made.parts(index, start, cells, "a"))) <= cells


def test_a_page_says_what_is_missing() -> None:
    def lines(outcome: Outcome) -> list[str]:
        made = page(outcome)
        return ["".join(words for words, _ in made.parts(index, 0, 80)) for index in range(made.count)]

    assert lines(Outcome("a", Ending.OK, 0)) == ["no output"]
    assert lines(Outcome("a", Ending.OK, 0, b"a\n\nb")) == ["a", "", "b"]
    told = lines(Outcome("a", Ending.CANCELLED, None, b"a\n", b"b\n", truncated=True, left=True, error="stopped"))
    assert told == [
        "a",
        "── standard error ──",
        "b",
        "stopped",
        "there was more output than is kept",
        "something of it may still be running there",
    ]


def test_search_minds_case_only_where_the_reader_does() -> None:
    made = Page([("text", [b"Error", b"error", "\u0130ERROR".encode()])])
    assert made.find("error", 0, 1, including=True) == 0
    assert made.find("ERROR", 0, 1, including=True) == 2
    assert made.find("error", 2, -1) == 1
    assert made.find("error", 2, 1) is None
    assert ("ERROR", "match") in made.parts(2, 0, 40, "ERROR")


def test_results_over_runs_again() -> None:
    results = Results()
    results.start(["a", "b", "c"])
    assert results.common() is None and results.apart() == []
    for name, out in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        results.add(Outcome(name, Ending.OK, 0, out))
    assert [sorted(heap.names) for heap in results.heaps()] == [["a", "c"], ["b"]]
    assert results.apart() == ["b"]
    results.start(["b"])
    results.heard("b", [b"x", b"y"])
    results.heard("a", [b"it has ended"])
    assert results.running == {"b": b"y"}
    assert len(results.heaps()) == 1
    results.add(Outcome("b", Ending.UNREACHABLE, error="u@h:1: refused", layer="tcp"))
    assert [heap.ran for heap in results.heaps()] == [True, False]
    assert not any(outcome.stdout for outcome in results.outcomes.values())


async def test_a_thousand_nodes_with_a_thousand_lines_each_stay_responsive() -> None:
    fleet = FakeFleet(1000, settings=MANY)
    lines = b"".join(b"line %d of some length, as logs have them\n" % number for number in range(1000))

    def answer(name: str, task: Task) -> Outcome:
        return Outcome(name, Ending.OK, 0, lines if name.endswith("0") else lines + name.encode() + b"\n")

    fleet.answer = answer
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(fleet, pilot, app)
        await run(pilot, app)
        assert len(groups(app)) == 901
        assert app.screen.query_one(OutputLines).count == 1000
        worst = 0.0
        for key in ("down", "down", "end", "d", "home", "d", "R"):
            began = time.process_time()
            await pilot.press(key)
            worst = max(worst, time.process_time() - began)
        assert len(fleet.ran[-1][1]) == 900
        assert worst < 2.0  # a widget for each node or line would take minutes
        assert len(list(app.screen.walk_children())) < 20
        await asyncio.sleep(0)
