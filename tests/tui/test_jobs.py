"""The screens of jobs: lists, an array's elements, a job's page, every change and its question, who dispatches; over made-up jobs in a real queue."""

from __future__ import annotations

import asyncio
import time

import pytest
from textual.pilot import Pilot

from gridtui.errors import SshError, StateError
from gridtui.jobs.model import JobId, JobState, Key, Placement, Spec
from gridtui.model import Node
from gridtui.settings import Dashboard as DashboardSettings
from gridtui.settings import Guard, Settings
from gridtui.tui import desk, duty
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.question import ConfirmScreen
from gridtui.tui.widgets.jobs import JobLines
from gridtui.tui.widgets.output import OutputLines

from .fake import FakeFleet, sick_fleet
from .grid import busy, ids
from .screens import WIDE, begin, board, screen_text, told, until


def busy_board(settings: Settings | None = None) -> tuple[FakeFleet, Dashboard]:
    """A fleet with jobs."""
    fleet = sick_fleet(38, ticks=4, settings=settings)
    busy(fleet.jobs, fleet.now)
    return fleet, board(fleet)


async def opened(pilot: Pilot[int], app: Dashboard, words: str = "render") -> JobLines:
    """The list of jobs, read."""
    await begin(app, pilot)
    await pilot.press("J")
    await until(pilot, lambda: isinstance(app.screen, JobsScreen) and words in screen_text(app))
    return app.screen.query_one(JobLines)


async def page(pilot: Pilot[int], app: Dashboard, id: JobId) -> JobScreen:
    """A job's page, read."""
    await begin(app, pilot)
    app.open_job(id)
    await until(pilot, lambda: isinstance(app.screen, JobScreen) and app.screen.job() is not None)
    screen = app.screen
    assert isinstance(screen, JobScreen)
    return screen


