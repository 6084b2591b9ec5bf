"""A state folder that cannot be used: the check is done all the same, and says so in one line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..e2e.program import Done, Program

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="mounting needs root")


def reports_with_one_warning(done: Done, says: str) -> None:
    assert done.status == 0, done
    assert done.stdout.startswith("OK: 1 node up")
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done
    assert lines[0].startswith("warning: ")
    assert says in lines[0]
    assert done.is_clean()


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """A tmpfs there, while the context lasts."""
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "gridtui-test", str(path)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no tmpfs here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def fill(folder: Path) -> None:
    """Leave no byte."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


@needs_root
def test_a_full_disk(program: Program) -> None:
    with mounted(program.state, "size=64k,mode=0700"):
        fill(program.state)
        for _ in range(2):
            reports_with_one_warning(program.run("check"), "No space left on device")
        (program.state / "ballast").unlink()
        done = program.run("check")
        assert (done.status, done.err) == (0, b""), done


@needs_root
def test_a_disk_that_fills_up_keeps_the_old_state(program: Program) -> None:
    with mounted(program.state, "size=64k,mode=0700"):
        assert program.run("check").status == 0
        (file,) = (program.state / "gridtui").glob("check-*.json")
        before = file.read_bytes()
        fill(program.state)
        reports_with_one_warning(program.run("check"), "No space left on device")
        assert file.read_bytes() == before
        assert [path.name for path in file.parent.iterdir() if path.name.endswith(".tmp")] == []


@needs_root
def test_a_read_only_disk(program: Program) -> None:
    with mounted(program.state, "size=64k,ro"):
        reports_with_one_warning(program.run("check"), "read-only")


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_read_only_folder(program: Program) -> None:
    program.state.chmod(0o500)
    reports_with_one_warning(program.run("check"), "XDG_STATE_HOME")


@needs_root
def test_somebody_elses_folder(program: Program) -> None:
    folder = program.state / "gridtui"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    reports_with_one_warning(program.run("check"), "belongs to another user")


def test_a_file_in_its_place(program: Program) -> None:
    (program.state / "gridtui").write_text("")
    reports_with_one_warning(program.run("check"), "gridtui")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema": 1, "nodes": {"localhost": 7}}', b'{"schema": 99}', b"null"],
)
def test_a_damaged_document(program: Program, content: bytes) -> None:
    assert program.run("check").status == 0
    (file,) = (program.state / "gridtui").glob("check-*.json")
    file.write_bytes(content)
    done = program.run("check")
    assert done.status == 0, done
    assert done.stdout.startswith("OK: 1 node up")
    assert len(done.stderr.splitlines()) <= 1
    assert json.loads(file.read_bytes())["schema"] == 1


@pytest.mark.parametrize("strange", [[], "\x1b[31m", {"state": "\x1b"}, None, -1e308])
def test_strange_values_in_a_document(program: Program, strange: object) -> None:
    assert program.run("check").status == 0
    (file,) = (program.state / "gridtui").glob("check-*.json")
    document = json.loads(file.read_bytes())
    node = document["nodes"]["localhost"]
    bent = {
        "memory": dict.fromkeys(node["memory"], strange),
        "counters": dict.fromkeys(node["counters"], strange),
    }
    for entry in (bent, {**node, "counters": strange}, {**node, "memory": strange}):
        file.write_text(json.dumps({**document, "nodes": {"localhost": entry}}))
        done = program.run("check")
        assert done.status == 0, (entry, done)
        assert done.is_clean()


def test_the_folder_is_for_its_owner_alone(program: Program) -> None:
    assert program.run("check").status == 0
    folder = program.state / "gridtui"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
