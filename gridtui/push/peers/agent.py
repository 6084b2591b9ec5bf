"""An ssh-agent that holds one key, in memory, for one feeder. Owns that key and the few messages of the agent's protocol.

The protocol is draft-miller-ssh-agent, section 5. It signs nothing but SSH logins (RFC 4252, section 7) of this key; the private half never
leaves this process. Where the asking ssh binds its session first (`session-bind@openssh.com`), the receiver's host key must be
one that the controller has verified.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Protocol

import asyncssh

FAILURE = 5
SUCCESS = 6
REQUEST_IDENTITIES = 11
IDENTITIES_ANSWER = 12
SIGN_REQUEST = 13
SIGN_RESPONSE = 14
EXTENSION = 27

LIMIT = 64 * 1024
"""Longest message that is read. A login's is some 500 bytes."""
USERAUTH_REQUEST = 50
METHODS = (b"publickey", b"publickey-hostbound-v00@openssh.com")


class Reader(Protocol):
    """What messages come from: asyncio's StreamReader, or asyncssh's."""

    async def readexactly(self, n: int) -> bytes: ...


class Writer(Protocol):
    """Where answers go."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...


class Agent:
    """One ephemeral ed25519 key. `hosts` are the host keys (public, wire format) that its holder may log in to."""

    def __init__(self) -> None:
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.hosts: set[bytes] = set()
        self.open = True
        """Closed, it signs nothing any more."""

    @property
    def public(self) -> str:
        """The base64 part of the public key's line."""
        return self._key.export_public_key("openssh").decode().split()[1]

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """Answer one client until it hangs up."""
        bound = _Bound()
        try:
            while True:
                (size,) = struct.unpack(">I", await reader.readexactly(4))
                if not 0 < size <= LIMIT:
                    return
                answer = self.answer(await reader.readexactly(size), bound)
                writer.write(struct.pack(">I", len(answer)) + answer)
                await writer.drain()  # who takes no answers gets no more
        except (asyncio.IncompleteReadError, OSError, asyncssh.Error):
            return
        finally:
            writer.close()

    def answer(self, message: bytes, bound: _Bound | None = None) -> bytes:
        """The answer to one message, both without their lengths. What it does not know it refuses."""
        bound = bound if bound is not None else _Bound()
        try:
            if message[0] == REQUEST_IDENTITIES:
                keys = [_string(self._key.public_data) + _string(b"gridtui-peers")] if self.open else []
                return struct.pack(">BI", IDENTITIES_ANSWER, len(keys)) + b"".join(keys)
            if message[0] == SIGN_REQUEST and self.open:
                blob, rest = _take(message[1:])
                data, rest = _take(rest)
                if blob == self._key.public_data and len(rest) == 4 and self._is_login(data, bound):
                    return bytes([SIGN_RESPONSE]) + _string(self._key.sign(data, b"ssh-ed25519"))
            if message[0] == EXTENSION:
                name, rest = _take(message[1:])
                if name == b"session-bind@openssh.com" and bound.host is None:
                    host, rest = _take(rest)
                    session, _ = _take(rest)
                    if host in self.hosts:
                        bound.host, bound.session = host, session
                        return bytes([SUCCESS])
                    bound.host = b""  # a host that nobody named: from now on nothing is signed here
        except (ValueError, struct.error, IndexError):
            pass
        return bytes([FAILURE])

    def _is_login(self, data: bytes, bound: _Bound) -> bool:
        """Whether this is the signed part of a login with our key, to a host that we named."""
        session, rest = _take(data)
        if not rest or rest[0] != USERAUTH_REQUEST:
            return False
        _user, rest = _take(rest[1:])
        service, rest = _take(rest)
        method, rest = _take(rest)
        if service != b"ssh-connection" or method not in METHODS or rest[:1] != b"\1":
            return False
        algorithm, rest = _take(rest[1:])
        key, rest = _take(rest)
        if method == METHODS[1]:
            host, rest = _take(rest)
            if host not in self.hosts:
                return False
        known = bound.host is None or (bound.host in self.hosts and bound.session == session)
        return known and algorithm == b"ssh-ed25519" and key == self._key.public_data and not rest


class _Bound:
    """What one client of the agent said of its session."""

    def __init__(self) -> None:
        self.host: bytes | None = None
        self.session = b""


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _take(data: bytes) -> tuple[bytes, bytes]:
    """The first string (RFC 4251, section 5) and what follows. Raises ValueError."""
    if len(data) < 4 or len(data) - 4 < (size := struct.unpack(">I", data[:4])[0]):
        raise ValueError("cut short")
    return data[4 : 4 + size], data[4 + size :]
