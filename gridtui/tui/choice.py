"""What can be run and how, as lines of text with roles; and what is typed for it, read strictly. Owns the words; pure, knows no widget."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

import yaml

from ..errors import UsageError
from ..playbooks import batches
from ..playbooks.model import BATCHES, Plan, Playbook
from ..playbooks.variables import read
from . import text
from .columns import Parts


def line(one: Playbook, turn: int, longest: int, cells: int) -> Parts:
    """A playbook in the list: its turn where it is marked, its name, what it may do, its title."""
    name = max(8, min(longest, cells // 3 if cells < 60 else 24))
    mark = f"{turn} " if turn else "  "
    signs = (("▲" if one.cuts else " ") + ("↶" if one.undoable else " ") + " ", "warning" if one.cuts else "dim")
    whose = "" if one.shipped else "own: "
    room = cells - 2 - name - 1 - 3
    parts: list[tuple[str, str]] = [(text.fit(mark, 2), "accent"), (text.fit(one.name, name) + " ", "strong"), signs]
    if room > 0:
        parts.append((text.fit(whose + one.title, room), "text"))
    return tuple(parts)


def about(one: Playbook, cells: int) -> list[Parts]:
    """What one does and may do."""
    lines: list[Parts] = [((text.plain(one.name), "strong"), ("" if one.shipped else "  your own", "accent"))]
    lines += [((part, "text"),) for part in text.fold(text.plain(one.title), cells) if part]
    if one.cuts:
        words = "▲ may cut the link: in batches, and a node takes it back unless it is confirmed"
        lines += [((part, "warning"),) for part in text.fold(words, cells)]
    if one.undoable:
        lines.append((("↶ can be undone", "ok"),))
    paragraphs = [part for part in one.description.splitlines() if part != one.title]
    if any(paragraphs):
        lines.append(())
        for paragraph in paragraphs:
            lines += [((part, "dim"),) for part in text.fold(text.plain(paragraph), cells)]
    lines += [(), *(((part, "faint"),) for part in text.fold(text.plain(str(one.path)), cells)), ()]
    return lines


def how(plan: Plan, key: Callable[[str], str], cells: int) -> list[Parts]:
    """How it would run: each option with its key and its value."""
    cuts = any(one.cuts for one in plan.playbooks)
    usual = f"{', '.join(BATCHES)}, as it may cut the link" if cuts else "all nodes at once"
    rows = (
        ("undo", "undo", "take back what it did" if plan.undo else "", "no"),
        ("variables", "variables", spelled(plan.extra), "none"),
        ("batches", "batches", ", ".join(plan.batches), usual),
        ("window", "window", f"{plan.window:g} s until a node takes it back" if cuts else "", "it cuts no link"),
        ("password", "sudo", "asks for its password once" if plan.become_password else "", "without a password"),
        ("diffs", "diffs", "" if plan.diff else "none in the real run", "tells what differs"),
        (
            "skip_matching",
            "matching",
            "leaves out nodes that match already" if plan.skip_matching else "",
            "runs there too",
        ),
    )
    lines: list[Parts] = []
    for action, name, value, otherwise in rows:
        words = text.plain(value) if value else otherwise
        first, *rest = text.fold(words, max(8, cells - 16)) or [""]
        role = "accent" if value else "dim"
        lines.append(((text.fit(key(action), 4), "key"), (text.fit(name, 11) + " ", "text"), (first, role)))
        lines += [((" " * 16, "text"), (part, role)) for part in rest]
    return lines


def variables(words: str) -> dict[str, object]:
    """`name=value other="two words"`; values are YAML scalars and lists. Raises UsageError."""
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise UsageError(f"the variables cannot be read: {str(error).lower()}") from None
    return read(parts)


def spelled(extra: Mapping[str, object]) -> str:
    """Variables as they are typed."""
    words = []
    for name, value in extra.items():
        # A document of one scalar ends with a line of its own: `...`.
        made = (
            value
            if isinstance(value, str) and _same(value)
            else yaml.safe_dump(value, default_flow_style=True, width=10**6)
        )
        words.append(f"{name}={shlex.quote(made.removesuffix('...' + chr(10)).strip()) if made else ''}")
    return " ".join(words)


def _same(value: str) -> bool:
    try:
        return bool(yaml.safe_load(value) == value)
    except yaml.YAMLError:
        return False


def sizes(words: str) -> tuple[str, ...]:
    """`1,10%,100%`, or nothing. Raises UsageError."""
    return batches.parse(words) if words.strip() else ()
