"""Files to a real sshd and back: names of every kind, links, holes, many, filters, and what goes wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.model import Node
from gridtui.push import Direction, Ending, Options, Plan, Run, Sftp, Transfer, summary
from tests.ssh.openssh import Sshd

from .conftest import needs_rsync
from .trees import fill, picture

pytestmark = needs_rsync

NAME = st.binary(min_size=1, max_size=40).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
HOSTILE = [
    b"with blank", b" lead", b"trail ", b"new\nline", b"cr\r", b"tab\t", b"'", b'"', b"`id`", b"$(id)", b"$HOME", b"-n", b"--delete", b"~", b"~root",
    b"host:path", b"a;b", b"a&b", b"a|b", b"*", b"?", b"[a]", b"{a,b}", b"\\", b"\\n", b"#", b"!", b"\xff\xfe", "é".encode(), b"\x1b[31m", b"%h", b"\\#012",
    b".gridtui", b"a" * 255,
]  # fmt: skip


async def push(server: Sshd, *words: str | Path, **options: Any) -> Transfer:
    *sources, destination = map(str, words)
    plan = Plan(tuple(sources), destination, options=Options(**options))
    (outcome,) = (await Run(plan, [server.node("n")], server.settings()).finish()).values()
    return outcome


async def pull(server: Sshd, *words: str | Path, **options: Any) -> Transfer:
    *sources, destination = map(str, words)
    plan = Plan(tuple(sources), destination, Direction.PULL, Options(**options))
    (outcome,) = (await Run(plan, [server.node("n")], server.settings()).finish()).values()
    return outcome


def name(path: Path, part: bytes) -> str:
    return os.fsdecode(os.path.join(os.fsencode(path), part))


def put(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


@pytest.mark.parametrize("sftp", [Sftp.NEVER, Sftp.ONLY])
async def test_hostile_names_out_and_back(server: Sshd, tmp_path: Path, sftp: Sftp) -> None:
    from gridtui.ssh import Pool

    here, there, back = tmp_path / "here", tmp_path / "the 'remote' \"side\"\n$x", tmp_path / "back"
    here.mkdir()
    for part in HOSTILE:
        os.mkdir(name(here, b"d" + part[:250]))
        for path in (name(here, part), name(here, b"d" + part[:250] + b"/" + part)):
            put(path, part)
    async with Pool(server.settings()) as pool:
        for plan in (Plan((f"{here}/",), f"{there}/"), Plan((f"{there}/",), str(back), Direction.PULL)):
            (outcome,) = (
                await Run(plan, [server.node("n")], server.settings(), pool=pool, sftp=sftp).finish()
            ).values()
            assert outcome.ok, outcome
            assert outcome.files == len(HOSTILE) * 2
    assert picture(there) == picture(here) == picture(back / "n")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(NAME, min_size=1, max_size=6), NAME)
def test_any_names(server: Sshd, tmp_path_factory: pytest.TempPathFactory, parts: set[bytes], folder: bytes) -> None:
    root = tmp_path_factory.mktemp("any")
    here = Path(name(root, b"x" + folder[:200]))
    here.mkdir()
    for part in parts:
        Path(name(here, part)).write_bytes(part)
    each = [name(here, part) for part in sorted(parts)]
    there = Path(name(root, folder[:100] + b"/" + folder + b"/"))
    there.mkdir(parents=True)
    outcome = asyncio.run(push(server, *each, f"{there}/"))
    assert outcome.ok, outcome
    found = {os.fsencode(one): Path(name(there, os.fsencode(one))).read_bytes() for one in os.listdir(there)}
    assert found == {part: part for part in parts}


async def test_sparse_files_and_hard_links(server: Sshd, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    with (here / "holes").open("wb") as stream:
        stream.truncate(200 << 20)
        stream.seek(100 << 20)
        stream.write(b"in the middle")
    fill(here / "one", 100_000)
    os.link(here / "one", here / "two")
    (here / "link").symlink_to("one")
    outcome = await push(server, f"{here}/", there, sparse=True, hard_links=True)
    assert outcome.ok, outcome
    assert (there / "holes").stat().st_size == 200 << 20
    assert (there / "holes").stat().st_blocks * 512 < 1 << 20
    assert (there / "one").stat().st_ino == (there / "two").stat().st_ino
    assert os.readlink(there / "link") == "one"


@pytest.mark.timeout(120)
async def test_ten_thousand_files(server: Sshd, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in range(100):
        (here / str(folder)).mkdir(parents=True)
        for number in range(100):
            (here / str(folder) / str(number)).write_text(f"{folder}/{number}\n")
    outcome = await push(server, f"{here}/", there)
    assert (outcome.status, outcome.files) == (Ending.OK, 10_000), outcome
    assert picture(there) == picture(here)
    again = await push(server, f"{here}/", there)
    assert (again.files, again.literal) == (0, 0)


async def test_a_delta_is_small(server: Sshd, tmp_path: Path) -> None:
    here, there = fill(tmp_path / "big", 8 << 20), tmp_path / "there"
    assert (await push(server, here, f"{there}/")).literal == 8 << 20
    with here.open("r+b") as stream:
        stream.seek(4 << 20)
        stream.write(b"changed")
    os.utime(here, (1, 1))
    outcome = await push(server, here, f"{there}/")
    assert outcome.literal < 1 << 16
    assert (there / "big").read_bytes() == here.read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    here = tmp_path / "site"
    (here / "sub").mkdir(parents=True)
    for part in ("a.txt", "b.o", "sub/c.txt", "sub/d.o"):
        (here / part).write_text(part)
    return here


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, ["a.txt", "b.o", "old", "sub/c.txt", "sub/d.o", "sub/old"]),
        ({"delete": True}, ["a.txt", "b.o", "sub/c.txt", "sub/d.o"]),
        ({"filters": ("--exclude=*.o",)}, ["a.txt", "old", "sub/c.txt", "sub/old"]),
        ({"filters": ("--include=*/", "--include=c*", "--exclude=*"), "delete": True}, ["old", "sub/c.txt", "sub/old"]),
        (
            {"filters": ("--filter=P old", "--exclude=b.o"), "delete": True},
            ["a.txt", "old", "sub/c.txt", "sub/d.o", "sub/old"],
        ),
        ({"dry_run": True, "delete": True}, ["old", "sub/old"]),
    ],
)
async def test_what_is_taken_and_what_goes(
    server: Sshd, site: Path, tmp_path: Path, options: dict[str, Any], left: list[str]
) -> None:
    there = tmp_path / "there"
    (there / "sub").mkdir(parents=True)
    for old in ("old", "sub/old"):
        (there / old).write_text("old")
    outcome = await push(server, f"{site}/", there, **options)
    assert outcome.ok, outcome
    assert listing(there) == left


async def test_a_dry_run_says_what_would_change(server: Sshd, site: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "old\n\x1b[31m").write_text("x")
    outcome = await push(server, f"{site}/", there, dry_run=True, delete=True)
    assert "*deleting old\\#012\\#033[31m" in outcome.changes
    assert "<f+++++++++ sub/c.txt" in outcome.changes
    assert (outcome.files, outcome.deleted) == (4, 1)
    assert listing(there) == ["old\n\x1b[31m"]
    same = replace(outcome, node="m")
    other = replace(outcome, node="o", changes=("x",))
    assert summary.changes([outcome, other, same]) == [(("n", "m"), outcome.changes), (("o",), ("x",))]


async def test_modes_and_owners(server: Sshd, site: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    (site / "a.txt").chmod(0o640)
    assert (await push(server, f"{site}/", there)).ok
    assert (there / "a.txt").stat().st_mode & 0o777 == 0o640
    assert (await push(server, f"{site}/", there, chmod="F600,D711")).ok
    assert (there / "a.txt").stat().st_mode & 0o777 == 0o600
    assert (there / "sub").stat().st_mode & 0o777 == 0o711
    if os.geteuid() == 0:
        assert (await push(server, f"{site}/", there, chown="12345:54321")).ok
        assert (there / "a.txt").stat().st_uid == 12345
        assert (there / "a.txt").stat().st_gid == 54321


async def test_slashes_mean_what_rsync_says(server: Sshd, site: Path, tmp_path: Path) -> None:
    await push(server, site, tmp_path / "one")
    assert (tmp_path / "one" / "site" / "a.txt").exists()
    await push(server, f"{site}/", tmp_path / "two")
    assert (tmp_path / "two" / "a.txt").exists()
    await push(server, site / "a.txt", tmp_path / "three")
    assert (tmp_path / "three").read_text() == "a.txt"
    await push(server, site / "a.txt", site / "b.o", tmp_path / "four")
    assert listing(tmp_path / "four") == ["a.txt", "b.o"]


async def test_pull_gives_each_node_its_folder(server: Sshd, site: Path, tmp_path: Path) -> None:
    plan = Plan((f"{site}/*.txt", f"{site}/sub"), str(tmp_path / "in"), Direction.PULL)
    nodes = [server.node("n1"), server.node("../n2"), Node("me", "me", local=True)]
    outcomes = await Run(plan, nodes, server.settings()).finish()
    assert all(one.ok for one in outcomes.values()), outcomes
    assert sorted(os.listdir(tmp_path / "in")) == ["..∕n2", "me", "n1"]
    for folder in os.listdir(tmp_path / "in"):
        assert listing(tmp_path / "in" / folder) == ["a.txt", "sub/c.txt", "sub/d.o"]


async def test_pull_of_what_is_not_there(server: Sshd, tmp_path: Path) -> None:
    outcome = await pull(server, "/no/such", tmp_path / "in")
    assert (outcome.status, outcome.exit) == (Ending.FAILED, 23)
    assert outcome.error.startswith("no such file or directory: /no")
    assert os.listdir(tmp_path / "in") == []


async def test_this_machine_as_a_node(
    site: Path, tmp_path: Path, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    plan = Plan((f"{site}/",), "a 'b'/c")
    (outcome,) = (await Run(plan, [Node("me", "me", local=True)], server.settings()).finish()).values()
    assert not outcome.ok  # rsync makes one folder, not two
    plan = Plan((f"{site}/",), "a 'b'")
    (outcome,) = (await Run(plan, [Node("me", "me", local=True)], server.settings()).finish()).values()
    assert outcome.ok, outcome
    assert picture(tmp_path / "a 'b'") == picture(site)


async def test_one_login_a_node(fresh: Callable[..., Sshd], site: Path, tmp_path: Path) -> None:
    sshd = fresh("MaxSessions 2")
    nodes = [sshd.node("n")]
    plan = Plan((str(site),), f"{tmp_path}/there/")
    from gridtui.ssh.masters import Masters

    async with Masters(sshd.settings()) as masters:
        for _ in range(3):
            run = Run(plan, nodes, sshd.settings())
            assert (await run._one(nodes[0], masters)).ok
    assert sshd.logins() == 1
    assert not list((tmp_path / "state").rglob("ssh-*")), "a socket was left"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "full"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(place)], check=True)


async def test_a_full_disk(server: Sshd, full: Path, tmp_path: Path) -> None:
    outcome = await push(server, fill(tmp_path / "big", 8 << 20), f"{full}/")
    assert outcome.status is Ending.FAILED
    assert outcome.error.startswith(f"no space left on device: {full}/big"), outcome
    remount(full, "size=32m")
    again = await push(server, tmp_path / "big", f"{full}/")
    assert again.ok
    assert again.literal < 6 << 20, "what had arrived was sent again"


async def test_a_place_that_is_read_only(server: Sshd, full: Path, site: Path) -> None:
    remount(full, "ro")
    outcome = await push(server, f"{site}/", full)
    assert outcome.status is Ending.FAILED
    assert outcome.error.startswith(f"read-only file system: {full}"), outcome


async def test_sudo_that_wants_a_password(server: Sshd, fresh: Callable[..., Sshd], site: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    sudo = tmp_path / "bin" / "sudo"
    sudo.write_text('#!/bin/sh\n[ "$1" = -n ] || exit 9\necho "sudo: a password is required" >&2\nexit 1\n')
    sudo.chmod(0o755)
    sshd = fresh(f"SetEnv PATH={tmp_path}/bin:/usr/bin:/bin")
    outcome = await push(sshd, f"{site}/", tmp_path / "there", sudo=True)
    assert outcome.status is Ending.FAILED
    assert "NOPASSWD" in outcome.error, outcome
    sudo.write_text('#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nexec "$@"\n')
    outcome = await push(sshd, f"{site}/", tmp_path / "there", sudo=True)
    assert outcome.ok, outcome


async def test_a_login_shell_that_talks(fresh: Callable[..., Sshd], site: Path, tmp_path: Path) -> None:
    sshd = fresh('ForceCommand echo welcome; eval "$SSH_ORIGINAL_COMMAND"')
    outcome = await push(sshd, f"{site}/", tmp_path / "there")
    assert outcome.status is Ending.FAILED
    assert "does the login shell there print something" in outcome.error


async def test_a_missing_source_is_wrong_usage(server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone"):
        await push(server, tmp_path / "gone", tmp_path / "there")


async def test_a_rate_for_all(server: Sshd, tmp_path: Path) -> None:
    plan = Plan((str(fill(tmp_path / "file", 2 << 20)),), f"{tmp_path}/there/", options=Options(whole_file=True))
    nodes = [server.node("n1"), Node("me", "me", local=True)]
    began = asyncio.get_running_loop().time()
    plans = [replace(plan, destination=f"{tmp_path}/there/{number}/") for number in range(2)]
    for each in plans:
        os.makedirs(each.destination)
    outcomes = await Run(plans[0], nodes[:1], server.settings(), rate=1 << 20).finish()
    assert all(one.ok for one in outcomes.values())
    assert asyncio.get_running_loop().time() - began > 1
