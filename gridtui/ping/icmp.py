"""One ICMP socket of one family: sends requests, matches replies, times them. Knows nothing of who asks, or when to ask next.

A reply counts when id, token, sequence and source address are those of a request still in flight. The round trip is the
kernel's time stamp of the arrival minus the wall clock right before sendto(2): what the event loop does meanwhile does
not matter. As the wall clock can be set meanwhile, the monotonic clock has the last word.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from ..model import PingMethod
from . import sockets
from .wheel import Wheel
from .wire import Target, Wire, reason

SLEPT: Final = "the controller slept"
"""The reason that comes with an echo of which nothing can be said: it was in flight while the controller slept."""

UNANSWERED: Final = "no answer"

_STEP: Final = 0.001
"""Seconds by which wall and monotonic clock may disagree over an echo before the wall clock counts as set."""

_BURST: Final = 64
"""Requests sent in a row before the replies are read: a quarter of what the usual receive buffer holds."""

_AGAIN: Final = frozenset((errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM))
"""The queue to the network is full for now; anything else is about this host."""


class Deliver(Protocol):
    """Gets an echo's end: its round trip in seconds, or None and why."""

    def __call__(self, key: Any, rtt: float | None, why: str, /) -> None: ...


Flight = tuple[int, str, int, float, float, Any, Deliver]
"""Sequence, host, wall clock in ns at the sending, monotonic clock, time-out, key, deliver."""


class Port:
    """Send with `launch`; every launch ends in one call of its `deliver`, never from within `launch`."""

    def __init__(self, family: int, method: PingMethod, loop: asyncio.AbstractEventLoop, wheel: Wheel) -> None:
        from icmplib.utils import unique_identifier  # 5 ms that a run without ICMP saves

        self._owner = sockets.open_socket(family, method)
        self._sock: socket.socket = self._owner.sock
        self._raw = method is PingMethod.RAW
        self._loop = loop
        self._wheel = wheel
        ident = unique_identifier() if self._raw else self._sock.getsockname()[1]
        self._wire = Wire(family, self._raw, ident, os.urandom(8))
        if self._raw:
            sockets.filter_raw(self._sock, family, ident)
        self._flights: dict[int, Flight] = {}
        """By the low half of the sequence."""
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._unread = 0
        self._draining = False
        self._reading = False
        self.full = 0
        """How often the queue to the network was full: a sweep slows down by it."""

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    @property
    def dropped(self) -> int:
        """Packets that found the receive buffer full."""
        return sockets.dropped(self._sock)

    def read_at_once(self, on: bool) -> None:
        """Whether arrivals wake the loop, or wait for the next `drain` (their time stamps do not mind)."""
        if on and not self._reading:
            self._loop.add_reader(self._sock, self.drain)
        elif not on and self._reading:
            self._loop.remove_reader(self._sock)
        self._reading = on

    def close(self) -> None:
        """Close the socket. What is in flight is never delivered."""
        self.read_at_once(False)
        self._flights.clear()
        self._owner.close()

    def launch(self, target: Target, timeout: float, key: Any, deliver: Deliver) -> None:
        """Send an echo request now."""
        self._launch(target, timeout, key, deliver, self._loop.time() + timeout)

    def _launch(self, target: Target, timeout: float, key: Any, deliver: Deliver, deadline: float) -> None:
        if self._unread >= _BURST:
            self.drain()
        flights = self._flights
        if len(flights) > 0xFF00:
            self._retry((target, timeout, key, deliver, deadline), "too many echoes in flight")
            return
        sequence = self._sequence + 1
        while sequence & 0xFFFF in flights:
            sequence += 1
        self._sequence = sequence = sequence & 0xFFFFFFFF
        packet = self._wire.request(sequence)
        low = sequence & 0xFFFF
        error = 0
        for _ in range(3):
            sent, clock = time.time_ns(), time.monotonic()
            try:
                self._sock.sendto(packet, target.sockaddr)
            except OSError as failure:
                error = failure.errno or errno.EIO
                # An unprivileged socket also reports here what became of another host's echo: that one is settled by
                # the error queue, and this one is tried again.
                if self._raw or error in _AGAIN or not self._read_errors():
                    break
            else:
                flight = (sequence, target.host, sent, clock, timeout, key, deliver)
                self._unread += 1
                flights[low] = flight
                self._wheel.add(clock + timeout, self._expire, low, flight)
                return
        if error in _AGAIN:
            self.full += 1
            self._retry((target, timeout, key, deliver, deadline), os.strerror(error))
        else:
            self._loop.call_soon(self._deliver, deliver, key, None, _refused_text(error))

    def _retry(self, waiting: tuple[Target, float, Any, Deliver, float], why: str) -> None:
        _, _, key, deliver, deadline = waiting
        now = self._loop.time()
        if now >= deadline:
            self._loop.call_soon(self._deliver, deliver, key, None, why)
        else:
            self._wheel.add(now, self._again, waiting, None)

    def _again(self, waiting: tuple[Target, float, Any, Deliver, float], _: None) -> None:
        self._launch(*waiting)

    def _expire(self, low: int, flight: Flight) -> None:
        if self._flights.get(low) is flight:
            del self._flights[low]
            self._deliver(flight[6], flight[5], None, UNANSWERED)

    def abandon(self) -> None:
        """End all that is in flight with `SLEPT`."""
        flights = list(self._flights.values())
        self._flights.clear()
        for flight in flights:
            self._deliver(flight[6], flight[5], None, SLEPT)

    def drain(self) -> None:
        """Read what has arrived. Bounded, so that a flood of packets cannot hold the loop."""
        if self._draining:
            return
        self._draining = True
        try:
            self._drain(4096)
        finally:
            self._draining = False
            self._unread = 0

    def _drain(self, limit: int) -> None:
        receive, parse, flights = self._sock.recvmsg, self._wire.reply, self._flights
        for _ in range(limit):
            try:
                data, ancillary, _, source = receive(2048, 128)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EBADF:
                    return  # closed by whom we delivered to
                if not self._raw:
                    self._read_errors()
                continue
            sequence = parse(data)
            if sequence is None:
                if self._raw and (refusal := self._wire.refusal(data, source[0])):
                    self._refuse(*refusal)
                continue
            low = sequence & 0xFFFF
            flight = flights.get(low)
            if flight is None or flight[0] != sequence or flight[1] != source[0]:
                continue  # a duplicate, too late, or not from whom we asked
            rtt = _trip(flight[2], flight[3], sockets.stamp(ancillary))
            if rtt <= flight[4]:
                del flights[low]
                self._deliver(flight[6], flight[5], rtt, "")

    def _read_errors(self) -> bool:
        """Read an unprivileged socket's error queue (ip(7), IP_RECVERR). Whether there was anything in it."""
        found = False
        for _ in range(256):
            try:
                data, ancillary, _, name = self._sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return found
            found = True
            for level, kind, extended in ancillary:
                ours = (socket.IPPROTO_IP, sockets.IP_RECVERR), (socket.IPPROTO_IPV6, sockets.IPV6_RECVERR)
                if (level, kind) not in ours or len(extended) < 16:
                    continue
                number, origin, icmp_type, icmp_code = struct.unpack_from("@IBBB", extended)
                if origin in (2, 3):  # SO_EE_ORIGIN_ICMP, _ICMP6: a router or the host says so
                    refusal = self._wire.quoted(data, name[0], icmp_type, icmp_code, _offender(extended[16:]))
                    if refusal:
                        self._refuse(*refusal)
                elif len(data) >= 8 and reason(self._wire.family, icmp_type, icmp_code) == "":
                    self._refuse(int.from_bytes(data[6:8], "big"), name[0], _refused_text(number))
        return found

    def _refuse(self, low: int, host: str, why: str) -> None:
        flight = self._flights.get(low)
        if flight is not None and flight[1] == host:
            del self._flights[low]
            self._deliver(flight[6], flight[5], None, why)

    def _deliver(self, deliver: Deliver, key: Any, rtt: float | None, why: str) -> None:
        guarded(self._loop, deliver, key, rtt, why)


