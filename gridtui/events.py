"""The closed set of events that a running fleet emits. Frozen; a reader may keep them.

`Fleet.events()` gives them in order. It is bounded: of `Seen`, only the latest for each node waits; the others are never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import Facts, Status, Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """A node's picture changed: a sample, round trips, or how far it can be reached."""

    node: str
    status: Status


@dataclass(frozen=True, slots=True)
class Changed:
    """A node's verdict changed its state, its layer or its set of reasons."""

    time: float
    node: str
    before: Verdict
    after: Verdict


@dataclass(frozen=True, slots=True)
class Learned:
    """A node's facts arrived (once a connection)."""

    node: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Rebooted:
    """A node's boot id changed."""

    time: float
    node: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth a line in the event log: an alarm about a host key, a probe that hung, a controller that slept.

    `node` is None when it concerns the controller. `alarm` asks for the reader's eye.
    """

    time: float
    node: str | None
    text: str
    alarm: bool = False


Event = Seen | Changed | Learned | Rebooted | Noted
