"""The guard of a node, run for real below a folder of its own, by dash and by busybox: what it keeps, brings back, refuses and survives."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "playbooks" / "roles" / "guard" / "files" / "guard"
SHELLS = {"dash": ("dash",), "busybox": ("busybox", "ash")}
LATE = 30.0
"""Seconds after which a test gives up on a timer."""


class Guard:
    """One node's guard below `root`."""

    def __init__(self, shell: tuple[str, ...], root: Path) -> None:
        self.shell, self.root = shell, root
        self.changes = root / "var/lib/gridtui/changes"

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.shell, str(SCRIPT), *words],
            input=stdin,
            env={"GRIDTUI_GUARD_ROOT": str(self.root), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=LATE,
            check=False,
            start_new_session=True,
        )

    def arm(self, ident: str, seconds: int, *lines: str) -> None:
        done = self("arm", ident, str(seconds), stdin="".join(f"{line}\n" for line in lines))
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"armed {ident} {seconds} shell\n"

    def states(self) -> list[str]:
        """Each change's id and state."""
        return [" ".join((line.split()[0], line.split()[2])) for line in self("status").stdout.splitlines()]

    def timer(self, ident: str) -> int:
        """The process group that waits."""
        return int((self.changes / ident / "1/timer").read_text().split()[1])


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LATE
    while not true():
        assert time.monotonic() < end, f"not within {LATE:g} s: {what}"
        time.sleep(0.05)


once = pytest.mark.parametrize("guard", ["dash"], indirect=True)
"""For what is slow, and the same whichever shell runs it."""


@pytest.fixture(params=SHELLS)
def guard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guard]:
    shell = SHELLS[request.param]
    assert shutil.which(shell[0]), f"{shell[0]} is not installed: run `make test`"
    guard = Guard(shell, tmp_path / "root")
    yield guard
    for timer in guard.changes.glob("*/*/timer"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(timer.read_text().split()[1]), signal.SIGKILL)


def test_prove_sees_a_timer_fire(guard: Guard) -> None:
    began = time.monotonic()
    done = guard("prove")
    assert (done.returncode, done.stdout) == (0, "proven shell\n")
    assert time.monotonic() - began >= 0.9
    assert not list((guard.root / "var/lib/gridtui").glob("proof*"))


def _make(path: Path, kind: str, text: str) -> None:
    match kind:
        case "file":
            path.write_text(text)
            path.chmod(0o640)
        case "folder":
            path.mkdir(mode=0o750)
            (path / text).write_text(text)
        case "link":
            path.symlink_to(text)


def _seen(path: Path) -> tuple[str, ...]:
    if path.is_symlink():
        return ("link", os.readlink(path))
    if path.is_dir():
        mode = oct(stat.S_IMODE(path.stat().st_mode))
        return ("folder", mode, *sorted(f"{one.name}={one.read_text()}" for one in path.iterdir()))
    if path.exists():
        return ("file", oct(stat.S_IMODE(path.stat().st_mode)), path.read_text())
    return ("absent",)


def test_whatever_became_of_a_path_it_is_brought_back(guard: Guard, tmp_path: Path) -> None:
    """Every kind of thing, turned into every other one; and the folders that were made for a new file go with it."""
    kinds = ("absent", "file", "folder", "link")
    place = tmp_path / "a place"
    place.mkdir()
    paths = {(before, after): place / f"{before} to {after}" for before in kinds for after in kinds}
    for (before, _), path in paths.items():
        _make(path, before, "old")
    before_all = {key: _seen(path) for key, path in paths.items()}
    new = place / "new" / "deeper" / "file"
    order = tmp_path / "order"
    lines = [f"path {path}" for path in [*paths.values(), new]]
    lines += [f"save words echo 'two  words'; echo {place.name}"]
    lines += [
        f"before ls {shlex.quote(str(new))} >>{order}",
        f'after cat "$SAVED/words" >>{order}',
        f"after echo z >>{order}",
    ]
    guard.arm("r1", 60, "playbook firewall", "who me@here", "# a remark", "", *lines)
    for (_, after), path in paths.items():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        _make(path, after, "new")
    new.parent.mkdir(parents=True)
    new.write_text("new")
    done = guard("rollback", "r1")
    assert (done.returncode, done.stdout) == (0, "rolled-back r1\n"), done.stderr
    assert {key: _seen(path) for key, path in paths.items()} == before_all
    assert sorted(place.iterdir()) == sorted(path for (before, _), path in paths.items() if before != "absent")
    assert order.read_text() == f"{new}\ntwo  words\n{place.name}\nz\n"
    assert guard("rollback", "r1").returncode == 0  # again changes nothing


def test_taken_back_when_nobody_confirms(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 2, "playbook firewall", f"path {file}")
    file.write_text("new")
    run, playbook, state, _, left = guard("status").stdout.split()
    assert (run, playbook, state) == ("r1", "firewall", "armed")
    assert 0 <= int(left) <= 2
    until(lambda: guard.states() == ["r1 rolled-back"], "the rollback")
    assert file.read_text() == "old"
    late = guard("confirm", "r1")
    assert late.returncode == 3
    assert "was taken back" in late.stderr
    assert file.read_text() == "old"


