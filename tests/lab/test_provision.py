"""Bare machines become grid nodes: from a password to ready, again, through su, after a kill, and on nodes that cannot be provisioned.

Three bare nodes are shared by all tests, in their order: what one leaves, the next one takes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..e2e.program import Done, Program, Running
from ..ssh.openssh import keygen
from .bare import Bare, bare_nodes
from .image import ADMIN_PASSWORD, ROOT_PASSWORD
from .lab import Lab

NAMES = ["bare1", "bare2", "bare3"]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def bare(lab: Lab) -> Iterator[Bare]:
    with bare_nodes(lab, 3) as found:
        yield found


@pytest.fixture(scope="module")
def place(bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all runs: inventory, key, known_hosts, and the state that runs leave to each other."""
    folder = tmp_path_factory.mktemp("provision")
    key = keygen(folder / "id_ed25519")
    bare.inventory(folder, key=key, known_hosts=folder / "known_hosts", user="grid")
    return folder


@pytest.fixture
def program(place: Path) -> Iterator[Program]:
    with Program(place) as program:
        yield program


def start(program: Program, *words: str, password: str = "", become: str = "") -> Running:
    """`gridtui provision`, the passwords through pipes."""
    more: list[str] = []
    handles = []
    for text, option in ((password, "--password-fd"), (become, "--become-password-fd")):
        if text:
            reader, writer = os.pipe()
            os.write(writer, f"{text}\n".encode())
            os.close(writer)
            handles.append(reader)
            more += [option, str(reader)]
    inventory = program.folder / "inventory.yaml"
    running = program.start("-i", inventory, "provision", "--json", *more, *words, pass_fds=tuple(handles))
    for handle in handles:
        os.close(handle)
    return running


def results(done: Done) -> dict[str, Any]:
    return {result["node"]: result for result in done.json["results"]}


def states(result: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in result["steps"]}


class Watch:
    """Looks for words in the arguments and the environment of every process of this machine, all the time (proc(5))."""

    def __init__(self, *words: str) -> None:
        self._words = [word.encode() for word in words]
        self._over = threading.Event()
        self.looks = 0
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.2):
            self.looks += 1
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        content = (process / name).read_bytes()
                    except OSError:
                        continue
                    if any(word in content for word in self._words):
                        self.seen.append(f"{process.name} {name}")


def forget(program: Program, address: str) -> None:
    """Take a host key out of known_hosts, as one does for a machine that was installed anew."""
    subprocess.run(
        ["ssh-keygen", "-q", "-f", program.folder / "known_hosts", "-R", address], capture_output=True, check=True
    )


