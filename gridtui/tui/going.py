"""Going from screen to screen: the trail down to the one that is shown, back along it, and forward again. Owns the screens that were left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.actions import ActionParseResult
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import Screen

from ..errors import GridtuiError
from .guarding import Guarding
from .screens.place import Place
from .trail import Step, Trail


class Going(Guarding):
    """The dashboard's part that knows the way. A screen that is left is kept, as it is, until the reader goes somewhere else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.trail = Trail()
        self._left: set[Screen[Any]] = set()
        """Screens that are kept because they may be gone forward to, or were."""

    def push_screen(self, screen: Any, *words: Any, **options: Any) -> Any:
        """As Textual's. Where it is a new place, what lay ahead is forgotten."""
        if isinstance(screen, Place | str):
            self.trail.forget()
        return super().push_screen(screen, *words, **options)

    def pop_screen(self) -> AwaitComplete:
        """As Textual's. A place is kept, to be gone forward to."""
        leaving = self.screen_stack[-1]
        if isinstance(leaving, Place) and len(self.screen_stack) > 1 and not self._exit:
            self._keep(leaving)
        return super().pop_screen()

    def _keep(self, screen: Place) -> None:
        if not self.is_screen_installed(screen):
            self.install_screen(screen, f"left-{id(screen)}")
            self._left.add(screen)

        def redo() -> None:
            if screen not in self.screen_stack:
                self.push_screen(screen)
                self.call_next(self.refresh_css)  # the theme may be another one by now

        def drop() -> None:
            if screen in self._left and screen not in self.screen_stack:
                self._left.discard(screen)
                self.uninstall_screen(screen)
                screen.remove()

        self.trail.left(Step(screen.crumb, redo, drop))

    # ---- where the reader is ----

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        done = await super().run_action(action, default_namespace, namespaces)
        self.show_crumbs()  # the screen may show another thing now
        return done

    def where(self) -> tuple[list[str], list[str]]:
        """The parts of the trail down to here, and those ahead, the nearest first."""
        parts = [part for part, _ in self._stops()]
        return parts, [step.crumb for step in reversed(self.trail.ahead)]

    def _stops(self) -> list[tuple[str, int]]:
        """Each part of the trail, with how many screens lie up to there; negative where what is chosen within the screen is left."""
        stops: list[tuple[str, int]] = []
        for depth, screen in enumerate(self.screen_stack, 1):
            if isinstance(screen, Place):
                stops.append((screen.crumb, -depth if screen.within else depth))
                if screen.within:
                    stops.append((screen.within, depth))
        return stops

    def go_to(self, depth: int) -> None:
        """Back until so many screens are left."""
        while len(self.screen_stack) > max(1, depth):
            self.pop_screen()

    def show_crumbs(self) -> None:
        """What is on the trail may be another thing by now."""
        if self.screen_stack and isinstance(screen := self.screen_stack[-1], Place):
            screen.show_crumbs()

    # ---- keys ----

    def action_trail_back(self) -> None:
        """Back by one part."""
        if not isinstance(screen := self.screen, Place):
            return
        if screen.within:
            screen.widen()
        elif len(self.screen_stack) > 1:
            self.pop_screen()
        self.show_crumbs()

    def action_trail_forward(self) -> None:
        """Open again what was left last."""
        if not isinstance(self.screen, Place):
            return
        try:
            if not self.trail.forward():
                self.notify("nothing lies ahead", markup=False, timeout=2)
        except GridtuiError as error:
            self.notify(str(error), markup=False, severity="warning")
        self.show_crumbs()

    def action_go_to(self, part: int) -> None:
        """A part of the trail was clicked: back to it, or forward."""
        stops = self._stops()
        if part < len(stops):
            depth = stops[part][1]
            self.go_to(abs(depth))
            if depth < 0 and isinstance(screen := self.screen, Place):
                screen.widen()
        else:
            for _ in range(part - len(stops) + 1):
                self.action_trail_forward()
        self.show_crumbs()
