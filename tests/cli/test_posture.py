"""`gridtui posture` as a process, on this machine through the local transport: options, shapes and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..e2e.program import Program

HERE = """
all:
  hosts:
    here: {{ansible_connection: local, gridtui_posture_accept: {accept}}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(HERE.format(accept="[]"))
    return path


def test_a_look_and_what_is_known_of_it(program: Program, inventory: Path) -> None:
    nothing = program.run("-i", inventory, "posture", "--known")
    assert nothing.status == 3 and "ever asked" in nothing.stderr
    first = program.run("-i", inventory, "posture", "--json", timeout=60)
    assert first.status in (0, 1) and first.is_clean(), first
    (node,) = first.json["nodes"]
    assert first.json["schema"] == 1
    assert node["name"] == "here" and node["fresh"] and node["drift"] is None and node["error"] is None
    assert 0 <= node["score"] <= 100 and node["grade"] in "ABCDF" and 0 < node["confidence"] <= 100
    assert first.status == any(one["severity"] == "high" for one in node["findings"])
    ids = [one["id"] for one in node["findings"]] + [one["id"] for one in node["unknown"]] + node["passed"]
    assert len(ids) == len(set(ids))

    known = program.run("-i", inventory, "posture", "--known", "--json")
    (again,) = known.json["nodes"]
    assert not again["fresh"] and again["time"] == node["time"] and again["score"] == node["score"]
    assert known.seconds < 5
    (young,) = program.run("-i", inventory, "posture", "--every", "1h", "--json").json["nodes"]
    assert not young["fresh"] and young["time"] == node["time"]

    (second,) = program.run("-i", inventory, "posture", "--json", timeout=60).json["nodes"]
    assert second["drift"]["since"] == node["time"] and set(second["drift"]) >= {
        "worse",
        "appeared",
        "mended",
        "opened",
        "closed",
        "changed",
    }

    # What is meant is shown, and counts no longer.
    inventory.write_text(HERE.format(accept=json.dumps([one["id"] for one in node["findings"]])))
    done = program.run("-i", inventory, "posture", "--known", "--json")
    (meant,) = done.json["nodes"]
    assert done.status == 0 and meant["score"] == 100
    assert all(one["accepted"] for one in meant["findings"]) and len(meant["findings"]) == len(node["findings"])
    assert program.run("-i", inventory, "posture", "--known", "--fail-under", "100").status == 0

    text = program.run("-i", inventory, "posture", "--known")
    head, row, *rest = text.stdout.splitlines()
    assert head.split() == ["NODE", "SCORE", "GRADE", "SURE", "HIGH", "MEDIUM", "LOW", "DRIFT", "WORST"]
    assert row.split()[:2] == ["here", "100"]
    assert text.is_clean() and "asked" in rest[-1]
    for finding in node["findings"]:
        assert f"[{finding['id']}, -{finding['weight']}]" in text.stdout
    assert ("(accepted)" in text.stdout) is bool(node["findings"])


def test_a_score_that_is_too_low(program: Program, inventory: Path) -> None:
    inventory.write_text(HERE.format(accept="[ssh-x11]"))
    done = program.run("-i", inventory, "posture", "--no-sudo", "--json", timeout=60)
    (node,) = done.json["nodes"]
    if node["score"] < 100:
        low = program.run("-i", inventory, "posture", "--known", "--fail-under", str(node["score"] + 1))
        assert low.status == 1 and "below" in low.stderr
    assert program.run("-i", inventory, "posture", "--known", "--fail-under", "0").status == done.status


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("--every", "often"), 2, "no duration"),
        (("--known", "--every", "1h"), 2, "--known asks nobody"),
        (("--fail-under", "101"), 2, "101"),
        (("-w", "nobody"), 2, "nobody"),
        (("-w", "@all ! here"), 3, "nothing is selected"),
    ],
)
def test_wrong_usage(program: Program, inventory: Path, words: tuple[str, ...], status: int, text: str) -> None:
    done = program.run("-i", inventory, "posture", *words)
    assert (done.status, done.out) == (status, b""), done
    assert text in done.stderr and "Traceback" not in done.stderr


def test_a_slip_of_the_pen_in_the_inventory(program: Program, inventory: Path) -> None:
    inventory.write_text(HERE.format(accept="[ssh-x12]"))
    done = program.run("-i", inventory, "posture", timeout=60)
    assert "gridtui_posture_accept names no finding: ssh-x12" in done.stderr
    inventory.write_text(HERE.format(accept="{a: b}"))
    broken = program.run("-i", inventory, "posture", "--known")
    assert broken.status == 1 and "must be a list of findings" in broken.stderr


def test_a_node_that_is_not_there(program: Program, inventory: Path) -> None:
    inventory.write_text("all:\n  hosts:\n    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n")
    done = program.run("-i", inventory, "posture", "--json")
    assert done.status == 4 and done.stderr.startswith("warning: gone: tcp: ")
    (node,) = done.json["nodes"]
    assert (node["layer"], node["score"], node["findings"]) == ("tcp", None, [])
