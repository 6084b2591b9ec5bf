"""From the node's cache to a job's folder: with the shells and tools that nodes have, and a cache that was damaged."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from gridtui.jobs.model import Input
from gridtui.jobs.staging.index import NONE, pack
from gridtui.jobs.staging.model import Entry, File, Folder, Symlink
from gridtui.jobs.staging.placing import FULL, MISSING

from .cache import SHELLS, Cache, hostile, looked, tree


@pytest.mark.parametrize("shell", SHELLS)
def test_everything_arrives_as_it_is(tmp_path: Path, shell: str) -> None:
    source = hostile(tmp_path / "source")
    what = looked(Input(str(source), "data"), Input(str(source / "plain"), "deep/er/-single"))
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    code, said, work = cache.place(what)
    assert (code, said) == (0, "")
    assert tree(work / "data") == tree(source)
    assert (work / "deep" / "er" / "-single").read_text() == "hello"
    assert os.stat(work / "deep").st_mode & 0o777 == 0o755
    assert {path.stat().st_nlink for path in work.rglob("*") if path.is_file() and not path.is_symlink()} == {1}


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_job_does_to_its_inputs_stays_with_it(tmp_path: Path, shell: str) -> None:
    (tmp_path / "a").write_text("before")
    what = looked(Input(str(tmp_path / "a"), "a"), Input(str(tmp_path / "a"), "b"))
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    _, _, first = cache.place(what, "1")
    (first / "a").write_text("after")
    assert (first / "b").read_text() == "before"
    code, _, second = cache.place(what, "2")
    assert code == 0
    assert (second / "a").read_text() == "before"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("how", ["changed", "shorter", "empty", "gone", "index", "no index"])
def test_a_damaged_cache_is_found_before_the_job_sees_it(tmp_path: Path, shell: str, how: str) -> None:
    (tmp_path / "a").write_text("content")
    (tmp_path / "good").write_text("good")
    what = looked(Input(str(tmp_path / "a"), "a"), Input(str(tmp_path / "good"), "good"))
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    (digest,) = [found for found, source in what.sources.items() if source.endswith("/a")]
    victim = cache.objects / (what.id if "index" in how else digest)
    seen = victim.stat()
    if how in ("gone", "no index"):
        victim.unlink()
    else:
        victim.chmod(0o600)
        victim.write_text({"changed": "CONTENT", "shorter": "cont", "empty": "", "index": "x"}[how])
        os.utime(victim, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # as a bad disk would: nothing tells of it
    code, said, work = cache.place(what, "1")
    assert code == MISSING
    assert ("damaged" in said) is (how not in ("gone", "no index"))
    assert not list(work.iterdir())
    assert not victim.exists(), "it has to come again"
    assert len(list(cache.objects.iterdir())) == 2, "and nothing else"
    victim.unlink(missing_ok=True)
    cache.hold(what)
    assert cache.place(what, "2")[0] == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_used_is_young(tmp_path: Path, shell: str) -> None:
    (tmp_path / "a").write_text("content")
    what = looked(Input(str(tmp_path / "a"), "a"))
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    for found in cache.objects.iterdir():
        os.utime(found, (1, 1))
    assert cache.place(what)[0] == 0
    assert all(time.time() - found.stat().st_mtime < 60 for found in cache.objects.iterdir())


def test_an_input_that_is_a_folder_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    what = looked(Input(str(tmp_path / "empty"), "x"))
    cache = Cache(tmp_path / "node")
    cache.hold(what)
    code, said, work = cache.place(what)
    assert (code, said) == (0, "")
    assert [path.name for path in work.iterdir()] == ["x"]


def test_a_job_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    what = looked(Input(str(tmp_path / "a"), "a"))
    cache = Cache(tmp_path / "node")
    cache.hold(what)
    (tmp_path / "node" / "spool" / "k").mkdir(parents=True)
    (tmp_path / "node" / "spool" / "k" / "work").write_text("in the way")
    done = subprocess.run(
        ["dash", "-c", what.text], cwd=tmp_path / "node" / "spool" / "k", capture_output=True, text=True, check=False
    )
    assert done.returncode == FULL
    assert "cannot be copied" in done.stderr


def test_a_node_without_tar_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    what = looked(Input(str(tmp_path / "a"), "a"))
    cache = Cache(tmp_path / "node", "busybox")
    cache.hold(what)
    (tmp_path / "node" / "bin" / "tar").unlink()
    code, said, _ = cache.place(what)
    assert (code, said) == (69, "the node has no tar, which inputs need")


@pytest.mark.parametrize("shell", SHELLS)
def test_many_files(tmp_path: Path, shell: str) -> None:
    """More than a command line holds or a loop should touch one by one, so the index is compressed."""
    source = tmp_path / "many"
    source.mkdir()
    for number in range(1500):
        (source / f"{number}-{'n' * 150}").write_text(str(number % 700))
    what = looked(Input(str(source), "many"))
    assert len(what.index) < 1500 * 512 / 4, "a header a file would be more"
    assert len(what.digests) == 701
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    for found in cache.objects.iterdir():
        os.utime(found, (1, 1))
    code, said, work = cache.place(what)
    assert (code, said) == (0, "")
    assert tree(work / "many") == tree(source)
    assert min(found.stat().st_mtime for found in cache.objects.iterdir()) > 1, "all of it was used"


def test_the_same_inputs_give_the_same_index() -> None:
    entries: list[Entry] = [Folder("d", 0o755), File("d/x", 0o644, "ab" * 32, 3), Symlink("d/l", "x")]
    assert pack(entries) == pack(entries)
    with tarfile.open(fileobj=io.BytesIO(pack(entries))) as archive:
        names = archive.getnames()
    assert names == ["need", "modes", "modes/0644", "tree", "tree/d", "tree/d/x", "tree/d/l"]


def test_no_inputs_are_nothing() -> None:
    assert not NONE
    assert (NONE.text, NONE.digests) == ("", {})


@pytest.mark.parametrize("shell", SHELLS)
def test_a_cache_that_nothing_can_be_linked_from(tmp_path: Path, shell: str) -> None:
    """It lies on a disk of its own."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    source = hostile(tmp_path / "source")
    what = looked(Input(str(source), "data"))
    cache = Cache(tmp_path / "node", shell)
    cache.hold(what)
    elsewhere = Path(tempfile.mkdtemp(dir=other))
    try:
        shutil.move(cache.objects, elsewhere / "objects")
        cache.objects.symlink_to(elsewhere / "objects")
        code, said, work = cache.place(what)
        assert (code, said) == (0, "")
        assert tree(work / "data") == tree(source)
    finally:
        shutil.rmtree(elsewhere)
