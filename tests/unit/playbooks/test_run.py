"""Whole runs with a real Ansible on this machine, through `Fleet`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gridtui import playbooks as books
from gridtui.errors import LockedError, UsageError
from gridtui.fleet import Fleet
from gridtui.playbooks import keeper, password
from gridtui.playbooks.catalogue import read_one
from gridtui.playbooks.model import Ending, Said, TaskResult, TaskState

pytestmark = pytest.mark.timeout(120)

Play = Callable[..., books.Playbook]
Clean = Callable[[], bool]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Three nodes, all of which are this machine."""
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        "n[1:3]\n[all:vars]\nansible_connection=local\n"
        f"ansible_remote_tmp={tmp_path}/remote\nansible_python_interpreter={sys.executable}\n"
    )
    return Fleet.open([inventory])


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def make(tasks: str, head: str = "") -> books.Playbook:
        path = tmp_path / "play.yml"
        path.write_text(f"{head}- name: A play\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
        return read_one(path)

    return make


@pytest.fixture
def clean(tmp_path: Path) -> Clean:
    """Whether nothing of a run is left here: no scratch folder, and no process that was not there before."""
    before = set(keeper._below(os.getpid()))

    def made() -> bool:
        left = set(keeper._below(os.getpid())) - before
        return not left and not list((tmp_path / "state" / "gridtui").glob("play-gridtui-*"))

    return made


async def test_a_run(fleet: Fleet, play: Play, tmp_path: Path, clean: Clean) -> None:
    playbook = play(
        f"    - name: A file\n      ansible.builtin.copy: {{content: hello, dest: '{tmp_path}/{{{{ inventory_hostname }}}}'}}\n"
        "    - name: Secret\n      ansible.builtin.command: echo sesame\n      no_log: true\n      changed_when: false\n"
        "    - name: One fails\n      ansible.builtin.command: 'false'\n      when: inventory_hostname == 'n2'\n      changed_when: false\n"
    )
    told: list[books.Progress] = []
    ended: list[books.Outcome] = []
    result = await fleet.playbook(books.Plan((playbook,), diff=True), told=told.append, ended=ended.append)
    assert [(name, one.status, one.changed) for name, one in result.outcomes.items()] == [
        ("n1", Ending.CHANGED, 1),
        ("n2", Ending.FAILED, 1),
        ("n3", Ending.CHANGED, 1),
    ]
    assert result.outcomes["n2"].error == "One fails: non-zero return code"
    assert sorted(one.node for one in ended) == ["n1", "n2", "n3"]
    results = [one for one in told if isinstance(one, TaskResult)]
    first = next(one for one in results if one.node == "n1" and one.number == 1)
    assert (first.state, first.diff.splitlines()[-1]) == (TaskState.CHANGED, "+hello")
    assert "sesame" not in repr(told)
    assert not any(b"sesame" in path.read_bytes() for path in result.folder.iterdir())
    assert json.loads((result.folder / "outcomes.json").read_text())["outcomes"][1]["status"] == "failed"
    assert clean()
    again = await fleet.playbook(books.Plan((playbook,), check=True), names=["n1"])
    assert again.outcomes["n1"].status is Ending.OK


@pytest.mark.parametrize(
    ("tasks", "error"),
    [
        ("    - ansible.builtin.command: true\n       when: x\n", "play.yml:6:12: YAML parsing failed"),
        ("    - ansible.builtin.nosuch: {}\n", "play.yml:5:7: "),
        ("    - import_tasks: gone.yml\n", "gone.yml"),
    ],
)
async def test_nothing_runs(fleet: Fleet, play: Play, clean: Clean, tasks: str, error: str) -> None:
    result = await fleet.playbook(books.Plan((play(tasks),)))
    assert error in result.error and "\n" not in result.error
    assert {one.status for one in result.outcomes.values()} == {Ending.SKIPPED}
    assert clean()


async def test_batches_stop_at_the_first_that_fails(fleet: Fleet, play: Play) -> None:
    tasks = (
        "    - ansible.builtin.command: 'false'\n      when: inventory_hostname == 'n2'\n      changed_when: false\n"
    )
    told: list[books.Progress] = []
    result = await fleet.playbook(books.Plan((play(tasks),), batches=("1",)), told=told.append)
    assert [one.status for one in result.outcomes.values()] == [Ending.OK, Ending.FAILED, Ending.SKIPPED]
    assert result.outcomes["n3"].error == "an earlier batch failed"
    assert [one.nodes for one in told if isinstance(one, books.BatchStarted)] == [("n1",), ("n2",)]


async def test_nodes_that_no_play_is_for(fleet: Fleet, play: Play, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(
        "- hosts: n1\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: hi}}]\n"
    )
    result = await fleet.playbook(books.Plan((read_one(tmp_path / "play.yml"),)))
    assert [one.status for one in result.outcomes.values()] == [Ending.OK, Ending.SKIPPED, Ending.SKIPPED]


@pytest.mark.parametrize("times", [1, 2])
async def test_stopping(fleet: Fleet, play: Play, clean: Clean, times: int) -> None:
    stop = books.Stop()
    loop = asyncio.get_running_loop()
    began = 0.0

    def told(progress: books.Progress) -> None:
        nonlocal began
        if isinstance(progress, books.TaskStarted) and progress.number == 2:
            began = loop.time()
            for _ in range(times):
                stop.ask()

    tasks = "    - ansible.builtin.command: 'true'\n      changed_when: false\n    - ansible.builtin.command: sleep 1234.5\n"
    result = await fleet.playbook(books.Plan((play(tasks),)), names=["n1"], told=told, stop=stop)
    assert began, result
    assert result.outcomes["n1"].status is Ending.CANCELLED
    assert clean()


async def test_one_run_at_a_time(fleet: Fleet, play: Play) -> None:
    playbook = play("    - ansible.builtin.command: sleep 1\n      changed_when: false\n")
    plan = books.Plan((playbook,))
    first = asyncio.create_task(fleet.playbook(plan, names=["n1"]))
    await asyncio.sleep(0)
    with pytest.raises(LockedError, match=f"over this inventory already.*process {os.getpid()}"):
        await fleet.playbook(plan, names=["n2"])
    assert (await first).outcomes["n1"].status is Ending.OK


async def test_undo_and_extra_variables_reach_ansible(fleet: Fleet, play: Play) -> None:
    tasks = "    - ansible.builtin.debug: {msg: '{{ gridtui_undo | default(false) }} {{ x }} {{ gridtui_run }}'}\n"
    told: list[books.Progress] = []
    plan = books.Plan((play(tasks),), undo=True, extra={"x": 'it\'s "quoted" {}'})
    result = await fleet.playbook(plan, names=["n1"], told=told.append)
    (seen,) = [one for one in told if isinstance(one, TaskResult)]
    assert seen.text == f'True it\'s "quoted" {{}} {result.run}'


async def test_a_password_without_anybody_to_ask(fleet: Fleet, play: Play) -> None:
    with pytest.raises(UsageError, match="nobody to ask"):
        await fleet.playbook(books.Plan((play("    - ansible.builtin.debug:\n"),), become_password=True))


async def test_warnings_are_said(fleet: Fleet, play: Play) -> None:
    told: list[books.Progress] = []
    tasks = "    - ansible.builtin.fail: {msg: no}\n      failed_when: false\n      vars: {a: 1}\n    - ansible.builtin.debug: {msg: '\x1b[2J'}\n".replace(
        "\x1b", "\\e"
    )
    await fleet.playbook(books.Plan((play(tasks),)), names=["n1"], told=told.append)
    assert not any("\x1b" in repr(one) for one in told if isinstance(one, Said | TaskResult))


async def test_the_pipe_gives_the_password_once(tmp_path: Path) -> None:
    async with password.pipe(tmp_path, "sesame") as path:
        assert path is not None
        assert await asyncio.to_thread(path.read_text) == "sesame\n"
    assert not path.exists()
    async with password.pipe(tmp_path, None) as nothing:
        assert nothing is None
