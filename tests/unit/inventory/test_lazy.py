"""Heavy libraries load only on the path that uses them: `check` runs from cron every minute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"yaml", "ClusterShell", "ansible", "concurrent.futures"}


def loaded_by(code: str, folder: Path) -> set[str]:
    script = f"import sys\nfrom pathlib import Path\nfrom gridtui import inventory\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("", set()),
        ("inventory.localhost()", set()),
        ("inventory.load([Path('hosts.ini')])", set()),
        ("inventory.load([Path('hosts.yaml')])", {"yaml"}),
        (
            "i = inventory.load([Path('hosts.ini')]); inventory.select('@web & a* , load<1').resolve(i); inventory.fold(['a'])",
            set(),
        ),
        ("i = inventory.load([Path('hosts.ini')]); inventory.select('a[1-2]').resolve(i)", {"ClusterShell"}),
        ("inventory.fold(['a1', 'a2'])", {"ClusterShell"}),
    ],
)
def test_loads_no_more_than_it_needs(code: str, loaded: set[str], tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\na[1:2]\n")
    (tmp_path / "hosts.yaml").write_text("web: {hosts: {a: }}\n")
    assert loaded_by(code, tmp_path) == loaded
