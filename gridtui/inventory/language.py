"""The selection language: `@render & gpu.mem>=8G ! state=down`. Owns its grammar, for `-w`, the filter and job requirements.

selection = operand { operator operand }      from left to right, all operators bind alike, as in ClusterShell
operator  = "," or   "&" and   "!" but not   "^" either, not both
operand   = node set | condition | "(" selection ")" | "!" operand (all but)
node set  = node[01-20] | web* | @group | @*
condition = field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~") value; a value with blanks or operators stands in quotes
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import SelectionError
from ..model import Status, clean
from . import fields, names
from .contents import Inventory
from .fields import Condition, Need, Test

LONGEST = 1 << 20
"""Characters in a selection: 5,000 names fit."""
DEEPEST = 50
"""Parentheses within parentheses."""

_CONDITION = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)\s*(!=|<=|>=|=|<|>|~)\s*")
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class _Names:
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class _Not:
    operand: _Operand


@dataclass(frozen=True, slots=True)
class _Chain:
    first: _Operand
    rest: tuple[tuple[str, _Operand], ...]


_Operand = _Names | Condition | _Not | _Chain
_Compiled = frozenset[str] | Test
_Bounds = tuple[frozenset[str], frozenset[str]]
"""The names that are selected whatever is measured, and those that may be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A parsed selection. It knows no inventory until it is bound to one."""

    text: str
    needs: frozenset[Need]
    """What must be known of nodes before it can be resolved."""
    _root: _Operand
    _leave: Selection | None = None

    def bind(self, inventory: Inventory) -> Matcher:
        """Look up names, groups and labels once. Raises SelectionError for those that there are not."""
        compiled = _compile(self._root, self.text, inventory)
        if self._leave is not None:
            leave = self._leave.bind(inventory)
            if isinstance(compiled, frozenset) and leave.static is not None:
                compiled = compiled - leave.static
            else:
                compiled = _pair(_test(compiled), "!", leave.matches)
        if isinstance(compiled, frozenset):
            return Matcher(inventory, compiled, None)
        return Matcher(inventory, None, compiled)

    def resolve(self, inventory: Inventory, status: Callable[[str], Status | None] = lambda _: None) -> list[str]:
        """The selected names, in the inventory's order. `status` gives what is known of a node now. Raises SelectionError."""
        return self.bind(inventory).names(status)

    def candidates(self, inventory: Inventory) -> list[str]:
        """The names that may be selected, whatever is measured: those to look at first. Raises SelectionError."""
        self.bind(inventory)
        names = self._bounds(inventory)[1]
        return [name for name in inventory.nodes if name in names]

    def but_not(self, leave: Selection) -> Selection:
        """This selection without what `leave` selects."""
        if self._leave is not None:
            raise ValueError("one selection can leave out one other")
        return Selection(self.text, self.needs | leave.needs, self._root, leave)

    def _bounds(self, inventory: Inventory) -> _Bounds:
        bounds = _bounds(self._root, self.text, inventory)
        return bounds if self._leave is None else _join("!", bounds, self._leave._bounds(inventory))


@dataclass(frozen=True, slots=True)
class Matcher:
    """A selection bound to an inventory: fast enough for 5,000 nodes at every keystroke (a few milliseconds)."""

    inventory: Inventory
    static: frozenset[str] | None
    """The selected names, when the selection asks for nothing that changes."""
    _test: Test | None

    def matches(self, name: str, status: Status | None) -> bool:
        """Whether a node is selected."""
        return name in self.static if self.static is not None else self._test is not None and self._test(name, status)

    def names(self, status: Callable[[str], Status | None]) -> list[str]:
        """The selected names, in the inventory's order."""
        if self.static is not None:
            return [name for name in self.inventory.nodes if name in self.static]
        test = self._test
        assert test is not None
        return [name for name in self.inventory.nodes if test(name, status(name))]


def select(text: str, inventory: Inventory | None = None) -> Selection:
    """Parse a selection; with an inventory, look up its names too. Raises SelectionError with the position of what is wrong."""
    if len(text) > LONGEST:
        raise SelectionError("the selection is too long", text=text[:200], position=0)
    if not text.strip():
        raise SelectionError("the selection is empty", text=text, position=0, hint="`@*` selects all nodes")
    parser = _Parser(text)
    root = parser.chain(0)
    if parser.position < len(text):
        raise parser.wrong("this `)` closes nothing")
    for condition in parser.conditions:
        fields.check(condition, text)
    parsed = Selection(
        text, frozenset(need for condition in parser.conditions for need in fields.needs(condition)), root
    )
    if inventory is not None:
        parsed.bind(inventory)
    return parsed


