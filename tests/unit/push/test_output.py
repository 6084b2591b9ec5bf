"""What rsync prints, of 3.2 and 3.4 and later, and what a hostile other side could print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.push.output import CHANGES, Report, Said, Step, reason

STATS = b"""
Number of files: 3 (reg: 2, dir: 1)
Number of created files: 3 (reg: 2, dir: 1)
Number of deleted files: 4 (reg: 4)
Number of regular files transferred: 2
Total file size: 20,012 bytes
Total transferred file size: 20012 bytes
Literal data: 19000 bytes
Matched data: 1012 bytes
File list size: 0
Total bytes sent: 19321
Total bytes received: 61

sent 19321 bytes  received 61 bytes  38764.00 bytes/sec
total size is 20012  speedup is 1.03
"""


def test_statistics() -> None:
    report = Report()
    report.feed(STATS)
    report.end()
    assert report.stats == {"deleted": 4, "files": 2, "size": 20012, "literal": 19000, "sent": 19321, "received": 61}


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (b"     32,768   0%    0.00kB/s    0:00:00", None),
        (b"          32768   0%    0.00kB/s    0:00:00  ", Step(32768, 0)),
        (b"      209715200 100%  190.31MB/s    0:00:01 (xfr#1, to-chk=0/1)", Step(209715200, 100, 1, 0)),
        (b"      104890368  50%   99.99MB/s    0:00:01 (xfr#5, ir-chk=1022/2034)", Step(104890368, 50, 5, 1022)),
        (b"      104890368  50%   99.99MB/s   ??:??:?? ", Step(104890368, 50)),
        (b"99999999999999999999  50%   1.00MB/s    0:00:01", None),
        (b"      104890368  -5%   99.99MB/s    0:00:01", None),
        ("      ١٢٣  50%   99.99MB/s    0:00:01".encode(), None),
    ],
)
def test_progress(line: bytes, step: Step | None) -> None:
    assert Report().feed(b"\r" + line + b"\r") == step


def test_the_newest_progress_in_one_piece_counts() -> None:
    line = b"\r %d  10%%    1.00kB/s    0:00:00"
    assert Report().feed(line % 1 + line % 2 + line % 3) == Step(2, 10)


def test_a_total_is_guessed_from_the_share() -> None:
    assert Step(50, 25).total == 200
    assert Step(50, 0).total is None


def test_itemised_changes_are_neutralised() -> None:
    report = Report()
    report.feed(
        b">f+++++++++ a\x1b[31mb\n*deleting   old/\ncd+++++++++ d/\nskipping non-regular file\n.f...p..... x\nhL+++++++++ l -> x\n"
    )
    assert report.changes == [
        ">f+++++++++ a·[31mb",
        "*deleting old/",
        "cd+++++++++ d/",
        ".f...p..... x",
        "hL+++++++++ l -> x",
    ]


def test_changes_are_bounded() -> None:
    report = Report()
    report.feed(b">f+++++++++ a\n" * (CHANGES + 5))
    assert (len(report.changes), report.more) == (CHANGES, 5)


def test_an_endless_line_is_let_go() -> None:
    report = Report()
    for _ in range(40):
        report.feed(b"x" * 10_000)
    assert len(report._rest) <= 1 << 16
    assert report.feed(b"\n          32768   0%    0.00kB/s    0:00:00\n") == Step(32768, 0)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    report, said = Report(), Said()
    for piece in pieces:
        report.feed(piece)
        said.feed(piece)
    report.end()
    said.end()
    assert all(line.isprintable() for line in (*report.changes, *said.lines))
    assert reason(23, said)


@given(st.integers(0, len(STATS)), st.integers(0, len(STATS)))
def test_pieces_change_nothing(first: int, second: int) -> None:
    whole, parts = Report(), Report()
    whole.feed(STATS)
    low, high = sorted((first, second))
    for piece in (STATS[:low], STATS[low:high], STATS[high:]):
        parts.feed(piece)
    assert parts.stats == whole.stats


@pytest.mark.parametrize(
    ("code", "text", "why"),
    [
        (
            11,
            'rsync: [receiver] write failed on "/full/big": No space left on device (28)\n'
            "rsync error: error in file IO (code 11) at receiver.c(381) [receiver=3.2.7]\n",
            "no space left on device: /full/big",
        ),
        (
            23,
            'rsync: [receiver] mkstemp "/ro/.a b.Xy12Za" failed: Permission denied (13)\n'
            'rsync: [receiver] mkstemp "/ro/.c.Xy12Zb" failed: Permission denied (13)\n'
            "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1338) [sender=3.2.7]\n",
            "permission denied: /ro/a b (and 1 more)",
        ),
        (
            11,
            'rsync: [Receiver] mkdir "/proc/x" failed: No such file or directory (2)\n',
            "no such file or directory: /proc/x",
        ),
        (
            23,
            'rsync: [sender] link_stat "/nowhere" failed: No such file or directory (2)\n',
            "no such file or directory: /nowhere",
        ),
        (
            23,
            'rsync: [sender] send_files failed to open "/etc/shadow": Permission denied (13)\n',
            "permission denied: /etc/shadow",
        ),
        (
            2,
            "protocol version mismatch -- is your shell clean?\n(see the rsync manpage for an explanation)\n",
            "rsync's two ends do not understand each other: does the login shell there print something by itself?: (see the rsync manpage for an explanation)",
        ),
        (
            12,
            "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\nrsync error: error in rsync protocol data stream (code 12) at io.c(231) [sender=3.2.7]\n",
            "the connection broke",
        ),
        (99, "", "rsync ended with 99"),
    ],
)
def test_why(code: int, text: str, why: str) -> None:
    said = Said()
    said.feed(text.encode())
    said.end()
    assert reason(code, said) == why


def test_the_first_and_the_last_complaints_are_kept() -> None:
    said = Said()
    said.feed(b"".join(b"line %d\n" % number for number in range(1000)))
    said.end()
    assert said.lines[0] == "line 0"
    assert said.lines[-1] == "line 999"
    assert len(said.lines) == 24
    assert said.marked("line") == "0"
    assert said.marked("lin") is None
