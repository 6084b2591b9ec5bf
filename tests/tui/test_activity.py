"""What runs and what was done: the words, the ledger, and every key of the screen; over a made-up fleet, through Textual's Pilot."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gridtui import exec as execs
from gridtui.errors import UsageError
from gridtui.exec import Ending, Outcome, Task, log
from gridtui.settings import Guard, Settings
from gridtui.tui import activity, ledger
from gridtui.tui.activity import Deed, Kind
from gridtui.tui.app import Dashboard
from gridtui.tui.errands import ExecErrand
from gridtui.tui.screens.activity import ActivityScreen
from gridtui.tui.screens.exec import ExecScreen
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.playbook import PlaybookScreen
from gridtui.tui.screens.playbooks import PlaybooksScreen
from gridtui.tui.screens.question import ConfirmScreen
from gridtui.tui.screens.transfer import TransferScreen
from gridtui.tui.shells import Shell, ended
from gridtui.tui.text import width
from gridtui.tui.widgets.deeds import DeedLines
from gridtui.tui.widgets.groups import GroupLines
from gridtui.tui.widgets.prompt import Prompt

from .fake import FakeFleet, sick_fleet
from .grid import busy
from .screens import WIDE, begin, board, screen_text, told, until

FREE = Settings(guard=Guard(confirm_above=1000))


async def opened(pilot: Pilot[int], app: Dashboard, words: str = "") -> DeedLines:
    """The list of what was done, read."""
    await pilot.press("A")
    await until(pilot, lambda: isinstance(app.screen, ActivityScreen) and words in screen_text(app))
    return app.screen.query_one(DeedLines)


async def ran(pilot: Pilot[int], app: Dashboard, command: str = "hostname", wait: bool = True) -> ExecErrand:
    """Run a command on what is shown, and go back."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, ExecScreen) and isinstance(app.focused, Prompt))
    app.screen.query_one(Prompt).value = command
    await pilot.press("enter")
    await until(pilot, lambda: app.fleet.ran and app.fleet.ran[-1][0].command == command)  # type: ignore[attr-defined]
    screen = app.run_screen("exec")
    if wait:
        await until(pilot, lambda: not screen.running)
    await pilot.press("backspace")
    await until(pilot, lambda: app.screen is app.fleet_screen)
    errand = screen.errand
    assert isinstance(errand, ExecErrand)
    return errand


async def pushed(pilot: Pilot[int], app: Dashboard, folder: Path) -> None:
    """Push a folder, and go back."""
    await pilot.press("P")
    await until(pilot, lambda: isinstance(app.screen, TransferScreen) and isinstance(app.focused, Prompt))
    app.screen.query_one("#sources", Prompt).value = str(folder)
    await pilot.press("enter")
    app.screen.query_one("#destination", Prompt).value = "/srv"
    await pilot.press("enter")
    screen = app.run_screen("push")
    await until(pilot, lambda: screen.errand is not None and not screen.running)
    await pilot.press("backspace")
    await until(pilot, lambda: app.screen is app.fleet_screen)


async def go_to(pilot: Pilot[int], app: Dashboard, words: str) -> None:
    """Put the cursor on the line that has these words."""
    lines = app.screen.query_one(DeedLines)

    def at() -> int | None:
        rows = ("".join(part for part, _ in lines.parts(index)) for index in range(lines.count))
        return next((index for index, row in enumerate(rows) if words in row), None)

    await until(pilot, lambda: at() is not None)
    found = at()
    assert found is not None
    lines.go(found)
    await pilot.pause()


# ---- what it shows ----


