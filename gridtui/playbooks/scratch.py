"""The folder that one run needs while it goes on: sockets of its ssh, Ansible's own temporary files, the pipe for a password.

Owns where it is and that it goes away, also that of a controller that was killed. Keeps nothing: `artefacts` does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..settings import state_folder

PREFIX = "play-gridtui-"
_LONGEST = 60
"""Bytes of the folder's path: sun_path has 108 (unix(7)), Ansible's name for a socket and ssh's while it makes it take 30."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of ours alone, mode 0700, gone at the end."""
    folder = _make()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make() -> Path:
    """Under XDG_RUNTIME_DIR, else in the state folder, else, both paths too long, in /tmp."""
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), str(state_folder())):
        if not base.startswith("/") or len(os.fsencode(base)) + len(f"/{PREFIX}1234567-abcdefgh/s") > _LONGEST:
            continue
        with contextlib.suppress(OSError):
            Path(base).mkdir(mode=0o700, parents=True, exist_ok=True)
            seen = os.stat(base)
            if seen.st_uid == os.geteuid() and not seen.st_mode & 0o022:
                _sweep(Path(base))
                return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def _sweep(base: Path) -> None:
    """Remove what killed controllers left: their runs ended with them."""
    for found in base.glob(f"{PREFIX}*-*"):
        pid = found.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(found, ignore_errors=True)
