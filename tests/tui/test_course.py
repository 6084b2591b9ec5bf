"""The course of a run and its words: batches, gathering, guards, hostile text, any width. Pure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.inventory import fold
from gridtui.playbooks.model import (
    BatchStarted,
    Ending,
    Guarded,
    GuardState,
    Outcome,
    Plan,
    Result,
    Said,
    TaskResult,
    TaskStarted,
    TaskState,
)
from gridtui.tui import plays
from gridtui.tui.course import STATES, TEXTS, Course
from gridtui.tui.output import Page
from gridtui.tui.text import width

from .books import DIFF, TASKS, story

NODES = ("web01", "web02", "web03", "db01")


def lines(page: Page) -> list[str]:
    """All of a page."""
    return ["".join(words for words, _ in page.parts(index, 0, 200)) for index in range(page.count)]


def told(*news: object, names: tuple[str, ...] = NODES, dry: bool = False) -> Course:
    """A course after these."""
    course = Course(names, lambda: 1000.0, dry)
    for one in news:
        if isinstance(one, Outcome):
            course.ended(one)
        else:
            course.take(one)  # type: ignore[arg-type]
    return course


def shapes(course: Course, name: str) -> str:
    """A node's glyphs."""
    number = course.row(name)
    return "".join(words for words, _ in plays.glyphs(course.cells(number), 0, 20, None, course.at(number))).rstrip()


def test_each_result_has_its_place() -> None:
    course = told(*story(Plan(()), NODES))
    assert [task.title for task in course.tasks] == [TASKS[0], *(f"motd : {task}" for task in TASKS[1:])]
    assert [shapes(course, name) for name in NODES] == ["●●■!●", "▲", "●●✖", "●●■·▸"]
    assert [course.ending(name) for name in NODES] == [Ending.CHANGED, Ending.UNREACHABLE, Ending.FAILED, None]
    assert course.failed() == ["web02", "web03"]
    assert course.changed() == ["web01", "db01"]
    assert course.running() == ["db01"]
    assert plays.headline(course, 3.21) == "4 nodes in 3.2 s: 1 changed, 1 failed, 1 unreachable"


def test_a_batch_has_the_columns_of_the_one_before() -> None:
    course = Course(NODES)
    course.take(BatchStarted(1, 2, NODES[:1]))
    assert [course.waits(name) for name in NODES] == [False, True, True, True]
    for number, batch in enumerate((NODES[:1], NODES[1:])):
        if number:
            course.take(BatchStarted(2, 2, batch))
        for turn, task in enumerate(("first", "only here" if number else "second", "last")):
            # numbers that go on from batch to batch, and such that do not
            course.take(TaskStarted(10 * number + turn + 1, task))
            for name in batch:
                course.take(TaskResult(name, 10 * number + turn + 1, task, TaskState.OK))
    assert [task.name for task in course.tasks] == ["first", "second", "last", "only here"]
    assert shapes(course, "web01") == "●●●"
    assert shapes(course, "db01") == "● ●●"
    assert not any(map(course.waits, NODES))
    assert any("batch 2 of 2: web02" in line for line in lines(plays.log(course)))


def test_a_state_that_is_told_again_counts_once() -> None:
    course = told(
        TaskStarted(1, "a"),
        TaskResult("web01", 1, "a", TaskState.RUNNING),
        TaskResult("web01", 1, "a", TaskState.OK),
        TaskResult("web01", 1, "a", TaskState.CHANGED),
    )
    assert dict(course.counted(0)) == {TaskState.RUNNING: 0, TaskState.OK: 0, TaskState.CHANGED: 1}
    assert course.column(0)[TaskState.CHANGED] == 1


def test_equal_differences_are_shown_once_under_their_nodes() -> None:
    course = told(*story(Plan((), check=True), (*NODES, "db02")), names=(*NODES, "db02"), dry=True)
    page = lines(plays.changes(course, fold))
    assert page.count("■ motd : Write the rules") == 1
    assert "  2 on db01,web01" not in page
    assert [line for line in page if " on " in line] == ["  2 on db02,web01", "  1 on db01"]
    assert "+hello [red]you[/]" in page and "-good day" in page
    roles = {plays.changes(course, fold).parts(index, 0, 200)[0][1] for index in range(len(page))}
    assert roles == {"warning", "accent", "ok", "critical", "text"}


def test_a_change_without_a_difference_is_named() -> None:
    course = told(TaskStarted(1, "restart"), *(TaskResult(name, 1, "restart", TaskState.CHANGED) for name in NODES[:2]))
    assert lines(plays.changes(course, fold))[:3] == [
        "■ restart",
        "  2 on web[01-02]",
        "  changed; it tells no difference",
    ]
    assert lines(plays.changes(told(), fold)) == ["nothing changed"]


