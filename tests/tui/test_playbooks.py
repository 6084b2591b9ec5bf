"""The screens of playbooks: choosing, the dry run, the run, what follows, the runs that were kept; through Textual's Pilot.

Over a made-up fleet that tells real values, and once over the real one: this machine, Ansible and all.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gridtui.errors import LockedError
from gridtui.fleet import Fleet
from gridtui.playbooks.artefacts import Kept
from gridtui.playbooks.model import Plan, TaskResult, TaskStarted, TaskState
from gridtui.settings import Guard, Playbooks, Settings
from gridtui.tui import choice
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.playbook import PlaybookScreen
from gridtui.tui.screens.playbooks import PlaybooksScreen
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.screens.runs import RunsScreen
from gridtui.tui.widgets.course import CourseLines
from gridtui.tui.widgets.output import OutputLines
from gridtui.tui.widgets.prompt import Prompt

from .books import BASE, DIFF, FIREWALL, MOTD, smooth
from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, told, until

MANY = Settings(guard=Guard(confirm_above=1000))


async def choosing(pilot: Pilot[int], app: Dashboard) -> PlaybooksScreen:
    """The choice, for all nodes."""
    await begin(app, pilot)
    await pilot.press("b")
    await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen))
    await pilot.pause()
    return app.playbooks_screen


async def ended(pilot: Pilot[int], app: Dashboard) -> PlaybookScreen:
    """The run's screen, once the run is over."""
    screen = app.playbook_screen
    await until(pilot, lambda: app.screen is screen and not screen.running and screen.course.result is not None)
    await pilot.pause()
    return screen


def pane(app: Dashboard) -> list[str]:
    """The lines below the grid."""
    lines = app.screen.query_one(OutputLines)
    return ["".join(words for words, _ in lines.parts(index)).rstrip() for index in range(lines.count)]


async def test_a_dry_run_is_read_and_then_run() -> None:
    fleet = FakeFleet(14, settings=MANY)
    fleet.story = smooth
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await choosing(pilot, app)
        assert "on all 14 nodes" in screen_text(app) and "your own" in screen_text(app)
        await pilot.press("enter")
        screen = await ended(pilot, app)
        plan, names = fleet.played[0]
        assert plan == Plan((MOTD,), check=True, diff=True) and names == tuple(fleet.nodes)
        assert "14 would change" in screen_text(app) and "nothing was changed yet" in screen_text(app)
        assert pane(app)[0] == "■ motd : Write the rules"
        assert pane(app).count("+hello [red]you[/]") == 1
        assert isinstance(app.focused, OutputLines)
        await pilot.press("enter")  # it was read, cuts no link, and is for few enough nodes
        await until(pilot, lambda: len(fleet.played) == 2)
        await ended(pilot, app)
        assert fleet.played[1] == (Plan((MOTD,), diff=True), tuple(fleet.nodes))
        assert "14 changed" in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: "this was no dry run" in screen_text(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.playbooks_screen)
        assert not screen.running


async def test_what_cuts_the_link_is_asked_about_and_shows_its_guards() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await choosing(pilot, app)
        await pilot.press("end", "enter")
        screen = await ended(pilot, app)
        assert "2 did not end well" in screen_text(app).replace("nodes ", "")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "takes it back after 60 s" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: "nothing was run" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "guards" in screen_text(app) and "armed, 41 s left" in screen_text(app))
        assert "batch 1 of 2" in screen_text(app) and "confirmed" in screen_text(app)
        fleet.let_go()
        await ended(pilot, app)
        assert fleet.played[-1][0] == Plan((FIREWALL,), diff=True)
        await pilot.press("f")
        await until(pilot, lambda: "✖ failed: motd : Write the rules" in pane(app))
        assert "  no space left on device: [b]/etc·[2J" in pane(app)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: fleet.played[-1][1] != tuple(fleet.nodes))
        assert set(fleet.played[-1][1]) >= {list(fleet.nodes)[1], list(fleet.nodes)[2]}
        fleet.let_go()
        await ended(pilot, app)
        await pilot.press("U")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: fleet.taken_back and not screen.running)
        assert fleet.taken_back[0][0] == "20260921T141320-0f3a"
        await until(pilot, lambda: "rolled-back" in screen_text(app))


