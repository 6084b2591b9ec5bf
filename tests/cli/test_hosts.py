"""Nodes that are wrong in every way that nodes can be: each gets its own clear line, the others their answer, and no terminal is moved.

One real sshd with a key for each misbehaviour (a forced command stands in for a hostile login shell), and plain sockets for what is no sshd.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..e2e.program import Done, Program
from ..ssh.openssh import MISSING, PROGRAM, Sshd, keygen, public
from .conftest import calm

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

EVIL = r"\033]0;x\007\033[31m[red]evil[/red]\302\233\033[2J\377\302\205\342\200\256"
"""For printf(1): title, colour, markup, C1 in UTF-8, clearing, invalid UTF-8, NEL, right-to-left override."""
RUN = 'exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'

SHELLS = {
    # Noise in front of the answers is no harm: many a /etc/profile makes some.
    "noisy": (f"printf '{EVIL}\\n'; printf '{EVIL}' >&2; {RUN}", None),
    "altered": (
        f"sh -c \"$SSH_ORIGINAL_COMMAND\" | sed -u 's#^PRETTY_NAME=.*#PRETTY_NAME=\"'\"$(printf '{EVIL}')\"'\"#'",
        None,
    ),
    "leaves": ("exit 0", "shell"),
    "refuses": (f"printf 'This account is {EVIL} not available.\\n'; exit 1", "shell"),
    "endless": (f"yes \"$(printf '{EVIL}')\"", "shell"),
    "huge-line": ("head -c 100000000 /dev/zero | tr '\\0' A; sleep 60", "shell"),
    "binary": ("cat /dev/urandom", "shell"),
    "stderr": (f"(yes \"$(printf '{EVIL}')\" | head -c 20000000) >&2; exit 3", "shell"),
    "silent": ("exec sleep 60", "shell"),
    "dead": ("kill -9 $PPID", "tcp"),
}
"""Name to a forced command, and the layer that it fails at."""
SOCKETS = {
    "mute": "banner",
    "no-ssh": "banner",
    "closes": "banner",
    "no-text": "banner",
    "garbled": "login",
    "closed-port": "tcp",
}
KEYS = {"unknown-key": "login", "changed-key": "login", "refused": "login", "no-such-key": "login"}
GOOD = ("good1", "good2")
LAYERS = {name: layer for name, (_, layer) in SHELLS.items()} | SOCKETS | KEYS | dict.fromkeys(GOOD)


@dataclass(frozen=True)
class Fleet:
    """What the whole hostile fleet and the good part of it alone made of each command."""

    runs: dict[str, Done]
    good: Done

    def node(self, name: str) -> dict[str, object]:
        return next(node for node in self.runs["check --json"].json["nodes"] if node["name"] == name)


class Impostors:
    """Listening sockets that are no sshd."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def listen(self, greeting: bytes | None, *, stay: bool = True) -> int:
        """A port where whoever connects gets `greeting` and, unless `stay`, the end."""
        server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        if greeting is not None:
            threading.Thread(target=self._serve, args=(server, greeting, stay), daemon=True).start()
            # Closing alone does not wake an accept.
            self._stack.callback(server.shutdown, socket.SHUT_RDWR)
        return int(server.getsockname()[1])

    def _serve(self, server: socket.socket, greeting: bytes, stay: bool) -> None:
        kept = []
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with contextlib.suppress(OSError):
                    client.sendall(greeting)
                if stay:
                    kept.append(client)
                else:
                    client.close()
        for client in kept:
            client.close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("hosts")
    with contextlib.ExitStack() as stack:
        banner = folder / "banner"
        banner.write_bytes(b"\x1b]0;x\x07\x1b[31m[red]welcome\xff\n")
        sshd = stack.enter_context(Sshd(folder / "sshd", options=[f"Banner {banner}", "MaxStartups 100"]))
        program = stack.enter_context(Program(folder))
        calm(program)
        inventory = program.inventory(_inventory(folder, sshd, Impostors(stack)))
        commands = (
            "check --json",
            "check",
            "check --format nagios",
            "check --format prometheus",
            "facts",
            "facts --json",
        )
        good = program.run("-i", inventory, "check", "-w", "good*", timeout=60)
        running = {}
        for number, command in enumerate(commands):
            state = folder / f"state{number}"
            state.mkdir()
            running[command] = program.start("-i", inventory, *command.split(), env={"XDG_STATE_HOME": str(state)})
        yield Fleet({command: run.wait(90) for command, run in running.items()}, good)


