"""What is packed: the real tar, gzip and sha256sum take it apart again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from gridtui.push import Options, Plan, command
from gridtui.push.peers.payload import AHEAD, Contents, Packer, Part, Unfit, contents, part_size
from gridtui.push.peers.placing import place

NAMES = [
    b"plain",
    b"a b",
    b"new\nline",
    b"q'uote\"",
    b"-dash",
    b"back\\slash",
    b"\xff\xfe",
    "ä".encode(),
    b"#134",
    b"x" * 150,
]


def tree(folder: Path, size: int = 1000) -> None:
    for name in NAMES:
        path = os.path.join(os.fsencode(folder), b"d-" + name)
        os.makedirs(path, mode=0o751)
        with open(os.path.join(path, name), "wb") as file:
            file.write(os.urandom(size))
        os.utime(os.path.join(path, name), (1_600_000_000, 1_600_000_000))
    os.symlink("nowhere\nelse", folder / "link")
    (folder / "empty").mkdir(mode=0o700)
    (folder / "zero").write_bytes(b"")


async def packed(plan: Plan, tmp_path: Path, size: int = 4096) -> tuple[Contents, Path, list[Part]]:
    """Pack it and unpack it with the programs a node uses."""
    what = await contents(plan)
    parts: list[Part] = []
    out = tmp_path / "out"
    out.mkdir()
    with Packer(plan, what, size, tmp_path) as packer:

        def told(part: Part) -> None:
            parts.append(part)
            stream.write(part.path.read_bytes())
            assert hashlib.sha256(part.path.read_bytes()).hexdigest() == part.digest
            packer.drop(part.number)

        with (tmp_path / "stream").open("wb") as stream:
            count = await packer.run(told)
            await _settled(parts, count)
        folder = packer.folder
    assert not folder.exists()
    unpack(tmp_path, "gzip -dc" if what.squeezed(plan) else "cat")
    return what, out, parts


def unpack(tmp_path: Path, program: str) -> None:
    out = tmp_path / "out"
    subprocess.run(["sh", "-c", f"{program} <{tmp_path}/stream | tar -xpf - -C {out}"], check=True)
    subprocess.run(["sha256sum", "--quiet", "-c", "sums"], cwd=out, check=True)


async def _settled(parts: list[Part], count: int) -> None:
    while len(parts) < count:  # noqa: ASYNC110 - what the thread said last is on its way through the loop
        await asyncio.sleep(0)


def same(one: Path, other: Path, *more: str) -> bool:
    done = subprocess.run(
        ["rsync", "-aniH", "--checksum", "--delete", *more, f"{one}/", f"{other}/"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return True


@pytest.mark.parametrize("size", [100, 400_000])
async def test_names_modes_times_and_contents_come_out_as_they_went_in(tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.mkdir()
    tree(source, size)
    what, out, parts = await packed(Plan((f"{source}/",), "/x"), tmp_path)
    assert same(source, out / "t" / "0")
    assert what.files == len(NAMES) + 1
    assert what.size == len(NAMES) * size
    assert what.squeezed(Plan(("/x",), "/x")) is (size == 100)
    assert all(part.size == 4096 for part in parts[:-1])


async def test_filters_are_rsyncs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    tree(source)
    plan = Plan((str(source),), "/x", options=Options(filters=("--include=*/", "--include=plain", "--exclude=*")))
    what, out, _ = await packed(plan, tmp_path)
    assert what.files == 1
    assert (out / "t/0/source/d-plain/plain").exists()
    assert what.tops == ["source"]


async def test_hard_links_stay_links(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(os.urandom(5000))
    os.link(source / "a", source / "b")
    _, out, _ = await packed(Plan((f"{source}/",), "/x", options=Options(hard_links=True)), tmp_path)
    assert (out / "t/0/a").stat().st_ino == (out / "t/0/b").stat().st_ino


async def test_several_sources_keep_apart_until_they_are_placed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same").write_text(name)
    plan = Plan((f"{tmp_path}/one/", f"{tmp_path}/two"), str(tmp_path / "there"))
    what, out, _ = await packed(plan, tmp_path)
    done = _placed(plan, what, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/same").read_text() == "one"
    assert (tmp_path / "there/two/same").read_text() == "two"
    assert (out / "t/0/same").stat().st_ino == (tmp_path / "there/same").stat().st_ino, "linked, not copied"


def _placed(plan: Plan, what: Contents, tmp_path: Path) -> subprocess.CompletedProcess[bytes]:
    _, text = place(plan, what)
    return subprocess.run(["sh", "-c", f"stage='{tmp_path}'; {text}"], capture_output=True, check=False, cwd=tmp_path)


def peer(source: str, target: Path) -> None:
    subprocess.run(["rsync", "-a", source, target], check=True)


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("there", ["nothing", "folder", "old"])
async def test_it_is_placed_as_rsync_would(tmp_path: Path, end: str, there: str) -> None:
    source = tmp_path / "so'urce"
    source.mkdir()
    tree(source)
    old = tmp_path / "old"
    old.mkdir()
    tree(old, 10)
    (old / "other").write_text("stays")
    for target in ("mine", "rsync's"):
        if there != "nothing":
            (tmp_path / target).mkdir()
        if there == "old":
            peer(f"{old}/", tmp_path / target)
    plan = Plan((f"{source}{end}",), str(tmp_path / "mine"))
    what, _, _ = await packed(plan, tmp_path)
    done = _placed(plan, what, tmp_path)
    assert done.returncode == 0, done.stderr
    peer(f"{source}{end}", tmp_path / "rsync's")
    # times of folders that were there already are those of the last change
    assert same(tmp_path / "rsync's", tmp_path / "mine", "--omit-dir-times")


async def test_a_single_file_gets_the_name_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(os.urandom(9000))
    plan = Plan((f"{tmp_path}/image",), str(tmp_path / "new name"))
    what, _, _ = await packed(plan, tmp_path)
    done = _placed(plan, what, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new name").read_bytes() == (tmp_path / "image").read_bytes()


async def test_what_an_archive_cannot_hold_is_unfit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Unfit, match="neither file, folder nor link"):
        await contents(Plan((f"{tmp_path}/",), "/x"))


async def test_a_file_that_shrinks_is_unfit(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "log").write_bytes(bytes(50_000))
    plan = Plan((f"{source}/",), "/x")
    what = await contents(plan)
    real = os.lstat

    def grown(path: bytes) -> os.stat_result:
        (source / "log").write_bytes(b"")
        return seen if path.endswith(b"log") else real(path)

    seen = real(os.fsencode(source / "log"))
    with Packer(plan, what, 4096, tmp_path) as packer, pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridtui.push.peers.payload.os.lstat", grown)
        with pytest.raises(Unfit, match="shorter"):
            await packer.run(lambda part: None)


async def test_packing_waits_for_room_and_can_be_stopped(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(bytes(4096 * (AHEAD + 20)))
    plan = Plan((f"{source}/",), "/x")
    parts: list[Part] = []
    with Packer(plan, await contents(plan), 4096, tmp_path) as packer:
        task = asyncio.create_task(packer.run(parts.append))
        while len(parts) < AHEAD:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(parts) == AHEAD
    assert not packer.folder.exists()


def test_part_sizes_are_bounded() -> None:
    assert part_size(0, 2) == 1 << 20
    assert part_size(1 << 50, 2) == 32 << 20


async def test_without_rsync_here_it_is_left_to_the_star(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "environment", lambda: {"PATH": str(tmp_path)})
    with pytest.raises(Unfit, match="cannot be run"):
        await contents(Plan((f"{tmp_path}/",), "/x"))


def test_parts_of_a_controller_that_was_killed_go_after_a_day(tmp_path: Path) -> None:
    for name in ("gridtui-peers-abc_1234", "gridtui-peers-fresh_12", "gridtui-peers-my-own-data", "other-abc_1234"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0").write_bytes(b"x")
        if "fresh" not in name:
            os.utime(tmp_path / name, (1_600_000_000, 1_600_000_000))
    (tmp_path / "gridtui-peers-link_123").symlink_to(tmp_path / "other-abc_1234")
    with Packer(Plan(("/x",), "/y"), Contents([], 0, 0), 4096, tmp_path):
        pass
    assert sorted(os.listdir(tmp_path)) == [
        "gridtui-peers-fresh_12",
        "gridtui-peers-link_123",
        "gridtui-peers-my-own-data",
        "other-abc_1234",
    ]
