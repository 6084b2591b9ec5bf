"""One login over paramiko, from the first TCP packet to an authenticated connection, and the jump hosts on the way. Owns that attempt.

Each stage has a bound in time, all of it one in bytes. The password goes to the node itself, once, and to nobody else.
`contact` is the interface to it; many nodes and steps are not known here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import asyncssh
import paramiko

from ..errors import BannerError, Evidence, LoginError, LoginTimeout, ResolveError, SshError, UsageError
from ..model import Node, clean
from ..settings import Ssh
from ..ssh import failures, hostkeys
from ..ssh.failures import Stage
from ..ssh.route import Route, Routes, hop
from . import key as keys
from .connection import Contact, Shown, end
from .interview import EXPIRED, Fishing, Interview
from .password import Password, Refused
from .transport import Transport
from .wire import EARLY, Wire, dial, proxied

JUMPS = 8
"""Jump hosts in a row, at most."""

_LOG = "gridtui.provision.paramiko"
# paramiko logs what servers send, and Python shows that on standard error where nobody set up logging
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False


class Jumps:
    """Connections to jump hosts, one each, shared by all nodes behind them. Close it after the contacts that use it."""

    def __init__(self) -> None:
        self._open: dict[str, Contact] = {}
        self._failed: dict[str, SshError] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def to(self, via: Node, settings: Ssh, chain: tuple[str, ...]) -> Contact:
        """The connection to a jump host: with a key, never with the node's password, which is none of its business."""
        name = f"{via.name} {sorted(via.ssh_options.items())}"
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if (one := self._open.get(name)) and one.is_open:
                return one
            if error := self._failed.get(name):
                raise error.with_traceback(None)
            try:
                route = Routes(settings).route(via)
                self._open[name] = made = Attempt(via, route, settings, self, chain).login(None, Password())
            except SshError as error:
                self._failed[name] = error
                raise
            return made

    def opened(self) -> list[Contact]:
        """Those that are in use, the one next to the node first."""
        return list(reversed(self._open.values()))

    def close(self) -> None:
        """End them all, the last ones first."""
        for one in self.opened():
            one.close()
        self._open.clear()


