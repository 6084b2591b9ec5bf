"""A playbook's run as lines of text with roles: a node's row, the titles, pages of failures and changes. Owns what they say; pure.

Every state is a shape and not only a colour. What a node sent is neutral already (`playbooks.model`), and is shown as plain text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..playbooks.model import Ending, GuardState, Plan, TaskState
from . import text
from .columns import Parts
from .course import STATES, Course, folded
from .output import Line, Page

RUNNING = "▸"
WAITING = "○"

TASK_GLYPHS: Mapping[TaskState | None, str] = {
    None: " ",
    TaskState.RUNNING: RUNNING,
    TaskState.OK: "●",
    TaskState.CHANGED: "■",
    TaskState.SKIPPED: "·",
    TaskState.IGNORED: "!",
    TaskState.FAILED: "✖",
    TaskState.UNREACHABLE: "▲",
}
TASK_ROLES: Mapping[TaskState | None, str] = {
    None: "faint",
    TaskState.RUNNING: "accent",
    TaskState.OK: "ok",
    TaskState.CHANGED: "warning",
    TaskState.SKIPPED: "faint",
    TaskState.IGNORED: "dim",
    TaskState.FAILED: "critical",
    TaskState.UNREACHABLE: "critical",
}
GLYPHS: Mapping[Ending, str] = {
    Ending.OK: "●",
    Ending.CHANGED: "■",
    Ending.FAILED: "✖",
    Ending.UNREACHABLE: "▲",
    Ending.ROLLED_BACK: "↶",
    Ending.LOCKED_OUT: "◆",
    Ending.MATCHING: "=",
    Ending.CANCELLED: "‖",
    Ending.SKIPPED: "○",
}
ROLES: Mapping[Ending, str] = {
    Ending.OK: "ok",
    Ending.CHANGED: "warning",
    Ending.FAILED: "critical",
    Ending.UNREACHABLE: "critical",
    Ending.ROLLED_BACK: "critical",
    Ending.LOCKED_OUT: "critical",
    Ending.MATCHING: "dim",
    Ending.CANCELLED: "dim",
    Ending.SKIPPED: "dim",
}
FATES: Mapping[str, Ending] = {
    "rolled-back": Ending.ROLLED_BACK,
    "locked-out": Ending.LOCKED_OUT,
    "failed": Ending.FAILED,
}
"""What became of a change (`playbooks.guard.Fate`) as an ending; where nothing was decided, the node's stays."""
_GUARDS: Mapping[GuardState, tuple[str, str]] = {
    GuardState.ARMED: ("◔", "warning"),
    GuardState.CONFIRMED: ("✔", "ok"),
    GuardState.ROLLED_BACK: ("↶", "critical"),
    GuardState.LOCKED_OUT: ("◆", "critical"),
}
_SHAPES = [TASK_GLYPHS[state] for state in STATES]
_COLOURS = [TASK_ROLES[state] for state in STATES]
_AT = STATES.index(TaskState.RUNNING)


# ---- the grid ----


@dataclass(frozen=True, slots=True)
class Layout:
    """How many cells each part of a row has. 0: it is not shown."""

    state: int
    name: int
    task: int
    grid: int


_COUNT = 5
_COUNTS = ((TaskState.OK, "OK"), (TaskState.CHANGED, "CHG"), (TaskState.FAILED, "BAD"))


