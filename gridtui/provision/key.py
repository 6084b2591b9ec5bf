"""The controller's key: which one it is, its public half, and what signs with it (an agent or the file). Owns no connection.

One key is put on a node and one is offered when logging in there: a server counts each refused key as a failed try (MaxAuthTries).
"""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from paramiko.agent import AgentSSH

from ..errors import UsageError
from ..model import clean
from ..ssh.keys import DEFAULTS
from ..ssh.route import Route

AGENT = 20.0
"""Seconds for an agent's answer: a forwarded one whose connection died never gives one."""

_PUBLIC = re.compile(r"(?P<kind>[a-z0-9@.-]{4,64}) (?P<blob>[A-Za-z0-9+/=]{40,16384})(?: (?P<comment>.*))?")


@dataclass(frozen=True, slots=True)
class Key:
    """One key pair. `public` is a line for authorized_keys, its comment neutralised."""

    public: str
    file: Path | None = None
    """The private half; None when an agent alone has it."""
    agent: str | None = None
    """The socket of the agent to ask."""

    @property
    def fingerprint(self) -> str:
        """`SHA256:...`, as ssh-keygen shows it."""
        return str(paramiko.PKey.from_type_string(*self._parts()).fingerprint)

    @property
    def words(self) -> str:
        """The key without its comment: what makes a line the same line."""
        return " ".join(self.public.split()[:2])

    @contextmanager
    def signer(self) -> Iterator[paramiko.PKey | None]:
        """What can log in with it now, without asking anybody: the agent's key, else the file's where it is not encrypted."""
        _, blob = self._parts()
        if self.agent:
            with _agent(self.agent) as held:
                for one in held:
                    if one.asbytes() == blob:
                        yield one
                        return
        yield self._of_file()

    def opens(self) -> bool:
        """Whether one could log in with it now."""
        with self.signer() as found:
            return found is not None

    def _of_file(self) -> paramiko.PKey | None:
        if self.file:
            with suppress(OSError, ValueError, TypeError, paramiko.SSHException):
                return paramiko.PKey.from_path(self.file)
        return None

    def _parts(self) -> tuple[str, bytes]:
        kind, blob = self.public.split()[:2]
        return kind, base64.b64decode(blob)


def find(route: Route, named: Path | None = None) -> Key:
    """The key to install: `named` (either half), else what the inventory or ssh_config names, else the first usual file, else the
    agent's first. Raises UsageError when there is none, or none with a public half."""
    if named:
        return _of_file(named, route.agent)
    for path in route.identities if route.identities is not None else _usual():
        if path.exists() or _public_half(path).exists():
            return _of_file(path, route.agent)
    if route.agent and (held := _first(route.agent)):
        return held
    raise UsageError(
        "there is no key to put on the nodes", hint="make one with `ssh-keygen -t ed25519`, or name one with --key"
    )


def _usual() -> list[Path]:
    return [Path("~/.ssh", name).expanduser() for name in DEFAULTS]


def _public_half(path: Path) -> Path:
    return path if path.suffix == ".pub" else path.with_name(path.name + ".pub")


def _of_file(path: Path, agent: str | None) -> Key:
    path = path.expanduser()
    private = path.with_suffix("") if path.suffix == ".pub" else path
    half = _public_half(path)
    try:
        text = half.read_text("utf-8", "replace")
    except FileNotFoundError:
        return Key(_derived(private), private, agent)
    except OSError as error:
        raise UsageError(f"{half}: cannot be read: {error.strerror}") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or not (found := _PUBLIC.fullmatch(lines[0].strip())):
        raise UsageError(f"{half}: this is no public key", hint="one line as `ssh-keygen` writes it")
    comment = clean(found["comment"] or "", 200)
    return Key(f"{found['kind']} {found['blob']} {comment}".rstrip(), private if private.exists() else None, agent)


def _derived(private: Path) -> str:
    """The public half of a file that lies alone."""
    try:
        pair = paramiko.PKey.from_path(private)
    except FileNotFoundError:
        raise UsageError(f"{private}: there is no such key") from None
    except OSError as error:
        raise UsageError(f"{private}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, paramiko.SSHException):
        raise UsageError(
            f"{private}: its public half is missing and it is encrypted, or no private key",
            hint=f"`ssh-keygen -yf {private} > {private}.pub`",
        ) from None
    return f"{pair.get_name()} {pair.get_base64()}"


def _first(agent: str) -> Key | None:
    with _agent(agent) as held:
        for one in held:
            line = f"{one.get_name()} {one.get_base64()}"
            if _PUBLIC.fullmatch(line):
                return Key(f"{line} {clean(getattr(one, 'comment', ''), 200)}".rstrip(), None, agent)
    return None


@contextmanager
def _agent(path: str) -> Iterator[tuple[paramiko.PKey, ...]]:
    """The keys of an agent while it is open; none where it does not answer."""
    agent: _Agent | None = None
    with suppress(OSError, paramiko.SSHException, EOFError):
        agent = _Agent(path)
    try:
        yield tuple(agent.get_keys()) if agent else ()
    finally:
        if agent:
            agent.conn.close()


class _Agent(AgentSSH):
    """An agent at any socket, and not for ever. (paramiko's own knows $SSH_AUTH_SOCK alone.)"""

    def __init__(self, path: str) -> None:
        super().__init__()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            conn.settimeout(AGENT)
            conn.connect(path)
            connect: Any = self._connect  # type: ignore[attr-defined]  # not in the stubs
            connect(conn)
            self.conn = conn
        except BaseException:
            conn.close()
            raise
