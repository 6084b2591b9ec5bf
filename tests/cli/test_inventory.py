"""`gridtui inventory`, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

INVENTORY = """\
all:
  vars: {ansible_password: S3CRET, gridtui_labels: {site: berlin}}
  children:
    web: {hosts: {"web[1:3]": {ansible_host: 10.0.0.1, ansible_port: 2222, ansible_user: me}}}
    db: {hosts: {db1: }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "gridtui", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_list(folder: Path) -> None:
    status, out, err = run(folder, "inventory", "list", "-w", "@web", "-x", "web2")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["NODE", "ADDRESS", "PORT", "USER", "GROUPS"],
        ["web1", "10.0.0.1", "2222", "me", "web"],
        ["web3", "10.0.0.1", "2222", "me", "web"],
    ]


def test_list_as_json(folder: Path) -> None:
    status, out, _ = run(folder, "inventory", "list", "--json")
    document = json.loads(out)
    assert (status, document["schema"], len(document["nodes"])) == (0, 1, 4)
    first = next(node for node in document["nodes"] if node["name"] == "web1")
    assert (first["address"], first["port"], first["user"], first["groups"]) == ("10.0.0.1", 2222, "me", ["web"])
    assert first["vars"]["ansible_password"] == "********"
    assert "S3CRET" not in out


def test_show(folder: Path) -> None:
    status, out, _ = run(folder, "inventory", "show", "db1", "web1")
    shown = list(yaml.safe_load_all(out))
    assert (status, [node["name"] for node in shown]) == (0, ["web1", "db1"])
    assert shown[0]["labels"] == {"site": "berlin"}
    assert "S3CRET" not in out


def test_graph(folder: Path) -> None:
    status, out, _ = run(folder, "inventory", "graph", "web")
    assert (status, out) == (0, "@web:\n  |--web1\n  |--web2\n  |--web3\n")
    status, _, err = run(folder, "inventory", "graph", "wbe")
    assert status == 2
    assert "did you mean web?" in err


def test_validate(folder: Path) -> None:
    assert run(folder, "inventory", "validate")[0] == 0
    bad = folder / "bad.yaml"
    bad.write_text("all:\n  hosts:\n    'a b':\n    h: {ansible_port: x}\n")
    status, out, err = run(folder, "-i", "bad.yaml", "inventory", "validate")
    assert (status, out) == (1, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["bad.yaml:3:5", "bad.yaml:4:9"]


def test_import_makes_what_list_reads(folder: Path) -> None:
    (folder / "known").write_text("[web9]:2200 ssh-ed25519 AAAA\n")
    (folder / "config").write_text("Host jump\n  HostName 10.9.9.9\n")
    status, out, _ = run(folder, "inventory", "import", "--ssh-config", "config", "--known-hosts", "known")
    assert status == 0
    (folder / "made.yaml").write_text(out)
    status, out, _ = run(folder, "-i", "made.yaml", "inventory", "list", "--json")
    assert [(node["name"], node["address"], node["port"]) for node in json.loads(out)["nodes"]] == [
        ("jump", "10.9.9.9", None),
        ("web9", "web9", 2200),
    ]


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("inventory", "list", "-w", "wbe1"), 2, "did you mean web1?"),
        (("inventory", "list", "-w", "load<1"), 2, "measured"),
        (("-i", "none.yaml", "inventory", "list"), 1, "none.yaml: no such inventory"),
        (("inventory", "lost"), 2, "lost"),
    ],
)
def test_what_is_wrong_is_one_line(words: tuple[str, ...], status: int, part: str, folder: Path) -> None:
    code, out, err = run(folder, *words)
    assert (code, out, len(err.splitlines())) == (status, "", 1)
    assert part in err
