"""`gridtui exec`, run as a user runs it, on a real sshd under several names and on this machine."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e import terminal
from ..e2e.program import Program
from ..e2e.terminal import Terminal
from ..ssh.openssh import Sshd

needs_tmux = pytest.mark.skipif(bool(terminal.MISSING), reason=terminal.MISSING)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd"), options=["MaxStartups 100", "PerSourceMaxStartups none"]) as sshd:
        yield sshd


@pytest.fixture
def fleet(program: Program, sshd: Sshd) -> Path:
    """n1 to n4 on one sshd, `here` through the local transport, and `dead`, where nothing listens."""
    return program.inventory(f"""\
all:
  vars:
    ansible_host: {sshd.address}
    ansible_port: {sshd.port}
    ansible_user: {sshd.user}
    ansible_ssh_private_key_file: {sshd.identity}
    ansible_ssh_common_args: -F none -o UserKnownHostsFile={sshd.known_hosts}
  children:
    live: {{hosts: {{"n[1:4]": , here: {{ansible_connection: local}}}}}}
    lost: {{hosts: {{dead: {{ansible_port: 1}}}}}}
""")


def test_output_carries_the_nodes_name(program: Program, fleet: Path) -> None:
    done = program.run("-i", fleet, "exec", "-w", "@live", "--", "echo out; echo err >&2")
    assert done.status == 0
    assert sorted(done.stdout.splitlines()) == ["here: out", *(f"n{index}:   out" for index in range(1, 5))]
    *errors, headline = done.stderr.splitlines()
    assert sorted(errors) == ["here: err", *(f"n{index}:   err" for index in range(1, 5))]
    assert headline.startswith("5 nodes in ")
    assert headline.endswith(": 5 ok")


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["uname", "-s"], "Linux"),
        (["echo a | tr a b"], "b"),
        (["echo", "$((1 + 1))"], "2"),
        (["echo", "-w", "x"], "-w x"),
        (["--", "echo", "--json"], "--json"),
    ],
)
def test_words_become_shell_text(program: Program, fleet: Path, words: list[str], output: str) -> None:
    done = program.run("-i", fleet, "exec", "-w", "n1", *words)
    assert (done.status, done.stdout) == (0, f"n1: {output}\n")


def test_the_worst_wins(program: Program, fleet: Path) -> None:
    done = program.run("-i", fleet, "exec", "-w", "n1,n2,dead", "--", "exit 3")
    assert done.status == 4
    assert "failed: n[1-2]: exit 3" in done.stderr
    assert "unreachable: dead: connection refused" in done.stderr
    assert program.run("-i", fleet, "exec", "-w", "n1", "false").status == 1
    assert program.run("-i", fleet, "exec", "-w", "n1", "-t", "0.3", "sleep 60").status == 1


def test_wrong_usage(program: Program, fleet: Path) -> None:
    for words in (
        [],
        ["--batch", "x", "true"],
        ["--max-failures", "-1", "true"],
        ["--json", "--raw", "true"],
        ["--fanout", "0", "true"],
    ):
        assert program.run("-i", fleet, "exec", *words).status == 2, words
    assert program.run("-i", fleet, "exec", "--retry-failed").status == 2, "nothing was run yet"
    assert program.run("-i", fleet, "exec", "-w", "state=maintenance", "true").status == 3


def test_identical_output_is_shown_once(program: Program, fleet: Path) -> None:
    command = '[ -n "$SSH_CONNECTION" ] || odd=odd; printf "same\\n$odd\\n"'
    done = program.run("-i", fleet, "exec", "-b", "-w", "@live", "--", command)
    rule = "-" * 15
    assert done.stdout == f"{rule}\nn[1-4] (4)\n{rule}\nsame\n\n{rule}\nhere (1)\n{rule}\nsame\nodd\n"


def test_differences(program: Program, fleet: Path) -> None:
    command = '[ -n "$SSH_CONNECTION" ] && echo remote || echo local; echo same'
    done = program.run("-i", fleet, "exec", "--diff", "-w", "@live", "--", command)
    assert done.stdout == "--- n[1-4] (4)\n+++ here (1)\n@@ -1,3 +1,3 @@\n-remote\n+local\n same\n \n"
    done = program.run("-i", fleet, "exec", "--diff", "-w", "@live", "true")
    assert done.stdout == ""
    assert "no difference" in done.stderr


def test_json(program: Program, fleet: Path) -> None:
    done = program.run("-i", fleet, "exec", "--json", "-w", "n1,dead", "--", r"printf 'a\033[2J\377\n'; exit 2")
    assert done.status == 4
    first, second = done.json["results"]
    assert done.json["schema"] == 1
    assert first["seconds"] > 0
    assert {key: first[key] for key in ("node", "status", "exit", "stdout", "stderr")} == {
        "node": "n1", "status": "failed", "exit": 2, "stdout": "a\x1b[2J\ufffd\n", "stderr": ""
    }  # fmt: skip
    assert {key: second[key] for key in ("node", "status", "exit", "layer")} == {
        "node": "dead", "status": "unreachable", "exit": None, "layer": "tcp"
    }  # fmt: skip
    assert done.is_clean()


def test_what_a_node_sends_does_nothing_to_a_terminal(program: Program, fleet: Path) -> None:
    command = r"printf '\033]0;evil\007\tx\302\233\r\n'; printf '\033[2J' >&2"
    done = program.run("-i", fleet, "exec", "-w", "n1", "--", command)
    assert done.is_clean()
    assert done.stdout == "n1: ·]0;evil·\tx·\n"
    done = program.run("-i", fleet, "exec", "-b", "-w", "n1", "--", command)
    assert done.is_clean()


def test_raw_is_raw(program: Program, fleet: Path) -> None:
    done = program.run("-i", fleet, "exec", "--raw", "-w", "n1", "--", r"printf '\033[1m\377\n'")
    assert done.out == b"n1: \x1b[1m\xff\n"


def test_standard_input_goes_to_all(program: Program, fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"line\n" * 50_000)
    with (tmp_path / "input").open("rb") as stream:
        done = program.run("-i", fleet, "exec", "--stdin", "-b", "-w", "@live", "--", "wc -c", stdin=stream)
    assert "250000" in done.stdout
    assert "(5)" in done.stdout


def test_without_stdin_nothing_is_read(program: Program, fleet: Path) -> None:
    reader, writer = os.pipe()
    done = program.run("-i", fleet, "exec", "-w", "@live", "cat", stdin=reader)
    os.close(writer)
    os.close(reader)
    assert done.status == 0


def test_retry_failed_repeats_where_it_did_not_succeed(program: Program, fleet: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = f'[ -z "$SSH_CONNECTION" ] || [ -e {mark} ] || exit 7; echo done'
    first = program.run("-i", fleet, "exec", "-w", "@live", "--", command)
    assert "failed: n[1-4]: exit 7" in first.stderr
    mark.touch()
    second = program.run("-i", fleet, "exec", "--json", "--retry-failed")
    assert second.status == 0
    assert [one["node"] for one in second.json["results"]] == ["n1", "n2", "n3", "n4"]
    third = program.run("-i", fleet, "exec", "--retry-failed")
    assert (third.status, third.stderr) == (3, "warning: nothing is selected\n")


def test_the_joblog_holds_no_output_and_no_input(program: Program, fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("SECRET")
    with (tmp_path / "input").open("rb") as stream:
        program.run("-i", fleet, "exec", "--stdin", "-w", "n1", "cat; false", stdin=stream)
    (log,) = (program.state / "gridtui" / "exec").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600
    assert "SECRET" not in log.read_text()
    assert json.loads(log.read_text())["results"][0]["exit"] == 1
    done = program.run("-i", fleet, "exec", "--retry-failed")
    assert done.status == 2
    assert "standard input, which is not kept" in done.stderr


def test_a_full_state_folder_does_not_keep_it_from_working(program: Program, fleet: Path) -> None:
    (program.state / "gridtui").write_text("a file where the folder should be")
    done = program.run("-i", fleet, "exec", "-w", "n1", "echo works")
    assert (done.status, done.stdout) == (0, "n1: works\n")
    assert "warning: " in done.stderr


@pytest.mark.parametrize("how", ["option", "environment", "settings"])
def test_read_only_refuses(program: Program, fleet: Path, tmp_path: Path, how: str) -> None:
    words = ["--read-only"] if how == "option" else []
    env = {"GRIDTUI_READ_ONLY": "1"} if how == "environment" else {}
    if how == "settings":
        program.settings("[guard]\nread_only = true\n")
    done = program.run("-i", fleet, *words, "exec", "-w", "here", f"touch {tmp_path}/touched", env=env)
    assert done.status == 2
    assert "read-only" in done.stderr
    assert not (tmp_path / "touched").exists()


def test_without_a_terminal_nothing_is_asked(program: Program, fleet: Path) -> None:
    program.settings("[guard]\nconfirm_above = 1\n")
    assert program.run("-i", fleet, "exec", "-w", "@live", "true").status == 0


def test_a_reader_that_has_had_enough(program: Program, fleet: Path) -> None:
    words = shlex.join(
        ["python", "-m", "gridtui", "-i", str(fleet), "exec", "-w", "here", "--", "seq 100000; sleep 0.2; seq 10"]
    )
    done = subprocess.run(
        ["bash", "-c", f"{words} | head -1"], env=program.env, capture_output=True, timeout=30, check=False
    )
    assert done.stdout == b"here: 1\n"
    assert b"Traceback" not in done.stderr
    assert b"internal" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_what_runs(program: Program, fleet: Path, tmp_path: Path, number: signal.Signals) -> None:
    running = program.start("-i", fleet, "exec", "-w", "@live", "--", "echo $$; exec sleep 1000")
    deadline = time.monotonic() + 20
    while running.so_far().count(b"\n") < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send(number)
    done = running.wait()
    assert done.status == 128 + number
    assert "stopping" in done.stderr
    assert "cancelled: here,n[1-4]: stopped" in done.stderr
    for line in done.stdout.splitlines():
        pid = int(line.split()[1])
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}").exists()


@needs_tmux
def test_ctrl_c_once_and_twice(program: Program, fleet: Path, tmp_path: Path) -> None:
    stubborn = "trap '' TERM HUP PIPE; echo at $$; while :; do sleep 0.1; done"
    with Terminal(tmp_path, env=program.env) as screen:
        screen.run(["python", "-m", "gridtui", "-i", fleet, "exec", "-w", "n[1-2]", "--", stubborn])
        screen.until(lambda: screen.screen().count(": at ") == 2, 20)
        screen.press("C-c")
        screen.until(lambda: "stopping" in screen.screen(), 10)
        screen.press("C-c")
        took = screen.until(lambda: "exit=130" in screen.screen(), 10)
        shown = screen.screen()
    assert "may still be running on n[1-2]" in " ".join(shown.split())
    assert took < 5
    for line in shown.splitlines():
        if ": at " in line:
            os.killpg(int(line.split()[-1]), signal.SIGKILL)


@needs_tmux
@pytest.mark.timeout(150)
def test_many_nodes_are_asked_about(program: Program, fleet: Path, tmp_path: Path) -> None:
    program.settings("[guard]\nconfirm_above = 2\n")
    with Terminal(tmp_path, env=program.env) as screen:
        for answer, shown in (("n", "nothing was run"), ("y", "5 ok")):
            screen.type("clear")
            screen.until(lambda: "[y/N]" not in screen.screen(), 30)
            screen.run([sys.executable, "-m", "gridtui", "-i", fleet, "exec", "-b", "-w", "@live", "--", "echo hi"])
            screen.until(lambda: "[y/N]" in screen.screen(), 30)
            assert "Run `echo hi` on 5 nodes (here,n[1-4])?" in screen.screen()
            screen.type(answer)
            screen.until(lambda shown=shown: shown in screen.screen(), 30)  # type: ignore[misc]
        screen.type("clear")
        screen.until(lambda: "exit=" not in screen.screen(), 30)
        screen.run([sys.executable, "-m", "gridtui", "-i", fleet, "exec", "--yes", "-w", "@live", "--", "echo hi"])
        screen.until(lambda: "exit=0" in screen.screen(), 30)


FAKE_SUDO = r"""#!/bin/sh
# sudo's way of asking, with -S and -p: the prompt on standard error, one line read, byte by byte, three tries.
while [ "$1" != -- ]; do case $1 in -p) prompt=$2; shift 2 ;; *) shift ;; esac; done
shift
for try in 1 2 3; do
    printf %s "$prompt" >&2
    IFS= read -r typed || { echo "sudo: no password was provided" >&2; exit 1; }
    echo "$typed" >> "$SUDO_TRIES"
    [ "$typed" = 'pass word$1' ] && exec "$@"
    echo "Sorry, try again." >&2
