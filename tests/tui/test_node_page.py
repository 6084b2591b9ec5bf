"""A node's page: panels in columns, one of them on the whole page, processes and their signals, journals, containers, why it is ill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from gridtui.errors import ShellError
from gridtui.health import Ground, Range
from gridtui.model import Node, Reach, Reason, RoundTrips, State, Status, Unsupported, Verdict
from gridtui.model import PingMethod as Method
from gridtui.probes import Containers, Journal, Process
from gridtui.probes.cpu import Core
from gridtui.settings import Guard, Settings
from gridtui.tui import sheets
from gridtui.tui.app import Dashboard
from gridtui.tui.inquiry import ASKING, Answer, Inquiry
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.screens.signals import SignalScreen
from gridtui.tui.sheets import Parts, Row, View, having, place, processes
from gridtui.tui.sheets.cpu import cores
from gridtui.tui.sheets.why import rows as why_rows
from gridtui.tui.sheets.words import Later
from gridtui.tui.text import width
from gridtui.tui.widgets.masonry import GAP, columns, places
from gridtui.tui.widgets.page import NodePage
from gridtui.tui.widgets.sheet import SheetPanel
from gridtui.tui.widgets.whole import Whole, WholeLines

from .fake import START, FakeFleet, sick_fleet
from .screens import begin, board, screen_text, table, until

SIZE = (120, 40)


async def page(pilot: Pilot[int], app: Dashboard, name: str = "") -> NodeScreen:
    """The page of a node, opened from the table."""
    await begin(app, pilot)
    table(app).seek(name or next(iter(app.fleet.nodes)))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.query(NodePage))
    screen = app.screen
    assert isinstance(screen, NodeScreen)
    return screen


def told(app: Dashboard) -> str:
    """What was said in a corner."""
    return "\n".join(note.message for note in app._notifications)


def rows_of(app: Dashboard) -> list[str]:
    lines = app.screen.query_one(WholeLines)
    return ["".join(words for words, _ in row.parts) for row in lines.rows]


ILL = "web03"


# ---- the panels ----


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 10), (20, 5)])
async def test_every_panel_is_there_and_none_is_wider_than_the_page(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        screen = await page(pilot, app, ILL)
        await until(pilot, lambda: screen.query_one("#sheet-cpu").size.width)
        shown = [panel for panel in screen.query(SheetPanel) if panel.display]
        assert {panel.sheet.name for panel in shown} >= {
            "why",
            "cpu",
            "memory",
            "pressure",
            "disks",
            "events",
            "absent",
        }
        for panel in shown:
            assert panel.region.right <= size[0]
        first = {panel.region.x for panel in shown if "-span" not in (panel.parent.classes if panel.parent else ())}
        assert len(first) == max(1, (size[0] - 1 + GAP) // (38 + GAP))


async def test_what_has_nothing_to_say_takes_no_room() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, "web06")
        await until(pilot, lambda: screen.query_one("#sheet-cpu").size.width)
        for name in ("why", "gpus", "units", "processes", "containers", "jobs"):
            assert not screen.query_one(f"#sheet-{name}").display, name
        assert screen.query_one("#box-units").size.height == 0
        assert "no nvidia-smi" in "".join(
            words for parts in screen.query_one("#sheet-absent", SheetPanel)._lines for words, _ in parts
        )


async def test_a_panel_is_made_again_only_when_it_has_something_new() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, "web06")
        await until(pilot, lambda: screen.query_one("#sheet-cpu").size.width)
        made: list[str] = []

        def spy(panel: SheetPanel) -> None:
            before = panel.show

            def show(make: Callable[[int], Sequence[Parts]]) -> None:
                made.append(panel.sheet.name)
                before(make)

            panel.show = show  # type: ignore[method-assign]

        for panel in screen.query(SheetPanel):
            spy(panel)
        screen.freshen(False)
        screen.freshen(True)
        assert made == []
        fleet.advance(1)
        await until(pilot, lambda: "cpu" in made)
        assert {"facts", "inventory", "events", "why"}.isdisjoint(made)


async def test_tab_goes_to_panels_and_enter_gives_one_the_whole_page() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, ILL)
        await until(pilot, lambda: screen.query_one("#sheet-cpu").size.width)
        assert isinstance(app.focused, NodePage)
        await pilot.press("tab")
        assert isinstance(app.focused, SheetPanel)
        assert app.focused.sheet.name == "why"
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.focused, WholeLines))
        assert app.screen.query_one(Whole).sheet is not None
        assert not screen.query_one(NodePage).display
        assert screen.within == "cores"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.focused, SheetPanel) and screen.query_one(NodePage).display)
        assert app.focused.sheet.name == "cpu"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen))


async def test_the_page_moves_like_a_list() -> None:
    app = board()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await page(pilot, app, ILL)
        body = screen.query_one(NodePage)
        await until(pilot, lambda: body.max_scroll_y > 10)
        for key, line in (
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("g", 0),
            ("G", body.max_scroll_y),
            ("home", 0),
            ("pagedown", body.size.height - 1),
            ("pageup", 0),
        ):
            await pilot.press(key)
            await until(pilot, lambda: body.scroll_offset.y == line)  # noqa: B023 - waited for at once


async def test_what_is_on_the_whole_page_follows_the_node() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, ILL)
        screen._enlarge("events")
        await until(pilot, lambda: rows_of(app))
        count = len(rows_of(app))
        fleet.note(ILL, "something [b]else[/]")
        await until(pilot, lambda: len(rows_of(app)) == count + 1)
        assert "something [b]else[/]" in screen_text(app)


async def test_lines_are_narrowed_by_words() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("slash", *"ada", "enter")
        await until(pilot, lambda: len(app.screen.query_one(WholeLines).rows) == 1)
        assert "1 of 3 have ada" in screen_text(app)
        assert isinstance(app.focused, WholeLines)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen.query_one(WholeLines).rows) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one(NodePage).display)


async def test_words_on_the_page_are_for_the_panel_with_the_focus() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, ILL)
        await until(pilot, lambda: screen.query_one("#sheet-filesystems").size.width)
        await pilot.press("slash")
        await until(pilot, lambda: "Tab chooses a panel" in told(app))
        screen.set_focus(screen.query_one("#sheet-filesystems"))
        await pilot.press("slash", *"efi")
        await until(pilot, lambda: len(app.screen.query_one(WholeLines).rows) == 1)


async def test_another_node_takes_nothing_over_of_what_was_asked() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: screen.query_one(NodePage).display)
        assert not screen._processes.wanted
        assert not screen.query_one("#sheet-processes").display


# ---- processes ----


async def test_processes_are_sorted() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        await page(pilot, app)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "lists processes" in told(app))
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)

        def pids() -> list[int]:
            return [int(line.split()[0]) for line in rows_of(app)]

        assert pids() == [4021, 33, 812]
        for key, order in (
            ("greater_than_sign", [812, 4021, 33]),  # memory
            ("greater_than_sign", [4021, 33, 812]),  # time
            ("greater_than_sign", [33, 812, 4021]),  # number
            ("greater_than_sign", [33, 812, 4021]),  # name
            ("r", [4021, 812, 33]),
            ("less_than_sign", [33, 812, 4021]),
        ):
            await pilot.press(key)
            await until(pilot, lambda: pids() == order)  # noqa: B023 - waited for at once
        assert "▲PID" in screen_text(app)


async def test_the_cursor_stays_on_its_process() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("down")
        assert app.screen.query_one(WholeLines).key == "33.12"
        fleet.processes.insert(1, Process(99, "new", "root", "R", 50.0, 0, 1.0, 1, 0, 1, 5))
        screen._ask_processes()
        await until(pilot, lambda: len(rows_of(app)) == 4)
        assert app.screen.query_one(WholeLines).key == "33.12"


async def test_of_thousands_of_processes_only_those_in_sight_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = sick_fleet(12, ticks=4)
    fleet.processes[:] = [Process(n, f"p{n}", "root", "S", n / 100, n, 1.0, 1, 0, 1, n) for n in range(2, 5000)]
    made = 0
    before = processes._line

    def line(*words: Any) -> Parts:
        nonlocal made
        made += 1
        return before(*words)

    monkeypatch.setattr(processes, "_line", line)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query_one(WholeLines).count == 4998)
        await pilot.press("G")
        await until(pilot, lambda: app.screen.query_one(WholeLines).key == "2.2")
        fleet.processes.append(Process(9999, "new", "root", "S", 99.0, 1, 1.0, 1, 0, 1, 9))
        screen._ask_processes()
        await until(pilot, lambda: app.screen.query_one(WholeLines).count == 4999)
        assert app.screen.query_one(WholeLines).key == "2.2"
        assert made < 1000


async def signal(pilot: Pilot[int], app: Dashboard, *keys: str) -> None:
    """Send the process under the cursor the signal that the keys lead to, up to the question."""
    await pilot.press("K")
    await until(pilot, lambda: isinstance(app.screen, SignalScreen) and "asks it to end" in screen_text(app))
    await pilot.press(*keys, "enter")
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "Send it" in screen_text(app))


async def test_a_signal_is_chosen_by_name_and_asked_about() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        node = (await page(pilot, app)).node
        await pilot.press("K")
        await until(pilot, lambda: "to choose one from" in told(app))
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("G")
        await signal(pilot, app, "down")
        asked = screen_text(app)
        assert "812 ada-shell of ada" in asked
        assert "KILL ends it at once" in asked
        assert "sudo" not in asked
        await pilot.press("n")
        await until(pilot, lambda: "nothing was sent" in told(app))
        assert fleet.signals == []
        await signal(pilot, app, "down")
        await pilot.press("y")
        await until(pilot, lambda: fleet.signals == [(node, 812, "KILL", False)])
        await until(pilot, lambda: len(rows_of(app)) == 2)


async def test_another_users_process_gets_it_through_sudo() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        node = (await page(pilot, app)).node
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await signal(pilot, app)
        assert "through sudo" in screen_text(app)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SecretScreen))
        await pilot.press(*"s3cret", "enter")
        await until(pilot, lambda: fleet.secret == "s3cret" and fleet.signals == [(node, 4021, "TERM", True)])


async def test_a_process_that_is_gone_gets_nothing_and_it_is_said() -> None:
    fleet = sick_fleet(12, ticks=4)
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("G")
        await signal(pilot, app)
        fleet.processes.clear()
        await pilot.press("y")
        await until(pilot, lambda: "not sent: it has ended" in told(app))


async def test_read_only_sends_nothing() -> None:
    fleet = sick_fleet(12, ticks=4, settings=Settings(guard=Guard(read_only=True)))
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await page(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("K")
        await until(pilot, lambda: "read-only" in told(app))
        assert isinstance(app.screen, NodeScreen)
        assert fleet.signals == []


# ---- units and containers ----


async def test_enter_on_a_failed_unit_shows_the_end_of_its_journal() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, ILL)
        await until(pilot, lambda: screen.query_one("#sheet-units").display)
        screen.set_focus(screen.query_one("#sheet-units"))
        await pilot.press("enter")
        await until(pilot, lambda: "certbot.service" in screen_text(app) and screen._over == ["units"])
        await pilot.press("enter")
        await until(pilot, lambda: "[b]try[/] 59 failed" in screen_text(app))
        assert "Journal of certbot.service" in screen_text(app)
        await pilot.press("g")
        await until(pilot, lambda: "failed, exit-code, status 1" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: screen._over == ["units"])
        await pilot.press("enter", "escape", "escape")
        await until(pilot, lambda: not screen._over)


async def test_a_journal_that_may_not_be_read_says_so() -> None:
    fleet = sick_fleet(12, ticks=4)
    fleet.journals.clear()
    app = board(fleet)
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app, ILL)
        await until(pilot, lambda: screen.query_one("#sheet-units").display)
        screen._enlarge("units")
        await until(pilot, lambda: len(rows_of(app)) > 0)
        await pilot.press("enter")
        await until(pilot, lambda: "this login may not read it" in screen_text(app))


async def test_containers_are_asked_for_once() -> None:
    app = board()
    async with app.run_test(size=SIZE) as pilot:
        screen = await page(pilot, app)
        assert not screen.query_one("#sheet-containers").display
        await pilot.press("c")
        await until(pilot, lambda: "web-[b]1[/]" in screen_text(app))
        assert "podman: this login may not ask it" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: screen.query_one("#sheet-containers").display)
        await pilot.press("c", "c")
        await until(pilot, lambda: not screen.query_one("#sheet-containers").display and not screen._over)


# ---- the pure parts ----


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30),
    st.integers(1, 6),
)
def test_panels_never_lie_over_one_another(panels: list[tuple[int, bool]], count: int) -> None:
    heights, spans = [height for height, _ in panels], [span for _, span in panels]
    found = places(heights, spans, count)
    taken: set[tuple[int, int]] = set()
    for (column, line), height, span in zip(found, heights, spans, strict=True):
        for x in range(count) if span else (column,):
            cells = {(x, line + y) for y in range(height)}
            assert not cells & taken
            taken |= cells
    # What was in a column stays there when heights change.
    columns_before = [column for column, _ in found]
    again = places([height + 1 for height in heights], spans, count, columns_before)
    assert [column for column, _ in again] == columns_before


@pytest.mark.parametrize(("cells", "count"), [(1, 1), (38, 1), (76, 1), (77, 2), (80, 2), (120, 3), (200, 5)])
def test_columns(cells: int, count: int) -> None:
    assert columns(cells) == count


@pytest.mark.parametrize("cells", [20, 38, 60, 120, 198])
@pytest.mark.parametrize("number", [1, 2, 64, 128, 1024])
@pytest.mark.parametrize("whole", [True, False])
def test_any_number_of_cores(number: int, cells: int, whole: bool) -> None:
    lines = cores([Core(n, None if n % 7 == 3 else n % 101) for n in range(number)], cells, whole)
    said = "".join(words for parts in lines for words, _ in parts)
    assert all(sum(width(words) for words, _ in parts) <= max(cells, 20) + 2 for parts in lines)
    if whole:
        assert said.count("%") == len([n for n in range(number) if n % 7 != 3])
    else:
        assert len(lines) <= max(8, -(-number // (max(1, (cells - 5) // 9) * 8)))


def a_view(*grounds: Ground) -> View:
    reasons = tuple(ground.reason for ground in grounds)
    verdict = Verdict("a", State.CRITICAL, START, reasons=reasons)
    status = Status(Node("a", "198.18.0.1"), Reach(START), RoundTrips(Method.ICMP), verdict)
    return View(status, START + 185, grounds)


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        (
            Ground(Reason("disk", State.CRITICAL, "/ is full", START, 97.0), Range.parse("95"), 1.0, 0, 5),
            "rule disk, critical, fine up to 95 %, now 97 %, for 3m, ends after 5 fine samples in a row",
        ),
        (
            Ground(Reason("mem.free", State.WARNING, "little", START, 2**30), Range.parse("8G:", "B"), None, 2, 5),
            "rule mem.free, warning, fine from 8.0 GB on, now 1.0 GB, for 3m, 2 of 5 samples in a row are fine again",
        ),
        (
            Ground(Reason("clock", State.WARNING, "off", START, 2.5, soft=True), Range.parse("-1:1"), 0.2, 3, 5),
            "rule clock, warning, fine from -1 s to 1 s, now 2.5 s, for 3m, not yet counted: 3 of 5 samples in a row",
        ),
        (
            Ground(Reason("load", State.WARNING, "odd", START, 5.0), Range.parse("@4:6"), None, 0, 1),
            "rule load, warning, not fine from 4 to 6, now 5, for 3m, ends after 1 fine sample in a row",
        ),
        (Ground(Reason("flapping", State.WARNING, "comes and goes", START)), "rule flapping, warning, for 3m"),
    ],
)
def test_why_in_words(ground: Ground, words: str) -> None:
    rows = why_rows(a_view(ground), 200)
    assert ground.reason.text in "".join(part for part, _ in rows[0].parts)
    assert "".join(part for part, _ in rows[1].parts).strip() == words


@given(st.integers(1, 100), st.lists(st.text(max_size=4), max_size=3))
def test_rows_that_are_made_later_are_narrowed_like_others(count: int, words: list[str]) -> None:
    items = [f"{n} é[b]{n % 3}" for n in range(count)]
    later = Later(items, lambda one: ((one, "text"),), lambda one: one, lambda one: one)
    plain = [Row(((one, "text"),), one) for one in items]
    lower = [word.lower() for word in words]
    assert list(having(later, lower)) == list(having(plain, lower))
    assert len(later) == count
    assert list(later[:3]) == plain[:3]
    assert place(later, items[-1]) == place(plain, items[-1]) == items.index(items[-1])
    assert place(later, "nowhere") is None


def test_the_largest_process_is_first_whatever_it_is_sorted_by() -> None:
    found = FakeFleet(1).processes
    assert [one.pid for one in processes.arranged(found, "mem", False)] == [812, 4021, 33]
    assert [one.pid for one in processes.arranged(found, "pid", True)] == [4021, 812, 33]
    for cells in (20, 40, 55, 80, 200):
        view = View(a_view().status, START, processes=Answer(tuple(found)))
        assert all(width("".join(part for part, _ in row.parts)) for row in processes.rows(view, cells))


def test_containers_where_there_is_nothing() -> None:
    status = a_view().status

    def said(found: Containers) -> str:
        view = View(status, START, containers=Answer(found))
        sheet = next(sheet for sheet in sheets.SHEETS if sheet.name == "containers")
        return "\n".join("".join(part for part, _ in row.parts) for row in sheet.rows(view, 80))

    assert said(Containers()) == "neither docker nor podman is there"
    assert said(Containers(engines=("podman",))) == "podman: no containers"
    assert said(Containers(errors=("docker: its daemon does not run",))) == "docker: its daemon does not run"


def test_a_hostile_journal_is_plain_text_in_lines_that_fit() -> None:
    answer = Journal("a.service", {"ActiveState": "failed"}, ("2026 [red]x[/] " + "y" * 300, "データ" * 40))
    for row in sheets.journal(answer, 60):
        assert sum(width(words) for words, _ in row.parts) <= 62


def test_what_is_not_there_is_named_once() -> None:
    status = a_view().status
    assert sheets.absent(status, 60) == []
    assert Unsupported("no GPU").why


async def test_an_answer_that_nobody_waits_for_counts_no_more() -> None:
    heard: list[Answer | None] = []
    inquiry = Inquiry(lambda: heard.append(inquiry.answer))
    gate = asyncio.Event()

    async def slow() -> int:
        await gate.wait()
        return 1

    async def refused() -> int:
        raise ShellError("[b]no[/]\x1b[2J")

    asking = asyncio.create_task(inquiry.ask(slow))
    await asyncio.sleep(0)
    await inquiry.ask(refused)  # one question at a time
    assert heard == [ASKING]
    inquiry.forget()
    gate.set()
    await asking
    assert inquiry.answer is None
    await inquiry.ask(refused)
    assert inquiry.answer == Answer(words="[b]no[/]·[2J")
