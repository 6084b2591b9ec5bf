"""Questions on a terminal: a pseudo-terminal of our own stands for the person's."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Iterator

import pytest

from gridtui.cli import asking


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The person's end of the terminal."""
    ours, theirs = os.openpty()
    monkeypatch.setattr(asking, "_TERMINAL", os.ttyname(theirs))
    yield ours
    os.close(theirs)
    os.close(ours)


def test_a_place_that_is_no_utf8_can_be_typed(person: int) -> None:
    os.write(person, b"/srv/\xff\n")
    assert asking.typed("sure?", os.fsdecode(b"/srv/\xff"))
    os.write(person, b"yes\n")
    assert not asking.typed("sure?", os.fsdecode(b"/srv/\xff"))


async def test_a_secret_is_not_shown(person: int) -> None:
    asked = asyncio.create_task(asking.secret("Password: "))
    shown = await asyncio.to_thread(os.read, person, 100)
    assert shown == b"Password: "
    os.write(person, b"s3cret\n")
    assert await asked == "s3cret"
    assert b"s3cret" not in os.read(person, 100)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), termios.error(5, "Input/output error")])
async def test_a_terminal_that_goes_away_is_no_answer(
    person: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """After a hang-up that was ignored (nohup) nobody may wait for an answer for ever."""

    def gone(*_: object) -> bytes:
        raise error

    if isinstance(error, OSError):
        monkeypatch.setattr(os, "read", gone)
    else:
        monkeypatch.setattr(termios, "tcsetattr", gone)
    asyncio.get_running_loop().call_later(0.1, os.write, person, b"x\n")
    assert await asyncio.wait_for(asking.secret("Password: "), 5) is None
