"""Small disks for tests: a tmpfs of so many kilobytes. Needs root; the test is skipped where it cannot be had."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def disk(folder: Path, *, kilobytes: int) -> Iterator[Path]:
    """`folder` on a file system of its own, until the context ends."""
    folder.mkdir(mode=0o700)
    if os.geteuid():
        pytest.skip("mounting a small disk needs root")
    options = f"size={kilobytes}k,mode=0700"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        # lazily: a database of a test that failed may still be open
        subprocess.run(["umount", "-l", folder], check=True)
