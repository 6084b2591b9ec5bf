"""Attempts on a real shell: what they give, how they end, what is told of them."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import pytest

from gridtui.jobs.model import Cause, Idle, Level, Needs, Phase
from gridtui.jobs.runner import Runner
from gridtui.ssh.local import LocalConnection

from .conftest import ended, here, lives, run, until
from .orders import LAUNCHER, QUEUE, order


async def happens(path: Path) -> str:
    """A job's own sign that it came so far."""
    await until(lambda: path.exists() and path.read_text().strip() != "")
    return path.read_text().strip()  # noqa: ASYNC240


async def test_a_job_runs_and_its_end_is_told(runner: Runner, home: Path) -> None:
    report = await run(runner, order("echo out; echo err >&2; pwd; exit 3"))
    work = f"{home}/spool/{report.key}/work"
    assert (report.phase, report.exit, report.cause, report.why) == (Phase.ENDED, 3, Cause.EXIT, "")
    assert report.tail == f"out\nerr\n{work}\n".encode()
    assert (report.node, report.level, report.output) == ("here", Level.PLAIN, len(report.tail))
    assert report.elapsed is not None and report.elapsed < 30 and report.cpu is not None
    assert await runner.poll([report.key]) == [report]
    assert runner.folder(report.key) == str(home / "spool" / str(report.key))


async def test_a_second_start_starts_nothing(runner: Runner) -> None:
    wanted = order("echo once >>../tmp/count; cat ../tmp/count")
    first = await run(runner, wanted)
    assert await runner.start(wanted, LAUNCHER) == first
    assert first.tail == b"once\n"


@pytest.mark.parametrize(
    ("command", "status"), [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137), ("no-such-program", 127)]
)
async def test_the_exit_status_is_as_in_a_shell(runner: Runner, command: str, status: int) -> None:
    report = await run(runner, order(command))
    assert (report.exit, report.cause) == (status, Cause.EXIT)


async def test_the_environment_is_the_jobs_own(runner: Runner) -> None:
    """Names that the keeper and the launcher use themselves, values that a shell would take apart, and what each element is told."""
    values = {
        "job": "a b",
        "work": "/nowhere",
        "pid": "1",
        "PATH": os.environ["PATH"],
        "Q": 'it\'s "$(echo x)"\n\\n*',
        "key": "*",
    }
    show = "; ".join(f'printf "%s\\0" "${name}"' for name in (*values, "GRIDTUI_JOB", "GRIDTUI_INDEX", "GRIDTUI_ITEM"))
    wanted = order(show, env=values, index=7, item="-n 'x' $y \\z ")
    report = await run(runner, wanted)
    told = report.tail.decode().split("\0")
    assert told == [*values.values(), str(wanted.key.id), "7", "-n 'x' $y \\z ", ""]


async def test_items_of_any_length_and_kind(runner: Runner) -> None:
    for item in ("x" * 5000, "two\nlines", "\t \x01\x7f\x1b[31m", "\udcff\udc80"):
        report = await run(runner, order('printf %s "$GRIDTUI_ITEM" | cksum', index=1, item=item))
        raw = item.encode("utf-8", "surrogateescape")
        again = await run(runner, order(f"printf %s {shlex.quote(item)} | cksum"))
        assert report.tail == again.tail and report.tail.split()[1] == str(len(raw)).encode()


async def test_long_commands_and_scripts(runner: Runner) -> None:
    long = "x" * 9000
    report = await run(runner, order(f"echo {long} | wc -c\n# {long}\necho 'a\\nb'"))
    assert report.tail.split(b"\n", 1)[0].strip() == b"9001"
    script = await run(runner, order('#!/usr/bin/env -S awk -f\nBEGIN { print "awk"; exit 4 }'))
    assert (script.tail, script.exit) == (b"awk\n", 4)
    assert (await run(runner, order("#!/bin/sh -e\nfalse\necho on"))).exit == 1


