"""Which screen is opened by what. Owns that alone: what a screen shows is the screen's, and nothing is loaded before it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

from ..errors import GridtuiError, UsageError
from .driver import Driver
from .going import Going

if TYPE_CHECKING:
    from ..jobs.model import JobId
    from ..playbooks.artefacts import Kept
    from ..playbooks.model import Plan
    from ..posture.model import Finding
    from .app import Dashboard
    from .bridge import Source
    from .errands import Errand
    from .ledger import Ledger
    from .screens.exec import ExecScreen
    from .screens.playbook import PlaybookScreen
    from .screens.playbooks import PlaybooksScreen
    from .screens.run import RunScreen
    from .shells import Shells


class Opening(Going):
    """The dashboard's part that opens screens."""

    fleet: Source
    shells: Shells
    runs: dict[str, RunScreen]
    """The screens that are kept while the reader looks elsewhere, as far as they were opened."""

    # Each is loaded when it is opened first, or ahead of that (see `ahead`): the first paint waits for none of them.

    def open_node(self, name: str) -> None:
        """The page of a node, over the screen that is shown."""
        from .screens.node import NodeScreen

        self.push_screen(NodeScreen(name))

    def open_alerts(self) -> None:
        """What asks for somebody now."""
        from .screens.alerts import AlertsScreen

        if not isinstance(self.screen, AlertsScreen):
            self.push_screen(AlertsScreen())

    def open_compare(self, names: Sequence[str]) -> None:
        """These nodes side by side."""
        from .screens.compare import CompareScreen

        self.push_screen(CompareScreen(names))

    def open_events(self) -> None:
        from .screens.events import EventsScreen

        self.push_screen(EventsScreen())

    def open_run(self, name: str, nodes: Sequence[str], whom: str = "") -> None:
        """A screen that changes something, for these nodes, who are called so; while something runs there, it is shown as it is."""
        try:
            self.fleet.allow_changes()
        except GridtuiError as error:
            self.notify(str(error), markup=False, severity="warning")
            return
        screen = self.run_screen(name)
        screen.aim(nodes, whom)
        if not screen.running:
            screen.soon(screen.begin_typing)
        self.bring(name)

    def run_command(self, words: str, nodes: Sequence[str], whom: str = "") -> None:
        """Run a command on these nodes, on its screen; many are asked about. Raises UsageError while another one runs."""
        screen = cast("ExecScreen", self.run_screen("exec"))
        if screen.running:
            raise UsageError("a command still runs: stop it first, or wait")
        screen.aim(nodes, whom)
        screen.soon(lambda: screen.run_typed(words))
        self.bring("exec")

    def bring(self, name: str) -> None:
        """Show a screen that is kept: go back to it where it lies below, else open it."""
        screen = self.get_screen(name)
        if screen in self.screen_stack:
            self.go_to(self.screen_stack.index(screen) + 1)
        else:
            self.push_screen(name)

    def run_screen(self, name: str) -> RunScreen:
        """The one screen for `exec`, `push` or `playbook`."""
        if name not in self.runs:
            from .screens.exec import ExecScreen
            from .screens.playbook import PlaybookScreen
            from .screens.transfer import TransferScreen

            made: dict[str, type[RunScreen]] = {
                "exec": ExecScreen,
                "push": TransferScreen,
                "playbook": PlaybookScreen,
            }
            self.runs[name] = made[name]()
            self.install_screen(self.runs[name], name)
        return self.runs[name]

    # ---- playbooks and posture ----

    @property
    def playbook_screen(self) -> PlaybookScreen:
        """Where playbooks run."""
        return cast("PlaybookScreen", self.run_screen("playbook"))

    @cached_property
    def playbooks_screen(self) -> PlaybooksScreen:
        """Where they are chosen."""
        from .screens.playbooks import PlaybooksScreen

        screen = PlaybooksScreen()
        self.install_screen(screen, "playbooks")
        return screen

    def open_playbooks(self, nodes: Sequence[str], whom: str = "") -> None:
        """The choice of a playbook for these nodes; a run that goes on, or whose end was not seen, is shown as it is."""
        screen = self.playbook_screen
        if screen.running or not screen.seen:
            self.bring("playbook")
        else:
            self.playbooks_screen.aim(nodes, whom)
            self.bring("playbooks")

    def open_playbook(self, plan: Plan, nodes: Sequence[str], dry: bool, whom: str = "") -> None:
        """Run a plan on these nodes, a dry run first where `dry`; while another one runs, that one is shown."""
        if not self.playbook_screen.running:
            self.playbook_screen.due(plan, nodes, dry, whom)
        self.bring("playbook")

    def open_runs(self) -> None:
        """The runs that were kept."""
        from .screens.runs import RunsScreen

        for depth, screen in enumerate(self.screen_stack, 1):
            if isinstance(screen, RunsScreen):
                self.go_to(depth)
                return
        self.push_screen(RunsScreen())

    async def open_kept(self, kept: Kept) -> None:
        """A run that was kept, as it was. Raises StateError."""
        errand = self.ledger.played(kept) or await self.ledger.recall(kept)
        self.playbook_screen.review(errand)
        self.bring("playbook")

    # ---- what is done ----

    @cached_property
    def ledger(self) -> Ledger:
        """What was done from here, and what is kept of what was done before."""
        from .ledger import Ledger

        return Ledger(cast("Dashboard", self))

    def open_activity(self) -> None:
        """What runs now, and what was done."""
        from .screens.activity import ActivityScreen

        for depth, screen in enumerate(self.screen_stack, 1):
            if isinstance(screen, ActivityScreen):
                self.go_to(depth)
                return
        self.push_screen(ActivityScreen())

    def open_errand(self, errand: Errand) -> None:
        """The screen of a verb with one of its errands, as it is or was. Raises UsageError while another one runs there."""
        screen = self.run_screen(errand.KIND)
        if screen.errand is not errand:
            if screen.running:
                raise UsageError("something runs there: this can be looked at once that has ended")
            screen.review(errand)
        self.bring(errand.KIND)

    def open_posture(self, name: str) -> None:
        """How a node is kept."""
        from .screens.posture import PostureScreen

        self.push_screen(PostureScreen(name))

    def mend(self, finding: Finding, node: str) -> None:
        """The playbook that mends a finding, on its node, a dry run first. Raises UsageError where there is no such playbook."""
        from ..playbooks.model import Plan

        playbook = self.fleet.playbooks().find(finding.playbook)
        self.open_playbook(Plan((playbook,), diff=True, extra=dict(finding.variables)), [node], dry=True)

    # ---- shells ----

    @property
    def away(self) -> bool:
        """Whether another program has the terminal."""
        return isinstance(self._driver, Driver) and self._driver.away

    @property
    def lends(self) -> bool:
        """Whether the terminal can be given to another program."""
        return self._driver is not None and self._driver.can_suspend

    @property
    def leaving(self) -> bool:
        """Whether the program is about to end."""
        return self._exit

    def open_shell(self, names: Sequence[str]) -> None:
        """A shell on each of these nodes."""
        self.shells.ask(names)

    # ---- jobs ----

    def open_jobs(self) -> None:
        """The queue."""
        from .screens.jobs import JobsScreen

        if not isinstance(self.screen, JobsScreen):
            self.push_screen(JobsScreen(cast("Dashboard", self)))

    def open_array(self, number: int) -> None:
        """The elements of an array."""
        from .screens.jobs import JobsScreen

        self.push_screen(JobsScreen(cast("Dashboard", self), number))

    def open_job(self, id: JobId) -> None:
        """A job's page."""
        from .screens.job import JobScreen

        self.push_screen(JobScreen(id))
