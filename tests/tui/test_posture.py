"""Posture in the dashboard: the column, a node's findings, drift, and the way to mend it; through Textual's Pilot."""

from __future__ import annotations

import pytest

from gridtui.posture.model import Drift, Look, Posture, Unknown
from gridtui.settings import Guard, Settings
from gridtui.tui import upkeep
from gridtui.tui.screens.playbook import PlaybookScreen
from gridtui.tui.screens.posture import PostureScreen

from .books import look
from .fake import START, FakeFleet
from .screens import WIDE, begin, board, screen_text, table, until

MANY = Settings(guard=Guard(confirm_above=1000))


async def test_the_column_is_there_once_a_score_is_known() -> None:
    fleet = FakeFleet(6, settings=MANY)
    fleet.advance()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert "POSTURE" not in screen_text(app)
        await pilot.press("O")
        await until(pilot, lambda: "66 C" in screen_text(app))
        assert fleet.looked == list(fleet.nodes)
        assert "6 with high findings" in "\n".join(note.message for note in app._notifications)


async def test_what_is_known_is_shown_at_once_and_sorts() -> None:
    fleet = FakeFleet(6, settings=MANY)
    fleet.advance()
    last = list(fleet.nodes)[-1]
    fleet.known = {last: look(last, START)}
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: "66 C" in screen_text(app))
        while app.fleet_screen.sort != "posture":
            await pilot.press("greater_than_sign")
        assert table(app).names[0] == last  # what is not known comes last


async def test_findings_lead_to_the_playbook_that_mends_them() -> None:
    fleet = FakeFleet(6, settings=MANY)
    fleet.advance()
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, PostureScreen) and "66 C" in screen_text(app))
        name = next(iter(fleet.nodes))
        assert fleet.looked == [name]
        shown = screen_text(app)
        assert "password logins are allowed" in shown and "passwordauthentication yes" in shown
        assert "sshd.passwordauthentication: no → yes" in shown and "8080 (nc) opened" in shown
        assert "systemd-analyze security wants root" in shown and "accepted" in shown
        await pilot.press("enter")  # the made-up fleet has no playbook of that name
        await until(pilot, lambda: "there is no playbook ssh" in screen_text(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "set it to 1" in screen_text(app))
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlaybookScreen) and bool(fleet.played))
        plan, names = fleet.played[0]
        assert names == (name,) and plan.check and plan.playbooks[0].name == "firewall"
        assert plan.extra == {"firewall_allow": [22]}
        fleet.let_go()
        await until(pilot, lambda: not app.playbook_screen.running)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, PostureScreen))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: fleet.looked[-1] == list(fleet.nodes)[1])
        await pilot.press("R")
        await until(pilot, lambda: fleet.looked.count(list(fleet.nodes)[1]) == 2)


@pytest.mark.parametrize("cells", [20, 56, 76, 120])
def test_lines_keep_to_their_width(cells: int) -> None:
    kept = look("web01", START).posture
    assert kept is not None
    for finding in kept.findings:
        assert len("".join(words for words, _ in upkeep.line(finding, cells))) <= max(cells, 24)


def test_drift_and_its_absence() -> None:
    first = Look("a", Posture("a", START, None, None, 0, unknowns=(Unknown("x", "title", "why [b]"),)))
    assert upkeep.drift(Look("a"), START, 80) == []
    assert "no look before" in upkeep.drift(first, START, 80)[0][0][0]
    calm = Look("a", first.posture, Drift(START - 7200))
    assert upkeep.drift(calm, START, 80) == [(("nothing; the look before was 2h 0m ago", "dim"),)]
    assert any("no score" in words for chunk in upkeep.verdict(first, START) for words, _ in chunk)
    assert any("refused" in words for chunk in upkeep.verdict(Look("a", error="refused"), START) for words, _ in chunk)
