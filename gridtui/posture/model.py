"""What is said of how a node is kept: findings, a score, drift. Owns the shapes; reads nothing and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from ..model import NOTHING, Unsupported


class Severity(IntEnum):
    """How bad a finding is. Higher is worse."""

    LOW = 1
    """What a careful administrator would change one day."""
    MEDIUM = 2
    """A way in, or a way to stay unnoticed, that stands open to somebody with luck or patience."""
    HIGH = 3
    """A way in that stands open now."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Grade(StrEnum):
    """The score in one letter; docs/POSTURE.md has the bounds. A finding of high severity leaves C at best."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"


@dataclass(frozen=True, slots=True)
class Port:
    """One socket that takes what comes: a TCP listener, or a bound UDP socket without a peer."""

    protocol: str
    """`tcp` or `udp`."""
    address: str
    """As the node says it: `0.0.0.0`, `::`, `*` (both), `127.0.0.1`."""
    port: int
    world: bool
    """Whether more than the node itself can reach it, were there no firewall: its address is not a loopback one."""
    process: str = ""
    """The program's name; '' where the node does not tell (another user's, without root)."""
    unit: str = ""
    """The systemd unit that it runs in; '' where not known."""

    @property
    def fleeting(self) -> bool:
        """Whether it is a UDP port that the kernel may have picked for a client (Linux's ephemeral range): no service, and no drift."""
        return self.protocol == "udp" and self.port >= 32768

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol} {shown}:{self.port}" + (f" ({self.process})" if self.process else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is badly kept on one node."""

    id: str
    """As in `findings.CHECKS`: what `gridtui_posture_accept` names."""
    severity: Severity
    title: str
    """What is wrong, in a few words: `password logins are allowed`. The same for every node."""
    seen: str
    """What was seen on this node, one line, neutralised."""
    weight: int
    """Points that it takes from the score."""
    playbook: str = ""
    """The shipped playbook that mends it; '' where none does."""
    variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    """Variables that the playbook needs to mend exactly this."""
    advice: str = ""
    """Where no playbook mends it: what a person does, one line."""
    accepted: bool = False
    """The inventory says that this is meant (`gridtui_posture_accept`): shown, not counted."""
    fleeting: bool = False
    """It comes with time and goes with upkeep (pending updates, a due reboot): counted, but no drift."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """One check that could not be made on this node: neither a pass nor a finding."""

    id: str
    title: str
    why: str
    """One line, neutralised."""
    permission: bool = False
    """Root could have told."""


@dataclass(frozen=True, slots=True)
class Posture:
    """How well one node is kept, at one moment."""

    node: str
    time: float
    """When it was asked, seconds since the epoch."""
    score: int | None
    """0 to 100; None when nothing at all could be checked."""
    grade: Grade | None
    confidence: int
    """Per cent of the weight of all checks that apply to this node which could be made."""
    findings: tuple[Finding, ...] = ()
    """The worst first: severity, then weight. Accepted ones among them."""
    unknowns: tuple[Unknown, ...] = ()
    passed: tuple[str, ...] = ()
    """Ids of the checks that found nothing."""
    privileged: bool = False
    """Whether root answered."""
    ports: tuple[Port, ...] | Unsupported = ()
    lynis: int | None = None
    """The hardening index of Lynis' last report, 0 to 100; None where there is none or it cannot be read. Not in our score."""

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The findings that nobody accepted."""
        return tuple(finding for finding in self.findings if not finding.accepted)

    @property
    def worst(self) -> Finding | None:
        """The first finding that counts."""
        return next(iter(self.counted), None)

    @property
    def high(self) -> int:
        """How many findings of high severity count."""
        return sum(finding.severity is Severity.HIGH for finding in self.counted)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is another one now. Text, neutralised."""

    name: str
    """`sshd.passwordauthentication`, `sysctl.kernel.dmesg_restrict`, `firewall`, ..."""
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before or 'nothing'} → {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Drift:
    """What is another way than at the look before. What was unknown then or is now is no drift."""

    before: float
    """When the look before was, seconds since the epoch."""
    appeared: tuple[Finding, ...] = ()
    mended: tuple[Finding, ...] = ()
    """Findings of the look before that are gone."""
    opened: tuple[Port, ...] = ()
    closed: tuple[Port, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.appeared or self.mended or self.opened or self.closed or self.changed)

    @property
    def worse(self) -> tuple[str, ...]:
        """What is worse, a line each: findings that appeared (not by time alone, not accepted) and ports opened to the world. `posture.drift` counts them."""
        found = [finding.title for finding in self.appeared if not (finding.fleeting or finding.accepted)]
        return (*found, *(f"{port} opened" for port in self.opened if port.world))


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one node: the value for each node of `Fleet.posture`."""

    node: str
    posture: Posture | None = None
    drift: Drift | None = None
    """Since the look before; None at the first one."""
    error: str = ""
    """Why it was not asked now, one line; `posture` is then None, or that of an earlier look where that was asked for."""
    layer: str | None = None
    """The layer that failed."""
    fresh: bool = False
    """Whether it was asked just now, and is not what was kept."""
    seconds: float = 0.0
    bytes: int = 0
