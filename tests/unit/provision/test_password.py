"""The password: shown to nobody, asked for once, tasted before it is spread, given once to each."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from gridtui.provision.password import REFUSALS, Password, Refused

TEXT = "correct horse"


def test_it_shows_itself_to_nobody() -> None:
    password = Password(TEXT)
    assert TEXT not in f"{password} {password!r} {[password]}"
    assert not hasattr(password, "__dict__")
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(password)


def test_it_is_asked_for_once_and_only_when_needed() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return TEXT

    password = Password(ask)
    assert asked == []
    assert password.take("a") == TEXT
    password.accepted("a")
    assert password.take("b") == TEXT
    assert asked == [1]


@pytest.mark.parametrize("source", [None, "", lambda: None])
def test_none_is_none(source: str | None) -> None:
    password = Password(source, "the password")
    assert not password.offered()
    with pytest.raises(Refused, match="not given"):
        password.take("a")


def test_refused_twice_it_goes_nowhere_else() -> None:
    password = Password(TEXT)
    for number in range(REFUSALS):
        assert password.take(f"n{number}") == TEXT
        password.refused(f"n{number}")
    with pytest.raises(Refused, match="n0 and n1"):
        password.take("n9")
    assert password.proven() is None


def test_accepted_once_a_refusal_elsewhere_is_that_nodes_own() -> None:
    password = Password(TEXT)
    password.take("a")
    password.accepted("a")
    for name in "bcdef":
        password.take(name)
        password.refused(name)
        with pytest.raises(Refused, match="tried there before"):
            password.take(name)
    assert password.take("a") == password.take("z") == TEXT
    assert password.proven() == TEXT


@pytest.mark.parametrize("ends", ["accepted", "refused", "unclear"])
def test_one_tastes_while_others_wait(ends: str) -> None:
    password = Password(TEXT)
    password.take("first")
    got: list[str] = []
    waiter = threading.Thread(target=lambda: got.append(password.take("second")))
    waiter.start()
    waiter.join(0.1)
    assert got == []
    getattr(password, ends)("first")
    waiter.join(5)
    assert got == [TEXT]
