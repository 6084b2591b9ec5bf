"""ssh_config files, cut to what concerns one host. Owns their text, cached by what stat(2) says; knows no asyncssh.

A file with a block for each of 5,000 hosts costs 350 ms to read, and each node would pay it. So a file is split into blocks once,
and for a host only those are handed on that can match: those that name it, those with patterns, and every Match.
What they mean is not decided here (ssh_config(5)): `route` gives them to asyncssh's reader.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ResolveError
from ..model import Node
from ..settings import Ssh

SYSTEM = Path("/etc/ssh/ssh_config")
DEPTH = 16
"""Nested Includes, as OpenSSH allows."""

_WORD = re.compile(r"\s*([^\s=]+)\s*=?\s*(.*)")
_SPECIAL = frozenset("*?!,[\"'")

Line = tuple[int, str]


@dataclass(slots=True)
class ConfigFile:
    """One file's lines, arranged by the hosts that they can concern. Line numbers count from 1."""

    path: Path
    everywhere: list[Line] = field(default_factory=list)
    """Lines before the first block, blocks with patterns, and Match blocks."""
    named: dict[str, list[Line]] = field(default_factory=dict)
    """Lower-case literal host name to the lines of the blocks that name it, `Host` lines included."""

    def lines(self, host: str) -> list[Line]:
        """The lines that can concern `host`, in the file's order, without blank lines and comments."""
        named = self.named.get(host.lower())
        return sorted({*self.everywhere, *named}) if named else self.everywhere


_files: dict[Path, tuple[tuple[int, int, int], ConfigFile]] = {}


def own(node: Node, settings: Ssh) -> Ssh:
    """The settings with the file that the inventory names for the node (`-F`), unless our settings name one."""
    file = node.ssh_options.get("config", "")
    return replace(settings, config=file) if file and not settings.config else settings


def sources(settings: Ssh) -> list[Path]:
    """The files that `ssh` would read: the one of the settings alone (`none`: no file), else the user's and the system's."""
    if settings.config == "none":
        return []
    if settings.config:
        return [Path(settings.config).expanduser()]
    return [Path("~/.ssh/config").expanduser(), SYSTEM]


def read(path: Path, *, named: bool = False) -> ConfigFile | None:
    """The file, from the cache when it has not changed. None when it is missing and was not `named` by the user.

    Raises ResolveError when it cannot be read, or when others may write it (ssh refuses it too: it can run programs).
    """
    try:
        seen = path.stat()
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if (cached := _files.get(path)) and cached[0] == stamp:
            return cached[1]
        own = path == Path("~/.ssh/config").expanduser()
        if own and (seen.st_uid not in (0, os.getuid()) or seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            raise ResolveError(f"{path}: others may write it, so it is not trusted", hint=f"chmod 600 {path}")
        text = path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        if named:
            raise ResolveError(f"{path}: no such ssh_config", hint="see `ssh.config` in the settings") from None
        return None
    except OSError as error:
        raise ResolveError(f"{path}: cannot be read: {error.strerror}") from None
    parsed = split(path, text)
    _files[path] = (stamp, parsed)
    return parsed


def split(path: Path, text: str) -> ConfigFile:
    """Arrange a file's text. Pure."""
    file = ConfigFile(path)
    targets: list[list[Line]] = [file.everywhere]
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] == "#":
            continue
        keyword, rest = words(line)
        if keyword == "match":
            targets = [file.everywhere]
        elif keyword == "host":
            names = rest.split("#", 1)[0].split()
            if not names or any(_SPECIAL & set(name) for name in names):
                targets = [file.everywhere]
            else:
                targets = [file.named.setdefault(name, []) for name in {name.lower() for name in names}]
        for target in targets:
            target.append((number, line))
    return file


def words(line: str) -> tuple[str, str]:
    """The keyword in lower case, and what follows it."""
    found = _WORD.match(line)
    return (found[1].lower(), found[2]) if found else ("", "")


def included(pattern: str, base: Path) -> list[Path]:
    """Files that an Include's word names, in glob(7) order; a relative one counts from `base` (`~/.ssh` or `/etc/ssh`)."""
    path = Path(pattern).expanduser()
    if not path.is_absolute():
        path = base / path
    anchor = Path(path.anchor)
    return sorted(found for found in anchor.glob(str(path.relative_to(anchor))) if found.is_file())


def base(path: Path) -> Path:
    """Where relative Includes of a top-level file count from (ssh_config(5))."""
    return SYSTEM.parent if path == SYSTEM else Path("~/.ssh").expanduser()


def keywords(files: Sequence[Path], host: str, *, named: bool = False) -> Iterator[str]:
    """Every keyword of every line that can concern `host`, Includes followed. Cheap: decides nothing."""

    def walk(path: Path, folder: Path, depth: int) -> Iterator[str]:
        file = read(path, named=named and depth == 0)
        for _, line in file.lines(host) if file else ():
            keyword, rest = words(line)
            yield keyword
            if keyword == "include" and depth < DEPTH:
                try:
                    names = shlex.split(rest)
                except ValueError:
                    continue
                for name in names:
                    for found in included(name, folder):
                        yield from walk(found, folder, depth + 1)

    for path in files:
        yield from walk(path, base(path), 0)
