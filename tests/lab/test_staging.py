"""Files of jobs on the lab's nodes: a plain user, Debian's rsync, a disk that is full, a login shell that is none of ours."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gridtui.errors import StagingError
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
