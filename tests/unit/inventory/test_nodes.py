"""From variables to nodes: connection variables, options of ssh, simple templates, gridtui's own variables, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gridtui import inventory
from gridtui.inventory import own_vars, ssh_args
from gridtui.model import Node

from . import peer


def node(variables: dict[str, Any], tmp_path: Path, name: str = "a.example.net") -> Node:
    file = tmp_path / "hosts.yaml"
    file.write_text(yaml.safe_dump({"web": {"hosts": {name: variables, "gate": None}}}))
    return inventory.load([file]).nodes[name]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"address": "a.example.net", "port": None, "user": None, "local": False, "groups": ("web",)}),
        ({"ansible_host": "10.0.0.1", "ansible_port": "2222", "ansible_user": "me"}, {"address": "10.0.0.1", "port": 2222, "user": "me"}),
        ({"ansible_ssh_host": "b", "ansible_host": "a"}, {"address": "b"}),
        ({"ansible_ssh_port": 5, "ansible_ssh_user": "old"}, {"port": 5, "user": "old"}),
        ({"ansible_user": 1000}, {"user": "1000"}),
        ({"ansible_connection": "local"}, {"local": True}),
        ({"ansible_connection": "ansible.builtin.ssh"}, {"local": False}),
        ({"ansible_ssh_private_key_file": "~/k"}, {"identity": str(Path.home() / "k")}),
        ({"ansible_ssh_common_args": "-i ~/k -l me -p 99"}, {"identity": str(Path.home() / "k"), "user": "me", "port": 99}),
        ({"ansible_ssh_common_args": "-p 99", "ansible_port": 5}, {"port": 5}),
        ({"ansible_host": "{{ ip }}", "ip": "10.9.9.9"}, {"address": "10.9.9.9"}),
        ({"ansible_host": "{{ inventory_hostname_short }}.lan"}, {"address": "a.lan"}),
        ({"ansible_port": "{{ ports.ssh }}", "ports": {"ssh": 2200}}, {"port": 2200}),
        ({"ansible_user": "{{ who | default('root') }}"}, {"user": "root"}),
        ({"ansible_user": "{{ lookup('env', 'GRIDTUI_TEST_USER') }}"}, {"user": "from-env"}),
        ({"other": "{{ anything | at_all }}"}, {"address": "a.example.net"}),
        ({"gridtui_labels": {"site": "x", "rack": 7, "on": True, "no": None}}, {"labels": {"site": "x", "rack": "7", "on": "true"}}),
        ({"gridtui_labels": {"site": "x"}, "gridtui_label_site": "y", "gridtui_label_n": 1}, {"labels": {"site": "y", "n": "1"}}),
        ({"gridtui_labels": {"site": "x"}, "gridtui_label_site": None}, {"labels": {}}),
        ({"gridtui_labels": {"site": "a\x1b[31m"}}, {"labels": {"site": "a·[31m"}}),
        ({"gridtui_interval": 5, "gridtui_slow_interval": "2m", "gridtui_ping_interval": "500ms"}, {"interval": 5.0, "slow_interval": 120.0, "ping_interval": 0.5}),
        ({"gridtui_parent": "gate"}, {"parent": "gate"}),
        ({"gridtui_parent": ""}, {"parent": None}),
        ({"gridtui_maintenance": "yes"}, {"maintenance": True}),
        ({"gridtui_maintenance": 0}, {"maintenance": False}),
        ({"gridtui_thresholds": {"disk": {"warn": 80}}}, {"thresholds": {"disk": {"warn": 80}}}),
    ],
)  # fmt: skip
def test_variables_become_fields(
    variables: dict[str, Any], expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDTUI_TEST_USER", "from-env")
    built = node(variables, tmp_path)
    assert {name: getattr(built, name) for name in expected} == expected
    assert built.vars == variables


@pytest.mark.parametrize(
    ("text", "options", "unknown"),
    [
        ("-o ProxyJump=x", {"proxyjump": "x"}, []),
        ("-oProxyJump=x -J y", {"proxyjump": "x"}, []),
        ("-J a,b", {"proxyjump": "a,b"}, []),
        ("-o 'ProxyCommand ssh -W %h:%p gw'", {"proxycommand": "ssh -W %h:%p gw"}, []),
        ('-o ProxyCommand="ssh -W %h:%p -q gw"', {"proxycommand": "ssh -W %h:%p -q gw"}, []),
        ("-i k -F conf -p 22 -l me -6", {"identityfile": "k", "config": "conf", "port": "22", "user": "me", "addressfamily": "inet6"}, []),
        ("-CqAp22", {"compression": "yes", "forwardagent": "yes", "port": "22"}, []),
        ("-o ControlMaster=auto -o ControlPersist=60s", {"controlmaster": "auto", "controlpersist": "60s"}, []),
        ("-L 80:x:80 -o Port=5", {"port": "5"}, ["-L 80:x:80"]),
        ("-o", {}, ["-o"]),
        ("-o nothing", {}, ["-o nothing"]),
        ("word -Z", {}, ["word", "-Z"]),
        ("", {}, []),
    ],
)  # fmt: skip
def test_options_of_ssh(text: str, options: dict[str, str], unknown: list[str]) -> None:
    assert ssh_args.parse(text) == (options, unknown)


def test_secrets_are_masked_and_the_rest_is_not(tmp_path: Path) -> None:
    secret = {
        "ansible_password": "S3CRET",
        "ansible_become_password": "S3CRET",
        "ansible_ssh_pass": "S3CRET",
        "ansible_sudo_pass": "S3CRET",
        "db_passwd": "S3CRET",
        "users": [{"name": "me", "password": "S3CRET"}],
        "api_token": ["S3CRET"],
        "vault_thing": "S3CRET",
        "aws_secret_access_key": "S3CRET",
        "ansible_ssh_private_key": "S3CRET",
        "wifi_psk": "S3CRET",
        "backup_encryption_key": "S3CRET",
        "deploy": "-----BEGIN OPENSSH PRIVATE KEY-----\nS3CRET\n-----END OPENSSH PRIVATE KEY-----\n",
        "credentials": {"a": {"b": "S3CRET"}},
        "ansible_pin": 1234,
    }
    shown = {
        "ansible_ssh_private_key_file": "/k",
        "passenger": "p",
        "x": {"y": [1, None]},
        "password": "",
    }
    public = inventory.public_vars(node({**secret, **shown}, tmp_path))
    assert "S3CRET" not in repr(public)
    assert "1234" not in repr(public)
    assert {name: public[name] for name in shown} == shown


def test_the_example_says_what_it_should_and_is_read_alike(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "inventory.example.yaml"
    loaded = inventory.load([example])
    assert loaded.warnings == ()
    assert peer.ours(loaded) == peer.theirs([example], tmp_path)
    text = example.read_text()
    assert all(f"{name}:" in text for name in own_vars.NAMES)
    render = loaded.nodes["node07.example.net"]
    assert (render.parent, render.labels["stage"], render.ssh_options["proxyjump"]) == (
        "gate.example.net",
        "rendering",
        "gate.example.net",
    )
    assert loaded.nodes["store2.example.net"].maintenance
    assert loaded.nodes["controller"].local
    assert inventory.select("site=berlin ! @storage").resolve(loaded)[0] == "gate.example.net"


def test_where_the_inventory_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GRIDTUI_INVENTORY", raising=False)
    assert inventory.find([]) == []
    (tmp_path / "config" / "gridtui").mkdir(parents=True)
    (tmp_path / "config" / "gridtui" / "inventory.yaml").write_text("")
    assert inventory.find([]) == [tmp_path / "config" / "gridtui" / "inventory.yaml"]
    (tmp_path / "inventory.yaml").write_text("")
    assert inventory.find([]) == [Path("inventory.yaml")]
    monkeypatch.setenv("GRIDTUI_INVENTORY", "/x/a:/x/b")
    assert inventory.find([]) == [Path("/x/a"), Path("/x/b")]
    assert inventory.find([Path("mine")]) == [Path("mine")]


def test_localhost_is_this_machine() -> None:
    alone = inventory.localhost()
    assert [(item.name, item.local) for item in alone.nodes.values()] == [("localhost", True)]
    assert inventory.select("@*").resolve(alone) == ["localhost"]
