"""Opens ICMP sockets and sets them up: buffers, kernel time stamps, filters. Knows nothing of requests in flight.

Sources: icmp(7), raw(7), socket(7), ip(7), packet filters as in the kernel's Documentation/networking/filter.rst.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import PingError
from ..model import PingMethod

BUFFER: Final = 8 << 20
"""Bytes of receive buffer asked for. A reply takes some 770 of them, so the usual limit of 208 kB holds but 270 replies."""

MEND: Final = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'
"""The command that permits unprivileged ICMP sockets (IPv6 as well) to all groups."""

# <asm-generic/socket.h>; Python has no names for these
_SO_TIMESTAMPNS_OLD: Final = 35
_SO_TIMESTAMPNS_NEW: Final = 64
_SO_RCVBUFFORCE: Final = 33
_SO_ATTACH_FILTER: Final = 26
_SO_MEMINFO: Final = 55
_SOL_RAW: Final = 255
_ICMP_FILTER: Final = 1  # <linux/icmp.h>
_ICMP6_FILTER: Final = 1  # <linux/icmpv6.h>
IP_RECVERR: Final = 11  # <linux/in.h>
IPV6_RECVERR: Final = 25  # <linux/in6.h>

_DROPS: Final = 8
"""Where SO_MEMINFO counts what found the receive buffer full (SK_MEMINFO_DROPS, <linux/sock_diag.h>)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How this system lets us ping. `why` is one line about why not in a better way, `mend` the command that changes it."""

    method: PingMethod
    why: str = ""
    mend: str = ""


def choose() -> Choice:
    """The best way there is: an unprivileged ICMP socket, a raw one, else TCP. Opens and closes a socket to find out."""
    if _permitted(PingMethod.ICMP):
        return Choice(PingMethod.ICMP)
    off = f"unprivileged ICMP sockets are not permitted to this group ({_group_range()})"
    if _permitted(PingMethod.RAW):
        return Choice(PingMethod.RAW, f"{off}, so raw ones are used; this permits them: {MEND}", MEND)
    return Choice(
        PingMethod.TCP,
        f"{off}, raw ones need root or CAP_NET_RAW, so TCP to the SSH port is timed instead; this permits ICMP: {MEND}",
        MEND,
    )


def _permitted(method: PingMethod) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(PingError):
            open_socket(family, method, setup=False).close()
            return True
    return False


def _group_range() -> str:
    try:
        low, high = Path("/proc/sys/net/ipv4/ping_group_range").read_text().split()
    except (OSError, ValueError):
        return "no net.ipv4.ping_group_range here"
    return f"net.ipv4.ping_group_range is {low} {high}, the group {os.getegid()}"


def open_socket(family: int, method: PingMethod, setup: bool = True) -> Any:
    """An icmplib socket (`.sock` is the real one), bound and non-blocking. Raises PingError when it is not permitted."""
    from icmplib import ICMPv4Socket, ICMPv6Socket  # 5 ms that a run without ICMP saves
    from icmplib.exceptions import ICMPSocketError, SocketPermissionError

    kind = ICMPv4Socket if family == socket.AF_INET else ICMPv6Socket
    name = f"{'IPv4' if family == socket.AF_INET else 'IPv6'} {'raw' if method is PingMethod.RAW else 'unprivileged'}"
    try:
        owner = kind(privileged=method is PingMethod.RAW)
    except SocketPermissionError:
        hint = "run as root, or give CAP_NET_RAW" if method is PingMethod.RAW else f"permit them: {MEND}"
        raise PingError(f"{name} ICMP sockets are not permitted here", hint=hint) from None
    except ICMPSocketError as error:
        raise PingError(f"{name} ICMP sockets do not work here: {error}") from None
    if setup:
        try:
            _set_up(owner.sock, family, method)
        except OSError as error:
            owner.close()
            raise PingError(f"{name} ICMP socket cannot be set up: {error.strerror}") from None
    return owner


def _set_up(sock: socket.socket, family: int, method: PingMethod) -> None:
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)  # beyond net.core.rmem_max, for CAP_NET_ADMIN
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    for stamps in (_SO_TIMESTAMPNS_NEW, _SO_TIMESTAMPNS_OLD):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, stamps, 1)
            break
    if method is PingMethod.ICMP:
        # A datagram socket hears of unreachable hosts only through its error queue.
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.bind(("0.0.0.0" if family == socket.AF_INET else "::", 0))  # noqa: S104 - the kernel picks the id: the port


def stamp(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The kernel's time of arrival in nanoseconds since the epoch, out of recvmsg's ancillary data; None without one."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET:
            if kind == _SO_TIMESTAMPNS_NEW and len(data) >= 16:
                seconds, nanoseconds = struct.unpack_from("@qq", data)
                return int(seconds * 1_000_000_000 + nanoseconds)
            if kind == _SO_TIMESTAMPNS_OLD and len(data) >= struct.calcsize("@ll"):
                seconds, nanoseconds = struct.unpack_from("@ll", data)
                return int(seconds * 1_000_000_000 + nanoseconds)
    return None


def dropped(sock: socket.socket) -> int:
    """How many packets found this socket's receive buffer full, since it was opened (0 where the kernel does not say)."""
    try:
        return int(struct.unpack_from("@I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 64), 4 * _DROPS)[0])
    except (OSError, struct.error):
        return 0


def filter_raw(sock: socket.socket, family: int, ident: int) -> None:
    """Let the kernel keep other programs' replies away from a raw socket: each raw socket sees all of the machine's.

    Only a saving, as every packet is examined again, so a kernel that refuses is fine.
    """
    with contextlib.suppress(OSError):
        if family == socket.AF_INET:
            # One bit a type, set for those to keep out: all but echo reply, unreachable and time exceeded.
            sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("@I", ~(1 << 0 | 1 << 3 | 1 << 11) & 0xFFFFFFFF))
        else:
            blocked = [0xFFFFFFFF] * 8
            for kind in (1, 3, 129):
                blocked[kind >> 5] &= ~(1 << (kind & 31))
            sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("@8I", *blocked))
    with contextlib.suppress(OSError):
        _attach(sock, _program(family, ident))


def _program(family: int, ident: int) -> list[tuple[int, int, int, int]]:
    """Echo replies with our id, and everything that is no echo reply (that was left through by its type)."""
    load_byte, load_half, index, jump_equal, give = 0x50, 0x48, 0xB1, 0x15, 0x06
    reply, start = (0, 1) if family == socket.AF_INET else (129, 0)
    head = [(index, 0, 0, 0)] if start else [(0x01, 0, 0, 0)]  # X: the length of the IP header, or 0
    return [
        *head,
        (load_byte, 0, 0, 0),  # [X + 0]: type
        (jump_equal, 0, 2, reply),
        (load_half, 0, 0, 4),  # [X + 4]: id
        (jump_equal, 0, 1, ident),
        (give, 0, 0, 0x40000),
        (give, 0, 0, 0),
    ]


def _attach(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = array.array("B", b"".join(struct.pack("@HBBI", *instruction) for instruction in program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), code.buffer_info()[0]))
