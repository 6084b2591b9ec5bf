"""Alerts as lines of text with roles: those of now, what is behind a dead parent, what people said, what has ended. Owns the order and the words; pure, knows no widget."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from ..errors import UsageError
from ..events import Changed, Event
from ..health import mute_text, value_text
from ..health.alerts import Alert, Alerts
from ..metrics import METRICS
from ..model import Hush, Mute, State, Verdict
from . import text
from .columns import Parts
from .states import GLYPHS, HUSHES, ROLES, STATE_ROLES, WORDS, Kind
from .widgets.bars import Chunk

ENDED = 100
"""Alerts that have ended and are listed."""
SPANS = ("15m", "1h", "8h", "1d")
"""What is offered for a while."""

_KINDS = {State.CRITICAL: Kind.CRITICAL, State.WARNING: Kind.WARNING, State.UNKNOWN: Kind.UNKNOWN, State.OK: Kind.UP}


@dataclass(frozen=True, slots=True)
class Ended:
    """An alert that is none any more, because its node is well again."""

    verdict: Verdict
    """As it was before."""
    time: float

    @property
    def node(self) -> str:
        return self.verdict.node


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a part of the list that can be folded."""

    title: str
    count: int

    @property
    def key(self) -> str:
        """What folds it; no node has such a name."""
        return f"\n{self.title}"


@dataclass(frozen=True, slots=True)
class Behind:
    """A node that is down behind another one."""

    node: str
    parent: str


Row = Alert | Behind | Mute | Ended | Heading

QUIET, LATELY = "acknowledged, silenced or in maintenance", "ended lately"


def ended(events: Iterable[Event]) -> list[Ended]:
    """The alerts that have ended, the newest first. One that ended while nobody watched has ended when its node was found well."""
    found, last = [], dict[str, Verdict]()
    for event in events:
        if isinstance(event, Changed):
            before = event.before if event.before.known else last.get(event.node, event.before)
            if event.after.state is State.OK is not before.state and before.known and before.blamed is None:
                found.append(Ended(before, event.time))
            last[event.node] = event.after if event.after.known else before
    return found[: -ENDED - 1 : -1]


def rows(found: Alerts, said: Sequence[Mute], over: Sequence[Ended], opened: Set[str], folded: Set[str]) -> list[Row]:
    """All lines. `opened` are the parents whose nodes are shown, `folded` the keys of the headings whose part is not."""
    lines: list[Row] = _entries(found.loud, opened)
    ill = {alert.node for alert in (*found.loud, *found.quiet)}
    well = [mute for mute in said if mute.node not in ill]
    parts: Sequence[tuple[Heading, Sequence[Row]]] = (
        (Heading(QUIET, len(found.quiet) + len(well)), [*_entries(found.quiet, opened), *well]),
        (Heading(LATELY, len(over)), over),
    )
    for heading, part in parts:
        if heading.count:
            lines += [heading, *(part if heading.key not in folded else ())]
    return lines


def _entries(found: Iterable[Alert], opened: Set[str]) -> list[Row]:
    lines: list[Row] = []
    for alert in found:
        lines.append(alert)
        if alert.node in opened:
            lines += [Behind(name, alert.node) for name in alert.behind]
    return lines


def key(row: Row) -> tuple[type[Row], str, float]:
    """By which a line is known again when the list is another one."""
    if isinstance(row, Heading):
        return type(row), row.key, 0.0
    return type(row), row.node, row.time if isinstance(row, Ended) else 0.0


def summary(found: Alerts, said: Sequence[Mute], over: int) -> tuple[list[Chunk], list[Chunk]]:
    """What there is, in two lines: the alerts, and what is none."""
    # How many there are stands in the corner, as on every screen.
    first: list[Chunk] = [] if found.loud else [(("no alert", "strong"),)]
    kinds = Counter(_kind(alert.verdict) for alert in found.loud)
    first += [((f"{GLYPHS[kind]} {kinds[kind]} {WORDS[kind]}", ROLES[kind]),) for kind in Kind if kinds[kind]]
    if behind := sum(len(alert.behind) for alert in (*found.loud, *found.quiet)):
        first.append(((f"{GLYPHS[Kind.EXPLAINED]} {behind} {WORDS[Kind.EXPLAINED]}", "dim"),))
    counts = dict.fromkeys(Hush, 0)
    ill = {alert.node for alert in (*found.loud, *found.quiet)}
    for alert in found.quiet:
        counts[alert.verdict.mute.hush if alert.verdict.mute else Hush.MAINTENANCE] += 1
    for mute in said:
        counts[mute.hush] += mute.node not in ill
    second: list[Chunk] = [((f"{HUSHES[hush]} {number} {hush}", "dim"),) for hush, number in counts.items() if number]
    if over:
        second.append(((f"{over} {LATELY}", "dim"),))
    return first, second or [(("nothing is acknowledged, silenced or in maintenance", "faint"),)]


