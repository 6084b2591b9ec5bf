"""What a check makes of its looks, and what it keeps from one run to the next. Owns the kept file; looks at nothing itself."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import health, store
from ..errors import StateError
from ..model import Node, Reach, Verdict
from ..settings import Settings
from . import due
from .due import Brief, Briefs
from .measured import trip_metrics
from .mutes import Mutes
from .once import Examined

if TYPE_CHECKING:
    from .posture import Round

SCHEMA = 1
_MARGIN = 5.0
"""Seconds before the end of a check's time after which no posture is waited for: it must not make a node unknown that has answered."""


@dataclass(frozen=True, slots=True)
class Worse:
    """One line of a node's drift, as `health.parts` reads it."""

    name: str


@dataclass(slots=True)
class Kept:
    """What the run before left: verdicts with their hysteresis, and counters for rates. JSON in the state folder."""

    path: Path | None
    memories: dict[str, health.Memory] = field(default_factory=dict)
    counters: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    posture: Briefs = field(default_factory=Briefs)
    ended: dict[str, float] = field(default_factory=dict)
    """Nodes of which nothing that was acknowledged held at this run nor at the one before, and when that was."""

    @classmethod
    @contextmanager
    def open(
        cls, identity: Sequence[str], problem: Callable[[StateError], None] | None = None, keep: bool = True
    ) -> Iterator[Kept]:
        """Hold the lock of this check while the context lasts, and keep what changed when it ends well.

        `identity` tells checks apart: its inventory and its selection. Raises LockedError. A state folder that cannot be read or
        written is told to `problem`, once, and the check goes on without it. Without `keep` it is read alone: the next run is
        none the wiser, and nobody is locked out.
        """
        tell = problem or _ignore
        name = "check-" + hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
        try:
            folder = store.folder()
        except StateError as error:
            tell(error)
            yield cls(None)
            return
        with store.lock(name) if keep else nullcontext():
            kept = cls(folder / f"{name}.json")
            try:
                kept._read()
            except StateError as error:
                tell(error)
            yield kept
            if not keep:
                return
            try:
                kept._write()
            except StateError as error:
                tell(error)

    def _read(self) -> None:
        assert self.path is not None
        document = store.read_json(self.path)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            return
        nodes = document.get("nodes")
        stamp = document.get("posture")
        self.posture.stamp = stamp if isinstance(stamp, int) else 0
        self.posture.read(nodes if isinstance(nodes, dict) else {})
        for name, entry in nodes.items() if isinstance(nodes, dict) else ():
            if isinstance(entry, dict):
                self.memories[name] = health.Memory.from_json(name, entry.get("memory"))
                if isinstance(entry.get("counters"), dict):
                    self.counters[name] = entry["counters"]

    def _write(self) -> None:
        assert self.path is not None
        nodes = {
            name: {"memory": memory.to_json(), "counters": self.counters.get(name)}
            for name, memory in self.memories.items()
        }
        for name, brief in self.posture.briefs.items():
            if name in nodes:
                nodes[name]["posture"] = brief.to_json()
        document = {"schema": SCHEMA, "time": time.time(), "posture": self.posture.stamp, "nodes": nodes}
        store.write_json(self.path, document)


def posture_round(
    kept: Kept,
    nodes: Mapping[str, Node],
    names: Sequence[str],
    sources: Sequence[Path],
    settings: Settings,
    max_runtime: float | None,
    problem: Callable[[StateError], None] | None = None,
) -> Round | None:
    """Which of `names` are to be asked how well they are kept, beside this check; None when it is nobody's turn, which costs one stat(2)."""
    wish, began = settings.posture, time.monotonic()
    if not wish.check:
        kept.posture.briefs.clear()
        return None
    if kept.path is None:
        return None
    try:
        kept.posture.refresh(due.path(sources), wish.every)
    except StateError as error:
        (problem or _ignore)(error)
    turn = kept.posture.due(names, time.time(), wish.every)
    if not turn:
        return None
    from .posture import Round, opened

    until = None if max_runtime is None else began + max_runtime - _MARGIN
    return Round(opened(nodes, sources, problem), turn, wish.sudo, until)


def rules(
    node: Node,
    settings: Settings,
    warn: Mapping[str, health.Range | None],
    crit: Mapping[str, health.Range | None],
) -> health.Rules:
    """The rules of a check for `node`. Raises SettingsError."""
    return health.rules_for(node, settings, warn, crit)


def judge(
    began: float,
    looks: Mapping[str, Examined | None],
    rules: Mapping[str, health.Rules],
    parents: Mapping[str, str | None],
    kept: Kept,
    mutes: Mutes | None = None,
) -> health.Report:
    """The report over all looks; `kept` holds for the next run what it should know. `mutes`: what people said of alerts.

    `parents` names every node of the inventory: what is kept of others is dropped, or the file of a fleet whose nodes come and go
    would grow for ever.
    """
    for gone in kept.memories.keys() - parents.keys():
        del kept.memories[gone]
        kept.counters.pop(gone, None)
    for gone in kept.posture.briefs.keys() - parents.keys():
        del kept.posture.briefs[gone]
    verdicts: dict[str, Verdict] = {}
    before: dict[str, Verdict | None] = {}
    times: dict[str, float] = {}
    for name, look in looks.items():
        memory = kept.memories.get(name)
        before[name], times[name] = (memory.verdict, memory.time) if memory else (None, 0.0)
        memory = health.judge(
            memory or health.Memory.blank(name, began),
            _observation(look, began, kept.posture.briefs.get(name)),
            rules[name],
        )
        kept.memories[name] = memory
        verdicts[name] = memory.verdict
        if look and look.counters:
            kept.counters[name] = look.counters
    blamed = health.blame(verdicts, parents)
    if mutes is not None and mutes.names:
        for name in mutes.names & blamed.keys():
            was = before[name]
            if was is not None and mutes.over(was) and mutes.over(blamed[name]):
                kept.ended[name] = times[name]
            blamed[name] = mutes.muted(blamed[name], began)
    for name, verdict in blamed.items():
        # Kept as told: a node that stays away when its parent is back becomes an alert, and that is news.
        kept.memories[name] = replace(kept.memories[name], verdict=verdict)
    nodes = tuple(
        health.NodeReport(
            blamed[name],
            look.reach if look else None,
            _metrics(look, kept.posture.briefs.get(name)),
            rules[name],
            health.changed(before[name], blamed[name]),
        )
        for name, look in looks.items()
    )
    return health.Report(began, time.time() - began, nodes)


def _observation(look: Examined | None, now: float, brief: Brief | None) -> health.Observation:
    if look is None:
        return health.Observation(reach=Reach(now, pending=True), time=now)
    parts = dict(look.sample.parts) if look.sample else {}
    if brief and brief.worse:
        parts["posture"] = tuple(map(Worse, brief.worse))
    metrics = _metrics(look, brief) if look.reach.up else None
    return health.Observation(reach=look.reach, metrics=metrics, parts=parts, time=now)


def _metrics(look: Examined | None, brief: Brief | None) -> dict[str, float]:
    if look is None:
        return {}
    found = {**(look.sample.metrics if look.sample else {}), **trip_metrics(look.trips)}
    # Only beside a sample: a node that gives none is silent, whatever was known of it hours ago.
    return {**found, **brief.metrics()} if brief and look.sample and look.sample.metrics else found


def _ignore(error: StateError) -> None:
    pass
