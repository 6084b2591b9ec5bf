"""What is made of a guard's answers, against a real SSH server in this process that speaks as a guard does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.model import Node, clean
from gridtui.playbooks import guard
from gridtui.playbooks.guard import Access, Change, ChangeState, Fate, Settled
from gridtui.playbooks.model import Guarded, GuardState, Progress, Said
from gridtui.settings import Ssh

HOST = "127.0.0.1"
Answer = tuple[int, str, str]
"""Exit status, standard output, standard error."""


class Speaker:
    """A node with a guard. `answer` gets the guard's words and what came on standard input."""

    def __init__(self, folder: Path, answer: Callable[[list[str], str], Answer]) -> None:
        folder.mkdir()
        self.answer = answer
        self.calls: list[list[str]] = []
        self.connections = 0
        self.login = True
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._known = folder / "known_hosts"
        self.identity = folder / "key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(self.identity))
        self._keys = folder / "authorized_keys"
        self._keys.write_bytes(asyncssh.read_private_key(str(self.identity)).export_public_key())
        self._server: asyncssh.SSHAcceptor | None = None
        self.port = 0

    async def start(self) -> None:
        speaker = self

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                speaker.connections += 1

        self._server = await asyncssh.listen(
            HOST,
            self.port,
            server_factory=Server,
            server_host_keys=[self._key],
            authorized_client_keys=str(self._keys),
            process_factory=self._process,
        )
        self.port = self._server.get_port()
        public = self._key.export_public_key().decode().strip()
        self._known.write_text(f"[{HOST}]:{self.port} {public}\n")

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _process(self, process: asyncssh.SSHServerProcess[str]) -> None:
        assert process.command
        words = shlex.split(process.command)
        script, call = words[2], words[4:]
        given = await process.stdin.read() if re.search(r"sudo -S", script) else ""
        self.calls.append(call)
        status, stdout, stderr = self.answer(call, given)
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(status)

    @property
    def access(self) -> Access:
        return Access(Ssh(config="none", known_hosts=str(self._known), host_keys="accept-new"))

    @property
    def node(self) -> Node:
        return Node("n1", HOST, port=self.port, user="root", identity=str(self.identity))


@contextlib.asynccontextmanager
async def speaking(folder: Path, answer: Callable[[list[str], str], Answer]) -> AsyncIterator[Speaker]:
    speaker = Speaker(folder / "speaker", answer)
    await speaker.start()
    try:
        yield speaker
    finally:
        await speaker.stop()


@pytest.mark.parametrize(
    ("answer", "fate", "error"),
    [
        ((0, "confirmed r1\n", ""), Fate.CONFIRMED, ""),
        (
            (3, "", "guard: change r1 (firewall) was taken back\n"),
            Fate.ROLLED_BACK,
            "guard: change r1 (firewall) was taken back",
        ),
        ((4, "", "guard: there is no change r1 here\n"), Fate.UNCHANGED, ""),
        ((127, "", f"guard: 1: {guard.GUARD}: not found\n"), Fate.UNCHANGED, ""),
        ((1, "", f"sudo: {guard.GUARD}: command not found\n"), Fate.UNCHANGED, ""),
        ((127, "", "guard: 1: sudo: not found\n"), Fate.FAILED, "guard: 1: sudo: not found"),
        ((1, "", "sudo: a password is required\n"), Fate.FAILED, "sudo: a password is required"),
        ((1, "", "\x1b[2Jevil\n"), Fate.FAILED, "·[2Jevil"),
        ((9, "", ""), Fate.FAILED, "the guard ended with status 9"),
    ],
)
async def test_each_answer_has_a_fate(tmp_path: Path, answer: Answer, fate: Fate, error: str) -> None:
    async with speaking(tmp_path, lambda words, given: answer) as speaker:
        found = await guard.settle([speaker.node], "r1", 5.0, speaker.access)
    assert found == {"n1": Settled("n1", fate, error)}
    # once more back to what was before: a slow controller may have written something since
    again = [["rollback", "r1", "again"]] if fate is Fate.ROLLED_BACK else []
    assert speaker.calls == [["confirm", "r1"], *again]
    assert bool(guard.unsettled(found)) == (fate not in (Fate.CONFIRMED, Fate.UNCHANGED))


async def test_every_call_is_a_login_of_its_own(tmp_path: Path) -> None:
    async with speaking(tmp_path, lambda words, given: (0, "", "")) as speaker:
        await guard.settle([speaker.node], "r1", 5.0, speaker.access)
        await guard.confirm([speaker.node], "r1", speaker.access)
        found = await guard.rollback([speaker.node], "r1", speaker.access)
    assert speaker.calls == [["confirm", "r1"], ["confirm", "r1"], ["rollback", "r1", "again"]]
    assert speaker.connections == 3
    assert found["n1"].fate is Fate.ROLLED_BACK


async def test_a_busy_guard_is_asked_again(tmp_path: Path) -> None:
    answers = iter([(75, "", "guard: another guard is busy\n"), (0, "", "")])
    async with speaking(tmp_path, lambda words, given: next(answers)) as speaker:
        found = await guard.settle([speaker.node], "r1", 20.0, speaker.access)
    assert found["n1"].fate is Fate.CONFIRMED
    assert speaker.connections == 2


