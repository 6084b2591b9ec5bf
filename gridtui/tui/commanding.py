"""Commands that are typed: who does them, and what is known to complete them. Owns the way from a line to a screen's method."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.command import Provider
from textual.screen import Screen
from textual.widgets import Input

from ..errors import CommandError, SelectionError, UsageError
from ..model import clean
from . import columns, commands, themes
from .arrange import group_keys
from .commands import COMMANDS, Call, Command, Sources
from .known import Known
from .muting import Hushing
from .offers import Offer, Word
from .screens.place import Place
from .selecting import complete
from .typed import Typed
from .views import LOOKS, Views, told
from .widgets.lines import Parts

if TYPE_CHECKING:
    from .bridge import Bridge
    from .keeping import Keeping
    from .screens.fleet import FleetScreen
    from .screens.transfer import TransferScreen

Doer = Callable[[], object]

SPANS: tuple[Word, ...] = (("15m", "a quarter of an hour"), ("1h", "an hour"), ("8h", "a day's work"), ("1d", "a day"))
"""Times that are offered."""


def split(words: str) -> list[str]:
    """Words as a shell reads them. Raises UsageError."""
    try:
        return shlex.split(words)
    except ValueError as error:
        raise UsageError(f"the words cannot be read: {str(error).lower()}") from None


def _findings() -> type[Provider]:
    """What the palette finds beside actions and themes: loaded with it."""
    from .screens.palette import Findings

    return Findings


class Commanding(Hushing):
    """The dashboard's part that takes commands."""

    COMMANDS = {*App.COMMANDS, _findings}  # noqa: RUF012 - declared so by Textual
    bridge: Bridge
    keeping: Keeping
    fleet_screen: FleetScreen
    views: Views

    @cached_property
    def known(self) -> Known:
        """What selections can name here."""
        return Known(self.fleet.nodes, self.bridge.status)

    def typed(self, line: str) -> Typed:
        """What was typed before in the lines of a kind, also in earlier sessions."""
        if line not in self._typed:
            kept = self.keeping.get("typed").get(line)

            def keep(lines: list[str]) -> None:
                self.keeping.put("typed", {**self.keeping.get("typed"), line: lines})

            self._typed[line] = Typed(kept if isinstance(kept, list) else (), keep)
        return self._typed[line]

    @cached_property
    def _typed(self) -> dict[str, Typed]:
        return {}

    # ---- which there are ----

    def _owners(self, screen: Screen[Any]) -> list[object]:
        """Who is asked to do a command: the screen, the app, and the fleet's screen, which is gone back to."""
        mine: list[Screen[Any]] = [screen] if isinstance(screen, Place) else []
        return [*mine, self, *([self.fleet_screen] if self.fleet_screen not in mine else [])]

    def _owner(self, command: Command, words: bool, screen: Screen[Any] | None = None) -> tuple[object, str] | None:
        """Who does a command, and by which method; with words behind it only what takes some."""
        names = [f"command_{command.name}"] if words else [f"action_{command.name}"]
        for owner in self._owners(screen or self.screen):
            for name in names:
                if hasattr(owner, name):
                    return owner, name
        return None

    @property
    def commands(self) -> Mapping[str, Command]:
        """What can be done from here."""
        return self.commands_of(self.screen)

    def commands_of(self, screen: Screen[Any]) -> Mapping[str, Command]:
        """What can be done from a screen."""
        return {
            name: command
            for name, command in COMMANDS.items()
            if (command.args and self._owner(command, True, screen))
            or (not command.least and self._owner(command, False, screen))
        }

    def offers(self, line: str) -> list[Offer]:
        """What may come at the end of a command."""
        return commands.complete(line, self.commands, self._sources, self.selection_offers)

    def selection_offers(self, text: str) -> list[Offer]:
        """What may come at the end of a selection."""
        return complete(text, self.known)

    @cached_property
    def _sources(self) -> Sources:
        return {
            "node": lambda: ((name, clean(node.address, 60)) for name, node in self.fleet.nodes.items()),
            "sort": lambda: [
                ("problems", "worst first"),
                *((name, f"by {name}") for name in columns.SORTS[1:]),
                *((f"-{name}", "the other way round") for name in columns.SORTS),
            ],
            "column": lambda: [(column.name, column.title) for column in columns.COLUMNS],
            "group": self._groups,
            "theme": self._themes,
            "look": lambda: [(look, "") for look in LOOKS],
            "metric": self._metrics,
            "view": lambda: ((name, told(view)) for name, view in self.views.all().items()),
            "playbook": self._playbooks,
            "span": lambda: SPANS,
            "moment": lambda: ((span, f"{about} ago") for span, about in (*SPANS, ("7d", "a week"))),
            "why": self._reasons,
            "run": lambda: ((words, "") for words in reversed(self.ledger.commands())),
        }

    def _groups(self) -> Iterable[Word]:
        keys = group_keys(self.fleet.nodes.values())
        labels = ((key.removeprefix("label:"), "a label") for key in keys if key.startswith("label:"))
        return [("none", "not at all"), *((key, "") for key in keys if key and ":" not in key), *labels]

    def _playbooks(self) -> Iterable[Word]:
        return [(one.name, clean(one.title, 80)) for one in self.fleet.playbooks().playbooks.values()]

    def _reasons(self) -> Iterable[Word]:
        """What was said before of alerts that somebody knows of."""
        return dict.fromkeys((one.why, "said before") for one in self.fleet.mutes() if one.why)

    def _metrics(self) -> Iterable[Word]:
        from .metrics import METRICS

        return [(metric.name, metric.title) for metric in METRICS]

    def _themes(self) -> Iterable[Word]:
        names = (*themes.CYCLE, *(name for name in self.available_themes if name not in themes.CYCLE))
        return [(name, "worn now" if name == self.theme else "") for name in names]

    # ---- doing one ----

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed its key is a character like others; over a question there is no line."""
        return action != "command_line" or (isinstance(self.screen, Place) and not isinstance(self.focused, Input))

    def action_command_line(self) -> None:
        """A line for a command."""
        self.open_command_line()

    def open_command_line(self, text: str = "", wrong: Parts = ()) -> None:
        """The line for commands of the screen that is shown, begun with a text, and what is wrong with it."""
        if isinstance(screen := self.screen, Place):
            screen.open_command_line(text, wrong)

    def understand(self, line: str) -> Call:
        """Read a line, and whether it can be done from here. Raises CommandError."""
        call = commands.parse(line, self.commands)
        commands.check(call, self._sources)
        if self._owner(call.command, bool(call.words)) is None:
            words = "takes nothing behind it here" if call.words else "wants something behind it"
            raise CommandError(
                f"`{call.command.name}` {words}", text=line, position=call.position, hint=call.command.help
            )
        return call

    def obey(self, call: Call) -> None:
        """Do a command. Raises GridtuiError where it cannot be done."""
        if self.refused(call.command.name):
            return
        found = self._owner(call.command, bool(call.words))
        assert found is not None
        owner, method = found
        if owner is self.fleet_screen:
            self.go_to(1)
        try:
            if method.startswith("command_"):
                getattr(owner, method)(call.words)
            else:
                namespace = "app" if owner is self else "screen"
                self.call_next(self.run_action, f"{namespace}.{call.command.name}")
        except SelectionError as error:
            # Said of the line as it stands there.
            raise SelectionError(
                error.message, text=error.text, position=error.position + call.position, hint=error.hint
            ) from None
        self.show_crumbs()

    def _as_here(self, name: str) -> None:
        """Do an action that has a command with words too, on whom its key here is for."""
        found = self._owner(COMMANDS[name], False)
        assert found is not None
        owner, method = found
        if owner is self.fleet_screen:
            self.go_to(1)
        getattr(owner, method)()

    # ---- commands of the app's own ----

    def command_playbooks(self, words: str) -> None:
        """The choice of a playbook, with this one under the cursor."""
        self._as_here("playbooks")
        if self.screen is self.playbooks_screen:
            self.playbooks_screen.seek(words)

    def command_push(self, words: str) -> None:
        """Send files, the last word says where to. Raises UsageError."""
        *sources, destination = split(words)
        if not sources:
            raise UsageError("push wants a file, and a place on the nodes", hint="push site/ /srv/www")
        screen = self.run_screen("push")
        if screen.running:
            raise UsageError("a push still runs: stop it first, or wait")
        self._as_here("push")
        screen.soon(lambda: cast("TransferScreen", screen).push_typed(shlex.join(sources), destination))

    def command_node(self, words: str) -> None:
        """The page of a node."""
        self.open_node(words)

    def command_shell(self, words: str) -> None:
        """A shell on each of some nodes."""
        self.open_shell(self.fleet.select(words))

    def command_posture(self, words: str) -> None:
        """How a node is kept."""
        self.open_posture(words)

    def command_theme(self, words: str) -> None:
        """Wear a theme."""
        self.theme = words

    def command_job(self, words: str) -> None:
        """A job's page, or an array."""
        from ..jobs.model import JobId

        id = JobId.parse(words.removesuffix("[]"))
        if words.endswith("[]"):
            self.open_array(id.number)
        else:
            self.open_job(id)
