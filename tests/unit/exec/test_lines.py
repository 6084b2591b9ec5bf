"""Lines out of pieces, and text that a terminal survives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.exec import block, harmless, text
from gridtui.exec.lines import CUT, Lines


@given(st.lists(st.binary(max_size=40)))
def test_pieces_give_the_lines_of_the_whole(pieces: list[bytes]) -> None:
    lines = Lines(1000)
    found = [line for piece in pieces for line in lines.feed(piece)] + lines.end()
    whole = b"".join(pieces)
    wanted = whole.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert found == wanted


@given(st.lists(st.binary(max_size=60)), st.integers(1, 20))
def test_no_line_is_longer_than_the_limit(pieces: list[bytes], limit: int) -> None:
    lines = Lines(limit)
    found = [line for piece in pieces for line in lines.feed(piece)] + lines.end()
    wanted = b"".join(pieces).split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert found == [line if len(line) <= limit else line[:limit] + CUT for line in wanted]


def test_an_endless_line_is_not_kept() -> None:
    lines = Lines(100)
    for _ in range(1000):
        assert lines.feed(b"x" * 10_000) == []
    assert lines.feed(b"\nnext\n") == [b"x" * 100 + CUT, b"next"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain", "plain"),
        (b"a\tb", "a\tb"),
        (b"dos\r", "dos"),
        (b"50%\r100%", "50%·100%"),
        (b"\x1b[31mred", "·[31mred"),
        ("\u202eevil\u2066".encode(), "·evil·"),
        ("naïve 漢字".encode(), "naïve 漢字"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xc2\x9b2J", "·2J"),
        ("a\u2028b".encode(), "a·b"),
    ],
)
def test_harmless(line: bytes, shown: str) -> None:
    assert harmless(line) == shown


@given(st.lists(st.binary().filter(lambda line: b"\n" not in line), min_size=1))
def test_a_block_is_its_lines(lines: list[bytes]) -> None:
    shown = block(lines)
    assert shown == "\n".join(map(harmless, lines))
    assert not any(unicodedata.category(char)[0] == "C" for char in shown if char not in "\n\t")


def test_text_keeps_empty_lines() -> None:
    assert text(b"a\n\n\x07b\n") == "a\n\n·b\n"