def selection(where: str, leave: str, inventory: Inventory | None = None) -> Selection:
    """What `-w` and `-x` say together; an option that was not given ('') selects all, or leaves out none. Raises SelectionError."""
    chosen = select(where or "@*", inventory)
    return chosen.but_not(select(leave, inventory)) if leave else chosen


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.conditions: list[Condition] = []

    def chain(self, depth: int) -> _Operand:
        first = self.operand(depth)
        rest: list[tuple[str, _Operand]] = []
        while self.skip() not in ("", ")"):
            char = self.text[self.position]
            if char not in ",&!^":
                raise self.wrong(
                    f"an operator is missing before `{clean(self.text[self.position :], 20)}`",
                    "`,` or, `&` and, `!` but not, `^` either",
                )
            self.position += 1
            rest.append((char, self.operand(depth)))
        return _Chain(first, tuple(rest)) if rest else first

    def operand(self, depth: int) -> _Operand:
        if depth > DEEPEST:
            raise self.wrong("parentheses are nested too deeply")
        char = self.skip()
        if char in ("", ")", ",", "&", "^"):
            raise self.wrong("a node set or a condition is missing here")
        if char == "!":
            self.position += 1
            return _Not(self.operand(depth + 1))
        if char == "(":
            start = self.position
            self.position += 1
            inner = self.chain(depth + 1)
            if self.skip() != ")":
                self.position = start
                raise self.wrong("this `(` is not closed")
            self.position += 1
            return inner
        if match := _CONDITION.match(self.text, self.position):
            start = self.position
            self.position = match.end()
            condition = Condition(match[1], match[2], self.value(), start)
            self.conditions.append(condition)
            return condition
        start = self.position
        if char in "\"'=<>~|;":
            raise self.wrong(f"`{char}` cannot begin a node set or a condition")
        return _Names(self.word(), start)

    def value(self) -> str:
        char = self.text[self.position : self.position + 1]
        if char and char in "\"'":
            end = self.text.find(char, self.position + 1)
            if end < 0:
                raise self.wrong("this quote is not closed")
            value = self.text[self.position + 1 : end]
            self.position = end + 1
            return value
        value = self.word()
        if not value:
            raise self.wrong("a value is missing here")
        return value

    def word(self) -> str:
        """Up to the next blank or operator outside brackets."""
        start, inside = self.position, False
        while self.position < len(self.text):
            char = self.text[self.position]
            if inside:
                inside = char != "]"
            elif char == "[":
                inside = True
            elif char.isspace() or char in ",&!^()":
                break
            self.position += 1
        if inside:
            self.position = self.text.index("[", start)
            raise self.wrong("this bracket is not closed")
        return self.text[start : self.position]

    def skip(self) -> str:
        """Pass over blanks; the character that comes then, or ''."""
        match = _BLANK.match(self.text, self.position)
        self.position = match.end() if match else self.position
        return self.text[self.position : self.position + 1]

    def wrong(self, message: str, hint: str = "") -> SelectionError:
        return SelectionError(message, text=self.text, position=self.position, hint=hint)


def _compile(operand: _Operand, text: str, inventory: Inventory) -> _Compiled:
    if isinstance(operand, _Names):
        return _look_up(operand, text, inventory)
    if isinstance(operand, Condition):
        if fields.is_live(operand.field):
            return fields.compile_live(operand, text)
        return fields.static(operand, text, inventory.nodes)
    if isinstance(operand, _Not):
        inner = _compile(operand.operand, text, inventory)
        if isinstance(inner, frozenset):
            return frozenset(inventory.nodes) - inner
        return lambda name, status: not inner(name, status)
    return _compile_chain(operand, text, inventory)


def _compile_chain(chain: _Chain, text: str, inventory: Inventory) -> _Compiled:
    """Sets as long as nothing live comes; from then on a list of steps, not closures in closures: chains may be long."""
    result = _compile(chain.first, text, inventory)
    gathered = set(result) if isinstance(result, frozenset) else set()
    steps: list[tuple[str, Test]] = []
    live = None if isinstance(result, frozenset) else result
    for op, operand in chain.rest:
        right = _compile(operand, text, inventory)
        if live is None and isinstance(right, frozenset):
            _UPDATE[op](gathered, right)
        else:
            live = _test(frozenset(gathered)) if live is None else live
            steps.append((op, _test(right)))
    if live is None:
        return frozenset(gathered)
    return _pair(live, *steps[0]) if len(steps) == 1 else _steps(live, steps)


