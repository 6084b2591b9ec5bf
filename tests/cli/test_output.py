"""What is printed: the shapes of JSON documents that others rely on, colours, and readers that go away."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ..e2e.program import Program

LOCAL = "web:\n  hosts:\n    web[1:3]:\n  vars:\n    ansible_connection: local\n    secret_password: hunter2\n"


@pytest.fixture
def inventory(program: Program) -> Path:
    return program.inventory(LOCAL)


def test_the_shape_of_check(program: Program, inventory: Path) -> None:
    done = program.run("-i", inventory, "check", "--json")
    document = done.json
    assert document["schema"] == 1
    assert document["state"] == "OK"
    assert isinstance(document["time"], float)
    assert [node["name"] for node in document["nodes"]] == ["web1", "web2", "web3"]
    for node in document["nodes"]:
        assert node.keys() >= {"name", "state", "layer", "since", "reasons"}
        assert node["state"] in ("OK", "WARNING", "CRITICAL", "UNKNOWN")
    assert program.run("-i", inventory, "check", "--format", "json").json.keys() == document.keys()


def test_the_shape_of_the_others(program: Program, inventory: Path) -> None:
    for words, wanted in (
        (["inventory", "list"], {"name", "address", "port", "user", "groups", "vars"}),
        (["inventory", "show", "@web"], {"name", "address", "port", "user", "groups", "vars"}),
        (["facts"], {"name", "layer", "error", "os", "kernel", "cpus", "memory", "capabilities"}),
        (["ping", "-c", "1"], {"name", "address", "sent", "received", "loss", "min", "avg", "max", "jitter"}),
    ):
        done = program.run("-i", inventory, *words, "--json")
        assert done.status == 0, done
        assert done.json["schema"] == 1
        assert len(done.json["nodes"]) == 3
        for node in done.json["nodes"]:
            assert node.keys() >= wanted, words
    doctor = program.run("-i", inventory, "doctor", "--json").json
    assert doctor["schema"] == 1
    assert all(finding.keys() >= {"name", "ok", "text", "mend", "needed"} for finding in doctor["findings"])


def test_secrets_are_masked(program: Program, inventory: Path) -> None:
    assert b"hunter2" not in program.run("-i", inventory, "inventory", "show", "web1").out


def test_doctor_blames_the_settings_alone_for_what_is_wrong_with_them(program: Program, inventory: Path) -> None:
    program.settings("[pnig]\n")
    findings = {found["name"]: found for found in program.run("-i", inventory, "doctor", "--json").json["findings"]}
    assert not findings["settings"]["ok"]
    assert findings["inventory"]["ok"]


def test_doctor_lines_up(program: Program, inventory: Path) -> None:
    done = program.run("-i", inventory, "doctor")
    for line in done.stdout.splitlines():
        if not line.lstrip().startswith("mend: "):
            word, name, *text = line.split()
            assert word in ("ok", "note", "MISSING")
            assert text, f"no space behind {name}"


def on_a_terminal(program: Program, *words: str | Path, env: dict[str, str] | None = None) -> bytes:
    """What a run writes to a terminal."""
    master, slave = pty.openpty()
    running = program.start(*words, env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    try:
        while True:
            seen += os.read(master, 65536)
    except OSError:  # EIO: the last writer is gone
        pass
    finally:
        os.close(master)
    running.wait()
    return seen


def test_colour_on_a_terminal_alone(program: Program, inventory: Path) -> None:
    assert b"\x1b[32mOK\x1b[0m" in on_a_terminal(program, "-i", inventory, "check")
    assert b"\x1b[32m" not in on_a_terminal(program, "-i", inventory, "check", env={"NO_COLOR": "1"})
    assert b"\x1b" not in on_a_terminal(program, "-i", inventory, "check", env={"TERM": "dumb"})
    done = program.run("-i", inventory, "check")
    assert b"\x1b" not in done.out + done.err
    assert done.err == b""


@pytest.mark.parametrize(
    "words", [["inventory", "list"], ["check", "--json"], ["facts", "--json"], ["inventory", "list", "--json"]]
)
def test_a_reader_that_has_had_enough(program: Program, words: list[str]) -> None:
    count = 3000 if words[0] == "inventory" else 2
    inventory = program.inventory(f"all:\n  hosts:\n    n[1:{count}]: {{ansible_connection: local}}\n", "many.yaml")
    reading, writing = os.pipe()
    running = program.start("-i", inventory, *words, stdout=writing)
    os.close(writing)
    assert os.read(reading, 1) if words[0] == "inventory" else True
    os.close(reading)
    done = running.wait()
    assert (done.status, done.err) == (3 if words[0] == "check" else 0, b""), done


def test_head_in_a_shell(program: Program) -> None:
    inventory = program.inventory("all:\n  hosts:\n    n[1:5000]: {}\n", "many.yaml")
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m gridtui -i {inventory} inventory list | head -n 2"],
        env=program.env, capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b""


def test_a_full_disk_behind_standard_output(program: Program, inventory: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = program.run("-i", inventory, "check", stdout=full)
    assert done.status == 3
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_standard_streams(program: Program, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m gridtui check {closed}"],
        env=program.env, cwd=program.folder, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"OK: ") == (">&-" not in closed.replace("2>&-", ""))
