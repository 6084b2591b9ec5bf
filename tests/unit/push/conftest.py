"""Nodes for transfers: real OpenSSH servers on loopback, and a way to push without a fleet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ssh.openssh import MISSING, PROGRAM, Sshd

needs_rsync = pytest.mark.skipif(
    PROGRAM is None or shutil.which("rsync") is None, reason=f"rsync is not installed, or {MISSING}"
)

SFTP = "Subsystem sftp internal-sftp"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One sshd for all tests that do not break it."""
    with Sshd(tmp_path_factory.mktemp("push") / "sshd", options=[SFTP]) as sshd:
        yield sshd


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Makes servers of a test's own, with options of sshd_config."""
    made: list[Sshd] = []

    def make(*options: str) -> Sshd:
        made.append(Sshd(tmp_path / f"sshd{len(made)}", options=[SFTP, *options]))
        made[-1].start()
        return made[-1]

    yield make
    for sshd in made:
        sshd.stop()


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
