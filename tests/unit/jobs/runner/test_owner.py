"""The owner of a node: when somebody counts as there, and how jobs give way and come back."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from gridtui.jobs.model import Cause, Idle, Phase
from gridtui.jobs.runner import Runner, script

from .conftest import SHELLS, here, until
from .orders import LAUNCHER, order

STAT = "cpu  1000 200 300 5000 40 10 20 0 0 0\n"


class Tree:
    """A node's files: as much of /dev, /proc, /sys, /run and /etc as is asked for."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.folder, self.shell = folder, shell
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.file("proc/stat", STAT)
        (folder / "runner").write_bytes(script())

    def file(self, path: str, text: str = "") -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def terminal(self, name: str, ago: float) -> None:
        """One that was typed at some seconds ago, by the node's clock."""
        file = self.file(f"dev/{name}")
        os.utime(file, (time.time() - ago, time.time()))

    def ask(self, **env: str) -> dict[str, str]:
        words = [*self.shell.split(), str(self.folder / "runner"), "owner", str(self.folder), str(self.cache)]
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        done = subprocess.run(
            words, capture_output=True, check=True, text=True, env={"PATH": path, "HOME": "/home/x", **env}
        )
        assert not done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def before(
        self, *, seconds: float, newest: int, idle: float, other: int = 0, every: int = 1, busy: int = 0
    ) -> None:
        """A look of earlier."""
        now = uptime()
        (self.cache / "owner").write_text(
            f"{now - round(seconds * 100)} {newest} {now - round((idle + seconds) * 100)} {other} {every} 0 {busy} 0 .\n"
        )


def uptime() -> int:
    return round(float(Path("/proc/uptime").read_text().split()[0]) * 100)


@pytest.fixture
def tree(tmp_path: Path, shell: str) -> Tree:
    return Tree(tmp_path, shell)


def test_the_last_touch_of_any_terminal_counts(tree: Tree) -> None:
    tree.terminal("pts/0", 5000)
    tree.terminal("pts/12", 100)
    tree.terminal("tty1", 300)
    tree.terminal("pts/ptmx", 0)
    assert 99 <= int(tree.ask()["idle"]) <= 130


