"""One plan on many nodes: batches, one Ansible after the other, confirmations, stopping, artefacts. Owns who runs when.

A failing node is a value in the result and never ends the rest. Knows no selection and no screen; nodes and inventory are given.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LockedError, UsageError
from ..model import Node
from ..settings import Settings
from ..stopping import STOPPED, Stop
from ..store import lock
from . import batches, calling, explaining, facts, guard, matching, password, reaping, settling
from .artefacts import Artefacts, new_id
from .model import BATCHES, BatchStarted, Ending, Outcome, Plan, Playbook, Progress, Result, Said, Told
from .process import Process
from .reading import Reader, problem
from .scratch import scratch

if TYPE_CHECKING:
    from ..ssh import Pool

Ask = Callable[[str], Awaitable["str | None"]]
Hold = Callable[[], AbstractAsyncContextManager["Pool"]]
Around = Callable[[Sequence[str], Callable[[str], None], Stop], AbstractAsyncContextManager[None]]
"""What has to be so while a batch of nodes is rebooted: its names, who hears what goes on, and the run's stop."""

POLITE = 10.0
"""Seconds that Ansible, and what a task runs on a node, have after the first stop to end by themselves."""
_BAD = (Ending.FAILED, Ending.UNREACHABLE, Ending.ROLLED_BACK, Ending.LOCKED_OUT)


