"""What the dashboard's tests share: one time zone, and apps over made-up fleets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import _wait

from gridtui.tui.widgets.lines import Lines

# Textual's pilot sleeps twice a key until the process is idle, by 20 ms: half of the time of these tests. What takes longer is waited for by itself.
_wait.SLEEP_GRANULARITY = 0.01


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Logs of runs go to a folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def _whole_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes by itself is there at once, and not a few lines a frame: who has seen one of its words has seen all."""
    monkeypatch.setattr(Lines, "AT_ONCE", 1000)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clocks on the screen show local time."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
