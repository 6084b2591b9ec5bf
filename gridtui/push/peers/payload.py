"""What is sent, as parts: a tar of what rsync would send, cut into files of equal size, each with its hash. Owns the packing.

rsync itself says which names a plan covers (filters included); the last member of the archive is a list of every file's SHA-256 in
sha256sum(1)'s form. Small files make the archive a gzip (of many members, RFC 1952, 2.2): headers and padding are compressed, contents
are stored unless the plan asks for compression. 10,000 files of 4 kB would be a fifth larger otherwise; for large ones gzip(1)
would only cost the nodes more than the hashes do.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import stat
import tarfile
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...model import clean
from ...ssh import children
from .. import command
from ..model import Plan

SMALLEST = 1 << 20
LARGEST = 32 << 20
"""Bytes of a part: each costs a process at both ends of every link, and each adds its time once a link to the whole."""
AHEAD = 64
"""Parts that wait here at most until every node has them."""
DAY = 86400
"""Seconds that a folder of parts stays untouched before it counts as left behind. A broadcast that is stuck ends in hours."""
BLOCK = 512
"""tar's."""
CHUNK = 1 << 20

_ESCAPED = re.compile(rb"\\#([0-7]{3})")


SMALL = 64 << 10
"""Mean bytes of a file under which headers are worth compressing."""


class Unfit(Exception):
    """The star has to do it; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to send: where it is here, and its name in the archive."""

    path: bytes
    name: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is complete. `digest`: its SHA-256 in hexadecimal."""

    number: int
    path: Path
    size: int
    digest: str


@dataclass(slots=True)
class Contents:
    """What a plan covers."""

    entries: list[Entry]
    size: int
    """Bytes of content."""
    files: int
    tops: list[str] = field(default_factory=list)
    """What it would be called at the destination, the uppermost names."""

    def squeezed(self, plan: Plan) -> bool:
        """Whether the archive is a gzip."""
        return plan.options.compress or self.size < SMALL * len(self.entries)


async def contents(plan: Plan) -> Contents:
    """Ask rsync what the plan covers. Raises Unfit when a source cannot be read, or holds what an archive does not."""
    found = Contents([], 0, 0)
    with tempfile.TemporaryDirectory(prefix="gridtui-peers-") as empty:
        for index, source in enumerate(plan.sources):
            names = await _names(plan, source, empty)
            await asyncio.to_thread(_collect, found, index, os.fsencode(source), names)
    return found


async def _names(plan: Plan, source: str, empty: str) -> list[bytes]:
    words = ["rsync", "--archive", "--dry-run", "--out-format=%n", *plan.options.filters]
    try:
        process = await children.start([*words, "--", command.here(source), f"{empty}/"], command.environment())
    except OSError as error:
        raise Unfit(f"rsync cannot be run here: {error.strerror}") from None
    try:
        out, said = await process.communicate()
    finally:
        await children.end(process, 0)
    if process.returncode:
        raise Unfit(f"rsync cannot read the source: {clean(said.strip().splitlines()[0] if said.strip() else b'')}")
    return [_ESCAPED.sub(lambda match: bytes([int(match[1], 8) & 255]), line) for line in out.split(b"\n") if line]


def _collect(found: Contents, index: int, source: bytes, names: list[bytes]) -> None:
    whole = source.endswith(b"/") or source.rstrip(b"/").rsplit(b"/", 1)[-1] in (b".", b"..")
    parent = source if whole else os.path.dirname(source)
    tops: dict[bytes, None] = {}
    for name in names:
        path = os.path.join(parent, name) if parent else name
        try:
            seen = os.lstat(path.rstrip(b"/") or b"/")
        except OSError as error:
            raise Unfit(f"{clean(path)}: {(error.strerror or '').lower()}") from None
        kind = stat.S_IFMT(seen.st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise Unfit(f"{clean(path)} is neither file, folder nor link")
        if kind == stat.S_IFREG:
            found.files += 1
            found.size += seen.st_size
        if name not in (b"./", b"."):
            tops[name.split(b"/", 1)[0]] = None
        found.entries.append(Entry(path, b"t/%d/" % index + name))
    found.tops += [os.fsdecode(name) for name in list(tops)[:200]]


def part_size(size: int, nodes: int) -> int:
    """Bytes of a part: a chain of n takes (n - 1) parts longer than one transfer, so three times n of them cost a third."""
    return max(SMALLEST, min(LARGEST, -(-size // max(12, 3 * nodes))))


class Packer:
    """Writes the parts into a private folder, in a thread. Use as a context manager; the folder goes with it."""

    def __init__(self, plan: Plan, what: Contents, size: int, parent: Path | None = None) -> None:
        self._plan, self._what, self.size = plan, what, size
        self._squeezed = what.squeezed(plan)
        self._room = threading.Semaphore(AHEAD)
        self._stopped = threading.Event()
        _sweep(parent or Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix="gridtui-peers-", dir=parent))

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the thread soon."""
        self._stopped.set()
        self._room.release()

    def drop(self, number: int) -> None:
        """Nobody needs this part from here any more."""
        (self.folder / str(number)).unlink(missing_ok=True)
        self._room.release()

    async def run(self, told: Callable[[Part], None]) -> int:
        """Pack all; `told` hears of each part, in the loop. Gives the number of parts. Raises Unfit."""
        loop = asyncio.get_running_loop()

        def work() -> int:
            def tell(part: Part) -> None:
                loop.call_soon_threadsafe(told, part)

            cutter = _Cutter(self.folder, self.size, tell, self._turn)
            try:
                for data in self._stream():
                    cutter.write(data)
                return cutter.close()
            except OSError as error:
                raise Unfit(f"{clean(str(error.filename or self.folder))}: {(error.strerror or '').lower()}") from None

        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()
            raise

    def _turn(self) -> None:
        self._room.acquire()
        if self._stopped.is_set():
            raise Unfit("stopped")

    def _stream(self) -> Iterator[bytes]:
        """The archive. Contents may change while they are read; what was hashed is what was sent."""
        first: dict[tuple[int, int], bytes] = {}
        sums: list[bytes] = []
        pad = b""
        for entry in self._what.entries:
            path = entry.path.rstrip(b"/") or b"/"
            seen = os.lstat(path)
            info = _header(entry, path, seen)
            if stat.S_ISREG(seen.st_mode):
                linked = self._plan.options.hard_links and seen.st_nlink > 1
                other = first.setdefault((seen.st_dev, seen.st_ino), entry.name) if linked else entry.name
                if other != entry.name:
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, os.fsdecode(other), 0
                    yield self._pack(pad + _block(info))
                    pad = b""
                    continue
                hashed = hashlib.sha256()
                yield self._pack(pad + _block(info))
                yield from self._content(path, info.size, hashed)
                pad = bytes(-info.size % BLOCK)
                sums.append(_sum(hashed.hexdigest(), entry.name))
            else:
                pad += _block(info)
                if len(pad) > CHUNK:
                    yield self._pack(pad)
                    pad = b""
        text = b"".join(sums)
        info = tarfile.TarInfo("sums")
        info.size, info.mode = len(text), 0o600
        yield self._pack(pad + _block(info) + text + bytes(-len(text) % BLOCK + 2 * BLOCK))

    def _pack(self, data: bytes) -> bytes:
        return zlib.compress(data, 1, 31) if self._squeezed else data

    def _content(self, path: bytes, size: int, hashed: hashlib._Hash) -> Iterator[bytes]:
        if not size:
            return
        level = 1 if self._plan.options.compress else 0
        packing = zlib.compressobj(level, zlib.DEFLATED, 31) if self._squeezed else None
        left = size
        with open(path, "rb", buffering=0) as file:
            while left:
                data = file.read(min(left, CHUNK))
                if not data:
                    raise Unfit(f"{clean(path)} became shorter while it was read")
                left -= len(data)
                hashed.update(data)
                yield packing.compress(data) if packing else data
        if packing:
            yield packing.flush()


