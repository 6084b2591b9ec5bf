"""Profile files: what a node gets, and errors that name file, line and column."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import InventoryError, UsageError
from gridtui.inventory import load as load_inventory
from gridtui.model import Node
from gridtui.provision.profile import PLAYBOOKS, load, parse

GOOD = """\
profiles:
  render:
    playbooks: [base, ssh, ./own.yml]
    vars: {sandbox_memory: 80%, list: [1, 2]}
  plain:
    playbooks: [base]
groups:
  gpu: render
  old: plain
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "own.yml").write_text("- hosts: all\n")
    return tmp_path / "profile.yaml"


@pytest.mark.parametrize(
    ("node", "name"),
    [
        (Node("a", "a"), "default"),
        (Node("a", "a", groups=("gpu",)), "render"),
        (Node("a", "a", groups=("gpu", "old")), "render"),
        (Node("a", "a", groups=("old", "web")), "plain"),
        (Node("a", "a", groups=("gpu",), vars={"gridtui_profile": "plain"}), "plain"),
        (Node("a", "a", groups=("gpu",), vars={"gridtui_profile": "default"}), "default"),
    ],
)
def test_which_profile_a_node_has(file: Path, node: Node, name: str) -> None:
    assert parse(GOOD, file).of(node).name == name


def test_what_a_profile_says(file: Path) -> None:
    profile = parse(GOOD, file).profiles["render"]
    assert profile.playbooks == ("base", "ssh", str(file.parent / "own.yml"))
    assert profile.vars == {"sandbox_memory": "80%", "list": [1, 2]}


def test_without_a_file_there_is_a_default() -> None:
    assert load(None).of(Node("a", "a")).playbooks == PLAYBOOKS == ("base", "ssh", "firewall", "sandbox")
    with pytest.raises(UsageError, match="there is no such profile"):
        load(None).of(Node("a", "a", vars={"gridtui_profile": "render"}))


def test_an_empty_file_changes_nothing(file: Path) -> None:
    assert parse("", file).of(Node("a", "a")).playbooks == PLAYBOOKS


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("profiles: [a]\n", ":1:1:", "`profiles` must be a mapping"),
        ("profile:\n  a: {}\n", ":1:1:", "did you mean profiles?"),
        ("profiles:\n  a:\n    playbook: [base]\n", ":3:5:", "did you mean playbooks?"),
        ("profiles:\n  a:\n    playbooks: base\n", ":3:5:", "list of names or paths"),
        ("profiles:\n  a:\n    playbooks: []\n", ":3:5:", "list of names or paths"),
        ("profiles:\n  a:\n    playbooks:\n      - base\n      - 7\n", ":5:9:", "a name or a path"),
        ("profiles:\n  a:\n    playbooks: [base, ssh, base]\n", ":3:28:", "twice"),
        ("profiles:\n  a:\n    playbooks: [x/none.yml]\n", ":3:17:", "there is no playbook"),
        ("profiles:\n  a:\n    vars:\n      x-y: 1\n", ":4:7:", "no name of a variable"),
        ("profiles:\n  a:\n    vars:\n      db_password: x\n", ":4:7:", "looks like a secret"),
        ("groups:\n  gpu: rendr\nprofiles:\n  render: {}\n", ":2:3:", "did you mean render?"),
        ("a: [\n", ":2:1:", "not valid YAML"),
        ("profiles:\n  a: {}\n  a: {}\n", ":3:3:", "given twice"),
        ("- a\n", ":", "must be a mapping"),
    ],
)
def test_errors_say_where(file: Path, text: str, where: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, file)
    assert str(error.value).startswith(f"{file}{where}"), error.value
    assert why in str(error.value)


@given(st.text(max_size=200))
def test_any_text_is_a_profile_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text, Path("profile.yaml"))


def test_an_inventory_names_profiles_through_groups(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("old:\n  hosts: {a: , b: }\n  vars: {gridtui_profile: plain, gridtui_grid_user: jobs}\n")
    inventory = load_inventory([path])
    assert inventory.warnings == ()
    assert parse(GOOD, file).of(inventory.nodes["b"]).name == "plain"
    path.write_text("old:\n  hosts: {a: {gridtui_proflie: plain}}\n")
    with pytest.raises(InventoryError, match="did you mean gridtui_profile"):
        load_inventory([path])