def layout(cells: int, longest: int, tasks: int) -> Layout:
    """How a row of `cells` cells is divided: the tasks' glyphs first, then what a node is at."""
    state = 15 if cells >= 90 else 2
    name = max(6, min(longest, 12 if cells < 70 else 16 if cells < 110 else 28))
    room = cells - state - name - 1 - _COUNT * len(_COUNTS) - 1
    wish = max(10, tasks)
    task = max(0, min(40, room - wish - 1))
    if task < 10:
        # not before there is room for a word of it, or the glyphs have had their share
        task = 0 if room < 36 else min(24, room // 3)
    return Layout(state, name, task, max(0, room - task - (1 if task else 0)))


def titles(made: Layout, first: int, count: int, chosen: int) -> Parts:
    """The titles; above the glyphs a ruler that marks every tenth task, and the chosen one."""
    counts = "".join(f"{title:>{_COUNT - 1}} " for _, title in _COUNTS)
    head = text.fit("STATE" if made.state > 2 else "", made.state) + text.fit("NODE", made.name + 1) + counts + " "
    ruler = [" "] * made.grid
    for column in range(first, min(count, first + made.grid)):
        number = column + 1
        ruler[column - first] = "·" if number % 5 == 0 else " "
        if number % 10 == 0:
            for at, char in enumerate(str(number)):
                place = column - first - len(str(number)) + 1 + at
                if place >= 0:
                    ruler[place] = char
    at = chosen - first
    task = text.fit(" TASK", made.task + 1) if made.task else ""
    if not 0 <= at < len(ruler):
        return (head, "header"), ("".join(ruler), "header"), (task, "header")
    return (
        (head, "header"),
        ("".join(ruler[:at]), "header"),
        ("▾", "header-sort"),
        ("".join(ruler[at + 1 :]), "header"),
        (task, "header"),
    )


def row(course: Course, name: str, made: Layout, first: int, chosen: int | None) -> Parts:
    """A node's row: how it is, how its tasks ended, a glyph a task from column `first` on, what it is at. `chosen` is set apart."""
    number = course.row(name)
    shape, said, role = state(course, name)
    counts = course.counted(number)
    bad = counts[TaskState.FAILED] + counts[TaskState.UNREACHABLE]
    figures = (counts[TaskState.OK], counts[TaskState.CHANGED], bad)
    parts: list[tuple[str, str]] = [
        (text.fit(f"{shape} {said}" if made.state > 2 else shape, made.state), role),
        (text.fit(name, made.name) + " ", "strong"),
    ]
    for figure, tone in zip(figures, ("text", "warning", "critical"), strict=True):
        parts.append((f"{figure:>{_COUNT - 1}} ", tone if figure else "faint"))
    parts.append((" ", "text"))
    parts += glyphs(course.cells(number), first, made.grid, chosen, course.at(number))
    if made.task:
        words, tone = _doing(course, name)
        parts.append((text.fit(" " + words, made.task + 1), tone))
    return tuple(parts)


def glyphs(cells: bytearray, first: int, room: int, chosen: int | None = None, at: int = -1) -> list[tuple[str, str]]:
    """A glyph for each task from column `first` on, in exactly `room` cells. `at`: the column that the node is at."""
    seen = cells[first : first + room]
    if first <= at < first + room and (at >= len(cells) or not cells[at]):
        seen = seen + bytes(at - first - len(seen) + 1) if at - first >= len(seen) else seen[:]
        seen[at - first] = _AT
    parts: list[tuple[str, str]] = []
    used = 0
    for code, run in groupby(seen):
        count = sum(1 for _ in run)
        parts.append((_SHAPES[code] * count, _COLOURS[code]))
        used += count
    if used < room:
        parts.append((" " * (room - used), "faint"))
    if chosen is not None and 0 <= chosen - first < room:
        return _apart(parts, chosen - first)
    return parts


def _apart(parts: list[tuple[str, str]], place: int) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    for words, role in parts:
        if at <= place < at + len(words):
            cut = place - at
            for piece, tone in ((words[:cut], role), (words[cut], "match"), (words[cut + 1 :], role)):
                if piece:
                    out.append((piece, tone))
        else:
            out.append((words, role))
        at += len(words)
    return out


def word(ending: Ending, dry: bool) -> str:
    """An ending, for people: what a dry run calls changed would only be."""
    return "would change" if dry and ending is Ending.CHANGED else str(ending)


def state(course: Course, name: str) -> tuple[str, str, str]:
    """A node's state: shape, word, role."""
    ending = course.ending(name)
    if ending is not None:
        return GLYPHS[ending], word(ending, course.dry), ROLES[ending]
    guard = course.guard(name)
    if guard is not None:
        shape, role = _GUARDS[guard[0]]
        return shape, f"armed {guard[1]:.0f} s" if guard[0] is GuardState.ARMED else str(guard[0]), role
    if course.waits(name):
        return WAITING, "waits", "dim"
    return RUNNING, "running", "accent"


def _doing(course: Course, name: str) -> tuple[str, str]:
    """What a node is at, or why it ended as it did."""
    outcome = course.outcomes.get(name)
    if outcome is not None:
        if outcome.error:
            return outcome.error, ROLES[outcome.status]
        return (f"{outcome.seconds:.1f} s" if outcome.seconds else ""), "dim"
    column = course.at(course.row(name))
    return (course.tasks[column].title if column >= 0 else ""), "dim"


# ---- the plan ----


def named(plan: Plan) -> str:
    """`firewall, ssh (dry run)`."""
    kind = "dry run" if plan.check else ""
    words = ", ".join(word for word in (kind, "undo" if plan.undo else "") if word)
    return ", ".join(one.name for one in plan.playbooks) + (f" ({words})" if words else "")


def options(plan: Plan) -> list[Parts]:
    """How it runs, where that is not as always."""
    chunks: list[Parts] = []
    if plan.undo:
        chunks.append((("undo", "warning"),))
    if any(one.cuts for one in plan.playbooks):
        chunks.append((("window ", "dim"), (f"{plan.window:g} s", "text")))
    if plan.batches:
        chunks.append((("batches ", "dim"), (",".join(plan.batches), "text")))
    if plan.skip_matching:
        chunks.append((("without those that match", "text"),))
    if plan.extra:
        chunks.append((("variables ", "dim"), (text.plain(", ".join(plan.extra)), "text")))
    return chunks


# ---- sums ----


def counts(course: Course) -> list[Parts]:
    """`▸ 3 running  ■ 5 changed  ✖ 1 failed`, as chunks."""
    found = dict.fromkeys(Ending, 0)
    running = waiting = 0
    for name in course.names:
        ending = course.ending(name)
        if ending is not None:
            found[ending] += 1
        elif course.waits(name):
            waiting += 1
        else:
            running += 1
    chunks: list[Parts] = [((f"{RUNNING} {running} running", "accent"),)] if running else []
    chunks += [
        ((f"{GLYPHS[one]} {count} {word(one, course.dry)}", ROLES[one]),) for one, count in found.items() if count
    ]
    return chunks + ([((f"{WAITING} {waiting} wait", "dim"),)] if waiting else [])


def guards(course: Course) -> list[Parts]:
    """`guards  ◔ 2 armed, 41 s left  ✔ 3 confirmed`, as chunks; nothing where there is no guard."""
    found = course.guards()
    chunks: list[Parts] = []
    for one, (shape, role) in _GUARDS.items():
        if count := found.get(one, 0):
            left = course.left() if one is GuardState.ARMED else None
            more = f", {left:.0f} s left" if left is not None else ""
            chunks.append(((f"{shape} {count} {one}{more}", role),))
    return [(("guards", "dim"),), *chunks] if chunks else []


def task_line(course: Course, column: int) -> list[Parts]:
    """The chosen task, and how it ended on its nodes."""
    if not 0 <= column < len(course.tasks):
        return []
    chunks: list[Parts] = [
        ((f"task {column + 1} of {len(course.tasks)} ", "dim"), (text.plain(course.tasks[column].title), "strong"))
    ]
    return chunks + [
        ((f"{TASK_GLYPHS[one]} {count} {one}", TASK_ROLES[one] if one is not TaskState.SKIPPED else "dim"),)
        for one, count in course.column(column).items()
        if count
    ]


def headline(course: Course, seconds: float) -> str:
    """`12 nodes in 31.0 s: 10 ok, 2 failed`."""
    found: dict[Ending, int] = {}
    for name in course.names:
        if (ending := course.ending(name)) is not None:
            found[ending] = found.get(ending, 0) + 1
    took = f"{seconds:.1f} s" if seconds < 60 else text.age(seconds)
    count = len(course.names)
    parts = ", ".join(f"{found[one]} {word(one, course.dry)}" for one in Ending if one in found)
    return f"{count} node{'' if count == 1 else 's'} in {took}: {parts or 'nothing was run'}"


# ---- pages ----

Fold = Callable[[Iterable[str]], str]
Run = tuple[str, Sequence[Line]]


def _nodes(names: Sequence[str], fold: Fold) -> str:
    return f"{len(names)} node{'' if len(names) == 1 else 's'}: {fold(names)}"


def log(course: Course) -> Page:
    """All that was said, oldest first."""
    runs = [(role, [line for _, line in lines]) for role, lines in groupby(course.log, key=lambda one: one[0])]
    return Page(runs or [("faint", ["Ansible starts ..."])])


def failures(course: Course, fold: Fold) -> Page:
    """Tasks that failed, alike ones together, each with its text; then nodes that ended badly for another reason."""
    runs: list[Run] = []
    told: set[str] = set()
    for heap, node_set in folded(course.failures.values(), fold):
        told |= set(heap.names)
        runs += [
            (TASK_ROLES[heap.state], [f"{TASK_GLYPHS[heap.state]} {heap.state}: {course.tasks[heap.task].title}"]),
            ("accent", [f"  {len(heap.names)} on {node_set}"]),
            ("text", [*(f"  {line}" for line in heap.text.splitlines()), ""]),
        ]
    rest: dict[tuple[Ending, str, str], list[str]] = {}
    for name, outcome in course.outcomes.items():
        if name not in told and (outcome.error or outcome.evidence):
            rest.setdefault((outcome.status, outcome.error, outcome.evidence), []).append(name)
    for (status, error, evidence), names in rest.items():
        runs += [
            (ROLES[status], [f"{GLYPHS[status]} {status}"]),
            ("accent", [f"  {len(names)} on {fold(names)}"]),
            ("text", [*(f"  {line}" for line in (error, *evidence.splitlines()) if line), ""]),
        ]
    if course.result is not None and course.result.error:
        runs.insert(0, ("critical", [*course.result.error.splitlines(), ""]))
    return Page(runs or [("faint", ["nothing failed"])])


def changes(course: Course, fold: Fold) -> Page:
    """What changed, or would: equal diffs once, under their nodes. Tasks that changed without a diff are named too."""
    runs: list[Run] = []
    heaps = folded(course.changes.values(), fold)
    with_diff: dict[int, set[str]] = {}
    for heap, _ in heaps:
        with_diff.setdefault(heap.task, set()).update(heap.names)
    by_task: dict[int, list[Run]] = {}
    for heap, node_set in heaps:
        by_task.setdefault(heap.task, []).extend(
            [("accent", [f"  {len(heap.names)} on {node_set}"]), ("diff", [*heap.text.splitlines(), ""])]
        )
    for column, task in enumerate(course.tasks):
        silent = []
        if course.column(column)[TaskState.CHANGED]:
            code = STATES.index(TaskState.CHANGED)
            shown = with_diff.get(column, set())
            silent = [
                name
                for row, name in enumerate(course.names)
                if len(cells := course.cells(row)) > column and cells[column] == code and name not in shown
            ]
        if column not in by_task and not silent:
            continue
        runs.append(("warning", [f"{TASK_GLYPHS[TaskState.CHANGED]} {task.title}"]))
        runs += by_task.get(column, [])
        if silent:
            runs += [
                ("accent", [f"  {len(silent)} on {fold(silent)}"]),
                ("dim", ["  changed; it tells no difference", ""]),
            ]
    return Page(runs or [("faint", ["nothing changed"])])


def node(course: Course, name: str) -> Page:
    """All that happened on one node, task by task."""
    runs: list[Run] = []
    heard = course.heard(name)
    for column, code in enumerate(course.cells(course.row(name))):
        one = STATES[code]
        if one is None:
            continue
        runs.append((TASK_ROLES[one], [f"{TASK_GLYPHS[one]} {one:<11} {course.tasks[column].title}"]))
        said, diff = heard.get(column, ("", ""))
        runs += [("text", [f"    {line}" for line in said.splitlines()]), ("diff", diff.splitlines())]
    outcome = course.outcomes.get(name)
    if outcome is not None and outcome.error:
        runs += [("critical", ["", outcome.error]), ("dim", outcome.evidence.splitlines())]
    return Page(runs or [("faint", ["nothing has happened there"])])