async def test_options_marks_and_what_is_typed() -> None:
    fleet = FakeFleet(4, settings=MANY)
    fleet.story = smooth
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await choosing(pilot, app)
        await pilot.press("u", "enter")
        await until(pilot, lambda: "motd cannot be undone" in screen_text(app))
        await pilot.press("down", "space", "down", "space", "w", "d", "m", "p")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, Prompt))
        await pilot.press(*"nonsense", "enter")
        await until(pilot, lambda: "write name=value" in screen_text(app))
        box = screen.query_one(Prompt)
        box.value = 'ports=[22,80] name="two words" on=true'
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.focused, Prompt))
        await pilot.press("b", *"1,50%", "enter")
        await until(pilot, lambda: not isinstance(app.focused, Prompt))
        await pilot.press("b", *"x", "escape")
        await until(pilot, lambda: not isinstance(app.focused, Prompt))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SecretScreen))
        await pilot.press(*"s3cret")
        assert "s3cret" not in screen_text(app)
        await pilot.press("enter")
        await ended(pilot, app)
        assert fleet.secret == "s3cret"
        plan = fleet.played[0][0]
        assert plan == Plan(
            (BASE, FIREWALL),
            diff=False,
            undo=True,
            batches=("1", "50%"),
            window=120.0,
            skip_matching=True,
            extra={"ports": [22, 80], "name": "two words", "on": True},
            become_password=True,
        )


