"""Whatever a node sends: a value comes out, nothing of it commands a terminal, and what was kept is what comes back."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui import posture
from gridtui.model import Unsupported
from gridtui.posture import Answer

from .test_answers import ANSWERS, NONCE, NOW, read

NAMES = (
    "who", "os", "container", "ports", "ports.ss", "ports.units", "ports.proc", "sshd", "sshd.none", "sshd.effective", "sshd.files", "firewall",
    "firewall.nft", "firewall.iptables", "firewall.ip6tables", "firewall.none", "updates", "updates.apt", "updates.dnf", "automatic",
    "automatic.apt", "automatic.dnf", "clock", "accounts", "sudo", "writable", "mac", "sysctls", "ids", "reboot", "lynis", "lynis.none",
    "services", "services.same", "services.none", "cost", "end",
)  # fmt: skip
LINES = sorted({line for folder in ANSWERS for line in (folder / "answer").read_bytes().split(b"\n")})

pieces = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(LINES),
    # A line as it was recorded, broken somewhere.
    st.builds(
        lambda line, at, put: line[: at % (len(line) + 1)] + put + line[at % (len(line) + 1) :],
        st.sampled_from(LINES),
        st.integers(0, 200),
        st.binary(max_size=6),
    ),
)
bodies = st.lists(pieces, max_size=6).map(b"\n".join)
texts = st.lists(st.tuples(st.sampled_from(NAMES), bodies), max_size=12).map(
    lambda parts: b"\n".join(b"@" + NONCE.encode() + b" " + name.encode() + b"\n" + body for name, body in parts)
)


def shown(value: Any) -> list[str]:
    """Every text in a JSON document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in (*value, *value.values()) for text in shown(item)]
    return [text for item in value for text in shown(item)] if isinstance(value, list) else []


@settings(max_examples=400, deadline=None)
@given(texts)
def test_any_answer_is_a_value(text: bytes) -> None:
    answer = posture.parse(b"@" + NONCE.encode() + b" who\n1000\ngrid\n1795298517\n" + text, NONCE, NOW)
    assert answer is not None
    document = posture.to_json(answer)
    assert all(char.isprintable() or char == " " for part in shown(document) for char in part), document
    assert posture.from_json(json.loads(json.dumps(document, allow_nan=False))) == answer
    made = posture.assess("n", answer)
    assert made.score is None or 0 <= made.score <= 100
    assert 0 <= made.confidence <= 100
    assert len(made.findings) + len(made.unknowns) + len(made.passed) <= len(posture.CHECKS)
    for finding in made.findings:
        assert finding.seen and len(finding.seen) < 4000
    posture.drift("n", read(ANSWERS[0]), answer)


@given(st.binary(max_size=400))
def test_any_bytes_at_all(text: bytes) -> None:
    assert posture.parse(text, NONCE, NOW) is None or text


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (
            "ports.ss",
            b"tcp LISTEN 0 1 *:22 *:*\n@NONCE ports.units\n/proc/1/cgroup:0::" + b"/a.service" * 40_000 + b" x",
        ),
        ("sudo", b"a ALL=NOPASSWD:" + b" " * 60_000 + b"," * 60_000),
        ("sshd.effective", b"\n".join([b"ciphers " + b"a" * 1900] * 250)),
        ("services", b"1\n" + b"a.service " * 40_000),
        ("updates.apt", b"Inst a (1 " + b"x " * 200_000),
        ("firewall.nft", b"inet x|input|\ttype filter hook input priority 0; policy accept;|" + b"log a " * 60_000),
    ],
)
def test_long_lines_cost_no_time(name: str, body: bytes) -> None:
    """Patterns may take time by the square of a line, so lines have an end."""
    text = b"@%s %s\n%s" % (NONCE.encode(), name.encode(), body.replace(b"NONCE", NONCE.encode()))
    began = time.process_time()
    assert posture.parse(b"@%s who\n0\nroot\n1795298517\n%s" % (NONCE.encode(), text), NONCE, NOW) is not None
    assert time.process_time() - began < 2


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(posture.to_json(Answer()))), values)
def test_a_damaged_kept_answer_is_none_or_an_answer(name: str, value: Any) -> None:
    document = {**posture.to_json(read(ANSWERS[0])), name: value}
    again = posture.from_json(document)
    assert again is None or isinstance(again, Answer)
    if again is not None:
        posture.assess("n", again)


def test_an_older_or_newer_kept_answer() -> None:
    document = posture.to_json(read(ANSWERS[0]))
    del document["firewall"]
    again = posture.from_json(document)
    assert again is not None and isinstance(again.firewall, Unsupported)
    assert posture.from_json({**document, "later": 1}) is None
    assert posture.from_json(None) is None
    assert posture.from_json([]) is None
