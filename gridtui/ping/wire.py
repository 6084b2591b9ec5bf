"""Echo packets as bytes: requests out, replies and refusals in (RFC 792, RFC 4443). Pure; owns no socket and no time.

A request is icmplib's, made once for each socket; from then on only the sequence changes, and the checksum follows it
(RFC 1624), which costs a twentieth of adding up the packet in Python. The sequence has 32 bits: the low half is the
header's, the high half leads the payload, so that a reply that comes a full turn of the header's 16 bits late is not
mistaken for a fresh one. The payload ends with a random token: the ids of two processes may collide, tokens do not.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

PAYLOAD: Final = 56
"""Bytes of payload, as ping(8) sends."""

_HEAD = struct.Struct("!BBHHHH")
"""Type, code, checksum, id, low sequence, then the high sequence out of the payload."""

_ECHO: Final[dict[int, tuple[int, int]]] = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_REFUSALS: Final[dict[int, tuple[int, int]]] = {socket.AF_INET: (3, 11), socket.AF_INET6: (1, 3)}
"""Destination unreachable and time exceeded; what else there is says nothing about whether an answer will come."""


_MAPPED: Final = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that is written as an IPv6 one (RFC 4291, 2.5.5.2)."""


@dataclass(frozen=True, slots=True)
class Target:
    """An IP address ready to be sent to. `host` is its canonical text, without a scope: what recvmsg(2) will say."""

    family: int
    host: str
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


def target(host: str) -> Target:
    """Read an IP address (`fe80::1%eth0` too). Raises ValueError when it is none, or the scope is no interface here."""
    try:
        text = socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, host))
        return Target(socket.AF_INET, text, (text, 0))
    except (OSError, ValueError):
        pass
    bare, _, zone = host.partition("%")
    try:
        packed = socket.inet_pton(socket.AF_INET6, bare)
    except (OSError, ValueError):
        raise ValueError(f"{host!r} is no IP address") from None
    if packed.startswith(_MAPPED):
        text = socket.inet_ntop(socket.AF_INET, packed[12:])
        return Target(socket.AF_INET, text, (text, 0))
    scope = 0
    if zone:
        try:
            scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
        except OSError:
            raise ValueError(f"{host!r}: no interface {zone!r} here") from None
    text = socket.inet_ntop(socket.AF_INET6, packed)
    return Target(socket.AF_INET6, text, (text, 0, 0, scope))


class Refusal(NamedTuple):
    """An ICMP error about one of our requests."""

    low: int
    """The low half of the sequence."""
    host: str
    """Whom the request was for."""
    reason: str


class Wire:
    """The packets of one socket. `raw` IPv4 sockets hand out the IP header too, and packets with a wrong checksum."""

    __slots__ = ("_request", "_start", "_sum", "_tail", "_verify", "family", "ident", "raw")

    def __init__(self, family: int, raw: bool, ident: int, token: bytes) -> None:
        self.family = family
        self.raw = raw
        self.ident = ident
        filler = bytes(range(PAYLOAD))
        payload = b"\0\0" + token + filler[2 + len(token) :]
        packet = _template(family, ident, payload)
        self._request = _ECHO[family][0]
        self._tail = packet[_HEAD.size :]
        # The sum of all words that never change, without type, code, checksum and sequence.
        self._sum = ident + sum(struct.unpack(f"!{len(self._tail) // 2}H", self._tail))
        self._start = 20 if raw and family == socket.AF_INET else 0
        # The kernel verifies (and, for ICMPv6, fills in) the checksum before it delivers to any socket but this kind.
        self._verify = raw and family == socket.AF_INET

    def request(self, sequence: int) -> bytes:
        """The echo request with a sequence of 32 bits."""
        high, low = sequence >> 16 & 0xFFFF, sequence & 0xFFFF
        checksum = -((self._request << 8) + self._sum + low + high) % 0xFFFF
        return _HEAD.pack(self._request, 0, checksum, self.ident, low, high) + self._tail

    def reply(self, data: bytes) -> int | None:
        """The sequence of an echo reply to one of our requests; None for everything else, broken packets included."""
        start = self._start
        if start:
            if len(data) < 20:
                return None
            start = (data[0] & 15) * 4  # IP options make the header longer
        if len(data) < start + _HEAD.size:
            return None
        kind, code, checksum, ident, low, high = _HEAD.unpack_from(data, start)
        if kind != (0 if self.family == socket.AF_INET else 129) or code or ident != self.ident:
            return None
        if data[start + _HEAD.size :] != self._tail:
            return None
        if self._verify and (checksum + self._sum + low + high) % 0xFFFF:
            return None
        return int(high << 16 | low)

    def refusal(self, data: bytes, source: str) -> Refusal | None:
        """An ICMP error, from `source`, that quotes one of our requests; None for everything else. For raw sockets."""
        start = self._start
        if start:
            if len(data) < 20:
                return None
            start = (data[0] & 15) * 4
        inner = start + 8
        size = 20 if self.family == socket.AF_INET else 40
        if len(data) < inner + size or data[start] not in _REFUSALS[self.family]:
            return None
        if self.family == socket.AF_INET:
            if data[inner + 9] != socket.IPPROTO_ICMP:
                return None
            size = (data[inner] & 15) * 4
            destination = data[inner + 16 : inner + 20]
        else:
            if data[inner + 6] != socket.IPPROTO_ICMPV6:
                return None
            destination = data[inner + 24 : inner + 40]
        host = socket.inet_ntop(self.family, destination)
        return self.quoted(data[inner + size :], host, data[start], data[start + 1], source)

    def quoted(self, request: bytes, host: str, kind: int, code: int, source: str) -> Refusal | None:
        """The refusal for a quoted `request` to `host` (as an error queue gives it), when it is one of ours."""
        if len(request) < 8:
            return None
        request_kind, _, _, ident, low = struct.unpack_from("!BBHHH", request)
        if request_kind != self._request or ident != self.ident:
            return None
        text = reason(self.family, kind, code, ident, low, source)
        return Refusal(low, host, f"{text}, says {source}" if source and source != host else text) if text else None


def reason(family: int, kind: int, code: int, ident: int = 0, low: int = 0, source: str = "") -> str:
    """icmplib's words for an ICMP error; empty for types that end nothing."""
    from icmplib import ICMPReply  # 5 ms that a run without ICMP saves
    from icmplib.exceptions import ICMPError

    if kind not in _REFUSALS[family]:
        return ""
    version = 4 if family == socket.AF_INET else 6
    try:
        ICMPReply(source, version, ident, low, kind, code, 0, 0.0).raise_for_status()
    except ICMPError as error:
        text = str(error)
        return text[0].lower() + text[1:]
    return ""


def _template(family: int, ident: int, payload: bytes) -> bytes:
    from icmplib import ICMPRequest, ICMPv4Socket, ICMPv6Socket

    kind = ICMPv4Socket if family == socket.AF_INET else ICMPv6Socket
    request = ICMPRequest("", ident, 0, payload)
    blank = kind.__new__(kind)  # what writes packets is a method of icmplib's sockets, but needs no open one
    blank._sock = None
    packet: bytes = blank._create_packet(request.id, request.sequence, request.payload)
    return packet
