"""The command line's language: `:node render01`, `:filter @web & state=down`. Owns which words there are, how a line is read and how it is
completed; does nothing itself: a command is done by `command_<name>(words)`, or `action_<name>()` where it stands alone. Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import CommandError
from ..model import clean
from .actions import ACTIONS, Action
from .offers import MOST, Offer, Word, fitting, moved

Kind = Literal[
    "node",
    "selection",
    "column",
    "columns",
    "sort",
    "group",
    "look",
    "metric",
    "theme",
    "view",
    "job",
    "playbook",
    "span",
    "moment",
    "why",
    "run",
    "text",
]
"""What stands behind a command; of each kind the dashboard knows the words that there are, but of `text`."""

REST: frozenset[Kind] = frozenset({"selection", "moment", "why", "run", "text"})
"""Kinds that take all that follows, blanks too."""

OPEN: frozenset[Kind] = REST | {"span", "job"}
"""Kinds of which more can be said than the words that are offered."""


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is an action's, or a word of its own."""

    name: str
    help: str
    """A line: what it does."""
    args: tuple[Kind, ...] = ()
    least: int = 0
    """Words that it cannot do without."""
    kept: bool = True
    """Whether the history keeps it over a restart: what is run on nodes may hold what nobody else should read."""
    changes: bool = False
    """Whether it changes something on nodes."""


_OWN: tuple[Command, ...] = (
    Command("node", "Open the page of a node", ("node",), 1),
    Command("filter", "Show only the nodes that a selection names; alone: all", ("selection",)),
    Command("sort", "Sort by a column; with - before it the other way round", ("sort",), 1),
    Command("group", "Group by inventory group, state or a label; alone: by the next of them", ("group",)),
    Command("mark", "Mark what a selection names; alone: the node under the cursor", ("selection",)),
    Command("look", "Take another look at the fleet: table, map cpu, board rtt", ("look", "metric"), 1),
    Command("columns", "Show these columns of the table; alone: choose them", ("columns",)),
    Command("view", "Show a saved view", ("view",), 1),
    Command("save", "Keep what is shown as a view of this name", ("text",), 1),
    Command("compare", "Compare the nodes that a selection names; alone: the marked ones", ("selection",)),
    Command("theme", "Wear a theme", ("theme",), 1),
    Command("posture", "Show how a node is kept", ("node",)),
    Command("history", "Look at what was recorded, from a moment on: 2h, 14:30, 2026-11-22T14:30", ("moment",)),
    Command("job", "Open a job's page, or an array: 12, 12.3 or 12[]", ("job",), 1),
    Command("exec", "Run a command on the target nodes", ("run",), kept=False, changes=True),
    Command("push", "Send files to the target nodes: what, and last where to", ("text",), changes=True),
    Command("playbooks", "Choose a playbook for the target nodes", ("playbook",)),
    Command("shell", "Open a shell on each node that a selection names; alone: here", ("selection",), changes=True),
    Command("acknowledge", "Somebody knows of the alerts, until they end; with a word why", ("why",), changes=True),
    Command("silence", "No alerts for a while: `1h`, and a word why", ("span", "why"), changes=True),
    Command(
        "maintain", "The nodes are worked on: a time, if it is to end by itself, and why", ("span", "why"), changes=True
    ),
)
"""Commands with words behind them. Those of a name that an action has do its action when they stand alone."""

ALIASES: Mapping[str, str] = {
    "ack": "acknowledge",
    "q": "quit",
    "h": "help",
    "n": "node",
    "f": "filter",
    "j": "jobs",
    "x": "exec",
}
"""Short ways to write some."""

_SILENT: frozenset[str] = frozenset({"list", "prompt", "secret", "confirm", "help", "line"})
"""Places whose actions are keys alone."""


def _of(action: Action) -> Command:
    return Command(action.name, action.help, changes=action.changes)


def registry() -> Mapping[str, Command]:
    """Every command: views and verbs with words of their own, and every action by its name."""
    own = {command.name: command for command in _OWN}
    acting = {
        action.name: _of(action) for action in ACTIONS if action.palette and not _SILENT.issuperset(action.scopes)
    }
    return {**acting, **own}


COMMANDS: Mapping[str, Command] = registry()


@dataclass(frozen=True, slots=True)
class Call:
    """A line that was understood."""

    command: Command
    words: str
    """What follows the command; '' when it stands alone."""
    line: str
    position: int
    """Where the words begin in the line."""


Sources = Mapping[str, Callable[[], Iterable[Word]]]
"""The words of each kind, asked for when they are wanted."""
Selecting = Callable[[str], list[Offer]]
"""The completion of a selection."""


def parse(line: str, commands: Mapping[str, Command] = COMMANDS) -> Call:
    """Read a line. A command may be cut short while it is no other one's beginning. Raises CommandError."""
    start = len(line) - len(line.lstrip())
    words = line.strip().split(None, 1)
    if not words:
        raise CommandError("a command is missing here", text=line, position=start, hint="Tab shows what there is")
    command = named(words[0], commands)
    if command is None:
        raise _unknown(words[0], commands, line, start)
    rest = words[1] if len(words) > 1 else ""
    position = line.index(rest, start + len(words[0])) if rest else len(line)
    if rest and not command.args:
        raise CommandError(f"`{command.name}` takes nothing behind it", text=line, position=position, hint=command.help)
    if len(rest.split()) < command.least:
        wanted = command.args[min(len(rest.split()), len(command.args) - 1)]
        raise CommandError(
            f"`{command.name}` wants a {wanted}", text=line, position=position, hint="Tab shows what there is"
        )
    return Call(command, rest, line, position)


