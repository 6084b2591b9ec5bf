"""The talk with sudo on one node, and the one password for all. Owns the shell text around it and what is said on which marker.

The password goes to the standard input of a sudo that asks for it and nowhere else: not on a command line, not into an environment,
a file, a log or a message. sudo shows a random marker when it asks (`-p`), and the shell that it starts shows another before the command
begins: until then nothing of the user's standard input is sent, so sudo cannot swallow it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from ..model import clean
from ..ssh import quote

Ask = Callable[[str], Awaitable["str | None"]]

_BEFORE = 1 << 16
"""Bytes of standard error that are looked through for the markers."""


class Refused(Exception):
    """There is no password to be given. `str()` says why."""


class Password:
    """Asked for once, when the first sudo wants it, and tasted by one node before the others get it.

    Where accounts are central, one typing error sent to 200 nodes locks somebody out. So until it was accepted somewhere only one
    node has it, and when it was refused there nobody else is given it.
    """

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask
        self._asked = False
        self._secret: str | None = None
        self._turn = asyncio.Lock()
        self._accepted = False
        self._refused_by = ""

    async def get(self, node: str) -> str:
        """The password, for this node. To be followed by `accepted`, `refused` or `unclear`. Raises Refused."""
        if self._accepted:
            assert self._secret is not None
            return self._secret
        await self._turn.acquire()
        try:
            if self._refused_by:
                raise Refused(f"sudo: the password was refused on {self._refused_by}, so it was not tried here")
            if not self._asked:
                self._secret = await self._ask("[sudo] password for all nodes") if self._ask else None
                self._asked = True
            if self._secret is None:
                why = "none was given" if self._ask else "there is no terminal to ask for it on"
                raise Refused(f"sudo asks for a password, and {why}")
        except BaseException:
            self._turn.release()
            raise
        self._pass_on()
        return self._secret

    def _pass_on(self) -> None:
        """Who waited while it was tasted need not wait any longer once it was accepted."""
        if self._accepted:
            self._turn.release()

    def accepted(self) -> None:
        """sudo took it."""
        if not self._accepted:
            self._accepted = True
            self._turn.release()

    def refused(self, node: str) -> None:
        """sudo asked again."""
        if not self._accepted:
            self._refused_by = node
            self._turn.release()

    def unclear(self) -> None:
        """It ended before anybody could tell: the next one tastes."""
        if not self._accepted:
            self._turn.release()


class Stage(Enum):
    """How far the talk came."""

    WAITING = auto()
    ASKED = auto()
    ANSWERED = auto()
    WRONG = auto()
    STARTED = auto()


class Talk:
    """What sudo says on standard error until the command begins."""

    def __init__(self) -> None:
        token = secrets.token_hex(12)
        self._prompt, self._start = f"sudo-asks-{token}:", f"sudo-runs-{token}:"
        self.stage = Stage.WAITING
        self.said = b""
        """Standard error before the command began, without the markers."""

    def command(self, text: str) -> str:
        """Shell text that runs `text` as root, in the login shell's own language."""
        inner = 'printf %s "$1" >&2; exec "$2" -c "$3"'
        # Only "$SHELL" is left to the login shell to expand: sh, bash, zsh, fish and csh all understand it.
        return f'exec sudo -S -p {self._prompt} -- /bin/sh -c {quote(inner)} sh {self._start} "$SHELL" {quote(text)}'

    def feed(self, data: bytes) -> bytes:
        """Standard error as it comes; what belongs to the command is returned. `stage` says what to do next."""
        if self.stage is Stage.STARTED:
            return data
        self.said += data
        before, started, after = self.said.partition(self._start.encode())
        prompt = self._prompt.encode()
        if started:
            self.said = before.replace(prompt, b"")
            self.stage = Stage.STARTED
            return after
        if prompt in self.said:
            self.said = self.said.replace(prompt, b"", 1)
            self.stage = Stage.WRONG if self.stage in (Stage.ANSWERED, Stage.WRONG) else Stage.ASKED
        if len(self.said) > _BEFORE:
            self.said = self.said[-_BEFORE:]
        return b""

    def why(self, exit_status: int | None) -> str:
        """One line: why the command was never started."""
        if self.stage is Stage.WRONG:
            return "sudo: the password was refused"
        if exit_status == 127:
            return "sudo is not installed there"
        lines = [line for line in self.said.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"sudo refused: {clean(lines[-1], 300)}" if lines else "sudo ended before the command began"