async def test_it_is_stopped_in_two_stages_and_goes_on_aside() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await choosing(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        screen = app.playbook_screen
        await until(pilot, lambda: screen.running and app.screen is screen and "1 running" in screen_text(app))
        await pilot.press("backspace", "escape")
        await until(pilot, lambda: app.screen is app.fleet_screen and "playbook runs on 1" in screen_text(app))
        await pilot.press("b")  # what runs is shown, not another choice
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "still runs" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "Stop the playbook" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert not screen.stops
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await ended(pilot, app)
        assert "1 cancelled" in screen_text(app)


async def test_an_end_that_nobody_saw_is_shown_next() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await choosing(pilot, app)
        await pilot.press("enter", "backspace", "escape")
        await until(pilot, lambda: app.screen is app.fleet_screen and not app.playbook_screen.running)
        if not app.playbook_screen.seen:
            await pilot.press("b")
            await until(pilot, lambda: app.screen is app.playbook_screen)
            await pilot.press("escape", "escape")
        await until(pilot, lambda: app.playbook_screen.seen)
        await pilot.press("b")
        await until(pilot, lambda: app.screen is app.playbooks_screen)


async def test_where_nothing_may_change_a_dry_run_is_all_there_is() -> None:
    fleet = FakeFleet(4, settings=Settings(guard=Guard(read_only=True)))
    fleet.story = smooth
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await choosing(pilot, app)
        await pilot.press("enter")
        await ended(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: any("read-only" in words for words in told(app)))
        assert len(fleet.played) == 1


async def test_a_task_and_a_node_are_looked_at() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await choosing(pilot, app)
        await pilot.press("enter")
        screen = await ended(pilot, app)
        await pilot.press("escape", "down", "down", "left", "left")
        grid = screen.query_one(CourseLines)
        assert grid.column == 2
        await pilot.press("enter")
        name = grid.node
        await until(
            pilot, lambda: pane(app)[0].startswith("● ok") and "■ changed     motd : Write the rules" in pane(app)
        )
        assert f" {name}  task 3 of 5 motd : Write the rules" in screen_text(app)
        await pilot.press("right")  # below, lines move sideways
        assert grid.column == 2
        await pilot.press("l")
        await until(pilot, lambda: any("task 5: motd" in line for line in pane(app)))


KEPT = """
{"time": 1790000001.0, "event": "TaskStarted", "number": 1, "task": "Greet", "role": "", "play": "all"}
{"time": 1790000002.0, "event": "TaskResult", "node": "web06", "number": 1, "task": "Greet", "state": "changed", "role": "", "seconds": 0.4,
 cut off
{"time": 1790000002.0, "event": "TaskResult", "node": "web06", "number": 1, "task": "Greet\\u001b[2J", "state": "changed", "role": "", "seconds": 0.4, "text": "", "diff": "-a\\n+b"}
{"time": 1790000003.0, "event": "TaskResult", "node": "db01", "number": 1, "task": "Greet", "state": "exploded", "role": "", "seconds": 0, "text": "", "diff": ""}
{"time": 1790000003.0, "event": "Guarded", "node": "web06", "state": "armed", "left": 60.0}
{"time": 1790000003.0, "event": "Said", "node": "", "text": "a warning", "alarm": false}
[]
"""


async def test_runs_that_were_kept_are_listed_and_opened(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(KEPT)
    (tmp_path / "outcomes.json").write_text(
        '{"outcomes": [{"node": "web06", "status": "changed", "ok": 1, "changed": 1, "failed": 0, "skipped": 0, '
        '"seconds": 0.4, "error": "", "evidence": "", "layer": null}, {"node": "db01", "status": "odd"}]}'
    )
    fleet = FakeFleet(14, settings=MANY)
    outcomes = {"web06": "changed", "web07": "failed", "web03": "failed"}
    fleet.kept = [
        Kept("20260921T141300-aaaa", tmp_path, fleet.now - 9000, ("base",), ("db01",), True, (), None),
        Kept("20260921T141320-0f3a", tmp_path, fleet.now - 60, ("motd",), ("web06", "db01"), False, (), outcomes),
    ]
    app = board(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await choosing(pilot, app)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and "2 kept" in screen_text(app))
        assert "✖ 2 failed web[03,07]" in screen_text(app)
        assert "base (dry run)" in screen_text(app) and "did not end" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.playbook_screen)
        await until(pilot, lambda: "+b" in pane(app))
        assert "■ Greet" in pane(app)
        await pilot.press("R")
        await until(pilot, lambda: "choose it anew with b" in screen_text(app))
        assert not fleet.played


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", {}),
        ("a=1 b=yes c='x y' d=", {"a": 1, "b": True, "c": "x y", "d": ""}),
        ("a='\"1\"'", {"a": "1"}),
        ("a=[1,2]", {"a": [1, 2]}),
    ],
)
def test_variables(words: str, found: dict[str, object]) -> None:
    assert choice.variables(words) == found
    assert choice.variables(choice.spelled(found)) == found


@pytest.mark.parametrize("words", ["a", "1a=2", "a='", "=x", "a={"])
def test_variables_that_are_none(words: str) -> None:
    with pytest.raises(Exception, match=r"variable|YAML|cannot be read"):
        choice.variables(words)


