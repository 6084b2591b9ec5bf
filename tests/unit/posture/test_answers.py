"""Whole answers, recorded on nodes or made by the manuals: what is read of them, and what is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridtui import posture

NONCE = "0123456789abcdef"
NOW = 1795298600.0
ANSWERS = sorted(path.parent for path in Path(__file__).parent.glob("answers/*/answer"))


def read(folder: Path) -> posture.Answer:
    answer = posture.parse((folder / "answer").read_bytes(), NONCE, NOW)
    assert answer is not None
    return answer


@pytest.mark.parametrize("folder", ANSWERS, ids=lambda folder: folder.name)
def test_an_answer_is_read_and_judged(folder: Path) -> None:
    answer = read(folder)
    expected = json.loads((folder / "expected.json").read_text())
    assert posture.to_json(answer) == expected["answer"]
    made = posture.assess("n", answer)
    assert (made.score, made.grade, made.confidence) == tuple(
        expected[name] for name in ("score", "grade", "confidence")
    )
    assert {finding.id: finding.seen for finding in made.findings} == expected["findings"]
    assert {unknown.id: unknown.why for unknown in made.unknowns} == expected["unknown"]


@pytest.mark.parametrize("folder", ANSWERS, ids=lambda folder: folder.name)
def test_a_kept_answer_is_the_same_again(folder: Path) -> None:
    answer = read(folder)
    assert posture.from_json(json.loads(json.dumps(posture.to_json(answer)))) == answer


@pytest.mark.parametrize("folder", ANSWERS, ids=lambda folder: folder.name)
def test_every_part_of_an_answer_may_be_missing(folder: Path) -> None:
    """Cut anywhere: what had come by then is read, the rest is unknown, and no score rises above what the whole one shows as known."""
    whole = (folder / "answer").read_bytes()
    full = posture.assess("n", read(folder))
    for end in range(0, len(whole), 97):
        answer = posture.parse(whole[:end], NONCE, NOW)
        if answer is not None:
            made = posture.assess("n", answer)
            assert made.confidence <= 100
            assert made.score is None or 0 <= made.score <= 100
            assert (
                not {finding.id for finding in made.findings if finding.severity is posture.Severity.HIGH}
                - {finding.id for finding in full.findings}
                - {"ports-unfiltered", "ports-dangerous"}
            )


def test_no_answer_is_none() -> None:
    assert posture.parse(b"This account is currently not available.\n", NONCE, NOW) is None
    assert posture.parse(b"", NONCE, NOW) is None


def test_text_of_the_node_begins_no_section() -> None:
    """A file's name with another nonce, or with ours further behind in a line, is text; the first of two sections counts."""
    text = (
        b"@%(n)b who\n0\nroot\n1795298517\n\n@%(n)b writable\n/usr/bin/a\n@0000000000000000 sudo\n/usr/bin/b @%(n)b sudo\n"
        b"\n@%(n)b writable\n\n@%(n)b end\n"
    ) % {b"n": NONCE.encode()}
    answer = posture.parse(text, NONCE, NOW)
    assert answer is not None
    assert answer.writable == ("/usr/bin/a", f"/usr/bin/b @{NONCE} sudo")


def test_the_slow_part_is_taken_over_where_nothing_changed() -> None:
    known = posture.Services("77", ())
    text = f"@{NONCE} who\n0\nroot\n1\n@{NONCE} services.same\n77\n".encode()
    answer = posture.parse(text, NONCE, NOW, known)
    assert answer is not None and answer.services is known
    other = posture.parse(text, NONCE, NOW, posture.Services("78", ()))
    assert other is not None and other.services != known
