"""One node's runner, seen from here: a channel, the requests that are in flight, and what the node tells by itself.

Owns the conversation. Knows neither queue nor placement; a dead channel ends it, and whoever needs it opens a new one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from ...errors import Evidence, ShellError, SshError
from ...model import clean
from ...ssh import Channel, Connection
from ..model import Cause, Key, Order, Phase, Report
from . import script, wire
from .texts import texts
from .wire import Greeting, Said

GREETING = 60.0
"""Seconds for the greeting: the first one after a boot tries each sandbox."""
ANSWER = 30.0
"""Seconds for any other answer."""
BEAT = 10.0
"""Seconds between looks at what runs. Keepers tell a channel that asked within the last 45 s."""
TEXTS = 128
"""Texts that the node's shell keeps in memory for us."""
TAIL = 4096
"""Bytes of output that come with the report."""
READ = 256 << 10
"""Most bytes of one `read`."""

SAID = 16 << 20
"""Bytes of one answer that are kept: some 100,000 attempts."""

_HOME = re.compile(r"/[^\x00-\x1f\x7f]{1,1000}")


class _Request:
    """One that was not answered yet. Who asked may have gone meanwhile; the answer comes nevertheless, and must not be taken for noise."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.said: list[bytes] = []
        self.data: list[bytes] | None = None
        """Lines of a `read`, once they come."""
        self.size = 0
        """Bytes of what came."""


class Runner:
    """A runner that greeted. Use `open`; `close` lets go, and attempts go on."""

    def __init__(self, connection: Connection, node: str, queue: str) -> None:
        self.node = node
        self.queue = queue
        self.greeting = Greeting("", "")
        self._connection = connection
        self._channel: Channel | None = None
        self._nonce = secrets.token_hex(16)
        self._lines = wire.Lines(self._nonce)
        self._requests: dict[int, _Request] = {}
        self._number = 0
        self._texts: OrderedDict[str, None] = OrderedDict()
        self._told: dict[Key, Report] = {}
        """What nobody took yet. Of an attempt the last word alone: a node cannot fill our memory with others."""
        self._tap = asyncio.Event()
        self._running: set[Key] = set()
        self._tails: set[asyncio.Task[None]] = set()
        self._absent = False
        self._error: SshError | None = None
        self._ended = asyncio.Event()
        self._beat: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, connection: Connection, node: str, *, queue: str = "", shell: str = script.SHELL) -> Runner:
        """Greet a node, after its script was put there if need be. Raises SshError."""
        for fresh in (False, True):
            runner = cls(connection, node, queue)
            try:
                async with asyncio.timeout(GREETING):
                    await runner._greet(shell)
                return runner
            except TimeoutError:
                await runner.close()
                raise ShellError(f"{node}: the runner did not greet within {GREETING:g} s") from None
            except SshError:
                await runner.close()
                if fresh or not runner._absent:
                    raise
            except BaseException:
                await runner.close()
                raise
            await runner._install()
        raise AssertionError("unreachable")

    async def _greet(self, shell: str) -> None:
        self._channel = await self._connection.open(script.serve(self.queue, shell), self)
        said = await self._ask(f"hello {self._nonce}")
        self.greeting = self._greeted(said)
        if not _HOME.fullmatch(self.greeting.home):
            raise ShellError(f"{self.node}: the runner's greeting is damaged")
        self._beat = asyncio.create_task(self._look())

    async def _install(self) -> None:
        done = await self._connection.run(script.install(), input=script.script(), timeout=ANSWER)
        if done.exit_status:
            raise ShellError(
                f"{self.node}: the runner cannot be put there: {clean(done.stderr, 300) or f'exit status {done.exit_status}'}",
                evidence=Evidence(self.node, script.install(), done.exit_status, clean(done.stderr)),
            )

    def _greeted(self, said: list[bytes]) -> Greeting:
        values: dict[str, list[str]] = {}
        for line in said[:200]:
            name, _, value = line.decode("utf-8", "replace").partition(" ")
            values.setdefault(name, []).append(value)
        first = {name: found[0] for name, found in values.items()}
        free, known = first.get("free", ""), self.greeting
        return Greeting(
            boot=clean(first.get("boot", known.boot), 100),
            home=first.get("home", known.home),
            free=int(free) if re.fullmatch("[0-9]{1,18}", free) else None,
            levels="".join(f"{clean(line, 300)}\n" for line in values.get("level", [])[:64]) or known.levels,
            closed=clean(first.get("closed", ""), 300),
            idle_closed=clean(first.get("idle_closed", ""), 300),
            fleeting=clean(first.get("fleeting", known.fleeting), 300),
        )

    @property
    def is_open(self) -> bool:
        """Whether requests could be answered now."""
        return self._channel is not None and not self._ended.is_set()

    def folder(self, key: Key) -> str:
        """The attempt's folder there, absolute; `work` in it is the job's, `out` what it wrote."""
        return f"{self.greeting.home}/spool/{key}"

    # what is asked

    async def start(self, order: Order, launcher: str, inputs: str = "") -> Report:
        """Start an attempt, once, however often this is called. `launcher`: the sandbox's text; `inputs`: staging's.

        Gives RUNNING (its end comes by `reports`), where it stands when it was started before, or ENDED with `Cause.REFUSED`. Raises SshError.
        """
        made = texts(order)
        names = [
            self._text(text)
            for text in (
                launcher.encode("utf-8", "surrogateescape"),
                made.command,
                made.script,
                inputs.encode("utf-8", "surrogateescape"),
            )
        ]
        words = f"start {order.key} {' '.join(names)} {wire.terms(order, time.localtime())}"
        self._running.add(order.key)  # it may have ended before we read that it runs
        said = await self._ask(words, b"x " + made.extra + b"\n")
        for report in self._reports(said):
            if report.key == order.key:
                return await self._whole(report)
        raise self._fail(ShellError(f"{self.node}: the runner's answer is damaged"))

    async def poll(self, keys: Sequence[Key] | None = None) -> list[Report]:
        """Where attempts stand; all that are there where none are named. Raises SshError."""
        if keys is None:
            listed = self._reports(await self._ask("list"))
            keys = [report.key for report in listed]
        answers = await asyncio.gather(*(self._ask(f"poll {words}") for words in wire.chunks(keys)))
        reports = [report for said in answers for report in self._reports(said)]
        asked = set(keys)
        found = {report.key: report for report in reports if report.key in asked}
        self._running |= {key for key, report in found.items() if report.phase in (Phase.RUNNING, Phase.FROZEN)}
        return list(await asyncio.gather(*map(self._whole, found.values())))

    async def reports(self) -> AsyncIterator[Report]:
        """What happens by itself: ends, freezes, losses. Each end once. For one reader; raises SshError when the channel ends, stops after `close`.

        The end of an attempt may be told before `start` gave RUNNING for it, where many are started at once.
        """
        while True:
            await self._tap.wait()
            self._tap.clear()
            while self._told:
                yield self._told.pop(next(iter(self._told)))
            if self._ended.is_set():
                if self._error is not None:
                    raise self._error
                return

    async def end(self, keys: Sequence[Key], grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds. Raises SshError."""
        await self._each(f"end {max(0, round(grace))}", keys)

    async def freeze(self, keys: Sequence[Key], frozen: bool) -> None:
        """Stop attempts where they stand, or let them go on. Raises SshError."""
        await self._each("freeze" if frozen else "thaw", keys)

    async def forget(self, keys: Sequence[Key]) -> None:
        """Remove all of them, and end those that run. Raises SshError."""
        self._running -= set(keys)
        await self._each("forget", keys)

    async def read(self, key: Key, offset: int, limit: int) -> bytes:
        """A piece of the output as it stands in `out`: at most 256 KiB; from the end where `offset` is negative. Raises SshError."""
        request = await self._request(f"read {key} {offset} {min(limit, READ)}")
        return self._decoded(request.data or [])

    async def beat(self) -> Greeting:
        """Ask what may have changed on the node: free space, the owner's word. Raises SshError. Also done by itself, every 10 s."""
        self.greeting = self._greeted(await self._ask("beat"))
        return self.greeting

    async def close(self) -> None:
        """Let go. Idempotent."""
        if self._beat:
            self._beat.cancel()
        for task in [*self._tails, *([self._beat] if self._beat else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, SshError):
                await task
        if self._channel:
            self._channel.write(b"bye\n")
            self._channel.write_eof()
            self._channel.close()
        self._end(None)

    # the conversation

    async def _each(self, verb: str, keys: Sequence[Key]) -> None:
        await asyncio.gather(*(self._ask(f"{verb} {words}") for words in wire.chunks(keys)))

    async def _ask(self, words: str, before: bytes = b"") -> list[bytes]:
        return (await self._request(words, before)).said

    async def _request(self, words: str, before: bytes = b"") -> _Request:
        if self._channel is None or self._ended.is_set():
            raise self._error or ShellError(f"{self.node}: the runner's channel is closed")
        self._number += 1
        number = self._number
        request = self._requests[number] = _Request()
        self._channel.write(before + f"{number} {words}\n".encode())
        try:
            async with asyncio.timeout(ANSWER if self._beat else GREETING):
                await request.done
        except TimeoutError:
            raise self._fail(ShellError(f"{self.node}: the runner does not answer")) from None
        return request

    def _text(self, text: bytes) -> str:
        """The name of a text that the node has in memory by the time it reads what is written next."""
        if not text:
            return "0"
        name = hashlib.sha256(text).hexdigest()[:16]
        if name in self._texts:
            self._texts.move_to_end(name)
            return name
        assert self._channel is not None
        lines = wire.text_lines(text)
        self._channel.write(f"0 text {name} {len(lines)}\n".encode() + b"".join(line + b"\n" for line in lines))
        self._texts[name] = None
        if len(self._texts) > TEXTS:
            old, _ = self._texts.popitem(last=False)
            self._channel.write(f"0 drop {old}\n".encode())
        return name

    def _reports(self, said: list[bytes]) -> list[Report]:
        return [report for line in said if (report := wire.report(line, self.node))]

    async def _whole(self, report: Report) -> Report:
        """With its output, where that is short."""
        if report.phase is Phase.ENDED:
            self._running.discard(report.key)
            if 0 < report.output <= TAIL and report.cause is not Cause.REFUSED:
                return replace(report, tail=(await self.read(report.key, 0, TAIL))[:TAIL])
        elif report.phase in (Phase.LOST, Phase.UNKNOWN):
            self._running.discard(report.key)
        return report

    async def _look(self) -> None:
        """Keepers that were killed say nothing: ask for what should run. Also tells them that we are there."""
        try:
            while True:
                await asyncio.sleep(BEAT)
                before = frozenset(self._running)
                await self.beat()
                answers = [await self._ask(f"poll {words}") for words in wire.chunks(list(before))]
                for report in (report for said in answers for report in self._reports(said)):
                    if report.key in before and report.phase not in (Phase.RUNNING, Phase.FROZEN):
                        await self._tell(report)
        except SshError:
            return

    async def _tell(self, report: Report) -> None:
        if report.key in self._running:
            self._running.discard(report.key)  # once
            with contextlib.suppress(SshError):
                self._told[report.key] = await self._whole(report)
                self._tap.set()

    def _happened(self, rest: bytes) -> None:
        report = wire.report(rest, self.node)
        if report is None or report.key not in self._running:
            return
        if report.phase is Phase.ENDED and 0 < report.output <= TAIL:
            task = asyncio.create_task(self._tell(report))
            self._tails.add(task)
            task.add_done_callback(self._tails.discard)
            return
        if report.phase in (Phase.ENDED, Phase.LOST):
            self._running.discard(report.key)
        self._told[report.key] = report
        self._tap.set()

    # the channel's callbacks

    def received(self, data: bytes) -> None:
        """A piece of what the node says."""
        try:
            for line in self._lines.feed(data):
                self._heard(line)
        except SshError as error:
            self._fail(ShellError(f"{self.node}: {error.message}"))

    def closed(self, error: SshError | None) -> None:
        """The channel ended."""
        self._end(error or self._error or ShellError(f"{self.node}: the runner ended"))

    def _heard(self, line: Said | bytes) -> None:
        if isinstance(line, Said):
            if line.number == 0:
                self._happened(line.rest)
            elif request := self._requests.get(line.number):
                if line.rest == b".":
                    del self._requests[line.number]
                    if not request.done.done():
                        request.done.set_result(None)
                elif line.rest == b"data":
                    request.data = []
                elif request.size < SAID:
                    request.size += len(line.rest) + 64
                    request.said.append(line.rest)
        elif reading := next((one for one in self._requests.values() if one.data is not None), None):
            reading.size += len(line)
            if reading.data is not None and reading.size < 4 * READ:
                if not reading.done.done():
                    reading.data.append(line)
                self._lines.taken()
        elif line == b"absent" and not self.greeting.home:
            self._absent = True
        elif line.startswith(b"unfit ") and not self.greeting.home:
            self._fail(ShellError(f"{self.node}: no job can run there: {clean(line[6:], 300)}"))

    def _decoded(self, lines: list[bytes]) -> bytes:
        """base64, or the hexadecimal digits of od."""
        try:
            if lines and lines[0].startswith(b" "):
                return bytes.fromhex(b"".join(lines).decode("ascii"))
            return base64.b64decode(b"".join(lines), validate=True)
        except (ValueError, binascii.Error):
            raise ShellError(f"{self.node}: a piece of output came damaged") from None

    def _fail(self, error: SshError) -> SshError:
        self._end(error)
        if self._channel:
            self._channel.close()
        return error

    def _end(self, error: SshError | None) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._error = error
        for request in self._requests.values():
            if not request.done.done():
                request.done.set_exception(error or ShellError(f"{self.node}: the runner's channel is closed"))
                request.done.exception()
        self._tap.set()