async def test_inputs_are_laid_out_before_and_may_refuse(runner: Runner) -> None:
    report = await run(runner, order("cat in.txt"), inputs="echo here >work/in.txt")
    assert report.tail == b"here\n"
    report = await run(runner, order("cat in.txt"), inputs="echo first >&2; echo 'nothing there' >&2; exit 66")
    assert (report.phase, report.cause, report.why, report.exit) == (Phase.ENDED, Cause.REFUSED, "nothing there", None)


async def test_a_sandbox_that_breaks_is_the_nodes_fault(runner: Runner) -> None:
    broken = LAUNCHER.replace('echo began >"$job/began"', "echo 'no such wall' >&2; exit 70")
    report = await run(runner, order(), broken)
    assert (report.cause, report.why) == (Cause.BROKEN, "no such wall")
    refused = LAUNCHER.replace('echo began >"$job/began"', 'echo "no image" >"$job/refused"; exit 69')
    report = await run(runner, order(), refused)
    assert (report.cause, report.why) == (Cause.REFUSED, "no image")
    starved = LAUNCHER.replace("oom() { return 1; }", "oom() { return 0; }")
    assert (await run(runner, order("exit 137"), starved)).cause is Cause.MEMORY


async def test_what_a_sandbox_measures_is_told(runner: Runner) -> None:
    measured = LAUNCHER.replace("usage() { :; }", "usage() { echo 'cpu 1.25'; echo 'memory 4096'; }")
    report = await run(runner, order(), measured)
    assert (report.cpu, report.memory) == (1.25, 4096)


async def test_wall_time(runner: Runner) -> None:
    report = await run(runner, order("trap 'echo ending; exit 9' TERM; sleep 60 & wait", needs=Needs(wall=0.5)))
    assert (report.cause, report.exit, report.tail) == (Cause.WALL, 9, b"ending\n")
    assert report.elapsed is not None and 0.5 <= report.elapsed < 30


async def test_a_job_that_ignores_sigterm_and_forks_is_killed_whole(runner: Runner, home: Path) -> None:
    wanted = order(
        "trap '' TERM; (while :; do sleep 1; done) & echo $! >child; sleep 1000 & echo $$ >self; while :; do sleep 1; done"
    )
    await runner.start(wanted, LAUNCHER)
    work = home / "spool" / str(wanted.key) / "work"
    pids = [await happens(work / "self"), await happens(work / "child")]
    await runner.end([wanted.key], 1)
    report = await ended(runner, wanted.key)
    assert (report.cause, report.exit) == (Cause.CANCELLED, 137)
    assert not any(map(lives, pids))


async def test_what_a_job_leaves_behind_is_ended_with_it(runner: Runner, home: Path) -> None:
    report = await run(runner, order("trap '' HUP; sleep 1000 & echo $!"))
    assert (report.cause, report.exit) == (Cause.EXIT, 0) and not lives(report.tail.decode().strip())


async def test_frozen_and_let_go_on(runner: Runner, home: Path) -> None:
    wanted = order("echo 1 >begun; until [ -e ../tmp/go ]; do sleep 0.1; done; echo done")
    await runner.start(wanted, LAUNCHER)
    spool = home / "spool" / str(wanted.key)
    await happens(spool / "work" / "begun")
    told = runner.reports()
    await runner.freeze([wanted.key], True)
    assert (await anext(told)).phase is Phase.FROZEN
    assert [one.phase for one in await runner.poll([wanted.key])] == [Phase.FROZEN]
    await runner.freeze([wanted.key], False)
    assert (await anext(told)).phase is Phase.RUNNING
    (spool / "tmp" / "go").touch()
    report = await anext(told)
    assert (report.phase, report.tail) == (Phase.ENDED, b"done\n")


async def test_forgetting_what_runs_ends_it_and_leaves_nothing(runner: Runner, home: Path) -> None:
    wanted = order("trap '' TERM; mkdir -p a/b; chmod 0 a/b; echo $$ >self; sleep 1000")
    await runner.start(wanted, LAUNCHER)
    pid = await happens(home / "spool" / str(wanted.key) / "work" / "self")
    await runner.forget([wanted.key])
    await until(lambda: not (home / "spool" / str(wanted.key)).exists())
    assert not lives(pid)
    assert [one.phase for one in await runner.poll([wanted.key])] == [Phase.UNKNOWN]


