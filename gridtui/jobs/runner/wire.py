"""The lines between us and the runner on a node. Owns their form; pure.

    controller  NUMBER VERB WORDS...\\n          a request; `x TEXT\\n` before a start is the element's own line
                =TEXT\\n or -TEXT\\n             after `text`: a whole line, or a piece of one
    node        @NONCE NUMBER WORDS...\\n        any number of answers to a request
                @NONCE NUMBER .\\n               its end
                @NONCE ! KEY STATE NAME=VALUE...\\n   what happened by itself
                ...                             base64 between `data` and the end of a `read`

The nonce is told over the channel, not on a command line, so that other users' processes cannot know it. No line of ours is longer than 4,096 bytes: up
to there (PIPE_BUF, pipe(7)) they stay whole between the lines that keepers write to the same pipe.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import ShellError
from ...model import clean
from ..model import Cause, Hours, Key, Level, Order, Phase, Report

LINE = 8192
"""Longest line that is taken."""
PIECE = 2000
"""Bytes of a text in one line."""
KEYS = 60
"""Keys in one request."""
STRAY = 64 << 10
"""Bytes that are no answer, in a row, after which the node is given up."""

_CAUSES = {cause.value: cause for cause in Cause}
_LEVELS = {level.word: level for level in Level}
_PHASES = {phase.value: phase for phase in Phase}
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_TIMES = re.compile(
    r"([0-9]{1,9})m([0-9]{1,2}(?:\.[0-9]{1,6})?)s,([0-9]{1,9})m([0-9]{1,2}(?:\.[0-9]{1,6})?)s", re.ASCII
)
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_HEAD = re.compile(rb"([0-9]{1,18}|!) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a node says of itself when the channel opens. Text is neutralised."""

    boot: str
    """Another one after each start of the node."""
    home: str
    """The folder of all of it there, absolute."""
    free: int | None = None
    """Bytes free there."""
    levels: str = ""
    """What the probe of the sandboxes printed; see `sandbox.parse`."""
    closed: str = ""
    """Why it takes no job: the owner's word."""
    idle_closed: str = ""
    """Why it takes no job that gives way."""
    fleeting: str = ""
    """Why jobs there end with our connection; empty where they outlive it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the node's. `number` is the request's, 0 for what came by itself."""

    number: int
    rest: bytes


class Lines:
    """Cuts what comes into lines, in bounded memory. Raises ShellError, and stays broken, on lines without end."""

    def __init__(self, nonce: str) -> None:
        self._mark = f"@{nonce} ".encode()
        self._buffer = bytearray()
        self._stray = 0

    def feed(self, data: bytes) -> Iterator[Said | bytes]:
        """Marked lines as `Said`, others as they are."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if line.startswith(self._mark) and len(line) <= LINE:
                if match := _HEAD.fullmatch(line[len(self._mark) :]):
                    self._stray = 0
                    yield Said(0 if match[1] == b"!" else int(match[1]), match[2])
                    continue
                raise ShellError("the runner's answer is damaged")
            yield line
            self._stray += len(line) + 1
            self._check()
        if len(self._buffer) > LINE:
            raise ShellError("the runner's answer is damaged: a line without end")

    def taken(self) -> None:
        """The last line was wanted, though it bears no mark."""
        self._stray = 0

    def _check(self) -> None:
        if self._stray > STRAY:
            raise ShellError("the node says much that is no answer of the runner")


def report(rest: bytes, node: str) -> Report | None:
    """`KEY STATE NAME=VALUE...` as a Report; None for what is none. Values that are not as they should be are left out."""
    words = rest.decode("utf-8", "replace").split(" ", 2)
    key = Key.parse(words[0])
    phase = _PHASES.get(words[1]) if len(words) > 1 else None
    if key is None or phase is None or phase is Phase.WAITING:
        return None
    text = words[2] if len(words) > 2 else ""
    if phase in (Phase.LOST, Phase.UNKNOWN):
        return Report(key, phase, node, why=clean(text, 300))
    head, _, why = text.partition("why=")
    values = dict(word.split("=", 1) for word in head.split(" ") if "=" in word)
    took = _number(values.get("took"))
    cause = _CAUSES.get(values.get("cause", "")) if phase is Phase.ENDED else None
    status = _number(values.get("exit")) if phase is Phase.ENDED else None
    if phase is Phase.ENDED and (cause is None or (cause is Cause.EXIT and status is None)):
        return Report(key, Phase.LOST, node, why="its report cannot be read")
    return Report(
        key,
        phase,
        node,
        exit=status if status is None or status < 256 else None,
        cause=cause,
        why=clean(why, 300).strip(),
        level=_LEVELS.get(values.get("level", "")),
        elapsed=None if took is None else took / 100,
        cpu=_cpu(values.get("cpu", "")),
        memory=_number(values.get("memory")),
        output=_number(values.get("wrote")) or 0,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _cpu(text: str) -> float | None:
    """Seconds, or what `times` prints of the children (XCU, times)."""
    if _SECONDS.fullmatch(text):
        return float(text)
    if match := _TIMES.fullmatch(text):
        return int(match[1]) * 60 + float(match[2]) + int(match[3]) * 60 + float(match[4])
    return None


def terms(order: Order, now: time.struct_time) -> str:
    """The words of a start that say how long, how much and how it gives way: hundredths of a second, bytes, thousandths."""
    spec = order.spec
    wall = "-" if spec.needs.wall is None else str(max(1, round(spec.needs.wall * 100)))
    grace, gives_way = 10, "-"
    if idle := spec.idle:
        grace = max(0, round(idle.grace))
        until = "-" if idle.hours is None else str(_left(idle.hours, now) * 100)
        times = f"{round(idle.freeze * 100)},{round(idle.evict * 100)},{until}"
        gives_way = f"{round(idle.after)},{round(idle.load * 1000)},{int(idle.battery)},{times}"
    return f"{wall} {grace} {spec.output_limit} {spec.needs.disk} {order.level.word} {gives_way}"


def _left(hours: Hours, now: time.struct_time) -> int:
    """Seconds until the span of the controller's day ends; 0 outside of it. What the node is told are durations."""
    minute = now.tm_hour * 60 + now.tm_min
    if not hours.holds(minute):
        return 0
    return ((hours.end - minute) % 1440 or 1440) * 60 - now.tm_sec


def text_lines(text: bytes) -> list[bytes]:
    """A text as the lines that follow a `text` request."""
    lines: list[bytes] = []
    *whole, last = text.split(b"\n")
    for index, line in enumerate([*whole, last]):
        while len(line) > PIECE:
            lines.append(b"-" + line[:PIECE])
            line = line[PIECE:]
        if index < len(whole):
            lines.append(b"=" + line)
        elif line:
            lines.append(b"-" + line)
    return lines


def chunks(keys: Sequence[Key]) -> Iterator[str]:
    """Keys as words of requests that are short enough."""
    for index in range(0, len(keys), KEYS):
        yield " ".join(map(str, keys[index : index + KEYS]))
