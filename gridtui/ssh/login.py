"""One login over asyncssh: from a route to an authenticated connection, each stage with its own time-out. Owns that attempt.

Knows nothing of turns, back-off or sharing: that is `pool`. Passwords and keyboard-interactive are never tried.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any

import asyncssh

from ..errors import LoginError, SshError
from ..model import clean
from . import failures
from .failures import Stage
from .hostkeys import Trust
from .keys import Keyring
from .proxy import Proxy
from .quiet import quieten
from .route import Route

CIPHERS = "^aes128-gcm@openssh.com"
"""Asked for first: less CPU for every packet than asyncssh's default, ChaCha20 (docs/SSH.md)."""

KEX = "^curve25519-sha256,curve25519-sha256@libssh.org"
"""Asked for first; the post-quantum ones stay as fallbacks (docs/SSH.md)."""

_BANNER = 4096


class Client(asyncssh.SSHClient):
    """What one connection tells us while it lives."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.connection: asyncssh.SSHClientConnection | None = None
        self.methods: list[str] = []
        """What the server would accept, once it refused our keys."""
        self.banner = ""
        self.ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        """Set when the connection is gone, to its cause."""

    @property
    def stage(self) -> Stage:
        """How far this attempt came."""
        if self.connection is None:
            return Stage.CONNECT
        return Stage.LOGIN if self.connection.get_extra_info("server_version") else Stage.BANNER

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def auth_completed(self) -> None:
        if self.connection:
            quieten(self.connection)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return self.trust.key(key)

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return self.trust.authority(key)

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banner = (self.banner + msg)[:_BANNER]

    def public_key_auth_requested(self) -> None:
        """All keys were refused: remember what else the server would take."""
        if self.connection:
            self.methods = list(self.connection.get_server_auth_methods())


@dataclass(slots=True)
class LoggedIn:
    """A connection that is ready for channels."""

    connection: asyncssh.SSHClientConnection
    client: Client
    seconds: float
    proxy: Proxy | None = None


async def login(
    route: Route, keys: Keyring, login_timeout: float, tunnel: asyncssh.SSHClientConnection | None = None
) -> LoggedIn:
    """Log in. `tunnel` is the jump host's connection. Raises SshError, of the class of the layer that failed."""
    trust = Trust(
        route.known_as,
        route.known_port,
        route.known_hosts,
        pins=route.pins,
        accept_new=route.accept_new,
        hash_names=route.hash_names,
    )
    # the person who types a passphrase may take longer than a login may
    offer = await keys.offer(
        route.identities, certificates=route.certificates, only=route.identities_only, agent=route.agent
    )
    client = Client(trust)
    proxy: Proxy | None = None
    begun = time.monotonic()
    try:
        if route.proxy_command and tunnel is None:
            proxy = await Proxy.start(route.proxy_command)
        options = _options(route, trust, offer.pairs, client)
        connection = await _connect(options, client, route, login_timeout, tunnel, proxy)
    except BaseException as error:
        detail = clean(client.banner)
        if proxy:
            if isinstance(error, Exception):
                detail = proxy.said() or detail
            await proxy.close()
        if not isinstance(error, Exception):
            raise
        raise _failure(error, client, route, offer.names, offer.left_out, login_timeout, detail) from error
    return LoggedIn(connection, client, time.monotonic() - begun, proxy)


async def _connect(
    options: asyncssh.SSHClientConnectionOptions,
    client: Client,
    route: Route,
    login_timeout: float,
    tunnel: asyncssh.SSHClientConnection | None,
    proxy: Proxy | None,
) -> asyncssh.SSHClientConnection:
    """asyncssh has one time-out for all; here the TCP connection and the banner have theirs. Raises TimeoutError."""
    place: dict[str, Any] = {"tunnel": tunnel} if tunnel else {"sock": proxy.socket} if proxy else {"tunnel": None}
    attempt = asyncio.ensure_future(
        asyncssh.connect(route.endpoint.host, route.endpoint.port, options=options, config=None, **place)
    )
    try:
        done, _ = await asyncio.wait({attempt}, timeout=min(route.connect_timeout, login_timeout))
        if not done and client.stage is Stage.LOGIN and login_timeout > route.connect_timeout:
            done, _ = await asyncio.wait({attempt}, timeout=login_timeout - route.connect_timeout)
        if not done:
            raise TimeoutError
        return attempt.result()
    except asyncio.CancelledError:
        # In the moment in which it was done: nothing stays open, and no failure is left for the event loop to tell of.
        if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
            attempt.result().abort()
        raise
    finally:
        if not attempt.done():
            attempt.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, asyncssh.Error):
                await attempt


def _options(
    route: Route, trust: Trust, pairs: list[asyncssh.SSHKeyPair], client: Client
) -> asyncssh.SSHClientConnectionOptions:
    """asyncssh's options: what stands in `route.reader`, and above it what we decide. Reads no file."""
    reader = route.reader
    options = asyncssh.SSHClientConnectionOptions(
        config=None,
        host=route.endpoint.host,
        port=route.endpoint.port,
        username=route.endpoint.user,
    )
    options.config = reader  # the layer below, as if asyncssh had read it
    return asyncssh.SSHClientConnectionOptions(
        options,
        config=None,
        client_factory=lambda: client,
        proxy_command=None,
        canonicalize_hostname=False,
        utf8_decode_errors="replace",
        kex_algs=() if reader.get("KexAlgorithms") else KEX,
        encryption_algs=() if reader.get("Ciphers") else CIPHERS,
        server_host_key_algs=() if reader.get("HostKeyAlgorithms") else trust.algorithms(),
        # only revoked keys are left to asyncssh; all else `Trust` decides, which can also say why
        known_hosts=([], [], trust.revoked_keys(), [], [], [], []),
        host_key_alias=route.known_as,
        client_keys=pairs or None,
        client_certs=[],
        agent_path=None,
        agent_identities=None,
        pkcs11_provider=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        host_based_auth=False,
        kbdint_auth=False,
        password_auth=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        # the last two are switched off above, so nothing is tried; named, they show up among what the server takes
        preferred_auth="publickey,keyboard-interactive,password",
        client_host_keysign=False,
        agent_forwarding=False,
        x11_forwarding=False,
        request_pty=False,
        send_env=None,
        command=None,
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=route.keepalive,
        keepalive_count_max=route.keepalive_count,
    )


def _failure(
    error: Exception, client: Client, route: Route, offered: list[str], left_out: list[str], timeout: float, detail: str
) -> SshError:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return client.trust.refused(error.reason)
    stage = client.stage
    seconds = timeout if stage is Stage.LOGIN else min(route.connect_timeout, timeout)
    failure = failures.login(error, stage, route.where, route.name, seconds=seconds, detail=detail)
    if not isinstance(error, asyncssh.PermissionDenied):
        return failure
    text = f"permission denied for {route.where}: "
    text += f"offered {', '.join(offered)}" if offered else "no key to offer"
    if left_out:
        text += f"; left out {', '.join(left_out)}"
    others = [clean(method, 40) for method in client.methods if method != "publickey"]
    hint = f"put a public key into ~{clean(route.endpoint.user, 60)}/.ssh/authorized_keys there"
    if others:
        hint += f" (the server also takes {', '.join(others)}, which is not tried here)"
    return LoginError(clean(text, 600), hint=hint, evidence=failure.evidence)
