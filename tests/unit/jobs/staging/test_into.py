"""Where outputs go: placeholders, and what a hostile node may not do here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.jobs.model import JobId
from gridtui.jobs.staging.into import TROUBLES, Settled, check, fill, settle


@pytest.mark.parametrize(
    ("into", "id", "name", "path"),
    [
        ("/r/{id}", JobId(12, 7), "n", "/r/12.7"),
        ("/r/{id}", JobId(12), "n", "/r/12"),
        ("/r/{number}/{index}", JobId(12, 7), "n", "/r/12/7"),
        ("/r/{number}/{index}", JobId(12), "n", "/r/12"),
        ("/r/{name}", JobId(1), "render", "/r/render"),
        ("/r/{name}", JobId(1), "../../etc", "/r/..∕..∕etc"),
        ("/r/{name}", JobId(1), "..", "/r/_.."),
        ("/r/{name}", JobId(1), "", "/r/1"),
        ("/r/{name}", JobId(1), "{index}", "/r/{index}"),
        ("/r", JobId(1), "x", "/r"),
    ],
)
def test_placeholders(into: str, id: JobId, name: str, path: str) -> None:
    assert fill(into, id, name) == Path(path)


@pytest.mark.parametrize("into", ["/r/{what}", "/r/{}", "/r/{id }"])
def test_unknown_placeholders(into: str) -> None:
    with pytest.raises(UsageError, match="no placeholder"):
        check(into)


def settled(tmp_path: Path, *names: str) -> Settled:
    return settle(tmp_path / "arrived", tmp_path / "into", [os.fsencode(name) for name in names])


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    made = tmp_path / "arrived"
    made.mkdir()
    return made


def test_into_place(tmp_path: Path, arrived: Path) -> None:
    (arrived / "d" / "empty").mkdir(parents=True)
    (arrived / "d" / "x").write_text("x")
    (arrived / "d" / "x").chmod(0o6711)
    (arrived / "d" / "l").symlink_to("x")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "d").mkdir()
    (tmp_path / "into" / "d" / "x").write_text("old")
    (tmp_path / "into" / "d" / "mine").write_text("mine")
    came = settled(tmp_path, "d", "d/x", "d/l", "d/empty")
    assert came == Settled(("d/l", "d/x"), (), (), 1, True)
    into = tmp_path / "into" / "d"
    assert (into / "x").read_text() == "x"
    assert os.stat(into / "x").st_mode & 0o7777 == 0o711
    assert os.readlink(into / "l") == "x"
    assert (into / "empty").is_dir()
    assert (into / "mine").read_text() == "mine"


def test_what_was_not_asked_for_stays_outside(tmp_path: Path, arrived: Path) -> None:
    (arrived / "a").write_text("a")
    (arrived / ".a.Xy12Zq").write_text("half")
    (arrived / ".gridtui-partial").mkdir()
    (arrived / ".gridtui-partial" / "b").write_text("half")
    came = settled(tmp_path, "a", "b")
    assert (came.names, came.missing) == (("a",), (b"b",))
    assert os.listdir(tmp_path / "into") == ["a"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "..", "d/../../.."])
def test_links_that_lead_out(tmp_path: Path, arrived: Path, target: str) -> None:
    (arrived / "l").symlink_to(target)
    came = settled(tmp_path, "l")
    assert came.names == ()
    assert "leads out" in came.troubles[0]
    assert came.ok, "another try would not change it"
    assert not os.listdir(tmp_path / "into")


def test_nothing_goes_through_a_link(tmp_path: Path, arrived: Path) -> None:
    """Neither one that arrived nor one that an earlier job left, or that the user has."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x").write_text("mine")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "d").symlink_to(elsewhere)
    (arrived / "d").mkdir()
    (arrived / "d" / "x").write_text("theirs")
    came = settled(tmp_path, "d/x")
    assert came.names == ()
    assert "something else of that name" in came.troubles[0]
    assert (elsewhere / "x").read_text() == "mine"
    (arrived / "e").symlink_to(elsewhere)
    came = settled(tmp_path, "e/x")
    assert "a link, where a folder was" in came.troubles[0]
    assert (elsewhere / "x").read_text() == "mine"


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path, arrived: Path) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "into" / "x").symlink_to(tmp_path / "precious")
    (arrived / "x").write_text("theirs")
    assert settled(tmp_path, "x").names == ("x",)
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "into" / "x").is_symlink()


def test_a_folder_is_not_replaced_by_a_file_nor_a_file_by_a_folder(tmp_path: Path, arrived: Path) -> None:
    (tmp_path / "into" / "d").mkdir(parents=True)
    (tmp_path / "into" / "f").write_text("mine")
    (arrived / "d").write_text("file")
    (arrived / "f").mkdir()
    (arrived / "f" / "x").write_text("x")
    (arrived / "good").write_text("good")
    came = settled(tmp_path, "d", "f/x", "good")
    assert came.names == ("good",)
    assert len(came.troubles) == 2
    assert not came.ok
    assert (tmp_path / "into" / "f").read_text() == "mine"


def test_a_pipe_that_arrived(tmp_path: Path, arrived: Path) -> None:
    os.mkfifo(arrived / "p")
    assert settled(tmp_path, "p").troubles == ("p: no file, folder or link",)


def test_troubles_are_bounded_and_neutralised(tmp_path: Path, arrived: Path) -> None:
    names = [f"\x1b[2J{number}" for number in range(TROUBLES + 50)]
    for name in names:
        (arrived / name).symlink_to("/")
    came = settled(tmp_path, *names)
    assert len(came.troubles) == TROUBLES
    assert not any("\x1b" in line for line in came.troubles)
