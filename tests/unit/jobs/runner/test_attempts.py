"""Attempts on a real shell: what they give, what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.jobs.model import Cause, Level, Phase
from gridtui.jobs.runner import Runner

from .conftest import ended, run
from .orders import LAUNCHER, order


async def test_a_job_runs_and_its_end_is_told(runner: Runner, home: Path) -> None:
    report = await run(runner, order("echo out; echo err >&2; pwd; exit 3"))
    work = f"{home}/spool/{report.key}/work"
    assert (report.phase, report.exit, report.cause, report.why) == (Phase.ENDED, 3, Cause.EXIT, "")
    assert report.tail == f"out\nerr\n{work}\n".encode()
    assert (report.node, report.level, report.output) == ("here", Level.PLAIN, len(report.tail))
    assert report.elapsed is not None and report.elapsed < 30 and report.cpu is not None
    assert await runner.poll([report.key]) == [report]


async def test_a_second_start_starts_nothing(runner: Runner) -> None:
    wanted = order("echo once >>../count; cat ../count")
    first = await run(runner, wanted)
    assert await runner.start(wanted, LAUNCHER) == first
    assert first.tail == b"once\n"


async def test_forgotten_attempts_leave_nothing(runner: Runner, home: Path) -> None:
    report = await run(runner, order())
    await runner.forget([report.key])
    assert [one.phase for one in await runner.poll([report.key])] == [Phase.UNKNOWN]


@pytest.mark.parametrize(
    ("command", "status"), [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137), ("no-such-program", 127)]
)
async def test_the_exit_status_is_as_in_a_shell(runner: Runner, command: str, status: int) -> None:
    report = await run(runner, order(command))
    assert (report.exit, report.cause) == (status, Cause.EXIT)
    _ = ended
