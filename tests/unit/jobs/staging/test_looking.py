"""What inputs are: folders, links, what is refused, files that change, and what is remembered."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gridtui.errors import InputError
from gridtui.jobs.model import Input
from gridtui.jobs.staging import digests, looking
from gridtui.jobs.staging.digests import Digests
from gridtui.jobs.staging.looking import look
from gridtui.jobs.staging.model import File, Folder, Symlink


def entries(*inputs: Input) -> dict[str, object]:
    found, _ = look(inputs, Digests())
    return {entry.name: entry for entry in found}


def test_a_named_link_is_followed_and_one_in_a_folder_kept(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "to-a").symlink_to("a")
    (tmp_path / "outside").write_text("outside")
    (folder / "to-outside").symlink_to("../outside")
    (folder / "absolute").symlink_to(folder / "a")
    (tmp_path / "named").symlink_to("folder")
    found = entries(Input(str(tmp_path / "named"), "in"), Input(str(folder / "to-a"), "b"))
    assert found["in/to-a"] == Symlink("in/to-a", "a")
    outside = found["in/to-outside"]
    assert isinstance(outside, File)
    assert outside.digest == hashlib.sha256(b"outside").hexdigest()
    assert isinstance(found["in/absolute"], File), "it would lead elsewhere on the node"
    assert isinstance(found["b"], File)
    assert isinstance(found["in"], Folder)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.symlink_to("/usr"), "a link to a folder elsewhere"),
        (lambda path: path.symlink_to("/nowhere/at/all"), "a link to nothing"),
        (lambda path: path.symlink_to("loop"), ""),
        (pipe, "no file, folder or link"),
        (listening, "no file|no such device"),
    ],
)
def test_what_cannot_travel_is_named(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / "loop")
    if not why:  # a link in a circle stays a link
        assert entries(Input(str(folder), "in"))["in/loop"] == Symlink("in/loop", "loop")
        return
    with pytest.raises(InputError, match=why) as caught:
        entries(Input(str(folder), "in"))
    assert "loop" in str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"input .*/nothing: no such file"):
        entries(Input(str(tmp_path / "nothing"), "x"))


@pytest.mark.parametrize(("one", "other"), [("x", "x"), ("x", "x/y"), ("x/y", "x")])
def test_two_inputs_of_one_name(tmp_path: Path, one: str, other: str) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(InputError, match="two inputs are called x"):
        entries(Input(str(tmp_path / "a"), one), Input(str(tmp_path / "a"), other))


def test_two_folders_of_one_name_are_joined(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    found = entries(Input(str(tmp_path / "a"), "in"), Input(str(tmp_path / "b"), "in"))
    assert {"in", "in/a", "in/b"} == found.keys()


def test_modes_are_kept_but_for_what_would_lock_the_node_out(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "closed").mkdir(parents=True)
    (folder / "x").write_text("x")
    (folder / "x").chmod(0o4751)
    (folder / "closed").chmod(0o2055)
    found = entries(Input(str(folder), "in"))
    assert getattr(found["in/x"], "mode", 0) == 0o751
    assert getattr(found["in/closed"], "mode", 0) == 0o755
    (folder / "closed").chmod(0o755)


def test_a_file_that_is_written_to_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("begin")
    real = hashlib.file_digest
    times: list[int] = []

    def busy(stream: object, name: str) -> object:
        made = real(stream, name)  # type: ignore[arg-type]
        if len(times) < limit:
            times.append(1)
            with path.open("a") as other:
                other.write("more")
        return made

    monkeypatch.setattr(hashlib, "file_digest", busy)
    limit = 1
    assert looking.read(str(path))[0] == hashlib.sha256(b"beginmore").hexdigest()
    limit = 100
    with pytest.raises(InputError, match="changes while it is read"):
        looking.read(str(path))


def test_what_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = looking.read

    def counted(path: str) -> tuple[str, os.stat_result]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(digests, "read", counted)
    path = tmp_path / "a"
    path.write_bytes(b"x" * digests.LARGE)
    monkeypatch.setattr(time, "time", lambda: os.stat(path).st_ctime + 10)
    known = Digests(tmp_path)
    known.load()
    first, _ = known(str(path))
    assert known(str(path))[0] == first
    assert len(read) == 1
    known.close()
    again = Digests(tmp_path)
    again.load()
    assert again(str(path))[0] == first
    assert len(read) == 1, "large ones are remembered between runs"
    seen = os.stat(path)
    path.write_bytes(b"y" * digests.LARGE)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert again(str(path))[0] != first, "the change's time cannot be set back"
    again.close()


def test_what_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    """Another write in the same tick of the clock would leave the same times."""
    path = tmp_path / "a"
    path.write_text("one")
    known = Digests(tmp_path)
    known(str(path))
    assert not known._known


def test_a_damaged_memory_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "digests.db").write_text("nonsense" * 1000)
    (tmp_path / "a").write_text("a")
    known = Digests(tmp_path)
    known.load()
    assert known(str(tmp_path / "a"))[0] == hashlib.sha256(b"a").hexdigest()
    known.close()