def test_failures_are_gathered_and_nothing_is_left_out() -> None:
    course = told(
        TaskStarted(1, "install"),
        *(TaskResult(name, 1, "install", TaskState.FAILED, text="no space\nleft") for name in NODES[:3]),
        TaskResult("db01", 1, "install", TaskState.IGNORED, text="never mind"),
    )
    course.end(
        Result(
            "r", Path("/x"), {"db01": Outcome("db01", Ending.LOCKED_OUT, error="does not answer", evidence="a\nb")}, ""
        )
    )
    page = lines(plays.failures(course, fold))
    assert page[:4] == ["✖ failed: install", "  3 on web[01-03]", "  no space", "  left"]
    assert "! ignored: install" in page
    course.outcomes["web09"] = Outcome("web09", Ending.ROLLED_BACK, error="took it back")
    assert lines(plays.failures(course, fold))[-4:-1] == ["↶ rolled-back", "  1 on web09", "  took it back"]
    course.end(Result("r", Path("/x"), {}, "motd.yml:3:5: not a play"))
    assert lines(plays.failures(course, fold))[0] == "motd.yml:3:5: not a play"


def test_guards_are_counted_down() -> None:
    now = [1000.0]
    course = Course(NODES, lambda: now[0])
    course.take(TaskStarted(1, "arm"))
    for name, state in zip(NODES, GuardState, strict=True):
        course.take(Guarded(name, state, 60.0))
    now[0] += 19
    assert "".join(words for chunk in plays.guards(course) for words, _ in chunk) == (
        "guards◔ 1 armed, 41 s left✔ 1 confirmed↶ 1 rolled-back◆ 1 locked-out"
    )
    assert [plays.state(course, name)[1] for name in NODES] == ["armed 41 s", "confirmed", "rolled-back", "locked-out"]
    now[0] += 60
    assert course.left() == 0.0
    course.take(Guarded(NODES[0], GuardState.CONFIRMED))
    assert course.left() is None


def test_one_nodes_story() -> None:
    course = told(*story(Plan((), check=True), NODES))
    page = lines(plays.node(course, "web01"))
    assert page[0].split() == ["●", "ok", *TASKS[0].split()]
    assert "--- before: /etc/motd" in page
    assert lines(plays.node(course, "web03"))[-1] == "motd: Write the rules: no space left on device"
    assert lines(plays.node(told(), "db01")) == ["nothing has happened there"]


def test_texts_have_an_end() -> None:
    course = told(TaskStarted(1, "a"))
    for number in range(3):
        big = str(number) * (TEXTS // 2 - 10)
        course.take(TaskResult(NODES[number], 1, "a", TaskState.FAILED, text=big))
    assert "artefacts" in course.heard(NODES[2])[0][0]
    course.take(TaskResult("db01", 1, "a", TaskState.FAILED, text="0" * (TEXTS // 2 - 10)))
    assert course.heard("db01")[0][0] == course.heard(NODES[0])[0][0]  # what is there already costs nothing


def test_a_host_that_nobody_named_gets_a_row() -> None:
    course = told(
        TaskResult("localhost", 0, "made up", TaskState.OK), TaskResult("localhost", 0, "other", TaskState.OK)
    )
    assert course.names[-1] == "localhost"
    assert shapes(course, "localhost") == "●●"


@settings(max_examples=60, deadline=None)
@given(
    cells=st.integers(1, 200),
    tasks=st.integers(0, 300),
    name=st.text(min_size=1, max_size=40),
    first=st.integers(0, 300),
    chosen=st.none() | st.integers(0, 300),
)
def test_rows_have_their_width_whatever_they_say(
    cells: int, tasks: int, name: str, first: int, chosen: int | None
) -> None:
    course = Course([name])
    for number in range(1, tasks + 1):
        course.take(TaskStarted(number, f"task \x1b[2J {number}"))
        course.take(TaskResult(name, number, "task", list(TaskState)[number % 7]))
    made = plays.layout(cells, width(name), tasks)
    words = "".join(part for part, _ in plays.row(course, name, made, first, chosen))
    head = "".join(part for part, _ in plays.titles(made, first, tasks, -1 if chosen is None else chosen))
    assert "\x1b" not in words and "\n" not in words
    assert width(words) == width(head)
    if cells >= 34:
        assert width(words) <= cells


@pytest.mark.parametrize("cells", [56, 76, 116, 156])
def test_glyphs_have_room_at_every_width(cells: int) -> None:
    assert plays.layout(cells, 12, 200).grid >= 20
    assert plays.layout(cells, 12, 5).grid >= 10


def test_a_flood_costs_little() -> None:
    names = [f"node{number:04}" for number in range(200)]
    course = Course(names)
    began = time.process_time()
    for number in range(1, 51):
        course.take(TaskStarted(number, f"task {number}"))
        for name in names:
            course.take(TaskResult(name, number, f"task {number}", TaskState.CHANGED, "", 0.1, "", DIFF))
    assert time.process_time() - began < 1.0  # 10,000 results: some 0.05 s
    assert sum(len(course.cells(row)) for row in range(200)) == 10_000
    assert len(course.changes) == 50


def test_said_lines_are_kept_to_a_number() -> None:
    course = told(*(Said(f"line {number}", alarm=number % 2 == 0) for number in range(6000)))
    assert len(course.log) == 5000 and course.said == 6000
    assert lines(plays.log(course))[-1].endswith("line 5999")


def test_every_state_has_a_shape_of_its_own() -> None:
    task_shapes = [plays.TASK_GLYPHS[state] for state in STATES]
    assert len(set(task_shapes)) == len(task_shapes)
    assert len(set(plays.GLYPHS.values())) == len(Ending)
    assert all(width(shape) == 1 for shape in (*task_shapes, *plays.GLYPHS.values()))
