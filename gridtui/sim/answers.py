"""The probe loop as a simulated node runs it: ticks in, framed blocks out. Imports the frame and the list of probes; knows no socket.

The script itself is never interpreted: its nonce is read, and which probes' fragments it holds. Sections come from `proc` and `tools`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from .. import probes
from . import proc, tools
from .machine import Machine

_SCRIPT = 1 << 18
"""Bytes of input without a newline that are put up with."""
_NONCE = re.compile(rb"[0-9a-f]{32}")
_TICK = re.compile(rb"(\d{1,18}) (fast|gpu|slow)")
_SEPARATOR = probes.SEPARATOR.decode()
_EFFORT = "/proc/self/stat"


class Loop:
    """One channel's probe loop: the script's line, then a block for each tick until the input ends."""

    alarm: float | None = None
    skips = True

    def __init__(self, machine: Machine, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.status: int | None = None
        self.complaint = b""
        self._machine = machine
        self._buffer = b""
        self._nonce = ""
        self._blocks = 0
        self._sections: dict[probes.Tier, tuple[str, ...]] = {}

    def hear(self, data: bytes) -> bytes:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > _SCRIPT:
            self.status, self._buffer = 2, b""
        said = []
        for line in lines:
            if not self._nonce:
                self._start(line)
            elif tick := _TICK.fullmatch(line):
                said.append(self._block(int(tick[1]), probes.Tier(tick[2].decode())))
        return "".join(said).encode()

    def ended(self) -> bytes:
        self.status = 0
        return b""

    def _start(self, script: bytes) -> None:
        nonce = _NONCE.search(script)
        if nonce is None:
            self.status, self.complaint = 2, b"sh: 1: Syntax error\n"
            return
        self._nonce = nonce[0].decode()
        text = script.decode("ascii", "replace")
        for tier in probes.Tier:
            self._sections[tier] = tuple(
                section
                for probe in probes.PROBES
                if probe.tier in _ASKED[tier] and probe.fragment and probe.fragment in text
                for section in probe.sections
            )

    def _block(self, number: int, tier: probes.Tier) -> str:
        machine, nonce = self._machine, self._nonce
        machine.advance(self._clock())
        self._blocks += 1
        clock = f"{machine.now:.9f}" if tier is probes.Tier.SLOW else "-"
        fast = _SEPARATOR.join(
            [
                proc.effort(machine, self._blocks) if path == _EFFORT else proc.FILES.get(path, proc.nothing)(machine)
                for path in probes.FAST_FILES
            ]
        )
        parts = [f"@{nonce} begin {number} {tier.value} {clock}\n{fast}"]
        if tier is not probes.Tier.FAST or self._blocks == 1:
            parts += [
                f"@{nonce} {section}\n{tools.SECTIONS.get(section, proc.nothing)(machine)}"
                for section in self._sections[tier]
            ]
        parts.append(f"@{nonce} end {number}\n")
        return "".join(parts)


_ASKED = {
    probes.Tier.FAST: (probes.Tier.FAST,),
    probes.Tier.GPU: (probes.Tier.FAST, probes.Tier.GPU),
    probes.Tier.SLOW: (probes.Tier.FAST, probes.Tier.GPU, probes.Tier.SLOW),
}
"""Which tiers' probes a tick of a tier carries."""
