"""`gridtui pull`: files from many nodes, each into a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from ...errors import UsageError
from ..main import Context, run, selecting, verb
from ..passphrases import asking as passphrases
from .push import chosen, move, moving


@verb("pull", short_help="Files from many nodes, each into a folder of its own.")
@selecting
@click.option("--delete", is_flag=True, help="Remove from a node's folder here what the node does not have any more.")
@moving
@click.argument("paths", nargs=-1, required=True, type=click.UNPROCESSED, metavar="SRC... DEST")
def command(context: Context, where: str, leave: str, delete: bool, paths: Sequence[str], **values: Any) -> int:
    """Copy SRC from the selected nodes to DEST here: what node1 has goes to DEST/node1.

    A relative SRC begins in the home folder there; patterns in it (`/var/log/*.log`) are the node's to expand: quote them.

    Exits as `push`.
    """
    from ... import push as pushes

    *sources, destination = paths
    if not sources:
        raise UsageError("pull needs at least one SRC and a DEST")
    options, way = chosen(values)
    plan = pushes.Plan(
        tuple(sources), destination, direction=pushes.Direction.PULL, options=replace(options, delete=delete)
    )
    return run(move(context.fleet(ask=passphrases()), plan, way, where, leave))
