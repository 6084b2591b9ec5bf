"""Files that are there whole or not at all. Owns the state folder and the way of writing; knows no meaning of what it writes."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import StateError
from ..settings import state_folder

_STALE = 3600.0
"""Seconds after which an unfinished file has no writer any more."""

_HINTS = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there: the quota is used up",
    errno.EFBIG: "the limit on file sizes (ulimit -f) is too low",
    errno.EROFS: "it is on a read-only file system; XDG_STATE_HOME names another folder",
    errno.EACCES: "see who owns it (ls -ld); XDG_STATE_HOME names another folder",
    errno.EPERM: "see who owns it (ls -ld); XDG_STATE_HOME names another folder",
}


def folder() -> Path:
    """The state folder, made if it is missing, mode 0700.

    One that belongs to somebody else is refused: they could make us believe anything. One that is ours and open to others is
    closed to them, without a word: nothing in it is secret enough to stop a check for, and nothing in it is theirs.
    Raises StateError.
    """
    path = state_folder()
    with _explained(path, "be made"):
        # What is missing above is made as the XDG base directory specification asks: 0700 as well.
        for above in reversed(path.parents):
            if not above.exists():
                above.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    with _explained(path, "be used"):
        seen = path.stat()
        if not stat.S_ISDIR(seen.st_mode):
            raise StateError(f"the state folder {path} is no folder", hint="move it out of the way")
        if seen.st_uid != os.geteuid():
            raise StateError(
                f"the state folder {path} belongs to another user (uid {seen.st_uid})",
                hint="take it over with chown, or set XDG_STATE_HOME",
            )
        if stat.S_IMODE(seen.st_mode) & 0o077:
            path.chmod(0o700)
    return path


def write(path: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Write `path` whole: a temporary name in the same folder, fsync, rename. Whoever reads sees the old content or the new.

    Nothing is left behind when it fails, and the old content stays. `mode` is exact, whatever the umask says. A symbolic link is
    followed, as every program does that is told to write to one. Raises StateError.
    """
    content = data.encode() if isinstance(data, str) else data
    with _explained(path, "be written"):
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            # A rename would put a plain file in the place of /dev/null.
            raise StateError(f"{path} is no plain file", hint="name a file, or use standard output")
        # The name starts with a dot and does not end like the target: a collector that reads *.prom leaves it alone.
        temporary = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                left = memoryview(content)
                while left:
                    left = left[os.write(handle, left) :]
                os.fchmod(handle, mode)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)
        _sweep(target)


def _sweep(target: Path) -> None:
    """Remove what killed writers of `target` left behind, once it is too old to be still in the making."""
    with contextlib.suppress(OSError):
        for found in target.parent.glob(f".{glob.escape(target.name[:200])}.*.tmp"):
            if time.time() - found.stat().st_mtime > _STALE:
                found.unlink()


def write_json(path: Path, document: Any, mode: int = 0o600) -> None:
    """Write `document` as JSON, as `write` does. NaN and infinities are no JSON: ValueError."""
    write(path, json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n", mode)


def read_json(path: Path) -> Any:
    """The JSON document in `path`; None when there is no such file. Raises StateError when it cannot be read.

    A damaged file is first moved aside, to the same name with `.damaged` behind it (one is kept), so that the next run goes on
    with a new one; the StateError says so. Whoever can go on without the old content catches it, tells, and goes on.
    """
    with _explained(path, "be read"):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
    try:
        return json.loads(content)
    # RecursionError: a hundred thousand opening brackets.
    except (ValueError, RecursionError) as error:
        aside = path.with_name(path.name + ".damaged")
        with _explained(path, "be moved aside"):
            os.replace(path, aside)
        why = "it is empty" if not content.strip() else str(error).splitlines()[0]
        raise StateError(
            f"{path} is damaged: {why}", hint=f"it was moved to {aside.name}, and what it held is lost"
        ) from None


def _sync_folder(path: Path) -> None:
    # The rename itself must survive a power cut too. Some file systems do not know fsync of a folder: then it cannot be had.
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _explained(path: Path, verb: str) -> Iterator[None]:
    """The border: what the system says becomes a StateError."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        raise StateError(f"{path} cannot {verb}: {error.strerror or error}", hint=hint) from error