def named(word: str, commands: Mapping[str, Command]) -> Command | None:
    """The command that a word means: its name, a short way to write it, or the beginning of one name alone."""
    name = word.replace("-", "_")
    if name in commands:
        return commands[name]
    if (alias := ALIASES.get(word, "")) in commands:
        return commands[alias]
    begun = [command for command in commands.values() if command.name.startswith(name)]
    return begun[0] if len(begun) == 1 else None


def _unknown(word: str, commands: Mapping[str, Command], line: str, position: int) -> CommandError:
    name = word.replace("-", "_")
    shown = clean(word, 40)
    begun = sorted(command.name for command in commands.values() if command.name.startswith(name))
    if begun:
        return CommandError(
            f"`{shown}` may be {', '.join(begun[:6])}", text=line, position=position, hint="write one letter more"
        )
    elsewhere = COMMANDS.get(name)
    if elsewhere is not None:
        return CommandError(f"`{elsewhere.name}` does not work here", text=line, position=position, hint=elsewhere.help)
    near = difflib.get_close_matches(name, [*commands, *ALIASES], 1)
    hint = f"did you mean `{near[0]}`?" if near else "Tab shows what there is"
    return CommandError(f"there is no command `{shown}`", text=line, position=position, hint=hint)


def check(call: Call, sources: Sources) -> None:
    """Whether the words behind a command are there at all. Raises CommandError, with where and what is near."""
    at, line = call.position, call.line
    args = call.command.args
    for number, word in enumerate(call.words.split()):
        if REST.intersection(args[: number + 1]):
            return
        at = line.index(word, at)
        if number >= len(args):
            raise CommandError(f"`{clean(word, 40)}` is more than `{call.command.name}` takes", text=line, position=at)
        kind = args[number]
        source = sources.get("column" if kind == "columns" else kind) if kind not in OPEN else None
        for part in word.split(",") if kind == "columns" else [word]:
            if source is not None and part not in (known := [one for one, _ in source()]):
                near = difflib.get_close_matches(part, known, 1)
                what = "column" if kind in ("columns", "sort") else kind
                hint = f"did you mean `{near[0]}`?" if near else "Tab shows what there is"
                raise CommandError(
                    f"there is no {what} `{clean(part, 40)}`", text=line, position=line.index(part, at), hint=hint
                )
        at += len(word)


def complete(line: str, commands: Mapping[str, Command], sources: Sources, selecting: Selecting) -> list[Offer]:
    """What may come at the end of a line, best first. Never raises."""
    indent = line[: len(line) - len(line.lstrip())]
    word, blank, rest = line[len(indent) :].partition(" ")
    if not blank:
        found = fitting(word.replace("-", "_"), ((one.name, one.help) for one in commands.values()), MOST)
        return [_begun(indent, commands[name], about) for name, about in found]
    command = named(word, commands)
    if command is None or not command.args:
        return []
    before = f"{indent}{word} "
    whole = next((at for at, kind in enumerate(command.args) if kind in REST), len(command.args))
    *done, last = rest.split(" ")
    filled = [one for one in done if one]
    if len(filled) >= whole:
        if whole == len(command.args):
            return []
        # Behind the words before it, the last kind takes what is left, with its blanks.
        match = re.match(rf" *(?:[^ ]+ +){{{whole}}}", rest)
        head = match[0] if match is not None else ""
        return moved(_rest(command.args[whole], rest[len(head) :], sources, selecting), before + head)
    kind = command.args[len(filled)]
    before += "".join(f"{one} " for one in done)
    offers = _words(kind, last, sources)
    more = len(filled) + 1 < command.least
    return [replace(offer, ends=not more) for offer in moved(offers, before)]


def _begun(indent: str, command: Command, about: str) -> Offer:
    needs = command.least > 0
    return Offer(f"{indent}{command.name}{' ' if needs else ''}", command.name, about, not needs)


def _rest(kind: Kind, rest: str, sources: Sources, selecting: Selecting) -> list[Offer]:
    if kind == "selection":
        return selecting(rest)
    source = sources.get(kind)
    words = ((word, about) for word, about in source() if word.isprintable()) if source is not None else ()
    return [Offer(word, word, about) for word, about in fitting(rest, words)]


def _words(kind: Kind, typed: str, sources: Sources) -> list[Offer]:
    source = sources.get("column" if kind == "columns" else kind)
    if source is None:
        return []
    before = ""
    if kind == "columns":
        before, comma, typed = typed.rpartition(",")
        before += comma
    given = set(before.split(","))
    # What cannot be typed is not offered: a name with a blank, or with what no key gives.
    words = ((word, about) for word, about in source() if word not in given and word.isprintable() and " " not in word)
    return [Offer(before + word, word, about) for word, about in fitting(typed, words)]


def usage(command: Command) -> str:
    """`node NODE`, `filter [SELECTION]`: as the help writes it."""
    parts = [kind.upper() if at < command.least else f"[{kind.upper()}]" for at, kind in enumerate(command.args)]
    return " ".join([command.name, *parts])


def sections(commands: Iterable[Command]) -> list[Word]:
    """Commands as the help lists them."""
    return [(usage(command), command.help) for command in commands]
