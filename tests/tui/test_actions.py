"""The registry of actions, and keys from the settings file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.errors import SettingsError
from gridtui.tui import actions
from gridtui.tui import keys as keys_
from gridtui.tui.app import Dashboard
from gridtui.tui.columns import COLUMNS
from gridtui.tui.screens.activity import ActivityScreen
from gridtui.tui.screens.alerts import AlertsScreen
from gridtui.tui.screens.columns import ColumnsScreen
from gridtui.tui.screens.compare import CompareScreen
from gridtui.tui.screens.events import EventsScreen
from gridtui.tui.screens.exec import ExecScreen
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.help import HelpScreen
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.screens.muting import MuteScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.playbook import PlaybookScreen
from gridtui.tui.screens.playbooks import PlaybooksScreen
from gridtui.tui.screens.posture import PostureScreen
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.screens.runs import RunsScreen
from gridtui.tui.screens.signals import SignalScreen
from gridtui.tui.screens.transfer import TransferScreen
from gridtui.tui.screens.views import ViewsScreen
from gridtui.tui.widgets.completing import Completing
from gridtui.tui.widgets.heat import HeatMap
from gridtui.tui.widgets.lines import Lines
from gridtui.tui.widgets.prompt import Prompt

OWNERS = {
    "app": Dashboard,
    "fleet": FleetScreen,
    "node": NodeScreen,
    "events": EventsScreen,
    "help": HelpScreen,
    "list": Lines,
    "map": HeatMap,
    "columns": ColumnsScreen,
    "views": ViewsScreen,
    "compare": CompareScreen,
    "exec": ExecScreen,
    "push": TransferScreen,
    "playbooks": PlaybooksScreen,
    "playbook": PlaybookScreen,
    "runs": RunsScreen,
    "posture": PostureScreen,
    "jobs": JobsScreen,
    "job": JobScreen,
    "activity": ActivityScreen,
    "alerts": AlertsScreen,
    "muting": MuteScreen,
    "prompt": Prompt,
    "line": Completing,
    "confirm": ConfirmScreen,
    "secret": SecretScreen,
    "signals": SignalScreen,
    "replay": Dashboard,
}


def test_names_are_unique() -> None:
    assert len(actions.BY_NAME) == len(actions.ACTIONS)


def test_defaults_do_not_clash() -> None:
    assert keys_.keymap({}) == {}


@pytest.mark.parametrize("action", actions.ACTIONS, ids=lambda action: action.name)
def test_every_action_is_done_by_its_owner(action: actions.Action) -> None:
    for scope in action.scopes:
        assert hasattr(OWNERS[scope], f"action_{action.name}"), scope


@pytest.mark.parametrize("scope", OWNERS)
def test_bindings_carry_their_action_as_id(scope: actions.Scope) -> None:
    bound = {binding.id: binding.action for binding in actions.bindings(scope)}
    assert bound == {action.name: action.name for action in actions.of(scope)}


@pytest.mark.parametrize(
    ("keys", "map_"),
    [
        ({"quit": "ctrl+x"}, {"quit": "ctrl+x"}),
        ({"filter": "f, /"}, {"filter": "f,slash"}),
        ({"group": "comma", "step_back": "f9"}, {"group": "comma", "step_back": "f9"}),
        ({"group": ",", "step_back": "f9"}, {"group": "comma", "step_back": "f9"}),
        ({"help": "f1"}, {"help": "f1"}),
        ({"retry": "u", "group": "R"}, {"retry": "u", "group": "R"}),
        ({"alarms": "p"}, {"alarms": "p"}),  # `p` is another screen's
    ],
)
def test_keys(keys: dict[str, str], map_: dict[str, str]) -> None:
    assert keys_.keymap(keys) == map_


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"qiut": "x"}, "dashboard.keys.qiut: there is no action `qiut`; did you mean `quit`?"),
        ({"zzzz": "x"}, "dashboard.keys.zzzz: there is no action `zzzz`; docs/DASHBOARD.md lists them"),
        ({"quit": "contrl+x"}, "dashboard.keys.quit: `contrl+x` is no key; did you mean `ctrl`?"),
        ({"quit": "entr"}, "dashboard.keys.quit: `entr` is no key; did you mean `enter`?"),
        ({"quit": ""}, "dashboard.keys.quit: `` is no key; docs/DASHBOARD.md lists them"),
        ({"quit": "0"}, "dashboard.keys.quit: the key 0 already means `problems`; give `problems` another key too"),
        ({"up": "q"}, "dashboard.keys.up: the key q already means `quit`; give `quit` another key too"),
    ],
)
def test_bad_keys(keys: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        keys_.keymap(keys)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("question_mark", "?"),
        ("slash", "/"),
        ("ctrl+p", "Ctrl+P"),
        ("S", "S"),
        ("enter", "Enter"),
        ("pageup", "PgUp"),
        ("f5", "F5"),
    ],
)
def test_shown(key: str, shown: str) -> None:
    assert keys_.shown(key) == shown


def test_the_guide_lists_every_action_and_column() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "DASHBOARD.md").read_text()
    for action in actions.ACTIONS:
        if set(action.scopes) != {"help"}:
            keys = " ".join(f"`{keys_.shown(key)}`" for key in action.key.split(","))
            assert f"| {keys} | {action.name} | {action.help} |" in guide
    for column in COLUMNS:
        assert f"`{column.name}`" in guide
