"""A node's cache and spool in a folder here, and the keeper's step that makes `work/` of it, with the shells that nodes have."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gridtui.jobs.model import Input
from gridtui.jobs.staging.digests import Digests
from gridtui.jobs.staging.index import manifest
from gridtui.jobs.staging.looking import look
from gridtui.jobs.staging.model import Manifest

SHELLS = ("dash", "bash", "busybox")


def looked(*inputs: Input) -> Manifest:
    """What inputs are."""
    return manifest(*look(inputs, Digests()))


class Cache:
    """`cache/` and `spool/` below a folder."""

    def __init__(self, root: Path, shell: str = "dash") -> None:
        self.root = root
        self.objects = root / "cache" / "objects"
        self.objects.mkdir(parents=True)
        self._path = os.environ["PATH"]
        self._shell: Sequence[str] = (shell,)
        if shell == "busybox":
            tools = root / "bin"
            tools.mkdir()
            busybox = shutil.which("busybox")
            assert busybox
            subprocess.run([busybox, "--install", "-s", str(tools)], check=True)
            self._shell, self._path = (str(tools / "sh"),), str(tools)

    def hold(self, what: Manifest) -> None:
        """All of it lies there."""
        for digest in what.digests:
            content = what.index if digest == what.id else Path(what.sources[digest]).read_bytes()
            (self.objects / digest).write_bytes(content)
            (self.objects / digest).chmod(0o400)

    def place(self, what: Manifest, name: str = "k", umask: int = 0o077) -> tuple[int, str, Path]:
        """As the keeper does. Exit status, the last line of standard error, and `work/`."""
        job = self.root / "spool" / name
        (job / "work").mkdir(parents=True)
        done = subprocess.run(
            [*self._shell, "-c", f"set -f; IFS=x; ({what.text})"],  # whatever the keeper has set
            cwd=job,
            capture_output=True,
            text=True,
            env={"PATH": self._path, "HOME": str(self.root)},
            umask=umask,
            check=False,
        )
        assert not (job / "in").exists()
        return done.returncode, (done.stderr.strip().splitlines() or [""])[-1], job / "work"


def tree(root: Path) -> dict[bytes, tuple[str, int, str]]:
    """Everything below a folder: kind, mode, and content's digest or target."""
    found: dict[bytes, tuple[str, int, str]] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            mode = stat.S_IMODE(seen.st_mode)
            relative = os.path.relpath(path, os.fsencode(root))
            if stat.S_ISLNK(seen.st_mode):
                found[relative] = "l", 0, os.fsdecode(os.readlink(path))
            elif stat.S_ISDIR(seen.st_mode):
                found[relative] = "d", mode, ""
            else:
                with open(path, "rb") as stream:
                    found[relative] = "f", mode, hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def hostile(root: Path) -> Path:
    """A folder with every kind of name and mode that a job may bring."""
    files = {
        b"plain": (b"hello", 0o644),
        b"same content": (b"hello", 0o644),
        b"run me": (b"hello", 0o755),
        b"empty": (b"", 0o600),
        b"-rf": (b"dash", 0o644),
        b"a\nb": (b"newline", 0o644),
        b"\xff\xfe": (b"no UTF-8", 0o640),
        b"sub/$(touch x)": (b"dollar", 0o644),
        b"sub/deep/" + b"n" * 200: (b"long", 0o444),
        b"sub/*": (b"star", 0o644),
        b"sub/ trailing ": (b"blank", 0o644),
        b"sub/back\\slash": (b"backslash", 0o711),
        b".hidden": (b"hidden", 0o644),
    }
    for name, (content, mode) in files.items():
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(content)
        os.chmod(path, mode)
    (root / "nothing in it").mkdir(mode=0o700)
    (root / "sub" / "open").mkdir()
    (root / "sub" / "open").chmod(0o777)
    (root / "link").symlink_to("sub/*")
    (root / "sub" / "up").symlink_to("../plain")
    (root / "dangling").symlink_to("not there")
    for folder in (root, root / "sub", root / "sub" / "deep"):
        folder.chmod(0o755)
    return root
