"""How a node is kept, as lines of text with roles: score, findings, drift, what could not be checked. Owns their words; pure, knows no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..posture.model import Drift, Finding, Look, Port, Posture, Severity
from . import text
from .columns import Parts
from .states import GRADE_ROLES

GLYPHS: Mapping[Severity, str] = {Severity.HIGH: "◆", Severity.MEDIUM: "▲", Severity.LOW: "○"}
ROLES: Mapping[Severity, str] = {Severity.HIGH: "critical", Severity.MEDIUM: "warning", Severity.LOW: "text"}


def line(finding: Finding, cells: int) -> Parts:
    """A finding in the list: how bad, what is wrong, what mends it."""
    role = "dim" if finding.accepted else ROLES[finding.severity]
    word = "accepted" if finding.accepted else finding.severity.word
    mends = text.fit(f" → {finding.playbook}" if finding.playbook and not finding.accepted else "", 11)
    points = "" if cells < 50 else "     " if finding.accepted else f" {-finding.weight:>4}"
    room = cells - 11 - text.width(mends) - text.width(points)
    return (
        (text.fit(f"{GLYPHS[finding.severity]} {word}", 11), role),
        (text.fit(finding.title, room), "dim" if finding.accepted else "strong"),
        (points, "dim"),
        (mends, "accent"),
    )


def verdict(look: Look, now: float) -> list[Parts]:
    """`score 71 C`, how sure, when, what of it is bad; as chunks."""
    posture = look.posture
    chunks: list[Parts] = []
    if posture is not None:
        if posture.score is not None and posture.grade is not None:
            chunks.append((("score ", "dim"), (f"{posture.score} {posture.grade}", GRADE_ROLES[posture.grade])))
        else:
            chunks.append((("no score", "dim"),))
        found = posture.counted
        counts = {
            severity: sum(one.severity is severity for one in found) for severity in sorted(Severity, reverse=True)
        }
        chunks += [
            ((f"{GLYPHS[severity]} {count} {severity.word}", ROLES[severity]),)
            for severity, count in counts.items()
            if count
        ]
        if not found:
            chunks.append((("nothing is found", "ok"),))
        chunks.append(((f"{posture.confidence}% could be checked", "dim"),))
        if not posture.privileged:
            chunks.append((("not as root", "warning"),))
        chunks.append(((f"{text.age(now - posture.time)} ago", "dim"),))
        if look.drift is not None and look.drift.worse:
            chunks.append(((f"{len(look.drift.worse)} worse than before", "warning"),))
    if look.error:
        chunks.append(((text.plain(look.error), "warning"),))
    return chunks


def asked(count: int) -> str:
    """What is said when many nodes are asked."""
    return f"asking {count} node{'' if count == 1 else 's'} how they are kept"


def surveyed(looks: Sequence[Look]) -> str:
    """What asking many came to: `posture of 40 nodes: 12 with high findings, 2 did not answer`."""
    high = sum(look.posture is not None and look.posture.high > 0 for look in looks)
    silent = sum(bool(look.error) for look in looks)
    words = [f"{high} with high findings" if high else "no high finding"]
    words += [f"{silent} did not answer"] if silent else []
    return f"posture of {len(looks)} node{'' if len(looks) == 1 else 's'}: {', '.join(words)}"


def details(finding: Finding, cells: int) -> list[Parts]:
    """What was seen, and what mends it."""
    lines: list[Parts] = [((one, "text"),) for one in text.fold(text.plain(finding.seen), cells)]
    if finding.accepted:
        lines.append((("accepted: the inventory says that this is meant", "dim"),))
    if finding.playbook:
        lines.append((("mended by ", "dim"), (text.plain(finding.playbook), "accent")))
        lines += [
            ((f"  {text.plain(name)}: {text.plain(str(value))}", "dim"),) for name, value in finding.variables.items()
        ]
    elif finding.advice:
        lines += [((one, "accent"),) for one in text.fold(text.plain(finding.advice), cells)]
    lines.append((("id ", "faint"), (text.plain(finding.id), "faint")))
    return lines


def drift(look: Look, now: float, cells: int) -> list[Parts]:
    """What is another way than at the look before."""
    found: Drift | None = look.drift
    if look.posture is None:
        return []
    if found is None:
        return [(("there is no look before to compare with", "dim"),)]
    since = f"the look before was {text.age(now - found.before)} ago"
    if not found:
        return [((f"nothing; {since}", "dim"),)]
    lines: list[Parts] = [((since, "dim"),)]
    lines += [(("+ ", "critical"), (text.plain(one.title), "text")) for one in found.appeared]
    lines += [(("✔ ", "ok"), (text.plain(one.title), "text"), (" mended", "dim")) for one in found.mended]
    lines += [
        (("+ ", "warning" if one.world else "dim"), (f"{text.plain(str(one))} opened", "text")) for one in found.opened
    ]
    lines += [(("- ", "dim"), (f"{text.plain(str(one))} closed", "text")) for one in found.closed]
    for change in found.changed:
        first, *rest = text.fold(text.plain(str(change)), max(8, cells - 2)) or [""]
        lines += [(("~ ", "accent"), (first, "text")), *((("  " + part, "text"),) for part in rest)]
    return lines


def unknowns(posture: Posture, cells: int) -> list[Parts]:
    """What could not be checked, and why."""
    lines: list[Parts] = []
    for one in posture.unknowns:
        more = " (root could tell)" if one.permission and "root" not in one.why else ""
        words = f"{text.plain(one.title)}: {text.plain(one.why)}{more}"
        lines += [((part, "dim"),) for part in text.fold(words, cells)]
    return lines


def ports(posture: Posture, cells: int) -> list[Parts]:
    """What listens, the world's first."""
    if not isinstance(posture.ports, tuple):
        return [((text.plain(posture.ports.why) or "not known", "faint"),)]
    lines: list[Parts] = []
    seen: list[Port] = sorted(posture.ports, key=lambda one: (not one.world, one.protocol, one.port))
    for one in seen[:24]:
        words = f"{text.plain(str(one))}{f'  {text.plain(one.unit)}' if one.unit else ''}"
        lines.append(((text.fit(words, cells), "text" if one.world else "dim"),))
    return lines + ([((f"and {len(seen) - 24} more", "faint"),)] if len(seen) > 24 else [])
