"""Every error there is. Owns the tree; knows nothing else of the program.

An error is one line for the reader (what is wrong, where, how to mend it) and keeps its evidence apart, which
`-v` shows. A failing node is a value in a result, not one of these: errors end a command, or one node's connection.

    GridtuiError
    ├── UsageError               wrong option, unknown command, nothing selected
    │   ├── SpecError            a bad description of jobs: file, line, column
    │   └── CommandError         a bad line in the dashboard's command line: text and position
    ├── SettingsError            a bad settings file
    ├── InventoryError           a bad inventory: file, line, column
    ├── SelectionError           a bad selection expression: text and position
    ├── StateError               the state folder: full, unreadable, damaged
    ├── LockedError              another run holds the lock
    ├── PingError                no way to ping on this system
    ├── ProbeError               a node's answer does not hold to the frame format, or is overdue
    ├── EngineError              what runs jobs did not do what was asked
    ├── StagingError             files of a job were not moved: the node has no rsync, no space, ...
    │   └── InputError           an input here is missing, unreadable, or changes while it is read
    └── SshError                 a node was not reached; `layer` says how far it came
        ├── ResolveError         the name has no address                         (layer icmp)
        ├── ConnectError         TCP refused, unreachable or timed out           (layer tcp)
        ├── BannerError          something answered, but not SSH                 (layer banner)
        ├── LoginError           refused or unanswered login                     (layer login)
        │   ├── LoginTimeout     spoke SSH, then fell silent
        │   └── HostKeyError
        │       ├── HostKeyUnknown   nobody vouched for this host key yet
        │       └── HostKeyChanged   the key differs from the known one: an alarm
        ├── ShellError           logged in, but no shell or channel              (layer shell)
        └── ConnectionLost       an open connection ended                        (layer tcp)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

LayerName = Literal["icmp", "tcp", "banner", "login", "shell"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen when it went wrong. Shown by `-v`; text is already neutralised by `model.clean`."""

    node: str | None = None
    command: str | None = None
    exit_status: int | None = None
    stderr: str = ""


class GridtuiError(Exception):
    """Base of all. `str(error)` is one line; `hint` says how to mend it, or is empty."""

    def __init__(self, message: str, *, hint: str = "", evidence: Evidence | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = evidence or Evidence()

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(GridtuiError):
    """The command line asks for what does not exist."""


class SpecError(UsageError):
    """Jobs are described wrongly. `file`, `line` and `column` (from 1, or None) say where; `others` are what else is wrong in the same text."""

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
        others: Sequence[SpecError] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.others = tuple(others)

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{where}: {super().__str__()}" if where else super().__str__()


class SettingsError(GridtuiError):
    """The settings file does not hold to `settings.Settings`."""


class InventoryError(GridtuiError):
    """An inventory that cannot be read. `file`, `line` and `column` (from 1, or None) say where."""

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{where}: {super().__str__()}" if where else super().__str__()


class CommandError(UsageError):
    """A command line of the dashboard that cannot be read. `position` counts characters from 0."""

    def __init__(self, message: str, *, text: str = "", position: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.position = position


class SelectionError(GridtuiError):
    """A selection that cannot be parsed or names what does not exist. `position` counts characters from 0."""

    def __init__(self, message: str, *, text: str = "", position: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.position = position


class StateError(GridtuiError):
    """The state folder cannot be read or written."""


class LockedError(GridtuiError):
    """Another run holds the lock."""


class PingError(GridtuiError):
    """This system permits no way of pinging."""


class ProbeError(GridtuiError):
    """A node's answer broke the frame format, was too long, or did not come in time."""


class EngineError(GridtuiError):
    """What runs jobs (`gridtui.jobs.engines`) did not do what was asked, or cannot be had."""


class StagingError(GridtuiError):
    """Files of a job were not moved to a node or from it. Another node may do better."""


class InputError(StagingError):
    """An input here is missing, unreadable or changes while it is read: no other node would help."""


class SshError(GridtuiError):
    """A node was not reached. `layer` is the first layer that failed."""

    layer: ClassVar[LayerName] = "tcp"
    retry: ClassVar[bool] = True
    """Whether trying again by itself may help. False for refused logins and host keys: a person must act."""


class ResolveError(SshError):
    layer = "icmp"


class ConnectError(SshError):
    layer = "tcp"


class BannerError(SshError):
    layer = "banner"


class LoginError(SshError):
    """The login failed. `retry` is False on the instance's class when the server refused us."""

    layer = "login"
    retry = False


class LoginTimeout(LoginError):
    """The server spoke SSH and then fell silent."""

    retry = True


class HostKeyError(LoginError):
    """The host key is not the one that was vouched for. `fingerprint` is what the node showed (SHA256:...)."""

    def __init__(
        self, message: str, *, fingerprint: str = "", hint: str = "", evidence: Evidence | None = None
    ) -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.fingerprint = fingerprint


class HostKeyUnknown(HostKeyError):
    """No known_hosts entry for this node."""


class HostKeyChanged(HostKeyError):
    """The node shows another key than the known one: an alarm, never a prompt."""


class ShellError(SshError):
    layer = "shell"


class ConnectionLost(SshError):
    layer = "tcp"
