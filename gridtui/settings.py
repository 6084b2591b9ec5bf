"""The user's settings, typed, each with a docstring. Owns the settings file and the XDG folders; knows no room above it.

The file is TOML: the first of `-c`, `$GRIDTUI_CONFIG`, `config.toml` in the XDG configuration folder of gridtui; none is fine.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from .errors import SettingsError, UsageError

LEAST, MOST = 0.05, 7 * 86400.0
"""Seconds: the bounds of every interval. Faster than that the controller would do nothing else."""


SHELLS = ("auto", "suspend", "tmux")
"""Where the dashboard opens a shell."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are looked at, in seconds. A node's `gridtui_interval` and its kin stand above these."""

    ping: float = 1.0
    """Between two echoes to a node."""
    ping_timeout: float = 1.0
    """After which an echo counts as lost."""
    fast: float = 2.0
    """Between two samples of cpu, memory, disk and network."""
    slow: float = 30.0
    """Between two samples of file systems, temperatures, users and units."""
    gpu: float = 10.0
    """Between two samples of GPUs on a node that has some."""
    overdue: float = 10.0
    """After which an unanswered tick means that the probe hangs."""


@dataclass(frozen=True, slots=True)
class Ssh:
    """How the connection pool behaves."""

    config: str = ""
    """The ssh_config to read; empty means `~/.ssh/config` and the system's, as `ssh` does. `none` reads no file."""
    known_hosts: str = ""
    """The known_hosts to trust; empty means what ssh_config says, else `~/.ssh/known_hosts`."""
    host_keys: str = "strict"
    """`strict`: unknown keys are refused. `accept-new`: an unknown key is pinned, a changed one still refused."""
    logins: int = 16
    """Logins in flight at once, over all nodes."""
    logins_per_host: int = 4
    """Logins in flight at once to one address: under sshd's MaxStartups (10:30:100)."""
    sessions: int = 8
    """Channels on one connection: under sshd's MaxSessions (10)."""
    connect_timeout: float = 5.0
    """Seconds for TCP and the banner."""
    login_timeout: float = 15.0
    """Seconds for the whole login."""
    keepalive: float = 5.0
    """Seconds of silence after which a keepalive is sent; after three unanswered ones the connection is lost."""
    backoff: float = 1.0
    """First pause after a failed connection, doubled each time, with jitter."""
    backoff_max: float = 60.0
    """Longest pause."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands between a slip of the finger and the fleet."""

    confirm_above: int = 20
    """A change on more nodes than this is asked about first, where there is a terminal to ask on."""
    read_only: bool = False
    """Nothing that may change a node: commands and data are refused."""

    def allow_changes(self) -> None:
        """Raises UsageError where this is read-only."""
        if self.read_only:
            raise UsageError(
                "this is read-only: nothing may change a node",
                hint="leave out --read-only, $GRIDTUI_READ_ONLY or guard.read_only in the settings",
            )


@dataclass(frozen=True, slots=True)
class Posture:
    """How often `check` asks nodes how well they are kept."""

    check: bool = True
    """Whether `check` asks at all."""
    every: float = 21600.0
    """Seconds between two questions to a node, at least; up to a quarter more, so that not all nodes are asked at once."""
    sudo: bool = True
    """Whether `sudo -n` may be tried where the login is not root's; `check` tries it only where it worked before."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """How the dashboard looks and which keys it has."""

    theme: str = "gridtui-dark"
    """A theme's name, as the command palette lists them."""
    columns: tuple[str, ...] = ()
    """Columns of the fleet table, in order; empty means all that fit."""
    keys: dict[str, str] = field(default_factory=dict)
    """Action name to key, e.g. `quit = "ctrl+q"`."""
    views: dict[str, Any] = field(default_factory=dict)
    """Views of the fleet by name, each a table: filter, sort, descending, group, folded, columns, look, metric."""
    dispatch: bool = True
    """Whether it dispatches jobs while nobody else does."""
    bell: bool = False
    """Whether the terminal's bell rings when a new alert comes."""
    title: bool = True
    """Whether the terminal's title says how many alerts there are; it is given back at the end. Only where the terminal can do that."""
    shell: str = "auto"
    """Where a shell on a node opens: `tmux`, a window of its own; `suspend`, in the dashboard's place; `auto`, in tmux where there is one."""


