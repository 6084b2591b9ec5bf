"""A fleet's verdicts as alerts: the worst and newest first, nodes behind a dead parent together with it. Pure; renders nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model import Reason, State, Verdict

_ORDER = (State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK)


@dataclass(frozen=True, slots=True)
class Alert:
    """A node that is ill, and those that are silent because of it."""

    verdict: Verdict
    behind: tuple[str, ...] = ()
    """Nodes that are down behind this one."""

    @property
    def node(self) -> str:
        return self.verdict.node

    @property
    def reasons(self) -> Sequence[Reason]:
        """What counts against it, the worst first."""
        return [reason for reason in self.verdict.reasons if not reason.soft]

    @property
    def since(self) -> float:
        """When it became as ill as it is."""
        return self.verdict.since


@dataclass(frozen=True, slots=True)
class Alerts:
    """What is wrong with a fleet now."""

    loud: tuple[Alert, ...] = ()
    """What somebody should be told."""
    quiet: tuple[Alert, ...] = ()
    """Ill, but acknowledged, silenced or in maintenance."""


def alerts(verdicts: Iterable[Verdict]) -> Alerts:
    """Each node that is ill is in one entry. One that nothing is known of yet is none."""
    behind: dict[str, list[str]] = {}
    ill: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.state is State.OK or not verdict.known:
            continue
        if verdict.blamed is not None:
            behind.setdefault(verdict.blamed, []).append(verdict.node)
        else:
            ill[verdict.node] = verdict
    # A parent is judged before its children are blamed on it, and may be well again a moment before they are.
    found = [Alert(verdict, tuple(behind.pop(name, ()))) for name, verdict in ill.items()]
    found.sort(key=lambda alert: (_ORDER.index(alert.verdict.state), alert.verdict.layer is None, -alert.since))
    return Alerts(
        tuple(alert for alert in found if alert.verdict.alert),
        tuple(alert for alert in found if not alert.verdict.alert),
    )
