"""Staging over a real sshd: each content once, whole or not at all, and outputs of hostile jobs. Bytes are counted on the wire."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.errors import InputError, SshError, StagingError
from gridtui.jobs.model import Input
from gridtui.jobs.staging import Limits, Manifest, Stage
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import system
from tests.unit.jobs.staging.cache import hostile, tree
from tests.unit.push.trees import fill
from tests.unit.push.wire import Wire

from .conftest import MakeSshd
from .openssh import MISSING, PROGRAM, Sshd, descendants

pytestmark = [
    pytest.mark.skipif(
        PROGRAM is None or shutil.which("rsync") is None, reason=f"rsync is not installed, or {MISSING}"
    ),
    pytest.mark.timeout(120),
]

MB = 1 << 20


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder


async def run(*words: str, cwd: Path) -> tuple[int, str]:
    """Beside the wire, which lives in this loop."""
    process = await asyncio.create_subprocess_exec(*words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


class Place:
    """A node behind a wire, and what lies on it."""

    def __init__(self, sshd: Sshd, wire: Wire, node: Node, stage: Stage, settings: Ssh) -> None:
        self.sshd, self.wire, self.node, self.stage, self.settings = sshd, wire, node, stage, settings
        self.jobs = sshd.home / ".local" / "state" / "gridtui" / "jobs"
        self.objects = self.jobs / "cache" / "objects"
        self._count = 0

    def job(self) -> Path:
        """A new attempt's `work/`."""
        self._count += 1
        work = self.jobs / "spool" / str(self._count) / "work"
        work.mkdir(parents=True)
        return work

    async def keep(self, what: Manifest) -> tuple[int, str, Path]:
        """As the keeper does: exit status, what it says, and `work/`."""
        work = self.job()
        code, said = await run("sh", "-c", what.text, cwd=work.parent)
        return code, said, work

    async def place(self, what: Manifest) -> Path:
        """The same, well."""
        code, said, work = await self.keep(what)
        assert code == 0, said
        return work

    def held(self) -> set[str]:
        return {path.name for path in self.objects.iterdir()}

    def lying_about(self) -> list[str]:
        """What is neither an object nor nothing."""
        incoming = self.jobs / "cache" / "incoming"
        return [str(path.relative_to(incoming)) for path in incoming.rglob("*") if path.is_file()]


Make = Callable[..., AbstractAsyncContextManager[Place]]


@pytest.fixture
def place(make_sshd: MakeSshd, tmp_path: Path) -> Make:
    @asynccontextmanager
    async def make(
        *options: str,
        direct: bool = False,
        cut_after: int | None = None,
        cache: int = 1 << 40,
        limits: Limits | None = None,
    ) -> AsyncIterator[Place]:
        sshd = make_sshd(options=options)
        known = tmp_path / "known_wire"
        async with Wire(sshd.port, cut_after) as wire:
            known.write_text(sshd.known_hosts_line().replace(str(sshd.port), str(wire.port)) + sshd.known_hosts_line())
            node = replace(sshd.node("n"), port=sshd.port if direct else wire.port)
            settings = sshd.settings(known_hosts=str(known))
            async with Stage(settings, cache=cache, limits=limits) as stage:
                yield Place(sshd, wire, node, stage, settings)

    return make


async def test_there_and_back(place: Make, tmp_path: Path) -> None:
    source = hostile(tmp_path / "source")
    async with place() as there:
        what = await there.stage.bring(there.node, [Input(str(source), "data")])
        assert there.held() == what.digests.keys() == there.stage.holds("n")
        assert not there.lying_about()
        work = await there.place(what)
        assert tree(work / "data") == tree(source)
        came = await there.stage.fetch(there.node, str(work), ["data"], tmp_path / "into")
    assert not came.troubles
    expected = tree(source)
    got = tree(tmp_path / "into" / "data")
    assert got.keys() == expected.keys()
    assert {name: found[2] for name, found in got.items()} == {name: found[2] for name, found in expected.items()}
    assert got[b"run me"][1] & 0o100
    assert os.listdir(tmp_path / "into") == ["data"]


async def test_without_inputs_and_outputs_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", never)
    monkeypatch.setattr("gridtui.ssh.children.start", never)
    nowhere = Node("gone", "127.0.0.1", port=1)
    async with Stage(Ssh(config="none")) as stage:
        what = await stage.bring(nowhere, [])
        assert what.text == ""
        assert not (await stage.fetch(nowhere, "/x", [], tmp_path / "into")).names
    assert not (tmp_path / "into").exists()
    assert not (tmp_path / "state").exists()


