"""Provisioning of many nodes: first contact in threads, playbooks together, a check at the end. Owns who does what when.

A failing node is a value and the rest goes on. What a step is stands in `steps`, `playing` and `ready`; nothing here knows a screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from .. import playbooks as books
from ..errors import GridtuiError, SshError, UsageError
from ..model import Node, clean
from ..settings import Settings
from ..ssh import Pool
from ..ssh.route import Routes
from ..stopping import STOPPED, Stop
from ..store import lock
from . import fingerprints, ready, state
from . import key as keys
from .contact import Jumps
from .errand import Broken, Errand, News, Stopped
from .meeting import meet
from .model import CONTACT, GRID_USER, READY, Ending, Outcome, Plan, StepState, Told, Vouch
from .playing import Playing
from .profile import load
from .steps import STEPS, Done, Visit, logging_in_as

Ask = Callable[[str], Awaitable["str | None"]]

_READY_TIMEOUT = 60.0


class Run:
    """One run. `finish` is called once.

    `sources` is the inventory as Ansible gets it. `told` hears of steps, `ended` of each outcome, `vouch` shows host keys to a person and
    `ask` asks for a key's passphrase. `stop` ends the run from outside. Raises UsageError (a bad profile, an unknown playbook).
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
        self._plan, self._settings = plan, settings
        self._vouch, self._ask = vouch, ask
        self._news = News(told, ended)
        profiles, catalogue = load(plan.profile), books.read(settings.playbooks.paths)
        self._errands = {
            node.name: Errand(node, profiles.of(node), _grid_user(node), self._news, plan.dry_run) for node in nodes
        }
        words = dict.fromkeys(word for errand in self._errands.values() for word in errand.profile.playbooks)
        self._list = fingerprints.load(plan.fingerprints) if plan.fingerprints else {}
        self._jumps = Jumps()
        self._stop = stop or Stop()
        self._stop.listen(self._stopped)
        self._playing = Playing(
            plan, {word: catalogue.find(word) for word in words}, sources, settings, ask, self._stop
        )

    async def finish(self) -> dict[str, Outcome]:
        """Every node's outcome, in the order of the nodes. Raises UsageError (no key), LockedError, StateError."""
        self._news.loop = asyncio.get_running_loop()
        workers = ThreadPoolExecutor(max(1, min(self._plan.fanout, len(self._errands))), "provision")

        async def each(errands: Sequence[Errand], work: Callable[[Errand], None]) -> None:
            await asyncio.gather(*(_in_thread(workers, errand, work) for errand in errands))

        with self._locked():
            try:
                self._find_keys()
                await meet(self._on(), self._settings.ssh, self._jumps, self._list, self._vouch, each)
                await each(self._on(), self._begin)
                if not self._plan.dry_run:
                    await self._playing.play(self._on())
                    await each(self._on(), self._check_root)
                    await asyncio.gather(*(self._check_grid(errand) for errand in self._on()))
                for errand in self._on():
                    errand.well()
            finally:
                self._leave()
                workers.shutdown(wait=False, cancel_futures=True)
                await self._playing.close()
        return {name: errand.outcome or _never(name) for name, errand in self._errands.items()}

    def _on(self) -> list[Errand]:
        """The nodes that have no outcome yet."""
        return [errand for errand in self._errands.values() if errand.outcome is None]

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
            if errand.node.local:
                text = "this machine is not provisioned by itself"
                errand.fail(CONTACT, UsageError(text, hint="leave it out with -x"))
                continue
            try:
                route = routes.route(errand.node)
            except SshError as error:
                errand.fail(CONTACT, error)
                continue
            end = route.endpoint
            errand.memory = state.recall(errand.node.name, f"{end.host}:{end.port}")
            errand.node = logging_in_as(errand.node, self._first_user(errand, end.user))
            errand.key = keys.find(route, self._plan.key)

    def _first_user(self, errand: Errand, inventory_user: str) -> str | None:
        """Who logs in: whom the user says; else, where the inventory names the grid user, who did so the last time."""
        if self._plan.user:
            return self._plan.user
        assert errand.memory
        return errand.memory.user or None if inventory_user == errand.grid_user else None

    # the steps before the playbooks, in a thread

    def _begin(self, errand: Errand) -> None:
        """From the first login to Python."""
        assert errand.key
        assert errand.memory
        visit = errand.visit = Visit(errand.node, errand.key, self._plan, self._settings.ssh, self._jumps)
        if errand.node.user in (None, errand.memory.user):
            visit.method = errand.memory.method
        for name, work in STEPS:
            if self._stop.count:
                raise Stopped
            _step(errand, visit, name, work)
        if visit.contact and visit.contact.pinned:
            errand.fingerprint = visit.contact.pinned
        if self._plan.dry_run:
            self._playing.would(errand)
        elif visit.root:
            user = errand.node.user or visit.root.contact.user
            errand.memory.met(visit.found.machine, user, visit.root.method)

    # the check

    def _check_root(self, errand: Errand) -> None:
        """In a thread: what only root sees."""
        visit = errand.visit
        assert visit
        checks = ready.asked(ready.AS_ROOT, errand.profile.playbooks)
        errand.running(READY)
        try:
            visit.again()
            assert visit.root
            done = visit.root.run(ready.command(checks), timeout=_READY_TIMEOUT, limit=65536)
        except GridtuiError as error:
            raise Broken(READY, error) from error
        _judge(errand, ready.read(checks, done.stdout))

    async def _check_grid(self, errand: Errand) -> None:
        """A login as the grid user, with the key alone, over checked host keys."""
        if "base" not in errand.profile.playbooks:
            errand.end(READY, StepState.OK, "it answers; there is no grid user to ask")
            return
        began = time.monotonic()
        checks = ready.asked(ready.AS_GRID, errand.profile.playbooks)
        node = replace(errand.node, user=errand.grid_user)
        if self._plan.key and errand.key and errand.key.file:
            node = replace(node, identity=str(errand.key.file))
        try:
            async with Pool(replace(self._settings.ssh, host_keys="strict"), ask=self._ask) as pool:
                done = await (await pool.connect(node)).run(ready.command(checks), timeout=_READY_TIMEOUT, limit=65536)
            _judge(errand, ready.read(checks, done.stdout))
        except SshError as error:
            errand.forget(["base"])
            errand.fail(READY, error, time.monotonic() - began)
        except Broken as broken:
            errand.fail(READY, broken.error, time.monotonic() - began)
        else:
            text = f"{errand.grid_user} logs in; {', '.join(check.name for check in checks)}"
            errand.end(READY, StepState.OK, text, time.monotonic() - began)

    # the end

    def _stopped(self) -> None:
        """A second request closes what threads wait for."""
        if self._stop.count > 1:
            self._leave()

    def _leave(self) -> None:
        for errand in self._errands.values():
            if errand.visit:
                errand.visit.close()
        self._jumps.close()


