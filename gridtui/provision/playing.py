"""The playbooks of provisioning: one Ansible run a playbook over all nodes that are ready for it. Owns their order and their variables.

Runs them through `gridtui.playbooks`; what is noted of a node spares it the same playbook the next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import playbooks as books
from ..errors import GridtuiError
from ..settings import Settings
from ..ssh import Pool
from ..stopping import Stop
from . import state
from .confirming import confirm
from .errand import Errand
from .model import Ending, Plan, StepState

Ask = Callable[[str], Awaitable["str | None"]]

BATCHES = ("1", "100%")
"""How a playbook that may cut the link goes over many new nodes: a canary, then the rest. Nobody works on them yet, and each takes an
unconfirmed change back by itself."""
FEW = 4
"""Nodes that go without a canary."""
WINDOW = 120.0
"""Seconds for a confirmation through su, which begins when Ansible has ended on all nodes."""
_WELL = (books.Ending.OK, books.Ending.CHANGED, books.Ending.MATCHING)


class Playing:
    """All playbooks of one run."""

    def __init__(
        self,
        plan: Plan,
        playbooks: Mapping[str, books.Playbook],
        sources: Sequence[Path],
        settings: Settings,
        ask: Ask | None,
        stop: Stop,
    ) -> None:
        self._plan, self._playbooks, self._sources, self._settings = plan, playbooks, list(sources), settings
        self._ask, self._stop = ask, stop
        self._pool: Pool | None = None

    async def play(self, errands: Sequence[Errand]) -> None:
        """Run what is left to each. A node where it failed is settled, and the rest goes on."""
        for errand in errands:
            for name in errand.profile.playbooks:
                if self.noted(errand, name):
                    errand.end(name, StepState.OK, "went through before")
                else:
                    errand.left.append(name)
        while not self._stop.count and (current := _next([one.left for one in errands if not one.outcome])):
            groups: dict[str, list[Errand]] = {}
            for errand in errands:
                if not errand.outcome and errand.left[:1] == [current]:
                    groups.setdefault(f"{self._extra(errand)!r} {_asked(errand)}", []).append(errand)
            for group in groups.values():
                await self._one(current, group)
        for errand in errands:
            if errand.left and not errand.outcome:
                errand.cancel()

    def would(self, errand: Errand) -> None:
        """What a dry run says of them."""
        for name in errand.profile.playbooks:
            done = self.noted(errand, name)
            errand.end(name, StepState.OK if done else StepState.WOULD, "went through before" if done else "would run")

    async def close(self) -> None:
        """End the connections that confirmations were made over."""
        if self._pool:
            await self._pool.close()

    def noted(self, errand: Errand, name: str) -> bool:
        """Whether this very playbook went through on this very machine."""
        if self._plan.again or not errand.memory or not errand.visit:
            return False
        return errand.memory.holds(name, self._digest(errand, name), errand.visit.found.machine)

    async def _one(self, name: str, errands: Sequence[Errand]) -> None:
        """One Ansible for all these nodes."""
        began = time.monotonic()
        by_name = {errand.node.name: errand for errand in errands}

        def heard(progress: books.Progress) -> None:
            if isinstance(progress, books.TaskStarted):
                for errand in errands:
                    errand.running(name, progress.task)
            elif isinstance(progress, books.Said) and progress.node in by_name:
                by_name[progress.node].running(name, progress.text)

        async def password(_: str) -> str | None:
            return (self._plan.become or self._plan.password).proven()

        for errand in errands:
            errand.running(name)
        asked, method = _asked(errands[0]), _method(errands[0])
        playbook = self._playbooks[name]
        ours = method == "su" and playbook.cuts
        plan = books.Plan(
            (playbook,),
            batches=BATCHES if playbook.cuts and len(errands) > FEW and not ours else ("100%",),
            window=WINDOW if ours else books.WINDOW,
            confirm=not ours,
            extra=self._extra(errands[0]),
            become_password=asked,
        )
        run = books.Run(
            plan,
            # the method, as `extra` says it, decides whether sudo can be asked for a taste of the password
            [replace(one.node, vars={**one.node.vars, "ansible_become_method": method or "sudo"}) for one in errands],
            self._sources,
            self._settings,
            self._holding,
            told=heard,
            ask=password if asked else None,
            passphrase=self._ask,
            stop=self._stop,
        )
        try:
            result = await run.finish()
        except GridtuiError as error:
            for errand in errands:
                errand.fail(name, error, time.monotonic() - began)
            return
        kept = await asyncio.gather(*(self._confirm(errand, result) for errand in errands)) if ours else []
        for errand, problem in zip(errands, kept, strict=False):
            if problem:
                errand.fail(name, problem, time.monotonic() - began)
        for errand in errands:
            if not errand.outcome:
                self._after(errand, name, result, time.monotonic() - began)

    async def _confirm(self, errand: Errand, result: books.Result) -> GridtuiError | None:
        """Keep what went well on a node whose root is su's."""
        outcome = result.outcomes.get(errand.node.name)
        if not outcome or outcome.status not in _WELL or not errand.visit:
            return None
        return await asyncio.to_thread(confirm, errand.visit, result.run)

    def _after(self, errand: Errand, name: str, result: books.Result, seconds: float) -> None:
        outcome = result.outcomes.get(errand.node.name)
        if outcome and outcome.status in _WELL:
            errand.left.remove(name)
            if errand.memory:
                errand.memory.went(name, self._digest(errand, name))
            if outcome.status is books.Ending.CHANGED:
                text = f"{outcome.changed} of {outcome.ok} tasks changed something"
                errand.end(name, StepState.CHANGED, text, seconds)
            else:
                errand.end(name, StepState.OK, "nothing to change", seconds)
            return
        if outcome and outcome.status is books.Ending.CANCELLED:
            errand.cancel()
            return
        ending = outcome.status if outcome else books.Ending.FAILED
        why = result.error or (outcome.error if outcome else "") or f"the playbook ended: {ending}"
        status, condition = Ending.FAILED, StepState.FAILED
        if ending in (books.Ending.UNREACHABLE, books.Ending.LOCKED_OUT):
            status, condition = Ending.UNREACHABLE, StepState.UNREACHABLE
        elif ending is books.Ending.SKIPPED and not result.error:
            status, condition = Ending.SKIPPED, StepState.SKIPPED
        errand.end(name, condition, why, seconds)
        evidence, layer = (outcome.evidence, outcome.layer) if outcome else ("", None)
        errand.settle(status, f"{name}: {why}", evidence, layer)

    def _extra(self, errand: Errand) -> dict[str, Any]:
        """The variables above the inventory's: who logs in, and what the profile says."""
        visit, key = errand.visit, errand.key
        assert visit
        assert visit.root
        assert key
        # Who logged in by our own word: these variables are templates to Ansible, so nothing that a node said may stand in them.
        extra: dict[str, Any] = {"ansible_user": errand.node.user or visit.root.contact.user}
        if visit.root.method:
            extra["ansible_become_method"] = visit.root.method
        if visit.root.method == "su":
            extra["ansible_become_flags"] = "-"  # root's own PATH: without it that of the user, who has no sbin in it
        if self._plan.key and key.file:
            extra["ansible_ssh_private_key_file"] = str(key.file)
        extra["base_authorized_keys"] = [key.public]
        return {**extra, **errand.profile.vars}

    def _digest(self, errand: Errand, name: str) -> str:
        key = errand.key.words if errand.key else ""
        variables = {**errand.node.vars, **errand.profile.vars}
        return state.digest(self._playbooks[name].path, variables, (key, errand.grid_user))

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[Pool]:
        """One pool for all playbooks, as the users who provision: not the dashboard's."""
        self._pool = self._pool or Pool(self._settings.ssh, ask=self._ask)
        yield self._pool


def _asked(errand: Errand) -> bool:
    """Whether becoming root took a password there."""
    return bool(errand.visit and errand.visit.root and errand.visit.root.asked)


def _method(errand: Errand) -> str:
    return errand.visit.root.method if errand.visit and errand.visit.root else ""


def _next(lists: Sequence[Sequence[str]]) -> str | None:
    """The playbook to run now: one that no node has to wait for behind another, if there is one."""
    firsts = list(dict.fromkeys(left[0] for left in lists if left))
    return next((name for name in firsts if not any(name in left[1:] for left in lists)), next(iter(firsts), None))
