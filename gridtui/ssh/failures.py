"""The border where foreign errors become ours: one line, the layer, and how to mend it. Owns this translation, does nothing else.

Everything that a node sent is neutralised here before it is part of a message.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from enum import IntEnum

import asyncssh

from ..errors import (
    BannerError,
    ConnectError,
    ConnectionLost,
    Evidence,
    LoginError,
    LoginTimeout,
    ResolveError,
    SshError,
)
from ..model import clean


class Stage(IntEnum):
    """How far a login came."""

    CONNECT = 0
    """No TCP connection yet."""
    BANNER = 1
    """Connected; no SSH version line yet."""
    LOGIN = 2
    """The server spoke SSH."""


def login(
    error: BaseException, stage: Stage, where: str, node: str, *, seconds: float = 0.0, detail: str = ""
) -> SshError:
    """What went wrong while logging in. `where` is `user@host:port`, `seconds` the time-out, `detail` what the server said.

    An error that is unknown here is returned as a LoginError too: one node's oddity must not end the rest.
    """
    if isinstance(error, SshError):
        return error
    evidence = Evidence(node=node, stderr=clean(detail or str(error)))
    if isinstance(error, TimeoutError) and not error.errno:
        return _timeout(stage, where, evidence, seconds)
    if isinstance(error, socket.gaierror):
        return ResolveError(
            f"{where}: the name has no address ({clean(error.strerror or str(error), 100)})",
            hint="check ansible_host, /etc/hosts and DNS",
            evidence=evidence,
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return LoginError(f"{where}: permission denied", evidence=evidence)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return LoginError(
            f"{where}: no algorithm in common: {_reason(error)}",
            hint="see Ciphers, KexAlgorithms and HostKeyAlgorithms in ssh_config",
            evidence=evidence,
        )
    if isinstance(error, asyncssh.ChannelOpenError):  # only a jump host opens channels during a login
        return _jump(error, where, evidence)
    if is_end(error):
        if stage is Stage.CONNECT:
            return _connect(error, where, evidence)
        if stage is Stage.BANNER:
            said = f" ({clean(detail, 120)})" if detail else ""
            return BannerError(
                f"{where}: closed the connection before it spoke SSH{said}",
                hint="sshd's MaxStartups or PerSourcePenalties, a firewall, or no SSH at this port",
                evidence=evidence,
            )
        return LoginTimeout(f"{where}: the connection ended during the login", evidence=evidence)
    if isinstance(error, asyncssh.DisconnectError):
        return _disconnect(error, stage, where, evidence)
    if isinstance(error, OSError):
        return _connect(error, where, evidence)
    text = f"{type(error).__name__}: {clean(str(error), 200)}"
    if stage is Stage.LOGIN:
        return LoginTimeout(f"{where}: the login broke off: {text}", evidence=evidence)
    return BannerError(f"{where}: this is not SSH: {text}", evidence=evidence)


def lost(error: BaseException | None, where: str, node: str) -> ConnectionLost:
    """Why an open connection ended."""
    text = _reason(error) if error else "closed by the node"
    if "keepalive" in text:
        text = "the node does not answer any more (keepalive)"
    return ConnectionLost(f"{where}: connection lost: {text}", evidence=Evidence(node=node, stderr=text))


def _timeout(stage: Stage, where: str, evidence: Evidence, seconds: float) -> SshError:
    if stage is Stage.CONNECT:
        return ConnectError(
            f"{where}: no TCP connection within {seconds:g} s",
            hint="the node is off, or a firewall drops packets to this port",
            evidence=evidence,
        )
    if stage is Stage.BANNER:
        return BannerError(
            f"{where}: accepts the connection and says nothing for {seconds:g} s",
            hint="sshd hangs or is overloaded, or this is no SSH port",
            evidence=evidence,
        )
    return LoginTimeout(
        f"{where}: spoke SSH and then fell silent (login not done within {seconds:g} s)",
        hint="the node is overloaded, or its PAM, DNS or directory service hangs",
        evidence=evidence,
    )


_HINTS = {
    errno.ECONNREFUSED: "nothing listens there: is sshd running, is the port right?",
    errno.EHOSTUNREACH: "the node is off, or there is no way to its network",
    errno.ENETUNREACH: "there is no route to its network",
    errno.EACCES: "a local firewall forbids it",
    errno.EPERM: "a local firewall forbids it",
    errno.EMFILE: "raise this user's limit of open files (ulimit -n)",
}


def _connect(error: BaseException, where: str, evidence: Evidence) -> SshError:
    number = getattr(error, "errno", None)
    if not isinstance(number, int) and (found := re.findall(r"\[Errno (\d+)\]", str(error))):
        number = int(found[-1])  # asyncio folds the errors of several addresses into one text
    if number == errno.ETIMEDOUT:
        return ConnectError(
            f"{where}: no TCP connection: timed out", hint=_HINTS[errno.EHOSTUNREACH], evidence=evidence
        )
    why = _strerror(number) if isinstance(number, int) else clean(str(error), 200)
    return ConnectError(f"{where}: {why}", hint=_HINTS.get(number or 0, ""), evidence=evidence)


def _strerror(number: int) -> str:
    text = os.strerror(number)
    return text[:1].lower() + text[1:]


def _jump(error: asyncssh.ChannelOpenError, where: str, evidence: Evidence) -> SshError:
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return ConnectError(
            f"{where}: the jump host does not forward: {_reason(error)}",
            hint="AllowTcpForwarding in its sshd_config",
            evidence=evidence,
        )
    return ConnectError(f"{where}: the jump host cannot reach it: {_reason(error)}", evidence=evidence)


def _disconnect(error: asyncssh.DisconnectError, stage: Stage, where: str, evidence: Evidence) -> SshError:
    text = _reason(error)
    if "authentication failures" in text.lower():
        return LoginError(
            f"{where}: {text}",
            hint="too many keys were offered: name one with IdentityFile and set IdentitiesOnly",
            evidence=evidence,
        )
    if stage is Stage.LOGIN:
        return LoginTimeout(f"{where}: the login broke off: {text}", evidence=evidence)
    return BannerError(f"{where}: this is not SSH: {text}", hint="is another service at this port?", evidence=evidence)


def is_end(error: BaseException | None) -> bool:
    """Whether the other side just went away, without a word of SSH about why."""
    return isinstance(error, asyncssh.ConnectionLost | ConnectionResetError | BrokenPipeError | EOFError)


def _reason(error: BaseException) -> str:
    return clean(str(getattr(error, "reason", "") or error) or type(error).__name__, 200)
