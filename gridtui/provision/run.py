"""Provisioning of many nodes: first contact in threads, playbooks together, a check at the end. Owns who does what when.

A failing node is a value and the rest goes on. What a step is stands in `steps` and `ready`; nothing here knows a screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import playbooks as books
from ..errors import GridtuiError, HostKeyUnknown, SshError, UsageError
from ..model import Node, clean
from ..settings import Settings
from ..ssh import Pool
from ..ssh.route import Routes
from ..stopping import STOPPED, Stop
from ..store import lock
from . import fingerprints, ready, state
from . import key as keys
from .contact import Jumps, Shown, known, pin, show
from .model import CONTACT, GRID_USER, READY, Ending, Outcome, Plan, Step, StepState, Told, Vouch
from .profile import Profile, load
from .steps import STEPS, Done, StepError, Visit, logging_in_as

Ask = Callable[[str], Awaitable["str | None"]]

_READY_TIMEOUT = 60.0


@dataclass(slots=True)
class _Errand:
    """One node on its way."""

    node: Node
    profile: Profile
    grid_user: str
    memory: state.Memory | None = None
    key: keys.Key | None = None
    visit: Visit | None = None
    left: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outcome: Outcome | None = None
    began: float = 0.0
    fingerprint: str = ""


class Run:
    """One run. `finish` is called once.

    `sources` is the inventory as Ansible gets it. `told` hears of steps, `ended` of each outcome, `vouch` shows host keys to a person and
    `ask` asks for a key's passphrase. `stop` ends the run from outside.
    """

    def __init__(
        self,
        plan: Plan,
        nodes: Sequence[Node],
        sources: Sequence[Path],
        settings: Settings,
        *,
        told: Told | None = None,
        ended: Callable[[Outcome], None] | None = None,
        vouch: Vouch | None = None,
        ask: Ask | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._plan, self._sources, self._settings = plan, list(sources), settings
        self._told, self._ended, self._vouch, self._ask = told, ended, vouch, ask
        self._catalogue = books.read(settings.playbooks.paths)
        profiles = load(plan.profile)
        self._errands = {node.name: _Errand(node, profiles.of(node), _grid_user(node)) for node in nodes}
        self._playbooks = {
            word: self._catalogue.find(word) for errand in self._errands.values() for word in errand.profile.playbooks
        }
        self._list = fingerprints.load(plan.fingerprints) if plan.fingerprints else {}
        self._jumps = Jumps()
        self._pool: Pool | None = None
        self._stop = stop or Stop()
        self._stop.listen(self._stopped)

    async def finish(self) -> dict[str, Outcome]:
        """Every node's outcome, in the order of the nodes. Raises UsageError (no key), LockedError, StateError."""
        self._loop = asyncio.get_running_loop()
        with self._locked():
            workers = ThreadPoolExecutor(max(1, min(self._plan.fanout, len(self._errands))), "provision")
            try:
                self._find_keys()
                await self._meet(workers)
                await self._each(workers, self._on(), self._begin)
                if not self._plan.dry_run:
                    await self._run_playbooks()
                    await self._each(workers, self._on(), self._check_root)
                    await asyncio.gather(*(self._check_grid(errand) for errand in self._on()))
                for errand in self._on():
                    self._well(errand)
            finally:
                await self._close(workers)
        return {name: errand.outcome or _never(name) for name, errand in self._errands.items()}

    # before anybody is met

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time on this machine; other machines are told apart by each node's own lock."""
        if self._plan.dry_run:
            yield
            return
        with lock("provision"):
            yield

    def _find_keys(self) -> None:
        routes = Routes(self._settings.ssh)
        for errand in self._on():
            try:
                if errand.node.local:
                    raise UsageError("this machine is not provisioned by itself", hint="leave it out with -x")
                route = routes.route(errand.node)
                end = route.endpoint
                errand.memory = state.recall(errand.node.name, f"{end.host}:{end.port}")
                errand.node = logging_in_as(errand.node, self._first_user(errand, end.user))
                errand.key = keys.find(route, self._plan.key)
            except SshError as error:
                self._fail(errand, CONTACT, error)
            except UsageError as error:
                if not errand.node.local:
                    raise
                self._fail(errand, CONTACT, error)

    def _first_user(self, errand: _Errand, inventory_user: str) -> str | None:
        """Who logs in: whom the user says; else, where the inventory names the grid user, who did so the last time."""
        if self._plan.user:
            return self._plan.user
        assert errand.memory
        return errand.memory.user or None if inventory_user == errand.grid_user else None

    # host keys

    async def _meet(self, workers: ThreadPoolExecutor) -> None:
        """Have somebody vouch for host keys that nobody knows: the list, or a person, for all nodes at once."""
        ssh = self._settings.ssh
        if ssh.host_keys == "accept-new" and not self._list:
            return
        shown: dict[str, Shown] = {}

        def look(errand: _Errand) -> None:
            if not known(errand.node, settings=ssh):
                shown[errand.node.name] = show(errand.node, settings=ssh, jumps=self._jumps)

        if not self._list and not self._vouch:
            return  # the login says which key is unknown, and how to look it up
        await self._each(workers, self._on(), look)
        asked: list[Shown] = []
        for name, one in shown.items():
            errand = self._errands[name]
            right = fingerprints.right_for(one, self._list, errand.node.address)
            if right and one.fingerprint.rstrip("=") not in right:
                text = f"ALARM: {one.where} shows the {one.kind} host key {one.fingerprint}, and the list has {', '.join(sorted(right))}"
                hint = "another machine answers there, or the list lacks this type of key"
                self._fail(errand, CONTACT, HostKeyUnknown(text, fingerprint=one.fingerprint, hint=hint))
            elif right:
                self._pin(errand, one)
            else:
                asked.append(one)
        if asked and self._vouch and ssh.host_keys != "accept-new":
            sure = await self._vouch(asked)
            for one in asked:
                if sure:
                    self._pin(self._errands[one.node], one)
                else:
                    text = f"{one.where}: nobody vouched for its {one.kind} host key {one.fingerprint}"
                    self._fail(self._errands[one.node], CONTACT, HostKeyUnknown(text, fingerprint=one.fingerprint))

    def _pin(self, errand: _Errand, one: Shown) -> None:
        try:
            pin(one, errand.node, settings=self._settings.ssh)
            errand.fingerprint = one.fingerprint
        except SshError as error:
            self._fail(errand, CONTACT, error)

    # the steps before the playbooks

    def _begin(self, errand: _Errand) -> None:
        """In a thread: from the first login to Python."""
        assert errand.key
        visit = errand.visit = Visit(errand.node, errand.key, self._plan, self._settings.ssh, self._jumps)
        for name, work in STEPS:
            self._step(errand, name, lambda work=work: work(visit))  # type: ignore[misc]
        if visit.contact and visit.contact.pinned:
            errand.fingerprint = visit.contact.pinned
        errand.left = list(errand.profile.playbooks)
        if self._plan.dry_run:
            self._would(errand)

    def _step(self, errand: _Errand, name: str, work: Callable[[], Done]) -> None:
        """One step with its news. Raises what it raises; `_each` makes a value of it."""
        if self._stop.count:
            raise _Stopped
        began = time.monotonic()
        if errand.visit:
            errand.visit.say = lambda text: self._tell(
                Step(errand.node.name, name, StepState.RUNNING, clean(text, 200))
            )
        self._tell(Step(errand.node.name, name, StepState.RUNNING))
        try:
            done = work()
        except GridtuiError as error:
            raise _Broken(name, error, time.monotonic() - began) from error
        changed = StepState.WOULD if self._plan.dry_run else StepState.CHANGED
        condition = changed if done.changed else StepState.OK
        self._end_step(errand, Step(errand.node.name, name, condition, clean(done.text, 300), time.monotonic() - began))

    def _would(self, errand: _Errand) -> None:
        for name in errand.profile.playbooks:
            text = "" if self._noted(errand, name) else "would run"
            condition = StepState.WOULD if text else StepState.OK
            self._end_step(errand, Step(errand.node.name, name, condition, text or "went through before"))

    async def _each(
        self, workers: ThreadPoolExecutor, errands: Sequence[_Errand], work: Callable[[_Errand], None]
    ) -> None:
        """`work` for each in a thread, many at a time; what it raises becomes the node's outcome."""

        async def one(errand: _Errand) -> None:
            errand.began = errand.began or time.monotonic()
            try:
                await self._loop.run_in_executor(workers, work, errand)
            except _Stopped:
                self._cancel(errand)
            except _Broken as broken:
                self._fail(errand, broken.step, broken.error, broken.seconds)
            except GridtuiError as error:
                self._fail(errand, CONTACT, error)

        await asyncio.gather(*(one(errand) for errand in errands))

    # playbooks

    async def _run_playbooks(self) -> None:
        for errand in self._on():
            for name in tuple(errand.left):
                if self._noted(errand, name):
                    errand.left.remove(name)
                    self._end_step(errand, Step(errand.node.name, name, StepState.OK, "went through before"))
        while not self._stop.count and (current := self._next()):
            groups: dict[str, list[_Errand]] = {}
            for errand in self._on():
                if errand.left[:1] == [current]:
                    groups.setdefault(repr(self._extra(errand)) + str(self._asked(errand)), []).append(errand)
            for errands in groups.values():
                await self._run_playbook(current, errands)
        for errand in self._on():
            if errand.left:
                self._cancel(errand)

    def _next(self) -> str | None:
        """The playbook to run now: one that no node has to wait for behind another, if there is one."""
        lists = [errand.left for errand in self._on() if errand.left]
        firsts = list(dict.fromkeys(left[0] for left in lists))
        return next((name for name in firsts if not any(name in left[1:] for left in lists)), next(iter(firsts), None))

    async def _run_playbook(self, name: str, errands: Sequence[_Errand]) -> None:
        """One Ansible for all these nodes."""
        began = time.monotonic()
        playbook = self._playbooks[name]
        by_name = {errand.node.name: errand for errand in errands}

        def heard(progress: books.Progress) -> None:
            nodes, text = list(by_name), ""
            if isinstance(progress, books.TaskStarted):
                text = progress.task
            elif isinstance(progress, books.Said) and progress.node in by_name:
                nodes, text = [progress.node], progress.text
            for node in nodes if text else ():
                self._tell(Step(node, name, StepState.RUNNING, clean(text, 200)))

        asked = self._asked(errands[0])

        async def password(_: str) -> str | None:
            secret = self._plan.become or self._plan.password
            return secret.proven()

        for node in by_name:
            self._tell(Step(node, name, StepState.RUNNING))
        plan = books.Plan((playbook,), extra=self._extra(errands[0]), become_password=asked)
        run = books.Run(
            plan,
            [errand.node for errand in errands],
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
                self._fail(errand, name, error, time.monotonic() - began)
            return
        for node, errand in by_name.items():
            self._after(errand, name, result, result.outcomes.get(node), time.monotonic() - began)

    def _after(
        self, errand: _Errand, name: str, result: books.Result, outcome: books.Outcome | None, seconds: float
    ) -> None:
        if outcome and outcome.status in (books.Ending.OK, books.Ending.CHANGED, books.Ending.MATCHING):
            changed = outcome.status is books.Ending.CHANGED
            text = f"{outcome.changed} of {outcome.ok} tasks changed something" if changed else "nothing to change"
            errand.left.remove(name)
            self._note(errand, name)
            condition = StepState.CHANGED if changed else StepState.OK
            self._end_step(errand, Step(errand.node.name, name, condition, text, seconds))
        elif outcome and outcome.status is books.Ending.CANCELLED:
            self._cancel(errand)
        else:
            why = (
                result.error
                or (outcome.error if outcome else "")
                or f"the playbook ended: {outcome.status if outcome else '?'}"
            )
            unreachable = bool(outcome and outcome.status in (books.Ending.UNREACHABLE, books.Ending.LOCKED_OUT))
            skipped = bool(outcome and outcome.status is books.Ending.SKIPPED and not result.error)
            condition = StepState.SKIPPED if skipped else StepState.UNREACHABLE if unreachable else StepState.FAILED
            self._end_step(errand, Step(errand.node.name, name, condition, clean(why, 300), seconds))
            status = Ending.SKIPPED if skipped else Ending.UNREACHABLE if unreachable else Ending.FAILED
            evidence = outcome.evidence if outcome else ""
            self._settle(errand, status, f"{name}: {why}", evidence, outcome.layer if outcome else None)

    def _extra(self, errand: _Errand) -> dict[str, Any]:
        """The variables above the inventory's: who logs in, and what the profile says."""
        visit, key = errand.visit, errand.key
        assert visit
        assert visit.root
        assert key
        extra: dict[str, Any] = {"ansible_user": visit.node.user or visit.found.user}
        if visit.root.method:
            extra["ansible_become_method"] = visit.root.method
        if visit.root.method == "su":
            extra["ansible_become_flags"] = "-"  # root's own PATH: without it that of the user, who has no sbin in it
        if self._plan.key and key.file:
            extra["ansible_ssh_private_key_file"] = str(key.file)
        extra["base_authorized_keys"] = [key.public]
        return {**extra, **errand.profile.vars}

    def _asked(self, errand: _Errand) -> bool:
        return bool(errand.visit and errand.visit.root and errand.visit.root.asked)

    def _digest(self, errand: _Errand, name: str) -> str:
        key = errand.key.words if errand.key else ""
        variables = {**errand.node.vars, **errand.profile.vars}
        return state.digest(self._playbooks[name].path, variables, (key, errand.grid_user))

    def _noted(self, errand: _Errand, name: str) -> bool:
        """Whether this very playbook went through on this very machine."""
        assert errand.visit
        return bool(
            not self._plan.again
            and errand.memory
            and errand.memory.holds(name, self._digest(errand, name), errand.visit.found.machine)
        )

    def _note(self, errand: _Errand, name: str) -> None:
        assert errand.visit
        if errand.memory:
            user = errand.visit.node.user or errand.visit.found.user
            errand.memory.keep(errand.visit.found.machine, user, name, self._digest(errand, name))

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[Pool]:
        """One pool for all playbooks, as the users that provision: not the dashboard's."""
        self._pool = self._pool or Pool(self._settings.ssh, ask=self._ask)
        yield self._pool

    # the check

    def _check_root(self, errand: _Errand) -> None:
        """In a thread: what only root sees."""
        visit = errand.visit
        assert visit
        checks = ready.asked(ready.AS_ROOT, errand.profile.playbooks)
        self._tell(Step(errand.node.name, READY, StepState.RUNNING))
        try:
            visit.again()
            assert visit.root
            done = visit.root.run(ready.command(checks), timeout=_READY_TIMEOUT, limit=65536)
        except GridtuiError as error:
            raise _Broken(READY, error, 0.0) from error
        self._judge(errand, ready.read(checks, done.stdout))

    async def _check_grid(self, errand: _Errand) -> None:
        """A login as the grid user, with the key alone, over checked host keys."""
        if "base" not in errand.profile.playbooks:
            self._end_step(
                errand, Step(errand.node.name, READY, StepState.OK, "it answers; there is no grid user to ask")
            )
            return
        began = time.monotonic()
        checks = ready.asked(ready.AS_GRID, errand.profile.playbooks)
        node = replace(errand.node, user=errand.grid_user)
        if self._plan.key and errand.key and errand.key.file:
            node = replace(node, identity=str(errand.key.file))
        try:
            async with Pool(replace(self._settings.ssh, host_keys="strict"), ask=self._ask) as pool:
                done = await (await pool.connect(node)).run(ready.command(checks), timeout=_READY_TIMEOUT, limit=65536)
            self._judge(errand, ready.read(checks, done.stdout))
        except SshError as error:
            self._forget(errand, ["base"])
            self._fail(errand, READY, error, time.monotonic() - began)
        except _Broken as broken:
            self._fail(errand, READY, broken.error, time.monotonic() - began)
        else:
            text = f"{errand.grid_user} logs in; {', '.join(check.name for check in checks)}"
            self._end_step(errand, Step(errand.node.name, READY, StepState.OK, text, time.monotonic() - began))

    def _judge(self, errand: _Errand, failed: Sequence[tuple[ready.Check, str]]) -> None:
        if not failed:
            return
        self._forget(errand, [check.playbook for check, _ in failed])
        text = "; ".join(why for _, why in failed)
        hint = f"run it again: {', '.join(dict.fromkeys(check.playbook for check, _ in failed))} will be run anew"
        raise _Broken(READY, GridtuiError(f"not ready: {clean(text, 600)}", hint=hint), 0.0)

    def _forget(self, errand: _Errand, names: Sequence[str]) -> None:
        if errand.memory:
            errand.memory.drop(names)

    # outcomes

    def _on(self) -> list[_Errand]:
        """The nodes that have no outcome yet."""
        return [errand for errand in self._errands.values() if errand.outcome is None]

    def _tell(self, step: Step) -> None:
        if self._told:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._told, step)

    def _end_step(self, errand: _Errand, step: Step) -> None:
        errand.steps.append(step)
        self._tell(step)

    def _fail(self, errand: _Errand, step: str, error: GridtuiError, seconds: float = 0.0) -> None:
        unreachable = isinstance(error, SshError) and not isinstance(error, StepError)
        condition = StepState.UNREACHABLE if unreachable else StepState.FAILED
        self._end_step(errand, Step(errand.node.name, step, condition, clean(str(error), 600), seconds))
        layer = error.layer if unreachable and isinstance(error, SshError) else None
        status = Ending.UNREACHABLE if unreachable else Ending.FAILED
        self._settle(errand, status, f"{step}: {error}", error.evidence.stderr, layer)

    def _cancel(self, errand: _Errand) -> None:
        status = Ending.CANCELLED if errand.steps else Ending.SKIPPED
        self._settle(errand, status, "stopped; the next run goes on from here" if errand.steps else STOPPED)

    def _well(self, errand: _Errand) -> None:
        changed = any(step.state is StepState.CHANGED for step in errand.steps)
        status = Ending.PLANNED if self._plan.dry_run else Ending.CHANGED if changed else Ending.OK
        self._settle(errand, status)

    def _settle(
        self, errand: _Errand, status: Ending, error: str = "", evidence: str = "", layer: str | None = None
    ) -> None:
        if errand.outcome is not None:
            return
        errand.outcome = Outcome(
            errand.node.name,
            status,
            tuple(errand.steps),
            clean(error, 1000),
            clean(evidence, 2000),
            layer,
            time.monotonic() - errand.began if errand.began else 0.0,
            errand.grid_user if "base" in errand.profile.playbooks else errand.node.user or "",
            errand.fingerprint,
        )
        if self._ended:
            self._ended(errand.outcome)

    def _stopped(self) -> None:
        """A second request closes what threads wait for."""
        if self._stop.count > 1:
            for errand in self._errands.values():
                if errand.visit:
                    errand.visit.close()

    async def _close(self, workers: ThreadPoolExecutor) -> None:
        for errand in self._errands.values():
            if errand.visit:
                errand.visit.close()
        self._jumps.close()
        workers.shutdown(wait=False, cancel_futures=True)
        if self._pool:
            await self._pool.close()


class _Stopped(Exception):
    """The run was asked to end before this step."""


class _Broken(Exception):
    """A step that failed."""

    def __init__(self, step: str, error: GridtuiError, seconds: float) -> None:
        super().__init__(str(error))
        self.step, self.error, self.seconds = step, error, seconds


def _grid_user(node: Node) -> str:
    named: Mapping[str, Any] = node.vars
    user = named.get("base_user") or named.get("gridtui_grid_user") or GRID_USER
    return user if isinstance(user, str) else GRID_USER


def _never(name: str) -> Outcome:
    return Outcome(name, Ending.SKIPPED, error=STOPPED)
