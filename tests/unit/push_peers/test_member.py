"""What is believed of a node's own words."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest

from gridtui.model import Node
from gridtui.push.peers.member import TALK, Member, ready, script
from gridtui.push.peers.payload import Unfit
from gridtui.ssh.remote import RemoteConnection

GOOD = "/tmp/gridtui-peers-a1B2c3D4 198.18.0.11 22 root no 1000 rsync --server -We.LsfxCIvu --timeout=30 . in/"


def test_a_good_line_is_read() -> None:
    seen = ready(GOOD.split())
    assert (seen.folder, seen.address, seen.port, seen.user) == (
        "/tmp/gridtui-peers-a1B2c3D4",
        "198.18.0.11",
        22,
        "root",
    )
    assert (seen.seen, seen.free) == (False, 1_024_000)
    assert seen.speaks == "rsync --server -We.LsfxCIvu --timeout=30 . in/"


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        GOOD.replace("/tmp/", "/etc/"),
        GOOD.replace("a1B2c3D4", "../../etc"),
        GOOD.replace("a1B2c3D4", "a1B2c3D4;id"),
        GOOD.replace("198.18.0.11", "*"),
        GOOD.replace("198.18.0.11", 'x",command="id'),
        # what stands behind a `%` may be anything at all for ipaddress
        GOOD.replace("198.18.0.11", "fe80::1%eth0"),
        GOOD.replace("198.18.0.11", 'fe80::1%,*",port-forwarding,pty,user-rc,from="*'),
        GOOD.replace(" 22 ", " 0 "),
        GOOD.replace(" 22 ", " 99999 "),
        GOOD.replace(" 22 ", " ٢٢ "),
        GOOD.replace("root", "-oProxyCommand=id"),
        GOOD.replace("root", "a$b"),
        GOOD.replace("1000", "-1"),
        GOOD.replace("1000", "lots"),
        GOOD.replace("--server", "--server --sender"),
        # links of the sender's making (l), and writing through them (K)
        GOOD.replace("-We.LsfxCIvu", "-rlKRe.LsfxCIvu"),
        GOOD.replace("-We.LsfxCIvu", "-lKWe.LsfxCIvu"),
        GOOD.replace("-We.LsfxCIvu", "-lKWr.LsfxCIvu"),
        GOOD.replace(". in/", ". in/ ; id"),
        GOOD.replace(". in/", ". /etc/"),
        GOOD.replace("--timeout=30", "--timeout=30 --remove-source-files"),
        GOOD.replace("rsync", "sh"),
    ],
)
def test_a_line_that_is_odd_is_refused(spoiled: str) -> None:
    with pytest.raises(Unfit):
        ready(spoiled.split())


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_every_shell_can_read_the_script(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    words = ["busybox", "sh"] if shell == "busybox" else [shell]
    done = subprocess.run([*words, "-n"], input=script().encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_node_that_talks_without_end_is_left_and_not_listened_to() -> None:
    heard: list[list[str]] = []
    member = Member(Node("n", "n"), 0, lambda _, words: heard.append(words))
    for _ in range(100):
        member.received(b"have 1\n" * 1000)
    assert len(heard) < 2 * TALK
    assert heard[-1] == ["lost", "it talks without end"]
    assert heard.count(heard[-1]) == 1


def test_what_is_no_line_is_left_once() -> None:
    heard: list[list[str]] = []
    member = Member(Node("n", "n"), 0, lambda _, words: heard.append(words))
    for _ in range(5):
        member.received(b"x" * 10_000)
    assert heard == [["lost", "it sends what is no line"]]


async def test_two_neighbours_at_once_share_one_socket() -> None:
    """A second socket under the same name would be refused, and the way taken for impossible."""
    made: list[str] = []

    class Ssh:
        async def start_unix_server(self, factory: object, path: str, encoding: None) -> object:
            made.append(path)
            await asyncio.sleep(0)
            return object()

    member = Member(Node("n", "n"), 0, lambda *_: None)
    member.ready = ready(GOOD.split())
    connection = RemoteConnection.__new__(RemoteConnection)
    connection._ssh = Ssh()  # type: ignore[assignment]
    member._connection = connection
    await asyncio.gather(member.offer_agent(), member.offer_agent())
    assert made == [f"{member.ready.folder}/agent"]