async def test_what_runs_and_what_was_done(tmp_path: Path) -> None:
    fleet = FakeFleet(14, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await ran(pilot, app)
        await pushed(pilot, app, tmp_path)
        fleet.held = set(list(fleet.nodes)[:3])
        await ran(pilot, app, "sleep 9", wait=False)
        await until(pilot, lambda: len(app.run_screen("exec").concerned()) == 14)
        app.ledger.note("drained [b]web03[/]", ["web03"])
        app.ledger.note("TERM to 4711", ["web03"], error="no such process")
        lines = await opened(pilot, app, "1 running")
        text = screen_text(app)
        assert "hostname" in text and f"{tmp_path}"[:20] in text and "drained [b]web03[/]" in text
        assert "▸" in "".join(part for part, _ in lines.parts(0)) and "sleep 9" in lines.parts(0)[3][0]
        assert "✖ refused" in text and "no such process" in text
        await go_to(pilot, app, "sleep 9")
        fleet.let_go()
        await until(pilot, lambda: not app.run_screen("exec").running)
        app.on_fresh()
        await until(pilot, lambda: "running  " not in screen_text(app).splitlines()[1])
        await go_to(pilot, app, "hostname")
        await until(pilot, lambda: "failed " in screen_text(app) and "web06" in screen_text(app))  # by node set, below


async def test_nothing_was_done() -> None:
    app = board(FakeFleet(3))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await opened(pilot, app, "nothing was done yet")
        for key in ("enter", "r", "R", "F", "space", "o", "s", "v", "V"):
            await pilot.press(key)
        assert isinstance(app.screen, ActivityScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)


async def test_a_command_is_opened_as_it_was_and_the_newest_again() -> None:
    app = board(FakeFleet(14, settings=FREE))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        first = await ran(pilot, app)
        await ran(pilot, app, "uptime")
        await opened(pilot, app, "uptime")
        await go_to(pilot, app, "hostname")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen))
        screen = app.screen
        assert isinstance(screen, ExecScreen) and screen.errand is first
        assert "hostname" in screen_text(app).splitlines()[1] and "three" in screen_text(app)
        assert app.focused is screen.query_one(GroupLines)
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await go_to(pilot, app, "uptime")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and "uptime" in screen_text(app).splitlines()[1])


async def test_the_joblog_of_others_is_shown_and_run_again() -> None:
    fleet = FakeFleet(5)
    one, two, *_ = fleet.nodes
    outcomes = [
        Outcome(one, Ending.OK, 0, b"kept nowhere", seconds=2.5),
        Outcome(two, Ending.FAILED, 3, error="", seconds=1.0),
        Outcome("gone\x1b[2J", Ending.UNREACHABLE, layer="tcp", error="refused"),
    ]
    log.write(Task("make all", sudo=True), outcomes, fleet.now - 7200)
    log.write(Task("cat", stdin=b"secret"), outcomes, fleet.now - 3600)
    (log.folder() / "20200101T000000.000000Z-ffffff.json").write_text("{damaged")
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await opened(pilot, app, "sudo make all")
        assert "2.5s" in screen_text(app) and "\x1b" not in screen_text(app)
        await go_to(pilot, app, "make all")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "make all" in screen_text(app) and f"on 1 node: {two}" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen))
        assert not fleet.ran
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, GroupLines) or isinstance(app.screen, ActivityScreen))
        app.go_to(2)
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await go_to(pilot, app, "make all")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "on 2 nodes" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: fleet.ran)
        task, names = fleet.ran[0]
        assert (task.command, task.sudo, list(names)) == ("make all", True, [one, two])


async def test_commands_of_earlier_programs_are_brought_back() -> None:
    fleet = FakeFleet(5, settings=FREE)
    for number, command in enumerate(("make all", "date", "make all", "printf '\\n'", "a\nb")):
        log.write(Task(command), [], fleet.now - 100 + number)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen) and app.screen.query_one(Prompt)._past)
        box = app.screen.query_one(Prompt)
        seen = []
        for _ in range(4):
            await pilot.press("up")
            seen.append(box.value)
        assert seen == ["printf '\\n'", "make all", "date", "date"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: fleet.ran and fleet.ran[-1][0].command == "make all")


async def test_of_a_command_of_the_joblog_the_endings_are_shown() -> None:
    fleet = FakeFleet(5)
    outcome = Outcome(next(iter(fleet.nodes)), Ending.FAILED, 3, b"x", seconds=1.0)
    log.write(Task("cat", stdin=b"secret"), [outcome], fleet.now - 60)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await opened(pilot, app, "cat")
        await pilot.press("r")
        await until(pilot, lambda: "standard input, which is not kept" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen) and "exit 3" in screen_text(app))
        assert "of its output nothing is kept" in screen_text(app)
        await pilot.press("R")  # what is run again is a new command, with output
        await until(pilot, lambda: fleet.ran and not app.run_screen("exec").running)
        await until(pilot, lambda: "of its output nothing" not in screen_text(app))


async def test_a_push_is_opened_and_done_again(tmp_path: Path) -> None:
    fleet = FakeFleet(14, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pushed(pilot, app, tmp_path)
        await opened(pilot, app, "/srv")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TransferScreen) and "✖ 1 failed" in screen_text(app))
        await pilot.press("R")
        await until(pilot, lambda: len(fleet.pushed) == 2)
        assert fleet.pushed[1][1] == ("web06",)
        await until(pilot, lambda: not app.run_screen("push").running)
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await go_to(pilot, app, "14 nodes")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "Push this again?" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: len(fleet.pushed) == 3)
        assert len(fleet.pushed[2][1]) == 14


