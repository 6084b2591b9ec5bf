"""Masters of the system's ssh: one login a node, which everything that needs a program's ssh shares (ControlMaster). Owns their
processes and sockets, and ends them; `system` owns what stands on their command lines.

    async with Masters(settings) as masters:
        link = await masters.open(node)
        ... run [*link.words, link.host, "true"], without a login ...

Nothing outlives `close`: a master is a child, no daemon, and ends with us even when we are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import (
    BannerError,
    ConnectError,
    ConnectionLost,
    Evidence,
    HostKeyChanged,
    HostKeyUnknown,
    LoginError,
    LoginTimeout,
    ResolveError,
    SshError,
)
from ..model import Node, clean
from ..settings import Ssh, state_folder
from . import children, system
from .turns import Gate

_LONGEST = 83
"""Bytes of the folder's path: sun_path has 108 (unix(7)), and ssh puts 17 behind the socket's name while it makes it."""
_TRIES = 5
"""Logins to a server that drops them before it speaks (MaxStartups)."""
_KEEP = 20
"""Lines of what ssh said that are kept."""


@dataclass(slots=True, eq=False)
class Link:
    """A node that is logged in to: how to run something there."""

    node: Node
    words: list[str]
    """ssh's argument list up to the host."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_KEEP))
    process: children.Child | None = None
    """None where the node is this machine."""

    @property
    def host(self) -> str:
        return system.host(self.node)

    def lost(self) -> SshError | None:
        """Why the login ended, if it did."""
        if self.process is None or self.process.returncode is None:
            return None
        why = next((line for line in reversed(self.said) if line), "closed by the node")
        return ConnectionLost(f"{self.node.name}: connection lost: {why}", evidence=_evidence(self.node, self.said))


class Masters:
    """Masters by node. Use it within one event loop, as a context manager or with `close`."""

    def __init__(self, settings: Ssh) -> None:
        self._settings = settings
        self._gate = Gate(settings.logins, settings.logins_per_host)
        self._folder: Path | None = None
        self._links: dict[str, asyncio.Task[Link]] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._processes: set[children.Child] = set()
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self, node: Node) -> Link:
        """The node's link: the one that lives, or a new login. Raises SshError."""
        task = self._links.get(node.name)
        if task is None or (task.done() and (task.cancelled() or task.exception() or task.result().lost())):
            task = asyncio.create_task(self._login(node), name=f"master {node.name}")
            self._links[node.name] = task
        return await asyncio.shield(task)

    async def drop(self, node: Node) -> None:
        """End the node's master, where there is one; what runs over it is cut. The next `open` logs in anew."""
        task = self._links.pop(node.name, None)
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and not task.exception() and (process := task.result().process):
            await self._drop(process)

    async def close(self) -> None:
        """End all masters and remove their sockets. Idempotent."""
        tasks, self._links = list(self._links.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(children.end(process) for process in tuple(self._processes)))
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def _login(self, node: Node) -> Link:
        if node.local:
            return Link(node, system.words(node, self._settings))
        if self._folder is None:
            self._folder = _make_folder()
        address = (node.address, node.port or 22)
        for attempt in range(_TRIES):
            try:
                async with self._gate.turn(address):
                    return await self._try(node, self._folder)
            except BannerError:
                if attempt == _TRIES - 1:
                    raise
            await asyncio.sleep((attempt + 1) * random.uniform(0.1, 0.4))  # noqa: S311 - spreading load, not a secret
        raise AssertionError(node.name)

    async def _try(self, node: Node, folder: Path) -> Link:
        self._count += 1
        control = folder / str(self._count)
        link = Link(node, system.words(node, self._settings, control))
        try:
            link.process = process = await children.start(system.master(node, self._settings, control))
        except OSError as error:
            raise ConnectError(
                f"{node.name}: ssh cannot be run: {error.strerror}", hint="package openssh-client"
            ) from None
        self._processes.add(process)
        reader = asyncio.create_task(_listen(process, link.said), name=f"said {node.name}")
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        assert process.stdout
        try:
            async with asyncio.timeout(self._settings.connect_timeout + self._settings.login_timeout):
                ready = await process.stdout.readline()
                if ready:
                    return link
                await process.wait()
                await reader
        except TimeoutError:
            await self._drop(process)
            raise LoginTimeout(
                f"{node.name}: no login within {self._settings.connect_timeout + self._settings.login_timeout:g} s",
                hint="the node is overloaded, or its PAM, DNS or directory service hangs",
                evidence=_evidence(node, link.said),
            ) from None
        except BaseException:
            await self._drop(process)
            raise
        await self._drop(process)
        raise explain(node, link.said)

    async def _drop(self, process: children.Child) -> None:
        await children.end(process)
        self._processes.discard(process)