done
exit 1
"""


@pytest.fixture
def fake_sudo(program: Program, tmp_path: Path) -> Path:
    """A sudo for the local transport; its real sibling is tried on the lab's nodes. The file of what was typed."""
    tries = tmp_path / "tries"
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sudo").write_text(FAKE_SUDO)
    (folder / "sudo").chmod(0o755)
    program.env["PATH"] = f"{folder}:{program.env['PATH']}"
    program.env["SUDO_TRIES"] = str(tries)
    return tries


@needs_tmux
@pytest.mark.parametrize(("typed", "shown"), [("pass word$1", "exit=0"), ("wrong", "exit=1")])
def test_the_password_is_typed_once_and_unseen(
    program: Program, fleet: Path, tmp_path: Path, fake_sudo: Path, typed: str, shown: str
) -> None:
    with Terminal(tmp_path, env=program.env) as screen:
        command = "python -m gridtui -i {} exec --sudo --stdin -w here -- cat"
        screen.type(f"echo input | {command.format(fleet)}; echo exit=$?")
        screen.until(lambda: "password for all nodes:" in screen.screen(), 20)
        screen.type(typed)
        screen.until(lambda: shown in screen.screen(), 20)
        text = screen.screen()
    assert typed not in text
    assert fake_sudo.read_text() == f"{typed}\n"
    assert ("here: input" in text) == (shown == "exit=0")
    assert ("sudo: the password was refused" in text) == (shown == "exit=1")
    assert not any(typed in path.read_text() for path in (program.state / "gridtui").rglob("*.json"))


def test_without_a_terminal_no_password_is_asked(program: Program, fleet: Path, fake_sudo: Path) -> None:
    done = program.run("-i", fleet, "exec", "--sudo", "-w", "here", "id", start_new_session=True)
    assert done.status == 1
    assert "sudo asks for a password, and there is no terminal to ask for it on" in done.stderr
    assert not fake_sudo.exists()
