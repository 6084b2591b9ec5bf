"""Whatever text comes from nodes and inventories: no line gets wider or narrower by it, nothing of it is a command, and markup is just text."""

from __future__ import annotations

import pytest

from gridtui.model import clean
from gridtui.tui import text

from .gallery import SCENES, open_scene, settle, shown
from .hostile import TEXTS, forbidden, hostile_fleet, lines, width
from .screens import screen_text


@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_cleaned_is_as_wide_as_any_terminal_draws_it(kind: str) -> None:
    for given in (TEXTS[kind], TEXTS[kind] + "abc", "abc" + TEXTS[kind], TEXTS[kind][1:]):
        shown = clean(given)
        assert not forbidden(shown)
        assert text.width(shown) == width(shown)
        for cells in (1, 2, 5, 12, 40):
            assert width(text.fit(given, cells)) == cells
            assert width(text.fit(given, cells, right=True)) == cells
            assert width(text.window(shown, cells, 7)) <= 7


@pytest.mark.parametrize("scene", SCENES)
async def test_columns_stay_aligned_on_every_screen(scene: str) -> None:
    app = shown(hostile_fleet())
    async with app.run_test(size=(160, 50)) as pilot:
        await open_scene(app, pilot, scene)
        for size in ((160, 50), (80, 24), (40, 10)):
            await pilot.resize_terminal(*size)
            await settle(app, pilot)
            given = [" " * size[0], *screen_text(app).splitlines()]
            assert not lines(given), (size, lines(given))
            if size[0] == 160 and scene in ("fleet", "events", "exec-diff"):
                assert "[red]x[/]" in "\n".join(given)
