"""The benchmark's feed has all that the dashboard draws, so that what is measured is measured in time to come too."""

from __future__ import annotations

from typing import Any, cast

from benchmarks.feed import Feed
from gridtui.tui.app import Dashboard

from .screens import begin, screen_text, table, until


async def test_the_feed_is_shown() -> None:
    feed = Feed(60)
    app = Dashboard(cast(Any, feed))
    async with app.run_test(size=(160, 50)) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: "60 up" in screen_text(app))
        await pilot.press("j", "2", "3", "1", "u", "u", "greater_than_sign", "0")
        await until(pilot, lambda: len(table(app).names) == 60)
        await feed.close()
    assert app.failure is None
