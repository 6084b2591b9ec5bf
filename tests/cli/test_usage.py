"""Wrong usage and wrong inventories: one line, the right exit status, and never a traceback."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gridtui.cli.main import _terminated, run
from gridtui.errors import StateError

from ..e2e.program import Done, Program

INVENTORY = "web:\n  hosts:\n    web[1:3]:\n      ansible_host: 127.0.0.1\n"


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


def refused(done: Done, status: int) -> str:
    """The one line of a run that was refused."""
    assert done.status == status, done
    assert "Traceback" not in done.stderr
    assert done.is_clean()
    return one_line(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("check --nonsense", "--nonsense"),
        ("--nonsense check", "--nonsense"),
        ("check extra", "extra"),
        ("check --format xml", "xml"),
        ("check --warn nope=1", "'nope' is no metric"),
        ("check --warn disc=1", "did you mean disk?"),
        ("check --warn disk", "write METRIC=RANGE"),
        ("check --crit disk=banana", "banana"),
        ("check --max-runtime 0", "--max-runtime"),
        ("check --max-runtime soon", "soon"),
        ("check -w web[1-", "web[1-"),
        ("check -w wbe1", "did you mean"),
        ("check -w load<", "load<"),
        ("check -x @nogroup", "nogroup"),
        ("--host-keys strict check --nonsense", "--nonsense"),
        ("--host-keys maybe check", "maybe"),
        ("-i nowhere.yaml check", "nowhere.yaml"),
        ("check -i nowhere.yaml", "nowhere.yaml"),
        ("-c nowhere.toml check", "nowhere.toml"),
        ("--inventory nowhere.yaml check", "nowhere.yaml"),
    ],
)
def test_a_check_that_cannot_be_done_is_unknown(program: Program, words: str, says: str) -> None:
    """By the guidelines whatever keeps a plugin from its work is UNKNOWN, on standard output, where it is read."""
    line = refused(program.run("-i", program.inventory(INVENTORY), *words.split()), 3)
    assert line.startswith("UNKNOWN: ")
    assert says in line


@pytest.mark.parametrize("words", [f"check -w wbe1 --format {form}" for form in ("nagios", "json", "prometheus")])
def test_unknown_is_said_in_one_line_in_every_format(program: Program, words: str) -> None:
    assert refused(program.run("-i", program.inventory(INVENTORY), *words.split()), 3).startswith("UNKNOWN: ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("chekc", "did you mean `check`"),
        ("frobnicate", "gridtui --help"),
        ("ping --count 0", "--count"),
        ("ping -c many", "many"),
        ("ping -w web[", "web["),
        ("ping -w wbe1", "did you mean"),
        ("facts --format text", "--format"),
        ("facts -w os~", "os~"),
        ("inventory nope", "nope"),
        ("inventory show", "SELECTION"),
        ("inventory list -w load<1", "measured"),
        ("inventory graph nogroup", "nogroup"),
        ("doctor now", "now"),
        ("demo --nodes 0", "--nodes"),
        ("demo", "terminal"),
        ("", "terminal"),
    ],
)
def test_wrong_usage_of_other_commands_is_2(program: Program, words: str, says: str) -> None:
    line = refused(program.run("-i", program.inventory(INVENTORY), *words.split()), 2)
    assert line.startswith("error: ")
    assert says in line


def test_inventory_without_a_command_shows_which_there_are(program: Program) -> None:
    done = program.run("inventory")
    assert (done.status, done.stdout) == (2, "")
    assert "\n  validate " in done.stderr


BROKEN = {
    "syntax.yaml": ("web:\n  hosts:\n    a: {\n", "syntax.yaml:"),
    "tab.yaml": ("web:\n\thosts:\n", "tab.yaml:2:1"),
    "port.yaml": ("web:\n  hosts:\n    a:\n      ansible_port: many\n", "port.yaml:4:"),
    "alpha.yaml": ("web:\n  hosts:\n    a[b:3]: {}\n", "alpha.yaml:3:5"),
    "typo.yaml": ("web:\n  hosts:\n    a:\n      gridtui_lables: {x: y}\n", "typo.yaml:4:7"),
    "list.yaml": ("- a\n- b\n", "list.yaml:1"),
    "bad.ini": ("[web\na\n", "bad.ini:1"),
    "escape.yaml": ('web:\n  hosts:\n    a:\n      ansible_port: "\\e]0;x\\a"\n', "escape.yaml:4:"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_inventory_is_one_line_with_its_place(program: Program, name: str) -> None:
    text, place = BROKEN[name]
    path = program.inventory(text, name)
    assert place in refused(program.run("-i", path, "check"), 3)
    assert place in refused(program.run("-i", path, "ping"), 1)
    assert program.run("-i", path, "inventory", "validate").status == 1


def test_what_ansible_takes_is_a_warning_with_its_place(program: Program) -> None:
    path = program.inventory("web:\n  hosts:\n    a[3:1]: {}\n    b: {}\n    b: {}\n")
    done = program.run("-i", path, "inventory", "list")
    assert done.status == 0
    assert [line.startswith("warning: ") for line in done.stderr.splitlines()] == [True, True]
    assert "inventory.yaml:3:5" in done.stderr
    assert "inventory.yaml:5:5" in done.stderr


def test_evidence_and_traceback_only_when_asked_for(program: Program) -> None:
    path = program.inventory("web: [", "broken.yaml")
    assert len(program.run("-i", path, "facts").stderr.splitlines()) == 1
    assert "Traceback" not in program.run("-v", "-i", path, "facts").stderr
    assert "Traceback" in program.run("facts", "-vv", "-i", path).stderr


def test_help_and_version(program: Program) -> None:
    for words in (("--help",), ("check", "-h"), ("inventory", "import", "--help"), ("--version",)):
        done = program.run(*words)
        assert (done.status, done.err) == (0, b""), done
        assert done.out


@pytest.mark.parametrize(("problem", "told"), [(StateError("full"), StateError), (ValueError("ours"), ExceptionGroup)])
def test_an_error_that_ended_a_task_is_told_as_itself(problem: Exception, told: type[Exception]) -> None:
    async def failing() -> None:
        raise problem

    async def work() -> None:
        async with asyncio.TaskGroup() as outer:
            async with asyncio.TaskGroup() as inner:
                inner.create_task(failing())
            outer.create_task(asyncio.sleep(60))

    with pytest.raises(told):
        run(work())


def test_a_signal_lets_all_tasks_clean_up() -> None:
    """It comes in the middle of one that another one waits for."""
    cleaned: list[str] = []

    async def hit() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(10)
        finally:
            cleaned.append("hit")

    async def other() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            cleaned.append("other")

    async def work() -> None:
        await asyncio.gather(hit(), other())

    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        with pytest.raises(SystemExit) as ended:
            run(work())
        assert ended.value.code == 143
        assert sorted(cleaned) == ["hit", "other"]
        assert signal.getsignal(signal.SIGTERM) is _terminated
    finally:
        signal.signal(signal.SIGTERM, before)
