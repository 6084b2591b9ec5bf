"""What provisioning is asked for, how far it is, and how it ended. Owns the shapes; does nothing.

A node goes through steps, in order: `contact`, `key`, `root`, `python`, then each playbook of its profile by the playbook's name, then `ready`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from .password import Password

if TYPE_CHECKING:
    from .connection import Shown

CONTACT, KEY, ROOT, PYTHON, READY = "contact", "key", "root", "python", "ready"

FANOUT = 16
"""Nodes at once in the steps before the playbooks: a thread each."""

GRID_USER = "grid"
"""The user whose jobs run on the nodes, where `gridtui_grid_user` (or `base_user`) says nothing else."""


class StepState(StrEnum):
    """How a step is, or ended, on a node."""

    RUNNING = "running"
    OK = "ok"
    """It was done already: nothing was changed."""
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    WOULD = "would"
    """With --dry-run: it would be done. `text` says what."""
    SKIPPED = "skipped"
    """Not begun: the run was stopped, or an earlier batch of the playbook failed."""


class Ending(StrEnum):
    """How provisioning ended on a node."""

    OK = "ok"
    """It was ready, and nothing was changed."""
    CHANGED = "changed"
    """It is ready now."""
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    PLANNED = "planned"
    """With --dry-run."""


@dataclass(frozen=True, slots=True)
class Step:
    """News of one step on one node: it began, it goes on (`text` says with what), or how it ended."""

    node: str
    name: str
    state: StepState
    text: str = ""
    """One line, neutralised."""
    seconds: float = 0.0


Told = Callable[[Step], None]
"""Called on the event loop, in order for each node."""

Vouch = Callable[["Sequence[Shown]"], Awaitable[bool]]
"""Asks a person whether all these host keys are the right ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do and with what. Secrets are in `Password`s, which show themselves to nobody."""

    user: str | None = None
    """Who logs in first; None: whom the inventory or ssh_config names."""
    key: Path | None = None
    """The key to install, either half; None: the one that would be used to log in."""
    password: Password = field(default_factory=Password)
    become: Password | None = None
    """sudo's or su's password where it is another one; None: the login's."""
    become_method: str = "auto"
    """`sudo`, `su`, or `auto`: sudo where it is installed."""
    fingerprints: Path | None = None
    """A list of known host keys."""
    profile: Path | None = None
    dry_run: bool = False
    again: bool = False
    """Run the playbooks, whatever is noted as done."""
    fanout: int = FANOUT


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended on one node."""

    node: str
    status: Ending
    steps: tuple[Step, ...] = ()
    """Those that ended, in order."""
    error: str = ""
    """One line: what failed, at which step, how to mend it."""
    evidence: str = ""
    layer: str | None = None
    """The layer that failed, of a node that was not reached."""
    seconds: float = 0.0
    user: str = ""
    """Who logs in from now on: the grid user."""
    fingerprint: str = ""
    """Of the host key, where it was pinned in this run."""

    @property
    def ok(self) -> bool:
        return self.status in (Ending.OK, Ending.CHANGED, Ending.PLANNED)
