"""The frame: what the controller writes to a node's probe loop and how an answer is cut out of the bytes that come back.

Owns the tick line, the marker lines, their limits and `Decoder`. Knows nothing of what a section means.

    controller  <script, one line>\\n            once, see `loop.script`
                <number> <tier>\\n               one tick
    node        @<nonce> begin <number> <tier> <clock>\\n
                ...the fast files...
                @<nonce> <section>\\n            any number of further sections
                ...text...
                @<nonce> end <number>\\n

A unit separator (0x1f) in an answer stands for a newline. The nonce is 32 hexadecimal digits, chosen by the controller for each channel, so that no banner, profile noise or look-alike text
on the node can be taken for a frame. `clock` is the node's wall clock (`date +%s.%N`, or `%s`), `-` where it was not read.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from ..errors import ProbeError

LIMIT = 256 * 1024
"""Bytes of one block, and of stray output between two blocks, above which a node's answer is refused."""

COMMAND = "exec /bin/sh -c 'IFS= read -r s; eval \"$s\"'"
"""The command to open on the channel. Means the same in sh, csh, tcsh, zsh and fish; the loop itself is the first line written."""

FAST_SECTION = "fast"
"""The name under which `Block.sections` keeps what stands between the header and the first further section."""

JOINT = b"\x1f"
"""Stands for a newline in a block: bash sends a whole block as one line."""

_HEADER = re.compile(rb"(\d{1,18}) ([a-z]{1,8}) (-|\d{1,11}(?:\.\d{1,9})?)\Z")
_NUMBER = re.compile(rb"\d{1,18}\Z")
_SECTION = re.compile(rb"[a-z][a-z0-9.]{0,31}\Z")
_LINE = 160  # a marker line after its nonce: number, tier and clock take at most 52 bytes
_SECTIONS = 64


class Tier(StrEnum):
    """What a tick asks for; the value is the word on the wire. Every tier has the fast part."""

    FAST = "fast"
    """cpu, load, memory, pressure, disk I/O, network I/O, uptime: one process on the node."""
    GPU = "gpu"
    """FAST and the GPUs."""
    SLOW = "slow"
    """Everything: file systems, temperatures, users, units, reboot, GPUs, clock."""


@dataclass(frozen=True, slots=True)
class Block:
    """One answer, cut out of the stream but not understood yet."""

    number: int
    tier: Tier
    sections: Mapping[str, bytes] = field(repr=False)
    """Section name to its text, without the last newline."""
    clock: float | None = None
    """The node's wall clock when it began to answer."""
    clock_step: float = 0.0
    """Resolution of `clock` in seconds: 1 where the node's `date` knows no fractions."""
    began: float = 0.0
    """The controller's wall clock when the header had come."""
    ended: float = 0.0
    """The controller's wall clock when the trailer had come."""
    size: int = 0
    """Bytes, markers included."""


def new_nonce() -> str:
    """A fresh nonce: 128 random bits as hexadecimal digits."""
    return secrets.token_hex(16)


def tick(tier: Tier, number: int) -> bytes:
    """The line that asks for a block."""
    return b"%d %s\n" % (number, tier.value.encode())


_TIERS = {tier.value.encode(): tier for tier in Tier}


