"""Files over SFTP, for nodes without rsync: simple and right, not fast. Owns the walk and the names; loads asyncssh.

Files, folders, symbolic links, modes and times; each file under a temporary name first, then renamed. What is there with the same size and
time is left alone. No delta, no resume, no owners: what a plan asks for beyond this is refused, never left out in silence.
A node's names and links are hostile: nothing is written through a link that it made.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncssh

from ..errors import SshError
from ..model import Node, clean
from ..ssh import Pool
from . import command
from .model import Direction, Ending, Plan, Progress, Stage, Transfer, remote

_DEPTH = 200
"""Folders within folders: a node could make up an endless tree."""


@dataclass(slots=True)
class _Count:
    files: int = 0
    size: int = 0
    bytes: int = 0


class _Trouble(Exception):
    """One line, neutralised: why it stops here."""


async def move(plan: Plan, node: Node, pool: Pool, tell: Callable[[Progress], None]) -> Transfer:
    """Carry out a plan over the pool's connection: a value, whatever happens."""
    began = time.monotonic()
    count = _Count()

    def result(status: Ending, error: str = "", **more: Any) -> Transfer:
        return Transfer(
            node.name,
            status,
            exit=0 if status is Ending.OK else None,
            bytes=count.bytes,
            size=count.size,
            literal=count.bytes,
            files=count.files,
            seconds=time.monotonic() - began,
            error=error,
            via="sftp",
            **more,
        )

    if why := beyond(plan):
        return result(Ending.FAILED, f"SFTP has no {why}")
    try:
        connection = await pool.connect(node)
        ssh = getattr(connection, "ssh", None)
        if ssh is None:
            raise _Trouble("this machine has no SFTP")
        async with ssh.start_sftp_client() as client:
            walk = _Walk(client, node.name, count, tell)
            await (walk.push(plan) if plan.direction is Direction.PUSH else walk.pull(plan))
    except SshError as error:
        return result(Ending.UNREACHABLE, error.message, layer=error.layer)
    except _Trouble as error:
        return result(Ending.FAILED, str(error))
    except asyncssh.SFTPConnectionLost as error:
        return result(Ending.UNREACHABLE, f"connection lost: {clean(error.reason, 200)}", layer="tcp")
    except (asyncssh.SFTPError, asyncssh.ChannelOpenError) as error:
        return result(Ending.FAILED, f"SFTP: {clean(error.reason, 300)}")
    except asyncssh.Error as error:
        return result(Ending.UNREACHABLE, f"connection lost: {clean(error.reason, 200)}", layer="tcp")
    except ValueError as error:  # asyncssh's PacketDecodeError is one
        return result(Ending.FAILED, f"SFTP: the node answers oddly: {clean(str(error), 200)}")
    except OSError as error:
        name = f": {clean(os.fsencode(error.filename), 300)}" if isinstance(error.filename, str | bytes) else ""
        return result(Ending.FAILED, f"{(error.strerror or str(error)).lower()}{name}")
    return result(Ending.OK)


def beyond(plan: Plan) -> str:
    """What the plan asks for that SFTP does not do; empty where it can be done."""
    wanted = plan.options
    asked = {
        "--delete": wanted.delete,
        "--dry-run": wanted.dry_run,
        "--bwlimit": wanted.rate,
        "--exclude and --include": wanted.filters,
        "--sudo": wanted.sudo,
        "--chmod": wanted.chmod,
        "--chown": wanted.chown,
        "--hard-links": wanted.hard_links,
        "--checksum": wanted.checksum,
        "such options": wanted.more,
    }
    return next((name for name, given in asked.items() if given), "")