def test_confirmed_stays_and_can_still_be_rolled_back(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 600, f"path {file}")
    timer = guard.timer("r1")
    file.write_text("new")
    assert guard("confirm", "r1").returncode == 0
    assert guard("confirm", "r1").stdout == "confirmed r1\n"
    until(lambda: not _lives(timer), "the timer's end")
    assert guard("fire", "r1", "1").returncode == 0  # one that fires all the same
    assert (file.read_text(), guard.states()) == ("new", ["r1 confirmed"])
    assert guard("rollback", "r1").returncode == 0
    assert (file.read_text(), guard.states()) == ("old", ["r1 rolled-back"])
    assert guard("confirm", "r1").returncode == 3


@once
def test_one_at_a_time(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 60, "playbook ssh", "who ann@desk", f"path {file}")
    second = guard("arm", "r2", "60", stdin=f"path {file}\n")
    assert second.returncode == 75
    assert "change r1 (ssh) of ann@desk is armed" in second.stderr
    assert guard.states() == ["r1 armed"]
    assert guard("confirm", "r1").returncode == 0
    guard.arm("r2", 60, f"path {file}")
    assert guard("rollback", "r1").stderr == "guard: change r2 came after and touched the same: roll that back first\n"
    assert guard("rollback", "r2").returncode == guard("rollback", "r1").returncode == 0


@once
def test_two_at_once_and_one_of_them_waits(guard: Guard) -> None:
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda name: guard("arm", name, "60", stdin="playbook p\n"), ("r1", "r2", "r3")))
    assert sorted(one.returncode for one in done) == [0, 75, 75]
    assert len(guard.states()) == 1


@once
def test_parts_of_one_run_are_decided_together(guard: Guard, tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("1")
    guard.arm("r1", 60, "playbook ssh", f"path {file}")
    timer = guard.timer("r1")
    file.write_text("2")
    guard.arm("r1", 3, "playbook mesh", f"path {file}", f"path {other}")
    assert guard.timer("r1") != timer
    file.write_text("3")
    other.write_text("3")
    assert guard("fire", "r1", "1").returncode == 0  # the first timer, which was replaced
    assert guard.states() == ["r1 armed", "r1 armed"]
    until(lambda: guard.states() == ["r1 rolled-back", "r1 rolled-back"], "the rollback")
    assert file.read_text() == "1"
    assert not other.exists()


@once
def test_a_part_whose_arming_was_killed_leaves_the_timer_before_it_in_charge(guard: Guard, tmp_path: Path) -> None:
    """Between the part's taking its place and its timer's start: nobody else would take back what the first part may have cut."""
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 3, f"path {file}")
    file.write_text("new")
    part = guard.changes / "r1/1/2"
    part.mkdir()
    for name, text in (("playbook", "ssh"), ("order", "2"), ("time", "1795298517")):
        (part / name).write_text(f"{text}\n")
    until(lambda: file.read_text() == "old", "the rollback")
    until(lambda: set(guard.states()) == {"r1 rolled-back"}, "its end")


@once
def test_either_the_timer_wins_or_who_confirms(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    for number in (1, 2):
        name = f"r{number}"
        file.write_text("old")
        guard.arm(name, 60, f"path {file}")
        file.write_text("new")
        calls = [("confirm", name), ("fire", name, str(number)), ("fire", name, str(number)), ("confirm", name)]
        with ThreadPoolExecutor() as threads:
            done = list(threads.map(lambda words: guard(*words).returncode, calls))
        state = guard.states()[-1]
        confirmed = state == f"{name} confirmed"
        assert confirmed or state == f"{name} rolled-back"
        assert file.read_text() == ("new" if confirmed else "old")
        assert [done[0], done[3]] == ([0, 0] if confirmed else [3, 3])


@once
def test_a_rollback_that_fails_is_tried_again(guard: Guard, tmp_path: Path) -> None:
    file, flag = tmp_path / "file", tmp_path / "flag"
    file.write_text("old")
    guard.arm("r1", 1, f"path {file}", f"after test -e {flag}")
    file.write_text("new")
    until(lambda: guard.states() == ["r1 rolling-back"], "the first try")
    until(lambda: file.read_text() == "old", "what could be brought back")
    refused = guard("arm", "r2", "9", stdin="playbook p\n")
    assert refused.returncode == 75
    assert "being taken back" in refused.stderr
    assert guard("confirm", "r1").returncode == 3
    flag.touch()
    until(lambda: guard.states() == ["r1 rolled-back"], "the second try")


@once
def test_what_comes_late_is_refused_or_taken_back_once_more(guard: Guard, tmp_path: Path) -> None:
    """A controller so slow that the window is over before it changes anything."""
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 60, f"path {file}")
    done = guard("during", "r1", "sh", "-c", f'cat > {file}; echo "$1"; exit 7', "sh", "a b", stdin="new")
    assert (done.returncode, done.stdout, file.read_text()) == (7, "a b\n", "new")
    assert guard("fire", "r1", "1").returncode == 0
    late = guard("during", "r1", "sh", "-c", f"echo late > {file}")
    assert late.returncode == 3
    assert "the time of change r1 (change) was over: not done" in late.stderr
    assert file.read_text() == "old"
    file.write_text("late")
    assert guard("rollback", "r1").returncode == 0
    assert file.read_text() == "late"
    assert guard("rollback", "r1", "again").returncode == 0
    assert (file.read_text(), guard.states()) == ("old", ["r1 rolled-back"])
    assert guard("during", "r2", "true").returncode == 4


