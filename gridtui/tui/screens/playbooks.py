"""The playbooks there are: which one, how, and on which nodes. Owns the choice; `playbook` shows the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input

from ...errors import GridtuiError, UsageError
from ...playbooks.model import BATCHES, Plan, Playbook
from .. import choice, text
from ..actions import bindings
from ..hints import hints
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from ..widgets.panel import Panel
from ..widgets.playbooks import PlaybookLines
from ..widgets.prompt import Prompt
from .place import Place

if TYPE_CHECKING:
    pass

WINDOWS = (60.0, 120.0, 300.0, 600.0, 30.0)
"""Seconds until a node takes a change back, one after the other behind the key."""


class PlaybooksScreen(Place):
    """The catalogue at the left; at the right what the one under the cursor does, and how it would run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("playbooks")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[str] = ()
        self.whom = ""
        self._found: list[Playbook] = []
        self._marked: list[str] = []
        self._plan = Plan((), diff=True)
        self._said: Chunk = ()
        self._typing = ""
        self._wanted = ""

    @property
    def crumb(self) -> str:
        return "playbooks"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="target")
        with Horizontal(id="body"):
            yield PlaybookLines(id="list")
            with VerticalScroll(id="right"):
                yield Panel("", id="about")
                yield Panel("How it runs", id="how")
        yield TextLine("raised", cut=True, id="detail")
        yield Prompt("", id="typed")
        yield KeyBar(hints("playbooks"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self._list)

    def on_screen_resume(self) -> None:
        self._read()
        self.show()

    @property
    def _list(self) -> PlaybookLines:
        return self.query_one(PlaybookLines)

    def aim(self, names: Sequence[str], whom: str = "") -> None:
        """What is chosen here is for these nodes, who are called so."""
        self.names, self.whom = tuple(names), whom
        self._said = ()

    def seek(self, name: str) -> None:
        """Put the cursor on a playbook, as soon as the screen is shown."""
        self._wanted = name
        if self.is_mounted and self.is_active:
            self.show()

    def command_playbooks(self, words: str) -> None:
        """Go to a playbook."""
        self.seek(words)

    # ---- what is shown ----

    def freshen(self, changed: bool) -> None:
        """The clock has moved."""
        self._summarise()

    def _read(self) -> None:
        try:
            catalogue = self.dashboard.fleet.playbooks()
        except GridtuiError as error:
            self._say(str(error))
            return
        # One's own first: who has some wrote them for this fleet.
        self._found = sorted(catalogue.playbooks.values(), key=lambda one: (one.shipped, one.name))
        self._marked = [name for name in self._marked if any(one.name == name for one in self._found)]
        if catalogue.warnings and not self._said:
            self._say(catalogue.warnings[0], "warning")

    def show(self) -> None:
        """Draw what is new."""
        self._list.take(self._found, self._marked)
        if self._wanted and self._found:
            wanted, self._wanted = self._wanted, ""
            self._list.go(next((at for at, one in enumerate(self._found) if one.name == wanted), self._list.cursor))
        self._list.styles.max_height = max(1, len(self._found)) if self.has_class("-narrow") else None
        self._summarise()
        chosen = self.chosen()
        about, how = self.query_one("#about", Panel), self.query_one("#how", Panel)
        about.show(lambda cells: [line for one in chosen for line in choice.about(one, cells)])
        key = self.dashboard.key
        plan = replace(self._plan, playbooks=chosen)
        how.show(lambda cells: choice.how(plan, key, cells) if chosen else [])

    def _summarise(self) -> None:
        dashboard = self.dashboard
        first: list[Chunk] = [(("playbooks", "title"),)]
        first.append(((f"{len(self._found)} of them", "dim"),))
        if self._marked:
            first.append(((", ".join(self._marked), "accent"),))
        self.query_one("#summary", TextLine).show((first, self.corner()))
        count = len(self.names)
        called = self.whom or f"{count} node{'' if count == 1 else 's'}"
        target: list[Chunk] = [(("on ", "dim"), (called, "strong"))]
        if self.names:
            target.append(((text.plain(dashboard.fleet.fold(self.names)), "accent"),))
        self.query_one("#target", TextLine).show((target, ()))
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self._explained(), ()))

    def _explained(self) -> list[Chunk]:
        if not self._found:
            return [(("there is none: playbooks.paths in the settings says where yours are", "text"),)]
        key = self.dashboard.key
        return [((key("dry_run"), "key"), (" shows what it would change, and changes nothing", "text"))]

    def _say(self, words: str, role: str = "critical") -> None:
        self._said = ((text.plain(words), role),) if words else ()

    def chosen(self) -> tuple[Playbook, ...]:
        """What would run: the marked ones in the order of their marks, else the one under the cursor."""
        if self._marked:
            by_name = {one.name: one for one in self._found}
            return tuple(by_name[name] for name in self._marked)
        at = self._list.cursor
        return (self._found[at],) if at < len(self._found) else ()

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._said = ()
        self.show()

    @on(Lines.Chosen)
    def _clicked(self) -> None:
        self.action_dry_run()

    # ---- running ----

    def _run(self, dry: bool) -> None:
        chosen = self.chosen()
        if not chosen:
            return
        if self._plan.undo and (stays := [one.name for one in chosen if not one.undoable]):
            self._say(f"{', '.join(stays)} cannot be undone")
            self.show()
            return
        self._say("")
        self.dashboard.open_playbook(replace(self._plan, playbooks=chosen), self.names, dry, self.whom)

    def action_dry_run(self) -> None:
        self._run(dry=True)

    def action_run_now(self) -> None:
        self._run(dry=False)

    # ---- how ----

    def _change(self, plan: Plan) -> None:
        self._plan = plan
        self._say("")
        self.show()

    def action_mark_playbook(self) -> None:
        at = self._list.cursor
        if at < len(self._found):
            name = self._found[at].name
            if name in self._marked:
                self._marked.remove(name)
            else:
                self._marked.append(name)
            self.show()

    def action_undo(self) -> None:
        self._change(replace(self._plan, undo=not self._plan.undo))

    def action_diffs(self) -> None:
        self._change(replace(self._plan, diff=not self._plan.diff))

    def action_password(self) -> None:
        self._change(replace(self._plan, become_password=not self._plan.become_password))

    def action_skip_matching(self) -> None:
        self._change(replace(self._plan, skip_matching=not self._plan.skip_matching))

    def action_window(self) -> None:
        at = WINDOWS.index(self._plan.window) if self._plan.window in WINDOWS else -1
        self._change(replace(self._plan, window=WINDOWS[(at + 1) % len(WINDOWS)]))

    def action_variables(self) -> None:
        self._type("variables", choice.spelled(self._plan.extra), 'name=value  other="two words"   (nothing: none)')

    def action_batches(self) -> None:
        self._type("batches", ",".join(self._plan.batches), f"{','.join(BATCHES)}   (nothing: as the playbook wants)")

    def _type(self, what: str, value: str, placeholder: str) -> None:
        self._typing = what
        box = self.query_one("#typed", Prompt)
        box.placeholder = f"{what}, e.g.  {placeholder}"
        box.value = value
        box.cursor_position = len(value)
        self.add_class("-typing")
        self.set_focus(box)  # at once: what is typed on quickly would be taken for keys

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        try:
            if self._typing == "variables":
                self._plan = replace(self._plan, extra=choice.variables(event.value))
            else:
                self._plan = replace(self._plan, batches=choice.sizes(event.value))
        except UsageError as error:
            self._say(str(error))
            self._summarise()
            return
        self._say("")
        self._close_box()

    def _close_box(self) -> None:
        self.remove_class("-typing")
        self.set_focus(self._list)
        self.show()

    # ---- keys ----

    def action_runs(self) -> None:
        self.dashboard.open_runs()

    def action_back(self) -> None:
        if self.has_class("-typing"):
            self._say("")
            self._close_box()
        elif self.is_active:  # the key may come twice before the screen is gone
            self.app.pop_screen()
