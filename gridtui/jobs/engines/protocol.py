"""What runs attempts: the protocol that `ssh` implements first, and Slurm, HTCondor and Kubernetes Jobs can. Owns the shape alone.

An engine starts, watches, ends and forgets attempts by their key; it owns no queue of ours and takes no decision on retries. Every
method may be repeated with the same key after a crash of either side: the second `start` of a key starts nothing.

An engine that `places` is given a node by our placement. One that does not (Slurm, HTCondor, Kubernetes) gets the requirements with
the order, chooses itself, tells `Phase.WAITING` meanwhile, and `Report.node` afterwards. Sizes and states map as docs/ENGINES.md says.

Engines are found by the entry point `gridtui.engines`: a callable that takes `Nodes` (a `Fleet` is one) and the
id of the queue whose attempts it tells of by itself (empty: of none), and gives an Engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...model import Node
from ...settings import Settings
from ...ssh import Pool
from ..model import Key, Level, Order, Report, Spec


class Nodes(Protocol):
    """What an engine may ask of whoever has it. A `Fleet` is one."""

    settings: Settings

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by name."""

    def holding(self) -> AbstractAsyncContextManager[Pool]:
        """The shared connections, open for as long as they are held."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an engine found on a node, beyond what the probes tell: what was really tried."""

    levels: frozenset[Level]
    """Sandboxes that work there."""
    disk: int | None = None
    """Bytes free where the jobs' folders lie."""
    closed: str = ""
    """Why it takes no job: the owner's word."""
    idle_closed: str = ""
    """Why it takes no job that gives way."""
    holds: frozenset[str] = frozenset()
    """Digests of the inputs that lie there."""
    fleeting: str = ""
    """Why jobs there end with our connection; empty where they outlive it."""


class Engine(Protocol):
    """Runs attempts. A node that cannot be reached is a Report that is missing, never an exception that ends the rest.

    `node` is where the attempts were placed; empty for an engine that places by itself and has not told yet where they are.
    """

    @property
    def name(self) -> str:
        """What settings call it."""

    @property
    def places(self) -> bool:
        """Whether our placement chooses the node."""

    async def inputs(self, spec: Spec) -> Mapping[str, int]:
        """What a job's inputs are, by digest as in `Ground.holds`, in bytes; empty where that is not known. For placement near them."""

    async def start(self, orders: Sequence[Order]) -> Sequence[Report]:
        """Start attempts, inputs included. A Report for each that is known to run, or known to be refused (`Cause.REFUSED`,
        `Cause.BROKEN`); none for those of which nothing is known yet, because the node was not reached or did not answer: `poll` tells
        later. May be cancelled."""

    async def poll(self, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        """All attempts that the node has, asked for or not, and `Phase.UNKNOWN` for those of `keys` that it has not.

        Nothing at all where it does not answer; `ground` is None then."""

    def ground(self, node: str) -> Ground | None:
        """What is known of a node now; None until it answered a `poll`, and while it does not answer. Never waits."""

    def changes(self) -> AsyncIterator[Report]:
        """Reports as they come by themselves (an attempt ended, was frozen), until `close`. For one reader."""

    async def end(self, node: str, keys: Sequence[Key], *, grace: float) -> None:
        """End attempts: SIGTERM, and SIGKILL `grace` seconds later. Their last Report follows. Unknown ones are none."""

    async def freeze(self, node: str, keys: Sequence[Key], frozen: bool) -> None:
        """Stop attempts where they stand, or let them go on."""

    async def read(self, node: str, key: Key, offset: int, limit: int) -> bytes:
        """A piece of the attempt's output, raw; empty at its end, and where there is none.

        Raises SshError or EngineError where it cannot be had."""

    async def fetch(
        self, node: str, key: Key, patterns: Sequence[str], into: Path, log: Path, limit: int
    ) -> Sequence[str]:
        """Bring the outputs that match into the folder `into`, and all that is kept of its output into the file `log`, each of them
        whole or not at all. Gives the outputs' names. Where no pattern is given, `into` is not touched. Raises as `read`.

        `limit` is the job's `output_limit`: a node that says much more than that is not believed, and nothing beyond is taken."""

    async def forget(self, node: str, keys: Sequence[Key]) -> None:
        """Remove all that is left of attempts; those that still run are ended first, without grace."""

    async def close(self) -> None:
        """Let go of connections. Attempts go on."""
