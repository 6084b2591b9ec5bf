"""The simulated nodes' SSH servers: listening, logins, dying and coming back. Knows no text format: what to say is `speech`'s.

Each node has an address (127.77.x.y), a listening socket and a host key of its own; all share one set of options. Nothing that a client
sends is ever executed, forwarded or opened here: there is no shell, no SFTP, no agent, no tunnel behind these servers.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import random
import resource
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.constants import MSG_IGNORE

from . import folder as files
from .machine import Machine
from .population import Ail, Person, population
from .speech import Speech, listen_to

CYCLE = (40.0, 20.0)
"""Seconds for which the dying node lives, and is dead."""
_OUTAGE_FACTOR = 3
"""A site's outage comes this many times more rarely, and lasts 1.5 times as long."""
_BACKLOG = 128
_PORTS_TRIED = 20


class Session(asyncssh.SSHServerSession[bytes]):
    """One channel: hands what comes in to a `Speech` and sends what that one says."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._speech: Speech | None = None
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._blocked = False
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def shell_requested(self) -> bool:
        return False

    def exec_requested(self, command: str) -> bool:
        self._speech = listen_to(command, self._machine)
        return True

    def session_started(self) -> None:
        self.data_received(b"", None)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        # Who does not read its answers gets no more of them: ticks are dropped while the channel is blocked, other requests wait.
        if self._speech is None or (self._blocked and self._speech.skips):
            return
        self._answer(self._speech.hear(data), self._speech)

    def eof_received(self) -> bool:
        if self._speech is None:
            return False
        self._answer(self._speech.ended(), self._speech)
        return True  # the channel is ours to close: a slow node's answer is still on its way

    def pause_writing(self) -> None:
        self._blocked = True
        if self._channel and self._speech and not self._speech.skips:
            self._channel.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        if self._channel:
            self._channel.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        if self._speech:
            self._speech.ended()
        self._channel = self._speech = None

    def _ring(self) -> None:
        self._timer = None
        self.data_received(b"", None)

    def _answer(self, answer: bytes, speech: Speech) -> None:
        status, complaint = speech.status, speech.complaint
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if (alarm := speech.alarm) is not None:
            # A little late rather than early: clocks are told apart by fractions of a millisecond.
            self._timer = asyncio.get_running_loop().call_later(max(0.0, alarm - time.time()) + 0.001, self._ring)
        late = self._machine.latency
        if not late:
            self._say(answer, complaint, status)
            return
        # A slow link delays, but never turns the order round.
        loop = asyncio.get_running_loop()
        pause = min(5 * late, random.expovariate(1 / late))
        self._free_at = max(self._free_at, loop.time() + pause)
        loop.call_at(self._free_at, self._say, answer, complaint, status)

    def _say(self, answer: bytes, complaint: bytes, status: int | None) -> None:
        channel = self._channel
        if channel is None or channel.is_closing():
            return
        if answer:
            channel.write(answer)
        if status is not None:
            if complaint:
                channel.write_stderr(complaint)
            channel.exit(status)


class Door(asyncssh.SSHServer):
    """One connection to a node."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connections.add(conn)
        _quieten(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection:
            self._host.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Session]:
        assert self._connection
        return self._connection.create_server_channel(encoding=None), Session(self._host.machine)


class Host:
    """One node's server. `up` and `down` may be called again and again."""

    def __init__(self, seat: files.Seat, machine: Machine, options: asyncssh.SSHServerConnectionOptions) -> None:
        self.seat = seat
        self.machine = machine
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._options = options
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def up(self, sock: socket.socket | None = None) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._acceptor = await asyncssh.listen(
            sock=sock or _bind(self.seat.host, self.seat.port),
            options=self._options,
            server_host_keys=[self.seat.key],
            server_factory=functools.partial(Door, self),
            backlog=_BACKLOG,
        )

    def down(self) -> None:
        """Stop listening and drop every connection, as a power cut does."""
        if self._acceptor:
            self._acceptor.close()
            self._acceptor = None
        for connection in tuple(self.connections):
            connection.abort()


