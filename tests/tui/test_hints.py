"""The line of keys: what it names first, and what never falls from it."""

from __future__ import annotations

import pytest

from gridtui.tui import hints as rules
from gridtui.tui.actions import BY_NAME, TITLES, of
from gridtui.tui.hints import LAST, fitting, hints
from gridtui.tui.keys import shown

SCREENS = [scope for scope in TITLES if any(action.name in ("back", "aside") for action in of(scope))]


def named(scope: str, cells: int) -> list[str]:
    needs = [(one, len(shown(one.key.split(",")[0])) + 3 + len(one.text)) for one in hints(scope)]  # type: ignore[arg-type]
    return [action.name for action in fitting(needs, cells)]


@pytest.mark.parametrize("scope", ["fleet", *SCREENS])
@pytest.mark.parametrize("cells", [40, 80, 120, 200])
def test_help_and_the_way_back_are_named_at_every_width(scope: str, cells: int) -> None:
    names = named(scope, cells)
    assert names[-1] == "help"
    assert scope == "fleet" or names[-2] in ("back", "aside")
    assert len(names) >= 3, "and what the screen is for"


def test_more_room_names_no_less() -> None:
    for scope in SCREENS:
        for cells in range(20, 200):
            assert len(named(scope, cells)) <= len(named(scope, cells + 40))


def test_the_order_names_actions_that_are_there_and_shown() -> None:
    for scope, first in rules._FIRST.items():
        for name in first:
            assert scope in BY_NAME[name].scopes, (scope, name)
            assert BY_NAME[name].footer, (scope, name)
            assert name not in LAST


def test_a_fleet_of_80_columns_names_what_acts() -> None:
    assert named("fleet", 80)[:5] == ["open", "filter", "mark", "exec", "shell"]


@pytest.mark.parametrize("key", ["x", "P", "b", "s", "J", "e", "R", "slash", "space", "o", "A", "t", "H"])
def test_a_key_of_a_verb_means_that_verb_on_every_screen_that_has_it(key: str) -> None:
    """One word a key, but for the few keys that mean two things on screens far apart."""
    words = {action.text for action in BY_NAME.values() if key in action.key.split(",")}
    assert words <= _MEANT[key], words


_MEANT = {
    "x": {"exec", "command"},  # on its own screen: another command
    "P": {"push", "form"},
    "b": {"playbooks", "batches"},
    "s": {"shell", "keep"},
    "J": {"jobs", "later"},
    "e": {"events"},
    "R": {"retry", "look again"},
    "slash": {"filter", "search"},
    "space": {"mark", "show"},
    "o": {"posture", "node"},
    "A": {"activity"},
    "t": {"theme"},
    "H": {"history"},
}
