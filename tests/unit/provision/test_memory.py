"""What is remembered between runs, and what the summary says."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gridtui.model import Node
from gridtui.provision import Ending, Outcome, Step, StepState, state, summary

MACHINE, OTHER = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_what_went_through_is_remembered() -> None:
    first = state.recall("new1", "h:22")
    first.met(MACHINE, "admin", "su")
    first.went("base", "d1")
    memory = state.recall("new1", "h:22")
    assert (memory.user, memory.method) == ("admin", "su")
    assert memory.holds("base", "d1", MACHINE)
    assert not memory.holds("base", "d2", MACHINE)
    assert not memory.holds("ssh", "d1", MACHINE)
    assert not memory.holds("base", "d1", OTHER)
    assert not memory.holds("base", "d1", "")
    assert not state.recall("new1", "elsewhere:22").done
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600


def test_a_machine_that_was_installed_anew_has_nothing() -> None:
    memory = state.recall("new1", "h:22")
    memory.met(MACHINE, "root", "")
    memory.went("base", "d1")
    memory.met(OTHER, "admin", "sudo")
    memory.went("ssh", "d1")
    again = state.recall("new1", "h:22")
    assert (again.user, again.done) == ("admin", {"ssh": "d1"})
    again.drop(["ssh", "never"])
    assert state.recall("new1", "h:22").done == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "done": [1], "user": 7}'])
def test_a_damaged_file_costs_a_run_and_no_more(content: str) -> None:
    memory = state.recall("../new 1", "h:22")
    assert memory.path.parent.name == "provision"
    memory.path.write_text(content)
    again = state.recall("../new 1", "h:22")
    assert (again.user, again.done) == ("", {})


def test_a_digest_is_of_all_that_counts(tmp_path: Path) -> None:
    playbook = tmp_path / "one.yml"
    playbook.write_text("- hosts: all\n")
    role = tmp_path / "roles" / "one" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True)
    role.write_text("[]\n")
    seen = {state.digest(playbook, {}), state.digest(playbook, {"a": 1}), state.digest(playbook, {"a": 2})}
    seen.add(state.digest(playbook, {}, ("key",)))
    role.write_text("[ ]\n")
    seen.add(state.digest(playbook, {}))
    assert len(seen) == 5
    assert state.digest(playbook, {"b": 1, "a": 2}) == state.digest(playbook, {"a": 2, "b": 1})


def fold(names: object) -> str:
    return "+".join(names)  # type: ignore[arg-type]


def test_what_it_came_to() -> None:
    step = Step("a", "python", StepState.CHANGED)
    outcomes = [
        Outcome("a", Ending.CHANGED, (step,), user="grid"),
        Outcome("b", Ending.OK, user="grid"),
        Outcome("c", Ending.FAILED, error="root: no way"),
        Outcome("d", Ending.FAILED, error="root: no way"),
        Outcome("e", Ending.UNREACHABLE, error="contact: off"),
    ]
    assert (
        summary.headline(outcomes, 41.23)
        == "5 nodes in 41.2 s: 1 ready, nothing changed, 1 ready now, 2 failed, 1 unreachable"
    )
    assert [text for _, text in summary.troubles(outcomes, fold)] == [
        "unreachable: e: contact: off",
        "failed: c+d: root: no way",
    ]
    nodes = {name: Node(name, name, user="root" if name == "a" else "grid") for name in "abcde"}
    assert summary.advice(outcomes, nodes, "/k", fold) == [
        "put `ansible_user: grid` into the inventory for a",
        "put `ansible_ssh_private_key_file: /k` into the inventory for a+b",
    ]
