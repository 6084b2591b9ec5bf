"""`gridtui alerts|ack|silence|maintenance`: what is said, who heeds it, and that all formats of `check` agree on it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ..e2e.program import Done, Program

INVENTORY = """
all:
  hosts:
    here: {ansible_connection: local}
    gate: {ansible_host: 127.0.0.1, ansible_port: 9}
    kid1: {ansible_host: 127.0.0.1, ansible_port: 11, gridtui_parent: gate}
    kid2: {ansible_host: 127.0.0.1, ansible_port: 13, gridtui_parent: gate}
    lone: {ansible_host: 127.0.0.1, ansible_port: 15}
"""
"""Nothing listens at these ports: they are the reserved ones of discard, systat and the like."""


@pytest.fixture
def fleet(program: Program) -> Program:
    program.inventory(INVENTORY)
    return program


def seen(program: Program, *more: str) -> dict[str, Any]:
    """The nodes as `check --json` has them, by name."""
    document = program.run("check", "--json", *more).json
    return {node["name"]: node for node in document["nodes"]} | {"state": document["state"], **document["counts"]}


def file(program: Program) -> Path:
    return program.state / "gridtui" / "alerts.json"


def test_alerts_are_listed_with_what_is_behind_a_dead_parent(fleet: Program) -> None:
    done = fleet.run("alerts")
    assert done.status == 2, done
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["STATE", "NODE", "FOR", "RULE", "WHAT"]
    assert [row.split()[:2] for row in rows] == [["CRITICAL", "gate"], ["CRITICAL", "lone"]]
    assert "2 nodes behind it: kid[1-2]" in rows[0]
    assert "reach" in rows[0]
    assert done.stderr == "2 alerts\n"
    assert list((fleet.state / "gridtui").glob("check-*.json")) == [], "it keeps nothing"


def test_a_look_leaves_the_next_check_its_news(fleet: Program) -> None:
    fleet.run("alerts")
    assert "gate" in fleet.run("check", "--changed").stdout
    fleet.run("alerts")
    assert fleet.run("check", "--changed").stdout == ""


def test_what_is_acknowledged_is_ill_and_no_alert(fleet: Program) -> None:
    done = fleet.run("ack", "gate", "lone", "--why", "power \x1b[31m")
    assert (done.status, done.out) == (0, b""), done
    assert re.fullmatch(r"gate,lone: acknowledged by \S+: power ·\[31m\n", done.stderr)
    nodes = seen(fleet)
    assert (nodes["state"], nodes["acknowledged"], nodes["blamed"], nodes["down"]) == ("OK", 2, 2, 0)
    gate = nodes["gate"]
    assert (gate["state"], gate["layer"], gate["alert"], gate["up"]) == ("CRITICAL", "tcp", False, False)
    assert gate["mute"]["kind"] == "acknowledged"
    assert gate["mute"]["why"] == "power ·[31m"
    for shape in ("text", "json", "nagios", "prometheus"):
        done = fleet.run("check", "--format", shape)
        assert done.status == 0, done
        assert done.is_clean()
    done = fleet.run("alerts")
    assert done.status == 0
    assert [row.split()[:2] for row in done.stdout.splitlines()[1:]] == [
        ["acknowledged", "gate"],
        ["acknowledged", "lone"],
    ]
    assert done.stderr == "0 alerts, 2 acknowledged, silenced or in maintenance\n"
    assert fleet.run("ack", "gate", "--end").status == 0
    assert seen(fleet)["state"] == "CRITICAL"


def test_all_formats_say_the_same(fleet: Program) -> None:
    fleet.run("ack", "gate")
    fleet.run("silence", "lone", "--for", "2h", "--why", "moved")
    fleet.run("maintenance", "here")
    text = fleet.run("check").stdout
    assert text.startswith("OK: 1 of 5 nodes up, 2 behind a dead parent, 1 silenced, 1 acknowledged")
    assert re.search(r"^acknowledged  gate ", text, re.M)
    assert re.search(r"^silenced +lone .*; silenced until .* by .*: moved$", text, re.M)
    nagios = fleet.run("check", "--format", "nagios").stdout
    assert nagios.startswith("GRIDTUI OK: ")
    assert "silenced=1;;;0;5 acknowledged=1;;;0;5" in nagios
    assert re.search(r"^\(acknowledged\) gate: ", nagios, re.M)
    prometheus = fleet.run("check", "--format", "prometheus").stdout
    for line in (
        "gridtui_check_state 0",
        'gridtui_nodes{kind="acknowledged"} 1',
        'gridtui_nodes{kind="silenced"} 1',
        'gridtui_state{node="gate"} 2',
        'gridtui_alert{node="gate"} 0',
        'gridtui_acknowledged{node="gate"} 1',
        'gridtui_acknowledged{node="lone"} 0',
        'gridtui_silenced{node="lone"} 1',
        'gridtui_maintenance{node="here"} 1',
        'gridtui_up{node="here"} 1',
    ):
        assert f"{line}\n" in prometheus, line
    alerts = fleet.run("alerts", "--json").json
    assert (alerts["schema"], alerts["state"], alerts["alerts"]) == (1, "OK", [])
    assert [entry["name"] for entry in alerts["quiet"]] == ["gate", "lone"]
    assert alerts["quiet"][0]["behind"] == ["kid1", "kid2"]
    assert {entry["name"]: entry["kind"] for entry in alerts["said"]} == {
        "gate": "acknowledged",
        "lone": "silenced",
        "here": "maintenance",
    }


def test_a_silence_ends_by_itself(fleet: Program) -> None:
    done = fleet.run("silence", "lone", "gate", "--for", "1h", "--json")
    assert {said["name"] for said in done.json["said"]} == {"gate", "lone"}
    assert seen(fleet)["state"] == "OK"
    document = json.loads(file(fleet).read_text())
    for mute in document["mutes"]:
        mute["since"] -= 3601
        mute["until"] -= 3601
    file(fleet).write_text(json.dumps(document))
    assert seen(fleet)["state"] == "CRITICAL"


def test_maintenance_is_as_that_of_the_inventory(fleet: Program) -> None:
    assert fleet.run("maintenance", "gate,lone", "--why", "disks").status == 0
    nodes = seen(fleet)
    assert (nodes["state"], nodes["maintenance"], nodes["gate"]["maintenance"]) == ("OK", 2, True)
    listed = fleet.run("inventory", "list", "-w", "state=maintenance").stdout.splitlines()[1:]
    assert [row.split()[0] for row in listed] == ["gate", "lone"]
    done = fleet.run("exec", "-x", "state=maintenance,kid1,kid2", "--", "true")
    assert (done.status, "1 node" in done.stderr) == (0, True), done
    assert fleet.run("maintenance", "--end", "@*").status == 0
    assert seen(fleet)["state"] == "CRITICAL"
    assert fleet.run("maintenance", "--end", "gate").status == 1


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("ack", "here"), 1, "no alert that could be acknowledged"),
        (("silence", "here", "--end"), 1, "not silenced"),
        (("silence", "nosuch"), 2, "`nosuch`"),
        (("silence", " "), 2, "empty"),
        (("silence",), 2, "SEL"),
        (("silence", "here", "--for", "soon"), 2, "no span of time"),
        (("silence", "here", "--for", "400d"), 2, "a year is the longest"),
        (("ack", "label=none", "--end"), 2, "label"),
        (("--read-only", "silence", "here"), 2, "read-only"),
        (("--read-only", "ack", "here"), 2, "read-only"),
        (("--read-only", "maintenance", "here", "--end"), 2, "read-only"),
    ],
)
def test_what_cannot_be_said(fleet: Program, words: tuple[str, ...], status: int, says: str) -> None:
    done: Done = fleet.run(*words)
    assert done.status == status, done
    assert says in done.stderr
    assert not file(fleet).exists() or not json.loads(file(fleet).read_text())["mutes"]


def test_wrong_usage_of_alerts_is_unknown_as_that_of_check(fleet: Program) -> None:
    for words in (("alerts", "--nonsense"), ("alerts", "-w", "nosuch")):
        done = fleet.run(*words)
        assert (done.status, done.stdout[:8]) == (3, "UNKNOWN:"), done


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_told_and_the_check_goes_on(fleet: Program, content: bytes) -> None:
    fleet.run("silence", "@*")
    assert seen(fleet)["state"] == "OK"
    file(fleet).write_bytes(content)
    done = fleet.run("check")
    assert done.status == 2, done
    assert len(done.stderr.splitlines()) == 1 and "alerts.json is damaged" in done.stderr
    assert fleet.run("check").err == b"", "once"
    assert fleet.run("silence", "@*").status == 0
    assert seen(fleet)["state"] == "OK"


def test_another_inventory_with_such_a_name_is_left_alone(fleet: Program) -> None:
    fleet.run("silence", "lone")
    other = fleet.inventory("all:\n  hosts:\n    lone: {ansible_host: 127.0.0.1, ansible_port: 17}\n", "other.yaml")
    assert fleet.run("-i", other, "check").status == 2
