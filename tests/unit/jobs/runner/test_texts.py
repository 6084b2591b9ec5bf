"""What an order becomes: real shells read it back."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.jobs.runner.texts import LINE, texts

from .orders import order

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: (
        not name.startswith("GRIDTUI_")
        and name not in {"PATH", "_", "IFS", "PWD", "OLDPWD", "PPID", "ENV", "LINENO", "OPTIND", "PS1", "PS2", "PS4"}
        and not name.startswith("LC_")
    )
)
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(names, values, max_size=4), values, st.integers(0, 10**9))
def test_the_environment_arrives_as_it_was_given(env: dict[str, str], item: str, index: int) -> None:
    wanted = order('printf "%s\\0" "$GRIDTUI_ITEM" "$GRIDTUI_INDEX"; env -0', env=env, item=item, index=index)
    made = texts(wanted)
    assert b"\n" not in made.extra and len(made.extra) <= LINE + 7
    done = subprocess.run(
        ["dash"],
        input=made.extra + b"\n" + made.command,
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    told = done.stdout.decode().split("\0")
    assert told[:2] == [item, str(index)] and not done.stderr
    found = dict(one.split("=", 1) for one in told[2:] if "=" in one)
    assert {name: found.get(name) for name in env} == env


def test_elements_of_an_array_share_their_text() -> None:
    one, two = (texts(order("work", index=index, item=f"item {index}", env={"A": "b"})) for index in (1, 2))
    assert one.command == two.command and one.extra != two.extra


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("#!/bin/sh", "/bin/sh"),
        ("#! /usr/bin/env  python3 -u ", "/usr/bin/env 'python3 -u'"),
        ("#!/bin/awk\t-f\r", "/bin/awk -f"),
        ("#!", "/bin/sh"),
        ("#!/opt/it's;here x", "'/opt/it'\"'\"'s;here' x"),
    ],
)
def test_scripts_are_started_as_the_kernel_would(first: str, words: str) -> None:
    made = texts(order(f"{first}\nrest"))
    assert made.script == f"{first}\nrest\n".encode()
    assert made.command.decode().endswith(f'exec {words} "${{0%/*}}/script"\n')