async def _in_thread(workers: ThreadPoolExecutor, errand: Errand, work: Callable[[Errand], None]) -> None:
    """`work` for one node; what it raises becomes the node's outcome."""
    errand.began = errand.began or time.monotonic()
    try:
        await asyncio.get_running_loop().run_in_executor(workers, work, errand)
    except Stopped:
        errand.cancel()
    except Broken as broken:
        errand.fail(broken.step, broken.error, broken.seconds)
    except GridtuiError as error:
        errand.fail(CONTACT, error)


def _step(errand: Errand, visit: Visit, name: str, work: Callable[[Visit], Done]) -> None:
    """One step with its news. Raises Broken."""
    began = time.monotonic()
    visit.say = lambda text: errand.running(name, text)
    errand.running(name)
    try:
        done = work(visit)
    except GridtuiError as error:
        raise Broken(name, error, time.monotonic() - began) from error
    changed = StepState.WOULD if errand.dry_run else StepState.CHANGED
    errand.end(name, changed if done.changed else StepState.OK, done.text, time.monotonic() - began)


def _judge(errand: Errand, failed: Sequence[tuple[ready.Check, str]]) -> None:
    """Raises Broken when a check failed; its playbook is to run again."""
    if not failed:
        return
    names = list(dict.fromkeys(check.playbook for check, _ in failed))
    errand.forget(names)
    text = "; ".join(why for _, why in failed)
    hint = f"the next run plays {', '.join(names)} anew"
    raise Broken(READY, GridtuiError(f"not ready: {clean(text, 600)}", hint=hint))


def _grid_user(node: Node) -> str:
    user = node.vars.get("base_user") or node.vars.get("gridtui_grid_user") or GRID_USER
    return user if isinstance(user, str) else GRID_USER


def _never(name: str) -> Outcome:
    return Outcome(name, Ending.SKIPPED, error=STOPPED)