async def agree(pilot: Pilot[int], app: Dashboard, key: str, answer: str = "y") -> str:
    """Press a key that asks, and answer; gives the question."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
    question = screen_text(app)
    await pilot.press(answer)
    await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
    return question


# ---- the list ----


async def test_what_runs_stands_first_then_what_waits_then_what_ended() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        rows = [line for line in screen_text(app).splitlines() if "2[]" in line]
        shown = screen_text(app)
        order = ["render", "train", "join", "[red]hostile", "words", "flaky", "old"]
        assert [shown.index(f" {name}") for name in order] == sorted(shown.index(f" {name}") for name in order)
        assert rows and "45%" in rows[0]
        assert "▸ 8 running" in shown and "○ 216 queued" in shown and "✖ 3 failed" in shown
        assert "comes after 2" in shown and "out of memory" in shown
        assert "\x1b" not in shown
        assert "[all 7]" in shown
        for word, count in (("running", 2), ("queue", 3), ("done", 2)):
            await pilot.press("v")
            await until(pilot, lambda word=word, count=count: f"[{word} {count}]" in screen_text(app))  # type: ignore[misc]
            await until(pilot, lambda: lines.row is not None)
            assert lines.count == count
        await pilot.press("left", "left")
        assert "[running 2]" in screen_text(app)
        assert "1 left out: web06" in screen_text(app).replace("  ", " ")
        assert "CPUs" in screen_text(app) and "held by jobs" in screen_text(app)


async def test_an_array_opens_into_its_elements_and_an_element_into_its_page() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "2.181" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, JobsScreen) and screen.number == 2
        assert "[all 400]" in screen_text(app) and "left" in screen_text(app)
        assert "blender -b scene.blend" in screen_text(app)
        lines = screen.query_one(JobLines)
        await pilot.press("end")
        await until(pilot, lambda: lines.row is not None)
        assert (lines.row.state, lines.cursor) == (JobState.SUCCEEDED, 399)
        await pilot.press("V", "V")
        await until(pilot, lambda: lines.row is not None and "[failed 2]" in screen_text(app))
        assert "no texture: [b]wood·[2J" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen) and "exit 3" in screen_text(app))
        assert "job 2.41 render" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.number is None)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)


async def test_the_cursor_follows_its_job_where_others_come_before_it() -> None:
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        await pilot.press("down", "down", "down")
        assert lines.row.progress.name.startswith("[red]")
        fleet.jobs.run(ids(6, 1), "web01")
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: app.desk.counts[JobState.RUNNING] == 9)
        assert lines.row.progress.name.startswith("[red]")
        assert lines.cursor == 4
        await pilot.press("home")
        fleet.jobs.queue.cancel([JobId(2)], fleet.now)
        fleet.jobs.queue.take([], fleet.now)
        app.desk.soon()
        app.on_fresh()
        await pilot.pause()
        assert lines.cursor == 0  # the first line is whatever stands first


async def test_the_cursor_stays_with_what_was_changed_also_from_the_first_line() -> None:
    """Else the next key asks about another job."""
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        await agree(pilot, app, "h")
        fleet.jobs.finish([Key(fleet.jobs.queue.id, id, 1) for id in ids(2, *range(181, 188))], "web03")
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: app.desk.counts[JobState.RUNNING] == 1)
        assert (lines.row.progress.name, lines.cursor) == ("render", 1)
        assert "jobs held" in screen_text(app)
        await pilot.press("up", "down", "up")  # who moves on is on the first line again
        fleet.jobs.run(ids(6, 1), "web01")
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: app.desk.counts[JobState.RUNNING] == 2)
        assert lines.cursor == 0


async def test_words_filter_the_list_as_they_are_typed() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        await pilot.press("slash", *"BEN fail")  # what is typed on at once is no key
        await until(pilot, lambda: "filter BEN fail" in screen_text(app) and "[all 1]" in screen_text(app))
        await until(pilot, lambda: lines.row is not None and lines.row.progress.name == "flaky")
        await pilot.press("enter", "v")  # the line goes, the filter stays
        await until(pilot, lambda: "[running 0]" in screen_text(app))
        assert "no job under `running` has all of: BEN fail" in screen_text(app)
        assert app.focused is lines
        await pilot.press("V", "slash", *["backspace"] * 8, *"titles=", "enter")
        await until(pilot, lambda: "no job under `all` has all of: titles=" in screen_text(app))
        await pilot.press("slash", *["backspace"] * 7, *"project=titles", "enter")
        await until(pilot, lambda: lines.row is not None and lines.row.progress.name == "render")
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: "[all 1]" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "[all 7]" in screen_text(app) and "filter" not in screen_text(app).splitlines()[-4])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.number == 2)
        await pilot.press("slash")
        await until(pilot, lambda: "elements are shown by their state alone" in screen_text(app))


async def test_an_empty_queue_says_how_it_is_filled() -> None:
    app = board(FakeFleet(3))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "there are no jobs")
        for key in ("enter", "c", "R", "h", "r", "plus", "minus", "D", "o", "g", "end", "home"):
            await pilot.press(key)
            assert isinstance(app.screen, JobsScreen), key
        assert "no node has it" in screen_text(app)


@pytest.mark.parametrize("size", [(20, 5), (30, 8), (50, 14), (100, 30), (200, 60)])
async def test_any_size_will_do(size: tuple[int, int]) -> None:
    _, app = busy_board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.query_one(JobLines).row)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.number == 2)
        await until(pilot, lambda: app.screen.query_one(JobLines).row)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen) and app.screen.job())
        await until(pilot, lambda: app.screen.query_one(OutputLines).count > 1)
        await pilot.press("tab", "up", "down", "tab")


# ---- changes ----


async def test_each_change_is_asked_about_first() -> None:
    fleet, app = busy_board()
    queue = fleet.jobs.queue
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        await agree(pilot, app, "h", "n")
        await until(pilot, lambda: "nothing was changed" in screen_text(app))
        question = await agree(pilot, app, "h")
        assert "all of 2[], 400 jobs" in question
        await until(pilot, lambda: "jobs held" in screen_text(app))
        assert queue.counts()[JobState.HELD] == 214
        await agree(pilot, app, "r")
        await until(pilot, lambda: "jobs released" in screen_text(app))
        assert queue.counts()[JobState.HELD] == 1
        question = await agree(pilot, app, "plus")
        assert "priority 0 becomes 10" in question
        await until(pilot, lambda: queue.progress(numbers=[2])[0].priority == 10)
        await until(pilot, lambda: lines.row.progress.priority == 10)
        await agree(pilot, app, "minus")
        assert queue.progress(numbers=[2])[0].priority == 0
        await agree(pilot, app, "R")
        await until(pilot, lambda: "2 jobs queued again" in screen_text(app))
        await pilot.press("down", "down")
        assert lines.row.progress.name == "join"
        await agree(pilot, app, "c")
        assert queue.job(JobId(3)).state is JobState.CANCELLED
        await until(pilot, lambda: "1 job cancelled" in screen_text(app))
        await until(pilot, lambda: app.desk.counts.get(JobState.CANCELLED) == 1)
        assert "1 job cancelled" in screen_text(app)  # the next look takes no word away


async def test_an_element_alone_is_changed_but_its_priority_is_the_arrays() -> None:
    fleet, app = busy_board()
    queue = fleet.jobs.queue
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "2.181" in screen_text(app))
        lines = app.screen.query_one(JobLines)
        await pilot.press(*["down"] * 7)
        await until(pilot, lambda: lines.row is not None and lines.row.state is JobState.FAILED)
        await agree(pilot, app, "R")
        assert queue.job(lines.row.id).state is JobState.QUEUED or queue.job(JobId(2, 41)).state is JobState.QUEUED
        assert queue.progress(numbers=[2])[0].counts[JobState.FAILED] == 1
        question = await agree(pilot, app, "plus")
        assert "all of 2[]" in question
        assert queue.progress(numbers=[2])[0].priority == 10


async def test_read_only_changes_nothing_and_asks_nothing() -> None:
    fleet, app = busy_board(Settings(guard=Guard(read_only=True)))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("down")  # a single job that has a node
        for key in ("c", "R", "h", "r", "plus", "minus", "D"):
            await pilot.press("up", "down", key)
            await until(pilot, lambda: any("this is read-only" in words for words in told(app)))
            app.clear_notifications()
        assert "nobody dispatches: this is read-only" in screen_text(app)
        assert not fleet.jobs.dispatched


async def test_a_node_is_drained_and_given_back_from_a_job_and_from_its_page() -> None:
    fleet, app = busy_board()
    queue = fleet.jobs.queue
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("down")
        await agree(pilot, app, "D")
        assert queue.standing()["gpu05"].drained
        await until(pilot, lambda: "gpu05 gets no more jobs" in screen_text(app))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "2.185" in screen_text(app))
        shown = screen_text(app)
        assert "no more jobs drained: from the dashboard" in shown
        assert "2.184" in shown and "train" in shown and "render" in shown
        question = await agree(pilot, app, "D")
        assert "it was left out: from the dashboard" in question
        standing = queue.standing().get("gpu05")
        assert standing is None or not standing.drained
        await until(pilot, lambda: "no more jobs" not in screen_text(app))


async def test_nodes_of_jobs_are_marked() -> None:
    """Of the line under the cursor; or all on which it failed, of an array too."""
    fleet = FakeFleet(12, (Node("db02", "198.18.9.7"),))
    fleet.advance(3)
    busy(fleet.jobs, fleet.now)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app)
        await pilot.press("home", "space")
        await until(pilot, lambda: "no node has it" in screen_text(app))
        await pilot.press("down", "space")
        assert app.marks.names == ["gpu05"]
        await until(pilot, lambda: "1 marked" in screen_text(app))
        assert lines.sign(1) == "*" and lines.sign(0) == " " and lines.cursor == 2
        await pilot.press("up", "space")
        assert not app.marks.names
        await until(pilot, lambda: "1 marked" not in screen_text(app))
        await pilot.press("home")
        await until(pilot, lambda: lines.row.progress.name == "render")
        await pilot.press("F")
        assert app.marks.names == ["db02"]
        app.marks.clear()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.number == 2)
        await pilot.press("F")
        await until(pilot, lambda: "marked: db02" in screen_text(app))
        assert app.marks.names == ["db02"]
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.number is None)
        await pilot.press("end", "F")
        await until(pilot, lambda: "on which job 1 failed" in screen_text(app))
        assert app.marks.names == ["db02"]


async def test_a_node_of_another_inventory_has_no_page() -> None:
    fleet, app = busy_board()
    fleet.jobs.queue.submit(Spec("true", name="stranger"), now=fleet.now)
    fleet.jobs.run([JobId(8)], "elsewhere")
    async with app.run_test(size=WIDE) as pilot:
        lines = await opened(pilot, app, "stranger")
        await pilot.press("down", "down")
        assert lines.row.progress.name == "stranger"
        await pilot.press("o")
        await until(pilot, lambda: "elsewhere is not in this inventory" in screen_text(app))


async def test_a_queue_that_cannot_be_read_is_told_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "EVERY", 0.0)
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        fleet.jobs.refusals = [StateError("the queue is locked: [b]wait\x1b[2J")]
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: "the queue is locked: [b]wait·[2J" in screen_text(app))
        assert "render" in screen_text(app)  # what was known stays
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: "the queue is locked" not in screen_text(app))


async def test_the_queue_is_read_once_a_second_however_often_there_is_news() -> None:
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        before, began = fleet.jobs.reads, time.monotonic()
        for _ in range(40):
            app.on_fresh()
            await pilot.pause()
        assert fleet.jobs.reads - before <= 1 + (time.monotonic() - began)


# ---- a job's page ----


async def test_the_page_of_a_job_that_runs() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await page(pilot, app, JobId(2, 181))
        await until(pilot, lambda: "Rendering 47 / 64" in screen_text(app) and "is chosen" in screen_text(app))
        shown = screen_text(app)
        for words in (
            "job 2.181 render  ▸ running  on web03  try 1  for 1m",
            "systemd",
            "is chosen, score 0.91: web03",
            "4 could, score 0.40: web[02,04-05,07]",
            "drained: a new disk",
            "2 CPUs, 4.0 GB of memory",
            "cpus>=4 & @linux",
            "TOKEN",
            "/home/ada/frames/{index}",
            "following",
            "·[31m| Rendering",
        ):
            assert words in shown, words
        assert "hunter2" not in shown and "\x1b" not in shown


async def test_output_is_searched() -> None:
    fleet, app = busy_board()
    fleet.jobs.said["2.181/1"] = [b"line %d %s\n" % (n, b"Bad" if n % 50 == 20 else b"") for n in range(200)]
    async with app.run_test(size=WIDE) as pilot:
        await page(pilot, app, JobId(2, 181))
        await until(pilot, lambda: "line 199" in screen_text(app))
        output = app.screen.query_one(OutputLines)
        await pilot.press("n")
        await until(pilot, lambda: "nothing is searched for" in screen_text(app))
        await pilot.press("slash", *"bad", "enter")  # it goes on from the end to the beginning
        await until(pilot, lambda: output.cursor == 20 and "staying here" in screen_text(app))
        for key, line in (("n", 70), ("N", 20), ("N", 170), ("n", 20)):
            await pilot.press(key)
            await until(pilot, lambda line=line: output.cursor == line)  # type: ignore[misc]
        await pilot.press("slash", "x", "enter")
        await until(pilot, lambda: "'badx' is nowhere" in screen_text(app) and app.focused is output)
        await pilot.press("slash", "escape")
        await until(pilot, lambda: app.focused is output)
        assert isinstance(app.screen, JobScreen)


async def test_output_is_followed_until_the_reader_goes_up() -> None:
    fleet, app = busy_board()
    fleet.jobs.said["2.181/1"] = [b"line %d\n" % n for n in range(200)]
    async with app.run_test(size=WIDE) as pilot:
        await page(pilot, app, JobId(2, 181))
        await until(pilot, lambda: "line 199" in screen_text(app))
        output = app.screen.query_one(OutputLines)
        await pilot.press("pageup")
        await until(pilot, lambda: "staying here" in screen_text(app))
        at = output.cursor
        fleet.jobs.more.set()
        await until(pilot, lambda: output.count == 201)
        assert output.cursor == at
        assert "the last line" not in screen_text(app)
        await pilot.press("f")
        await until(pilot, lambda: "the last line" in screen_text(app) and "following" in screen_text(app))
        await pilot.press("right")
        assert "the last line" not in screen_text(app)
        await pilot.press("left")
        assert "the last line" in screen_text(app)


async def test_earlier_attempts_have_their_own_output() -> None:
    fleet, app = busy_board()
    fleet.jobs.said |= {"2.41/3": [b"third\n"], "2.41/2": [b"second\n"]}
    async with app.run_test(size=WIDE) as pilot:
        await page(pilot, app, JobId(2, 41))
        await until(pilot, lambda: "third" in screen_text(app))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "second" in screen_text(app) and "of try 2" in screen_text(app))
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: "it said nothing" in screen_text(app) and "of try 1" in screen_text(app))
        await pilot.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: "third" in screen_text(app))
        await pilot.press("w")
        await until(pilot, lambda: "no node is chosen for it" in screen_text(app))
        assert not fleet.jobs.asked


async def test_output_that_cannot_be_had_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridtui.tui.screens.job.AGAIN", 0.01)
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        fleet.jobs.mute = SshError("web03: no answer")
        app.open_job(JobId(2, 181))
        await until(pilot, lambda: "web03: no answer" in screen_text(app))
        fleet.jobs.mute = None
        await until(pilot, lambda: "Rendering 47" in screen_text(app))
        assert "no answer" not in screen_text(app)


async def test_a_job_that_waits_says_why_and_its_page_goes_on_when_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "EVERY", 0.0)
    fleet, app = busy_board()
    fleet.jobs.said["6.2/1"] = [b"begun\n"]
    async with app.run_test(size=WIDE) as pilot:
        await page(pilot, app, JobId(6, 2))
        await until(pilot, lambda: "is chosen" in screen_text(app))
        assert "not begun yet" in screen_text(app)
        assert "item b c.txt" in screen_text(app).replace("  ", " ")
        asked = len(fleet.jobs.asked)
        await pilot.press("w")
        await until(pilot, lambda: len(fleet.jobs.asked) == asked + 1)
        fleet.jobs.run(ids(6, 2), "web03")
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: "begun" in screen_text(app) and "▸ running" in screen_text(app))
        await until(pilot, lambda: len(fleet.jobs.asked) == asked + 2)
        await agree(pilot, app, "c")
        await until(pilot, lambda: "1 job cancelled" in screen_text(app))
        assert fleet.jobs.queue.wishes()


async def test_a_job_that_was_forgotten_meanwhile_is_said_to_be_gone() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.open_job(JobId(99))
        await until(pilot, lambda: "there is no job 99" in screen_text(app))
        for key in ("c", "w", "o", "n", "D", "f", "left_square_bracket"):
            await pilot.press(key)
            assert isinstance(app.screen, JobScreen)


async def test_it_is_opened_from_a_nodes_page_and_waits_for_others() -> None:
    _, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.open_node("web03")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "2.182" in screen_text(app))
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "join" in screen_text(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen) and "must have succeeded" in screen_text(app))


# ---- dispatching ----


async def test_the_dashboard_dispatches_and_stops_politely_when_it_is_left() -> None:
    fleet, app = busy_board()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "dispatched by this dashboard" in screen_text(app))
        assert [stop.count for stop in fleet.jobs.dispatched] == [0]
        await pilot.press("q")
    assert [stop.count for stop in fleet.jobs.dispatched] == [1]
    assert fleet.jobs.found is None  # it came to its end by itself


async def test_it_waits_for_the_lease_while_another_one_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "AGAIN", 0.01)
    monkeypatch.setattr(duty, "TROUBLED", 0.01)
    fleet, app = busy_board()
    fleet.jobs.locked = True
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "nobody dispatches" in screen_text(app))
        assert not fleet.jobs.dispatched
        fleet.jobs.refusals = [StateError("no such engine")]
        await until(pilot, lambda: not fleet.jobs.refusals)
        fleet.jobs.locked = False
        await until(pilot, lambda: fleet.jobs.dispatched)
        app.desk.soon()
        app.on_fresh()
        await until(pilot, lambda: "dispatched by this dashboard" in screen_text(app))


async def test_the_setting_keeps_it_from_dispatching() -> None:
    fleet, app = busy_board(Settings(dashboard=DashboardSettings(dispatch=False)))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "nobody dispatches: dashboard.dispatch is false" in screen_text(app))
        assert not fleet.jobs.dispatched


async def test_one_that_does_not_stop_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "PATIENCE", 0.05)
    begun = asyncio.Event()

    class Deaf:
        async def dispatch(self, stop: object = None) -> None:
            begun.set()
            await asyncio.Event().wait()

    one = duty.Duty(lambda: Deaf())  # type: ignore[arg-type, return-value]
    one.begin()
    await begun.wait()
    await one.end()
    await one.end()
    one.begin()
    assert one._task is None


# ---- a hundred thousand ----


async def test_of_a_large_array_only_what_is_visible_is_read() -> None:
    fleet = FakeFleet(3)
    queue = fleet.jobs.queue
    number = queue.submit(Spec("true", name="large"), user="ada", array=range(100_000), now=fleet.now)
    queue.place([Placement(JobId(number, 500), "web01", Spec("x").sandbox.least)], fleet.now)
    for _ in range(300):
        queue.submit(Spec("true", name="single"), user="ada", now=fleet.now)
    app = board(fleet)
    rows = 0
    listed = fleet.jobs.list

    def counted(**asked: object) -> object:
        nonlocal rows
        found = listed(**asked)  # type: ignore[arg-type]
        rows += len(found)
        return found

    fleet.jobs.list = counted  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "large")
        await pilot.press("enter")
        await until(pilot, lambda: f"{number}.500" in screen_text(app))
        lines = app.screen.query_one(JobLines)
        assert lines.count == 100_000
        await pilot.press("end")
        await until(pilot, lambda: lines.row is not None)
        assert lines.row.id == JobId(number, 99_999)
        await pilot.press("pageup", "pageup", "home")
        await until(pilot, lambda: lines.row is not None and lines.row.id.index == 500)
        assert rows < 2000
