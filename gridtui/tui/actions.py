"""Every action of the dashboard, once: its name, key, words and screen. Bindings, footer, help and the command palette are made
from this table, and the settings file remaps keys by an action's name. Owns the table; does nothing itself: the screens do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Scope = Literal[
    "app",
    "fleet",
    "node",
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
    "help",
    "list",
    "map",
    "columns",
    "views",
    "compare",
    "prompt",
    "line",
    "muting",
    "secret",
    "confirm",
    "signals",
    "replay",
]
"""Where an action works: everywhere, on one screen, in any list that moves by lines, where a command is typed, or in a question."""


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is what the settings file calls it; the screen or widget of each scope has a method `action_<name>`."""

    name: str
    key: str
    """Default key; several are separated by commas."""
    text: str
    """A word or two, for the footer."""
    help: str
    """A line, for the help and the palette."""
    scopes: tuple[Scope, ...]
    footer: bool = False
    palette: bool = True
    priority: bool = False
    """Looked at before the focused widget hears the key."""
    changes: bool = False
    """May change a node, or what runs there: under `guard.read_only` it does nothing but say so."""


ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        "enter",
        "open",
        "Open the page of the node under the cursor",
        ("fleet", "events", "alerts", "compare"),
        footer=True,
    ),
    # First in line: else what is typed behind it (a slow link delivers it in one piece) goes where the focus was before.
    Action(
        "filter",
        "slash",
        "filter",
        "Show only the nodes that a selection names",
        ("fleet",),
        footer=True,
        priority=True,
    ),
    Action("clear", "escape", "clear", "Leave the filter and show all nodes", ("fleet",)),
    Action(
        "mark",
        "space",
        "mark",
        "Mark the node, or not, and go on; on a header, its group",
        ("fleet", "alerts", "exec", "push", "playbook", "activity", "jobs"),
        True,
    ),
    Action("mark_range", "M", "mark to here", "Mark all from the last mark to the cursor", ("fleet",)),
    Action("mark_all", "asterisk", "mark all", "Mark all nodes that are shown", ("fleet", "alerts")),
    Action(
        "invert_marks", "tilde", "invert", "Of what is shown, mark what is not, and the other way round", ("fleet",)
    ),
    Action(
        "mark_failed",
        "F",
        "mark failed",
        "Mark the nodes on which it did not end well, and no others",
        ("exec", "push", "playbook", "activity", "jobs"),
        footer=True,
    ),
    Action("clear_marks", "U", "no marks", "Take all marks away, also where they are not shown", ("fleet", "alerts")),
    Action("column_left", "less_than_sign", "sort left", "Sort by the shown column to the left", ("fleet", "node")),
    Action(
        "column_right",
        "greater_than_sign",
        "sort",
        "Sort by the shown column to the right",
        ("fleet", "node"),
        footer=True,
    ),
    Action("reverse", "r", "reverse", "Reverse the order", ("fleet", "node")),
    Action("problems", "0", "problems", "Sort problems first again", ("fleet",)),
    Action("group", "u", "group", "Group by inventory group, state or label, or not at all", ("fleet",), footer=True),
    Action("look_table", "1", "table", "Show the nodes as a table", ("fleet",)),
    Action("look_map", "2", "map", "Show every node as a tile, coloured by a metric", ("fleet",)),
    Action("look_board", "3", "board", "Show the round trips of every node over time", ("fleet",)),
    Action("next_look", "v", "look", "Take the next look: table, map, board", ("fleet",), footer=True),
    Action("next_metric", "m", "metric", "Show the next metric in the map and the board", ("fleet",)),
    Action("columns", "C", "columns", "Choose the columns of the table, and their order", ("fleet",)),
    Action("toggle_column", "space,enter", "show", "Show the column, or not", ("columns",), footer=True, palette=False),
    Action("earlier", "K", "earlier", "Move the column to the left", ("columns",), footer=True, palette=False),
    Action("later", "J", "later", "Move the column to the right", ("columns",), footer=True, palette=False),
    Action(
        "reset_columns",
        "r",
        "reset",
        "Take the columns of the settings again",
        ("columns",),
        footer=True,
        palette=False,
    ),
    Action("views", "V", "views", "Show the saved views; keep this one", ("fleet",)),
    Action("open_view", "enter", "open", "Show the view", ("views",), footer=True, palette=False),
    Action("save_view", "s", "keep", "Keep what is shown now under a name", ("views",), footer=True, palette=False),
    Action(
        "delete_view",
        "d,delete",
        "delete",
        "Delete the view; once more says that it is meant",
        ("views",),
        True,
        palette=False,
    ),
    Action(
        "fold", "z", "fold", "Fold the group, or unfold it, as Enter on its header", ("fleet", "alerts"), footer=True
    ),
    Action("fold_all", "Z", "fold all", "Fold all groups, or unfold them", ("fleet", "alerts")),
    Action("retry", "R", "retry", "Try to reach the node now, even after a refused login", ("fleet", "node", "alerts")),
    Action(
        "back",
        "escape,backspace",
        "back",
        "Go back",
        (
            "node",
            "events",
            "playbooks",
            "runs",
            "posture",
            "jobs",
            "job",
            "alerts",
            "activity",
            "help",
            "columns",
            "views",
            "compare",
        ),
        footer=True,
        palette=False,
    ),
    Action("compare", "equals_sign", "compare", "Compare the marked nodes, 2 to 6, on the same axes", ("fleet",)),
    Action("pick_left", "left,h", "node before", "Choose the node before", ("compare",), palette=False),
    Action("pick_right", "right,l", "next node", "Choose the next node", ("compare",), footer=True, palette=False),
    Action("drop", "d", "leave out", "Leave the chosen node out", ("compare",), footer=True),
    Action(
        "enlarge",
        "enter",
        "whole page",
        "Give the panel the whole page; there: open the line",
        ("node",),
        footer=True,
    ),
    Action("processes", "p", "processes", "Show the busiest processes, or hide them", ("node",), footer=True),
    Action(
        "containers",
        "c",
        "containers",
        "Ask for the containers of docker and podman, or hide them",
        ("node",),
        footer=True,
    ),
    Action("signal", "K", "signal", "Send the process under the cursor a signal", ("node",), footer=True, changes=True),
    Action("send", "enter", "send", "Choose the signal under the cursor", ("signals",), palette=False, changes=True),
    Action(
        "next_node",
        "right_square_bracket",
        "next",
        "Go to the next node of the table",
        ("node", "posture"),
        footer=True,
    ),
    Action(
        "previous_node", "left_square_bracket", "previous", "Go to the previous node of the table", ("node", "posture")
    ),
    Action("alarms", "a", "alarms only", "Show only what asks for attention, or everything", ("events",), footer=True),
    Action("up", "up,k", "up", "Go a line up", ("list",), palette=False),
    Action("down", "down,j", "down", "Go a line down", ("list",), palette=False),
    Action("left", "left,h", "left", "Go a node to the left", ("map",), palette=False),
    Action("right", "right,l", "right", "Go a node to the right", ("map",), palette=False),
    Action("page_up", "pageup,ctrl+b", "page up", "Go a page up", ("list",), palette=False),
    Action("page_down", "pagedown,ctrl+f", "page down", "Go a page down", ("list",), palette=False),
    Action("first", "home,g", "first", "Go to the first line", ("list",), palette=False),
    Action("last", "end,G", "last", "Go to the last line", ("list",), palette=False),
    Action("alerts", "a", "alerts", "Show what asks for somebody now", ("fleet", "node"), footer=True),
    Action(
        "acknowledge",
        "a",
        "acknowledge",
        "Somebody knows of the alerts, until they end",
        ("alerts",),
        footer=True,
        changes=True,
    ),
    Action("silence", "S", "silence", "No alerts from the nodes, for a while", ("alerts",), footer=True, changes=True),
    Action(
        "maintain",
        "m",
        "maintenance",
        "The nodes are worked on: no alerts, no jobs",
        ("alerts",),
        footer=True,
        changes=True,
    ),
    Action(
        "take_back", "T", "take back", "Take back what was said of the nodes", ("alerts",), footer=True, changes=True
    ),
    Action("longer", "down", "longer", "Take the next of the times", ("muting",), palette=False),
    Action("shorter", "up", "shorter", "Take the time before", ("muting",), palette=False),
    Action("unsaid", "escape", "leave it", "Say nothing", ("muting",), palette=False),
    Action("events", "e", "events", "Open the event log", ("fleet", "node", "alerts"), footer=True),
    Action(
        "exec",
        "x",
        "exec",
        "Run a command on the nodes that are marked, else shown",
        ("fleet", "node", "push", "playbook", "activity", "alerts"),
        footer=True,
        changes=True,
    ),
    Action(
        "push",
        "P",
        "push",
        "Send files to the nodes that are marked, else shown",
        ("fleet", "node", "exec", "playbook", "activity", "alerts"),
        footer=True,
        changes=True,
    ),
    Action(
        "playbooks",
        "b",
        "playbooks",
        "Run a playbook on the nodes that are marked, else shown",
        ("fleet", "node", "exec", "push", "playbook", "activity", "alerts"),
        footer=True,
    ),
    Action("posture", "o", "posture", "Show what is badly kept, and what mends it", ("fleet", "node"), footer=True),
    Action(
        "shell",
        "s",
        "shell",
        "Open a shell on the node, or on each that is marked",
        ("fleet", "node", "exec", "push", "playbook", "jobs", "job", "activity", "alerts"),
        footer=True,
        changes=True,
    ),
    Action("jobs", "J", "jobs", "Show the jobs: queue, running, done", ("fleet", "node"), footer=True),
    Action("survey", "O", "ask all", "Ask the marked nodes, else those shown, how they are kept", ("fleet",)),
    Action(
        "close",
        "escape",
        "stop, or back",
        "Stop what runs, again: at once; else go back",
        ("exec", "push", "playbook"),
        palette=False,
    ),
    Action("aside", "backspace", "aside", "Go back, and let it run on", ("exec", "push", "playbook"), footer=True),
    Action("dry_run", "enter", "dry run", "Show what it would change, and change nothing", ("playbooks",), footer=True),
    Action("run_now", "r", "run", "Run it without a dry run before", ("playbooks",), footer=True, changes=True),
    Action(
        "mark_playbook",
        "space",
        "mark",
        "Mark it: what is marked runs one after the other",
        ("playbooks",),
        footer=True,
    ),
    Action("undo", "u", "undo", "Take back what it did, or not", ("playbooks",), footer=True),
    Action("variables", "v", "variables", "Type extra variables", ("playbooks",), footer=True),
    Action("batches", "b", "batches", "Type the sizes of the batches", ("playbooks",), footer=True),
    Action("window", "w", "window", "Take the next time after which a node takes a change back", ("playbooks",)),
    Action("diffs", "d", "diffs", "Tell in a real run what differs, or not", ("playbooks",)),
    Action("password", "p", "sudo's password", "Ask for sudo's password once, or not", ("playbooks",)),
    Action("skip_matching", "m", "skip matching", "Leave out nodes that match already, or not", ("playbooks",)),
    Action("runs", "h", "runs", "Show the runs that were kept", ("playbooks", "playbook"), footer=True),
    Action("inspect", "enter", "what it did", "Show all that happened on the node", ("playbook",), footer=True),
    Action(
        "carry_on", "r", "run it", "Go on to the real run after a dry one", ("playbook",), footer=True, changes=True
    ),
    Action("failures", "f", "failures", "Show what failed, alike failures together", ("playbook",), footer=True),
    Action("changes", "d", "changes", "Show what changed, equal differences together", ("playbook",), footer=True),
    Action("said", "l", "log", "Show what was said", ("playbook",), footer=True),
    Action("next_part", "n", "next", "Go to the next change, failure or task below", ("playbook",), footer=True),
    Action("previous_part", "N", "previous", "Go to the one before", ("playbook",)),
    Action("roll_back", "U", "roll back", "Take back what this run changed", ("playbook",), footer=True, changes=True),
    Action("task_left", "left", "task before", "Choose the task before", ("playbook",), palette=False),
    Action("task_right", "right", "next task", "Choose the next task", ("playbook",), palette=False),
    Action("open_run", "enter", "open", "Open the run under the cursor", ("runs",), footer=True),
    Action("mend", "enter", "mend", "Open the playbook that mends it, a dry run first", ("posture",), footer=True),
    Action("look_again", "R", "look again", "Look at the node now", ("posture",), footer=True),
    Action("open_job", "enter", "open", "Open the array or the job under the cursor", ("jobs",), footer=True),
    # First in line, as `filter` is.
    Action(
        "narrow",
        "slash",
        "filter",
        "Show only the lines that have all of some words",
        ("jobs", "node"),
        footer=True,
        priority=True,
    ),
    Action("open_deed", "enter", "open", "Show it as it is, or was", ("activity",), footer=True),
    Action("repeat", "r", "again", "Do it again on the same nodes", ("activity",), footer=True, changes=True),
    Action("next_view", "v,right", "view", "Show the next tab", ("jobs", "activity"), footer=True),
    Action("previous_view", "V,left", "view before", "Show the tab before", ("jobs", "activity")),
    Action("cancel", "c", "cancel", "Cancel the job, or the whole array", ("jobs", "job"), footer=True, changes=True),
    Action(
        "retry_job",
        "R",
        "retry",
        "Queue again what failed, was lost or cancelled",
        ("jobs", "job"),
        footer=True,
        changes=True,
    ),
    Action(
        "hold",
        "h",
        "hold",
        "Hold the job: it does not start until it is released",
        ("jobs", "job"),
        footer=True,
        changes=True,
    ),
    Action("release", "r", "release", "Release what is held", ("jobs", "job"), footer=True, changes=True),
    Action("raise_priority", "plus", "first", "Give it a higher priority", ("jobs", "job"), footer=True, changes=True),
    Action("lower_priority", "minus", "last", "Give it a lower priority", ("jobs", "job"), changes=True),
    Action("why", "w", "why", "Ask again for every node why it is chosen or not", ("job",), footer=True),
    Action("follow", "f", "follow", "Follow the end of the output, or stay", ("job",), footer=True),
    Action("older_attempt", "left_square_bracket", "try before", "Show the attempt before", ("job",), footer=True),
    Action("newer_attempt", "right_square_bracket", "next try", "Show the attempt after", ("job",)),
    Action(
        "show_node",
        "o",
        "node",
        "Open the page of the line's node",
        ("exec", "push", "playbook", "jobs", "job", "activity"),
        footer=True,
    ),
    Action("drain", "D", "drain", "Give its node no more jobs, or jobs again", ("jobs", "job", "node"), changes=True),
    Action("command", "x", "command", "Type another command", ("exec",), footer=True, priority=True, changes=True),
    Action("form", "P", "form", "Say what goes where", ("push",), footer=True, priority=True, changes=True),
    Action("via", "f2", "via", "Send from here, or let the nodes pass it on", ("push",), footer=True),
    Action("sudo", "f2", "sudo", "Run as root through sudo, or not", ("exec",), footer=True),
    Action("timeout", "f3", "time-out", "Take the next time-out for each node, or none", ("exec",), footer=True),
    Action("older", "up", "older", "Take the command before", ("prompt", "line"), palette=False),
    Action("newer", "down", "newer", "Take the command after", ("prompt", "line"), palette=False),
    Action("complete", "tab", "complete", "Take the next thing that may come there", ("line",), palette=False),
    Action("complete_back", "shift+tab", "back", "Take the one before", ("line",), palette=False),
    # First in line, both: what was typed behind them is for the screen.
    Action("enter_line", "enter", "enter", "Do what is typed", ("line",), palette=False, priority=True),
    Action("leave_line", "escape", "leave", "Leave the line", ("line",), palette=False, priority=True),
    Action("unfold", "enter", "unfold", "Unfold a group into its nodes, or fold it", ("exec",), footer=True),
    Action("diff", "d", "diff", "Show what differs from the most common output", ("exec",), footer=True),
    Action(
        "rerun",
        "R",
        "retry",
        "Run it again where it did not end well, or gave something else",
        ("exec", "push", "playbook", "activity"),
        footer=True,
        changes=True,
    ),
    # First in line, as `filter` is.
    Action("search", "slash", "search", "Search in what is shown", ("exec", "job", "help"), footer=True, priority=True),
    Action("next_match", "n", "next", "Go to the next match", ("exec", "job")),
    Action("previous_match", "N", "previous", "Go to the match before", ("exec", "job")),
    Action("shift_right", "right", "right", "Move the output sideways to its end", ("exec", "job"), palette=False),
    Action("shift_left", "left", "left", "Move the output sideways to its beginning", ("exec", "job"), palette=False),
    # First in line, as `filter` is.
    Action("history", "H", "history", "Look at what was recorded, or live again", ("app",)),
    Action("play", "semicolon", "play", "Let the replay go on, or hold it", ("replay",)),
    Action("step_back", "comma", "step back", "Go a value back in the replay", ("replay",)),
    Action("step_on", "full_stop", "step", "Go on by one value in the replay", ("replay",)),
    Action("leap_back", "left_curly_bracket", "leap back", "Go 30 values back in the replay", ("replay",)),
    Action("leap_on", "right_curly_bracket", "leap", "Go on by 30 values in the replay", ("replay",)),
    Action("alarm_back", "left_parenthesis", "alarm before", "Go to the alarm before in the replay", ("replay",)),
    Action("alarm_on", "right_parenthesis", "next alarm", "Go to the next alarm of the replay", ("replay",)),
    Action("faster", "plus", "faster", "Let the replay go faster", ("replay",)),
    Action("slower", "minus", "slower", "Let the replay go slower", ("replay",)),
    Action("command_line", "colon", "command", "Type a command", ("app",), palette=False, priority=True),
    Action("trail_back", "alt+left", "back", "Go back by one part of the trail", ("app",), palette=False),
    Action("trail_forward", "alt+right", "forward", "Open again what was left last", ("app",), palette=False),
    Action("yes", "y", "yes", "Do it", ("confirm",), palette=False),
    Action("no", "n,escape", "no", "Leave it", ("confirm", "signals"), palette=False),
    Action("decline", "escape", "none", "Give no secret", ("secret",), palette=False),
    Action("activity", "A", "activity", "Show what runs now and what was done", ("app",), footer=True),
    Action("next_theme", "t", "theme", "Take the next theme", ("app",), footer=True),
    Action(
        "suspend",
        "ctrl+z",
        "suspend",
        "Go to the shell for a while; `fg` comes back",
        ("app",),
        palette=False,
        priority=True,
    ),
    Action("help", "question_mark", "help", "Show all keys", ("app",), footer=True),
    Action("command_palette", "ctrl+p", "palette", "Find any action or theme by name", ("app",), palette=False),
    Action("quit", "q", "quit", "Leave the dashboard", ("app",), footer=True),
    Action(
        "leave",
        "ctrl+c,ctrl+q",
        "leave",
        "Leave, also while typing; stop first what runs on the screen",
        ("app",),
        palette=False,
        priority=True,
    ),
)

