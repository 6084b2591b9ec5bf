"""The process list: the real command, and answers that are cut, hostile or from other tools."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import ProbeError
from gridtui.probes import parse_top, top_command


def row(pid: int, name: str, ticks: int, rss: int, start: int = 5, state: str = "S") -> str:
    return f"{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 -5 3 0 {start} 1000 {rss}\n"


def answer(
    first: str, second: str, *, page: str = "4096\n", owners: str = "root /proc/1\nalice /proc/7\n", end: str = "@end\n"
) -> bytes:
    return (
        f"@uptime\n100.00 5.00\n@stat\n{first}@uptime\n102.00 6.00\n@stat\n{second}@page\n{page}@owners\n{owners}{end}"
    ).encode()


def test_processes_are_ordered_by_their_share_of_the_moment() -> None:
    first = row(1, "init", 500, 10) + row(7, "busy (x) y", 100, 20) + row(8, "gone", 9, 9) + row(9, "reused", 900, 5)
    second = row(1, "init", 500, 10) + row(7, "busy (x) y", 400, 20, state="R") + row(9, "young", 20, 5, start=6)
    found = parse_top(answer(first, second))
    assert [(item.pid, item.name, item.cpu) for item in found] == [
        (7, "busy (x) y", 150.0),
        (9, "young", 10.0),
        (1, "init", 0.0),
    ]
    busy = found[0]
    assert (busy.user, busy.state, busy.memory, busy.seconds, busy.threads, busy.nice, busy.parent) == (
        "alice",
        "R",
        81920,
        4.0,
        3,
        -5,
        1,
    )
    assert [item.pid for item in parse_top(answer(first, second), count=1)] == [7]


def test_names_are_neutralised() -> None:
    text = row(1, "\x1b[2J[red]", 1, 1)
    (found,) = parse_top(answer(text, text))
    assert found.name == "·[2J[red]"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"sh: not found\n",
        answer(row(1, "a", 1, 1), row(1, "a", 1, 1), end=""),
        b"@uptime\nnan 1\n@stat\n@uptime\ninf 1\n@stat\n@end\n",
    ],
)
def test_an_answer_that_is_not_whole_is_an_error(text: bytes) -> None:
    with pytest.raises(ProbeError):
        parse_top(text)


@settings(deadline=None)  # a loaded machine is no failure
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from(answer(row(1, "a", 1, 1), row(7, "b", 2, 2)).splitlines(keepends=True)),
        )
    )
)
def test_any_bytes_give_processes_or_a_probe_error(chunks: list[bytes]) -> None:
    with contextlib.suppress(ProbeError):
        assert isinstance(parse_top(b"".join(chunks)), tuple)


@pytest.mark.parametrize("shell", ["sh", "busybox", "bash"])
def test_the_real_command_finds_a_busy_process(shell: str) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        words = ["busybox", "sh"] if shell == "busybox" else [shell]
        try:
            text = subprocess.run([*words, "-c", top_command(0.3)], capture_output=True, check=True, timeout=20).stdout
        except FileNotFoundError:
            pytest.skip(f"no {shell}")
        found = {item.pid: item for item in parse_top(text, 10000)}
    finally:
        busy.kill()
        busy.wait()
    mine = found[busy.pid]
    assert mine.cpu > 5
    assert mine.parent == os.getpid()
    assert mine.memory > 1 << 20
    assert mine.user
    assert os.getpid() in found
