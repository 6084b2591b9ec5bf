"""What stands between a slip of the finger and a node's files: when `--delete` needs a second word. Looks at the sources; changes nothing."""

from __future__ import annotations

import os
import posixpath

from ..errors import UsageError
from ..model import clean
from .model import Direction, Plan, remote

_HOMES = ("/home", "/root", "/Users", "/export/home")
_SYSTEM = frozenset(
    ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr", "var"]
)
"""Folders of the Filesystem Hierarchy Standard whose content a system lives by, two levels deep."""


def check(plan: Plan) -> None:
    """Whether the sources of a push are there at all. Raises UsageError."""
    if plan.direction is Direction.PULL:
        return
    for source in plan.sources:
        try:
            _ = os.stat(source) if source.endswith("/") else os.lstat(source)
        except OSError as error:
            raise UsageError(f"{clean(source)}: {(error.strerror or str(error)).lower()}") from None


def dangers(plan: Plan) -> list[str]:
    """Why this plan needs a second word; empty where it does not. One line each."""
    if not plan.options.delete or plan.options.dry_run or plan.direction is Direction.PULL:
        return []
    folders = [source for source in plan.sources if os.path.isdir(source)]
    found = [
        f"--delete with the empty folder {clean(source)} would remove everything in {clean(target(plan, source))}"
        for source in folders
        if (_content(source) or not os.path.islink(source)) and _empty(source)
    ]
    places = dict.fromkeys(target(plan, source) for source in folders)
    return found + [f"--delete in {clean(place)}: {why}" for place in places if (why := dangerous(place))]


def target(plan: Plan, source: str) -> str:
    """The folder on the node whose surplus files would go: DEST itself for the content of a folder, else the folder of that name in it."""
    place = remote(plan.destination)
    return place if _content(source) else posixpath.join(place, os.path.basename(source))


def dangerous(place: str) -> str:
    """Why a folder is not one to delete in by mistake, or nothing. `place` is a path on a node; a relative one begins in the home."""
    path = posixpath.normpath(place)
    if path.startswith("//"):
        path = path[1:]
    if ".." in place.split("/"):
        return "where `..` leads is not known from here; write the whole path"
    if path == ".":
        return "that is the home folder"
    if not path.startswith("/"):
        return (
            "hidden folders of a home hold keys and settings" if path in (".ssh", ".config", ".local", ".gnupg") else ""
        )
    parts = path.strip("/").split("/")
    if path == "/":
        return "that is the whole system"
    if len(parts) == 1:
        return "that is a top-level folder"
    if parts[0] in _SYSTEM and len(parts) == 2 and parts[0] in ("usr", "var", "lib", "boot"):
        return "the system lives by that folder"
    if any(posixpath.dirname(path) == home for home in _HOMES):
        return "that is somebody's home folder" if not path.startswith("/root/") else ""
    return ""


def _content(source: str) -> bool:
    """Whether a source means the content of the folder (rsync(1), USAGE)."""
    return source.endswith(("/", "/.")) or source == "."


def _empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False
