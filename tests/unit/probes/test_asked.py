"""What is asked on demand, a unit's journal and the containers: real shells with made-up tools, and answers that are cut or hostile."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import ProbeError
from gridtui.probes import (
    Container,
    containers_command,
    journal_command,
    parse_containers,
    parse_journal,
)
from gridtui.probes.containers import MOST

NONCE = "0123456789abcdef"
SHELLS = [["sh"], ["bash"], ["busybox", "sh"]]


def tool(folder: Path, name: str, text: str) -> None:
    """A program that a command finds."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder that alone is searched for programs: with the plain ones, without docker, podman and systemd."""
    for name in ("id", "head", "cut", "timeout", "sh", "cat"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    return tmp_path


def run(shell: list[str], command: str, tools: Path) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(shell[0])
    if program is None:
        pytest.skip(f"no {shell[0]}")
    environment = {"PATH": str(tools), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run([program, *shell[1:], "-c", command], capture_output=True, env=environment, timeout=30)


# ---- containers ----


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_neither_engine_is_there(shell: list[str], tools: Path) -> None:
    found = parse_containers(NONCE, run(shell, containers_command(NONCE), tools).stdout)
    assert (found.found, found.engines, found.errors) == ((), (), ())


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_an_engine_that_answers_and_one_that_may_not_be_asked(shell: list[str], tools: Path) -> None:
    tool(tools, "docker", 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1')
    rows = r"0f3a0f3a0f3a0000\tweb\tnginx:1\tUp 3 hours\t80/tcp\naaaaaaaaaaaa\told\tbox\tExited (1) 2 days ago\t\n"
    tool(tools, "podman", f"[ \"$1\" = ps ] && printf '{rows}'")
    found = parse_containers(NONCE, run(shell, containers_command(NONCE), tools).stdout)
    assert found.found == (
        Container("podman", "0f3a0f3a0f3a", "web", "nginx:1", "Up 3 hours", "80/tcp"),
        Container("podman", "aaaaaaaaaaaa", "old", "box", "Exited (1) 2 days ago", ""),
    )
    assert found.found[0].running
    assert not found.found[1].running
    assert found.engines == ("podman",)
    assert found.errors == ("docker: this login may not ask it",)


def test_sudo_is_tried_where_it_may_be_and_helps(tools: Path) -> None:
    (tools / "id").unlink()
    tool(tools, "id", "echo 1000")
    tool(
        tools,
        "docker",
        '[ "$AS_ROOT" ] || { echo "permission denied"; exit 1; }; printf "0f3a0f3a0f3a\\tweb\\tn\\tUp 1 s\\t\\n"',
    )
    tool(tools, "sudo", '[ "$1" = -n ] || exit 9; shift; AS_ROOT=1; export AS_ROOT; exec "$@"')
    refused = parse_containers(NONCE, run(["sh"], containers_command(NONCE), tools).stdout)
    assert refused.errors == ("docker: this login may not ask it",)
    found = parse_containers(NONCE, run(["sh"], containers_command(NONCE, sudo=True), tools).stdout)
    assert [one.name for one in found.found] == ["web"]
    assert found.errors == ()


def test_a_refusing_sudo_leaves_the_engines_own_words(tools: Path) -> None:
    (tools / "id").unlink()
    tool(tools, "id", "echo 1000")
    tool(
        tools,
        "docker",
        'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"; exit 1',
    )
    tool(tools, "sudo", 'echo "sudo: a password is required" >&2; exit 1')
    for sudo in (False, True):
        found = parse_containers(NONCE, run(["sh"], containers_command(NONCE, sudo=sudo), tools).stdout)
        assert found.errors == ("docker: its daemon does not run",)


def test_an_engine_with_very_many_is_bounded(tools: Path) -> None:
    tool(
        tools,
        "docker",
        'i=0; while [ $i -lt 3000 ]; do echo "aaaaaaaaaaaa	n$i	'
        + "x" * 800
        + '	Up 1 s	"; i=$((i+1)); done',
    )
    done = run(["sh"], containers_command(NONCE), tools)
    assert len(done.stdout) < MOST * 620
    assert parse_containers(NONCE, done.stdout).engines == ("docker",)


def test_a_container_cannot_speak_for_an_engine() -> None:
    text = (
        f"@{NONCE} docker own 0\n0f3a0f3a0f3a\t@{'f' * 16} podman own 0\timage\tUp 1 s\t\n"
        f"@{'f' * 16} podman own 1\nfalse\n@{NONCE} end\n"
    ).encode()
    found = parse_containers(NONCE, text)
    assert found.engines == ("docker",)
    assert len(found.found) == 1
    assert found.errors == ()


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60), st.sampled_from([f"@{NONCE} docker own 0\n".encode(), f"@{NONCE} end\n".encode()])
        )
    )
)
def test_any_bytes_give_containers(chunks: list[bytes]) -> None:
    found = parse_containers(NONCE, b"".join(chunks))
    assert all("\x1b" not in one.name for one in found.found)


def test_an_answer_that_was_cut_off_says_so() -> None:
    assert parse_containers(NONCE, b"").errors == ("the answer did not come whole",)


# ---- journals ----


@pytest.mark.parametrize(
    "unit", ["", "a", "-u.service", "a b.service", "a'b.service", "a*.service", "$(x).service", "x" * 300 + ".service"]
)
def test_what_is_no_unit_is_never_asked_for(unit: str) -> None:
    with pytest.raises(ProbeError):
        journal_command(unit)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_a_node_without_systemd_says_so(shell: list[str], tools: Path) -> None:
    if Path("/run/systemd/system").exists():
        pytest.skip("systemd runs here")
    done = run(shell, journal_command(r"a\x2db@1.service"), tools)
    assert parse_journal("a", done.returncode, done.stdout, done.stderr).error == "systemd does not run there"


SHOWN = b"ActiveState=failed\nResult=exit-code\nExecMainStatus=3\nbad\n\n"


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "lines", "error", "barred"),
    [
        (
            0,
            SHOWN + b"2026 a[1]: one\n2026 a[1]: \x1b[2Jtwo\n",
            b"",
            ("2026 a[1]: one", "2026 a[1]: ·[2Jtwo"),
            "",
            False,
        ),
        (0, SHOWN + b"-- No entries --\n", b"", (), "the journal has no lines of it", False),
        (
            0,
            SHOWN + b"-- No entries --\n",
            b"Hint: You are currently not seeing messages from other users and the system.\n",
            (),
            "this login may not read it (groups adm, systemd-journal)",
            True,
        ),
        (
            1,
            SHOWN,
            b"No journal files were opened due to insufficient permissions.\n",
            (),
            "this login may not read it (groups adm, systemd-journal)",
            True,
        ),
        (1, b"\n", b"sudo: a password is required\n", (), "sudo: a password is required", False),
        (124, SHOWN, b"", (), "journalctl did not answer in 10 s", False),
        (78, b"", b"", (), "there is no journalctl there", False),
    ],
)
def test_what_journalctl_says(
    status: int, stdout: bytes, stderr: bytes, lines: tuple[str, ...], error: str, barred: bool
) -> None:
    found = parse_journal("a.service", status, stdout, stderr)
    assert (found.lines, found.error, found.barred) == (lines, error, barred)
    if stdout.startswith(SHOWN):
        assert found.state == {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "3"}


@given(st.binary(max_size=300), st.binary(max_size=80), st.integers(0, 255))
def test_any_bytes_give_a_journal(stdout: bytes, stderr: bytes, status: int) -> None:
    found = parse_journal("a.service", status, stdout, stderr)
    assert bool(found.lines) != bool(found.error)
