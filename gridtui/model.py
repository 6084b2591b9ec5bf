"""The frozen values that every room speaks in. Owns names and units; does no input or output.

Units are SI everywhere in the core: seconds, bytes, bytes a second, degrees Celsius, watts. Shares are per cent (0 to 100).
Only the faces turn them into human text. Wall-clock times are seconds since the epoch (`time.time()`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The empty mapping."""


def _nothing() -> Mapping[str, Any]:
    return NOTHING  # a mappingproxy cannot be hashed before Python 3.12, so not a plain default


class Layer(StrEnum):
    """The layers between the controller and a node's shell, lowest first."""

    ICMP = "icmp"
    TCP = "tcp"
    BANNER = "banner"
    LOGIN = "login"
    SHELL = "shell"


class PingMethod(StrEnum):
    """How a round trip was measured."""

    ICMP = "icmp"
    """An unprivileged ICMP datagram socket."""
    RAW = "raw"
    """A raw ICMP socket (root, or CAP_NET_RAW)."""
    TCP = "tcp"
    """The time of a TCP connect to the SSH port."""
    SSH = "ssh"
    """A tick over the open connection: nodes behind a jump host."""
    LOCAL = "local"
    """This machine: nothing to measure."""


class State(IntEnum):
    """Monitoring-plugins states; the number is the exit status. Use `worst` to combine: UNKNOWN is not the worst."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_SEVERITY = {State.OK: 0, State.UNKNOWN: 1, State.WARNING: 2, State.CRITICAL: 3}


def worst(*states: State) -> State:
    """The worst of `states`: CRITICAL over WARNING over UNKNOWN over OK. OK of nothing."""
    return max(states, key=_SEVERITY.__getitem__, default=State.OK)


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the inventory, with the variables in force for it."""

    name: str
    """The inventory's name for it (`inventory_hostname`)."""
    address: str
    """`ansible_host`, or the name. An ssh_config alias is resolved by `ssh.resolve`, not here."""
    port: int | None = None
    """`ansible_port`; None leaves it to ssh_config."""
    user: str | None = None
    """`ansible_user`; None leaves it to ssh_config."""
    local: bool = False
    """`ansible_connection: local`."""
    identity: str | None = None
    """`ansible_ssh_private_key_file`, `~` expanded."""
    ssh_options: Mapping[str, str] = field(default_factory=_nothing)
    """OpenSSH options from `ansible_ssh_common_args` and `ansible_ssh_extra_args`, by lower-case name (`proxyjump`, ...)."""
    groups: tuple[str, ...] = ()
    """All groups it is in, sorted, without `all`."""
    vars: Mapping[str, Any] = field(default_factory=_nothing)
    """Effective variables, as `ansible-inventory` gives them."""
    labels: Mapping[str, str] = field(default_factory=_nothing)
    """`gridtui_labels`."""
    thresholds: Mapping[str, Any] = field(default_factory=_nothing)
    """`gridtui_thresholds`: rule name to its settings; read by `health.rules`."""
    parent: str | None = None
    """`gridtui_parent`: the node through which this one is reached."""
    maintenance: bool = False
    """`gridtui_maintenance`: watched, but never an alert."""
    interval: float | None = None
    """`gridtui_interval`: seconds between fast samples; None takes the setting."""
    slow_interval: float | None = None
    """`gridtui_slow_interval`: seconds between slow samples."""
    ping_interval: float | None = None
    """`gridtui_ping_interval`: seconds between echoes."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the controller got to a node, at one moment."""

    time: float
    failed: Layer | None = None
    """The first layer that failed; None when the node answers all the way."""
    error: str = ""
    """One line: why. Already neutralised."""
    method: PingMethod = PingMethod.ICMP
    pending: bool = False
    """Not known yet: nothing has failed and nothing has answered all the way."""

    @property
    def up(self) -> bool:
        return self.failed is None and not self.pending


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Figures over the ring of recent round trips. Times in seconds, None before the first answer; loss in per cent."""

    method: PingMethod
    sent: int = 0
    received: int = 0
    last: float | None = None
    """The newest echo's round trip; None when it was lost."""
    min: float | None = None
    avg: float | None = None
    max: float | None = None
    jitter: float | None = None
    """Mean absolute difference of neighbouring round trips (RFC 3550's idea, without its smoothing)."""

    @property
    def loss(self) -> float:
        return 100.0 * (self.sent - self.received) / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A probe that this node cannot answer (no GPU, no PSI, no sensors): a value, never an error or a zero."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sample cost. `node_cpu` is seconds of CPU on the node, children included; `seconds` is tick to last byte."""

    node_cpu: float | None = None
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the probes saw on one node at one moment.

    `parts` maps a probe's name to its frozen value, or to `Unsupported`; `metrics` is the flat view that rules,
    selections and columns use (names and units: `probes.METRICS`). A metric that is not known is absent.
    """

    node: str
    time: float
    boot_id: str = ""
    parts: Mapping[str, Any] = field(default_factory=_nothing)
    metrics: Mapping[str, float] = field(default_factory=_nothing)
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while a connection lives. Text is neutralised; unknown is '' or 0 or None."""

    node: str
    time: float = 0.0
    hostname: str = ""
    os: str = ""
    """`ID` of os-release(5): debian, fedora, ..."""
    os_version: str = ""
    """`VERSION_ID` of os-release(5)."""
    os_name: str = ""
    """`PRETTY_NAME` of os-release(5)."""
    kernel: str = ""
    arch: str = ""
    """`uname -m`."""
    virt: str = ""
    """`systemd-detect-virt`, or what the node's files tell; 'none' on bare metal, '' when not known."""
    vendor: str = ""
    product: str = ""
    cpu_model: str = ""
    cpus: int = 0
    """Logical CPUs online, as `nproc --all` counts."""
    cores: int = 0
    sockets: int = 0
    memory: int = 0
    """Bytes (`MemTotal`)."""
    gpus: tuple[str, ...] = ()
    boot_id: str = ""
    capabilities: frozenset[str] = frozenset()
    """What the node can do: systemd, podman, docker, bwrap, nft, landlock, tpm, sev, tdx, sgx, python3, rsync, ..."""
    shell: str = ""
    extra: Mapping[str, str] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is not OK: one rule that holds against the node."""

    rule: str
    """The rule's name: `reach`, `disk`, `load`, ..."""
    state: State
    text: str
    """One line for people: `/ is 96 % full`."""
    since: float
    value: float | None = None
    soft: bool = False
    """Seen, but not often enough yet to count: shown, not counted."""


