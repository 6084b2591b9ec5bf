"""Output: kept whole where it is short, its beginning and its end where it is long, and never more than that."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gridtui.jobs.model import Cause, Phase
from gridtui.jobs.runner import Runner

from .conftest import ended, run, until
from .orders import LAUNCHER, order

LIMIT = 1 << 20


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir() if file.name.startswith(("out", "end")))


async def test_short_output_is_kept_to_the_byte(runner: Runner, home: Path) -> None:
    """Also what no text has: it comes as it was written."""
    report = await run(runner, order("printf 'a\\000\\377\\033[31m\\r\\n\\n'; printf x >&2"))
    assert report.tail == b"a\0\xff\x1b[31m\r\n\nx" and report.output == len(report.tail)
    assert await runner.read(report.key, 2, 3) == report.tail[2:5]
    assert await runner.read(report.key, -4, 2) == report.tail[-4:-2]
    assert await runner.read(report.key, 100, 10) == b""


async def test_longer_output_can_be_read_in_pieces(runner: Runner) -> None:
    report = await run(runner, order("i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done"))
    expected = "".join(f"line {i}\n" for i in range(9000)).encode()
    assert report.output == len(expected) and report.tail == b""
    found = b""
    while piece := await runner.read(report.key, len(found), 50_000):
        found += piece
    assert found == expected


async def test_of_long_output_the_beginning_and_the_end_are_kept(runner: Runner, home: Path) -> None:
    lines = 700_000
    report = await run(runner, order(f"seq {lines}; echo the end", output_limit=LIMIT))
    expected = "".join(f"{i}\n" for i in range(1, lines + 1)).encode() + b"the end\n"
    assert report.output == len(expected)
    out = (home / "spool" / str(report.key) / "out").read_bytes()
    head, mark, tail = out.partition(b"\n[gridtui: ")
    left, _, tail = tail.partition(b" bytes are left out here]\n")
    assert mark and len(head) + len(tail) == LIMIT
    assert expected.startswith(head) and expected.endswith(tail) and len(tail) == LIMIT // 16
    assert int(left) + LIMIT == len(expected)


async def test_output_just_over_the_limit_loses_nothing(runner: Runner, home: Path) -> None:
    for more in (-1, 0, 1, LIMIT // 16 - 1):
        count = LIMIT - LIMIT // 16 + more
        report = await run(runner, order(f"head -c {count} /dev/zero; printf end", output_limit=LIMIT))
        out = (home / "spool" / str(report.key) / "out").read_bytes()
        assert report.output == count + 3
        if count + 3 <= LIMIT:
            assert out == bytes(count) + b"end"
        else:
            assert out.endswith(b"end") and b"left out" in out


async def test_a_job_that_writes_without_end_is_slowed_and_costs_little_disk(runner: Runner, home: Path) -> None:
    wanted = order("yes", output_limit=LIMIT)
    await runner.start(wanted, LAUNCHER)
    folder = home / "spool" / str(wanted.key)
    await until(lambda: (folder / "end.1").exists())
    largest = 0
    for _ in range(40):
        largest = max(largest, size(folder))
        await asyncio.sleep(0.05)
    await runner.end([wanted.key], 0)
    report = await ended(runner, wanted.key)
    assert report.cause is Cause.CANCELLED
    assert largest <= LIMIT + 4 * (256 << 10) and size(folder) < LIMIT + 200
    # two seconds of `yes` are gigabytes: at most a MiB each quarter of a second was taken of them
    assert report.output < 64 << 20 and report.elapsed is not None


async def test_a_job_whose_child_keeps_the_output_open_ends(runner: Runner) -> None:
    """What a sweep cannot find may hold the pipe for ever: nobody waits for it."""
    escaped = LAUNCHER.replace("sweep() { signal KILL; }", "sweep() { :; }")
    report = await run(runner, order("setsid sleep 30 & echo started"), escaped)
    assert (report.phase, report.exit) == (Phase.ENDED, 0)
    assert await runner.read(report.key, 0, 100) == b"started\n"


async def test_a_job_may_close_its_output_and_go_on(runner: Runner) -> None:
    report = await run(runner, order("echo first; exec >/dev/null 2>&1; sleep 1; exit 6"))
    assert (report.exit, report.cause, report.tail) == (6, Cause.EXIT, b"first\n")


async def test_live_output(runner: Runner, home: Path) -> None:
    wanted = order("echo one; until [ -e ../tmp/go ]; do sleep 0.1; done; echo two")
    await runner.start(wanted, LAUNCHER)
    folder = home / "spool" / str(wanted.key)
    await until(lambda: (folder / "out").exists() and (folder / "out").stat().st_size > 0)
    assert await runner.read(wanted.key, 0, 100) == b"one\n"
    (folder / "tmp" / "go").touch()
    assert (await ended(runner, wanted.key)).tail == b"one\ntwo\n"