def _sweep(parent: Path) -> None:
    """Remove the parts of a controller that was killed, after a day: what mkdtemp named, and is ours."""
    for found in parent.glob("gridtui-peers-????????"):
        with contextlib.suppress(OSError):
            seen = os.lstat(found)
            if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and seen.st_mtime < time.time() - DAY:
                shutil.rmtree(found, ignore_errors=True)


class _Cutter:
    """Cuts a stream into part files."""

    def __init__(self, folder: Path, size: int, told: Callable[[Part], None], turn: Callable[[], None]) -> None:
        self._folder, self._size, self._told, self._turn = folder, size, told, turn
        self._count = 0
        self._waiting: list[bytes] = []
        self._held = 0

    def write(self, data: bytes) -> None:
        self._waiting.append(data)
        self._held += len(data)
        while self._held >= self._size:
            whole = b"".join(self._waiting)
            self._put(whole[: self._size])
            self._waiting = [whole[self._size :]]
            self._held -= self._size

    def close(self) -> int:
        if self._held or not self._count:
            self._put(b"".join(self._waiting))
        return self._count

    def _put(self, data: bytes) -> None:
        self._turn()
        path = self._folder / str(self._count)
        path.write_bytes(data)
        self._told(Part(self._count, path, len(data), hashlib.sha256(data).hexdigest()))
        self._count += 1


def _header(entry: Entry, path: bytes, seen: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(os.fsdecode(entry.name.rstrip(b"/")))
    info.mode, info.uid, info.gid = stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid
    info.uname, info.gname = _user(seen.st_uid), _group(seen.st_gid)
    info.mtime = int(seen.st_mtime)
    if stat.S_ISDIR(seen.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(seen.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.fsdecode(os.readlink(path))
    else:
        info.size = seen.st_size
    return info


def _block(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _sum(digest: str, name: bytes) -> bytes:
    """A line of sha256sum(1); names with a newline or a backslash are escaped, and the line says so."""
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode() + b"  " + escaped + b"\n"


_names_of: dict[tuple[str, int], str] = {}


def _user(number: int) -> str:
    import pwd

    if ("u", number) not in _names_of:
        try:
            _names_of["u", number] = pwd.getpwuid(number).pw_name
        except KeyError:
            _names_of["u", number] = ""
    return _names_of["u", number]


def _group(number: int) -> str:
    import grp

    if ("g", number) not in _names_of:
        try:
            _names_of["g", number] = grp.getgrgid(number).gr_name
        except KeyError:
            _names_of["g", number] = ""
    return _names_of["g", number]
