"""Equal outputs together, and what sets the others apart."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.exec import Ending, Outcome, compare, gather


def outcome(node: str, stdout: bytes = b"", stderr: bytes = b"", exit_status: int | None = 0) -> Outcome:
    return Outcome(node, Ending.FAILED if exit_status else Ending.OK, exit_status, stdout, stderr)


def test_the_largest_group_comes_first() -> None:
    found = gather([outcome("a", b"x"), outcome("b", b"y"), outcome("c", b"y"), outcome("d", b"z")])
    assert [group.nodes for group in found] == [("b", "c"), ("a",), ("d",)]


@pytest.mark.parametrize(
    "other",
    [outcome("b", b"y"), outcome("b", b"x", b"e"), outcome("b", b"x", exit_status=1), outcome("b", b"x\n")],
)
def test_what_differs_is_kept_apart(other: Outcome) -> None:
    assert len(gather([outcome("a", b"x"), other])) == 2


def test_nodes_that_said_nothing_because_they_never_ran_are_left_out() -> None:
    lost = Outcome("b", Ending.UNREACHABLE, error="gone")
    cut_off = Outcome("c", Ending.UNREACHABLE, stdout=b"half", error="gone")
    assert [group.nodes for group in gather([lost, cut_off, Outcome("d", Ending.SKIPPED)])] == [("c",)]


@given(st.lists(st.sampled_from([b"", b"x", b"y", b"z"]), max_size=30))
def test_each_node_is_in_one_group(outputs: list[bytes]) -> None:
    outcomes = [outcome(f"n{index}", output) for index, output in enumerate(outputs)]
    found = gather(outcomes)
    assert sorted(node for group in found for node in group.nodes) == sorted(one.node for one in outcomes)
    sizes = [len(group.nodes) for group in found]
    assert sizes == sorted(sizes, reverse=True)


LINES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=25).map(lambda lines: "".join(f"{x}\n" for x in lines))


@given(LINES, LINES)
def test_a_difference_applies(tmp_path_factory: pytest.TempPathFactory, one: str, other: str) -> None:
    """patch(1) makes the other output of the first one: so numbers and context are right."""
    groups = gather([outcome("a", one.encode()), outcome("b", one.encode()), outcome("c", other.encode())])
    if len(groups) == 1:
        return
    changes = list(compare(groups[0], groups[1]))
    assert changes
    folder: Path = tmp_path_factory.mktemp("patch")
    # The empty line that stands for the last newline is no line of the file: patch reads it as one more, on both sides.
    (folder / "file").write_text(one + "\n")
    patch = "--- file\n+++ file\n" + "\n".join(changes) + "\n"
    done = subprocess.run(
        ["patch", "-s", "--fuzz=0", "file"], input=patch, text=True, cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + patch
    assert (folder / "file").read_text() == other + "\n"


def test_standard_error_is_compared_too_and_neutralised() -> None:
    common, other = gather([outcome("a", b"x"), outcome("b", b"x"), outcome("c", b"x", b"\x1b[2Joh")])
    assert list(compare(common, other)) == ["(standard error)", "@@ -1 +1 @@", "-", "+·[2Joh"]


def test_huge_outputs_that_differ_all_over_are_not_worked_out() -> None:
    one = b"".join(b"%d\n" % number for number in range(100_000))
    other = b"".join(b"%d\n" % (number * 7) for number in range(100_000))
    began = time.monotonic()
    common, odd = gather([outcome("a", one), outcome("b", one), outcome("c", other)])
    lines = list(compare(common, odd))
    assert len(lines) == 1
    assert "too long to compare" in lines[0]
    assert time.monotonic() - began < 5


def test_one_line_in_many_is_found_at_once() -> None:
    one = [b"%d" % number for number in range(50_000)]
    other = [*one[:30_000], b"odd", *one[30_001:]]
    common, odd = gather([outcome(node, b"\n".join(lines)) for node, lines in (("a", one), ("b", one), ("c", other))])
    assert next(compare(common, odd)) == "@@ -29998,7 +29998,7 @@"
