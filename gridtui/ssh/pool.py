"""The pool: one shared connection a node, logins in turn, pauses after failures. Owns who connects when; `login` owns how.

Nothing reconnects behind the caller's back: whoever wants a connection calls `connect` again, and the pool makes it wait.
A refused login is remembered and not tried again until a person says so: loops would feed sshd's PerSourcePenalties and fail2ban.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ..errors import BannerError, ConnectError, HostKeyChanged, LoginError, ResolveError, SshError
from ..model import Node
from ..settings import Ssh
from . import failures
from .connection import Connection
from .endpoint import Endpoint, resolve
from .keys import Ask, Keyring
from .local import LocalConnection
from .login import login
from .remote import RemoteConnection
from .route import Route, Routes, hop
from .turns import Backoff, Gate

HEALTHY = 10.0
"""Seconds that a connection must live before its end counts as a loss and no longer as a failure."""

DROPS = 8
"""Tries of one login that a crowded sshd drops without a word."""

_CLOSED = "the pool is closed"


@dataclass(slots=True, eq=False)
class _Entry:
    """What the pool knows of one node (or one jump host)."""

    node: Node
    backoff: Backoff
    connection: RemoteConnection | LocalConnection | None = None
    attempt: asyncio.Task[RemoteConnection | LocalConnection] | None = None
    waiting: int = 0
    refused: LoginError | None = None
    watch: asyncio.Task[None] | None = None
    told: set[str] = field(default_factory=set)


class Pool:
    """Connections to nodes. Use it within one event loop, as an async context manager or with `close`.

    `ask` gets the question for a key's passphrase (None as its answer leaves the key aside); `note(node, text)` gets alarms
    and news: a changed host key, a pinned one, an option of ssh_config that is not followed.
    """

    def __init__(self, settings: Ssh, ask: Ask | None = None, note: Callable[[str, str], None] | None = None) -> None:
        self._settings = settings
        self._note = note
        self._keys = Keyring(ask)
        self._routes = Routes(settings)
        self._gate = Gate(settings.logins, settings.logins_per_host)
        self._entries: dict[str, _Entry] = {}
        """By `_key`."""
        self._told: set[str] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def endpoint(self, node: Node) -> Endpoint:
        """What ssh_config makes of the node. Raises ResolveError."""
        return resolve(node, self._settings) if node.local else self._routes.route(node).endpoint

    async def connect(self, node: Node) -> Connection:
        """The node's connection: the open one, or a new one after back-off and turn. Raises SshError."""
        return await self._connect(node, ())

    def wake(self, node: Node) -> None:
        """End the back-off now."""
        if entry := self._entries.get(_key(node)):
            entry.backoff.wake()

    def forget(self, node: Node) -> None:
        """Also forget a refused login and what ssh_config said: a person asks to try again."""
        nodes = [node]
        with contextlib.suppress(SshError):
            jump = self._routes.route(node).jump
            nodes += [hop(spec, jump[:at], node) for at, spec in enumerate(jump)]
        for found in nodes:
            self._routes.forget(found.name)
            if entry := self._entries.get(_key(found)):
                entry.refused = None
                entry.backoff.wake()

    async def close(self) -> None:
        """End all logins and connections, nodes before the jump hosts that carry them. Idempotent."""
        self._closed = True
        entries, self._entries = list(self._entries.values()), {}
        tasks = [task for entry in entries for task in (entry.attempt, entry.watch) if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        nodes = [entry.connection for entry in entries if entry.connection and not _is_jump(entry.node)]
        jumps = [entry.connection for entry in reversed(entries) if entry.connection and _is_jump(entry.node)]
        await asyncio.gather(*(connection.close() for connection in nodes))
        for connection in jumps:
            await connection.close()
        await self._keys.close()

    async def _connect(self, node: Node, chain: tuple[str, ...]) -> RemoteConnection | LocalConnection:
        """`chain`: the nodes whose login waits for this jump host."""
        if self._closed:
            raise ConnectError(f"{node.name}: {_CLOSED}")
        entry = self._entry(node)
        if entry.connection and entry.connection.is_open:
            return entry.connection
        if entry.refused:
            raise entry.refused.with_traceback(None)  # else each call would add to the same traceback
        if entry.attempt is None:
            entry.attempt = asyncio.create_task(self._attempt(entry, chain), name=f"login {node.name}")
            entry.attempt.add_done_callback(lambda task: _forget_attempt(entry, task))
        attempt = entry.attempt
        entry.waiting += 1
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if entry.waiting == 1 and not attempt.done():
                attempt.cancel()  # nobody is left who wants it
                await asyncio.wait([attempt])
            elif attempt.cancelled() and self._closed:
                raise ConnectError(f"{node.name}: {_CLOSED}") from None
            raise
        finally:
            entry.waiting -= 1

    def _entry(self, node: Node) -> _Entry:
        entry = self._entries.get(_key(node))
        if entry is None:
            entry = _Entry(node, Backoff(self._settings.backoff, self._settings.backoff_max))
            self._entries[_key(node)] = entry
        elif entry.node is not node and entry.node != node:
            entry.node, entry.refused = node, None  # the inventory says something new: try that
            entry.backoff.wake()
        return entry

    async def _attempt(self, entry: _Entry, chain: tuple[str, ...]) -> RemoteConnection | LocalConnection:
        await entry.backoff.wait()
        try:
            connection = await self._local(entry) if entry.node.local else await self._login(entry, chain)
        except SshError as error:
            if isinstance(error, LoginError) and not error.retry:
                entry.refused = error
            else:
                entry.backoff.failed()
            if isinstance(error, HostKeyChanged):
                self._tell(entry, str(error))
            raise
        if entry.connection:
            await entry.connection.close()  # the ended one: its proxy process and tasks
        entry.connection = connection
        if entry.watch:
            entry.watch.cancel()
        entry.watch = asyncio.create_task(self._watch(entry, connection), name=f"watch {entry.node.name}")
        return connection

    async def _local(self, entry: _Entry) -> LocalConnection:
        return LocalConnection(entry.node.name, self._settings.sessions)

    async def _login(self, entry: _Entry, chain: tuple[str, ...]) -> RemoteConnection:
        node = entry.node
        route = self._routes.route(node)
        for text in route.notes:
            if text not in self._told:
                self._told.add(text)
                self._tell(entry, text)
        tunnel = await self._jump(node, route, (*chain, node.name)) if route.jump else None
        address = (route.endpoint.host, route.endpoint.port)
        dropped = 0
        while True:
            try:
                async with self._gate.turn(address):
                    try:
                        made = await login(
                            route, self._keys, self._settings.login_timeout, tunnel.ssh if tunnel else None
                        )
                        break
                    except BannerError as error:
                        dropped += 1
                        crowded = failures.is_end(error.__cause__) and self._gate.crowded(address)
                        if not crowded or dropped >= DROPS:
                            raise
                await asyncio.sleep(dropped * random.uniform(0.02, 0.1))  # noqa: S311 - spreading load, not a secret
            except SshError as error:
                if tunnel and not tunnel.is_open:
                    raise ConnectError(f"{route.where}: its jump host {route.jump[-1]} was lost") from error
                raise
        connection = RemoteConnection(made, route.where, node.name, self._settings.sessions)
        if connection.pinned:
            self._tell(entry, f"pinned the new host key {connection.pinned} of {route.where} in {route.pins}")
        return connection

    async def _jump(self, node: Node, route: Route, chain: tuple[str, ...]) -> RemoteConnection:
        """The connection to the last hop, shared by all nodes behind it. Raises SshError of its layer."""
        via = hop(route.jump[-1], route.jump[:-1], node)
        if via.name in chain:
            raise ResolveError(f"{route.where}: ProxyJump goes in a circle: {' → '.join([*chain, via.name])}")
        try:
            connection = await self._connect(via, chain)
        except SshError as error:
            # the node's own layers are unknown: nobody came as far as to it
            raise type(error)(f"{via.name}: {error.message}", hint=error.hint, evidence=error.evidence) from error
        assert isinstance(connection, RemoteConnection)
        return connection

    async def _watch(self, entry: _Entry, connection: RemoteConnection | LocalConnection) -> None:
        """Note how long a connection lived: one that dies at once is a failure, whatever the login said."""
        begun = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEALTHY):
                await connection.closed()
        if connection.is_open:
            entry.backoff.succeeded()
            await connection.closed()
        if entry.connection is connection and not self._closed:
            if time.monotonic() - begun < HEALTHY:
                entry.backoff.failed()
            else:
                entry.backoff.lost()
            await connection.close()

    def _tell(self, entry: _Entry, text: str) -> None:
        if self._note:
            self._note(entry.node.name, text)


def _forget_attempt(entry: _Entry, task: asyncio.Task[RemoteConnection | LocalConnection]) -> None:
    entry.attempt = None
    if not task.cancelled():
        task.exception()  # whoever waited has it; when nobody does any more it is no news


def _key(node: Node) -> str:
    """What an entry is found by. Jump hosts of one name that are reached otherwise, or trusted otherwise, are not one.

    Were they, each would take the other for news of the inventory and try a refused login again; and a host key that one
    node's known_hosts vouches for would do for all.
    """
    return f"{node.name} {sorted(node.ssh_options.items())}" if _is_jump(node) else node.name


def _is_jump(node: Node) -> bool:
    return node.name.startswith("jump host ")
