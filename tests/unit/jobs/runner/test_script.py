"""How the script comes to a node: whole or not at all, and what is old goes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from gridtui.jobs.runner import VERSION, script
from gridtui.jobs.runner.script import install

DAY = 86400.0


def put(data: bytes, home: Path) -> int:
    return subprocess.run(
        ["sh", "-c", install()],
        input=data,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "XDG_STATE_HOME": str(home)},
        timeout=30,
        check=False,
    ).returncode


def test_a_script_comes_whole_or_not_at_all_and_old_ones_go(shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "gridtui" / "jobs"
    assert put(script()[:-1], tmp_path) != 0
    assert list(folder.iterdir()) == []

    # Another controller's, who may use it today, and one that nobody brought for long: who wants it puts it there again.
    ages = {"runner-yesterdays": 1.0, "runner-old": 9.0, "cache": 9.0, "spool": 9.0}
    for name, days in ages.items():
        (folder / name).write_text("#!/bin/sh\nread -r line\n") if "-" in name else (folder / name).mkdir()
        os.utime(folder / name, (time.time() - days * DAY,) * 2)
    old = folder / "runner-old"
    with subprocess.Popen(["sh", old], stdin=subprocess.PIPE) as keeper:
        try:
            assert put(script(), tmp_path) == 0
            assert sorted(path.name for path in folder.iterdir()) == sorted(
                {"cache", "spool", "runner-yesterdays", f"runner-{VERSION}"}
            )
            assert (folder / f"runner-{VERSION}").read_bytes() == script()
            assert keeper.poll() is None, "what runs goes on"
        finally:
            keeper.kill()
    assert put(script(), tmp_path) == 0