BY_NAME = {action.name: action for action in ACTIONS}

TITLES: Mapping[Scope, str] = {
    "fleet": "Fleet",
    "node": "A node's page",
    "events": "Event log",
    "exec": "Exec",
    "push": "Push",
    "playbooks": "Playbooks",
    "playbook": "A playbook's run",
    "runs": "Runs that were kept",
    "posture": "Posture",
    "jobs": "Jobs",
    "job": "A job's page",
    "activity": "Activity",
    "alerts": "Alerts",
    "muting": "For how long, and why",
    "columns": "Columns of the table",
    "views": "Saved views",
    "compare": "Nodes compared",
    "prompt": "Where a command is typed",
    "line": "Where it is completed: `:` and `/`",
    "list": "Moving",
    "map": "Moving on the map",
    "confirm": "A question",
    "signals": "Which signal",
    "secret": "A secret that is asked for",
    "replay": "In a replay",
    "app": "Everywhere",
}
"""The headings of the help, in its order."""


def of(scope: Scope) -> list[Action]:
    """The actions of one scope, in the table's order."""
    return [action for action in ACTIONS if scope in action.scopes]


def bindings(scope: Scope) -> list[Binding]:
    """Textual's bindings for one scope. Each has its action's name as id, by which `App.set_keymap` remaps it."""
    return [
        Binding(action.key, action.name, action.text, id=action.name, priority=action.priority, show=False)
        for action in of(scope)
    ]
