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
    return destination, " ".join([*text, "--", *sources, quote(destination)])
