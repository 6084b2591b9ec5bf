"""What the screens of jobs share: changing a job or a node, each after a question, none where this is read-only. Owns no layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.widgets import Input

from ...errors import GridtuiError
from ...jobs.model import Job, JobId
from .. import text
from ..actions import BY_NAME
from ..widgets.bars import Chunk
from .place import Place
from .question import ConfirmScreen

if TYPE_CHECKING:
    from ..app import Dashboard

STEP = 10
"""By what a priority is raised or lowered."""
HIGHEST = 1000

Say = Callable[[str, str], None]
"""Words and their role."""


def ask(
    dashboard: Dashboard,
    title: str,
    lines: Sequence[tuple[str, str]],
    change: Callable[[], str],
    say: Say,
    names: Sequence[str] = (),
) -> None:
    """Ask, then change; `change` gives what is said of it, and the ledger of what was done, to the nodes `names`, keeps it. Nothing is asked
    where nothing may change."""
    try:
        dashboard.fleet.allow_changes()
    except GridtuiError as error:
        say(str(error), "critical")
        return

    def answered(answer: bool | None) -> None:
        if not answer:
            say("nothing was changed", "text")
            return
        try:
            done = change()
        except GridtuiError as error:
            dashboard.ledger.note(f"{title} {lines[0][0]}", names, str(error))
            say(str(error), "critical")
        else:
            dashboard.ledger.note(done, names)
            say(done, "ok")
        dashboard.desk.soon()

    dashboard.push_screen(ConfirmScreen(title, lines, dashboard.key("yes"), dashboard.key("no")), answered)


def ask_drain(dashboard: Dashboard, node: str, say: Say) -> None:
    """Drain a node, or let it have jobs again."""
    known = dashboard.desk.standing.get(node)
    if known is not None and (known.drained or known.quarantined):
        why = text.plain(known.why)
        lines = [(f"{node} gets jobs again", "strong"), *([(f"it was left out: {why}", "dim")] if why else [])]

        def give_back() -> str:
            dashboard.desk.jobs.undrain(node)
            return f"{text.plain(node)} gets jobs again"

        ask(dashboard, "Give this node jobs again?", lines, give_back, say, [node])
        return

    def drain() -> str:
        dashboard.desk.jobs.drain(node, "from the dashboard")
        return f"{text.plain(node)} gets no more jobs; those that it has go on"

    lines = [(node, "strong"), ("It gets no more jobs; those that it has go on.", "text")]
    ask(dashboard, "Drain this node?", lines, drain, say, [node])


class ChangeScreen(Place):
    """A screen with a job in view."""

    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (9, "-short"), (16, "-tall"), (30, "-high")]  # noqa: RUF012 - declared so by Textual
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self) -> None:
        super().__init__()
        self._said: Chunk = ()

    # ---- for subclasses ----

    def show(self) -> None:
        """Draw what is known."""
        raise NotImplementedError

    def subject(self) -> tuple[JobId, str, int] | None:
        """Whom a change is for: its id (of a whole submission without an index), its name, and its priority."""
        raise NotImplementedError

    def job(self) -> Job | None:
        """The one job that is looked at, if it is one."""
        raise NotImplementedError

    # ---- saying ----

    def say(self, words: str, role: str = "critical") -> None:
        """A word to the reader in the last line, until something else is done."""
        self._said = ((text.plain(words), role),) if words else ()
        if self.is_mounted:
            self.show()

    # ---- changing ----

    def _change(
        self, title: str, lines: Sequence[str], do: Callable[[list[JobId]], Sequence[JobId]], done: str
    ) -> None:
        subject = self.subject()
        if subject is None:
            return
        id, name, _ = subject

        def change() -> str:
            count = len(do([id]))
            return (
                f"{count:,} job{'' if count == 1 else 's'} {done}: {self._named(id, name)}"
                if count
                else f"there was nothing to change: no job {done}"
            )

        asked = [(self._named(id, name), "strong"), *((line, "text") for line in lines)]
        ask(self.dashboard, title, asked, change, self.say)

    def _named(self, id: JobId, name: str) -> str:
        return f"{self.whole(id)} {text.plain(name)}".rstrip()

    def whole(self, id: JobId) -> str:
        """An id as it is asked about."""
        return f"job {id}"

    def action_cancel(self) -> None:
        lines = ["What runs of it is ended; what waits is taken out of the queue."]
        self._change("Cancel this?", lines, lambda ids: self.dashboard.desk.jobs.cancel(ids), "cancelled")

    def action_retry_job(self) -> None:
        lines = ["What failed, was lost or cancelled is queued again."]
        self._change("Queue this again?", lines, lambda ids: self.dashboard.desk.jobs.retry(ids), "queued again")

    def action_hold(self) -> None:
        lines = ["It does not start before it is released; what runs is stopped where it stands."]
        self._change("Hold this?", lines, lambda ids: self.dashboard.desk.jobs.hold(ids), "held")

    def action_release(self) -> None:
        self._change("Release this?", [], lambda ids: self.dashboard.desk.jobs.release(ids), "released")

    def action_raise_priority(self) -> None:
        self._prioritise(STEP)

    def action_lower_priority(self) -> None:
        self._prioritise(-STEP)

    def _prioritise(self, step: int) -> None:
        if (subject := self.subject()) is None:
            return
        id, name, before = subject
        after = max(-HIGHEST, min(HIGHEST, before + step))
        # A priority is a submission's; asked about an element, all of it is meant.
        whole = JobId(id.number)
        words = [(self._named(whole, name), "strong"), (f"priority {before} becomes {after}", "text")]

        def change() -> str:
            self.dashboard.desk.jobs.prioritise([whole], after)
            return f"{self._named(whole, name)}: priority {after}"

        ask(self.dashboard, "Change the priority?", words, change, self.say)

    def action_drain(self) -> None:
        job = self.job()
        if job is None or not job.node:
            self.say("no node has it", "text")
        else:
            ask_drain(self.dashboard, job.node, self.say)

    def _node(self) -> str | None:
        """The node that has the job; where there is none, that is said."""
        job = self.job()
        if job is None or not job.node:
            self.say("no node has it", "text")
        elif job.node not in self.dashboard.fleet.nodes:
            self.say(f"{text.plain(job.node)} is not in this inventory")
        else:
            return job.node
        return None

    def action_show_node(self) -> None:
        if (name := self._node()) is not None:
            self.dashboard.open_node(name)

    def action_shell(self) -> None:
        if (name := self._node()) is not None:
            self.dashboard.open_shell([name])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, keys that are characters are just that."""
        binding = BY_NAME.get(action)
        return not (binding and binding.priority and isinstance(self.focused, Input) and "app" not in binding.scopes)

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
