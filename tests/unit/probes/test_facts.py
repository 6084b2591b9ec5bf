"""Facts: recorded answers (`facts/<case>/answer` and `expected.json`), the real command here, and answers of any bytes."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.model import Facts
from gridtui.probes import facts_command, parse_facts

HERE = Path(__file__).parent / "facts"
CASES = sorted(path.parent for path in HERE.glob("*/answer"))
SHELLS = [
    pytest.param(
        shell,
        marks=pytest.mark.skipif(shutil.which(shell.split()[0]) is None, reason=f"no {shell}"),
        id=shell.replace(" ", "-"),
    )
    for shell in ("sh", "bash", "busybox sh", "zsh", "fish", "csh", "tcsh")
]


def plain(facts: Facts) -> dict[str, Any]:
    found = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    return {**found, "capabilities": sorted(facts.capabilities), "extra": dict(facts.extra), "gpus": list(facts.gpus)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_are_read_as_expected(case: Path) -> None:
    found = plain(parse_facts("n", (case / "answer").read_bytes(), 5.0))
    assert found == json.loads((case / "expected.json").read_text()), json.dumps(found, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_real_command_tells_the_truth_about_this_machine(shell: str) -> None:
    done = subprocess.run([*shell.split(), "-c", facts_command()], capture_output=True, timeout=30, check=True)
    assert done.stderr == b""
    facts = parse_facts("here", done.stdout, 5.0)
    assert facts.hostname == platform.node()
    assert facts.kernel == platform.release()
    assert facts.arch == platform.machine()
    assert facts.os == platform.freedesktop_os_release()["ID"]
    assert facts.os_name == platform.freedesktop_os_release()["PRETTY_NAME"]
    assert facts.cpus == int(subprocess.run(["nproc", "--all"], capture_output=True, check=True).stdout)
    assert facts.memory // 1024 == int(Path("/proc/meminfo").read_text().split()[1])
    assert facts.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert ("python3" in facts.capabilities) == (shutil.which("python3") is not None)
    assert ("rsync" in facts.capabilities) == (shutil.which("rsync") is not None)
    assert ("systemd" in facts.capabilities) == Path("/run/systemd/system").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes to another user")
def test_an_unprivileged_user_gets_the_same_hardware() -> None:
    def ask(**how: Any) -> Facts:
        done = subprocess.run(
            ["sh", "-c", facts_command()], capture_output=True, timeout=30, check=True, cwd="/", **how
        )
        return parse_facts("here", done.stdout, 5.0)

    ours, theirs = ask(), ask(user=65534, group=65534, extra_groups=[])
    assert "root" in ours.capabilities and "root" not in theirs.capabilities
    for name in ("cpu_model", "cpus", "cores", "sockets", "memory", "kernel", "os", "boot_id", "vendor", "product"):
        assert getattr(ours, name) == getattr(theirs, name), name


def test_an_answer_that_broke_off_keeps_what_came() -> None:
    text = (HERE / "server-debian" / "answer").read_bytes()
    facts = parse_facts("n", text[: text.index(b"@gridtui-facts memory") + 30], 5.0)
    assert (facts.hostname, facts.cpus, facts.memory) == ("node7", 64, 0)


@settings(deadline=None)  # a loaded machine is no failure
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from((HERE / "server-debian" / "answer").read_bytes().splitlines(keepends=True)),
        )
    )
)
def test_any_bytes_give_facts_that_are_safe_to_show(chunks: list[bytes]) -> None:
    facts = parse_facts("n", b"".join(chunks), 5.0)
    shown = json.dumps(plain(facts), ensure_ascii=False)
    assert not any(ord(char) < 32 for char in shown)
    assert "\\u00" not in shown
