"""Inventories made of ssh_config and known_hosts, with the real `ssh -G`; the result is read by our reader and by Ansible."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui import inventory
from gridtui.errors import InventoryError

from . import peer


def test_include_match_tokens_and_wildcards(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "1.conf").write_text("Host included\n  ProxyCommand ssh -W '%h:%p' gw\n")
    config = tmp_path / "config"
    config.write_text(
        f"""
        # a comment
        Include {tmp_path}/more/*.conf {tmp_path}/not-there
        Host a b !c *.example.net
            HostName 10.0.0.1
            User someone-else
            Port=2222
            IdentityFile "~/.ssh/key of mine"
        Match originalhost m1,m2 exec "true"
            ProxyJump bastion
            HostName %h.example.net
        Match host nobody exec "false"
            Port 1
        host "-bad" q
        Host *
            ServerAliveInterval 5
        """
    )
    known = tmp_path / "known_hosts"
    known.write_text(
        "# comment\n10.0.0.1 ssh-ed25519 AAAA\n10.0.0.9,web9 ssh-ed25519 AAAA\n[web8]:2200,[10.0.0.8]:2200 ssh-ed25519 AAAA\n"
        "2001:db8::2 ssh-ed25519 AAAA\n|1|xxx|yyy ssh-rsa AAA\n|1|xx2|yyy ssh-rsa AAA\n@revoked bad ssh-rsa AAA\n*.x ssh-rsa AAA\n"
    )
    text = inventory.ssh_import(config, known)
    assert "2 hashed name(s)" in text
    assert "pattern *.example.net" in text
    assert "begins with `-`" in text
    file = tmp_path / "inventory.yaml"
    file.write_text(text)
    loaded = inventory.load([file])
    assert loaded.groups["ssh_config"] == ("included", "a", "b", "m1", "m2", "nobody", "q")
    assert loaded.groups["known_hosts"] == ("web9", "web8", "2001:db8::2")
    first = loaded.nodes["a"]
    assert (first.address, first.port, first.user) == ("10.0.0.1", 2222, "someone-else")
    assert first.identity == str(Path.home() / ".ssh" / "key of mine")
    jumping = loaded.nodes["m1"]
    assert (jumping.address, jumping.ssh_options["proxyjump"]) == ("m1.example.net", "bastion")
    assert loaded.nodes["included"].ssh_options["proxycommand"] == "ssh -W '%h:%p' gw"
    assert loaded.nodes["nobody"].port is None
    assert loaded.nodes["web8"].port == 2200
    assert loaded.nodes["q"].vars == {}
    assert peer.ours(loaded) == peer.theirs([file], tmp_path)


def test_nothing_there_is_an_empty_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    text = inventory.ssh_import()
    file = tmp_path / "inventory.yaml"
    file.write_text(text)
    assert not inventory.load([file]).nodes


def test_what_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="cannot be read"):
        inventory.ssh_import(tmp_path / "none")


def test_ssh_says_what_is_wrong_with_its_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host a\n  NoSuchOption 5\n")
    with pytest.raises(InventoryError, match=r"(?i)nosuchoption"):
        inventory.ssh_import(config, tmp_path / "config")


def test_includes_in_a_circle_end(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Include {config}\nHost a\n")
    with pytest.raises(InventoryError, match="too deeply"):
        inventory.ssh_import(config, config)
