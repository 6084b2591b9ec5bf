"""The state folder and files that are there whole or not at all: on real folders, with a disk that is really full."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.store import folder, read_json, write, write_json


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any state yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home/.local/state"))
    return tmp_path / "home/.local/state/gridtui"


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_the_folder_is_made_for_its_owner_alone(state: Path, mask: int) -> None:
    with umask(mask):
        assert folder() == state
    assert mode(state) == mode(state.parent) == 0o700
    assert folder() == state


def test_a_folder_open_to_others_is_closed(state: Path) -> None:
    state.mkdir(parents=True)
    state.chmod(0o777)
    assert mode(folder()) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_a_folder_of_somebody_else_is_refused(state: Path) -> None:
    state.mkdir(parents=True)
    os.chown(state, 12345, 12345)
    with pytest.raises(StateError, match=r"belongs to another user \(uid 12345\); take it over with chown"):
        folder()


def test_a_file_in_the_place_of_the_folder(state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("")
    with pytest.raises(StateError, match="gridtui cannot be made: File exists"):
        folder()


@pytest.mark.parametrize("mask", [0, 0o077])
@pytest.mark.parametrize("wanted", [0o600, 0o644])
def test_write_replaces_whole_files(tmp_path: Path, mask: int, wanted: int) -> None:
    path = tmp_path / "x.prom"
    path.write_text("old")
    held = path.open()
    with umask(mask):
        write(path, "new\n", wanted)
    assert path.read_text() == "new\n" and mode(path) == wanted
    assert held.read() == "old"  # whoever was reading reads on in the old file
    held.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.prom"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real/file")
    write(link, b"1")
    assert link.is_symlink() and (tmp_path / "real/file").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing/x", "cannot be written: No such file or directory"),
        (".", "is no plain file; name a file"),
        ("x/y", "Not a dir"),
    ],
)
def test_where_nothing_can_be_written(tmp_path: Path, name: str, error: str) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(StateError, match=error):
        write(tmp_path / name, "data")


def test_a_device_is_not_replaced_by_a_file() -> None:
    with pytest.raises(StateError, match="/dev/null is no plain file"):
        write(Path("/dev/null"), "data")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_the_old_content_survives_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write(path, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so the write fails with EFBIG after the first 8 kB, as it would at a full disk.
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(StateError, match=r"state.json cannot be written: File too large; the limit on file sizes"):
            write(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    place = tmp_path / "tiny"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tiny", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_the_old_content_survives_a_full_disk(tiny: Path) -> None:
    path = tiny / "state.json"
    write_json(path, {"old": True})
    with pytest.raises(StateError, match="cannot be written: No space left on device; free some space there"):
        write(path, b"x" * 200_000)
    assert read_json(path) == {"old": True}
    assert [entry.name for entry in tiny.iterdir()] == ["state.json"]
    write_json(path, {"new": "y" * 20_000})  # and what was taken for the attempt is free again


def test_a_killed_writer_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write(path, "old")
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom gridtui import store\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store.write(Path(sys.argv[1]), 'new')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL and path.read_text() == "old"
    [left] = [entry for entry in tmp_path.iterdir() if entry != path]
    write(path, "new")  # somebody may still be writing that one
    assert left.exists()
    os.utime(left, (1.0, 1.0))
    write(path, "newer")
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) is None
    write_json(path, {"a": [1, 2.5, None, "µ"]})
    assert read_json(path) == {"a": [1, 2.5, None, "µ"]} and mode(path) == 0o600
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    assert read_json(path) == {"a": [1, 2.5, None, "µ"]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b'{"a": 1', "Expecting"),
        (b"\xff\xfe\x00", "decode|Expecting"),
        (b"[" * 200_000, "recursion"),
    ],
)
def test_damaged_json_is_moved_aside(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StateError, match=f"x.json is damaged: .*({why}).*; it was moved to x.json.damaged"):
        read_json(path)
    assert read_json(path) is None
    assert (tmp_path / "x.json.damaged").read_bytes() == content


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be read: Is a directory"):
        read_json(tmp_path)
