"""What nodes answer: read strictly, whatever they send."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.provision import bare, ready


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b"", bare.Found()),
        (
            b"Welcome!\nuid=0\nuser=root\nhas=apt-get\nhas=flock\npython=3.11\nmachine=0123456789abcdef0123456789abcdef\nos=debian\n",
            bare.Found(
                0, "root", frozenset({"apt-get", "flock"}), (3, 11), "0123456789abcdef0123456789abcdef", "debian"
            ),
        ),
        (b"uid=-1\nuid=0x0\nuid=99999999999\npython=3\npython=a.b\nmachine=../../etc\nos=\x1b[31m\n", bare.Found()),
        (b"uid=\xd9\xa0\n", bare.Found()),
        (b"user={{ lookup('pipe','id') }}\nuser=a b\nuser=-o\nuser=$(id)\n", bare.Found()),
        (b"user=DOM\\\\some.one\n", bare.Found(user="DOM\\\\some.one")),
        (b"has=../sh\nhas=SU\nhas=su\n", bare.Found(has=frozenset({"su"}))),
    ],
)
def test_what_a_node_is(output: bytes, expected: bare.Found) -> None:
    assert bare.read(output) == expected


@given(st.binary(max_size=2000))
def test_any_answer_is_read(output: bytes) -> None:
    found = bare.read(output)
    assert found.uid >= -1
    assert all(character.isprintable() for character in found.user + found.os)
    assert len(ready.read(ready.AS_GRID, output)) <= len(ready.AS_GRID)
    assert "\n" not in bare.last_line(output)


@pytest.mark.parametrize(
    ("python", "usable"), [(None, False), ((2, 7), False), ((3, 6), False), ((3, 8), True), ((3, 14), True)]
)
def test_which_python_will_do(python: tuple[int, int] | None, usable: bool) -> None:
    assert bare.Found(python=python).usable_python is usable


CHECKS = [
    ready.Check("one", "base", "true", "one is wrong"),
    ready.Check("two", "ssh", "echo why not >&2; false", "two is wrong"),
    ready.Check("three", "base", "exit 3", "three is wrong"),
    ready.Check("four", "base", "printf 'a\\033[31m\\nok=one\\n'; false", "four is wrong"),
]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_checks_are_asked_in_one_go(shell: str) -> None:
    done = subprocess.run([shell, "-c", ready.command(CHECKS)], capture_output=True, check=True, timeout=10)
    failed = {check.name: why for check, why in ready.read(CHECKS, done.stdout)}
    assert failed == {"two": "two is wrong: why not", "three": "three is wrong", "four": "four is wrong: ok=one"}


def test_what_was_not_answered_failed() -> None:
    assert [check.name for check, _ in ready.read(CHECKS, b"ok=one\nok=two extra\n")] == ["three", "four"]


def test_only_what_the_profile_promises_is_asked() -> None:
    assert {check.name for check in ready.asked(ready.AS_ROOT, ["base"])} == {"sudo"}
    assert ready.asked(ready.AS_GRID, []) == []
