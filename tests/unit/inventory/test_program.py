"""What only Ansible can read goes through the real ansible-inventory; without it, the error says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridtui import inventory
from gridtui.errors import InventoryError
from gridtui.inventory import report

from . import peer


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in peer.environment(tmp_path).items():
        if name != "PATH":
            monkeypatch.setenv(name, value)


def test_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script"
    said = {
        "web": {"hosts": ["a", "b"], "vars": {"x": 1, "gridtui_interval": 7}, "children": ["sub"]},
        "sub": ["c"],
        "_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.1", "ansible_password": "S3CRET"}}},
    }
    script.write_text(f"#!/bin/sh\ncat <<'EOF'\n{json.dumps(said)}\nEOF\n")
    script.chmod(0o755)
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "b.yml").write_text("x: 2\n")
    loaded = inventory.load([script])
    assert peer.ours(loaded) == peer.theirs([script], tmp_path)
    assert loaded.nodes["a"].address == "10.0.0.1"
    assert loaded.nodes["a"].interval == 7.0
    assert loaded.nodes["b"].vars["x"] == 2
    assert loaded.groups["web"] == ("a", "b", "c")
    assert "S3CRET" not in json.dumps(report.as_json(loaded, loaded.nodes))


def test_a_plugin_file_and_a_plain_one_together(tmp_path: Path) -> None:
    plugin = tmp_path / "made.yml"
    plugin.write_text("plugin: ansible.builtin.generator\nhosts: {name: 'n{{ i }}'}\nlayers: {i: [1, 2]}\n")
    plain = tmp_path / "hosts.ini"
    plain.write_text("[web]\nn1 x=1\nn9\n")
    loaded = inventory.load([plain, plugin])
    assert peer.ours(loaded) == peer.theirs([plain, plugin], tmp_path)
    assert set(loaded.nodes) == {"n1", "n2", "n9"}


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    peer.write(folder, {"1.ini": "[web]\na\n", "2.yaml": "db: {hosts: {b: }}\n", "group_vars/web.yml": "x: 1\n"})
    loaded = inventory.load([folder])
    assert peer.ours(loaded) == peer.theirs([folder], tmp_path)
    assert loaded.nodes["a"].vars == {"x": 1}


def test_a_script_that_fails(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    script.chmod(0o755)
    with pytest.raises(InventoryError, match="ansible-inventory failed") as caught:
        inventory.load([script])
    assert caught.value.evidence.exit_status
    assert "broken" in caught.value.evidence.stderr
    assert str(caught.value).isprintable()


def test_a_script_with_a_hostile_name(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('#!/bin/sh\necho \'{"web": {"hosts": ["-oProxyCommand=x"]}}\'\n')
    script.chmod(0o755)
    with pytest.raises(InventoryError, match="begins with `-`"):
        inventory.load([script])


def test_without_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(InventoryError, match="not installed; install ansible-core"):
        inventory.load([tmp_path])


def test_an_executable_text_is_no_program(tmp_path: Path) -> None:
    plain = tmp_path / "hosts.yaml"
    plain.write_text("all: {hosts: {a: }}\n")
    plain.chmod(0o755)
    assert list(inventory.load([plain]).nodes) == ["a"]