_UPDATE: Mapping[str, Callable[[set[str], frozenset[str]], None]] = {
    ",": lambda left, right: left.update(right),
    "&": lambda left, right: left.intersection_update(right),
    "!": lambda left, right: left.difference_update(right),
    "^": lambda left, right: left.symmetric_difference_update(right),
}


def _bounds(operand: _Operand, text: str, inventory: Inventory) -> _Bounds:
    if isinstance(operand, _Not):
        lower, upper = _bounds(operand.operand, text, inventory)
        return frozenset(inventory.nodes) - upper, frozenset(inventory.nodes) - lower
    if isinstance(operand, _Chain):
        compiled = _compile(operand, text, inventory)
        if isinstance(compiled, frozenset):
            return compiled, compiled
        bounds = _bounds(operand.first, text, inventory)
        for op, right in operand.rest:
            bounds = _join(op, bounds, _bounds(right, text, inventory))
        return bounds
    compiled = _compile(operand, text, inventory)
    return (compiled, compiled) if isinstance(compiled, frozenset) else (frozenset(), frozenset(inventory.nodes))


def _join(op: str, left: _Bounds, right: _Bounds) -> _Bounds:
    (low, high), (right_low, right_high) = left, right
    if op == ",":
        return low | right_low, high | right_high
    if op == "&":
        return low & right_low, high & right_high
    if op == "!":
        return low - right_high, high - right_low
    return (low - right_high) | (right_low - high), (high | right_high) - (low & right_low)


def _pair(one: Test, op: str, two: Test) -> Test:
    if op == ",":
        return lambda name, status: one(name, status) or two(name, status)
    if op == "&":
        return lambda name, status: one(name, status) and two(name, status)
    if op == "!":
        return lambda name, status: one(name, status) and not two(name, status)
    return lambda name, status: one(name, status) is not two(name, status)


def _steps(first: Test, steps: Sequence[tuple[str, Test]]) -> Test:
    def test(name: str, status: Status | None) -> bool:
        chosen = first(name, status)
        for op, step in steps:
            if op == "^":
                chosen = chosen is not step(name, status)
            elif op == ",":
                chosen = chosen or step(name, status)
            elif chosen:
                chosen = step(name, status) is (op == "&")
        return chosen

    return test


def _test(compiled: _Compiled) -> Test:
    if isinstance(compiled, frozenset):
        chosen = compiled
        return lambda name, _: name in chosen
    return compiled


def _look_up(operand: _Names, text: str, inventory: Inventory) -> frozenset[str]:
    def wrong(message: str, hint: str = "") -> SelectionError:
        return SelectionError(message, text=text, position=operand.position, hint=hint)

    groups = operand.text.startswith("@")
    try:
        words = names.expand(operand.text[1:] if groups else operand.text)
    except names.NodeSetProblem as error:
        raise wrong(f"`{clean(operand.text, 60)}`: {error}") from None
    if groups and words == ["*"]:
        return frozenset(inventory.nodes)
    known = inventory.groups if groups else inventory.nodes
    found: set[str] = set()
    missing: list[str] = []
    for word in words:
        wild = "*" in word or "?" in word
        hits = fnmatch.filter(known, word) if wild else [word] if word in known else []
        if not hits:
            missing.append(word)
        elif groups:
            found.update(host for group in hits for host in inventory.groups[group])
        else:
            found.update(hits)
    if missing:
        sign, what = ("@", "group") if groups else ("", "node")
        near = difflib.get_close_matches(missing[0], known, 1) if len(missing) == 1 else []
        if not groups and missing[0] in inventory.groups:
            hint = f"there is a group of that name: @{missing[0]}"
        elif near:
            hint = f"did you mean {sign}{near[0]}?"
        elif not groups and any(missing[0] in name for name in inventory.nodes):
            hint = f"names with it in them are *{missing[0]}*"
        else:
            hint = "`gridtui inventory list` names all"
        if len(missing) == 1:
            raise wrong(f"`{sign}{clean(missing[0], 60)}` is no {what} of the inventory", hint)
        shown = clean(names.fold(missing), 80)
        raise wrong(f"`{sign}{shown}` are no {what}s of the inventory", hint)
    return frozenset(found)