async def test_a_content_goes_once_whatever_its_name(place: Make, tmp_path: Path) -> None:
    one = fill(tmp_path / "one", 3 * MB)
    shutil.copy(one, tmp_path / "other name")
    async with place() as there:
        await there.stage.bring(there.node, [Input(str(one), "a")])
        first = there.wire.there
        assert 3 * MB < first < 4 * MB
        began = time.monotonic()
        again = await there.stage.bring(there.node, [Input(str(one), "a")])
        assert there.wire.there - first < 2000, "what lies there is not even asked about"
        assert time.monotonic() - began < 2
        renamed = await there.stage.bring(there.node, [Input(str(tmp_path / "other name"), "b/c")])
        assert there.wire.there - first < 100_000
        assert (
            ((await there.place(renamed)) / "b" / "c").read_bytes()
            == ((await there.place(again)) / "a").read_bytes()
            == one.read_bytes()
        )
        # a controller that knows nothing yet
        known = tmp_path / "known_wire"
        async with Stage(there.sshd.settings(known_hosts=str(known))) as other:
            before = there.wire.there
            await other.bring(there.node, [Input(str(one), "a")])
            assert there.wire.there - before < 100_000


async def test_jobs_at_one_time_share_one_transfer(place: Make, tmp_path: Path) -> None:
    common = fill(tmp_path / "common", 3 * MB)
    own = []
    for number in range(20):
        own.append(tmp_path / f"own{number}")
        own[-1].write_text(f"own {number}")
    async with place() as there:
        whats = await asyncio.gather(
            *(there.stage.bring(there.node, [Input(str(common), "c"), Input(str(path), "o")]) for path in own)
        )
        assert there.wire.there < 4 * MB
        assert there.sshd.logins() == 1
        assert ((await there.place(whats[7])) / "o").read_text() == "own 7"