class Hush(StrEnum):
    """Why something that is ill is no alert: what a person said of it."""

    ACKNOWLEDGED = "acknowledged"
    """Somebody knows of this alert, until it ends or becomes worse."""
    SILENCED = "silenced"
    """Whatever is wrong with the node, for a while."""
    MAINTENANCE = "maintenance"
    """As `gridtui_maintenance`, for a while or until it is taken back."""


@dataclass(frozen=True, slots=True)
class Mute:
    """What a person said of a node's alerts. `health.mutes` decides what follows from it."""

    hush: Hush
    node: str
    since: float
    """When it was said."""
    until: float | None = None
    """When it runs out by itself; None: until it is taken back, or, where it was acknowledged, until the alert ends."""
    who: str = ""
    why: str = ""
    rules: tuple[tuple[str, State], ...] = ()
    """Where it was acknowledged: the rules that held then, and how badly."""
    ended: float | None = None
    """Where it was acknowledged: when none of `rules` held any more."""
    place: str = ""
    """Address and port of the node: another inventory may have another node of that name."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `health` makes of a node."""

    node: str
    state: State
    since: float
    """When `state` began."""
    layer: Layer | None = None
    """The first layer that failed, when the node is down."""
    reasons: tuple[Reason, ...] = ()
    """Worst first."""
    flapping: bool = False
    maintenance: bool = False
    blamed: str | None = None
    """The dead parent that explains this node's silence: no alert of its own then."""
    mute: Mute | None = None
    """What a person said of it, while that is in force; `maintenance` is true then, too, where that was said."""

    @property
    def known(self) -> bool:
        """Whether anything is: a node that was not looked at yet has no reasons either."""
        return self.state is not State.UNKNOWN or bool(self.reasons)

    @property
    def alert(self) -> bool:
        """Whether somebody should be told."""
        return self.state is not State.OK and not self.maintenance and self.blamed is None and self.mute is None


@dataclass(frozen=True, slots=True)
class Status:
    """All that is known of a node now: what a screen draws and what a selection asks."""

    node: Node
    reach: Reach
    trips: RoundTrips
    verdict: Verdict
    sample: Sample | None = None
    facts: Facts | None = None


_SUSPECT = re.compile(r"[^\x20-\x7e]+")
_MARKS = 4
"""Combining marks that one character may carry: enough for every script, too few to draw over the lines above and below."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters (of Hangul) that are nothing but blank."""
_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
"""What gives the emoji before it another skin."""


def clean(text: str | bytes, limit: int = 4096) -> str:
    """Neutralise text that a node sent: the one border. One line, at most `limit` characters.

    Control, format, surrogate, private and unassigned characters (Unicode C*) and line separators become `·`, so that no
    terminal sequence, bidirectional override or newline survives; bytes are decoded as UTF-8 with replacement. What only changes
    how the character before it looks (variation selectors, skin tones, more combining marks than any script has) is left out:
    terminals do not agree how many cells are taken then, and the columns behind it would not stand where they should.
    Markup such as `[red]` is not touched: faces print it as plain text (`rich.text.Text`), never as markup.
    """
    if isinstance(text, bytes):
        text = text[: limit * 4].decode("utf-8", "replace")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return _SUSPECT.sub(_neutral, text)


def _neutral(match: re.Match[str]) -> str:
    shown: list[str] = []
    marks = 0 if match.start() else _MARKS  # at the very beginning there is nothing to carry one
    for char in match.group():
        category = unicodedata.category(char)
        if category[0] == "C" or category in ("Zl", "Zp") or char in _FILLERS:
            shown.append("·")
            marks = 0
        elif category in ("Mn", "Me"):
            marks += 1
            if marks <= _MARKS and not ("\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"):
                shown.append(char)
        elif char not in _TONES:
            shown.append(char)
            marks = 0
        elif not shown:
            shown.append("·")
    return "".join(shown)


def duration(seconds: float) -> str:
    """A duration in one or two units: `4 s`, `3 min`, `2 h 5 min`, `12 d 3 h`."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    units = (("d", 86400), ("h", 3600), ("min", 60))
    for index, (name, size) in enumerate(units):
        if left >= size:
            count, rest = divmod(left, size)
            if index + 1 < len(units):
                below, below_size = units[index + 1]
                if part := rest // below_size:
                    return f"{count} {name} {part} {below}"
            return f"{count} {name}"
    raise AssertionError(left)


def size(count: float) -> str:
    """Bytes in binary units, three digits: `512 B`, `1.5 kB`, `12.3 GB` (1 kB = 1024 B, as `df -h`)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} PB"
