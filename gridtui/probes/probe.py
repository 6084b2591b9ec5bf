"""What a probe is: a name, a tier, text for the node's shell and a pure `parse`. Owns the record and strict number reading; no probe."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Unsupported, clean
from .frame import Tier

MALFORMED = "malformed"
"""How `Unsupported.why` begins where a node's text did not hold to its format."""

_MOST = 1 << 20  # above the limit of a block; parse is also called on files


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe. Either it names `files` (read by the one process of the fast section) or it has a `fragment` and `sections`."""

    name: str
    """Key in `Sample.parts`."""
    tier: Tier
    parse: Callable[..., Any]
    """Pure: the texts of `files` or `sections` in their order (bytes; b"" where absent) to a frozen value or `Unsupported`."""
    metrics: Callable[[Any], Mapping[str, float]]
    """Pure: a parsed value to its metrics. Rates and shares over time come from `reading` instead."""
    files: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    fragment: str = ""
    """One line of POSIX shell that emits all `sections`, each behind its marker. `$T` is a time limit, or empty; `$N` the nonce."""
    setup: str = ""
    """One line of POSIX shell, run once before the loop."""


def parsed(probe: Probe, *texts: bytes) -> Any:
    """The probe's value; whatever a hostile text does to `parse`, the outcome is a value."""
    try:
        return probe.parse(*texts)
    except (ValueError, IndexError, KeyError, OverflowError, ArithmeticError) as error:
        return malformed(str(error))


def malformed(what: str | bytes) -> Unsupported:
    """The value for text that does not hold to its format."""
    return Unsupported(f"{MALFORMED}: {clean(what.strip(), 60)}")


def marker(section: str) -> str:
    """Shell that begins a section."""
    return f'echo "@$N {section}"'


_DECIMAL = re.compile(rb"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


def decimal(text: bytes) -> float | None:
    """A plain decimal number, or None: no exponent, no infinity, no underscore, at most 15 digits before the point."""
    return float(text) if len(text) < 32 and _DECIMAL.fullmatch(text) else None


def lines(text: bytes, most: int) -> list[bytes]:
    """The first `most` lines."""
    return text[:_MOST].split(b"\n", most)[:most]
