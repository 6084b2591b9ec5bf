"""What a command loads: the rooms' contracts as seen in a real interpreter, not only in the source."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "paramiko", "ansible", "yaml", "asyncssh", "icmplib", "ClusterShell", "asyncio", "click")


def loaded(code: str) -> set[str]:
    """The heavy packages in `sys.modules` after running `code` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import gridtui", set()),
        ("import gridtui.model, gridtui.errors, gridtui.events, gridtui.settings, gridtui.metrics", set()),
        ("sys.argv = ['gridtui', '--version']\nimport gridtui.__main__ as m\nm.main()", set()),
        ("import gridtui.cli.main", {"click"}),
        ("import gridtui.health, gridtui.probes, gridtui.store", set()),
        (
            "from gridtui.cli.main import main\nmain(['check', '--help'])",
            {"click"},
        ),
        ("from gridtui.cli.main import main\nmain(['job', 'list', '--help'])", {"click"}),
        (
            "import gridtui.fleet, gridtui.monitor, gridtui.ssh, gridtui.ping",
            {"asyncio", "asyncssh", "icmplib", "yaml"},
        ),
    ],
)
def test_only_what_is_needed_is_loaded(code: str, allowed: set[str]) -> None:
    assert loaded(code) <= allowed


def test_a_check_knows_nothing_of_jobs() -> None:
    script = "import sys\nfrom gridtui.cli.main import main\nimport gridtui.fleet, gridtui.monitor\nmain(['check', '--help'])\n"
    script += "print(*(name for name in sys.modules if name.startswith('gridtui.jobs') or name == 'sqlite3'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_the_first_paint_waits_for_no_screen_but_its_own() -> None:
    """What is not on it is loaded behind it (`tui.ahead`), or by the key that asks for it."""
    rooms = {"exec", "fleet", "inventory", "jobs", "monitor", "playbooks", "posture", "push", "recorder"}
    screens = {"node", "events", "exec", "transfer", "playbook", "playbooks", "runs", "posture", "jobs", "job", "help"}
    script = "import sys\nimport gridtui.tui\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert "gridtui.tui.screens.fleet" in names
    assert not {f"gridtui.tui.screens.{screen}" for screen in screens} & names
    assert not {f"gridtui.{room}" for room in rooms} & names
    assert not {"asyncssh", "paramiko", "sqlite3", "yaml"} & names