async def test_a_playbooks_run_is_opened_and_run_again() -> None:
    fleet = FakeFleet(5, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen) and "on all 5 nodes" in screen_text(app))
        await pilot.press("enter")
        screen = app.playbook_screen
        await until(pilot, lambda: app.screen is screen and not screen.running and screen.course.result is not None)
        await pilot.press("backspace", "backspace")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        await opened(pilot, app, "dry run")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("r")
        await until(pilot, lambda: len(fleet.played) == 2)
        assert isinstance(app.screen, PlaybookScreen)


async def test_jobs_are_opened_and_queued_again() -> None:
    fleet = sick_fleet(8, ticks=4, settings=FREE)
    busy(fleet.jobs, fleet.now)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await opened(pilot, app, "render")
        await go_to(pilot, app, "[] render")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("r")
        await until(pilot, lambda: "gridtui job submit" in screen_text(app))
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "Queue again" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: "queued again" in screen_text(app) or "nothing to queue" in screen_text(app))
        lines = app.screen.query_one(DeedLines)
        single = next(one for one in lines._deeds if one.kind is Kind.JOB and "[]" not in one.what)
        await go_to(pilot, app, single.what)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen))


# ---- nodes of it ----


async def test_marks_nodes_and_the_next_verb() -> None:
    fleet = FakeFleet(14, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await ran(pilot, app)
        app.ledger.note("drained web03", ["web03"])
        lines = await opened(pilot, app, "drained")
        await go_to(pilot, app, "hostname")
        await pilot.press("F")
        await until(pilot, lambda: app.marks.names == ["web06"])
        assert "1 node marked: web06" in screen_text(app)
        await go_to(pilot, app, "drained web03")
        await pilot.press("space")
        await until(pilot, lambda: set(app.marks.names) == {"web03", "web06"})
        await go_to(pilot, app, "drained web03")
        assert lines.sign(lines.cursor) == "*"
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("enter")  # of a change there is no more than its node
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExecScreen))
        assert "on the 2 marked nodes" in screen_text(app)
        await pilot.press("escape", "escape")  # from the line to the results, and back
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, TransferScreen) and "marked nodes" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen) and "marked nodes" in screen_text(app))


async def test_tabs() -> None:
    app = board(FakeFleet(14, settings=FREE))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await ran(pilot, app)
        app.ledger.note("drained web03", ["web03"])
        await opened(pilot, app, "drained")
        await pilot.press("v", "v")
        await until(pilot, lambda: "drained" not in screen_text(app) and "hostname" in screen_text(app))
        await pilot.press("V", "V", "V")
        await until(pilot, lambda: "drained" in screen_text(app) and "hostname" not in screen_text(app))


async def test_changes_by_hand_are_told() -> None:
    fleet = sick_fleet(8, ticks=4, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        name = next(iter(fleet.nodes))
        app.open_node(name)
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await opened(pilot, app, f"{name} gets no more jobs")
        assert app.ledger.deeds()[0].names == (name,)


# ---- shells ----


class Front:
    """Stands for the terminal: what was opened there, and how each ended."""

    def __init__(self, app: Dashboard, *statuses: int | None) -> None:
        self.opened: list[str] = []
        self.said: list[str] = []
        self._statuses = list(statuses)
        app.shells.front = self.run

    async def run(self, shell: Shell, words: Sequence[str], said: str) -> int | None:
        self.opened.append(shell.node)
        self.said.append(said)
        return self._statuses.pop(0) if self._statuses else 0


@pytest.fixture(autouse=True)
def _no_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)


async def test_shells_are_told_and_opened_again() -> None:
    app = board(FakeFleet(14, settings=FREE))
    front = Front(app, 0, 255, None, 0)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        first = app.fleet_screen.table.node
        assert first is not None
        await pilot.press("s")
        await until(pilot, lambda: front.opened == [first])
        await pilot.press("j", "s")
        await until(pilot, lambda: len(front.opened) == 2)
        await until(pilot, lambda: f"{front.opened[1]}: ssh ended with status 255" in "\n".join(told(app)))
        await pilot.press("j", "s")
        await until(pilot, lambda: "is stopped" in "\n".join(told(app)))
        await opened(pilot, app, "stopped")
        text = screen_text(app)
        assert "● closed" in text and "▲ lost" in text and "status 255" in text
        await pilot.press("enter")  # the one that is stopped: goes on
        await until(pilot, lambda: len(front.opened) == 4)
        assert front.opened[3] == front.opened[2] and len(app.shells.opened) == 3
        app.on_fresh()
        await go_to(pilot, app, f"shell on {front.opened[1]}")
        await pilot.press("R")
        await until(pilot, lambda: len(front.opened) == 5)
        await pilot.press("s")
        await until(pilot, lambda: len(front.opened) == 6)
        assert set(front.opened[4:]) == {front.opened[1]}