async def test_a_flood_of_results_leaves_the_keys_alone() -> None:
    """200 nodes × 50 tasks within a second, each with a diff: a key is answered in the middle of it."""
    fleet = FakeFleet(200, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await choosing(pilot, app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        screen = app.playbook_screen
        await until(pilot, lambda: screen.running and app.screen is screen and screen.course.tasks)
        course, names = screen.course, list(fleet.nodes)
        grid = screen.query_one(CourseLines)
        await until(pilot, lambda: grid.count == 200 and app.focused is grid)
        worst = 0.0

        async def flood() -> None:
            for number in range(100, 150):
                course.take(TaskStarted(number, f"task {number}"))
                for name in names:
                    course.take(TaskResult(name, number, "", TaskState.CHANGED, "", 0.1, "", DIFF))
                await asyncio.sleep(1 / 50)

        pouring = asyncio.create_task(flood())
        for _ in range(12):
            # The line may be another one by then, as the worst come first: the cursor goes with its node.
            before, began = grid.node, time.process_time()
            await pilot.press("up" if grid.cursor == grid.count - 1 else "down")
            await until(pilot, lambda: grid.node != before)  # noqa: B023 - within its turn
            worst = max(worst, time.process_time() - began)
        await pouring
        assert worst < 2.0  # of our own CPU, whatever else runs; some 0.05 s
        screen.stop()
        await ended(pilot, app)


@pytest.mark.timeout(180)
async def test_a_real_run_on_this_machine(tmp_path: Path) -> None:
    """The real Fleet, the real Ansible: a dry run, the real one, a second one that changes nothing, and the runs that were kept."""
    target = tmp_path / "greeting"
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "greet.yml").write_text(
        "# Greet\n- name: Greet [b]you[/]\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - name: Write it\n      ansible.builtin.copy:\n        dest: {target}\n        content: hello\n        mode: '0600'\n"
    )
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(
        "all:\n  hosts:\n    here:\n      ansible_connection: local\n"
        f"      ansible_python_interpreter: {sys.executable}\n"
    )
    app = Dashboard(Fleet.open([inventory], Settings(playbooks=Playbooks(paths=(str(folder),)))))
    try:
        async with app.run_test(size=(100, 30)) as pilot:
            await choosing(pilot, app)
            assert "Greet [b]you[/]" in screen_text(app)
            await pilot.press("enter")
            await ended(pilot, app)
            assert "■ Write it" in pane(app) and any(line.startswith("+hello") for line in pane(app))
            assert "1 would change" in screen_text(app) and not target.exists()
            await pilot.press("enter")
            await until(pilot, target.exists)
            screen = await ended(pilot, app)
            assert "1 changed" in screen_text(app) and target.read_text() == "hello"
            await pilot.press("escape", "escape")
            await until(pilot, lambda: app.screen is app.playbooks_screen)
            await pilot.press("r")
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
            await pilot.press("y")
            await until(pilot, lambda: screen.running)
            await ended(pilot, app)
            assert "● 1 ok" in screen_text(app)
            await pilot.press("h")
            await until(pilot, lambda: isinstance(app.screen, RunsScreen) and "3 kept" in screen_text(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.screen is screen and "■ Write it" in pane(app))
    finally:
        await app.fleet.close()


@pytest.mark.parametrize("theme", ["gridtui-light", "gridtui-contrast", "ansi-dark", "ansi-light", "nord"])
async def test_every_theme_draws_them(theme: str) -> None:
    fleet = FakeFleet(6, settings=MANY)
    app = board(fleet)
    app.theme = theme
    async with app.run_test(size=(60, 20)) as pilot:
        await choosing(pilot, app)
        await pilot.press("end", "r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "■" in screen_text(app) and "✖" in screen_text(app))
        await pilot.press("f", "d", "l", "escape", "left", "enter")
        await pilot.pause()
        fleet.let_go()
        await ended(pilot, app)
        await pilot.press("h", "escape", "escape", "escape", "escape", "o")
        await until(pilot, lambda: "66 C" in screen_text(app) or app.screen is not app.fleet_screen)


async def test_what_was_refused_is_told_and_can_be_tried_again() -> None:
    fleet = FakeFleet(3, settings=MANY)
    fleet.refusal = LockedError("playbooks run over this inventory already")
    app = board(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await choosing(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.playbook_screen and not app.playbook_screen.running)
        await until(pilot, lambda: screen_text(app).count("playbooks run over this inventory already") == 2)
        fleet.refusal, fleet.story = None, smooth
        await pilot.press("R")
        await ended(pilot, app)
        assert "3 would change" in screen_text(app)


async def test_changes_are_gone_through_one_by_one() -> None:
    fleet = FakeFleet(14, settings=MANY)
    app = board(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await choosing(pilot, app)
        await pilot.press("enter")
        await ended(pilot, app)
        lines = app.screen.query_one(OutputLines)
        assert pane(app)[lines.cursor].startswith("▲ unreachable")
        await pilot.press("n")
        assert pane(app)[lines.cursor].startswith("✖ failed: motd")
        await pilot.press("N")
        assert pane(app)[lines.cursor].startswith("▲ unreachable")
