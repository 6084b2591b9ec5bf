"""Files of jobs on the lab's nodes: a plain user, Debian's rsync, a disk that is full, a login shell that is none of ours."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from gridtui import Fleet
from gridtui.errors import StagingError
from gridtui.jobs import Job, JobId, JobState, Spec
from gridtui.jobs.model import Input
from gridtui.jobs.staging import FULL, Manifest, Stage
from gridtui.model import Node
from gridtui.settings import Ssh

from ..unit.jobs.staging.cache import hostile, tree
from ..unit.push.trees import fill
from .lab import Lab

pytestmark = pytest.mark.timeout(180)

MB = 1 << 20
HOME = "/home/grid/.local/state/gridtui/jobs"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def settings(lab: Lab) -> Ssh:
    return Ssh(config="none", known_hosts=str(lab.known_hosts))


def node(lab: Lab, name: str = "node1", user: str = "grid") -> Node:
    return Node(name, lab.node(name).address, user=user, identity=str(lab.key))


def place(lab: Lab, what: Manifest, job: str) -> tuple[int, str]:
    """As the keeper does: exit status, and the last line that it says."""
    text = f"mkdir -p {HOME}/spool/{job}/work && cd {HOME}/spool/{job} && ({what.text})"
    done = lab.run("node1", ["sh", "-c", text], user="grid", check=False)
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


async def test_a_plain_user_and_a_full_disk(lab: Lab, tmp_path: Path) -> None:
    source = hostile(tmp_path / "source")
    large = fill(tmp_path / "large", 24 * MB)
    old = fill(tmp_path / "old", 6 * MB, seed=2)

    def on(*words: str) -> str:
        return lab.run("node1", list(words)).stdout

    async with Stage(settings(lab)) as stage:
        what = await stage.bring(node(lab), [Input(str(source), "data")])
        assert await asyncio.to_thread(place, lab, what, "1") == (0, "")
        came = await stage.fetch(node(lab), f"{HOME}/spool/1/work", ["data"], tmp_path / "into")
        assert (came.ok, came.troubles) == (True, ())
        assert {name: found[2] for name, found in tree(tmp_path / "into" / "data").items()} == {
            name: found[2] for name, found in tree(source).items()
        }
        # a small disk of its own for the cache
        cache = f"{HOME}/cache"
        await asyncio.to_thread(on, "mount", "-t", "tmpfs", "-o", "size=10m,mode=700,uid=grid", "tmpfs", cache)
        try:
            stage.doubt("node1")
            await stage.bring(node(lab), [Input(str(old), "old")])
            with pytest.raises(StagingError, match=r"^node1: no space left on device for inputs$"):
                await stage.bring(node(lab), [Input(str(large), "large")])
            left = await asyncio.to_thread(on, "find", cache, "-type", "f", "-size", "+16k")
            (digest,) = (await stage.manifest([Input(str(old), "old")])).sources
            assert left.split() == [f"{cache}/objects/{digest}"], "nothing of it stays, and what was used lately does"
            # what nobody used for long gives way
            await asyncio.to_thread(on, "touch", "-d", "2 hours ago", f"{cache}/objects/{digest}")
            other = await stage.bring(node(lab), [Input(str(fill(tmp_path / "other", 7 * MB, seed=3)), "other")])
            assert await asyncio.to_thread(on, "find", cache, "-name", digest) == ""
            assert digest not in stage.holds("node1")
            # room for the input, none for the job's copy of it
            await asyncio.to_thread(on, "sh", "-c", f"mkdir -p {HOME}/spool && chown -R grid: {HOME}/spool")
            await asyncio.to_thread(
                on, "mount", "-t", "tmpfs", "-o", "size=2m,mode=700,uid=grid", "tmpfs", f"{HOME}/spool"
            )
            try:
                code, said = await asyncio.to_thread(place, lab, other, "2")
                assert code == FULL
                assert "cannot be" in said
            finally:
                await asyncio.to_thread(on, "umount", f"{HOME}/spool")
        finally:
            await asyncio.to_thread(on, "umount", cache)
            await asyncio.to_thread(on, "rm", "-rf", "/home/grid/.local/state/gridtui/jobs")


async def test_a_job_whose_input_was_damaged_there_and_one_whose_input_is_gone_here(lab: Lab, tmp_path: Path) -> None:
    path, tool = tmp_path / "data", tmp_path / "tool"
    path.write_text("content\n")
    tool.write_text('#!/bin/sh\ncat "$@" && mkdir -p out && cp "$@" out/ && ln -s /etc/shadow out/leak && exit 3\n')
    tool.chmod(0o755)
    spec = Spec(
        "./bin/tool in/data",
        where="node1",
        inputs=(Input(str(path), "in/data"), Input(str(tool), "bin/tool")),
        outputs=("out",),
        into=str(tmp_path / "into-{id}"),
    )

    def objects(text: str) -> str:
        folder = "/root/.local/state/gridtui/jobs/cache/objects"
        return lab.run("node1", ["sh", "-c", f"cd {folder} && {text}"]).stdout

    def clear() -> None:
        lab.run("node1", ["rm", "-rf", "/root/.local/state/gridtui/jobs/cache"])

    clear()  # what other tests left there would be damaged, too
    slots = tmp_path / "slots.yaml"
    slots.write_text("lab:\n  vars:\n    gridtui_slots: 8\n")  # the nodes' load is the host's
    async with Fleet.open([lab.inventory, slots]) as fleet:

        async def run() -> Job:
            id = JobId(await fleet.submit(spec))
            async with asyncio.timeout(90):
                (job,) = await fleet.jobs.wait([id])
            return job

        try:
            first = await run()
            assert (first.state, first.exit) == (JobState.FAILED, 3)
            assert tree(tmp_path / "into-1")[b"out/data"][2] == hashlib.sha256(b"content\n").hexdigest(), (
                "of a failure, too"
            )
            assert os.listdir(tmp_path / "into-1" / "out") == ["data"]
            await asyncio.to_thread(objects, "for f in *; do chmod u+w $f; echo damaged >$f; done")
            again = await run()
            assert (again.state, again.exit) == (JobState.FAILED, 3), again
            assert (tmp_path / "into-2" / "out" / "data").read_text() == "content\n"
            names = (await asyncio.to_thread(objects, "sha256sum *")).split()
            assert names[::2] == names[1::2]
            path.unlink()
            gone = await run()
            assert gone.state is JobState.FAILED
            assert "data: no such file or directory" in gone.why
        finally:
            await asyncio.to_thread(clear)