@dataclass(frozen=True, slots=True)
class Playbooks:
    """How playbooks are found and run."""

    paths: tuple[str, ...] = ()
    """Folders of playbooks of your own, or single ones; found by name beside the shipped ones."""
    forks: int = 0
    """Nodes at once; left out: as many as are selected, bounded by this machine's cores."""
    strategy: str = ""
    """Ansible's strategy plugin, e.g. `mitogen_linear`; empty: what ansible.cfg says, else Ansible's own."""
    keep: int = 50
    """Runs whose artefacts are kept."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """How jobs are dispatched."""

    engine: str = "ssh"
    """What runs them: the name of an entry point `gridtui.engines`."""
    lost_after: float = 300.0
    """Seconds without a word from a node after which its jobs are queued again elsewhere."""
    drain: float = 3600.0
    """Seconds that jobs have to end before their node is rebooted by a playbook; after that they are queued again."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL for a job that is cancelled."""
    fetches: int = 8
    """Attempts whose outputs are fetched at once, over all nodes."""
    keep: int = 30
    """Days for which ended jobs, their logs and the outputs that no folder was named for are kept."""


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of what was seen while nodes are watched."""

    on: bool = True
    """Whether anything is."""
    keep: int = 90
    """Days; fine values are kept for fewer (docs/HISTORY.md)."""
    limit: int = 500
    """Megabytes (10^6 bytes) for one inventory; the oldest of what is finest goes first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings."""

    intervals: Intervals = field(default_factory=Intervals)
    ssh: Ssh = field(default_factory=Ssh)
    guard: Guard = field(default_factory=Guard)
    playbooks: Playbooks = field(default_factory=Playbooks)
    dashboard: Dashboard = field(default_factory=Dashboard)
    posture: Posture = field(default_factory=Posture)
    jobs: Jobs = field(default_factory=Jobs)
    history: History = field(default_factory=History)
    thresholds: dict[str, Any] = field(default_factory=dict)
    """Rule name to its settings, for every node; as `gridtui_thresholds` in an inventory."""


def load(path: Path | None = None) -> Settings:
    """Read the settings. A missing file is fine unless it was named. Raises SettingsError."""
    named = path or (Path(env) if (env := os.environ.get("GRIDTUI_CONFIG")) else None)
    source = named or config_folder() / "config.toml"
    try:
        text = source.read_bytes()
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{source}: no such settings file") from None
        return Settings()
    except OSError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from None
    try:
        data = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source}: not valid TOML: {error}") from None
    settings: Settings = _build(Settings, data, str(source), "")
    if settings.ssh.host_keys not in ("strict", "accept-new"):
        raise SettingsError(f"{source}: ssh.host_keys is {settings.ssh.host_keys!r}; it is `strict` or `accept-new`")
    if settings.dashboard.shell not in SHELLS:
        wanted = ", ".join(f"`{one}`" for one in SHELLS)
        raise SettingsError(f"{source}: dashboard.shell is {settings.dashboard.shell!r}; it is one of {wanted}")
    if settings.ssh.config not in ("", "none") and not Path(settings.ssh.config).expanduser().exists():
        # Told once and here: it is no node's fault, and must not make all of them look as if they were down.
        raise SettingsError(f"{source}: ssh.config is {settings.ssh.config!r}, and there is no such file")
    for item in fields(Intervals):
        seconds = getattr(settings.intervals, item.name)
        if not LEAST <= seconds <= MOST:
            raise SettingsError(
                f"{source}: intervals.{item.name} is {seconds:g}; it must be from {LEAST:g} s to a week ({MOST:g})"
            )
    return settings


def _build(kind: type[Any], data: dict[str, Any], source: str, prefix: str) -> Any:
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]
    values: dict[str, Any] = {}
    for name, value in data.items():
        where = f"{source}: {prefix}{name}"
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise SettingsError(f"{where} is no setting", hint=f"did you mean {near[0]}?" if near else "")
        values[name] = _value(hints[name], value, source, f"{prefix}{name}")
    return kind(**values)


def _value(kind: Any, value: Any, source: str, name: str) -> Any:
    if is_dataclass(kind) and isinstance(value, dict):
        return _build(kind if isinstance(kind, type) else type(kind), value, source, f"{name}.")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        return value
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind == dict[str, str] and isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    if kind == dict[str, Any] and isinstance(value, dict):
        return value
    texts = {
        float: "a number above 0",
        int: "a whole number above 0",
        bool: "true or false",
        str: "text",
        tuple[str, ...]: "a list of text",
    }
    wanted = texts.get(kind, "a table of text" if kind == dict[str, str] else "a table")
    raise SettingsError(f"{source}: {name} is {value!r}; it must be {wanted}")


def config_folder() -> Path:
    """`$XDG_CONFIG_HOME/gridtui`, else `~/.config/gridtui`."""
    return _xdg("XDG_CONFIG_HOME", ".config")


def state_folder() -> Path:
    """`$XDG_STATE_HOME/gridtui`, else `~/.local/state/gridtui`. `store` creates it, mode 0700."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def _xdg(variable: str, fallback: str) -> Path:
    # The XDG base directory specification: a relative path there is invalid and to be ignored.
    base = os.environ.get(variable, "")
    return (Path(base) if base.startswith("/") else Path.home() / fallback) / "gridtui"