async def test_several_shells_come_one_after_the_other_and_many_after_a_question() -> None:
    fleet = FakeFleet(14, settings=FREE)
    app = board(fleet)
    front = Front(app, 255, 0, -2, 0)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        names = list(fleet.nodes)
        app.marks.set(names[:4])
        await pilot.press("s")
        await until(pilot, lambda: len(front.opened) == 3)  # the third was left by Ctrl-C while it connected
        assert front.opened == names[:3] and "(2 of 4)" in front.said[1]
        await until(pilot, lambda: "SIGINT" in "\n".join(told(app)))
        app.marks.set(names[:5])
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "on 5 nodes" in screen_text(app) and "one after the other" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: front.opened == [*names[:3], *names[:5]])


@pytest.mark.parametrize("where", ["node", "exec", "push", "jobs", "job"])
async def test_a_shell_from_everywhere(where: str, tmp_path: Path) -> None:
    fleet = sick_fleet(38, ticks=4, settings=FREE)
    busy(fleet.jobs, fleet.now)
    app = board(fleet)
    front = Front(app)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        wanted = ""
        if where == "node":
            app.open_node("web03")
            await until(pilot, lambda: isinstance(app.screen, NodeScreen))
            wanted = "web03"
        elif where == "exec":
            await ran(pilot, app)
            app.bring("exec")
            await until(pilot, lambda: isinstance(app.screen, ExecScreen) and isinstance(app.focused, GroupLines))
            await pilot.press("s")
            await until(pilot, lambda: "choose one of them" in screen_text(app))
            groups = app.screen.query_one(GroupLines)
            await pilot.press("enter", "down")
            await until(pilot, lambda: len(groups.under) == 1)
            (wanted,) = groups.under
        elif where == "push":
            await pushed(pilot, app, tmp_path)
            app.bring("push")
            await until(pilot, lambda: isinstance(app.screen, TransferScreen))
            await until(pilot, lambda: app.screen.query_one("#table").has_focus)
            wanted = app.run_screen("push").rows.nodes(0)[0]  # type: ignore[index]
        else:
            job = next(one for one in fleet.jobs.list() if one.node in fleet.nodes)
            wanted = str(job.node)
            if where == "job":
                app.open_job(job.id)
                await until(pilot, lambda: isinstance(app.screen, JobScreen) and app.screen.job() is not None)
            else:
                app.open_array(job.id.number) if job.id.index is not None else app.open_jobs()
                await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "render" in screen_text(app))
                screen = app.screen
                assert isinstance(screen, JobsScreen)
                for _ in range(60):
                    if (here := screen.job()) is not None and here.node in fleet.nodes:
                        break
                    await pilot.press("down")
                    await pilot.pause()
                assert here is not None
                wanted = str(here.node)
        await pilot.press("s")
        await until(pilot, lambda: front.opened == [wanted])


async def test_no_shell_where_nothing_may_change() -> None:
    app = board(FakeFleet(3, settings=Settings(guard=Guard(read_only=True))))
    front = Front(app)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: any("read-only" in one for one in told(app)))
        app.open_shell(list(app.fleet.nodes))
        await pilot.pause()
        assert not front.opened


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, None), (1, None), (130, None), (255, "status 255"), (-9, "SIGKILL"), (-2, "SIGINT"), (-99, "signal 99")],
)
def test_what_is_said_of_a_shells_end(status: int, words: str | None) -> None:
    said = ended("web01", status)
    assert (said is None) if words is None else (said is not None and words in said)


@pytest.mark.parametrize("where", ["fleet", "node", "activity"])
async def test_commands_with_words(where: str) -> None:
    fleet = FakeFleet(14, settings=FREE)
    app = board(fleet)
    front = Front(app)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        name = next(iter(fleet.nodes))
        app.marks.set([name])
        if where == "node":
            app.open_node(name)
            await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        elif where == "activity":
            await opened(pilot, app)
        await pilot.press("colon", *"shell ", *name, "enter")
        await until(pilot, lambda: front.opened == [name])
        await pilot.press("colon", *"exec uptime -p", "enter")
        await until(pilot, lambda: fleet.ran)
        task, names = fleet.ran[0]
        assert (task.command, list(names)) == ("uptime -p", [name])
        await until(pilot, lambda: isinstance(app.screen, ExecScreen) and not app.screen.running)
        fleet.held = {name}
        await pilot.press("colon", *"exec sleep 9", "enter")
        await until(pilot, lambda: len(fleet.ran) == 2)
        with pytest.raises(UsageError, match="still runs"):
            app.run_command("date", [name])
        fleet.let_go()
        await until(pilot, lambda: not app.run_screen("exec").running)