# ---- lines ----


def line(row: Row, name: int, now: float, cells: int, marked: bool = False, opened: bool = False) -> Parts:
    """A line of at most `cells` cells; names get `name` of them."""
    if isinstance(row, Heading):
        fold = "▾" if opened else "▸"
        return ((f"{fold} {row.title}  ", "title"), (str(row.count), "dim"))
    mark = ("• " if marked else "  ", "accent")
    if isinstance(row, Behind):
        return (
            (" " * (4 if cells < 60 else 2), "text"),
            mark,
            (f"{GLYPHS[Kind.EXPLAINED]} {text.fit(row.node, name)} ", "dim"),
            (f"behind {text.plain(row.parent)}", "faint"),
        )
    verdict = None if isinstance(row, Mute) else row.verdict
    loud = isinstance(row, Alert) and row.verdict.alert
    reasons = [] if verdict is None else [reason for reason in verdict.reasons if not reason.soft]
    role = _role(row.verdict) if isinstance(row, Alert) and loud else "dim"
    state = 2 if cells < 60 else 15  # with little room the shape alone
    parts: list[tuple[str, str]] = [
        mark,
        (text.window(text.fit(_state(row), 14) + " ", 0, state), role),
        (text.fit(row.node, name) + " ", "strong" if loud else "text"),
        *_times(_since(row), now, cells >= 100, "text" if loud else "dim"),
    ]
    if cells >= 76:
        rule = reasons[0].rule if reasons else ""
        parts.append((text.fit(rule, 10 if cells < 100 else 13) + " ", "accent" if loud else "dim"))
    if cells >= 100:
        value = _value(reasons[0].rule, reasons[0].value) if reasons else ""
        parts.append((text.fit(value, 9, right=True) + "  ", role))
    if isinstance(row, Mute):
        return (*parts, (f"well; {text.plain(mute_text(row, now))}", "dim"))
    if isinstance(row, Ended):
        parts.append((f"was {_plain_state(row.verdict)} for {text.age(row.time - row.verdict.since)}  ", "dim"))
    elif row.behind:
        fold, count = "▾" if opened else "▸", len(row.behind)
        parts.append((f"{fold} {count} node{'' if count == 1 else 's'} behind it  ", "accent" if loud else "dim"))
    if isinstance(row, Alert) and row.verdict.mute is not None:
        parts.append((f"{text.plain(mute_text(row.verdict.mute, now))}  ", "dim"))
    words = "; ".join(text.plain(reason.text) for reason in reasons) or "nothing is known of it"
    return (*parts, (words, "text" if loud else "faint"))


def details(row: Row, now: float) -> list[Chunk]:
    """The line under the cursor in words, for the detail line."""
    if isinstance(row, Heading):
        return []
    if isinstance(row, Behind):
        return [
            ((f"{GLYPHS[Kind.EXPLAINED]} ", "dim"), (text.plain(row.node), "strong")),
            ((f"is down behind {text.plain(row.parent)}: no alert of its own", "dim"),),
        ]
    if isinstance(row, Mute):
        return [((text.plain(row.node), "strong"),), ((text.plain(mute_text(row, now)), "text"),)]
    verdict = row.verdict
    role = _role(verdict)
    chunks: list[Chunk] = [((f"{GLYPHS[_kind(verdict)]} ", role), (text.plain(verdict.node), "strong"))]
    if isinstance(row, Ended):
        chunks.append(((f"well again since {_clock(row.time, now)}", "ok"),))
    if isinstance(row, Alert) and verdict.mute is not None:
        chunks.append(((text.plain(mute_text(verdict.mute, now)), "accent"),))
    for reason in verdict.reasons:
        value = f" ({_value(reason.rule, reason.value)})" if reason.value is not None else ""
        soft = ", not counted yet" if reason.soft else ""
        chunks.append(
            ((f"{text.plain(reason.text)}{value}{soft}", "dim" if reason.soft else STATE_ROLES[reason.state]),)
        )
    return chunks


