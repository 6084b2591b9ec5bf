"""`gridtui demo`: the dashboard over simulated nodes that speak real SSH on loopback, and this machine."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from .. import output
from ..main import Context, run, verb
from .dashboard import need_terminal, show


@verb("demo", short_help="The dashboard over simulated nodes and this machine.")
@click.option("--nodes", type=click.IntRange(1, 5000), default=24, show_default=True, help="How many to simulate.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another number is another fleet.")
def command(context: Context, nodes: int, seed: int) -> int:
    """Open the dashboard over simulated nodes that speak real SSH on loopback, together with this machine for real."""
    need_terminal()
    return run(_simulated(context, nodes, seed))


async def _simulated(context: Context, nodes: int, seed: int) -> int:
    from ...fleet import Fleet
    from ...sim import start_process

    output.progress(f"starting {nodes} simulated nodes")
    with tempfile.TemporaryDirectory(prefix="gridtui-demo-") as folder:
        async with start_process(nodes, Path(folder), seed=seed, with_local=True) as running:
            output.progress("")
            # The queue is the user's own, and simulated nodes run nothing.
            settings = context.settings()
            settings = replace(settings, dashboard=replace(settings.dashboard, dispatch=False))
            fleet = Fleet.open([running.inventory], settings)
            return await show(fleet, f"DEMO: {nodes} simulated nodes, and this machine for real")
