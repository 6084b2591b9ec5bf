"""The folder of the masters' sockets, beside what is not ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from gridtui.ssh import masters


def test_only_our_own_dead_folders_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$XDG_RUNTIME_DIR is every program's."""
    base = tmp_path / "runtime"
    base.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    monkeypatch.setattr(masters, "_LONGEST", 4096)
    foreign = base / "ssh-999999999-abcdefgh"
    dead = base / "ssh-gridtui-999999999-abcdefgh"
    alive = base / "ssh-gridtui-1-abcdefgh"
    for folder in (foreign, dead, alive):
        folder.mkdir()
    made = masters._make_folder()
    assert made.parent == base
    assert made.stat().st_mode & 0o777 == 0o700
    assert {found.name for found in base.iterdir()} == {foreign.name, alive.name, made.name}
    assert masters._make_folder().exists()
    assert made.exists(), "its maker lives"


def test_sockets_have_short_names_whatever_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(long))
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    made = masters._make_folder()
    made.rmdir()
    assert made.parent == Path("/tmp")
