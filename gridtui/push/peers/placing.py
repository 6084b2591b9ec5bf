"""How what was unpacked on a node gets to its place: the node's own rsync, by link where it can. Pure."""

from __future__ import annotations

from ...ssh import quote
from .. import command
from ..model import Plan, remote
from .payload import Contents

LINKED = 20
"""`--link-dest` folders that rsync takes (rsync(1))."""


def place(plan: Plan, what: Contents) -> tuple[str, str]:
    """The destination, and shell text that moves what is in `$stage/out` there, as the star's rsync would.

    `--link-dest` on what is copied makes rsync link it: each file appears whole, by one link(2), and is not written twice. What is there
    already and differs is replaced by a rename. The star's lock is held meanwhile.
    """
    wanted = plan.options
    words = ["--archive"]
    for flag, given in (
        ("--sparse", wanted.sparse),
        ("--hard-links", wanted.hard_links),
        ("--checksum", wanted.checksum),
    ):
        if given:
            words.append(flag)
    if wanted.chmod:
        words.append(f"--chmod={wanted.chmod}")
    if wanted.chown:
        words.append(f"--chown={wanted.chown}")
    text = [command.at_node(plan), quote(*words)]
    sources = []
    for index, source in enumerate(plan.sources):
        name = source.rstrip("/").rsplit("/", 1)[-1]
        whole = source.endswith("/") or name in (".", "..")
        sources.append(f'"$stage"/out/t/{index}/' + ("" if whole else quote(name)))
        if index < LINKED and not wanted.sparse:
            text.append(f'--link-dest="$stage"/out/t/{index}')
    destination = remote(plan.destination)
    copied = " ".join([*text, "--", *sources, quote(destination)])
    moved = _moved(plan, sources[0], destination) if len(sources) == 1 and what.entries else ""
    return destination, f"{moved} || {copied}" if moved and not (
        wanted.chmod or wanted.chown or wanted.sparse
    ) else copied


def _moved(plan: Plan, source: str, destination: str) -> str:
    """Shell text that renames one source into a place where nothing is, and fails where something is.

    Only where rsync would give the same: the content of a folder becomes DEST, anything else goes into the folder DEST.
    """
    bare = destination.rstrip("/")
    if not bare or bare in (".", ".."):
        return ""
    name = plan.sources[0].rstrip("/").rsplit("/", 1)[-1]
    if source.endswith("/"):
        folder, to = "true", quote(bare)
    else:
        folder, to = f"[ -d {quote(bare)} ]", quote(f"{bare}/{name}")
    source = source.rstrip("/")
    return f"{{ {folder} && [ ! -e {to} ] && [ ! -L {to} ] && mv -nT -- {source} {to} && [ ! -e {source} ] && [ ! -L {source} ]; }} 2>/dev/null"
