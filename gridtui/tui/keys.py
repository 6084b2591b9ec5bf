"""Keys as people write them and as Textual spells them, and the reader's own in the place of the registry's. Owns the spelling, and that no key
means two things on one screen; pure.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

from textual.keys import Keys

from ..errors import SettingsError
from .actions import ACTIONS, BY_NAME, Action, Scope


def keymap(keys: Mapping[str, str]) -> dict[str, str]:
    """The reader's own keys (`dashboard.keys`), checked, as `App.set_keymap` wants them. Raises SettingsError."""
    checked: dict[str, str] = {}
    for name, key in keys.items():
        where = f"dashboard.keys.{name}"
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, 1)
            raise SettingsError(f"{where}: there is no action `{name}`", hint=_hint(near))
        parts = [part.strip() for part in (key.split(",") if key != "," else ["comma"])]
        checked[name] = ",".join(_key(part, where) for part in parts)
    taken: dict[tuple[Scope, str], str] = {}
    for action in ACTIONS:
        for key in checked.get(action.name, action.key).split(","):
            for scope in _reach(action):
                other = taken.setdefault((scope, key), action.name)
                if other != action.name:
                    mine, theirs = (action.name, other) if action.name in checked else (other, action.name)
                    raise SettingsError(
                        f"dashboard.keys.{mine}: the key {shown(key)} already means `{theirs}`",
                        hint=f"give `{theirs}` another key too",
                    )
    return checked


def shown(key: str) -> str:
    """A key as people write it: `?`, `Enter`, `Ctrl+P`."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    if last in _SHOWN:
        last = _SHOWN[last]
    elif len(last) > 1:
        last = _character(last) or last.capitalize()
    elif modifiers:
        last = last.upper()
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])


_SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "backspace": "Bksp",
}
_MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")
_NAMED = frozenset(key.value for key in Keys if re.fullmatch(r"[a-z]+|f\d+", key.value))
_CHARACTERS = {
    re.sub(r"[^a-z0-9]+", "_", unicodedata.name(chr(code)).lower()): chr(code)
    for code in range(0x21, 0x7F)
    if not chr(code).isalnum()
}
# Textual calls these by shorter names than Unicode does.
_CHARACTERS |= {"slash": "/", "minus": "-", "plus": "+", "underscore": "_"}
_TEXTUAL = {"solidus": "slash", "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore"}


def _character(name: str) -> str:
    return _CHARACTERS.get(name, "")


def _key(key: str, where: str) -> str:
    """A key in Textual's own spelling: `/` and `slash` are `slash`. Raises SettingsError for what is no key."""
    if len(key) == 1 and key.isprintable() and not key.isspace():
        for name, char in _CHARACTERS.items():
            if char == key:
                return _TEXTUAL.get(name, name)
        return key
    *modifiers, last = key.split("+")
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            raise SettingsError(
                f"{where}: `{key}` is no key", hint=_hint(difflib.get_close_matches(modifier, _MODIFIERS, 1))
            )
    if len(last) == 1 or last in _NAMED or last in _CHARACTERS:
        return key
    raise SettingsError(
        f"{where}: `{key}` is no key", hint=_hint(difflib.get_close_matches(last, sorted(_NAMED | set(_CHARACTERS)), 1))
    )


def _hint(near: list[str]) -> str:
    return f"did you mean `{near[0]}`?" if near else "docs/DASHBOARD.md lists them"


_LISTS: frozenset[Scope] = frozenset(
    {
        "fleet",
        "node",
        "signals",
        "events",
        "exec",
        "push",
        "playbooks",
        "playbook",
        "runs",
        "posture",
        "jobs",
        "job",
        "activity",
        "alerts",
        "compare",
        "help",
        "views",
        "columns",
    }
)


def _reach(action: Action) -> set[Scope]:
    """The screens on which an action's key is heard. Lists are on all but a node's page and the help."""
    reach: set[Scope] = set()
    for scope in action.scopes:
        if scope == "app":
            reach |= {"help", *_LISTS}
        elif scope == "list":
            reach |= _LISTS
        elif scope == "map":
            reach.add("fleet")
        elif scope == "replay":
            reach |= {"fleet", "node", "events", "alerts", "compare", "help"}
        else:
            reach.add(scope)
    return reach
