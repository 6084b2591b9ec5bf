from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icmplib import ICMPRequest, ICMPv4Socket, ICMPv6Socket

from gridtui.ping.wire import Refusal, Wire, target

FAMILIES = [socket.AF_INET, socket.AF_INET6]
IDENT, TOKEN = 0x1234, b"\x9c\x01\xff\x00abcd"


def wire(family: int = socket.AF_INET, raw: bool = True) -> Wire:
    return Wire(family, raw, IDENT, TOKEN)


def ip(payload: bytes, source: str = "127.1.0.1", destination: str = "127.0.0.1", options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, 4 * words + len(payload), 0, 0, 64, 1, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(destination) + options + payload


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def answer(
    request: bytes,
    kind: int | None = None,
    code: int = 0,
    ident: int | None = None,
    payload: bytes | None = None,
    total: int | None = None,
) -> bytes:
    """What a node makes of a request: its type and checksum change, the rest comes back."""
    asked, _, _, same_ident, low = struct.unpack_from("!BBHHH", request)
    kind = (0 if asked == 8 else 129) if kind is None else kind
    rest = struct.pack("!HH", same_ident if ident is None else ident, low) + (
        request[8:] if payload is None else payload
    )
    right = checksum(bytes((kind, code, 0, 0)) + rest)
    return struct.pack("!BBH", kind, code, right if total is None else total) + rest


@given(sequence=st.integers(0, 0xFFFFFFFF), ident=st.integers(0, 0xFFFF), token=st.binary(min_size=8, max_size=8))
@pytest.mark.parametrize("family", FAMILIES)
def test_a_request_is_the_one_that_icmplib_builds(family: int, sequence: int, ident: int, token: bytes) -> None:
    packet = Wire(family, True, ident, token).request(sequence)
    kind = ICMPv4Socket if family == socket.AF_INET else ICMPv6Socket
    blank = kind.__new__(kind)
    blank._sock = None
    request = ICMPRequest("", ident, sequence & 0xFFFF, packet[8:])
    assert packet == blank._create_packet(request.id, request.sequence, request.payload)
    assert len(packet) == 64


@given(sequence=st.integers(0, 0xFFFFFFFF))
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("raw", [True, False])
def test_a_reply_gives_back_the_sequence(family: int, raw: bool, sequence: int) -> None:
    here = wire(family, raw)
    packet = answer(here.request(sequence))
    assert here.reply(ip(packet) if raw and family == socket.AF_INET else packet) == sequence


def test_ip_options_are_stepped_over() -> None:
    here = wire()
    assert here.reply(ip(answer(here.request(7)), options=b"\x01" * 8)) == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"ident": IDENT + 1},
        {"kind": 8},
        {"kind": 3},
        {"code": 1},
        {"total": 0x1234},
        {"payload": b"\0\0" + TOKEN},
        {"payload": b"\0\0" + b"x" * 54},
        {"payload": b""},
    ],
    ids=str,
)
def test_what_is_no_reply_to_us_is_dropped(changes: dict[str, Any]) -> None:
    here = wire()
    assert here.reply(ip(answer(here.request(5)))) == 5
    assert here.reply(ip(answer(here.request(5), **changes))) is None


def test_a_shifted_sequence_breaks_the_checksum() -> None:
    here = wire()
    packet = bytearray(ip(answer(here.request(5))))
    packet[27] ^= 1
    assert here.reply(bytes(packet)) is None


@pytest.mark.parametrize("length", range(84))
def test_a_truncated_reply_is_dropped(length: int) -> None:
    here = wire()
    assert here.reply(ip(answer(here.request(5)))[:length]) is None


@given(data=st.binary(max_size=120), start=st.sampled_from([b"", b"E", b"O", b"@", b"\x03\x01", b"\x01\x00"]))
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("raw", [True, False])
def test_no_bytes_raise(family: int, raw: bool, data: bytes, start: bytes) -> None:
    here = wire(family, raw)
    assert here.reply(start + data) is None
    assert here.refusal(start + data, "127.0.0.1") is None


def error(kind: int, code: int, quoted: bytes) -> bytes:
    return struct.pack("!BBHI", kind, code, 0, 0) + quoted


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        (3, 1, "destination host unreachable, says 127.0.0.9"),
        (3, 13, "packet filtered, says 127.0.0.9"),
        (3, 77, "destination unreachable, bad code: 77, says 127.0.0.9"),
        (11, 0, "time to live exceeded, says 127.0.0.9"),
    ],
)
def test_an_unreachable_host_is_told_by_the_quoted_request(kind: int, code: int, reason: str) -> None:
    here = wire()
    quoted = ip(here.request(0x70005), "127.0.0.1", "127.1.0.1")[:28]  # a router needs to quote 8 bytes only
    assert here.refusal(ip(error(kind, code, quoted)), "127.0.0.9") == Refusal(5, "127.1.0.1", reason)
    assert here.reply(ip(error(kind, code, quoted))) is None


def test_an_unreachable_host_over_ipv6() -> None:
    here = wire(socket.AF_INET6)
    quoted = struct.pack("!IHBB", 6 << 28, 64, 58, 64) + bytes(16) + socket.inet_pton(socket.AF_INET6, "fd18::5")
    data = error(1, 3, quoted + here.request(5))
    assert here.refusal(data, "fd18::5") == Refusal(5, "fd18::5", "address unreachable")


@pytest.mark.parametrize(
    "data",
    [
        ip(error(5, 1, ip(wire().request(5))[:28])),
        ip(error(4, 0, ip(wire().request(5))[:28])),
        ip(error(3, 1, ip(wire().request(5))[:27])),
        ip(error(3, 1, ip(Wire(socket.AF_INET, True, IDENT + 1, TOKEN).request(5))[:28])),
        ip(error(3, 1, ip(answer(wire().request(5)))[:28])),
        ip(error(3, 1, ip(wire().request(5))[:28].replace(b"\x40\x01", b"\x40\x11", 1))),
    ],
    ids=["redirect", "source quench", "cut short", "another's", "about a reply", "about UDP"],
)
def test_other_errors_end_nothing(data: bytes) -> None:
    assert wire().refusal(data, "127.0.0.9") is None


@pytest.mark.parametrize(
    ("text", "family", "host"),
    [
        ("127.0.0.1", socket.AF_INET, "127.0.0.1"),
        ("::1", socket.AF_INET6, "::1"),
        ("0:0:0:0:0:0:0:1", socket.AF_INET6, "::1"),
        ("FD18::A", socket.AF_INET6, "fd18::a"),
        ("::ffff:127.0.0.5", socket.AF_INET, "127.0.0.5"),
        ("fe80::1%lo", socket.AF_INET6, "fe80::1"),
    ],
)
def test_addresses_are_read(text: str, family: int, host: str) -> None:
    aim = target(text)
    assert (aim.family, aim.host) == (family, host)
    if "%" in text:
        assert aim.sockaddr == (host, 0, 0, socket.if_nametoindex("lo"))


@pytest.mark.parametrize(
    "text", ["", "node1", "127.1", "1.2.3.4.5", "::1%no-such-link", "1\0", ":::", "127.0.0.1 ", "[::1]"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no IP address|no interface"):
        target(text)
