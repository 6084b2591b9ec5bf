"""`gridtui demo`: the dashboard over simulated nodes that speak real SSH on loopback, and this machine."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import output
from ..main import Context, run, verb
from .dashboard import need_terminal, show

if TYPE_CHECKING:
    from ...fleet import Fleet


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
    with tempfile.TemporaryDirectory(prefix="gridtui-demo-", ignore_cleanup_errors=True) as folder:
        async with start_process(nodes, Path(folder), seed=seed, with_local=True) as running:
            # What the demo queues and remembers is its own, and goes with it: the user's jobs are not for simulated nodes.
            os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))
            settings = context.settings()
            settings = replace(settings, dashboard=replace(settings.dashboard, dispatch=True))
            fleet = Fleet.open([running.inventory], settings)
            if not settings.guard.read_only:
                await _queue(fleet)
            output.progress("")
            return await show(fleet, f"DEMO: {nodes} simulated nodes, and this machine for real")


async def _queue(fleet: Fleet) -> None:
    """Something to do for the simulated nodes, which only say that they do it. Nothing of it is for this machine."""
    from ...jobs.model import Needs, Spec

    frames = Spec(
        "blender --background scene.blend --render-frame $GRIDTUI_INDEX",
        name="frames",
        where="@simulated & role=render",
        needs=Needs(cpus=8),
    )
    samples = Spec("python3 pi.py --seed $GRIDTUI_INDEX", name="monte-carlo", where="@simulated")
    training = Spec("python3 train.py", name="training", where="@simulated", needs=Needs(cpus=4, gpus=1))
    broken = Spec("sleep 6; echo no such file; exit 3", name="import", where="@simulated", retries=1)
    backup = Spec("restic backup /srv", name="backup", where="@simulated & role=storage")
    await fleet.submit(frames, array=range(1, 241))
    await fleet.submit(samples, array=range(1, 1001))
    await fleet.submit(training)
    await fleet.submit(broken, array=range(1, 6))
    await fleet.submit(backup, held=True)
