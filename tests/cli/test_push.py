"""`gridtui push` and `gridtui pull` as processes, against real sshd: exit statuses, JSON, guard rails, and that nothing is left."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..e2e.program import Program
from ..ssh.openssh import PROGRAM, Sshd
from ..unit.push.trees import fill

pytestmark = [
    pytest.mark.skipif(PROGRAM is None or shutil.which("rsync") is None, reason="OpenSSH's sshd and rsync are needed"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("push") / "sshd", options=["Subsystem sftp internal-sftp"]) as sshd:
        yield sshd


@pytest.fixture
def inventory(server: Sshd, tmp_path: Path) -> Path:
    """Three nodes, all on one sshd, and one that is not there."""
    path = tmp_path / "inventory.ini"
    path.write_text(
        "[web]\nweb[1:3] ansible_host=127.0.0.1\n[gone]\ndead ansible_host=127.0.0.1 ansible_port=1\n[all:vars]\n"
        f"ansible_port={server.port}\nansible_user={server.user}\nansible_ssh_private_key_file={server.identity}\n"
        f"ansible_ssh_common_args='-F none -o UserKnownHostsFile={server.known_hosts}'\n"
    )
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    fill(tmp_path / "site" / "file", 10_000)
    return tmp_path / "site"


def test_out_and_back(program: Program, inventory: Path, site: Path, tmp_path: Path) -> None:
    done = program.run("-i", inventory, "push", "-w", "web1", "--json", site, f"{tmp_path}/there/")
    assert done.status == 0, done
    assert done.is_clean()
    (result,) = done.json["results"]
    shape = {"node": "web1", "status": "ok", "exit": 0, "stdout": "", "stderr": "", "error": None, "via": "rsync"}
    assert shape.items() <= result.items()
    assert (result["files"], result["size"], result["literal"]) == (1, 10_000, 10_000)
    assert result["bytes"] > 10_000
    done = program.run("-i", inventory, "pull", "-w", "@web", f"{tmp_path}/there/site/file", "in")
    assert done.status == 0, done
    assert done.out == b""
    assert "3 nodes in" in done.stderr
    assert "3 ok; 3 files" in done.stderr
    assert sorted(os.listdir(tmp_path / "in")) == ["web1", "web2", "web3"]
    assert (tmp_path / "in" / "web2" / "file").read_bytes() == (site / "file").read_bytes()


def test_the_worst_status_wins(program: Program, inventory: Path, site: Path, tmp_path: Path) -> None:
    done = program.run("-i", inventory, "push", site, f"{tmp_path}/there/", "-w", "web1,dead")
    assert done.status == 4, done
    assert "unreachable: dead: connection refused" in done.stderr
    done = program.run("-i", inventory, "pull", "/no/such", tmp_path / "in", "-w", "@web")
    assert done.status == 1, done
    assert "failed: web[1-3]: no such file or directory: /no" in done.stderr
    assert program.run("-i", inventory, "push", site, "/x", "-w", "web1 & dead").status == 3


def test_a_dry_run_is_folded(program: Program, inventory: Path, site: Path, tmp_path: Path) -> None:
    done = program.run("-i", inventory, "push", "-n", "-w", "@web", f"{site}/", f"{tmp_path}/there")
    assert done.status == 0, done
    assert done.stdout.splitlines() == ["--- web[1-3] (3)", "cd+++++++++ ./", "<f+++++++++ file"]
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["push", "SITE"], "at least one SRC"),
        (["push", "/no/such", "/srv/x"], "/no/such"),
        (["push", "--delete", "SITE/", "/etc"], "--yes-delete"),
        (["push", "--delete", "SITE/", "/"], "--yes-delete"),
        (["push", "--delete", "SITE/", "~"], "--yes-delete"),
        (["push", "--delete", "EMPTY/", "/srv/www"], "empty folder"),
        (["--read-only", "push", "SITE", "/srv/x"], "read-only"),
        (["push", "--bwlimit", "fast", "SITE", "/x"], "no rate"),
        (["push", "SITE", "~else/x"], "whole path"),
        (["pull", "/etc/hostname"], "at least one SRC"),
    ],
)
def test_wrong_usage(program: Program, inventory: Path, site: Path, tmp_path: Path, words: list[str], why: str) -> None:
    (tmp_path / "empty").mkdir()
    filled = [word.replace("SITE", str(site)).replace("EMPTY", str(tmp_path / "empty")) for word in words]
    done = program.run("-i", inventory, *filled)
    assert done.status == 2, done
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.out == b""


def test_the_second_word(program: Program, inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "there" / "old", 10)
    words = ("push", "-w", "web1", "--delete", "--yes-delete", f"{tmp_path}/empty/", f"{tmp_path}/there")
    done = program.run("-i", inventory, *words)
    assert done.status == 0, done
    assert os.listdir(tmp_path / "there") == []


def test_pull_and_a_dry_run_are_reading(program: Program, inventory: Path, site: Path, tmp_path: Path) -> None:
    pulled = program.run("--read-only", "-i", inventory, "pull", "-w", "web1", f"{site}/", tmp_path / "in")
    assert pulled.status == 0, pulled
    dry = program.run("--read-only", "-i", inventory, "push", "-n", "-w", "web1", f"{site}/", f"{tmp_path}/there")
    assert dry.status == 0, dry


def strays(word: str) -> list[str]:
    """Command lines of processes that hold `word`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found


def until(holds: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
def test_nothing_is_left_of_a_killed_run(
    program: Program, inventory: Path, server: Sshd, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    source, there = fill(tmp_path / "big", 16 << 20), tmp_path / "there"
    before = set(server.pids())
    running = program.start("-i", inventory, "push", "-w", "web1", "--bwlimit", "4m", source, f"{there}/")

    def arrived() -> bool:
        return any(path.stat().st_size > 2 << 20 for path in there.glob(".big*")) if there.exists() else False

    until(arrived, 30, lambda: running.so_far())
    running.send(number)
    done = running.wait(15)
    assert done.status == status, done
    if number != signal.SIGKILL:
        assert "cancelled: web1: stopped" in done.stderr
    # neither here nor there: no rsync, no ssh, no shell that holds the lock
    until(lambda: not strays(str(tmp_path)), 10, lambda: strays(str(tmp_path)))
    until(lambda: set(server.pids()) <= before, 10, lambda: server.pids())
    assert (there / ".gridtui-partial" / "big").stat().st_size > 1 << 20
    if number != signal.SIGKILL:
        assert not list(tmp_path.rglob("ssh-[0-9]*"))
    again = program.run("-i", inventory, "push", "-w", "web1", "--json", source, f"{there}/")
    assert again.status == 0, again
    assert again.json["results"][0]["literal"] < 15 << 20
    assert os.listdir(there) == ["big"]
    assert not list(tmp_path.rglob("ssh-[0-9]*")), "what a killed run left is swept up by the next"
