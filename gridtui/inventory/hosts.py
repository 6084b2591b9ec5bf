"""Host patterns of an inventory: `web[01:20].example.net:2222`. Owns ranges, ports and which names are fit for use.

Knows nothing of files, groups or variables. The semantics are Ansible's ("Adding ranges of hosts" in its inventory guide).
"""

from __future__ import annotations

import ipaddress
import re
import string

from ..model import clean

MOST = 200_000
"""Hosts that one pattern may stand for; more is a slip of the keyboard, not a fleet."""

_BRACKETED_PORT = re.compile(r"\[(.+)\]:([0-9]+)")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_RANGE = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_HEX_RANGE = re.compile(r"\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]", re.IGNORECASE)
_NAME = re.compile(r"[\w:][\w.:%+-]*")


class PatternError(ValueError):
    """A host pattern or name that cannot be used; the text says why."""


def expand(pattern: str) -> tuple[list[str], int | None]:
    """The host names that `pattern` stands for, in order, and the port in it. Raises PatternError.

    As in Ansible, a port is only taken when what is left looks like a host; a range that counts down is empty.
    """
    host, port = _split_port(pattern)
    if not (_HOST.fullmatch(host) or _is_ipv6(host)):
        host, port = pattern, None
    if port is not None and not 0 < port < 65536:
        raise PatternError(f"port {port} is not between 1 and 65535")
    return _ranges(host) if "[" in host else [host], port


def check(name: str) -> str:
    """`name`, if it may be used as a host's name. Raises PatternError.

    Names reach terminals, file names and the command lines of ssh and rsync, so they hold letters, digits and `. _ - : % +`,
    and do not begin with `-`.
    """
    if _NAME.fullmatch(name) and not any(char.isdigit() and not char.isascii() for char in name):
        return name
    shown = clean(name, 80)
    if not name:
        raise PatternError("a host's name is empty")
    if name[0] == "-":
        raise PatternError(f"host name `{shown}` begins with `-`: a program would take it for an option")
    if "=" in name:
        raise PatternError(f"`{shown}` is no host name; a host's variables stand after its name on the same line")
    bad = next(
        (char for char in name if not re.match(r"[\w.:%+-]", char) or (char.isdigit() and not char.isascii())), ""
    )
    what = f"`{bad}`" if bad.isprintable() and not bad.isspace() and bad else f"character U+{ord(bad or name[0]):04X}"
    raise PatternError(f"host name `{shown}` holds {what}; only letters, digits and . _ - : % + are safe")


def _split_port(pattern: str) -> tuple[str, int | None]:
    port: int | None = None
    for shape in (_BRACKETED_PORT, _PORT):
        if match := shape.fullmatch(pattern):
            pattern, port = match[1], int(match[2])
    return pattern, port


def _is_ipv6(host: str) -> bool:
    if ":" not in host:
        return False
    try:
        ipaddress.IPv6Address(_HEX_RANGE.sub("0", host))
    except ValueError:
        return False
    return "%" not in host


def _ranges(pattern: str) -> list[str]:
    head, rest = pattern.split("[", 1)
    if "]" not in rest:
        raise PatternError(f"`{clean(pattern, 80)}`: a bracket is not closed")
    inside, tail = rest.split("]", 1)
    tails = _ranges(tail) if "[" in tail else [tail]
    middles = _sequence(inside, pattern)
    if len(middles) * len(tails) > MOST:
        raise PatternError(f"`{clean(pattern, 80)}` stands for more than {MOST:,} hosts")
    return [f"{head}{middle}{tail}" for middle in middles for tail in tails]


def _sequence(inside: str, pattern: str) -> list[str]:
    shown = f"`[{clean(inside, 40)}]` in `{clean(pattern, 80)}`"
    bounds = inside.split(":")
    if len(bounds) not in (2, 3):
        raise PatternError(f"{shown} is no range: write [begin:end] or [begin:end:step]")
    begin, end = bounds[0] or "0", bounds[1]
    if not end:
        raise PatternError(f"{shown} has no end")
    try:
        step = int(bounds[2]) if len(bounds) == 3 else 1
    except ValueError:
        step = 0
    if step < 1:
        raise PatternError(f"{shown}: the step must be a whole number above 0")
    width = 0
    if begin[0] == "0" and len(begin) > 1:
        width = len(begin)
        if width != len(end):
            raise PatternError(f"{shown}: with leading zeros, begin and end must be equally long")
    letters = string.ascii_letters
    if len(begin) == len(end) == 1 and begin in letters and end in letters:
        if letters.index(begin) > letters.index(end):
            raise PatternError(f"{shown}: begin comes after end")
        return list(letters[letters.index(begin) : letters.index(end) + 1 : step])
    if not (begin.isascii() and begin.isdigit() and end.isascii() and end.isdigit() and len(begin + end) < 40):
        raise PatternError(f"{shown}: begin and end must both be numbers, or both single letters")
    numbers = range(int(begin), int(end) + 1, step)
    if len(numbers) > MOST:
        raise PatternError(f"{shown} stands for more than {MOST:,} hosts")
    return [str(number).zfill(width) for number in numbers]
