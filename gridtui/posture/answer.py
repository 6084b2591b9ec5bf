"""What a node answered, read: one frozen value for each part of the question. Owns the shapes; reads and judges nothing.

A part that could not be seen is `Unsupported`; one that does not arise on this node (no sshd, a container's kernel) is `Absent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import NOTHING, Unsupported
from .model import Port

NEEDS_ROOT = "needs root"
"""`Unsupported.why` where root could have told."""
_NOT_ASKED = Unsupported("not told")


@dataclass(frozen=True, slots=True)
class Absent:
    """There is nothing to judge here: neither good nor bad nor unknown."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """How exposed a unit is, by `systemd-analyze security`: 0 (sandboxed) to 10 (may do all)."""

    unit: str
    exposure: float


@dataclass(frozen=True, slots=True)
class Services:
    """What `systemd-analyze security` said; slow, so kept while `checksum` (units and their files) stays."""

    checksum: str
    units: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Sshd:
    """sshd's settings by lower-case keyword, several values of one keyword joined by blanks."""

    settings: Mapping[str, str]
    effective: bool
    """From `sshd -T` for the login user; False: read from its files, so what is not written there and has no old default is absent."""


@dataclass(frozen=True, slots=True)
class Firewall:
    """Whether what no rule lets in is dropped."""

    drops4: bool
    drops6: bool
    by: str = ""
    """What drops: `nft inet gridtui`, `iptables`; '' where nothing does."""


@dataclass(frozen=True, slots=True)
class Updates:
    """What the package manager knows of updates, without having asked anybody now."""

    manager: str
    security: tuple[str, ...]
    """Packages with a security update at hand."""
    others: int
    age: float | None
    """Seconds since the lists were fetched; None when not known."""
    source: bool = True
    """Whether lists of security updates are there at all."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """Whether security updates are installed without a person."""

    on: bool
    how: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """Whether something keeps the clock right."""

    synchronised: bool
    how: str = ""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts that need nobody's password. Names, neutralised."""

    roots: tuple[str, ...]
    """Accounts with uid 0."""
    empty: tuple[str, ...]
    """Accounts with an empty password."""
    shadow: bool
    """Whether /etc/shadow could be read: without it, an empty `empty` says nothing."""


@dataclass(frozen=True, slots=True)
class Mandatory:
    """Mandatory access control: `kind` is apparmor, selinux or ''; `mode` enforcing, permissive or ''."""

    kind: str
    mode: str


@dataclass(frozen=True, slots=True)
class Detection:
    """The intrusion detection that the playbook `ids` sets up."""

    there: bool
    changed: int | None = None
    """Files that are not as in the baseline."""
    baseline: str = ""
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Reboot:
    """Whether the node runs something older than what is installed."""

    required: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Lynis:
    """Lynis' last report."""

    index: int
    when: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that one node said."""

    time: float = 0.0
    """The controller's clock, seconds since the epoch."""
    privileged: bool = False
    user: str = ""
    """Who logged in."""
    os: str = ""
    """`ID` of os-release(5)."""
    container: bool = False
    ports: tuple[Port, ...] | Unsupported = _NOT_ASKED
    services: Services | Unsupported | Absent = _NOT_ASKED
    sshd: Sshd | Unsupported | Absent = _NOT_ASKED
    firewall: Firewall | Unsupported = _NOT_ASKED
    updates: Updates | Unsupported = _NOT_ASKED
    automatic: Automatic | Unsupported = _NOT_ASKED
    clock: Clock | Unsupported | Absent = _NOT_ASKED
    accounts: Accounts | Unsupported = _NOT_ASKED
    sudo: tuple[str, ...] | Unsupported = _NOT_ASKED
    """Lines of sudoers that ask for no password and allow everything."""
    writable: tuple[str, ...] | Unsupported = _NOT_ASKED
    """Programs, folders of programs and system files that every user may write."""
    mandatory: Mandatory | Unsupported | Absent = _NOT_ASKED
    sysctls: Mapping[str, str] | Unsupported = field(default_factory=lambda: NOTHING)
    """By their dotted names."""
    detection: Detection | Unsupported = _NOT_ASKED
    reboot: Reboot | Unsupported = _NOT_ASKED
    lynis: Lynis | Unsupported | Absent = _NOT_ASKED
    cpu: float | None = None
    """Seconds of CPU that the question took on the node, sudo's own apart."""
