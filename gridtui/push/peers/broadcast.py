"""A broadcast from begin to end: first among the peers, then the star for whoever is left. Owns the run and its stop.

What an archive cannot carry, and who cannot take part, goes over the star. A failing node is a value in the result and never ends the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ...model import Node
from ...settings import Ssh
from ...ssh import Pool
from ...stopping import Stop
from .. import guard
from ..model import Direction, Ending, Plan, Transfer
from ..run import Run
from ..transfer import Told
from .ledger import Ended, Ledger, Say
from .payload import Unfit
from .relay import Relay


def unfit(plan: Plan) -> str:
    """Why a plan goes over the star, or an empty text."""
    options = plan.options
    for asked, why in (
        (plan.direction is not Direction.PUSH, "a pull has many sources"),
        (options.dry_run, "a dry run moves nothing"),
        (options.sudo, "neighbours do not get root"),
        (options.rate is not None, "a rate for each node is the star's"),
    ):
        if asked:
            return why
    return ""


async def broadcast(
    plan: Plan,
    nodes: Sequence[Node],
    pool: Pool,
    settings: Ssh,
    told: Told | None = None,
    *,
    ended: Ended | None = None,
    say: Say | None = None,
    stop: Stop | None = None,
    timeout: float | None = None,
) -> list[Transfer]:
    """Move `plan` to all nodes, from neighbour to neighbour where that works. Outcomes in the order of the nodes.

    `told` gets progress with its feeder, `ended` each outcome, `say` one line whenever who feeds whom changes or a node goes over the star.
    `timeout` bounds the whole, in seconds. Raises UsageError where a source is missing.
    """
    guard.check(plan)
    run = _Broadcast(plan, pool, settings, Ledger(nodes, told, ended, say), stop or Stop(), timeout)
    alarm = asyncio.get_running_loop().call_later(timeout, run.halt, Ending.TIMEOUT) if timeout else None
    try:
        return await run.finish()
    finally:
        if alarm:
            alarm.cancel()


class _Broadcast:
    def __init__(
        self, plan: Plan, pool: Pool, settings: Ssh, ledger: Ledger, stop: Stop, timeout: float | None
    ) -> None:
        self._plan, self._pool, self._settings, self._ledger = plan, pool, settings, ledger
        self._stop, self._timeout = stop, timeout
        self._halted: Ending | None = None
        self._body: asyncio.Task[None] | None = None
        stop.listen(lambda: self.halt(Ending.CANCELLED))

    def halt(self, ending: Ending) -> None:
        """End it: nothing half-done stays on a node."""
        self._halted = self._halted or ending
        if self._body:
            self._body.cancel()

    async def finish(self) -> list[Transfer]:
        ledger = self._ledger
        if why := unfit(self._plan):
            ledger.star = {node.name: why for node in ledger.nodes}
        else:
            await self._by_peers()
        if not self._halted:
            await self._by_star()
        if not self._halted and self._plan.options.delete:
            await self._sweep()
        for node in ledger.nodes:
            if node.name not in ledger.outcomes:
                ending = self._halted or Ending.FAILED
                text = "the time for the whole run was over" if ending is Ending.TIMEOUT else "stopped"
                ledger.note(Transfer(node.name, ending, error=text, via="peers"))
        return [ledger.outcomes[node.name] for node in ledger.nodes]

    async def _by_peers(self) -> None:
        relay = Relay(self._plan, self._pool, self._settings, self._ledger, self._stop)
        self._body = asyncio.create_task(relay.run())
        try:
            await self._body
        except asyncio.CancelledError:
            if self._halted is None:
                raise
        except Unfit as error:
            for node in self._ledger.nodes:
                if node.name not in self._ledger.outcomes:
                    self._ledger.star.setdefault(node.name, str(error))
        finally:
            self._body.cancel()
            with contextlib.suppress(asyncio.CancelledError, Unfit):
                await self._body
            await relay.close()

    async def _by_star(self) -> None:
        ledger = self._ledger
        left = [node for node in ledger.nodes if node.name in ledger.star and node.name not in ledger.outcomes]
        reasons: dict[str, list[str]] = {}
        for node in left:
            reasons.setdefault(ledger.star[node.name], []).append(node.name)
        for why, names in reasons.items():
            ledger.say(f"{', '.join(names)}: from here, because {why}")
        if left:
            await Run(
                self._plan,
                left,
                self._settings,
                pool=self._pool,
                timeout=self._time_left(),
                told=ledger.tell,
                ended=ledger.note,
                stop=self._stop,
            ).finish()

    async def _sweep(self) -> None:
        """Delete what the source does not have: rsync decides that, with all filters, and moves nothing any more."""
        ours = {name for name, outcome in self._ledger.outcomes.items() if outcome.ok and outcome.via == "peers"}
        swept = [node for node in self._ledger.nodes if node.name in ours]
        if swept:
            outcomes = await Run(self._plan, swept, self._settings, timeout=self._time_left(), stop=self._stop).finish()
            for name, outcome in outcomes.items():
                before = self._ledger.outcomes[name]
                self._ledger.outcomes[name] = replace(before, deleted=outcome.deleted) if outcome.ok else outcome

    def _time_left(self) -> float | None:
        return max(0.1, self._timeout - self._ledger.seconds) if self._timeout else None
