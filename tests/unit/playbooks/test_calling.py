"""How ansible-playbook is called: host keys always checked, the user's own choices kept, secrets nowhere."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.playbooks import batches, calling
from gridtui.settings import Ssh


@pytest.fixture(autouse=True)
def _no_ansible_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_PIPELINING", "ANSIBLE_GATHERING", "ANSIBLE_SSH_ARGS"):
        monkeypatch.delenv(name, raising=False)


def environment(**options: object) -> dict[str, str]:
    return calling.environment(Path("/run/x"), "20260101T000000-abcd", Ssh(), **options)  # type: ignore[arg-type]


def test_host_keys_are_checked_whatever_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o StrictHostKeyChecking=no -o Compression=yes")
    found = environment()
    assert found["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    words = shlex.split(found["ANSIBLE_SSH_ARGS"])
    assert words.index("StrictHostKeyChecking=yes") < words.index("StrictHostKeyChecking=no")
    assert "Compression=yes" in words


@pytest.mark.parametrize(
    ("ssh", "expected"),
    [
        (Ssh(), ["StrictHostKeyChecking=yes"]),
        (Ssh(host_keys="accept-new"), ["StrictHostKeyChecking=accept-new"]),
        (Ssh(config="none"), ["-F", "none"]),
        (Ssh(config="/a b/c"), ["-F", "/a b/c"]),
        (Ssh(known_hosts="/k h%"), ['UserKnownHostsFile="/k h%%"']),
    ],
)
def test_settings_reach_ssh(ssh: Ssh, expected: list[str]) -> None:
    words = shlex.split(calling.ssh_words("run", ssh))
    assert all(word in words for word in expected), words


def test_the_users_choices_stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert environment()["ANSIBLE_PIPELINING"] == "True"
    assert environment(facts=False)["ANSIBLE_GATHERING"] == "explicit"
    (tmp_path / "ansible.cfg").write_text("[defaults]\ngathering = implicit\n[ssh_connection]\npipelining = false\n")
    found = environment()
    assert "ANSIBLE_PIPELINING" not in found and "ANSIBLE_GATHERING" not in found
    monkeypatch.setenv("ANSIBLE_PIPELINING", "0")
    assert environment()["ANSIBLE_PIPELINING"] == "0"


def test_what_is_kept_of_the_environment() -> None:
    found = {
        "ANSIBLE_BECOME_PASSWORD": "x",
        "ANSIBLE_VAULT_PASSWORD_FILE": "x",
        "AWS_SECRET": "x",
        "ANSIBLE_PIPELINING": "True",
    }
    assert calling.public(found) == {"ANSIBLE_PIPELINING": "True"}


def test_forks() -> None:
    assert calling.forks(3) == 3
    assert calling.forks(100_000) < 100_000
    assert calling.forks(3, 50) == 50


@pytest.mark.parametrize(
    ("count", "sizes", "expected"),
    [
        (0, (), []),
        (5, (), [5]),
        (5, ("1", "10%", "100%"), [1, 1, 3]),
        (100, ("1", "10%", "100%"), [1, 10, 89]),
        (5, ("2",), [2, 2, 1]),
        (2, ("7",), [2]),
    ],
)
def test_batches(count: int, sizes: tuple[str, ...], expected: list[int]) -> None:
    nodes = [f"n{number}" for number in range(count)]
    parts = batches.split(nodes, sizes)
    assert [len(part) for part in parts] == expected
    assert [name for part in parts for name in part] == nodes


@pytest.mark.parametrize("text", ["", "0", "1,", "101%", "-1", "a", "1;2", "0%"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        batches.parse(text)
