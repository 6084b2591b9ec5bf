"""What the dashboard knows of how the nodes are kept: earlier looks, those asked for here, and which ones a playbook made old. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import GridtuiError
from .bridge import Fresh

if TYPE_CHECKING:
    from ..posture.model import Look, Posture
    from .app import Dashboard


class Survey:
    """The newest look at each node."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._looks: dict[str, Look] = {}
        self._touched: set[str] = set()
        self._asking = False

    def __bool__(self) -> bool:
        """Whether anything is known at all."""
        return bool(self._looks)

    def look(self, name: str) -> Look | None:
        """What is known of a node."""
        return self._looks.get(name)

    def posture(self, name: str) -> Posture | None:
        """How a node was kept at the last look; None when that is not known."""
        look = self._looks.get(name)
        return look.posture if look is not None else None

    def score(self, name: str) -> int | None:
        """By which the table sorts."""
        posture = self.posture(name)
        return posture.score if posture is not None else None

    def due(self, name: str) -> bool:
        """Whether a node was never looked at, or a playbook has changed it since."""
        return name not in self._looks or name in self._touched

    def touch(self, names: Iterable[str]) -> None:
        """A playbook has changed these nodes."""
        self._touched |= set(names)

    async def recall(self) -> None:
        """What earlier looks say. What was asked meanwhile is newer."""
        dashboard = self._dashboard
        async for look in dashboard.fleet.known_posture(lambda error: dashboard.notify(str(error), markup=False)):
            self._looks.setdefault(look.node, look)
        dashboard.post_message(Fresh())

    async def ask(self, names: Sequence[str]) -> None:
        """Ask nodes now. What was known of one that does not answer stays. Raises GridtuiError."""
        for name, look in (await self._dashboard.fleet.posture(names=names)).items():
            before = self.posture(name)
            self._touched.discard(name)
            self._looks[name] = look if look.posture is not None else replace(look, posture=before)

    async def ask_all(self, names: Sequence[str]) -> None:
        """The same for many nodes, in the background; tells what it came to."""
        if self._asking:
            return
        from . import upkeep

        self._asking = True
        dashboard = self._dashboard
        dashboard.notify(upkeep.asked(len(names)), markup=False)
        try:
            await self.ask(names)
        except GridtuiError as error:
            dashboard.notify(str(error), markup=False, severity="error")
        else:
            dashboard.notify(upkeep.surveyed([self._looks[name] for name in names]), markup=False)
        finally:
            self._asking = False
        dashboard.post_message(Fresh())