class _Walk:
    def __init__(self, client: asyncssh.SFTPClient, node: str, count: _Count, tell: Callable[[Progress], None]) -> None:
        self._client, self._node, self._count, self._tell = client, node, count, tell
        self._told = 0.0

    # out

    async def push(self, plan: Plan) -> None:
        """Put the sources where rsync would (rsync(1), USAGE)."""
        place = os.fsencode(remote(plan.destination))
        several = len(plan.sources) > 1 or place.endswith(b"/")
        for text in plan.sources:
            source = os.fsencode(text)
            if source.endswith((b"/", b"/.")) or source == b".":
                await self._folder_out(source, place, 0)
            elif several or stat.S_ISDIR(os.lstat(source).st_mode) or await self._client.isdir(place):
                await self._ensure_folder(place)
                await self._out(source, os.path.join(place, os.path.basename(source)), 0)
            else:
                await self._out(source, place, 0)

    async def _out(self, source: bytes, target: bytes, depth: int) -> None:
        found = os.lstat(source)
        if stat.S_ISDIR(found.st_mode):
            await self._folder_out(source, target, depth)
        elif stat.S_ISLNK(found.st_mode):
            temporary = _temporary(target)
            await self._client.symlink(os.readlink(source), temporary)
            await self._rename(temporary, target)
        elif stat.S_ISREG(found.st_mode):
            await self._file_out(source, target, found)
        else:
            raise _Trouble(f"SFTP moves no devices, sockets and pipes: {clean(source, 300)}")

    async def _folder_out(self, source: bytes, target: bytes, depth: int) -> None:
        if depth > _DEPTH:
            raise _Trouble(f"too many folders within folders: {clean(source, 300)}")
        found = os.stat(source)
        await self._ensure_folder(target)
        with os.scandir(source) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            await self._out(os.path.join(source, name), os.path.join(target, name), depth + 1)
        # last: a folder that may not be written to, and times that its files would change
        await self._client.setstat(target, _attributes(found))

    async def _file_out(self, source: bytes, target: bytes, found: os.stat_result) -> None:
        there = await self._stat(target)
        if there and there.size == found.st_size and there.mtime == int(found.st_mtime) and _is_file(there):
            return
        temporary = _temporary(target)
        try:
            # sshd would make it 0644, and who opens it then can read all that comes
            async with self._client.open(temporary, "xb", asyncssh.SFTPAttrs(permissions=0o600)):
                pass
            await self._client.put(source, temporary, progress_handler=self._progress(), sparse=False)
            await self._client.setstat(temporary, _attributes(found))
            await self._rename(temporary, target)
        except BaseException:
            with _quiet():
                await asyncio.shield(self._client.remove(temporary))
            raise
        self._moved(found.st_size)

    async def _rename(self, temporary: bytes, target: bytes) -> None:
        try:
            await self._client.posix_rename(temporary, target)
        except asyncssh.SFTPOpUnsupported:
            if await self._stat(target):
                await self._client.remove(target)
            await self._client.rename(temporary, target)

    async def _ensure_folder(self, path: bytes) -> None:
        if not await self._client.isdir(path):
            await self._client.makedirs(path, exist_ok=True)

    async def _stat(self, path: bytes) -> asyncssh.SFTPAttrs | None:
        try:
            return await self._client.lstat(path)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None

    # in

    async def pull(self, plan: Plan) -> None:
        """Get the sources into the node's folder."""
        folder = os.fsencode(command.folder(plan, self._node))
        for text in plan.sources:
            source = os.fsencode(remote(text))
            content = source.endswith((b"/", b"/.")) or source in (b".", b"./")
            found = await (self._client.stat(source) if content else self._client.lstat(source))
            name = os.path.basename(source)
            if content:
                await self._folder_in(source, folder, found, 0)
            elif name in (b"", b".", b".."):
                raise _Trouble(f"not a name to make a file of: {clean(source, 300)}")
            else:
                await self._in(source, os.path.join(folder, name), found, 0)

    async def _in(self, source: bytes, target: bytes, found: asyncssh.SFTPAttrs, depth: int) -> None:
        mode = found.permissions or 0
        if stat.S_ISDIR(mode):
            await self._folder_in(source, target, found, depth)
        elif stat.S_ISLNK(mode):
            temporary = _temporary(target)
            to = _bytes(await self._client.readlink(source))
            if not to or b"\0" in to:
                raise _Trouble(f"the node says what a link cannot hold: {clean(source, 300)}")
            os.symlink(to, temporary)
            os.replace(temporary, target)
        elif stat.S_ISREG(mode):
            await self._file_in(source, target, found)
        else:
            raise _Trouble(f"SFTP moves no devices, sockets and pipes: {clean(source, 300)}")

    async def _folder_in(self, source: bytes, target: bytes, found: asyncssh.SFTPAttrs, depth: int) -> None:
        if depth > _DEPTH:
            raise _Trouble(f"too many folders within folders: {clean(source, 300)}")
        try:
            os.mkdir(target, 0o700)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(target).st_mode):
                raise _Trouble(f"{clean(target, 300)} is here, and no folder") from None
        seen: set[bytes] = set()
        async for name, attributes in self._entries(source):
            if name in seen or b"/" in name or b"\0" in name or name in (b"", b".", b".."):
                raise _Trouble(f"the node says a name that no folder can hold: {clean(name, 300)}")
            seen.add(name)
            await self._in(os.path.join(source, name), os.path.join(target, name), attributes, depth + 1)
        _imprint(target, found)

    async def _entries(self, folder: bytes) -> AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]:
        async for entry in self._client.scandir(folder):
            name = _bytes(entry.filename)
            if name not in (b".", b".."):
                yield name, entry.attrs

    async def _file_in(self, source: bytes, target: bytes, found: asyncssh.SFTPAttrs) -> None:
        size = found.size or 0
        try:
            there = os.lstat(target)
        except FileNotFoundError:
            there = None
        if there and stat.S_ISREG(there.st_mode) and there.st_size == size and int(there.st_mtime) == found.mtime:
            return
        temporary = _temporary(target)
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            await self._client.get(source, temporary, progress_handler=self._progress(), sparse=False)
            _imprint(temporary, found)
            os.replace(temporary, target)
        except BaseException:
            with _quiet():
                os.unlink(temporary)
            raise
        self._moved(size)

    # both

    def _progress(self) -> Callable[[bytes, bytes, int, int], None]:
        before = self._count.bytes

        def handler(_: bytes, __: bytes, done: int, ___: int) -> None:
            self._count.bytes = before + done
            self._say()

        return handler

    def _moved(self, size: int) -> None:
        self._count.files += 1
        self._count.size += size
        self._say()

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._told > 0.2:
            self._told = now
            self._tell(Progress(self._node, Stage.SENDING, self._count.bytes, files=self._count.files))


class _quiet:  # noqa: N801 - a statement, as contextlib.suppress
    """Cleaning up after an error must not hide it."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, OSError | asyncssh.Error)


def _temporary(target: bytes) -> bytes:
    folder, name = os.path.split(target)
    return os.path.join(folder, b"." + name[:200] + b"." + secrets.token_hex(4).encode())


def _bytes(name: bytes | str | None) -> bytes:
    return name if isinstance(name, bytes) else (name or "").encode("utf-8", "surrogateescape")


def _is_file(found: asyncssh.SFTPAttrs) -> bool:
    return stat.S_ISREG(found.permissions or 0)


def _attributes(found: os.stat_result) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(
        permissions=stat.S_IMODE(found.st_mode), atime=int(found.st_atime), mtime=int(found.st_mtime)
    )


def _imprint(path: bytes, found: asyncssh.SFTPAttrs) -> None:
    """Mode and time of what was moved. Set-user-id bits are not taken from a node."""
    if found.permissions is not None:
        os.chmod(path, found.permissions & 0o777)
    if found.mtime is not None and 0 <= found.mtime < 1 << 40:
        os.utime(path, (found.mtime, found.mtime))
