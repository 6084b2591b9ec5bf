"""A job that is stopped in the moment in which it is started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gridtui.jobs import sandbox
from gridtui.jobs.model import JobId, Key, Level, Order, Spec

ORDER = Order(Key("1ab00001", JobId(1), 1), Spec("true"), node="here")
DRIVE = """
job=$PWD work=$PWD/work unit=gridtui-test
. ./launcher
setsid sleep 60 &
pid=$!
state() { sed 's/.*) \\(.\\).*/\\1/' "/proc/$pid/stat"; }
until [ "$(ps -o args= -p $pid)" = 'sleep 60' ]; do :; done
freeze
until [ "$(state)" = T ]; do :; done
mkdir cgroup
echo 0 >cgroup/cgroup.freeze
echo >cgroup/cgroup.procs
printf 'v2 %s\\nv1 \\nheld\\n' "$PWD/cgroup" >box
thaw
state
kill $pid
"""


@pytest.mark.timeout(30)
def test_what_was_stopped_before_it_had_its_cgroup_goes_on(tmp_path: Path) -> None:
    (tmp_path / "launcher").write_text(sandbox.shell(ORDER, Level.PLAIN))
    done = subprocess.run(["dash", "-c", DRIVE], cwd=tmp_path, capture_output=True, text=True, timeout=25, check=False)
    assert done.stdout == "S\n", done
