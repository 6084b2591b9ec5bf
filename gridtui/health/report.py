"""What one check of a fleet found: the value that all output formats are made from. Owns the counting; renders nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..model import Layer, PingMethod, Reach, State, Verdict, worst
from .blaming import is_down
from .rules import Rules


def _none() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node of a check."""

    verdict: Verdict
    reach: Reach | None = None
    metrics: Mapping[str, float] = field(default_factory=_none)
    """What was measured now, round trips included; empty when nothing was."""
    rules: Rules | None = None
    """The rules that were in force: thresholds of performance data."""
    changed: bool = False
    """Whether the verdict is news since the run before (`health.changed`)."""

    @property
    def name(self) -> str:
        return self.verdict.node

    @property
    def up(self) -> bool:
        """Whether the node counts as up: it is known, and not down."""
        return not is_down(self.verdict) and not self.unknown

    @property
    def down(self) -> bool:
        return is_down(self.verdict)

    @property
    def unknown(self) -> bool:
        """Whether nothing is known of it: not tried, or not ended in time."""
        if self.verdict.state is not State.UNKNOWN:
            return False
        return not self.verdict.reasons or self.reach is None or self.reach.pending

    @property
    def layer(self) -> Layer | None:
        return self.verdict.layer

    @property
    def method(self) -> PingMethod | None:
        return self.reach.method if self.reach else None


@dataclass(frozen=True, slots=True)
class Report:
    """One check of a fleet."""

    time: float
    """When it began, seconds since the epoch."""
    seconds: float
    """How long it took."""
    nodes: tuple[NodeReport, ...] = ()
    """In inventory order."""

    @property
    def state(self) -> State:
        """The worst of the alerts: maintenance, blame and what people acknowledged or silenced do not count. UNKNOWN when nothing was selected."""
        if not self.nodes:
            return State.UNKNOWN
        return worst(*(node.verdict.state for node in self.nodes if node.verdict.alert))

    @property
    def counts(self) -> Mapping[str, int]:
        """Nodes by what is to be said of them: each in one of `ok`, `warning`, `critical` (but up), `down`, `unknown`, `blamed`,
        `maintenance`, `silenced`, `acknowledged` (ill, but so); and `total` and `up`, which overlap with those."""
        found = Counter(_kind(node) for node in self.nodes)
        kinds = ("ok", "warning", "critical", "down", "unknown", "blamed", "maintenance", "silenced", "acknowledged")
        return {
            "total": len(self.nodes),
            "up": sum(node.up for node in self.nodes),
            **{kind: found[kind] for kind in kinds},
        }


def _kind(node: NodeReport) -> str:
    verdict = node.verdict
    if verdict.state is State.OK:
        return "ok"
    if verdict.maintenance:
        return "maintenance"
    if verdict.blamed is not None:
        return "blamed"
    if verdict.mute is not None:
        return verdict.mute.hush.value
    return "down" if node.down else verdict.state.name.lower()
