"""`gridtui job dispatch`: be the dispatcher until stopped, or let systemd be it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import click

from ...errors import LockedError, UsageError
from ...model import clean
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, run, verb
from . import wording

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ...stopping import Stop

_EVERY = 1.0
"""Seconds between two pictures, and between two looks at a lease that another holds."""


@verb("dispatch", short_help="Place and start jobs, and fetch what they made, until stopped.")
@click.option("--until-done", is_flag=True, help="Until nothing is left that can run.")
@click.option("--standby", is_flag=True, help="Wait while another one dispatches, and take over when it ends.")
@click.option("--install-unit", is_flag=True, help="Let systemd do it: a unit of yours, enabled and started.")
@click.option("--remove-unit", is_flag=True, help="Stop that unit and remove it.")
@click.option("--print-unit", is_flag=True, help="Show that unit.")
def dispatch_command(
    context: Context, until_done: bool, standby: bool, install_unit: bool, remove_unit: bool, print_unit: bool
) -> int:
    """Place and start jobs, watch them, and fetch what they made, until stopped. One process at a time does; when it dies, nothing is lost.

    The dashboard and `gridtui job wait` do the same while they run. Ctrl-C ends the dispatching, not the jobs.
    """
    from . import unit

    if install_unit + remove_unit + print_unit + (until_done or standby) > 1:
        raise UsageError("these options do not go together")
    if print_unit:
        output.data(unit.text(context))
        return exits.OK
    if install_unit:
        return unit.install(context)
    if remove_unit:
        return unit.remove()
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    fleet.allow_changes()
    return run(_dispatch(fleet, until_done, standby))


async def _dispatch(fleet: Fleet, until_done: bool, standby: bool) -> int:
    from ...stopping import Stop

    stop = Stop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    asked = Interrupts(stop, "jobs on nodes go on, and are found again", lambda: output.progress(""), signals)
    task = asyncio.create_task(_hold(fleet, stop, until_done, standby))

    def again() -> None:
        if stop.count > 1:
            task.cancel()

    def hear(text: str) -> None:
        output.progress("")
        output.note(text)

    stop.listen(again)
    fleet.jobs.hear = hear
    showing = [asyncio.create_task(part(fleet)) for part in (_show, _warn)]
    try:
        await task
    except asyncio.CancelledError:
        if not stop.count:
            raise
    finally:
        for part in showing:
            part.cancel()
        output.progress("")
        await fleet.close()
    return asked.status if stop.count else exits.OK


async def _hold(fleet: Fleet, stop: Stop, until_done: bool, standby: bool) -> None:
    """Dispatch; on standby as often as the lease can be had."""
    told = False
    while not stop.count:
        try:
            await fleet.jobs.dispatch(stop, until_done=until_done)
            return
        except LockedError as error:
            if not standby:
                raise LockedError(_who(fleet) or str(error.message), hint="--standby waits until it ends") from None
        if not told:
            told = True
            output.note(f"standing by: {_who(fleet) or 'another one dispatches'}")
        await asyncio.sleep(_EVERY)


def _who(fleet: Fleet) -> str:
    holder = fleet.jobs.holder()
    return "" if holder is None else clean(f"process {holder.pid} on {holder.host} dispatches already")


async def _warn(fleet: Fleet) -> None:
    """Once for each node on which jobs do not outlive this process."""
    told: set[str] = set()
    while True:
        holder = fleet.jobs.holder()
        ours = holder.fleeting if holder is not None and holder.pid == os.getpid() else {}
        if news := {name: why for name, why in ours.items() if name not in told}:
            told |= news.keys()
            output.progress("")
            for line in wording.ephemeral(news, fleet.fold):
                output.warning(line)
        await asyncio.sleep(_EVERY)


async def _show(fleet: Fleet) -> None:
    """How many are where, on a terminal alone."""
    while output.live():
        counts = fleet.jobs.counts()
        live = {state: count for state, count in counts.items() if state in wording.LIVE}
        ended = wording.ended(counts)
        output.progress(
            f"dispatching: {wording.sum_up(live) or 'nothing to do'}{f'; {ended:,} ended' if ended else ''}"
        )
        await asyncio.sleep(_EVERY)