class Simulation:
    """All simulated nodes of one run, serving."""

    def __init__(self, hosts: Sequence[Host], folder: files.Folder) -> None:
        self.hosts = hosts
        self.folder = folder

    @property
    def people(self) -> tuple[Person, ...]:
        return tuple(host.seat.person for host in self.hosts)

    async def cycle(self, hosts: Sequence[Host], alive: float, dead: float) -> None:
        """Let `hosts` die together and come back, each with a new boot id, again and again."""
        while True:
            await asyncio.sleep(alive)
            for host in hosts:
                host.down()
            await asyncio.sleep(dead)
            for host in hosts:
                host.machine.boot(time.time())
                # Somebody else may have taken the port meanwhile; then the node stays away for another round.
                with suppress(OSError):
                    await host.up()


@asynccontextmanager
async def serve(
    nodes: int,
    folder: Path,
    *,
    seed: int = 0,
    calm: bool = False,
    with_local: bool = False,
    cycle: tuple[float, float] = CYCLE,
) -> AsyncIterator[Simulation]:
    """Serve `nodes` simulated nodes from the running loop while the context lasts; files are written before it is entered.

    Raises ValueError for an impossible number of nodes, OSError when ports, descriptors or the folder are not to be had.
    """
    people = population(nodes, seed, calm)
    _raise_file_limit()
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    login = asyncssh.generate_private_key("ssh-ed25519", comment="gridtui simulation")
    options = await asyncssh.SSHServerConnectionOptions.construct(
        authorized_client_keys=asyncssh.import_authorized_keys(login.export_public_key("openssh").decode()),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],  # overridden by each node's own
        server_version="OpenSSH_9.2p1 gridtui-simulated",
        encryption_algs=[
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
        ],
        compression_algs=["none"],
        gss_host=None,
        password_auth=False,
        kbdint_auth=False,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        login_timeout=30,
    )
    now = time.time()
    sockets = _listen_all([person.address for person in people])
    hosts: list[Host] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        for person, sock in zip(people, sockets, strict=True):
            address, port = sock.getsockname()
            seat = files.Seat(person, address, port, asyncssh.generate_private_key("ssh-ed25519"))
            hosts.append(Host(seat, Machine(person, seed, now), options))
            await hosts[-1].up(sock)
        simulation = Simulation(hosts, files.write(folder, [host.seat for host in hosts], login, with_local))
        alive, dead = cycle
        for ails, factor in (({Ail.DIES}, 1.0), ({Ail.OUTAGE, Ail.BEHIND}, _OUTAGE_FACTOR)):
            if mortal := [host for host in hosts if host.seat.person.ails & ails]:
                times = (alive * factor, dead * (1.5 if factor > 1 else 1))
                tasks.append(asyncio.create_task(simulation.cycle(mortal, *times)))
        yield simulation
    finally:
        for task in tasks:
            task.cancel()
        for sock in sockets[len(hosts) :]:
            sock.close()
        for host in hosts:
            host.down()
        await asyncio.gather(*tasks, return_exceptions=True)


def _quieten(connection: asyncssh.SSHServerConnection) -> None:
    """Send no SSH_MSG_IGNORE.

    asyncssh puts one before every packet, against an attack on CBC ciphers (RFC 4251, 9.3.1), which are not offered here. OpenSSH's server
    sends none, and each would cost the controller as much as half a sample, so that a benchmark would measure the simulator.
    """
    send = connection.send_packet

    def send_packet(kind: int, *parts: bytes, handler: Any = None) -> None:
        if kind != MSG_IGNORE:
            send(kind, *parts, handler=handler)

    connection.send_packet = send_packet  # type: ignore[method-assign, assignment]


def _listen_all(addresses: Sequence[str]) -> list[socket.socket]:
    """A bound socket an address, all on one free port; on 127.0.0.1 with a port each where there are no other loopback addresses."""
    for attempt in range(_PORTS_TRIED):
        sockets: list[socket.socket] = []
        port = 0
        try:
            for address in addresses:
                sockets.append(_bind(address, port))
                port = sockets[0].getsockname()[1]
        except OSError as error:
            for sock in sockets:
                sock.close()
            if error.errno == errno.EADDRNOTAVAIL:
                return [_bind("127.0.0.1", 0) for _ in addresses]
            if error.errno != errno.EADDRINUSE or attempt == _PORTS_TRIED - 1:
                raise
        else:
            return sockets
    raise AssertionError("unreachable")


def _bind(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def _raise_file_limit() -> None:
    """A node takes one descriptor, and one more for each connection: let there be as many as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