async def test_forgotten_ones_are_not_told_of(runner: Runner, home: Path) -> None:
    reports = [await run(runner, order()) for _ in range(3)]
    keys = [report.key for report in reports]
    assert {one.key for one in await runner.poll()} == set(keys)
    await runner.forget(keys[:2])
    assert [one.phase for one in await runner.poll(keys)] == [Phase.UNKNOWN, Phase.UNKNOWN, Phase.ENDED]
    await runner.end(keys, 0)
    await runner.freeze(keys, True)


async def test_another_channel_takes_over(home: Path, shell: str) -> None:
    """The link dies while a job runs: what comes next finds it, and is told of its end."""
    first = LocalConnection("here", 10)
    runner = await Runner.open(first, "here", queue=QUEUE, shell=shell)
    wanted = order("until [ -e ../tmp/go ]; do sleep 0.1; done; echo $GRIDTUI_JOB; exit 5")
    await runner.start(wanted, LAUNCHER)
    await first.close()  # kills the channel's whole process group
    await runner.close()
    second = LocalConnection("here", 10)
    runner = await Runner.open(second, "here", queue=QUEUE, shell=shell)
    try:
        assert [(one.key, one.phase) for one in await runner.poll()] == [(wanted.key, Phase.RUNNING)]
        (home / "spool" / str(wanted.key) / "tmp" / "go").touch()
        report = await ended(runner, wanted.key)
        assert (report.exit, report.tail) == (5, f"{wanted.key.id}\n".encode())
    finally:
        await runner.close()
        await second.close()


async def test_a_new_channel_of_a_queue_cuts_off_the_old_one(runner: Runner, shell: str, home: Path) -> None:
    other = LocalConnection("here", 10)
    elsewhere = await Runner.open(other, "here", queue="ffff0000", shell=shell)
    newer = await Runner.open(other, "here", queue=QUEUE, shell=shell)
    await until(lambda: not runner.is_open)
    assert elsewhere.is_open and newer.is_open
    assert len(list((here(home) / "ears").iterdir())) == 2
    await elsewhere.close()
    await newer.close()
    await other.close()


async def test_the_owners_word(runner: Runner, home: Path, tmp_path: Path) -> None:
    """An opt-out file refuses new jobs and ends those that are there."""
    wanted = order("echo 1 >begun; exec sleep 1000")
    await runner.start(wanted, LAUNCHER)
    await happens(home / "spool" / str(wanted.key) / "work" / "begun")
    folder = tmp_path / ".config" / "gridtui"
    folder.mkdir(parents=True)
    (folder / "no-jobs").write_text("exams until Friday\n")
    refused = await runner.start(order(), LAUNCHER)
    assert (refused.phase, refused.cause) == (Phase.ENDED, Cause.REFUSED) and "exams until Friday" in refused.why
    report = await ended(runner, wanted.key)
    assert (report.cause, report.exit) == (Cause.EVICTED, 143) and "exams until Friday" in report.why
    assert "exams until Friday" in (await runner.beat()).closed
    (folder / "no-jobs").rename(folder / "no-idle-jobs")
    greeting = await runner.beat()
    assert greeting.closed == "" and "exams" in greeting.idle_closed
    idle = Idle(after=0, load=1000, battery=True)
    assert (await runner.start(order(idle=idle), LAUNCHER)).cause is Cause.REFUSED
    assert (await run(runner, order())).cause is Cause.EXIT


async def test_disk_that_is_not_there(runner: Runner) -> None:
    report = await runner.start(order(needs=Needs(disk=1 << 60)), LAUNCHER)
    assert (report.cause, report.why) == (Cause.REFUSED, "it has not enough space")


async def test_no_clock_is_asked(runner: Runner, home: Path) -> None:
    """What is told are durations since the node's start: its clock may be anything."""
    before = time.monotonic()
    report = await run(runner, order("sleep 0.3"))
    assert report.elapsed is not None and 0.2 <= report.elapsed <= time.monotonic() - before + 0.1