async def test_a_guard_that_stays_busy_is_no_lockout(tmp_path: Path) -> None:
    async with speaking(tmp_path, lambda words, given: (75, "", "guard: another guard is busy\n")) as speaker:
        found = await guard.settle([speaker.node], "r1", 0.2, speaker.access, margin=0.2)
    assert found["n1"] == Settled("n1", Fate.FAILED, "guard: another guard is busy")


async def test_a_node_that_comes_back_has_taken_it_back(tmp_path: Path) -> None:
    told: list[Progress] = []
    failed = asyncio.Event()

    def listen(progress: Progress) -> None:
        told.append(progress)
        failed.set()

    async with speaking(tmp_path, lambda words, given: (3, "", "guard: it was taken back\n")) as speaker:
        await speaker.stop()
        settling = asyncio.create_task(guard.settle([speaker.node], "r1", 1.0, speaker.access, told=listen))
        await failed.wait()  # the first login
        await speaker.start()
        found = await settling
    assert found["n1"].fate is Fate.ROLLED_BACK
    first, last, state = told
    assert isinstance(first, Said) and first.alarm and "new login" in first.text
    assert isinstance(last, Said) and last.alarm and "by itself" in last.text
    assert state == Guarded("n1", GuardState.ROLLED_BACK)


async def test_a_node_that_stays_away_is_locked_out(tmp_path: Path) -> None:
    told: list[Progress] = []
    async with speaking(tmp_path, lambda words, given: (0, "", "")) as speaker:
        await speaker.stop()
        found = await guard.settle([speaker.node], "r1", 0.3, speaker.access, told=told.append, margin=0.3)
    assert found["n1"].fate is Fate.LOCKED_OUT
    assert found["n1"].layer == "tcp"
    assert told[-1] == Guarded("n1", GuardState.LOCKED_OUT)


async def test_a_changed_host_key_confirms_nothing(tmp_path: Path) -> None:
    async with speaking(tmp_path, lambda words, given: (0, "", "")) as speaker:
        speaker._known.write_text("")  # and nobody new is trusted, though the settings say accept-new
        found = await guard.settle([speaker.node], "r1", 0.2, speaker.access, margin=0.2)
    assert found["n1"].fate is Fate.LOCKED_OUT
    assert found["n1"].layer == "login"
    assert speaker.calls == []


async def test_the_password_goes_to_sudo_alone(tmp_path: Path) -> None:
    got: list[str] = []

    def answer(words: list[str], given: str) -> Answer:
        got.append(given)
        return 0, "", ""

    async with speaking(tmp_path, answer) as speaker:
        access = Access(speaker.access.ssh, "pass word'$1")
        assert "pass word" not in repr(access)
        await guard.settle([speaker.node], "r1", 5.0, access)
        await guard.settle([speaker.node], "r1", 5.0, speaker.access)
    assert got == ["pass word'$1\n", ""]
    assert speaker.calls == [["confirm", "r1"]] * 2


async def test_status_of_many(tmp_path: Path) -> None:
    text = "r1 firewall confirmed 1795296992 -\nr2 ssh armed 1795297019 41\n"
    async with speaking(tmp_path, lambda words, given: (0, text, "")) as speaker:
        gone = Node("n2", HOST, port=1, user="root", identity=str(speaker.identity))
        found = await guard.status([speaker.node, gone], speaker.access)
    assert found["n1"].changes == (
        Change("r1", "firewall", ChangeState.CONFIRMED, 1795296992.0),
        Change("r2", "ssh", ChangeState.ARMED, 1795297019.0, 41.0),
    )
    assert found["n2"].changes == () and found["n2"].layer == "tcp" and found["n2"].error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((127, "", f"sh: {guard.GUARD}: not found\n"), ""),
        ((1, "", "sudo: a password is required\n"), "sudo: a password is required"),
        ((0, "r1 firewall armed 1 \x1b[0m\n", ""), "the guard says what is not understood: r1 firewall armed 1 ·[0m"),
    ],
)
async def test_status_without_an_answer(tmp_path: Path, answer: Answer, error: str) -> None:
    async with speaking(tmp_path, lambda words, given: answer) as speaker:
        found = await guard.status([speaker.node], speaker.access)
    assert (found["n1"].changes, found["n1"].error) == ((), error)


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(
    st.lists(
        st.tuples(
            _NAMES, _NAMES, st.sampled_from(ChangeState), st.integers(0, 10**11), st.none() | st.integers(0, 99999)
        )
    )
)
def test_what_the_guard_writes_is_read(changes: list[tuple[str, str, ChangeState, int, int | None]]) -> None:
    lines = [
        f"{run} {name} {state} {time} {'-' if left is None else left}\n" for run, name, state, time, left in changes
    ]
    assert guard.parse("".join(lines)) == tuple(
        Change(run, name, state, float(time), None if left is None else float(left))
        for run, name, state, time, left in changes
    )


@given(st.text())
def test_whatever_a_node_says_is_read_or_refused(text: str) -> None:
    lines = text.splitlines()
    if all(guard._LINE.fullmatch(line) and line.split()[2] in set(ChangeState) for line in lines):
        assert len(guard.parse(text)) == len(lines)
    else:
        with pytest.raises(ValueError) as caught:
            guard.parse(text)
        assert clean(str(caught.value)) == str(caught.value)