def guarded(loop: asyncio.AbstractEventLoop, deliver: Callable[..., None], *arguments: Any) -> None:
    """Call back; an exception is the loop's to report and never stops the other echoes."""
    try:
        deliver(*arguments)
    except Exception as error:  # whatever a listener raises, the others must hear theirs
        loop.call_exception_handler({"message": f"on an echo's end, {deliver!r} raised", "exception": error})


def _trip(sent: int, clock: float, stamped: int | None) -> float:
    """The round trip in seconds from the sending (wall ns, monotonic s) to the arrival's stamp (wall ns).

    Never negative, and never more than has passed by the monotonic clock.
    """
    now, elapsed = time.time_ns(), time.monotonic() - clock
    if stamped is None or abs((now - sent) * 1e-9 - elapsed) > _STEP:
        return elapsed  # no stamp, or the wall clock was set while the echo was out
    rtt = (stamped - sent) * 1e-9
    return rtt if 0 < rtt <= elapsed + _STEP else elapsed


def _refused_text(number: int) -> str:
    text = os.strerror(number)
    if number in (errno.EPERM, errno.EACCES):
        return f"{text}: a firewall or route of this machine forbids it"
    return text[0].lower() + text[1:] + ", says this machine"


def _offender(sockaddr: bytes) -> str:
    """The address of who sent the ICMP error: a sockaddr behind the sock_extended_err (ip(7), SO_EE_OFFENDER)."""
    if len(sockaddr) >= 8 and sockaddr[:2] == struct.pack("@H", socket.AF_INET):
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if len(sockaddr) >= 24 and sockaddr[:2] == struct.pack("@H", socket.AF_INET6):
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return ""
