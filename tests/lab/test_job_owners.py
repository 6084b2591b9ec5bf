"""Jobs that give way, on real nodes and by the dispatcher: somebody comes back to one node, and the owner of another one wants none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gridtui.jobs import JobId, JobState, Spec
from gridtui.jobs.model import Cause, Idle

from .lab import Lab
from .test_jobs import GO, NAMES, PLAIN, dispatched


@pytest.mark.timeout(240)
async def test_jobs_give_way_to_who_comes_back_and_to_who_wants_none(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen and evicted where somebody types, then elsewhere; ended there by the owner's word, and on there when that is taken back."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    quick = tmp_path / "quick.yaml"
    # The nodes' load is the host's; people are looked for each half a minute unless said.
    quick.write_text("lab:\n  vars: {gridtui_slots: 8, gridtui_slow_interval: 5}\n")
    word = "/etc/gridtui/no-idle-jobs"
    for name in NAMES:
        lab.run(name, ["rm", "-f", GO, word])
    # The kernel notes only each eight seconds that a terminal is read.
    idle = Idle(after=12, load=1000, battery=True, evict=8, grace=1)
    command = f"trap 'echo gone; exit 1' TERM; until [ -e {GO} ]; do sleep 0.1; done; echo done"
    async with dispatched(lab, [lab.inventory, quick]) as grid:
        jobs = grid.jobs
        jobs.drain("node3")
        number = await grid.fleet.submit(Spec(command, sandbox=PLAIN, idle=idle))
        first = await grid.runs(number)
        other = "node2" if first == "node1" else "node1"

        def runs_on(name: str) -> bool:
            job = jobs.show(JobId(number)).job
            return (job.state, job.node) == (JobState.RUNNING, name)

        async def refused(why: Mapping[str, str]) -> None:
            """Return when all of these nodes are known to be nothing for it, and why: what a node says of its people is some seconds old."""
            while True:
                said = {one.node: one.reason for one in await jobs.explain(JobId(number)) if one.answer == "no"}
                if all(word in said.get(name, "") for name, word in why.items()):
                    return
                await asyncio.sleep(0.5)

        async with somebody(lab, first):
            await grid.until(lambda: grid.state(number) is JobState.FROZEN, 60)
            await grid.until(lambda: runs_on(other), 90)
            lab.run(other, ["sh", "-c", f"mkdir -p /etc/gridtui && echo exams >{word}"])
            await grid.until(lambda: grid.state(number) is JobState.QUEUED, 60)
            mine = await grid.fleet.submit(Spec("true", where=other, sandbox=PLAIN))
            await grid.until(lambda: grid.state(mine) is JobState.SUCCEEDED)
            try:
                async with asyncio.timeout(90):
                    await refused({first: "active", other: "exams"})
            finally:
                lab.run(other, ["rm", word])
            await grid.until(lambda: runs_on(other), 120)
        lab.run(other, ["touch", GO])
        await grid.until(lambda: grid.state(number) is JobState.SUCCEEDED)
        # A node is asked, too, whose people are not known from here yet: it refuses.
        tries = [one for one in jobs.show(JobId(number)).attempts if one.cause is not Cause.REFUSED]
        assert [(one.node, one.cause) for one in tries] == [
            (first, Cause.EVICTED),
            (other, Cause.EVICTED),
            (other, Cause.EXIT),
        ]
        assert tries[0].why == "somebody is working there" and "exams" in tries[1].why


@asynccontextmanager
async def somebody(lab: Lab, name: str) -> AsyncIterator[None]:
    """Who types at a terminal there, twice a second."""
    words = ["ssh", "-tt", "-F", str(lab.ssh_config), name, "stty -echo; exec cat >/dev/null"]
    person = await asyncio.create_subprocess_exec(*words, stdin=-1, stdout=-3, stderr=-3)

    async def type_() -> None:
        assert person.stdin is not None
        while True:
            person.stdin.write(b"x\n")
            await asyncio.sleep(0.5)

    typing = asyncio.create_task(type_())
    try:
        yield
    finally:
        typing.cancel()
        person.kill()
        await person.wait()
