"""What intrusion detection says: bans, failed logins, changed files. Reads the file that the playbook `ids` has the node's root write.

Format, `/var/lib/gridtui/ids/status` (world readable, renamed into place; times are the node's own, in seconds since the epoch):

    schema=1                          this format
    time=1790000000                   when the file was written
    bans=2                            addresses that fail2ban keeps out now
    failed_logins=14                  failed logins within the last hour
    changed=3                         files that AIDE found added, removed or changed, the baseline itself included
    changed_time=1789990000           when AIDE looked
    baseline=ok                       ok, changed (it is not the one that was fetched to the controller), missing
    audit=running                     running, stopped, container (the kernel keeps audit from containers), none
    end=1                             the last line

What is not known is left out: a line is never a zero in its stead. Lines of other names are for later formats, and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, lines, malformed, marker

STATUS = "/var/lib/gridtui/ids/status"
_MOST = 32

_NOW = re.compile(rb"now ([0-9]{1,11})")
_LINE = re.compile(rb"([a-z_]{1,32})=([a-z0-9]{1,32})")
_COUNT = re.compile(rb"[0-9]{1,9}")
_TIME = re.compile(rb"[0-9]{1,11}")
_BASELINES = frozenset({b"ok", b"changed", b"missing"})
_AUDITS = frozenset({b"running", b"stopped", b"container", b"none"})


@dataclass(frozen=True, slots=True)
class Ids:
    """What a node's intrusion detection says; None is not known."""

    age: float
    """Seconds since the node's timer last wrote."""
    bans: int | None = None
    failed_logins: int | None = None
    """Within the hour before it wrote."""
    changed: int | None = None
    changed_age: float | None = None
    """Seconds since AIDE looked."""
    baseline: str = ""
    audit: str = ""


def parse(text: bytes) -> Ids | Unsupported:
    """`now SECONDS`, then the file's lines; nothing where there is no file."""
    if not text.strip():
        return Unsupported("no intrusion detection: the playbook `ids` sets it up")
    first, *rest = lines(text.rstrip(b"\n"), _MOST + 1)
    now = _NOW.fullmatch(first)
    if now is None:
        return malformed(first)
    known: dict[bytes, bytes] = {}
    for line in rest:
        match = _LINE.fullmatch(line)
        if match is None or match[1] in known:
            return malformed(line)
        known[match[1]] = match[2]
    if not rest or rest[0] != b"schema=1":
        return malformed(rest[0] if rest else first)
    if rest[-1] != b"end=1":
        return malformed(rest[-1])
    written = _number(known, b"time", _TIME)
    if written is None:
        return malformed("no time")
    looked = _number(known, b"changed_time", _TIME)
    here = int(now[1])
    return Ids(
        age=float(max(0, here - written)),
        bans=_number(known, b"bans", _COUNT),
        failed_logins=_number(known, b"failed_logins", _COUNT),
        changed=_number(known, b"changed", _COUNT),
        changed_age=None if looked is None else float(max(0, here - looked)),
        baseline=_word(known, b"baseline", _BASELINES),
        audit=_word(known, b"audit", _AUDITS),
    )


def _number(known: Mapping[bytes, bytes], name: bytes, pattern: re.Pattern[bytes]) -> int | None:
    text = known.get(name)
    if text is None:
        return None
    if not pattern.fullmatch(text):
        raise ValueError(f"{name.decode()}={text.decode()}")
    return int(text)


def _word(known: Mapping[bytes, bytes], name: bytes, words: frozenset[bytes]) -> str:
    text = known.get(name, b"")
    if text and text not in words:
        raise ValueError(f"{name.decode()}={text.decode()}")
    return text.decode("ascii")


def metrics(value: Ids) -> Mapping[str, float]:
    found = {
        "ids.age": value.age,
        "ids.bans": value.bans,
        "ids.failed_logins": value.failed_logins,
        "ids.changed": value.changed,
        "ids.changed.age": value.changed_age,
    }
    return {name: float(number) for name, number in found.items() if number is not None}


# $d is the clock that the header has. Without the file it costs the node no process.
_SHELL = f'{marker("ids")}; if [ -f {STATUS} ]; then echo "now ${{d%.*}}"; sed {_MOST + 1}q {STATUS}; fi'

PROBE = Probe("ids", Tier.SLOW, parse, metrics, sections=("ids",), fragment=_SHELL)