async def _listen(process: children.Child, said: deque[str]) -> None:
    assert process.stderr
    rest = b""
    while data := await process.stderr.read(1 << 14):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-4096:]
        said += [text for line in lines if (text := clean(line.strip(b"\r"), 400).strip())]
    if rest:
        said.append(clean(rest, 400))
    await process.wait()


def explain(node: Node, said: deque[str]) -> SshError:
    """The error of the layer that failed, by what ssh(1) said last (OpenSSH's own words, in English in every locale)."""
    lines = list(said)
    text = "\n".join(lines)
    evidence = _evidence(node, said)
    last = lines[-1] if lines else "ssh ended without a word"

    def found(pattern: str) -> str | None:
        match = re.search(pattern, text)
        return match[1] if match else None

    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in text or "host key has just changed" in text:
        shown = found(r"(SHA256:[A-Za-z0-9+/=]+)") or ""
        return HostKeyChanged(
            f"{node.name}: its host key has changed",
            fingerprint=shown,
            hint="if that is meant, remove the old one with ssh-keygen -R",
            evidence=evidence,
        )
    if "Host key verification failed" in text or "host key is known for" in text:
        return HostKeyUnknown(
            f"{node.name}: its host key is not known",
            hint="log in once with ssh and compare the fingerprint, or use --host-keys accept-new",
            evidence=evidence,
        )
    if why := found(r"Could not resolve hostname [^\n]*?: ([^\n]+)"):
        return ResolveError(f"{node.name}: the name has no address ({why})", evidence=evidence)
    if why := found(r"connect to (?:host|address) [^\n]*?: ([^:\n]+)$") or found(r"connect to [^\n]*: ([^:\n]+)"):
        return ConnectError(f"{node.name}: {why[:1].lower()}{why[1:]}", evidence=evidence)
    if "Connection timed out during banner exchange" in text or "timed out during banner" in text:
        return BannerError(f"{node.name}: accepts the connection and says nothing", evidence=evidence)
    if "kex_exchange_identification" in text or "banner" in text.lower():
        return BannerError(f"{node.name}: closed the connection before it spoke SSH", evidence=evidence)
    if "Permission denied" in text or "Too many authentication failures" in text:
        why = found(r"(Permission denied[^\n]*|Too many authentication failures)") or last
        return LoginError(
            f"{node.name}: {why[:1].lower()}{why[1:].rstrip('.')}",
            hint="keys with a passphrase must be in the agent: ssh-add",
            evidence=evidence,
        )
    if "Bad configuration option" in text or "configuration" in text:
        return ResolveError(f"{node.name}: ssh_config: {last}", evidence=evidence)
    return LoginTimeout(f"{node.name}: the login broke off: {last}", evidence=evidence)


def _evidence(node: Node, said: deque[str]) -> Evidence:
    return Evidence(node=node.name, command="ssh", stderr=" ⏎ ".join(list(said)[-5:]))


def _make_folder() -> Path:
    """A folder of ours alone for the sockets: under XDG_RUNTIME_DIR, else the state folder, else the one for temporary files,
    and, these paths too long, /tmp."""
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), str(state_folder())):
        if not _fits(base):
            continue
        with contextlib.suppress(OSError):
            Path(base).mkdir(mode=0o700, parents=True, exist_ok=True)
            seen = os.stat(base)
            if seen.st_uid == os.geteuid() and not seen.st_mode & 0o022:
                _sweep(Path(base))
                return Path(tempfile.mkdtemp(prefix=f"ssh-gridtui-{os.getpid()}-", dir=base))
    return Path(tempfile.mkdtemp(prefix="gridtui-", dir=None if _fits(tempfile.gettempdir()) else "/tmp"))  # noqa: S108 - a name nobody knows, made for us alone


def _fits(base: str) -> bool:
    """Whether the name of a socket in a folder of ours there is short enough."""
    return base.startswith("/") and len(os.fsencode(base)) + len("/ssh-gridtui-1234567-abcdefgh") <= _LONGEST


def _sweep(base: Path) -> None:
    """Remove folders whose maker was killed: their masters have ended with it."""
    for found in base.glob("ssh-gridtui-*-*"):
        pid = found.name.split("-")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(found, ignore_errors=True)
