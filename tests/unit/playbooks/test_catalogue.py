"""What a catalogue finds, and what the head of a playbook says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.playbooks import catalogue

PLAY = "- name: Do it\n  hosts: all\n"


def write(path: Path, text: str = PLAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "title", "description", "cuts", "undoable"),
    [
        (PLAY, "Do it", "", False, False),
        ("---\n# gridtui: cuts the link\n" + PLAY, "Do it", "", True, False),
        ("# gridtui: can be undone\n#gridtui: cuts the link\n" + PLAY, "Do it", "", True, True),
        (
            "# One line.\n# Another.\n#\n# gridtui: can be undone\n---\n" + PLAY,
            "Do it",
            "One line.\nAnother.",
            False,
            True,
        ),
        ("# gridtui: reboots nodes\n" + PLAY, "Do it", "", False, False),
        ("# First.\n# Second.\n- hosts: all\n", "First.", "Second.", False, False),
        ("# gridtui: makes coffee\n" + PLAY, "Do it", "", False, False),
        ("- hosts: all\n  name: 'Later'\n", "Later", "", False, False),
        (PLAY + "# gridtui: cuts the link\n", "Do it", "", False, False),
        ("# \x1b[31mred\n- hosts: all\n", "·[31mred", "", False, False),
        ("", "", "", False, False),
    ],
)
def test_the_head(tmp_path: Path, text: str, title: str, description: str, cuts: bool, undoable: bool) -> None:
    found = catalogue.read_one(write(tmp_path / "x.yml", text))
    assert (found.name, found.title, found.description) == ("x", title, description)
    assert (found.cuts, found.undoable) == (cuts, undoable)
    assert found.reboots == ("reboots nodes" in text)


def test_only_playbooks_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "own" / "site.yml")
    write(tmp_path / "own" / "vars.yml", "a: 1\n")
    write(tmp_path / "own" / "requirements.yml", "- src: x\n")
    write(tmp_path / "own" / "roles" / "r" / "tasks" / "main.yml")
    write(tmp_path / "one.yaml")
    write(tmp_path / "shipped" / "base.yml")
    found = catalogue.read(
        [str(tmp_path / "own"), str(tmp_path / "one.yaml"), str(tmp_path / "gone")], tmp_path / "shipped"
    )
    assert list(found.playbooks) == ["base", "one", "site"]
    assert found.playbooks["base"].shipped and not found.playbooks["site"].shipped
    assert found.warnings == (f"playbooks.paths names {tmp_path / 'gone'}, and there is nothing",)


def test_a_name_in_two_places_is_said_and_refused(tmp_path: Path) -> None:
    own, shipped = write(tmp_path / "own" / "base.yml"), write(tmp_path / "shipped" / "base.yml")
    found = catalogue.read([str(tmp_path / "own")], tmp_path / "shipped")
    assert found.warnings == (f"the playbook base is in two places: {own} and {shipped}",)
    with pytest.raises(UsageError, match="two places"):
        found.find("base")
    assert found.find(str(shipped)).path == shipped


def test_find(tmp_path: Path) -> None:
    write(tmp_path / "shipped" / "firewall.yml")
    found = catalogue.read([], tmp_path / "shipped")
    with pytest.raises(UsageError, match="did you mean firewall"):
        found.find("firewal")
    with pytest.raises(UsageError, match="no such playbook"):
        found.find("nowhere/x.yml")


def test_the_shipped_ones_are_there() -> None:
    found = catalogue.read()
    assert {"base", "firewall", "ssh"} <= set(found.playbooks)
    assert all(one.title and one.shipped for one in found.playbooks.values())
    assert found.playbooks["firewall"].cuts and found.playbooks["ssh"].cuts and not found.playbooks["base"].cuts