# ---- the words and the memory ----


@pytest.mark.parametrize("cells", [8, 20, 40, 60, 89, 120, 200])
@pytest.mark.parametrize(
    "deed",
    [
        Deed(1, Kind.EXEC, "x", 0.0),
        Deed(1, Kind.PUSH, "データ[b]\x1b[2J" * 40, 1e9, ("a",), 1, 3.5, True, 40.0, (("ok", 3),)),
        Deed(1, Kind.JOB, "12[] render", 1e9, (), 100_000, None, True, 100.0, (("running", 7), ("failed", 99_993))),
        Deed(1, Kind.CHANGE, "TERM", 1e9, ("a", "b"), 2, ended=(("refused", 1),), note="\x1b]0;x\x07" * 30),
        Deed(1, Kind.SHELL, "shell", 1e9, ("a\x9b",), 1, 1e7, ended=(("no word of ours", 2),)),
    ],
)
def test_lines_keep_to_their_columns(deed: Deed, cells: int) -> None:
    made = "".join(words for words, _ in activity.line(deed, 1e9 + 7, cells))
    assert made.isprintable()
    assert width(made) <= max(cells, 34)
    for line in activity.about(deed, ",".join, {"ok": ["a\x1b"] * 50, "failed": ["b"]}, max(8, cells)):
        assert all(words.isprintable() for words, _ in line)


def test_what_runs_stands_first_then_the_newest() -> None:
    deeds = [
        Deed(number, kind, str(number), float(number), running=running)
        for number, (kind, running) in enumerate(
            [(Kind.EXEC, False), (Kind.JOB, True), (Kind.PUSH, False), (Kind.EXEC, True), (Kind.SHELL, False)]
        )
    ]
    assert [one.id for one in activity.chosen(deeds, "all")] == [3, 1, 4, 2, 0]
    assert [one.id for one in activity.chosen(deeds, "running")] == [3, 1]
    assert [one.id for one in activity.chosen(deeds, "exec")] == [3, 0]


def test_the_bad_endings_stand_first() -> None:
    assert activity.counted(["ok", "ok", "failed", "timeout", "failed"]) == (("failed", 2), ("timeout", 1), ("ok", 2))


async def test_the_output_of_old_commands_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "OUTPUT", 1500)
    fleet = FakeFleet(3)
    app = board(fleet)
    errands = []
    for number in range(4):
        errand = ExecErrand(Task(f"echo {number}"), ["web01", "web02"], fleet.now + number)
        for name, output in (("web01", b"a" * 500), ("web02", b"b" * 500)):
            errand.results.add(Outcome(name, Ending.OK, 0, output))
        errand.end(fleet.now + number)
        app.ledger.add(errand)
        errands.append(errand)
    assert [one.bare for one in errands] == [True, True, True, False]
    assert [one.results.size for one in errands] == [0, 0, 0, 1000]
    assert errands[0].endings() == {"web01": "ok", "web02": "ok"}
    assert len(errands[0].results.heaps()) == 1


async def test_what_is_remembered_is_bounded() -> None:
    app = board(FakeFleet(3))
    for number in range(3 * ledger.MOST):
        errand = ExecErrand(Task("true"), ["web01"], float(number))
        if number:  # the first one goes on
            errand.end(float(number))
        app.ledger.add(errand)
        app.ledger.note(str(number))
    deeds = app.ledger.deeds()
    assert sum(one.kind is Kind.EXEC for one in deeds) == ledger.MOST + 1
    assert sum(one.kind is Kind.CHANGE for one in deeds) == ledger.MOST
    assert any(one.running for one in deeds)


def test_a_log_gives_back_what_it_was_given() -> None:
    outcomes = [
        Outcome("a", Ending.OK, 0, b"out", b"err", seconds=1.5),
        Outcome("b", Ending.UNREACHABLE, layer="tcp", error="refused", left=True),
    ]
    log.write(Task("date"), outcomes, 1e9)
    (one,) = log.runs()
    assert one.outcomes == tuple(dataclasses.replace(outcome, stdout=b"", stderr=b"") for outcome in outcomes)
    assert one.failed == ("b",) and execs.summary.left(one.outcomes) == ["b"]
