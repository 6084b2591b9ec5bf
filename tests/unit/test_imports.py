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
        (
            "import gridtui.fleet, gridtui.monitor, gridtui.ssh, gridtui.ping",
            {"asyncio", "asyncssh", "icmplib", "yaml"},
        ),
    ],
)
def test_only_what_is_needed_is_loaded(code: str, allowed: set[str]) -> None:
    assert loaded(code) <= allowed
