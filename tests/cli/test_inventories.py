"""Where the inventory comes from, and that this machine alone needs none, and no sshd."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..e2e.program import Done, Program

ONE = "web:\n  hosts:\n    web1: {ansible_connection: local}\n"
TWO = "db:\n  hosts:\n    db1: {ansible_connection: local}\n"


def names(done: Done) -> list[str]:
    assert done.status == 0, done
    return [node["name"] for node in done.json["nodes"]]


@pytest.fixture
def one(program: Program) -> Path:
    return program.inventory(ONE, "one.yaml")


@pytest.fixture
def two(program: Program) -> Path:
    return program.inventory(TWO, "two.yaml")


def test_before_and_after_the_command(program: Program, one: Path) -> None:
    for words in (
        ("-i", one, "inventory", "list"),
        ("inventory", "list", "-i", one),
        (f"--inventory={one}", "inventory", "list"),
        (f"-i{one}", "inventory", "list"),
    ):
        assert names(program.run(*words, "--json")) == ["web1"]


def test_several_are_merged(program: Program, one: Path, two: Path) -> None:
    assert sorted(names(program.run("-i", one, "-i", two, "inventory", "list", "--json"))) == ["db1", "web1"]
    assert sorted(names(program.run("-i", one, "inventory", "list", "-i", two, "--json"))) == ["db1", "web1"]
    done = program.run("-i", one, "-i", two, "check", "--json")
    assert sorted(names(done)) == ["db1", "web1"]


def test_the_environment_names_it_and_an_option_stands_above(program: Program, one: Path, two: Path) -> None:
    env = {"GRIDTUI_INVENTORY": str(two)}
    assert names(program.run("inventory", "list", "--json", env=env)) == ["db1"]
    assert names(program.run("inventory", "list", "--json", "-i", one, env=env)) == ["web1"]


def test_the_folder_and_the_configuration_folder(program: Program) -> None:
    configured = program.settings("").with_name("inventory.yaml")
    configured.write_text(TWO)
    assert names(program.run("inventory", "list", "--json")) == ["db1"]
    program.inventory(ONE)  # in the folder that runs start in
    assert names(program.run("inventory", "list", "--json")) == ["web1"]


def test_without_any_it_is_this_machine_without_sshd(program: Program) -> None:
    # Nothing in the PATH can log in anywhere.
    done = program.run("check", "--json", env={"PATH": "/usr/bin:/bin"})
    assert names(done) == ["localhost"]
    (node,) = done.json["nodes"]
    assert (node["state"], node["up"], node["layer"], node["ping"]) == ("OK", True, None, "local")
    assert node["metrics"]["mem.total"] > 0
    assert "load" in node["metrics"]
    assert done.err == b""


def test_facts_and_ping_of_this_machine(program: Program) -> None:
    (facts,) = program.run("facts", "--json").json["nodes"]
    assert facts["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()
    (pinged,) = program.run("ping", "-c", "1", "--json").json["nodes"]
    assert pinged["name"] == "localhost"


def test_an_environment_variable_for_an_option(program: Program, one: Path) -> None:
    done = program.run("-i", one, "check", env={"GRIDTUI_CHECK_FORMAT": "nagios"})
    assert done.status == 0
    assert done.stdout.startswith("GRIDTUI OK: ")