def _times(when: float, now: float, wide: bool, role: str) -> Parts:
    clock = ((f"{text.fit(_clock(when, now), 11)} ", "dim"),) if wide else ()
    return (*clock, (text.fit(text.age(max(0.0, now - when)), 7, right=True) + "  ", role))


def _clock(when: float, now: float) -> str:
    then = time.localtime(when)
    return time.strftime("%H:%M:%S" if then[:3] == time.localtime(now)[:3] else "%m-%d %H:%M", then)


def _since(row: Alert | Mute | Ended) -> float:
    if isinstance(row, Alert):
        return row.since
    return row.since if isinstance(row, Mute) else row.time


def _state(row: Alert | Mute | Ended) -> str:
    if isinstance(row, Ended):
        return f"{GLYPHS[Kind.UP]} well again"
    mute = row if isinstance(row, Mute) else row.verdict.mute
    if mute is not None:
        return f"{HUSHES[mute.hush]} {mute.hush}"
    assert isinstance(row, Alert)
    if row.verdict.maintenance:
        return f"{HUSHES[Hush.MAINTENANCE]} {Hush.MAINTENANCE}"
    return f"{GLYPHS[_kind(row.verdict)]} {_plain_state(row.verdict)}"


def _plain_state(verdict: Verdict) -> str:
    return f"down: {verdict.layer}" if verdict.layer is not None else WORDS[_kind(verdict)]


def _kind(verdict: Verdict) -> Kind:
    return Kind.DOWN if verdict.layer is not None else _KINDS[verdict.state]


def _role(verdict: Verdict) -> str:
    return ROLES[_kind(verdict)]


def _value(rule: str, value: float | None) -> str:
    return "" if value is None or rule not in METRICS else value_text(rule, value)


# ---- what is typed ----

_SPAN = re.compile(r"\d[\d.]*[a-z][\d.a-z]*", re.IGNORECASE)


def typed(hush: Hush, words: str) -> tuple[float | None, str]:
    """Seconds and why: `1h new fans`. A silence needs a time; maintenance may go without; what is acknowledged has none. Raises UsageError."""
    from ..jobs.spec.amounts import positive_span

    words = words.strip()
    if hush is Hush.ACKNOWLEDGED:
        return None, words
    first, _, rest = words.partition(" ")
    if _SPAN.fullmatch(first):
        return positive_span(first), rest.strip()
    if hush is Hush.SILENCED:
        raise UsageError("for how long is it to be silent?", hint=f"e.g. {', '.join(SPANS)}")
    return None, words


def turned(hush: Hush, words: str, step: int) -> str:
    """What was typed, with the next of the times that are offered, or the one before."""
    if hush is Hush.ACKNOWLEDGED:
        return words
    offered = SPANS if hush is Hush.SILENCED else ("", *SPANS)
    first, _, rest = words.strip().partition(" ")
    if not _SPAN.fullmatch(first):
        first, rest = "", words.strip()
    at = (offered.index(first) + step) % len(offered) if first in offered else 0
    return f"{offered[at]} {rest}".lstrip()


VERBS: Mapping[Hush, str] = {
    Hush.ACKNOWLEDGED: "Acknowledge",
    Hush.SILENCED: "Silence",
    Hush.MAINTENANCE: "Maintenance of",
}


def preview(hush: Hush, words: str, now: float) -> Chunk:
    """What it would say; or what is wrong with it."""
    try:
        seconds, why = typed(hush, words)
    except UsageError as error:
        return ((str(error), "critical"),)
    until = None if seconds is None else now + seconds
    said = mute_text(Mute(hush, "", now, until, why=why), now)
    if hush is Hush.ACKNOWLEDGED:
        said += "" if why else ", until it ends or becomes worse"
    elif until is None:
        said += " until it is taken back"
    return ((text.plain(said), "accent"),)