def holding(folder: Path, word: str) -> list[Path]:
    """The files under a folder that contain a word."""
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def until(holds: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def test_who_they_are_is_asked_first(bare: Bare, program: Program) -> None:
    """Without anybody to vouch for the keys the password goes nowhere; a list of true fingerprints does, a wrong one is an alarm."""
    strict = start(program, "--user", "root", password=ROOT_PASSWORD).wait(60)
    assert strict.status == 4, strict
    for name in NAMES:
        assert bare.fingerprints(name)["ED25519"] in results(strict)[name]["error"]
    true = bare.fingerprints("bare1")["ED25519"]
    lines = f"# written down at the console\nbare1 256 {true} root@bare1 (ED25519)\nbare2 {true}\n"
    (program.folder / "list").write_text(lines)
    words = ("--user", "root", "--dry-run", "--fingerprints", "list", "-w", "bare[1-2]")
    listed = start(program, *words, password=ROOT_PASSWORD).wait(60)
    assert listed.status == 4, listed
    assert results(listed)["bare1"]["status"] == "planned"
    assert states(results(listed)["bare1"])["python"] == "would"
    assert "ALARM" in results(listed)["bare2"]["error"]
    assert len((program.folder / "known_hosts").read_text().splitlines()) == 1
    known = subprocess.run(
        ["ssh-keygen", "-lf", program.folder / "known_hosts"], capture_output=True, text=True, check=True
    )
    assert true in known.stdout
    assert bare.run("bare1", ["ls", "-A", "/root/.ssh"], check=False).stdout == ""


def test_a_wrong_password_is_given_to_two_nodes_once(bare: Bare, program: Program) -> None:
    done = start(program, "--user", "root", "--host-keys", "accept-new", password="not the one").wait(60)
    assert done.status == 4, done
    tries = [
        bare.run(name, ["sh", "-c", "journalctl -u ssh | grep -c 'Failed password'"], check=False).stdout
        for name in NAMES
    ]
    assert sorted(tries) == ["0\n", "1\n", "1\n"]
    assert sum("not tried here" in result["error"] for result in results(done).values()) == 1
    assert "not the one" not in done.stdout + done.stderr


def test_from_a_password_to_ready(bare: Bare, program: Program, record_property: Callable[[str, object], None]) -> None:
    with Watch(ROOT_PASSWORD) as watch:
        done = start(program, "--user", "root", password=ROOT_PASSWORD).wait(800)
    assert done.status == 0, done
    record_property("seconds", done.seconds)
    for name, result in results(done).items():
        assert result["status"] == "changed"
        found = states(result)
        assert list(found) == ["contact", "key", "root", "python", "base", "ssh", "firewall", "sandbox", "ready"]
        assert found["python"] == found["base"] == found["ssh"] == found["firewall"] == found["sandbox"] == "changed"
        assert bare.run(name, ["id", "-un", "grid"]).stdout == "grid\n"
        assert bare.run(name, ["stat", "-c", "%a %U", "/root/.ssh/authorized_keys"]).stdout == "600 root\n"
        assert "passwordauthentication no" in bare.run(name, ["sshd", "-T"]).stdout
        assert "gridtui" in bare.run(name, ["nft", "list", "tables"]).stdout
    # the password is nowhere: no process, no file of ours, no file on a node, no word on the screen
    assert watch.looks > 20 and watch.seen == []
    assert holding(program.folder, ROOT_PASSWORD) == []
    assert ROOT_PASSWORD not in done.stdout + done.stderr
    for name in NAMES:
        look = [
            "sh",
            "-c",
            f"grep -rIlF {ROOT_PASSWORD} /root /home /etc /var/log /var/lib/gridtui /tmp /run 2>/dev/null",
        ]
        assert bare.run(name, look, check=False).stdout == ""
    # what gridtui promises: commands run as the grid user, whom the inventory names
    ran = program.run("-i", program.folder / "inventory.yaml", "exec", "--json", "--", "id -un", timeout=60)
    assert [result["stdout"] for result in ran.json["results"]] == ["grid\n"] * 3, ran


def test_again_changes_nothing_and_is_quick(bare: Bare, program: Program) -> None:
    """Without a password and without --user: the key opens, and who logged in is remembered."""
    before = bare.run("bare1", ["find", "/etc", "/root", "/home", "/var/lib/gridtui", "-newermt", "-0 seconds"]).stdout
    assert before == ""
    moment = bare.run("bare1", ["date", "+%s.%N"]).stdout.strip()
    done = start(program).wait(60)
    assert done.status == 0, done
    for result in results(done).values():
        assert result["status"] == "ok"
        assert set(states(result).values()) == {"ok"}
    assert done.seconds < 30
    changed = bare.run("bare1", ["find", "/etc", "/usr", "/root", "-newermt", f"@{moment}", "-type", "f"]).stdout
    assert changed == ""


def test_two_controllers_do_not_meet(bare: Bare, program: Program, tmp_path: Path) -> None:
    """Another machine's run (another state folder) is told apart by the node's own lock."""
    theirs = (
        "exec 9>>/run/gridtui-provision.lock; flock -n 9; echo somebody else >/run/gridtui-provision.lock; "
        "echo $$ >/run/theirs; exec sleep 60"
    )
    bare.run(
        "bare1", ["sh", "-c", f"nohup sh -c '{theirs}' >/dev/null 2>&1 & until [ -s /run/theirs ]; do sleep 0.1; done"]
    )
    try:
        done = start(program, "-w", "bare[1-2]").wait(60)
    finally:
        bare.run("bare1", ["sh", "-c", "kill $(cat /run/theirs)"])
    assert done.status == 1, done
    assert "another controller provisions it" in results(done)["bare1"]["error"]
    assert results(done)["bare2"]["status"] == "ok"


def test_a_new_machine_at_an_old_address_is_an_alarm(bare: Bare, program: Program) -> None:
    bare.remake("bare3")
    done = start(program, "-w", "bare3", "--host-keys", "accept-new", password=ROOT_PASSWORD).wait(60)
    assert done.status == 4, done
    assert "CHANGED" in results(done)["bare3"]["error"]
    forget(program, bare.nodes[2].address)


def test_killed_in_the_middle_it_goes_on_from_there(bare: Bare, program: Program) -> None:
    """As an administrator without sudo, through su, on the new machine; killed once Python is there and base goes on."""
    words = ("-w", "bare3", "--user", "admin", "--host-keys", "accept-new")
    running = start(program, *words, password=ADMIN_PASSWORD, become=ROOT_PASSWORD)
    until(lambda: b"bare3  python" in running.so_far(), 200, running.so_far)
    time.sleep(1.5)  # somewhere in the first playbook
    running.send(signal.SIGKILL)
    assert running.wait(20).status == -signal.SIGKILL
    with Watch(ADMIN_PASSWORD, ROOT_PASSWORD) as watch:
        done = start(program, *words, become=ROOT_PASSWORD).wait(800)
    assert done.status == 0, done
    found = states(results(done)["bare3"])
    assert found["contact"] == found["key"] == found["python"] == "ok"
    assert found["base"] in ("changed", "ok") and found["sandbox"] == "changed"
    assert watch.seen == [] and holding(program.folder, ROOT_PASSWORD) == []


def test_nodes_that_cannot_be_provisioned(bare: Bare, program: Program) -> None:
    """One dies, one has a read-only system, one is well: each says what it is, and the rest goes on."""
    bare.run("bare2", ["sh", "-c", "mount --bind /etc /etc && mount -o remount,bind,ro /etc"])
    bare.lab.pause("bare1")
    try:
        done = start(program, become=ROOT_PASSWORD).wait(90)  # for bare3, whose administrator has no sudo
    finally:
        bare.lab.unpause("bare1")
        bare.run("bare2", ["umount", "--lazy", "/etc"])
    assert done.status == 4, done
    found = results(done)
    assert found["bare1"]["status"] == "unreachable"
    assert found["bare2"]["status"] == "failed" and "read-only" in found["bare2"]["error"]
    assert found["bare3"]["status"] == "ok"


def test_an_expired_password_is_said(bare: Bare, program: Program) -> None:
    bare.remake("bare3")
    bare.run("bare3", ["chage", "-d", "0", "admin"])
    forget(program, bare.nodes[2].address)
    words = ("-w", "bare3", "--user", "admin", "--host-keys", "accept-new")
    done = start(program, *words, password=ADMIN_PASSWORD).wait(60)
    assert done.status == 4, done
    assert "expired" in results(done)["bare3"]["error"]
