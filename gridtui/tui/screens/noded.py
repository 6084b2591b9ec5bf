"""What the screens share whose lines stand for nodes: the results of the verbs, and what was done. Owns the keys that take a node from there to
the next thing: its page, a shell, a mark, another verb. The same keys as the fleet's, and the same marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import text
from ..widgets.nodes import NodeLines
from .place import Place


class NodedScreen(Place):
    """Composes one `NodeLines` of whose lines these keys are."""

    # ---- for subclasses ----

    @property
    def rows(self) -> NodeLines:
        """The list."""
        return self.query_one(NodeLines)

    def bad(self) -> Sequence[str]:
        """The nodes on which it did not end well."""
        raise NotImplementedError

    def concerned(self) -> Sequence[str]:
        """All nodes that this is about."""
        raise NotImplementedError

    def say(self, words: str, role: str = "critical") -> None:
        """A word to the reader in the last line."""
        raise NotImplementedError

    def show(self) -> None:
        """Draw what is new."""
        raise NotImplementedError

    # ---- marks ----

    def _known(self, names: Sequence[str]) -> list[str]:
        """Those that this inventory has."""
        return [name for name in names if name in self.dashboard.fleet.nodes]

    def action_mark(self) -> None:
        rows = self.rows
        if names := self._known(sorted(rows.under)):
            self.dashboard.marks.turn(names)
            rows.action_down()
            self._marked()
        elif rows.count:
            self.say("no node of this inventory is known of it", "text")
            self.show()

    def action_mark_failed(self) -> None:
        names = self._known(self.bad())
        if not names:
            self.say("there is no node on which it did not end well", "text")
        else:
            self.dashboard.marks.set(names)
            self.say(f"{self._whom()} marked: {self.dashboard.fleet.fold(names)}", "text")
        self._marked()

    def _marked(self) -> None:
        self.rows.refresh()
        self.show()

    def _whom(self) -> str:
        count = len(self.dashboard.marks)
        return f"{count} node{'' if count == 1 else 's'}"

    # ---- one node ----

    def _node(self) -> str | None:
        """The one node of the line under the cursor; where there is none, that is said."""
        names = list(self.rows.under)
        if len(names) == 1 and names[0] in self.dashboard.fleet.nodes:
            return names[0]
        if len(names) == 1:
            self.say(f"{text.plain(names[0])} is not in this inventory")
        elif names:
            self.say(f"these are {len(names)} nodes: choose one of them", "text")
        else:
            self.say("there is no node here", "text")
        self.show()
        return None

    def action_show_node(self) -> None:
        if (name := self._node()) is not None:
            self.dashboard.open_node(name)

    def action_shell(self) -> None:
        if (name := self._node()) is not None:
            self.dashboard.open_shell([name])

    # ---- the next verb ----

    def targets(self) -> tuple[list[str], str]:
        """Whom the next verb is for, and in words: what is marked, else the nodes of this."""
        marks, names = self.dashboard.marks, self._known(self.concerned())
        if len(marks):
            return marks.names, marks.whom(names, len(self.dashboard.fleet.nodes))
        return names, f"the {len(names)} nodes of this run" if len(names) > 1 else ""

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", *self.targets())

    def command_exec(self, words: str) -> None:
        """Run a command on the targets."""
        self.dashboard.run_command(words, *self.targets())

    def action_push(self) -> None:
        self.dashboard.open_run("push", *self.targets())

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks(*self.targets())
