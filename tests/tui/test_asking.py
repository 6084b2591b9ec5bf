"""Secrets that are asked for on the screen, and yes or no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from gridtui.fleet import Fleet
from gridtui.inventory import Inventory
from gridtui.settings import Settings
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.question import MOST, ConfirmScreen, SecretScreen, wrapped
from gridtui.tui.text import width

from ..ssh import openssh
from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, until


async def test_secrets_are_asked_for_one_after_the_other_and_never_shown() -> None:
    fleet = FakeFleet(3)
    app = board(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        assert fleet.ask is not None
        first = asyncio.ensure_future(fleet.ask("Passphrase for /keys/one: "))
        second = asyncio.ensure_future(fleet.ask("Passphrase for [b]/keys/two\x1b[2J: "))
        await until(pilot, lambda: "/keys/one" in screen_text(app))
        assert "/keys/two" not in screen_text(app)
        await pilot.press(*"hunter2")
        assert "•••••••" in screen_text(app)
        assert "hunter" not in screen_text(app)
        box = app.screen.query_one(Input)
        await pilot.press("ctrl+shift+a", "ctrl+x")  # nothing of it goes to a clipboard
        assert app.clipboard == ""
        await pilot.press("enter")
        assert await first == "hunter2"
        assert box.value == ""
        await until(pilot, lambda: "[b]/keys/two·[2J" in screen_text(app))
        await pilot.press("x", "escape")
        assert await second is None
        await until(pilot, lambda: app.screen is app.fleet_screen)


async def test_an_empty_answer_is_none() -> None:
    app = board(FakeFleet(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        asked = asyncio.ensure_future(app.asking.secret("Passphrase"))
        await until(pilot, lambda: isinstance(app.screen, SecretScreen))
        await pilot.press("enter")
        assert await asked is None


async def test_a_question_that_nobody_waits_for_goes_away() -> None:
    app = board(FakeFleet(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        asked = asyncio.ensure_future(app.asking.secret("Passphrase"))
        await until(pilot, lambda: isinstance(app.screen, SecretScreen))
        app.push_screen(ConfirmScreen("Over it", [("yes?", "text")], "y", "n"))
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        asked.cancel()
        await pilot.pause()
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.fleet_screen)


@pytest.mark.parametrize(("key", "answer"), [("y", True), ("n", False), ("escape", False)])
async def test_yes_or_no(key: str, answer: bool) -> None:
    app = board(FakeFleet(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        heard: list[bool | None] = []
        app.push_screen(ConfirmScreen("Run it?", [("[red]x[/] on web[01-99]", "strong")], "y", "n"), heard.append)
        await until(pilot, lambda: "[red]x[/] on web[01-99]" in screen_text(app))
        await pilot.press("enter")  # not a yes: it may belong to what was typed before
        assert not heard
        await pilot.press(key)
        await until(pilot, lambda: heard == [answer])


@pytest.mark.parametrize("words", ["", "a", "x" * 500, "web01," * 200, "データ" * 90, "one two " * 30])
def test_long_words_are_folded_and_bounded(words: str) -> None:
    lines = ["".join(part for part, _ in line) for line in wrapped(words, 20)]
    assert 1 <= len(lines) <= MOST
    assert all(width(line) <= 20 for line in lines)
    assert "".join(lines).replace(" ", "").startswith(words.replace(" ", "")[:60])


@pytest.mark.skipif(openssh.PROGRAM is None, reason=openssh.MISSING)
async def test_an_encrypted_key_opens_with_what_is_typed(tmp_path: Path) -> None:
    identity = openssh.keygen(tmp_path / "locked", passphrase="secret words")
    with openssh.Sshd(tmp_path / "sshd", identity=identity) as sshd:
        nodes = {name: sshd.node(name) for name in ("one", "two")}
        fleet = Fleet(Inventory(nodes, {}, {}, {}), Settings(ssh=sshd.settings()))
        app = Dashboard(fleet)
        async with app.run_test(size=WIDE) as pilot:
            try:
                await until(pilot, lambda: isinstance(app.screen, SecretScreen))
                await until(pilot, lambda: "Passphrase for" in screen_text(app))
                await pilot.press(*"wrong", "enter")
                await until(pilot, lambda: "That was wrong" in screen_text(app))
                await pilot.press(*"secret words", "enter")
                await until(pilot, lambda: all(fleet.status(name).reach.up for name in nodes))
                assert app.screen is app.fleet_screen  # asked once for both nodes
            finally:
                await fleet.close()