async def test_small_inputs_do_not_wait_for_large_ones(
    place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridtui.jobs.staging.depot.LARGE", MB)
    large, small = fill(tmp_path / "large", 8 * MB), tmp_path / "small"
    small.write_text("small")
    async with place() as there:
        await there.stage.bring(there.node, [Input("/etc/hostname", "x")])
        waiting = asyncio.create_task(there.stage.bring(there.node, [Input(str(large), "l")]))
        share = asyncio.create_task(there.stage.bring(there.node, [Input(str(large), "l"), Input(str(small), "s")]))
        what = await there.stage.bring(there.node, [Input(str(small), "s")])
        assert ((await there.place(what)) / "s").read_text() == "small"
        await waiting
        await share
        assert there.wire.there < 9 * MB


async def test_an_input_that_changes_before_it_is_sent(place: Make, tmp_path: Path) -> None:
    path, good = tmp_path / "a", tmp_path / "good"
    path.write_text("one")
    good.write_text("good")
    async with place() as there:
        old = await there.stage.manifest([Input(str(path), "a"), Input(str(good), "good")])
        fine = await there.stage.manifest([Input(str(good), "good")])
        path.write_text("two!")
        failing, passing = await asyncio.gather(
            there.stage.send(there.node, old), there.stage.send(there.node, fine), return_exceptions=True
        )
        assert isinstance(failing, InputError)
        assert "changed while it was sent" in str(failing)
        assert passing is None, "others in the same transfer are not hurt"
        assert not there.lying_about()
        for name in there.held():
            assert hashlib.sha256((there.objects / name).read_bytes()).hexdigest() == name
        what = await there.stage.bring(there.node, [Input(str(path), "a")])
        assert ((await there.place(what)) / "a").read_text() == "two!"
        path.unlink()
        with pytest.raises(InputError, match="no such file"):
            await there.stage.bring(there.node, [Input(str(path), "a")])


async def test_an_input_that_is_changed_again_and_again(
    place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("0")
    count = 0
    async with place() as there:
        real = there.stage.manifest

        async def then_changed(inputs: list[Input]) -> Manifest:
            nonlocal count
            found = await real(inputs)
            if count < limit:
                count += 1
                path.write_text(f"change {count}")
            return found

        monkeypatch.setattr(there.stage, "manifest", then_changed)
        limit = 2
        what = await there.stage.bring(there.node, [Input(str(path), "a")])
        assert ((await there.place(what)) / "a").read_text() == "change 2"
        path.write_text("once more")
        limit = 100
        with pytest.raises(InputError, match="changed while it was sent, 4 times"):
            await there.stage.bring(there.node, [Input(str(path), "a")])


async def test_a_link_that_is_cut_goes_on_where_it_was(
    place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridtui.jobs.staging.depot.PATIENCE", 3)
    size = 24 * MB
    source = fill(tmp_path / "big", size)
    async with place(cut_after=size // 2) as there:
        with pytest.raises(SshError):
            await there.stage.bring(there.node, [Input(str(source), "big")])
        assert there.wire.was_cut.is_set()
        assert len(there.held()) < 2, "half a file is no object"
        before = there.wire.there
        there.wire.mend()
        what = await there.stage.bring(there.node, [Input(str(source), "big")])
        assert there.wire.there - before < size * 3 // 4
        assert ((await there.place(what)) / "big").read_bytes() == source.read_bytes()
        assert not there.lying_about()


async def test_what_was_damaged_there_comes_again(place: Make, tmp_path: Path) -> None:
    source = fill(tmp_path / "a", MB)
    async with place() as there:
        what = await there.stage.bring(there.node, [Input(str(source), "a")])
        (digest,) = what.sources
        (there.objects / digest).chmod(0o600)
        (there.objects / digest).write_bytes(b"\0" * MB)
        assert (await there.keep(what))[:2] == (66, "an input was damaged in the node's cache\n")
        there.stage.doubt("n")
        work = await there.place(await there.stage.bring(there.node, [Input(str(source), "a")]))
        assert (work / "a").read_bytes() == source.read_bytes()
        # all of it is gone: somebody made space
        shutil.rmtree(there.jobs)
        there.stage.doubt("n")
        work = await there.place(await there.stage.bring(there.node, [Input(str(source), "a")]))
        assert (work / "a").read_bytes() == source.read_bytes()


async def test_the_cache_is_bounded_and_the_least_used_goes_first(place: Make, tmp_path: Path) -> None:
    async with place(cache=3 * MB + 16384) as there:
        whats = []
        for number in range(3):
            whats.append(
                await there.stage.bring(
                    there.node, [Input(str(fill(tmp_path / f"f{number}", MB - 4096, seed=number)), "x")]
                )
            )
            for digest in whats[-1].digests:
                os.utime(there.objects / digest, (time.time() - 7200 + number,) * 2)
        work = await there.place(whats[0])  # used just now
        whats.append(await there.stage.bring(there.node, [Input(str(fill(tmp_path / "f3", MB, seed=3)), "x")]))
        held = there.held()
        assert whats[0].digests.keys() <= held
        assert not whats[1].sources.keys() & held, "for longest unused"
        assert whats[3].digests.keys() <= held
        assert not whats[1].sources.keys() & there.stage.holds("n"), "and that is known here"
        assert (work / "x").stat().st_size == MB - 4096, "what jobs have is their own"
        # more than the cache holds at once: what is about to be used stays
        last = await there.stage.bring(there.node, [Input(str(fill(tmp_path / "f4", 5 * MB, seed=4)), "x")])
        assert ((await there.place(last)) / "x").stat().st_size == 5 * MB
        back = await there.stage.bring(there.node, [Input(str(tmp_path / "f1"), "x")])
        assert ((await there.place(back)) / "x").stat().st_size == MB - 4096


@pytest.mark.timeout(400)
async def test_ten_thousand_small_files(
    place: Make, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    source = tmp_path / "many"
    for number in range(100):
        (source / f"d{number}").mkdir(parents=True)
        for other in range(100):
            (source / f"d{number}" / f"f{other}").write_text(f"{number} {other}")
    async with place(direct=True) as there:
        began = time.monotonic()
        what = await there.stage.bring(there.node, [Input(str(source), "many")])
        record_property("seconds to bring 10,000 files", round(time.monotonic() - began, 2))
        began = time.monotonic()
        work = await there.place(what)
        record_property("seconds to lay them out", round(time.monotonic() - began, 2))
        assert tree(work / "many") == tree(source)
        began = time.monotonic()
        came = await there.stage.fetch(there.node, str(work), ["many/**"], tmp_path / "into")
        record_property("seconds to fetch them", round(time.monotonic() - began, 2))
        assert len(came.names) == 10_000
        assert not came.troubles


@pytest.mark.timeout(300)
async def test_a_gigabyte(place: Make, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.write(b"begin")
        stream.truncate(1 << 30)
        stream.seek((1 << 30) - 3)
        stream.write(b"end")
    async with place(direct=True) as there:
        began = time.monotonic()
        what = await there.stage.bring(there.node, [Input(str(path), "large")])
        record_property("seconds to bring 1 GiB of holes", round(time.monotonic() - began, 2))
        work = await there.place(what)
        found = (work / "large").stat()
        assert found.st_size == 1 << 30
        assert found.st_blocks * 512 < 64 * MB, "holes stay holes"
        with (work / "large").open("rb") as stream:
            assert stream.read(6) == b"begin\0"
            stream.seek(-4, os.SEEK_END)
            assert stream.read() == b"\0end"


async def test_two_controllers_at_one_time(place: Make, tmp_path: Path) -> None:
    source = fill(tmp_path / "a", 4 * MB)
    async with place() as there, Stage(there.settings, state=tmp_path) as other:
        inputs = [Input(str(source), "a")]
        whats = await asyncio.gather(there.stage.bring(there.node, inputs), other.bring(there.node, inputs))
        assert whats[0].id == whats[1].id
        assert (await there.place(whats[0]) / "a").read_bytes() == source.read_bytes()
        assert there.held() == whats[0].digests.keys()
        assert not there.lying_about()


def farms(folder: Path) -> list[Path]:
    return list(folder.glob("gridtui-stage-*"))


def runs(pid: int) -> bool:
    """Whether a process is there and not just a memory of it (proc(5), state)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


KILLED = """
import asyncio, sys
from gridtui.jobs.model import Input
from gridtui.jobs.staging import Stage
from gridtui.model import Node
from gridtui.settings import Ssh

async def main(port, user, identity, known, path):
    async with Stage(Ssh(config="none", known_hosts=known)) as stage:
        await stage.bring(Node("n", "127.0.0.1", port=int(port), user=user, identity=identity), [Input(path, "a")])

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_controller_that_is_killed_leaves_nothing_and_the_next_goes_on(
    place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    size = 16 * MB
    source = fill(tmp_path / "a", size)
    async with place(cut_after=size // 2) as there:
        words = [
            str(there.wire.port),
            there.sshd.user,
            str(there.sshd.identity),
            there.settings.known_hosts,
            str(source),
        ]
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *words)
        await there.wire.was_cut.wait()
        children = list(descendants(process.pid))[1:]
        assert len(children) >= 2, "a master and rsync"
        process.kill()
        await process.wait()
        there.wire.mend()
        assert farms(tmp_path)
        before = there.wire.there
        what = await there.stage.bring(there.node, [Input(str(source), "a")])
        assert there.wire.there - before < size * 3 // 4, "what had arrived was sent again"
        assert (await there.place(what) / "a").read_bytes() == source.read_bytes()
        assert not farms(tmp_path)
        assert not [pid for pid in children if runs(pid)]


async def test_a_node_without_rsync_says_so_in_one_line(place: Make, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "ls", "id", "find", "tr", "head", "xargs"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    async with place(f"SetEnv PATH={tools}") as there:
        for work in (
            there.stage.bring(there.node, [Input("/etc/hostname", "x")]),
            there.stage.fetch(there.node, str(tmp_path), ["*"], tmp_path / "into"),
        ):
            with pytest.raises(StagingError, match=r"n: there is no rsync, which (inputs|outputs) need") as caught:
                await work
            assert "rsync" in caught.value.hint


async def test_a_node_that_cannot_be_reached(tmp_path: Path) -> None:
    async with Stage(Ssh(config="none")) as stage:
        with pytest.raises(SshError, match="refused"):
            await stage.bring(Node("gone", "127.0.0.1", port=1), [Input("/etc/hostname", "x")])


async def test_outputs_of_a_hostile_job(place: Make, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    async with place() as there:
        work = there.job()
        (work / "out").mkdir()
        (work / "out" / "good").write_text("good")
        (work / "out" / "good").chmod(0o4755)
        (work / "out" / "inside").symlink_to("good")
        (work / "out" / "file-out").symlink_to(secret / "key")
        (work / "out" / "folder-out").symlink_to(secret)
        (work / "out" / "up").symlink_to("../../../..")
        (work / "linked").symlink_to(secret)
        os.mkfifo(work / "out" / "pipe")
        os.link(work / "out" / "good", work / "out" / "twin")
        for name in (b"-rf", b"#comment", b"; rm", b"$(touch x)", b"a\nb", b"\xff", b"\x1b[2J", b"..\n", b"..\\..\\x"):
            (work / "out" / os.fsdecode(name)).write_bytes(name)
        if os.geteuid() == 0:
            os.mknod(work / "out" / "null", 0o20666, os.makedev(1, 3))
        into = tmp_path / "into"
        came = await there.stage.fetch(
            there.node, str(work), ["out/*", "out/.*", "linked/*", "linked/key", "nothing*"], into
        )
    got = tree(into)
    assert {
        b"out/good",
        b"out/twin",
        b"out/inside",
        b"out/-rf",
        b"out/#comment",
        b"out/; rm",
        b"out/$(touch x)",
        b"out/a\nb",
        b"out/\xff",
        b"out/\x1b[2J",
        b"out/..\n",
        b"out/..\\..\\x",
    } == got.keys() - {b"out"}
    assert got[b"out/good"][1] == 0o755
    assert not any("secret" in path.read_text(errors="replace") for path in into.rglob("*") if path.is_file())
    assert came.ok
    told = "\n".join(came.troubles)
    for trouble in ("pipe", "file-out", "folder-out", "up"):
        assert f"out/{trouble}: " in told
    assert "\x1b" not in told


async def test_too_many_outputs_are_bounded(place: Make, tmp_path: Path) -> None:
    async with place(limits=Limits(files=100, bytes=4 * MB)) as there:
        work = there.job()
        for number in range(3000):
            (work / f"f{number}").touch()
        came = await there.stage.fetch(there.node, str(work), ["**"], tmp_path / "into")
        assert len(came.names) == 100
        assert "more than 100 files" in came.troubles[0]
        fill(there.job() / "big", 64 * MB)
        came = await there.stage.fetch(there.node, str(there.jobs / "spool" / "2" / "work"), ["big"], tmp_path / "into")
        assert came.names == ()
        assert came.troubles == ("big: gone, or too large",)
        assert not (tmp_path / "into" / "big").exists()


async def test_outputs_that_cannot_be_read_are_told_and_the_rest_comes(place: Make, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    async with place() as there:
        work = there.job()
        (work / "closed").mkdir()
        (work / "closed").chmod(0)
        (work / "a").write_text("a")
        came = await there.stage.fetch(there.node, str(work), ["*"], tmp_path / "into")
        (work / "closed").chmod(0o700)
        assert came.names == ("a",)
        assert "closed" in came.troubles[0]


async def test_the_folder_of_an_attempt_is_gone(place: Make, tmp_path: Path) -> None:
    async with place() as there:
        with pytest.raises(StagingError, match="the job's folder is gone"):
            await there.stage.fetch(there.node, str(there.jobs / "spool" / "none"), ["*"], tmp_path / "into")


async def test_many_jobs_write_into_one_folder(place: Make, tmp_path: Path) -> None:
    async with place() as there:
        works = []
        for number in range(8):
            works.append(there.job())
            (works[-1] / "own").mkdir()
            (works[-1] / "own" / f"f{number}").write_text(str(number))
            (works[-1] / "same").write_text(f"{number}" * 100_000)
        into = tmp_path / "into"
        all_ = await asyncio.gather(*(there.stage.fetch(there.node, str(work), ["**"], into) for work in works))
        assert [came.names for came in all_] == [(f"own/f{number}", "same") for number in range(8)]
        assert sorted(path.name for path in (into / "own").iterdir()) == [f"f{number}" for number in range(8)]
        same = (into / "same").read_text()
        assert len(same) == 100_000 and len(set(same)) == 1
        assert {path.name for path in into.iterdir()} == {"own", "same"}
        assert there.sshd.logins() == 1, "sessions stay under MaxSessions, on one login"


async def test_outputs_over_a_link_that_is_cut(place: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what sends nothing notices nothing: the login has to ask
    fixed = [pair for pair in system._FIXED if not pair[0].startswith("ServerAlive")]
    monkeypatch.setattr(system, "_FIXED", [*fixed, ("ServerAliveInterval", "1"), ("ServerAliveCountMax", "3")])
    async with place() as there:
        work = there.job()
        big = fill(work / "big", 24 * MB)
        (work / "small").write_text("small")
        into = tmp_path / "into"
        there.wire.cut_here_after = there.wire.here + 12 * MB
        with pytest.raises(SshError):
            await there.stage.fetch(there.node, str(work), ["*"], into)
        before = there.wire.here
        assert not (into / "big").exists()
        there.wire.mend()
        came = await there.stage.fetch(there.node, str(work), ["*"], into)
        assert came.names == ("big", "small")
        assert there.wire.here - before < 18 * MB, "what had come was fetched again"
        assert (into / "big").read_bytes() == big.read_bytes()
        assert {path.name for path in into.iterdir()} == {"big", "small"}


async def test_a_login_that_nobody_uses_ends(place: Make, tmp_path: Path) -> None:
    async with place() as there:
        there.stage._doors._idle = 0.1
        await there.stage.bring(there.node, [Input("/etc/hostname", "x")])
        (process,) = there.stage._doors._masters._processes
        await process.wait()
        (tmp_path / "a").write_text("a")
        await there.stage.bring(there.node, [Input(str(tmp_path / "a"), "x")])
        assert there.sshd.logins() == 2
