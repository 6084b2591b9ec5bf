"""A started fleet records, begins with what was recorded, and goes on without where that cannot be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.events import Changed, Noted
from gridtui.fleet import Fleet
from gridtui.model import NOTHING
from gridtui.recorder import Recording
from gridtui.settings import History, Intervals, Settings

QUICK = replace(Settings(), intervals=Intervals(fast=0.2), thresholds=dict(NOTHING))


async def _until(what: Callable[[], object]) -> None:
    while not what():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.02)


async def test_plots_have_a_past_after_a_restart() -> None:
    async with Fleet.open(settings=QUICK) as fleet:
        await _until(lambda: len(fleet.history("localhost", "mem")) > 3)
        assert fleet.recording_trouble == ""
    path = fleet.recording
    assert path is not None
    with Recording.open(path) as recording:
        assert [
            value
            for value in recording.series("localhost", "mem", recording.since, recording.until + 10).values
            if value == value
        ]
        assert recording.facts()["localhost"].cpus > 0
    slow = replace(QUICK, intervals=Intervals(fast=60.0))
    restarted = time.time()

    def found() -> list[float]:
        return [event.time for event in fleet.log() if isinstance(event, Changed)]

    async with Fleet.open(settings=slow) as fleet:
        await _until(lambda: fleet._recorder and fleet._recorder.past)
        await _until(lambda: fleet.history("localhost", "mem"))
        values = fleet.history("localhost", "mem")
        assert [value for value in values if value == value]
        await _until(lambda: found()[-1] >= restarted)
        assert len(found()) == 2 and found()[0] < restarted


async def test_it_can_be_switched_off() -> None:
    async with Fleet.open(settings=replace(QUICK, history=History(on=False))) as fleet:
        await _until(lambda: fleet.history("localhost", "mem"))
    assert fleet.recording is None


async def test_without_a_folder_it_is_said_and_the_watching_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "gridtui").mkdir(mode=0o700)
    (tmp_path / "gridtui" / "history").write_text("no folder")
    async with Fleet.open(settings=QUICK) as fleet:
        await _until(lambda: fleet.history("localhost", "mem"))
        await _until(lambda: fleet.recording_trouble)
        told = [event for event in fleet.log() if isinstance(event, Noted) and event.alarm]
        assert any("no history is recorded" in event.text for event in told)


async def test_a_second_fleet_over_the_same_nodes_misses_nothing() -> None:
    async with Fleet.open(settings=QUICK) as first:
        await _until(lambda: first._recorder and first._recorder._tape)
        async with Fleet.open(settings=QUICK) as second:
            await _until(lambda: second._recorder and second._recorder.trouble)
            assert second.recording_trouble == ""
            assert not [event for event in second.log() if isinstance(event, Noted) and event.alarm]