class Decoder:
    """Cuts one channel's bytes into blocks, in memory bounded by `limit` (plus one `feed`).

    Stray output before, between and after frames is skipped. Raises ProbeError, and stays broken, on a damaged frame, on an
    answer that nobody asked for, and on output without end.
    """

    __slots__ = (
        "_answered",
        "_asked",
        "_began",
        "_begin",
        "_buffer",
        "_end",
        "_error",
        "_header",
        "_limit",
        "_mark",
        "_scanned",
        "_stray",
    )

    def __init__(self, nonce: str, limit: int = LIMIT) -> None:
        self._mark = b"@" + nonce.encode("ascii") + b" "
        self._begin = self._mark + b"begin "
        self._end = b"\n" + self._mark + b"end "
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0
        self._stray = 0
        self._header: tuple[int, Tier, float | None, float, int] | None = None
        self._began = 0.0
        self._asked = 0
        self._answered = 0
        self._error: str | None = None

    @property
    def waiting(self) -> int:
        """Ticks that have no answer yet."""
        return self._asked - self._answered

    @property
    def section(self) -> str | None:
        """The section that is on its way and has not ended: what hangs, when an answer is overdue. None between blocks."""
        if self._header is None:
            return None
        _, found, rest = bytes(self._buffer).rpartition(b"\n" + self._mark)
        name = rest.partition(b"\n")[0]
        return name.decode("ascii") if found and _SECTION.match(name) else FAST_SECTION

    def tick(self, tier: Tier) -> bytes:
        """The line that asks for the next block. Counted, so that only answers to ticks are taken, each once and in order."""
        self._asked += 1
        return tick(tier, self._asked)

    def feed(self, data: bytes, now: float | None = None) -> list[Block]:
        """Take what came over the channel at `now` (wall clock, default: this moment); give the blocks that it completes."""
        if self._error is not None:
            raise ProbeError(self._error)
        try:
            return self._feed(data, time.time() if now is None else now)
        except ProbeError as error:
            self._error = error.message
            self._buffer.clear()
            raise

    def _feed(self, data: bytes, now: float) -> list[Block]:
        buffer = self._buffer
        buffer += data.replace(JOINT, b"\n")
        blocks: list[Block] = []
        while True:
            if self._header is None and not self._find_header(now):
                break
            block = self._find_end(now)
            if block is None:
                break
            blocks.append(block)
        return blocks

    def _find_header(self, now: float) -> bool:
        buffer, begin = self._buffer, self._begin
        at = buffer.find(begin)
        if at < 0:
            spare = len(buffer) - len(begin) + 1
            if spare > 0:
                self._skip(spare)
            return False
        if at:
            self._skip(at)
        stop = buffer.find(b"\n", len(begin), len(begin) + _LINE)
        if stop < 0:
            if len(buffer) >= len(begin) + _LINE:
                raise ProbeError("the probe's answer is damaged: a header without end")
            return False
        match = _HEADER.match(buffer, len(begin), stop)
        if match is None or match[2] not in _TIERS:
            raise ProbeError("the probe's answer is damaged: a header that is none")
        number = int(match[1])
        if number != self._answered + 1 or number > self._asked:
            raise ProbeError("the probe answered out of turn")
        stamp = match[3]
        clock = None if stamp == b"-" else float(stamp)
        step = 0.0 if clock is None or b"." in stamp else 1.0
        self._header = (number, _TIERS[match[2]], clock, step, stop)
        self._began = now
        del buffer[:stop]  # the newline stays: it is part of every later marker
        self._scanned = 0
        self._stray = 0
        return True

    def _skip(self, count: int) -> None:
        self._stray += count
        if self._stray > self._limit:
            raise ProbeError(f"the node sent more than {self._limit} bytes that are no answer of the probe")
        del self._buffer[:count]

    def _find_end(self, now: float) -> Block | None:
        assert self._header is not None
        buffer, end = self._buffer, self._end
        at = buffer.find(end, self._scanned)
        size = at if at >= 0 else len(buffer)
        if size > self._limit:
            raise ProbeError(f"the probe's answer is longer than {self._limit} bytes")
        if at < 0:
            self._scanned = max(0, size - len(end) + 1)
            return None
        start = at + len(end)
        stop = buffer.find(b"\n", start, start + _LINE)
        if stop < 0:
            if len(buffer) >= start + _LINE:
                raise ProbeError("the probe's answer is damaged: a trailer without end")
            self._scanned = at
            return None
        number, tier, clock, step, above = self._header
        match = _NUMBER.match(buffer, start, stop)
        if match is None or int(match[0]) != number:
            raise ProbeError("the probe's answer is damaged: a trailer that does not match")
        sections = self._split(bytes(buffer[1:at]))
        del buffer[: stop + 1]
        self._header = None
        self._answered = number
        self._scanned = 0
        return Block(number, tier, sections, clock, step, self._began, now, above + stop + 1)

    def _split(self, body: bytes) -> Mapping[str, bytes]:
        if self._mark not in body:
            return MappingProxyType({FAST_SECTION: body})
        fast, *rest = (b"\n" + body).split(b"\n" + self._mark)
        sections = {FAST_SECTION: fast[1:]}
        if len(rest) > _SECTIONS:
            raise ProbeError("the probe's answer is damaged: too many sections")
        for piece in rest:
            name, _, text = piece.partition(b"\n")
            if _SECTION.match(name) is None:
                raise ProbeError("the probe's answer is damaged: a section without a name")
            if (key := name.decode("ascii")) in sections:
                raise ProbeError("the probe's answer is damaged: a section came twice")
            sections[key] = text
        return MappingProxyType(sections)
