"""How one becomes root on a node that has nothing of ours yet: by the login itself, sudo, or su. Owns that talk over a contact.

The password goes to sudo's or su's standard input when they ask for it: not on a command line, not into an environment, a file or a
message. It is tried once a node.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress

import paramiko

from ..errors import GridtuiError, ShellError
from ..exec.sudo import Stage, Talk
from ..model import clean
from ..ssh import quote
from ..ssh.connection import Completed
from . import channel
from .channel import Answer
from .contact import Contact
from .password import Password, Refused

_HELD = b"held\n"
_BEFORE = 1 << 16
"""Bytes of what su says that are looked through."""
_LOCK_WAIT = 20.0


class RootError(GridtuiError):
    """There is no way to root on this node."""


class SuTalk(Talk):
    """What su says until the command begins. It cannot be told what to ask with; it asks once."""

    def __init__(self) -> None:
        super().__init__()
        self._mark = f"su-runs-{secrets.token_hex(12)}:".encode()

    def command(self, text: str) -> str:
        inner = f"printf %s {self._mark.decode()} >&2; exec /bin/sh -c {quote(text)}"
        return f"LC_ALL=C exec su root -c {quote(inner)}"

    def feed(self, data: bytes) -> bytes:
        if self.stage is Stage.STARTED:
            return data
        self.said += data
        before, started, after = self.said.partition(self._mark)
        if started:
            self.said, self.stage = before, Stage.STARTED
            return after
        if self.stage is Stage.WAITING and re.search(rb"assword", self.said):
            self.stage, self.said = Stage.ASKED, b""
        elif self.stage is Stage.ANSWERED and re.search(rb"failure|incorrect|denied", self.said, re.I):
            self.stage = Stage.WRONG
        self.said = self.said[-_BEFORE:]
        return b""

    def why(self, exit_status: int | None) -> str:
        if self.stage is Stage.WRONG:
            return "su: the password was refused"
        if exit_status == 127:
            return "su is not installed there"
        lines = [line for line in self.said.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"su refused: {clean(lines[-1], 300)}" if lines else "su ended before the command began"


class Root:
    """Runs shell text as root over a contact. `method` is `` (the login is root), `sudo` or `su`."""

    def __init__(self, contact: Contact, method: str, secret: Password) -> None:
        self.contact = contact
        self.method = method
        self.asked = False
        """Whether a password had to be given."""
        self.secret = secret
        self._held: paramiko.Channel | None = None

    def run(self, text: str, *, input: bytes = b"", timeout: float = 60.0, limit: int = 1 << 20) -> Completed:
        """As `Contact.run`, as root. Raises RootError when root was refused, ConnectionLost, ShellError."""
        if not self.method:
            return self.contact.run(text, input=input, timeout=timeout, limit=limit)
        talk = SuTalk() if self.method == "su" else Talk()
        hear = self._hear(talk, input, end=True)
        done = channel.run(
            self.contact.transport,
            self.contact.wire,
            self.contact.where,
            talk.command(text if self.method == "su" else f"exec /bin/sh -c {quote(text)}"),
            timeout=timeout,
            limit=limit,
            hear=hear,
        )
        self._settle(talk, done.exit_status)
        return done

    def _hear(self, talk: Talk, input: bytes, *, end: bool) -> Callable[[bytes], Answer]:
        """The answers of one talk."""
        started = False

        def hear(data: bytes) -> Answer:
            nonlocal started
            rest = talk.feed(data)
            if talk.stage is Stage.ASKED:
                try:
                    text = self.secret.take(self.contact.node)
                except Refused as error:
                    self._refused = str(error)
                    return Answer(end=True)
                talk.stage = Stage.ANSWERED
                self.asked = True
                return Answer(write=text.encode() + b"\n")
            if talk.stage is Stage.WRONG:
                return Answer(end=True)
            if talk.stage is Stage.STARTED and not started:
                started = True
                if self.asked:
                    self.secret.accepted(self.contact.node)
                return Answer(rest, input, end=end)
            return Answer(rest)

        return hear

    _refused = ""

    def _settle(self, talk: Talk, exit_status: int) -> None:
        """Tell the password how it fared. Raises RootError when the command never began."""
        if talk.stage is Stage.STARTED:
            return
        node, where = self.contact.node, self.contact.where
        if self._refused:
            raise RootError(
                f"{where}: {self.method} asks for a password: {self._refused}",
                hint="--ask-password, --ask-become-pass where it is another one, or --user root",
            )
        if talk.stage is Stage.WRONG:
            self.secret.refused(node)
        elif talk.stage is Stage.ANSWERED:
            # sudo takes the right password of somebody whom it does not let do anything
            allowed = b"sudoers" not in talk.said and b"not allowed" not in talk.said
            (self.secret.refused if allowed else self.secret.accepted)(node)
        raise RootError(
            f"{where}: {talk.why(exit_status)}", hint="--ask-become-pass, or log in as root with --user root"
        )

    def lock(self, text: str) -> None:
        """Hold a lock on the node until the contact ends: `text` says `held` and then reads its input. Raises ShellError, RootError."""
        contact = self.contact
        talk = (SuTalk() if self.method == "su" else Talk()) if self.method else None
        command = talk.command(text if self.method == "su" else f"exec /bin/sh -c {quote(text)}") if talk else text
        hear = self._hear(talk, b"", end=False) if talk else None
        contact.wire.budget = 1 << 30
        try:
            self._held = held = contact.transport.open_session(timeout=channel.GRACE)
            said, error, status = channel.await_line(held, command, _HELD, _LOCK_WAIT, hear)
        except (paramiko.SSHException, EOFError, OSError) as problem:
            raise ShellError(f"{contact.where}: no channel: {clean(str(problem), 200)}") from None
        if said:
            return
        with suppress(paramiko.SSHException, EOFError, OSError):
            held.close()
        if talk:
            self._settle(talk, status)
        raise RootError(f"{contact.where}: {clean(error.strip() or b'the lock is not to be had', 300)}")
