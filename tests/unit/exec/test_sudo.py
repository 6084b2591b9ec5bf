"""The talk with sudo, and the one password: pure parts."""

from __future__ import annotations

import asyncio
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.exec.sudo import Password, Refused, Stage, Talk


def markers(talk: Talk) -> tuple[bytes, bytes]:
    words = shlex.split(talk.command("true"))
    return words[words.index("-p") + 1].encode(), words[words.index("sh") + 1].encode()


def test_the_command_stays_one_word() -> None:
    words = shlex.split(Talk().command("""echo 'a "b' | wc; exit 3"""))
    assert words[:4] == ["exec", "sudo", "-S", "-p"]
    assert words[-1] == """echo 'a "b' | wc; exit 3"""


@given(st.data())
def test_the_talk_in_any_pieces(data: st.DataObject) -> None:
    talk = Talk()
    prompt, start = markers(talk)
    whole = b"We trust you have received\n" + prompt + b"\n" + start + b"stderr of the command"
    passed = b""
    stages: list[Stage] = []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        passed += talk.feed(whole[:size])
        whole = whole[size:]
        if talk.stage is Stage.ASKED:
            talk.stage = Stage.ANSWERED
        if not stages or stages[-1] is not talk.stage:
            stages.append(talk.stage)
    assert passed == b"stderr of the command"
    assert stages[-1] is Stage.STARTED
    assert b"sudo-" not in talk.said


def test_no_prompt_no_question() -> None:
    talk = Talk()
    _, start = markers(talk)
    assert talk.feed(start + b"x") == b"x"
    assert talk.stage is Stage.STARTED
    assert talk.feed(start) == start, "what the command says afterwards is its own"


def test_a_node_that_asks_on_and_on_fills_no_memory() -> None:
    talk = Talk()
    prompt, _ = markers(talk)
    for _ in range(20):
        talk.feed(b"x" * 30_000 + prompt)
    assert len(talk.said) <= 1 << 16


def test_a_second_prompt_is_a_refusal() -> None:
    talk = Talk()
    prompt, _ = markers(talk)
    talk.feed(prompt)
    talk.stage = Stage.ANSWERED
    talk.feed(b"Sorry, try again.\n" + prompt)
    assert talk.stage is Stage.WRONG
    assert talk.why(1) == "sudo: the password was refused"


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        (b"bash: line 1: exec: sudo: not found\n", 127, "sudo is not installed there"),
        (b"me is not in the sudoers file.\x1b[2J\n\n", 1, "sudo refused: me is not in the sudoers file.·[2J"),
        (b"", 1, "sudo ended before the command began"),
    ],
)
def test_why_it_did_not_start(said: bytes, status: int, why: str) -> None:
    talk = Talk()
    talk.feed(said)
    assert talk.why(status) == why


class Person:
    def __init__(self, answer: str | None) -> None:
        self.answer, self.asked = answer, 0

    async def __call__(self, question: str) -> str | None:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answer


async def test_one_question_for_all_and_one_taster() -> None:
    person = Person("secret")
    password = Password(person)
    assert await password.get("a") == "secret"
    others = [asyncio.create_task(password.get(node)) for node in "bcd"]
    await asyncio.sleep(0.01)
    assert not any(other.done() for other in others), "nobody else gets it before it was tasted"
    password.accepted()
    assert await asyncio.gather(*others) == ["secret"] * 3
    assert person.asked == 1


async def test_a_refused_password_is_given_to_nobody_else() -> None:
    password = Password(Person("tpyo"))
    await password.get("a")
    password.refused("a")
    with pytest.raises(Refused, match="refused on a, so it was not tried here"):
        await password.get("b")
    with pytest.raises(Refused):
        await password.get("c")


async def test_once_accepted_a_refusal_is_that_nodes_own() -> None:
    password = Password(Person("secret"))
    await password.get("a")
    password.accepted()
    await password.get("b")
    password.refused("b")
    assert await password.get("c") == "secret"


async def test_a_taster_that_dies_passes_the_turn_on() -> None:
    password = Password(Person("secret"))
    await password.get("a")
    password.unclear()
    assert await password.get("b") == "secret"


@pytest.mark.parametrize(("person", "why"), [(None, "no terminal"), (Person(None), "none was given")])
async def test_nobody_to_ask(person: Person | None, why: str) -> None:
    password = Password(person)
    for node in "ab":
        with pytest.raises(Refused, match=why):
            await password.get(node)
    assert person is None or person.asked == 1


async def test_who_gives_up_while_asking_leaves_the_question_to_the_next() -> None:
    password = Password(Person("secret"))
    first = asyncio.create_task(password.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await password.get("b") == "secret"