class Attempt:
    """One try to reach one server."""

    def __init__(
        self, node: Node, route: Route, settings: Ssh, jumps: Jumps | None, chain: tuple[str, ...] = ()
    ) -> None:
        self._node, self._route, self._settings = node, route, settings
        self._jumps = jumps or Jumps()
        self._owned = jumps is None
        self._chain = (*chain, node.name)
        self._stage = Stage.CONNECT
        self._wire: Wire | None = None
        self._transport: paramiko.Transport | None = None
        self._until = time.monotonic() + settings.login_timeout
        self._seconds = route.connect_timeout

    def look(self) -> Shown:
        """Only as far as the host key."""
        try:
            self._handshake([])
            assert self._transport is not None
            return self._shown()
        except Exception as error:
            raise self._explained(error) from error
        finally:
            self._close()

    def login(self, key: keys.Key | None, secret: Password) -> Contact:
        """All the way."""
        route = self._route
        try:
            trust = hostkeys.Trust(
                route.known_as,
                route.known_port,
                route.known_hosts,
                pins=route.pins,
                accept_new=route.accept_new,
                hash_names=route.hash_names,
            )
            self._handshake(trust.algorithms())
            assert self._transport is not None
            assert self._wire is not None
            shown = self._shown()
            if not trust.key(asyncssh.import_public_key(shown.key)):
                assert trust.error is not None
                raise trust.error
            key = key or own_key(route)
            way = self._authenticate(key, secret)
            self._wire.budget = EARLY
            owned = self._jumps.opened() if self._owned else []
            made = Contact(self._transport, self._wire, route, shown, way, owned)
            made.pinned = trust.pinned
            made.key = key
        except Exception as error:
            self._close()
            raise self._explained(error) from error
        except BaseException:
            self._close()
            raise
        return made

    def _close(self) -> None:
        if self._transport and self._wire:
            end(self._transport, self._wire)
        elif self._wire:
            self._wire.close()
        if self._owned:
            self._jumps.close()

    def _handshake(self, algorithms: Sequence[str]) -> None:
        """TCP, banner and key exchange."""
        route = self._route
        begun = time.monotonic()
        self._wire = wire = self._dial()
        self._stage = Stage.BANNER
        self._transport = transport = Transport(wire)
        transport.set_log_channel(_LOG)
        transport.daemon = True
        transport.banner_timeout = route.connect_timeout
        taken = [name for name in algorithms if name in transport.get_security_options().key_types]
        if taken:
            transport.get_security_options().key_types = tuple(taken)
        done = threading.Event()
        transport.start_client(event=done)
        banner = begun + max(route.connect_timeout, 0.1)
        while not done.wait(0.02):
            now = time.monotonic()
            if transport.remote_version:
                self._stage, self._seconds = Stage.LOGIN, self._settings.login_timeout
            if now > (self._until if self._stage is Stage.LOGIN else banner):
                raise TimeoutError
        if transport.remote_version:
            self._stage, self._seconds = Stage.LOGIN, self._settings.login_timeout
        if not transport.is_active():
            raise transport.get_exception() or EOFError()

    def _dial(self) -> Wire:
        route = self._route
        if route.jump:
            if len(self._chain) > JUMPS:
                raise ResolveError(f"{route.where}: ProxyJump goes in a circle, or through more than {JUMPS} hosts")
            via = hop(route.jump[-1], route.jump[:-1], self._node)
            try:
                carrier = self._jumps.to(via, self._settings, self._chain)
            except SshError as error:
                raise type(error)(f"{via.name}: {error.message}", hint=error.hint, evidence=error.evidence) from error
            stream = carrier.transport.open_channel(
                "direct-tcpip",
                (route.endpoint.host, route.endpoint.port),
                ("127.0.0.1", 0),
                timeout=route.connect_timeout,
            )
            carrier.wire.budget = 1 << 62  # it carries others, each with a budget of its own
            return Wire(stream)
        if route.proxy_command:
            return proxied(route.proxy_command)
        return dial(route.endpoint.host, route.endpoint.port, route.connect_timeout)

    def _shown(self) -> Shown:
        assert self._transport is not None
        shown = self._transport.get_remote_server_key()
        route = self._route
        return Shown(
            node=route.name,
            where=route.where,
            name=hostkeys.label(route.known_as, route.known_port),
            kind=clean(shown.get_name(), 60).removeprefix("ssh-").split("-")[0].upper(),
            fingerprint=shown.fingerprint,
            key=f"{shown.get_name()} {shown.get_base64()}",
        )

    # ---- authentication ----

    def _authenticate(self, key: keys.Key | None, secret: Password) -> str:
        transport, user = self._transport, self._route.endpoint.user
        assert transport is not None
        transport.auth_timeout = max(1.0, self._until - time.monotonic())
        try:
            transport.auth_none(user)
        except paramiko.BadAuthenticationType as refused:
            methods = list(refused.allowed_types)
        else:
            return "none"
        tried = []
        if "publickey" in methods and key:
            with key.signer() as signer:
                try:
                    more = transport.auth_publickey(user, signer) if signer else ["publickey"]
                except paramiko.AuthenticationException as error:
                    self._unless_over(error)
                    tried.append("key")
                else:
                    if not more:
                        return "key"
                    if signer:
                        methods = list(more)
                        tried.append("key (and more is asked for)")
        # one try, by one method: a second one with the same password would only count against the account
        method = next((name for name in ("password", "keyboard-interactive") if name in methods), "")
        if not method or not secret.offered():
            raise self._refused(tried, methods)
        # the time that a person takes to type, or another node to taste, is not the server's
        waited = time.monotonic()
        try:
            text = secret.take(self._route.name)
        except Refused as error:
            raise LoginError(f"{self._route.where}: {error}") from None
        self._until += time.monotonic() - waited
        transport.auth_timeout = max(1.0, self._until - time.monotonic())
        try:
            if method == "password":
                more = transport.auth_password(user, text, fallback=False)
            else:
                more = transport.auth_interactive(user, Interview(text).answer)
        except Fishing as error:
            secret.unclear(self._route.name)
            raise _expired(self._route) if error.expired else LoginError(f"{self._route.where}: {error}") from None
        except paramiko.AuthenticationException as error:
            if isinstance(error, paramiko.BadAuthenticationType) or self._over(error):
                secret.unclear(self._route.name)
                self._unless_over(error)
            secret.refused(self._route.name)
            if EXPIRED.search(self._banner()):
                raise _expired(self._route) from None
            raise self._refused([*tried, method], methods) from None
        except BaseException:
            secret.unclear(self._route.name)
            raise
        secret.accepted(self._route.name)
        if more:
            raise LoginError(
                f"{self._route.where}: the password was right, and the server asks for more: {clean(', '.join(more), 80)}",
                hint="log in once by hand, or allow a plain login for the time of provisioning",
            )
        return method

    def _over(self, error: Exception) -> bool:
        """Whether the connection ended, so that this is no refusal."""
        assert self._transport is not None
        return "timeout" in str(error).lower() or not self._transport.is_active()

    def _unless_over(self, error: Exception) -> None:
        if self._over(error):
            raise TimeoutError if "timeout" in str(error).lower() else EOFError

    def _banner(self) -> str:
        banner = self._transport.get_banner() if self._transport else None
        return clean(banner or b"", 1000)

    def _refused(self, tried: Sequence[str], methods: Sequence[str]) -> LoginError:
        route = self._route
        text = f"permission denied for {route.where}: "
        text += f"refused were {', '.join(tried)}" if tried else "there was nothing to try"
        takes = clean(", ".join(str(name) for name in methods), 100) or "nothing"
        hint = f"the server takes {takes}"
        if any(name in methods for name in ("password", "keyboard-interactive")):
            if not {"password", "keyboard-interactive"}.intersection(tried):
                hint += "; --ask-password gives it a password"
        else:
            hint += "; a password is not among it: put a key there by other means"
        return LoginError(text, hint=hint, evidence=Evidence(node=route.name, stderr=self._banner()))

    def _explained(self, error: Exception) -> SshError:
        """The border: paramiko's errors become ours."""
        route, stage, wire = self._route, self._stage, self._wire
        if isinstance(error, SshError):
            return error
        if wire and wire.flooded:
            kind = BannerError if stage is Stage.BANNER else LoginTimeout
            return kind(
                f"{route.where}: sends without end ({EARLY >> 10} kB before the login): this is no honest SSH server"
            )
        if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
            return LoginError(
                f"{route.where}: no algorithm in common: {clean(str(error), 200)}",
                hint="what it offers is too old, or this machine's ssh library is",
            )
        if isinstance(error, paramiko.ChannelException):
            return failures.login(OSError(clean(error.text, 200)), Stage.CONNECT, route.where, route.name)
        if stage is Stage.BANNER and isinstance(error, paramiko.SSHException) and "banner" in str(error):
            # paramiko says the same for an end and for silence; bytes tell them apart
            error = EOFError() if not wire or not wire.received else _NoBanner(str(error))
        return failures.login(error, stage, route.where, route.name, seconds=self._seconds, detail=self._banner())


class _NoBanner(Exception):
    """What was sent in the place of a banner."""


def _expired(route: Route) -> LoginError:
    return LoginError(
        f"{route.where}: the password has expired",
        hint=f"log in once by hand (`ssh {route.endpoint.user}@...`) and change it",
    )


def own_key(route: Route) -> keys.Key | None:
    try:
        return keys.find(route)
    except UsageError:
        return None
