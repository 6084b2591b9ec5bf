"""The lines between us and a node: what is written is short enough, what is read is hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import ShellError
from gridtui.jobs.model import Cause, Hours, Idle, JobId, Key, Level, Needs, Phase
from gridtui.jobs.runner.wire import Lines, Said, chunks, report, terms, text_lines

from .orders import order

KEY = Key("0123abcd", JobId(12, 7), 3)


def said(line: str) -> object:
    return report(line.encode("utf-8", "surrogateescape"), "node")


def test_a_whole_report() -> None:
    found = report(
        b"0123abcd.12.7.3 ended exit=3 cause=exit level=bwrap took=1234 cpu=1m2.5s,0m0.250000s memory=4096 wrote=99 why=",
        "node",
    )
    assert found is not None
    assert (found.key, found.phase, found.node) == (KEY, Phase.ENDED, "node")
    assert (found.exit, found.cause, found.level, found.elapsed) == (3, Cause.EXIT, Level.BWRAP, 12.34)
    assert (found.cpu, found.memory, found.output, found.why) == (62.75, 4096, 99, "")


@pytest.mark.parametrize(
    ("line", "phase", "why"),
    [
        ("0123abcd.12.7.3 unknown", Phase.UNKNOWN, ""),
        ("0123abcd.12.7.3 lost its keeper died", Phase.LOST, "its keeper died"),
        ("0123abcd.12.7.3 frozen took=5 level=plain", Phase.FROZEN, ""),
        ("0123abcd.12.7.3 running took=x cpu=1e9 memory=-1 wrote=0x1", Phase.RUNNING, ""),
        (
            "0123abcd.12.7.3 ended exit=1 cause=evicted level=plain took=1 why=a=b c=d why=e",
            Phase.ENDED,
            "a=b c=d why=e",
        ),
        ("0123abcd.12.7.3 ended exit=- cause=refused why=\x1b[2Jno\x07 \u202eroom", Phase.ENDED, None),
        # An end of which nothing sure can be said is none.
        ("0123abcd.12.7.3 ended exit= cause=exit", Phase.LOST, "its report cannot be read"),
        ("0123abcd.12.7.3 ended exit=0 cause=perfect", Phase.LOST, "its report cannot be read"),
        ("0123abcd.12.7.3 ended", Phase.LOST, "its report cannot be read"),
    ],
)
def test_reports(line: str, phase: Phase, why: str | None) -> None:
    found = report(line.encode(), "node")
    assert found is not None and (found.key, found.phase) == (KEY, phase)
    assert found.why == why if why is not None else not set("\x1b\x07\u202e") & set(found.why)
    assert found.cpu is None and found.memory is None and found.output == 0


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "x",
        "0123abcd.12.7.3",
        "0123abcd.12.7.3 waiting",
        "0123abcd.12.7.3 Running",
        "../../x.1.-.1 ended",
        "0123ABCD.1.-.1 lost",
        "0123abcd.012.7.3 lost",
    ],
)
def test_what_is_no_report(line: str) -> None:
    assert said(line) is None


@given(st.text(max_size=200))
def test_no_line_raises(text: str) -> None:
    said(text)
    found = said(f"0123abcd.12.7.3 ended exit=1 cause=exit {text}")
    assert found is not None


@given(st.binary(max_size=600), st.integers(1, 50))
def test_lines_are_cut_the_same_wherever_they_are_torn(data: bytes, step: int) -> None:
    data = b"noise\n@nonce 1 one\n" + data.replace(b"\n", b"") + b"\n@nonce ! two\n@other 1 x\n"
    whole = list(Lines("nonce").feed(data))
    torn = Lines("nonce")
    assert [line for at in range(0, len(data), step) for line in torn.feed(data[at : at + step])] == whole
    assert whole[1] == Said(1, b"one") and whole[-2] == Said(0, b"two") and whole[-1] == b"@other 1 x"


@pytest.mark.parametrize("flood", [b"x" * 100_000, b"y\n" * 100_000, b"@nonce 99999999999999999999 x\n", b"@nonce x\n"])
def test_floods_and_damage_end_it(flood: bytes) -> None:
    lines = Lines("nonce")
    pieces = (flood[at : at + 4096] for at in range(0, len(flood), 4096))
    with pytest.raises(ShellError):
        [line for piece in pieces for line in lines.feed(piece)]


@given(st.binary(max_size=9000))
def test_texts_travel_whole(text: bytes) -> None:
    back = bytearray()
    for line in text_lines(text):
        assert len(line) < 4000 and b"\n" not in line
        back += line[1:] + (b"\n" if line.startswith(b"=") else b"")
        assert line[:1] in b"=-"
    assert bytes(back) == text


def test_requests_are_short_enough_to_stay_whole() -> None:
    keys = [Key("f" * 8, JobId(999_999_999, 999_999_999), 999_999)] * 1000
    words = list(chunks(keys))
    assert sum(len(one.split()) for one in words) == 1000 and max(map(len, words)) < 4000


@pytest.mark.parametrize(
    ("clock", "hours", "left"),
    [
        ("21:30:00", Hours(20 * 60, 22 * 60), 1800),
        ("21:30:15", Hours(20 * 60, 22 * 60), 1785),
        ("23:00:00", Hours(22 * 60, 6 * 60), 7 * 3600),
        ("05:59:59", Hours(22 * 60, 6 * 60), 1),
        ("12:00:00", Hours(22 * 60, 6 * 60), 0),
        ("12:00:00", Hours(0, 0), 12 * 3600),
        ("00:00:00", Hours(0, 0), 86400),
    ],
)
def test_hours_are_told_as_a_duration(clock: str, hours: Hours, left: int) -> None:
    now = time.strptime(f"2026-01-01 {clock}", "%Y-%m-%d %H:%M:%S")
    words = terms(order(idle=Idle(900, 0.25, hours, True, 1.5, 600, 7)), now).split()
    assert words == ["-", "7", str(16 << 20), "0", "plain", f"900,250,1,150,60000,{left * 100}"]


def test_terms_of_a_plain_job() -> None:
    now = time.gmtime(0)
    assert terms(order(), now) == f"- 10 {16 << 20} 0 plain -"
    assert terms(order(needs=Needs(wall=0.001, disk=5), output_limit=1000), now) == "1 10 1000 5 plain -"
