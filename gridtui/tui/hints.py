"""Which keys the line at the bottom names, and in which order: what is needed most first, since what does not fit is left out. Pure.

The way back and the help are named wherever there is room for anything: whoever knows these two finds all others.
"""

from __future__ import annotations

from collections.abc import Sequence

from .actions import Action, Scope, of

LAST = ("back", "aside", "help")
"""Stand at the end, and never fall for others."""

_FIRST: dict[Scope, tuple[str, ...]] = {
    "fleet": ("open", "filter", "mark", "exec", "shell", "next_look", "alerts", "group", "column_right", "jobs"),
    "node": ("enlarge", "shell", "processes", "containers", "next_node", "alerts", "events", "jobs"),
    "alerts": ("open", "mark", "acknowledge", "silence", "maintain", "take_back", "shell"),
    "exec": ("unfold", "search", "command", "diff", "rerun", "mark_failed", "show_node", "shell"),
    "push": ("form", "rerun", "mark_failed", "show_node", "shell", "mark", "via"),
    "playbook": (
        "inspect",
        "carry_on",
        "rerun",
        "failures",
        "changes",
        "said",
        "mark_failed",
        "roll_back",
        "show_node",
    ),
    "playbooks": ("dry_run", "run_now", "mark_playbook", "variables", "batches", "undo", "runs"),
    "jobs": ("open_job", "narrow", "next_view", "cancel", "retry_job", "hold", "release", "show_node"),
    "job": ("search", "follow", "cancel", "retry_job", "why", "older_attempt", "show_node", "shell"),
    "activity": ("open_deed", "repeat", "rerun", "mark_failed", "next_view", "show_node", "shell"),
    "posture": ("mend", "look_again", "next_node"),
}


def hints(scope: Scope, among: Sequence[Action] | None = None) -> list[Action]:
    """What the line of a screen names, in its order; `among`: what of it is of use now."""
    known = [action for action in ([*of(scope), *of("app")] if among is None else among) if action.footer]
    first = {name: number for number, name in enumerate(_FIRST.get(scope, ()))}
    return sorted(known, key=lambda action: (action.name in LAST, first.get(action.name, len(first))))


def fitting(needs: Sequence[tuple[Action, int]], room: int) -> list[Action]:
    """Those that fit, each with the cells that it takes: the last ones before all others, else in order."""
    kept: dict[str, Action] = {}
    for action, need in reversed(needs):
        if action.name in LAST and need <= room:
            kept[action.name] = action
            room -= need
    for action, need in needs:
        if action.name not in LAST and need <= room:
            kept[action.name] = action
            room -= need
    return [action for action, _ in needs if action.name in kept]
