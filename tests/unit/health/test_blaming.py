"""One alert for a dead gateway: who is blamed on whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.health import blame, is_down
from gridtui.model import Layer, Reason, State, Verdict


def verdict(name: str, mark: str) -> Verdict:
    """`x` down, `.` up, `w` up with a warning, `s` down, but only softly, `?` unknown."""
    if mark == "x":
        return Verdict(name, State.CRITICAL, 1, Layer.TCP, (Reason("reach", State.CRITICAL, "", 1),))
    if mark == "w":
        return Verdict(name, State.WARNING, 1, None, (Reason("disk", State.WARNING, "", 1),))
    if mark == "s":
        return Verdict(name, State.OK, 1, None, (Reason("reach", State.CRITICAL, "", 1, soft=True),))
    return Verdict(name, State.UNKNOWN if mark == "?" else State.OK, 1)


@pytest.mark.parametrize(
    ("marks", "parents", "expected"),
    [
        ("g:x a:x b:x c:.", "a:g b:g c:g", "a:g b:g"),
        ("g:. a:x", "a:g", ""),  # the gateway answers: it died of itself
        ("g:w a:x", "a:g", ""),
        ("g:s a:x", "a:g", ""),
        ("g:? a:x", "a:g", ""),
        ("a:x", "a:g", ""),  # the gateway was not looked at
        ("g:x a:w b:s", "a:g b:g", ""),  # only what is down is blamed
        ("g:x s:x a:x", "s:g a:s", "s:g a:g"),  # the topmost
        ("g:x s:. a:x", "s:g a:s", ""),  # the line is broken by one that answers
        ("g:. s:x a:x", "s:g a:s", "a:s"),
        ("a:x", "a:a", ""),
        ("a:x b:x c:x d:x", "b:a a:c c:b d:c", "b:a c:a d:a"),  # a circle and one behind it
    ],
)
def test_blame(marks: str, parents: str, expected: str) -> None:
    def pairs(text: str) -> dict[str, str]:
        return dict(word.split(":") for word in text.split())

    found = blame({name: verdict(name, mark) for name, mark in pairs(marks).items()}, dict(pairs(parents)))
    assert {name: v.blamed for name, v in found.items() if v.blamed is not None} == pairs(expected)
    assert all(not v.alert for v in found.values() if v.blamed)


def test_blame_ends_with_its_cause() -> None:
    blamed = blame({"g": verdict("g", "x"), "a": verdict("a", "x")}, {"a": "g"})
    assert blamed["a"].blamed == "g"
    assert blame({"g": verdict("g", "."), "a": blamed["a"]}, {"a": "g"})["a"].blamed is None


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.sampled_from("x.ws?")), st.dictionaries(NAMES, NAMES))
def test_somebody_is_always_told(marks: dict[str, str], parents: dict[str, str]) -> None:
    """Whatever the parents: what is down is an alert, or is blamed on a node that is down and an alert itself."""
    found = blame({name: verdict(name, mark) for name, mark in marks.items()}, dict(parents))
    assert list(found) == list(marks)
    for name, judged in found.items():
        assert is_down(judged) == (marks[name] == "x")
        if judged.blamed is not None:
            assert is_down(judged) and found[judged.blamed].alert and found[judged.blamed].blamed is None
