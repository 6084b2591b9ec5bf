"""Jobs on nodes whose clocks are an hour off, one before and one behind: nothing that is told of times, and no limit, is by theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.jobs import JobId, Spec
from gridtui.jobs.model import Cause, Input, Needs

from .lab import Lab
from .test_jobs import PLAIN, dispatched

HOUR = 3600
SKEW = {"node1": HOUR, "node2": -HOUR}
CLOCK, STATE = "/etc/ssh/sshd_config.d/clock.conf", "/var/tmp/gridtui-skewed"
# All that a login starts has the wrong clock, as on a machine whose clock is wrong. What systemd starts has not, so what the sandboxes' probe finds like that is no truth for other tests: it has a place of its own.
SET = f"""
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y --no-install-recommends install libfaketime || {{ apt-get -q update && apt-get -q -y --no-install-recommends install libfaketime; }}
echo "SetEnv LD_PRELOAD=$(find /usr/lib -name libfaketime.so.1) FAKETIME=$1 FAKETIME_DISABLE_SHM=1 DONT_FAKE_MONOTONIC=1 XDG_STATE_HOME={STATE}" >{CLOCK}
systemctl reload ssh
"""
UNSET = f"rm -f {CLOCK}; systemctl reload ssh; DEBIAN_FRONTEND=noninteractive apt-get -q -y purge libfaketime; rm -rf {STATE}"


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def skewed(lab: Lab) -> Iterator[Lab]:
    try:
        for name, seconds in SKEW.items():
            lab.run(name, ["sh", "-euc", SET, "set", f"{seconds:+d}"], timeout=120)
        yield lab
    finally:
        for name in SKEW:
            lab.run(name, ["sh", "-c", UNSET], timeout=120)


@pytest.fixture
def nodes(skewed: Lab, tmp_path: Path) -> list[Path]:
    slots = tmp_path / "slots.yaml"
    slots.write_text("lab:\n  vars:\n    gridtui_slots: 8\n")  # the nodes' load is the host's
    return [skewed.inventory, slots]


@pytest.mark.timeout(150)
async def test_what_is_told_of_times_is_ours(skewed: Lab, nodes: list[Path], tmp_path: Path) -> None:
    (tmp_path / "word").write_text("tick\n")
    began = time.time()
    async with dispatched(skewed, nodes) as grid:
        jobs = grid.jobs
        numbers = {}
        for name in SKEW:
            tells = Spec(
                "date +%s; cp word out",
                where=name,
                sandbox=PLAIN,
                inputs=(Input(str(tmp_path / "word"), "word"),),
                outputs=("out",),
                into=str(tmp_path / name),
            )
            long = Spec("sleep 600", where=name, needs=Needs(wall=2.0))
            numbers[name] = await grid.fleet.submit(tells), await grid.fleet.submit(long)
        good = [number for pair in numbers.values() for number in pair]
        await grid.until(lambda: all(map(grid.ended, good)), 60)
        bad = [await grid.fleet.submit(Spec("exit 3", where=name)) for name in SKEW for _ in range(5)]
        await grid.until(lambda: all(map(grid.ended, bad)), 60)
        ended = time.time()
        for name, skew in SKEW.items():
            tells_id, long_id = map(JobId, numbers[name])
            there = int(await grid.text(tells_id.number))
            assert began + skew - 60 < there < ended + skew + 60, "the clock there is wrong, or this shows nothing"
            assert (tmp_path / name / "out").read_text() == "tick\n"
            [attempt] = jobs.show(long_id).attempts
            assert (attempt.cause, attempt.why) == (Cause.WALL, "its time was over")
            for shown in map(jobs.show, (tells_id, long_id)):
                [attempt] = shown.attempts
                assert attempt.started is not None and attempt.ended is not None
                assert began <= shown.job.submitted <= attempt.placed <= attempt.started <= attempt.ended <= ended
            standing = jobs.standing()[name]
            assert began < standing.quarantined < ended + 301, "for five minutes of ours"
        why = {one.node: one.reason for one in await jobs.explain(JobId(await grid.fleet.submit("true", held=True)))}
        assert all("quarantine" in why[name] for name in SKEW), why