def _inventory(folder: Path, sshd: Sshd, impostors: Impostors) -> str:
    nodes: dict[str, dict[str, object]] = {name: {} for name in LAYERS}
    for name, (command, _) in SHELLS.items():
        script = folder / f"{name}.sh"
        script.write_text(f"#!/bin/sh\n{command}\n")
        script.chmod(0o755)
        key = keygen(folder / f"key-{name}")
        sshd.authorize(key, f'command="{script}"')
        nodes[name]["ansible_ssh_private_key_file"] = key
    evil = b"\x1b]0;x\x07\x1b[31m[red]\xff\xc2\x9b"
    nodes["mute"]["ansible_port"] = impostors.listen(None)
    nodes["no-ssh"]["ansible_port"] = impostors.listen(b"HTTP/1.1 400 " + evil + b"\r\n" * 4000)
    nodes["closes"]["ansible_port"] = impostors.listen(b"", stay=False)
    nodes["no-text"]["ansible_port"] = impostors.listen(b"SSH-2.0-" + evil + b"\r\n" + evil * 5000, stay=False)
    nodes["garbled"]["ansible_port"] = impostors.listen(b"SSH-2.0-garbled\r\n" + evil * 5000, stay=False)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nodes["closed-port"]["ansible_port"] = gone.getsockname()[1]
    other = keygen(folder / "another_host_key")
    known = folder / "changed"
    known.write_text(sshd.known_hosts_line(other))
    nodes["changed-key"]["ansible_ssh_common_args"] = f"-o UserKnownHostsFile={known}"
    nodes["unknown-key"]["ansible_ssh_common_args"] = "-o UserKnownHostsFile=/dev/null"
    nodes["refused"]["ansible_ssh_private_key_file"] = keygen(folder / "stranger")
    nodes["no-such-key"]["ansible_ssh_private_key_file"] = folder / "nowhere"
    lines = ["all:", "  hosts:"]
    for name, values in nodes.items():
        whole = {
            "ansible_host": sshd.address,
            "ansible_port": sshd.port,
            "ansible_user": sshd.user,
            "ansible_ssh_private_key_file": sshd.identity,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={sshd.known_hosts}",
            **values,
        }
        lines += [f"    {name}:", *(f"      {key}: '{value}'" for key, value in whole.items())]
    assert public(sshd.identity)
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(150)
def test_nothing_reaches_a_stream_unsanitised(fleet: Fleet) -> None:
    for command, done in fleet.runs.items():
        assert done.is_clean(), (command, done)
        assert b"Traceback" not in done.err, (command, done)
        assert b"\xe2\x80\xae" not in done.out + done.err, "a right-to-left override"


def test_the_exit_statuses(fleet: Fleet) -> None:
    statuses = {command: done.status for command, done in fleet.runs.items()}
    # Verdicts over one run alone are soft: nobody is called down at the first sight of it.
    assert {status for command, status in statuses.items() if command.startswith("check")} <= {0, 2, 3}
    assert {status for command, status in statuses.items() if command.startswith("facts")} == {4}


@pytest.mark.parametrize(("name", "layer"), LAYERS.items())
def test_each_node_has_its_layer_and_its_line(fleet: Fleet, name: str, layer: str | None) -> None:
    node = fleet.node(name)
    if layer is None:
        assert (node["up"], node["error"]) == (True, ""), node
        return
    assert not node["up"], node
    error = node["error"]
    assert isinstance(error, str)
    assert error
    assert len(error) < 700
    failed = next(entry for entry in fleet.runs["facts --json"].json["nodes"] if entry["name"] == name)
    reasons = node["reasons"]
    assert isinstance(reasons, list)
    assert reasons[0]["rule"] == "reach"
    assert failed["layer"] == layer, failed
    told = [line for line in fleet.runs["facts"].stderr.splitlines() if line.startswith(f"warning: {name}: ")]
    assert len(told) == 1, told


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown-key", "known_hosts"),
        ("changed-key", "ALARM: the host key .* has CHANGED"),
        ("refused", "permission denied"),
        ("no-such-key", "no such file"),
        ("mute", "accepts the connection and says nothing"),
        ("no-ssh", "not SSH|HTTP"),
        ("closed-port", "refused"),
        ("endless", "bytes that are no answer"),
        ("huge-line", "bytes that are no answer"),
        ("silent", "no answer to a sample"),
        ("leaves", "login shell"),
    ],
)
def test_the_line_says_what_it_is(fleet: Fleet, name: str, says: str) -> None:
    assert re.search(says, str(fleet.node(name)["error"])), fleet.node(name)["error"]


def test_the_good_ones_are_as_well_as_without_the_others(fleet: Fleet) -> None:
    assert fleet.good.status == 0, fleet.good
    for name in GOOD:
        node = fleet.node(name)
        assert (node["state"], node["up"]) == ("OK", True)
    table = fleet.runs["facts"].stdout.splitlines()
    assert {"good1", "good2", "noisy", "altered"} <= {line.split()[0] for line in table}
    assert "[red]evil[/red]" in next(line for line in table if line.startswith("altered"))


def test_time_and_memory_are_bounded(fleet: Fleet) -> None:
    done = fleet.runs["check --json"]
    assert done.json["seconds"] < 45
    assert done.peak < fleet.good.peak + (48 << 20), f"{done.peak >> 20} MB against {fleet.good.peak >> 20} MB"


def test_accept_new_pins_the_unknown_and_still_refuses_the_changed(tmp_path: Path) -> None:
    with Sshd(tmp_path / "sshd") as sshd, Program(tmp_path) as program:
        calm(program)
        pinned = tmp_path / "pinned"
        line = (
            "all:\n  hosts:\n    n1:\n"
            f"      ansible_host: {sshd.address}\n      ansible_port: {sshd.port}\n      ansible_user: {sshd.user}\n"
            f"      ansible_ssh_private_key_file: {sshd.identity}\n"
            f"      ansible_ssh_common_args: -o UserKnownHostsFile={pinned}\n"
        )
        inventory = program.inventory(line)
        assert "login" in {node["layer"] for node in program.run("-i", inventory, "facts", "--json").json["nodes"]}
        assert not pinned.exists()
        assert program.run("--host-keys", "accept-new", "-i", inventory, "facts").status == 0
        assert public(sshd.host_keys[0]).split()[1] in pinned.read_text()
        assert program.run("-i", inventory, "facts").status == 0
        pinned.write_text(sshd.known_hosts_line(keygen(tmp_path / "other")))
        done = program.run("--host-keys", "accept-new", "-i", inventory, "facts")
        assert done.status == 4
        assert "ALARM: the host key" in done.stderr