def test_without_terminals_nobody_was_there_since_the_start(tree: Tree) -> None:
    assert abs(int(tree.ask()["idle"]) - uptime() // 100) <= 30


def test_the_clock_may_be_set_between_two_looks(tree: Tree) -> None:
    """An hour back or forth: only that a terminal was touched counts then, and when that was, since the node's start."""
    for skew in (-3600, 3600):
        file = tree.file("dev/pts/0")
        os.utime(file, (time.time() + skew, 0))
        newest = int(file.stat().st_atime)
        tree.before(seconds=10, newest=newest, idle=500)
        assert 509 <= int(tree.ask()["idle"]) <= 540
        tree.before(seconds=10, newest=newest - 7, idle=500)
        assert int(tree.ask()["idle"]) <= 1


def test_a_touch_in_the_future_is_one_of_now(tree: Tree) -> None:
    tree.terminal("pts/0", -3600)
    assert tree.ask()["idle"] == "0"


def test_a_damaged_note_is_none(tree: Tree) -> None:
    tree.terminal("pts/0", 100)
    for text in ("", "1 2", f"{uptime()} 1 2 3 4 5 6 7"):
        (tree.cache / "owner").write_text(text)
        assert 99 <= int(tree.ask()["idle"]) <= 140


@pytest.mark.parametrize(
    ("before", "busy"),
    [
        # user, system, nice of 1,000 ticks: the programs' own share of the system's time goes with them
        ((1000 - 500, 200, 300, 5000 - 500), 500),
        ((1000, 200 - 1000, 300, 5000), 0),
        ((1000 - 250, 200 - 250, 300, 5000 - 500), 250),
    ],
)
def test_load_that_is_not_ours(tree: Tree, before: tuple[int, int, int, int], busy: int) -> None:
    user, nice, system, idle = before
    other = user + system * user // (user + nice) + 10 + 20 if user + nice > 0 else user + system + 30
    tree.before(seconds=10, newest=0, idle=1, other=other, every=user + nice + system + idle + 40 + 30, busy=busy)
    found = int(tree.ask()["busy"])
    assert abs(found - busy) <= 25  # the system's share moves by a little


def test_a_short_burst_does_not_count_whole(tree: Tree) -> None:
    tree.before(seconds=10, newest=0, idle=1, other=0, every=6570 - 1280, busy=0)
    assert 200 <= int(tree.ask()["busy"]) <= 260  # a quarter of all


@pytest.mark.parametrize(
    ("files", "battery"),
    [
        ({}, "0"),
        ({"AC/type": "Mains", "AC/online": "1", "BAT0/type": "Battery", "BAT0/status": "Charging"}, "0"),
        ({"BAT0/type": "Battery", "BAT0/status": "Discharging"}, "1"),
        ({"BAT0/type": "Battery", "BAT0/status": "Full", "BAT1/type": "Battery", "BAT1/status": "Discharging"}, "1"),
        ({"mouse/type": "Battery", "mouse/status": "Discharging", "mouse/scope": "Device"}, "0"),
        ({"ups/type": "UPS", "ups/status": "Discharging"}, "1"),
    ],
)
def test_battery(tree: Tree, files: dict[str, str], battery: str) -> None:
    for name, text in files.items():
        tree.file(f"sys/class/power_supply/{name}", f"{text}\n")
    assert tree.ask()["battery"] == battery


@pytest.mark.parametrize(
    ("session", "hint", "idle"),
    [
        ("TYPE=wayland\nCLASS=user\n", "IdleHint=no\nIdleSinceHintMonotonic=0\n", 0),
        ("TYPE=x11\nCLASS=user\n", "IdleHint=yes\nIdleSinceHintMonotonic={}000000\n", 40),
        ("TYPE=wayland\nCLASS=greeter\n", "IdleHint=no\n", None),
        ("TYPE=tty\nCLASS=user\n", "IdleHint=no\n", None),
        ("TYPE=x11\nCLASS=user\n", "IdleHint=yes\nIdleSinceHintMonotonic=0; reboot\n", 0),
        ("TYPE=x11\nCLASS=user\n", "", 0),
    ],
)
def test_desktops(tree: Tree, session: str, hint: str, idle: int | None) -> None:
    tree.file("run/systemd/sessions/3", session)
    said = hint.format(uptime() // 100 - 40)
    tree.file("bin/loginctl", f"#!/bin/sh\nprintf '%s' '{said}'\n").chmod(0o755)
    tree.terminal("pts/0", 5000)
    found = int(tree.ask()["idle"])
    assert found >= 4999 if idle is None else idle <= found <= idle + 30


def test_opt_out_files(tree: Tree) -> None:
    assert tree.ask()["closed"] == ""
    tree.file("home/x/.config/gridtui/no-idle-jobs")
    assert "no idle-jobs" in tree.ask()["closed"]
    tree.file("etc/gridtui/no-jobs", "a lecture\nand more\n")
    closed = tree.ask()["closed"]
    assert "no jobs" in closed and closed.endswith("no-jobs: a lecture)")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shell", [SHELLS["dash"]])
async def test_giving_way_and_coming_back(runner: Runner, home: Path, shell: str) -> None:
    """Lower weight, then frozen, then on again; and ended where the owner stays. What the keeper sees of the owner is written here."""

    def owner(idle: int) -> None:
        (here(home) / "owner").write_text(f"{uptime() + 10**6} 0 0 0 0 {idle} 0 0 .\n")

    (here(home)).mkdir(parents=True, exist_ok=True)
    owner(10)
    idle = Idle(after=60, load=10, freeze=0.5, evict=3, grace=1)
    refused = await runner.start(order(idle=idle), LAUNCHER)
    assert (refused.cause, refused.why) == (Cause.REFUSED, "somebody is working there")
    owner(1000)
    wanted = order("trap '' TERM; while :; do date +%s >beat; sleep 0.2; done", idle=idle)
    assert (await runner.start(wanted, LAUNCHER)).phase is Phase.RUNNING
    job = home / "spool" / str(wanted.key)
    await until(lambda: (job / "work" / "beat").exists())
    told = runner.reports()
    owner(0)
    assert (await anext(told)).phase is Phase.FROZEN
    assert (job / "weights").read_text() == "low\n"
    owner(1000)
    assert (await anext(told)).phase is Phase.RUNNING
    await until(lambda: (job / "weights").read_text() == "low\nnormal\n")
    owner(0)
    assert (await anext(told)).phase is Phase.FROZEN
    report = await anext(told)
    assert (report.phase, report.cause, report.exit, report.why) == (
        Phase.ENDED,
        Cause.EVICTED,
        137,
        "somebody is working there",
    )
