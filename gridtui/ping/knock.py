"""Round trips where ICMP is not permitted: the time of a TCP handshake. Knows nothing of who asks, or when to ask next.

The handshake is left half open: with TCP_QUICKACK off Linux keeps the last ACK back, and closing with SO_LINGER of zero
sends RST in its place, so that the server's accept(2) never sees a connection. An sshd neither logs it, nor spends one of
its MaxStartups on it, nor counts it against this machine (PerSourcePenalties). The time is the kernel's own (TCP_INFO),
so the event loop does not matter. A refused connection is an answer too: the node is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import socket
import struct
import time
from collections import deque
from typing import Any, Final

from .icmp import SLEPT, UNANSWERED, Deliver, guarded
from .wheel import Wheel
from .wire import Target

_SYN_SENT: Final = 2
_RTT: Final = 68
"""Where struct tcp_info (<linux/tcp.h>) has tcpi_rtt, in microseconds."""

Knock = tuple[socket.socket, float, Any, Deliver]


class Knocker:
    """The same interface as `icmp.Port`. At most half of the process's open files are used; beyond, knocks wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wheel: Wheel) -> None:
        self._loop = loop
        self._wheel = wheel
        self._knocks: dict[int, Knock] = {}
        """By file descriptor."""
        self._waiting: deque[tuple[Target, int, float, Any, Deliver]] = deque()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._limit = max(1, min(4096, (soft if soft > 0 else 4096) // 2))
        self.full = 0

    @property
    def in_flight(self) -> int:
        return len(self._knocks) + len(self._waiting)

    @property
    def dropped(self) -> int:
        return 0

    def launch(self, target: Target, port: int, timeout: float, key: Any, deliver: Deliver) -> None:
        """Knock now, or as soon as a file descriptor is free."""
        if len(self._knocks) >= self._limit:
            self._waiting.append((target, port, timeout, key, deliver))
            return
        try:
            sock = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self._knocks:
                self.full += 1
                self._waiting.append((target, port, timeout, key, deliver))
            else:
                self._loop.call_soon(guarded, self._loop, deliver, key, None, os.strerror(error.errno or 0))
            return
        half_open(sock)
        sent = time.monotonic()
        status = sock.connect_ex((target.host, port, *target.sockaddr[2:]))
        if status in (0, errno.ECONNREFUSED):
            rtt = handshake(sock) if status == 0 else None
            sock.close()
            self._loop.call_soon(guarded, self._loop, deliver, key, rtt or time.monotonic() - sent, "")
        elif status == errno.EINPROGRESS:
            knock = (sock, sent, key, deliver)
            self._knocks[sock.fileno()] = knock
            self._loop.add_writer(sock, self._ended, knock)
            self._wheel.add(sent + timeout, self._expire, sock.fileno(), knock)
        else:
            sock.close()
            self._loop.call_soon(guarded, self._loop, deliver, key, None, os.strerror(status))

    def _ended(self, knock: Knock) -> None:
        sock, sent, key, deliver = knock
        elapsed = time.monotonic() - sent
        status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        rtt = handshake(sock) if status == 0 else None
        self._close(knock)
        if status in (0, errno.ECONNREFUSED):
            guarded(self._loop, deliver, key, rtt or elapsed, "")
        else:
            guarded(self._loop, deliver, key, None, os.strerror(status))
        self._next()

    def _expire(self, fileno: int, knock: Knock) -> None:
        if self._knocks.get(fileno) is knock:
            self._close(knock)
            guarded(self._loop, knock[3], knock[2], None, UNANSWERED)
            self._next()

    def _close(self, knock: Knock) -> None:
        sock = knock[0]
        self._loop.remove_writer(sock)
        del self._knocks[sock.fileno()]
        sock.close()

    def _next(self) -> None:
        while self._waiting and len(self._knocks) < self._limit:
            before = len(self._waiting)
            self.launch(*self._waiting.popleft())
            if len(self._waiting) >= before:
                return  # no file descriptor to be had, whatever our own count says

    def abandon(self) -> None:
        """End all that is in flight with `SLEPT`."""
        for knock in list(self._knocks.values()):
            self._close(knock)
            guarded(self._loop, knock[3], knock[2], None, SLEPT)
        waiting = list(self._waiting)
        self._waiting.clear()
        for *_, key, deliver in waiting:
            guarded(self._loop, deliver, key, None, SLEPT)

    def drain(self) -> None:
        """Nothing: the loop hears of each socket."""

    def read_at_once(self, on: bool) -> None:
        """Nothing: the loop hears of each socket."""

    def close(self) -> None:
        """Close all sockets. What is in flight is never delivered."""
        self._waiting.clear()
        for knock in list(self._knocks.values()):
            self._close(knock)


def half_open(sock: socket.socket) -> None:
    """Set a socket so that connecting and closing it leaves no connection behind (see the module's docstring)."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))


def handshake(sock: socket.socket) -> float | None:
    """Seconds from SYN to SYN-ACK as the kernel measured them (a SYN that was sent again has none: None)."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        (microseconds,) = struct.unpack_from("@I", info, _RTT)
    except (OSError, struct.error):
        return None
    return microseconds * 1e-6 if microseconds else None
