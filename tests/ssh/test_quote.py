"""Quoting, against a real sh."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.ssh import quote

WORDS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4
)


@given(WORDS)
def test_a_shell_reads_the_same_words(words: list[str]) -> None:
    text = f"for word in {quote(*words)}; do printf '%s\\0' \"$word\"; done"
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


def test_nothing_is_nothing() -> None:
    assert quote() == ""
