"""An app for hands that are faster than screens. Owns what happens to a key before its screen is made, and to what comes to one that goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual._context import active_message_pump
from textual.actions import ActionParseResult
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.events import Event, Key
from textual.widget import Widget

from .pace import Paced


class Hasty(Paced):
    """Textual's app (8.2), for people who type on while screens come and go."""

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            # People type faster than screens are made: a key waits until the one on top has its widgets.
            await self.screen._mounted_event.wait()
        await super().on_event(event)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        # What was typed behind the key that leaves comes to screens whose widgets are being removed.
        return self._exit or await super().run_action(action, default_namespace, namespaces)

    def _handle_exception(self, error: Exception) -> None:
        # The key that closes a screen may come before its widgets do, and messages of its own may be on their way to it:
        # they look for widgets, or a screen below, that are gone. So does all that is still said while the program ends.
        ending = self._exit or not self.is_running
        if isinstance(error, (NoMatches, IndexError)) and (
            ending or _going(active_message_pump.get(None)) or any(map(_going, _hands(error)))
        ):
            return
        super()._handle_exception(error)


def _hands(error: BaseException) -> Iterator[object]:
    """Whose methods it went through. What a screen wants called after the next paint is called by the one that is on top by then."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_locals.get("self")
        trace = trace.tb_next


def _going(pump: object) -> bool:
    """Whether this widget's screen is being taken away."""
    return isinstance(pump, Widget) and (
        not pump.is_attached or any(node._pruning or node._closing for node in pump.ancestors_with_self)
    )
