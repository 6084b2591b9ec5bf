"""The line above the keys: what is under the cursor, in words. Pure, knows no widget."""

from __future__ import annotations

from ..model import Status
from . import text
from .arrange import Group
from .rows import silence
from .states import GLYPHS, ROLES, STATE_ROLES, WORDS, Kind, face
from .widgets.bars import Chunk


def node(status: Status, now: float) -> list[Chunk]:
    """Its state, since when, why, and else what it is."""
    seen, verdict = face(status), status.verdict
    chunks: list[Chunk] = [
        ((f"{seen.glyph} ", seen.role), (text.plain(status.node.name), "strong"), (f" {seen.word}", seen.role))
    ]
    if verdict.mute is not None:
        from ..health import mute_text  # the first paint does without

        chunks.append(((text.plain(mute_text(verdict.mute, now)), "accent"),))
    if seen.silent and (told := silence(status, seen, now)):
        chunks.append(((text.plain(told), "text"),))
    elif seen.kind is not Kind.UP and verdict.since:
        chunks.append(((f"for {text.age(now - verdict.since)}", "dim"),))
    if not seen.silent:
        chunks += [((text.plain(reason.text), STATE_ROLES[reason.state]),) for reason in verdict.reasons[:4]]
    if status.facts is not None and not verdict.reasons:
        facts = status.facts
        about = (facts.os_name, facts.kernel, f"{facts.cpus} CPUs" if facts.cpus else "", facts.cpu_model)
        chunks += [((text.plain(words), "dim"),) for words in about if words]
    return chunks


def group(one: Group, worst: Status | None, now: float) -> list[Chunk]:
    """How many nodes it has, in which states, and the worst of them."""
    number = sum(one.counts.values())
    chunks: list[Chunk] = [
        ((text.plain(one.title), "title"), (f"  {number} node{'' if number == 1 else 's'}", "text")),
        *(((f"{GLYPHS[kind]} {one.counts[kind]} {WORDS[kind]}", ROLES[kind]),) for kind in sorted(one.counts)),
    ]
    if worst is not None:
        first, *rest = node(worst, now)
        chunks += [(("worst: ", "dim"), *first), *rest]
    return chunks


def nothing(selection: str) -> list[Chunk]:
    """Why no node is shown."""
    words = f"no node matches {text.plain(selection)}" if selection else "the inventory has no nodes"
    return [((words, "dim"),)]
