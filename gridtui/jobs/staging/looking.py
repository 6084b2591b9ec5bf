"""What a job's inputs are: looks at files and folders here, and hashes them. Reads, never writes; blocks: called in a thread.

A folder's links that stay in it are kept as links. One that leads out to a file is sent as that file; one that leads out to a folder,
or nowhere, is refused: it would mean something else on the node. Pipes, sockets and devices are refused too.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence

from ...errors import InputError
from ...model import clean
from ..model import Input
from .links import stays
from .model import Entry, File, Folder, Symlink

DEPTH = 200
"""Folders within folders."""
MOST = 200_000
"""Files and folders of one job."""
_TRIES = 3
"""Times that a file may change while it is read."""

Digest = Callable[[str], tuple[str, os.stat_result]]
"""The SHA-256 of a file's contents, and what the file was then. Raises InputError and OSError."""


def look(inputs: Sequence[Input], digest: Digest) -> tuple[tuple[Entry, ...], dict[str, str]]:
    """What a job's folder begins with, folders before what is in them, and for each digest a file here. Raises InputError."""
    seen: dict[str, Entry] = {}
    sources: dict[str, str] = {}
    for one in inputs:
        for entry, source in _entries(one, digest):
            before = seen.get(entry.name)
            if before is not None and not (isinstance(before, Folder) and isinstance(entry, Folder)):
                raise InputError(f"two inputs are called {clean(entry.name, 300)}")
            if before is None:
                seen[entry.name] = entry
                if isinstance(entry, File):
                    sources.setdefault(entry.digest, source)
                if len(seen) > MOST:
                    raise InputError(f"the inputs are more than {MOST:,} files and folders", hint="pack them")
    for name in seen:
        above = os.path.dirname(name)
        if above and isinstance(seen.get(above), File | Symlink):
            raise InputError(f"two inputs are called {clean(above, 300)}: a folder and something else")
    return tuple(seen.values()), sources


def _entries(one: Input, digest: Digest) -> Iterator[tuple[Entry, str]]:
    parts = one.name.split("/")
    for length in range(1, len(parts)):
        yield Folder("/".join(parts[:length]), 0o755), ""
    try:
        found = os.stat(one.path)  # a link that is named is followed
        if stat.S_ISDIR(found.st_mode):
            yield from _folder(os.path.realpath(one.path), one.name, found, digest)
        else:
            yield _file(one.path, one.name, digest)
    except OSError as error:
        raise _refused(error, one.path) from None


def _folder(path: str, name: str, found: os.stat_result, digest: Digest) -> Iterator[tuple[Entry, str]]:
    # what the job's user could not enter, remove or write to would stay on the node for ever
    stack = [(path, name, found.st_mode)]
    while stack:
        folder, called, mode = stack.pop()
        yield Folder(called, stat.S_IMODE(mode) & 0o777 | 0o700), folder
        if called.count("/") > DEPTH:
            raise InputError(f"too many folders within folders: {clean(folder, 300)}")
        with os.scandir(folder) as scan:
            children = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        for child in children:
            inside = f"{called}/{child.name}"
            if child.is_symlink():
                yield _link(child.path, inside, path, digest)
            elif child.is_dir(follow_symlinks=False):
                stack.append((child.path, inside, child.stat(follow_symlinks=False).st_mode))
            else:
                yield _file(child.path, inside, digest)


def _link(path: str, name: str, root: str, digest: Digest) -> tuple[Entry, str]:
    target = os.readlink(path)
    if stays(os.path.relpath(path, root), target):
        return Symlink(name, target), path
    if os.path.isfile(path):
        return _file(path, name, digest)
    where = "a folder elsewhere" if os.path.isdir(path) else "nothing"
    raise InputError(
        f"{clean(path, 300)} is a link to {where}", hint="give that as an input of its own, or leave the link out"
    )


def _file(path: str, name: str, digest: Digest) -> tuple[Entry, str]:
    found, seen = digest(path)
    return File(name, stat.S_IMODE(seen.st_mode) & 0o777 | 0o400, found, seen.st_size), path


def read(path: str) -> tuple[str, os.stat_result]:
    """The digest of a regular file's contents, all read while it was the same. Raises InputError and OSError."""
    for _ in range(_TRIES):
        # a pipe would not open until somebody writes to it
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with open(handle, "rb", buffering=0) as stream:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                raise InputError(f"{clean(path, 300)} is no file, folder or link")
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            after = os.fstat(handle)
        if same(before, after):
            return digest, after
    raise InputError(f"{clean(path, 300)} changes while it is read")


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing was written to a file between two looks, as far as its times tell."""
    return (one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino, one.st_dev) == (
        other.st_size,
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_ino,
        other.st_dev,
    )


def _refused(error: OSError, path: str) -> InputError:
    name = error.filename if isinstance(error.filename, str) else path
    return InputError(f"input {clean(name, 300)}: {(error.strerror or str(error)).lower()}")