class Run:
    """One run. `finish` is called once.

    `sources` is the inventory, given to Ansible as it is; `hold` gives a pool of connections where one is needed (for a confirmation, a
    digest, to end what was left); `around` is entered for each batch of what reboots nodes; `told` gets progress and `ended` each outcome; `ask` the question for sudo's password, and
    `passphrase` that for a key's, where a node is logged in to anew.
    """

    def __init__(
        self,
        plan: Plan,
        nodes: Sequence[Node],
        sources: Sequence[Path],
        settings: Settings,
        hold: Hold,
        *,
        told: Told | None = None,
        ended: Callable[[Outcome], None] | None = None,
        ask: Ask | None = None,
        passphrase: Ask | None = None,
        stop: Stop | None = None,
        around: Around | None = None,
    ) -> None:
        self._plan, self._settings, self._hold = plan, settings, hold
        self._ask, self._passphrase = ask, passphrase
        self._nodes = {node.name: node for node in nodes}
        self._sources = calling.sources(sources)
        self._listener, self._ended = told, ended
        self.run = new_id()
        self._reader = Reader(self._nodes)
        self._outcomes: dict[str, Outcome] = {}
        self._changes: list[str] = []
        self._error = ""
        self._secret: str | None = None
        self._process: Process | None = None
        self._artefacts: Artefacts | None = None
        self._around = around if any(playbook.reboots for playbook in plan.playbooks) and not plan.check else None
        self._stop = stop or Stop()
        self._stop.listen(self._stopped)

    async def finish(self) -> Result:
        """Every node's outcome, in the order of the nodes.

        Raises UsageError (nothing to run, no Ansible, no password), LockedError, StateError (nothing can be kept: then nothing is run).
        """
        if not self._plan.playbooks:
            raise UsageError("there is no playbook to run")
        ansible = calling.program()
        sizes = self._plan.batches or (BATCHES if self._cuts and not self._plan.check else ())
        if self._around and not sizes:
            sizes = batches.of(
                self._plan.extra.get("reboot_batch", 1)
            )  # as the play itself goes: its nodes are waited for one by one
        batches.split((), sizes)  # wrong ones are told before anything is asked
        if self._plan.become_password:
            await self._get_password()
        with self._locked(), Artefacts(self.run, self._settings.playbooks.keep) as self._artefacts, scratch() as folder:
            try:
                if not self._error:
                    left = await self._unlike()
                    await self._over(batches.split(left, sizes), ansible, folder)
            finally:
                for node in self._nodes.values():
                    if node.name not in self._outcomes:
                        self._note(self._never(node))
                self._outcomes = {name: self._outcomes[name] for name in self._nodes}
                self._artefacts.outcomes(self._outcomes.values(), self._error)
        return Result(self.run, self._artefacts.folder, self._outcomes, self._error)

    @property
    def _cuts(self) -> bool:
        return any(playbook.cuts for playbook in self._plan.playbooks)

    async def _unlike(self) -> list[str]:
        """The nodes to run on: all but those where it is done already, where that was asked for."""
        if not self._remembers or self._plan.undo:
            return list(self._nodes)
        async with self._hold() as pool:
            same = await matching.Manifests(self._plan, pool, self._secret).same(list(self._nodes.values()))
        for name in same:
            self._note(Outcome(name, Ending.MATCHING))
        return [name for name in self._nodes if name not in same]

    @property
    def _remembers(self) -> bool:
        """Whether nodes keep a manifest of the run."""
        return self._plan.skip_matching and not self._plan.check

    async def _remember(self, names: Sequence[str]) -> None:
        if self._remembers and names and not self._stop.count:
            async with self._hold() as pool:
                manifests = matching.Manifests(self._plan, pool, self._secret)
                await manifests.keep([self._nodes[name] for name in names], self.run)

    # one batch after the other

    async def _over(self, parts: Sequence[tuple[str, ...]], ansible: str, folder: Path) -> None:
        for number, batch in enumerate(parts, 1):
            if self._stop.count or self._error:
                return
            if len(parts) > 1:
                self._tell(BatchStarted(number, len(parts), batch))
            if not await self._prepared(batch, ansible, folder, number, last=number == len(parts)):
                return
            if len(parts) > 1 and any(self._outcomes[name].status in _BAD for name in batch):
                return

    async def _prepared(self, batch: Sequence[str], ansible: str, folder: Path, number: int, *, last: bool) -> bool:
        """A batch, within what has to be so around it. False: stopped before it began."""
        async with contextlib.AsyncExitStack() as stack:
            if self._around:
                await stack.enter_async_context(self._around(batch, lambda text: self._tell(Said(text)), self._stop))
            if self._stop.count:
                return False
            await self._batch(batch, ansible, folder, number, last=last)
        return True

    async def _batch(self, batch: Sequence[str], ansible: str, folder: Path, number: int, *, last: bool) -> None:
        left = list(batch)
        for part, playbooks in enumerate(_together(self._plan.playbooks)):
            if not left or self._stop.count:
                break
            change = f"{self.run}-{part}" if part else self.run
            if playbooks[0].cuts and not self._plan.check and change not in self._changes:
                self._changes.append(change)
            reader = self._reader
            reader.begin(part)
            status = await self._ansible(left, playbooks, change, ansible, folder, f"{number}.{part}")
            if status and not reader.begun and not self._stop.count:
                self._error = problem(reader.said) or f"ansible-playbook ended with {status} and said nothing"
                return
            bad = self._judge(left, status)
            if change in self._changes:
                bad |= await self._settle(left, bad, change, last=last)
            left = [name for name in left if name not in bad]
            for outcome in bad.values():
                self._note(outcome)
        await self._remember([name for name in left if self._reader.counts[name].touched])
        for name in left:
            self._note(self._well(name))

    async def _ansible(
        self, names: Sequence[str], playbooks: Sequence[Playbook], change: str, ansible: str, folder: Path, ident: str
    ) -> int:
        """One ansible-playbook over these nodes. Its exit status."""
        plan, place = self._plan, folder / ident
        place.mkdir(mode=0o700)
        limit, variables = place / "limit", place / "variables.json"
        limit.write_text("".join(f"{name}\n" for name in names))
        variables.write_text(json.dumps(self._variables(playbooks, change)))
        env = calling.environment(
            folder,
            self.run,
            self._settings.ssh,
            strategy=plan.strategy or self._settings.playbooks.strategy,
            facts=facts.needed([playbook.path for playbook in playbooks], self._nodes.values()),
        )
        async with password.pipe(place, self._secret) as secret:
            words = calling.words(
                ansible,
                [playbook.path for playbook in playbooks],
                self._sources,
                limit,
                variables,
                forks=calling.forks(len(names), plan.forks or self._settings.playbooks.forks),
                check=plan.check,
                diff=plan.diff,
                tags=plan.tags,
                password=secret,
            )
            assert self._artefacts
            self._artefacts.plan(plan, list(self._nodes), self._sources, self._changes, words, calling.public(env))
            self._process = Process(words, env, folder, ident)
            try:
                return await self._process.finish(self._event)
            finally:
                self._process = None
                if self._stop.count and not plan.check:
                    await self._clear(names)

    async def _settle(
        self, names: Sequence[str], bad: Mapping[str, Outcome], change: str, *, last: bool
    ) -> dict[str, Outcome]:
        """Confirm the change where it went well, take it back where it did not. Those that are not well then."""
        counts, plan = self._reader.counts, self._plan
        half = {name: outcome for name, outcome in bad.items() if counts[name].ok}
        well = [self._nodes[name] for name in names if name not in bad]
        access = guard.Access(self._settings.ssh, self._secret, self._passphrase)
        if self._stop.count > 1:
            self._tell(Said(f"what is not confirmed is taken back by the nodes themselves within {plan.window:g} s"))
            return {}
        if plan.confirm or half:
            well_now = well if plan.confirm else []
            found = await settling.settle(well_now, half, self._nodes, change, plan.window, access, self._tell)
            if plan.confirm:
                return self._counted(found)
        else:
            found = {}
        if last or not well:
            self._tell(Said(f"`gridtui playbook confirm {self.run}` within {plan.window:g} s keeps it", alarm=True))
            return self._counted(found)
        return self._counted(found | await settling.awaited(well, change, plan.window, access, self._tell))

    def _counted(self, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """Outcomes with what was counted on their nodes."""
        return {name: explaining.counted(outcome, self._reader.counts[name]) for name, outcome in outcomes.items()}

    def _variables(self, playbooks: Sequence[Playbook], change: str) -> dict[str, object]:
        """The user's above ours: who sets gridtui_window knows why."""
        ours: dict[str, object] = {"gridtui_run": change}
        if any(playbook.cuts for playbook in playbooks):
            ours |= {"gridtui_window": round(self._plan.window), "gridtui_confirm": False}
        if self._plan.undo:
            ours["gridtui_undo"] = True
        return {**ours, **self._plan.extra}

    async def _clear(self, names: Sequence[str]) -> None:
        """End what a stopped run left on the nodes."""
        async with self._hold() as pool:
            nodes = [self._nodes[name] for name in names]
            grace = 0.0 if self._stop.count > 1 else POLITE
            for node, left in await reaping.end(nodes, pool, self.run, grace):
                self._tell(Said(left, node, alarm=True))

    # what came of it

    def _judge(self, names: Sequence[str], status: int) -> dict[str, Outcome]:
        """Those of `names` that did not come through one Ansible."""
        reader, bad = self._reader, {}
        late = "" if status in (0, 2, 4) or self._stop.count else problem(reader.said) or f"Ansible ended with {status}"
        for name in names:
            count, stats = reader.counts[name], reader.stats
            ending, error = None, ""
            if count.unreachable if stats is None else stats.dark.get(name):
                ending = Ending.UNREACHABLE
            elif bool(count.failed) if stats is None else stats.failures.get(name):
                ending = Ending.FAILED
            elif stats is None and self._stop.count:
                ending, error = Ending.CANCELLED, "stopped in the middle of the playbook"
            elif stats is None or late:
                ending, error = Ending.FAILED, late or "Ansible ended in the middle of the playbook"
            if ending:
                bad[name] = explaining.outcome(self._nodes[name], count, ending, error=error)
        return bad

    def _well(self, name: str) -> Outcome:
        count = self._reader.counts[name]
        if not count.touched:
            return Outcome(name, Ending.SKIPPED, error="no play is for it")
        return explaining.outcome(self._nodes[name], count, Ending.CHANGED if count.changed else Ending.OK)

    def _never(self, node: Node) -> Outcome:
        """A node that was not begun."""
        if self._error:
            return Outcome(node.name, Ending.SKIPPED, error="nothing was run")
        if self._stop.count:
            return Outcome(node.name, Ending.SKIPPED, error=STOPPED)
        return Outcome(node.name, Ending.SKIPPED, error="an earlier batch failed")

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.node] = outcome
        if self._ended:
            self._ended(outcome)

    def _tell(self, progress: Progress) -> None:
        if self._artefacts:
            self._artefacts.event(progress)
        if self._listener:
            self._listener(progress)

    def _event(self, event: dict[str, Any]) -> None:
        assert self._artefacts
        if isinstance(stdout := event.get("stdout"), str):
            self._artefacts.said(stdout)
        for progress in self._reader.feed(event):
            self._tell(progress)
            if guarded := settling.armed(progress, self._plan.window):
                self._tell(guarded)

    # what is asked, locked, and stopped

    async def _get_password(self) -> None:
        """Ask once, and let one node taste it: a typing error sent to a whole fleet locks somebody out."""
        self._secret = await self._ask("[sudo] password for all nodes") if self._ask else None
        if self._secret is None:
            why = "none was given" if self._ask else "there is nobody to ask for it"
            raise UsageError(f"sudo's password is wanted, and {why}")
        async with self._hold() as pool:
            refused = await password.taste(list(self._nodes.values()), pool, self._secret)
        if refused:
            self._secret = None
            self._error = f"sudo: the password was refused on {refused}, so it was tried nowhere else"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One run at a time over an inventory, on this machine; a look (--check) needs no lock."""
        if self._plan.check:
            yield
            return
        name = hashlib.sha256("\n".join(self._sources).encode()).hexdigest()[:16]
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock(f"playbook-{name}"))
            except LockedError as error:
                raise LockedError(
                    f"playbooks run over this inventory already: {error.message}", hint=error.hint
                ) from None
            yield

    def _stopped(self) -> None:
        process = self._process
        if process is None:
            return
        if self._stop.count == 1:
            process.interrupt()
            asyncio.get_running_loop().call_later(POLITE, process.abandon)
        else:
            process.abandon()


def _together(playbooks: Sequence[Playbook]) -> list[tuple[Playbook, ...]]:
    """Which of the playbooks one Ansible runs: neighbours, but each that cuts the link by itself, since it is settled before the next."""
    parts: list[list[Playbook]] = []
    for playbook in playbooks:
        if parts and not playbook.cuts and not parts[-1][-1].cuts:
            parts[-1].append(playbook)
        else:
            parts.append([playbook])
    return [tuple(part) for part in parts]