@once
def test_a_timer_that_was_killed_keeps_nobody_out(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    guard.arm("r1", 1, f"path {file}")
    os.killpg(guard.timer("r1"), signal.SIGKILL)
    file.write_text("new")
    until(lambda: guard("status").stdout.split()[4] == "0", "the end of the window")
    guard.arm("r2", 60, f"path {file}")
    assert file.read_text() == "old"
    assert guard.states() == ["r1 rolled-back", "r2 armed"]


@once
def test_the_timer_outlives_the_login_that_armed_it(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    words = [*guard.shell, str(SCRIPT), "arm", "r1", "2"]
    env = {"GRIDTUI_GUARD_ROOT": str(guard.root), "PATH": os.environ["PATH"]}
    login = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, text=True, start_new_session=True)
    login.communicate(f"path {file}\n", timeout=LATE)
    assert login.returncode == 0
    file.write_text("new")
    assert os.getsid(guard.timer("r1")) == guard.timer("r1") != login.pid
    assert not _lives(login.pid)
    until(lambda: file.read_text() == "old", "the rollback")


@once
def test_a_boot_within_the_window_takes_it_back(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    cron = guard.root / "etc/cron.d"
    cron.mkdir(parents=True)
    guard.arm("r1", 60, f"path {file}")
    assert (cron / "gridtui-guard").read_text() == f"@reboot root /bin/sh {SCRIPT} boot\n"
    file.write_text("new")
    os.killpg(guard.timer("r1"), signal.SIGKILL)
    assert guard("boot").returncode == 0
    assert (file.read_text(), guard.states(), list(cron.iterdir())) == ("old", ["r1 rolled-back"], [])
    assert guard("boot").returncode == 0


@pytest.mark.parametrize(
    ("words", "stdin", "status", "said"),
    [
        (("arm", "../x", "9"), "", 2, "not an id"),
        (("arm", "", "9"), "", 2, "not an id"),
        (("arm", "-x", "9"), "", 2, "not an id"),
        (("arm", "a b", "9"), "", 2, "not an id"),
        (("arm", "a" * 81, "9"), "", 2, "at most 80"),
        (("arm", "a", "0"), "", 2, "not a number"),
        (("arm", "a", "-1"), "", 2, "not a number"),
        (("arm", "a", "1e9"), "", 2, "not a number"),
        (("arm", "a", "9"), "path etc/x\n", 2, "not an absolute path"),
        (("arm", "a", "9"), "path /\n", 2, "path"),
        (("arm", "a", "9"), "path /etc\n", 2, "not an absolute path"),
        (("arm", "a", "9"), "path /etc/../x\n", 2, "not a plain path"),
        (("arm", "a", "9"), "paths /etc/x\n", 2, "not understood"),
        (("arm", "a", "9"), "save ../x id\n", 2, "not a name"),
        (("arm", "a", "9"), "save x false\n", 1, "nothing was changed"),
        (("confirm", "nobody"), "", 4, "no change nobody"),
        (("rollback", "nobody"), "", 4, "no change nobody"),
        (("confirm", "*"), "", 2, "not an id"),
        (("rollback", "nobody", "twice"), "", 2, "not understood"),
        (("during", "nobody"), "", 2, "usage"),
        (("arm", "a"), "", 2, "usage"),
        ((), "", 2, "usage"),
    ],
)
def test_what_is_refused(guard: Guard, words: tuple[str, ...], stdin: str, status: int, said: str) -> None:
    done = guard(*words, stdin=stdin)
    assert done.returncode == status
    assert said in done.stderr
    assert guard.states() == []


def test_where_nothing_can_be_written_nothing_is_armed(guard: Guard) -> None:
    guard.root.mkdir()
    (guard.root / "var").write_text("in the way")
    done = guard("arm", "r1", "9", stdin="playbook p\n")
    assert done.returncode == 1
    assert "cannot be made" in done.stderr


@once
def test_old_changes_go(guard: Guard) -> None:
    for number in range(1, 26):
        part = guard.changes / f"old{number}" / "1" / "1"
        part.mkdir(parents=True)
        (part / "order").write_text(f"{number}\n")
        (part / "playbook").write_text("ssh\n")
        (part / "time").write_text("1\n")
        (part.parent / "decision").write_text("confirm\n")
    (guard.changes.parent / "count").write_text("25\n")
    guard.arm("r1", 60, "playbook p")
    states = guard.states()
    assert states[0] == "old7 confirmed"
    assert len(states) == 20
    assert states[-1] == "r1 armed"
