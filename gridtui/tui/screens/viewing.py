"""Saved views of the fleet: taking what is shown down, and showing it again. Owns no view: they are the dashboard's (`views.Views`)."""

from __future__ import annotations

from ...errors import SelectionError, UsageError
from .. import text
from ..views import View
from .choosing import ChoosingScreen


class ViewingScreen(ChoosingScreen):
    """A screen of nodes with saved views."""

    @property
    def view(self) -> View:
        """What is shown."""
        from ..metrics import METRICS

        metric = self.coloured.metric if self.coloured is not None else None
        return View(
            self.selection,
            self.sort,
            self.descending,
            self.by,
            tuple(sorted(key for key in self.folded if self.by and key.startswith(f"{self.by}/"))),
            tuple(self.columns),
            self.look,
            metric.name if metric is not None and metric != METRICS[0] else "",
        )

    def show_view(self, view: View) -> None:
        """Show a view. What of it there is not here (any more), e.g. a group, is told and left out."""
        from ..metrics import BY_NAME

        self.selection = ""
        try:
            if view.filter:
                self.dashboard.fleet.select(view.filter)
            self.selection = view.filter
        except SelectionError as error:
            self.dashboard.notify(f"the view's filter: {text.plain(error.message)}", markup=False, severity="warning")
        self.sort, self.descending, self.by = view.sort, view.descending, ""
        try:
            self.group_by(view.group)
        except UsageError as error:
            self.dashboard.notify(f"the view's groups: {text.plain(str(error))}", markup=False, severity="warning")
        self.folded = frozenset(view.folded)
        self.show_columns(view.columns)
        self.turn_to(view.look)  # type: ignore[arg-type]  # `read` lets no other through
        if view.metric and self.coloured is not None and BY_NAME[view.metric] in self.coloured.metrics:
            self.show_metric(BY_NAME[view.metric])
        self.order()

    # ---- keys and commands ----

    def action_views(self) -> None:
        from .views import ViewsScreen

        if not isinstance(self.app.screen, ViewsScreen):
            self.app.push_screen(ViewsScreen(self))

    def command_view(self, words: str) -> None:
        """Show a view. Raises UsageError."""
        self.show_view(self.dashboard.views.find(words.strip()))

    def command_save(self, words: str) -> None:
        """Keep what is shown under a name. Raises UsageError."""
        name = words.strip()
        self.dashboard.views.save(name, self.view)
        self.dashboard.notify(f"the view {name} is kept", markup=False, timeout=3)
