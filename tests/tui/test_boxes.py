"""`/` is alike everywhere: what was typed before comes back by Up, Tab completes where names are known, Esc leaves, a colon is a character."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from gridtui.tui.app import Dashboard
from gridtui.tui.narrowing import job_words, offers
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.widgets.candidates import Candidates
from gridtui.tui.widgets.completing import Completing

from .gallery import exhibit, open_scene, shown
from .screens import until

BOXES = ["fleet", "jobs", "exec-diff", "job", "help", "node-processes"]
"""Scenes whose screens have one."""


def box(app: Dashboard) -> Completing:
    """The one that is typed in."""
    assert isinstance(app.focused, Completing)
    return app.focused


async def slash(app: Dashboard, pilot: Pilot[int]) -> None:
    """Open it."""
    await pilot.press("slash")
    await until(pilot, lambda: isinstance(app.focused, Completing))


@pytest.mark.parametrize("scene", BOXES)
async def test_what_was_typed_comes_back(scene: str) -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        screen = app.screen
        for words in ("web", "gpu"):
            await slash(app, pilot)
            box(app).value = ""
            await pilot.press(*words, "enter")
            await until(pilot, lambda: not isinstance(app.focused, Completing))
        await slash(app, pilot)
        for key in "ctrl+u", "up":
            await pilot.press(key)
        await until(pilot, lambda: box(app).value == "gpu")
        await pilot.press("up")
        await until(pilot, lambda: box(app).value == "web")
        await pilot.press("down", "down", "colon", "question_mark")
        await until(pilot, lambda: box(app).value == ":?")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.focused, Completing))
        assert app.screen is screen


async def test_what_is_looked_for_in_output_is_kept_nowhere() -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "exec-diff")
        await slash(app, pilot)
        await pilot.press(*"hunter2", "enter")
        await until(pilot, lambda: app.typed("search").lines == ["hunter2"])
        assert "hunter2" not in str(app.keeping.get("typed"))


async def test_jobs_words_are_completed() -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "jobs")
        await slash(app, pilot)
        await pilot.press(*"fai")
        await until(pilot, lambda: [one.word for one in app.screen.query_one(Candidates).offers] == ["failed"])
        await pilot.press("tab", "space", *"ad", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.within == "failed ada")


def test_of_jobs_what_can_be_typed_is_offered() -> None:
    fleet = exhibit()
    words = dict(job_words(fleet.jobs))
    assert {"running", "failed", "ada", "render"} <= set(words)
    assert all(" " not in word and word.isprintable() for word in words)


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("", ["ada", "lost", "adam"]),
        ("ad", ["ada", "adam"]),
        ("lost a", ["lost ada", "lost adam"]),
        ("ada ad", ["ada adam"]),
        ("nothing ", ["nothing ada", "nothing lost", "nothing adam"]),
        ("zz", []),
    ],
)
def test_the_last_word_is_completed(line: str, texts: list[str]) -> None:
    words = [("ada", ""), ("lost", ""), ("adam", "")]
    assert [offer.text for offer in offers(line, words)] == texts


@pytest.mark.parametrize("scene", BOXES)
async def test_typed_in_one_piece_nothing_is_lost_nor_taken_for_a_key(scene: str) -> None:
    """A slow link delivers the slash, the words, Enter and what comes behind it at once."""
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        screen = app.screen
        for key in ["slash", *"web", "enter", "slash", *"q", "escape", "down"]:
            app.post_message(events.Key(key, {"slash": "/"}.get(key, key if len(key) == 1 else None)))
        kind = {"fleet": "filter", "jobs": "jobs", "help": "help", "node-processes": "narrow"}.get(scene, "search")
        await until(pilot, lambda: app.typed(kind).lines == ["web"] and not isinstance(app.focused, Completing))
        await pilot.pause()
        assert app.screen is screen and app.failure is None
