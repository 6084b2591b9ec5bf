"""The question as the shells run it, on this machine: dash and busybox read it, and it changes nothing."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from gridtui import posture
from gridtui.posture.reading import sections

SHELLS = (("dash",), ("busybox", "sh"), ("bash", "--posix"))


def ask(*shell: str, path: str = "", **options: object) -> tuple[str, bytes]:
    nonce = posture.new_nonce()
    text = posture.script(nonce, **options)  # type: ignore[arg-type]
    if path:
        text = text.replace(
            b"\nPATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:$PATH\n", f"\nPATH={path}\n".encode()
        )
    words = [*shell, "-c", 'q=$(cat); eval "$q"']
    done = subprocess.run(words, input=text, capture_output=True, timeout=120, check=True)
    assert done.stderr == b""
    return nonce, done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_each_shell_answers_every_part(shell: tuple[str, ...]) -> None:
    nonce, text = ask(*shell)
    assert len(text) < posture.LIMIT / 4
    found, refused = sections(text, nonce)
    parts = {name.split(".")[0] for name in (*found, *refused)}
    wanted = {"who", "os", "container", "ports", "sshd", "firewall", "updates", "automatic", "clock", "accounts", "sudo", "writable",
              "mac", "sysctls", "ids", "reboot", "lynis", "services", "cost", "end"}  # fmt: skip
    assert parts == wanted
    answer = posture.parse(text, nonce, time.time())
    assert answer is not None and answer.user and answer.cpu is not None
    assert posture.assess("here", answer).score is not None


def test_bare_busybox_answers(tmp_path: Path) -> None:
    """A node with nothing else: no ss, no systemd, no package manager that is known, no nft."""
    done = subprocess.run(["busybox", "--install", "-s", str(tmp_path)], capture_output=True, check=True)
    assert done.returncode == 0
    (tmp_path / "sudo").unlink(missing_ok=True)
    nonce, text = ask("busybox", "sh", path=str(tmp_path))
    answer = posture.parse(text, nonce, time.time())
    assert answer is not None
    assert not hasattr(answer.ports, "why")
    assert posture.assess("here", answer).score is not None


def test_nothing_of_ours_breaks_out_of_the_question() -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        posture.script("0; rm -rf /")
    with pytest.raises(ValueError, match="cannot stand"):
        posture.script("00", services="$(id)")
    assert re.fullmatch(r"[0-9a-f]{16}", posture.new_nonce())


def test_hostile_surroundings_of_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sshd puts into the environment comes from the client, and a login's name from a directory service."""
    monkeypatch.setenv("SSH_CONNECTION", "$(touch /tmp/owned) ; 1 2 3")
    monkeypatch.setenv("U", "x'; echo owned; '")
    monkeypatch.setenv("IFS", "/")
    nonce, text = ask("dash")
    found, _ = sections(text, nonce)
    assert found["who"].split(b"\n")[1] == b"root"
    assert b"owned" not in text
