"""What a node may say that it should not, and what becomes of requests when the channel dies. The node is played here, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gridtui.errors import ConnectionLost, ShellError, SshError
from gridtui.jobs.model import Cause, JobId, Key, Phase
from gridtui.jobs.runner import Runner
from gridtui.ssh import Completed, Receiver

from .orders import LAUNCHER, QUEUE, order

GREETING = "boot b00t\nhome /home/x/jobs\nfree 1000\nlevel plain"


class Node:
    """A node that answers each request with what `script` gives for its verb; also its connection and its channel."""

    def __init__(self, **script: str) -> None:
        self.script = {"hello": GREETING, "start": "KEY running took=0 level=plain", **script}
        self.opened = 0
        self.installed = b""
        self.status = 0
        self.asked: list[str] = []
        self.receiver: Receiver
        self.nonce = ""
        self.exit_status: int | None = None
        self.is_open, self.login_seconds, self.stderr, self.signal = True, 0.0, "", ""
        self._buffer = b""

    async def open(self, command: str, receiver: Receiver) -> Any:
        self.opened += 1
        self.receiver = receiver
        return self

    async def run(self, command: str, *, input: bytes = b"", **_: Any) -> Completed:
        self.installed = input
        return Completed(self.status, b"", b"no \x1b[31mroom\n" if self.status else b"")

    def write(self, data: bytes) -> None:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            words = line.decode("utf-8", "replace").split(" ")
            if words[0].isdigit() and words[0] != "0":
                self.asked.append(words[1])
                if words[1] == "hello":
                    self.nonce = words[2]
                self.answer(words)

    def answer(self, words: list[str]) -> None:
        answer = self.script.get(words[1], "")
        if answer == "silence":
            return
        for line in answer.replace("KEY", words[2] if len(words) > 2 else "").splitlines():
            self.say(line[1:] if line.startswith("\\") else f"@{self.nonce} {words[0]} {line}")
        self.say(f"@{self.nonce} {words[0]} .")

    def say(self, line: str) -> None:
        asyncio.get_running_loop().call_soon(self.receiver.received, line.encode("utf-8", "surrogateescape") + b"\n")

    def tell(self, line: str) -> None:
        self.say(f"@{self.nonce} ! {line}")

    def kill(self, signal: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def write_eof(self) -> None: ...
    async def drain(self) -> None: ...

    def close(self) -> None:
        asyncio.get_running_loop().call_soon(self.receiver.closed, None)

    async def closed(self) -> SshError | None:
        return None


async def opened(node: Any) -> Runner:
    return await Runner.open(node, "far", queue=QUEUE)


@pytest.mark.parametrize(
    ("hello", "error"),
    [
        ("", "damaged"),
        ("home relative/path", "damaged"),
        ("home /with\x07bell", "damaged"),
        ("\\unfit /home is \x1b[2Jfull", "no job can run there: /home is"),
    ],
)
async def test_greetings_that_are_none(hello: str, error: str) -> None:
    with pytest.raises(ShellError, match=error) as caught:
        await opened(Node(hello=hello))
    assert "\x1b" not in str(caught.value)


async def test_a_greeting_is_neutralised() -> None:
    runner = await opened(Node(hello=f"{GREETING}\nclosed \x1b[31mexams\u202e\nfree 12\nfree x\nlevel bw\x07rap"))
    greeting = runner.greeting
    assert (greeting.boot, greeting.free) == ("b00t", 1000)
    assert not set("\x1b\u202e\x07") & set(greeting.closed + greeting.levels) and "exams" in greeting.closed
    await runner.close()


async def test_the_script_is_put_there_once() -> None:
    node = Node()

    def absent(words: list[str], plain: Callable[[list[str]], None] = node.answer) -> None:
        if node.installed:
            plain(words)
        else:
            node.say("Welcome to far!")
            node.say("absent")
            node.close()

    node.answer = absent  # type: ignore[method-assign]
    runner = await opened(node)
    assert node.opened == 2 and node.installed.startswith(b"#!/bin/sh\n")
    await runner.close()
    node.installed, node.status = b"", 73
    with pytest.raises(ShellError, match=r"cannot be put there: no .*room"):
        await opened(node)


async def test_only_what_was_started_here_is_told_and_once() -> None:
    node = Node()
    runner = await opened(node)
    wanted = order()
    await runner.start(wanted, LAUNCHER)
    for _ in range(3):
        node.tell("ffffffff.1.-.1 ended exit=0 cause=exit wrote=0")
        node.tell(f"{wanted.key} frozen")
        node.tell("what is this")
        node.tell(f"{wanted.key} ended exit=0 cause=exit wrote=0 why=a")
    told = runner.reports()
    report = await anext(told)
    assert (report.key, report.phase, report.why, report.node) == (wanted.key, Phase.ENDED, "a", "far")
    node.tell(f"{wanted.key} ended exit=1 cause=exit wrote=0")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(told), 0.05)
    await runner.close()


async def test_a_flood_of_events_fills_no_memory() -> None:
    node = Node()
    runner = await opened(node)
    wanted = order()
    await runner.start(wanted, LAUNCHER)
    for _ in range(2000):
        node.tell(f"{wanted.key} frozen took=1")
        node.tell(f"{wanted.key} running took=1")
    await asyncio.sleep(0)
    told = runner.reports()
    assert (await anext(told)).phase in (Phase.FROZEN, Phase.RUNNING)
    await runner.close()


@pytest.mark.parametrize(
    "answer", ["other.1.-.1 running", "", "KEY", "KEY strange", "0123abcd.999999.-.1 running took=0"]
)
async def test_an_answer_to_a_start_that_is_none(answer: str) -> None:
    runner = await opened(Node(start=answer))
    with pytest.raises(ShellError, match="damaged"):
        await runner.start(order(), LAUNCHER)
    assert not runner.is_open


async def test_a_poll_takes_only_what_was_asked_for() -> None:
    key, other = Key(QUEUE, JobId(1), 1), Key(QUEUE, JobId(2), 1)
    runner = await opened(
        Node(poll=f"{other} lost x\n{key} ended exit=300 cause=exit took=1\n{key} ended exit=7 cause=exit took=1")
    )
    [report] = await runner.poll([key])
    assert (report.key, report.exit, report.cause) == (key, 7, Cause.EXIT)
    await runner.close()


@pytest.mark.parametrize("lines", ["data\n\\!!!!", "data\n\\aGVsbG8", "data\n\\ 68 6g"])
async def test_damaged_output_is_an_error(lines: str) -> None:
    runner = await opened(Node(read=lines))
    with pytest.raises(ShellError, match="damaged"):
        await runner.read(Key(QUEUE, JobId(1), 1), 0, 100)
    await runner.close()


@pytest.mark.parametrize("lines", ["data\n\\aGVs\n\\bG8=", "data\n\\ 68 65 6c 6c\n\\ 6f"])
async def test_output_comes_in_base64_or_as_od_has_it(lines: str) -> None:
    runner = await opened(Node(read=lines))
    assert await runner.read(Key(QUEUE, JobId(1), 1), 0, 100) == b"hello"
    await runner.close()


async def test_the_answer_to_who_has_gone_is_no_noise() -> None:
    """Somebody who looked at an output left in the middle of it: the other attempts of the node have nothing to do with that."""
    node = Node(read="silence")
    runner = await opened(node)
    reading = asyncio.create_task(runner.read(Key(QUEUE, JobId(1), 1), 0, 1 << 18))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    number = runner._number
    lines = f"@{node.nonce} {number} data\n" + ("QUJD" * 18 + "\n") * 3000 + f"@{node.nonce} {number} .\n"
    runner.received(lines.encode())
    assert runner.is_open and not runner._requests
    assert (await runner.start(wanted := order(), LAUNCHER)).key == wanted.key
    await runner.close()


async def test_silence_ends_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridtui.jobs.runner.runner.ANSWER", 0.05)
    runner = await opened(Node(poll="silence"))
    with pytest.raises(ShellError, match="does not answer"):
        await runner.poll([Key(QUEUE, JobId(1), 1)])
    with pytest.raises(ShellError, match="does not answer"):
        await anext(runner.reports())
    with pytest.raises(SshError):
        await runner.beat()


async def test_a_lost_connection_ends_all_that_waits() -> None:
    node = Node(poll="silence", start="silence")
    runner = await opened(node)
    waiting = [asyncio.create_task(runner.poll([Key(QUEUE, JobId(n), 1)])) for n in range(1, 4)]
    starting = asyncio.create_task(runner.start(order(), LAUNCHER))
    await asyncio.sleep(0.01)
    node.receiver.closed(ConnectionLost("far: gone"))
    for one in (*waiting, starting):
        with pytest.raises(ConnectionLost):
            await one
    with pytest.raises(ConnectionLost):
        await anext(runner.reports())
    await runner.close()


async def test_noise_without_end_is_given_up() -> None:
    node = Node()
    runner = await opened(node)
    for _ in range(2000):
        node.say("x" * 100)
    with pytest.raises(ShellError, match="no answer of the runner"):
        await anext(runner.reports())


async def test_close_lets_a_reader_go() -> None:
    runner = await opened(Node())
    reading = asyncio.create_task(asyncio.wait_for(_all(runner), 5))
    await asyncio.sleep(0.01)
    await runner.close()
    await runner.close()
    assert await reading == []


async def _all(runner: Runner) -> list[Any]:
    return [report async for report in runner.reports()]
