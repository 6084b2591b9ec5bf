"""Fleet: the ONE interface that the faces and users' scripts call. Ties the rooms together; measures nothing itself.

    async with Fleet.open(["inventory.yaml"]) as fleet:
        async for event in fleet.events():
            ...

or, without starting anything: `await Fleet.open(["inventory.yaml"]).check()`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import inventory as inventories
from .errors import LockedError, PingError, ShellError, SshError, StateError
from .events import Event, Noted
from .model import NOTHING, Hush, Mute, Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from .settings import Settings, load

if TYPE_CHECKING:
    from . import exec as execs
    from . import playbooks as books
    from . import provision as provisions
    from . import push as pushes
    from .exec.signals import Signalled
    from .health import Ground, Range, Report
    from .inventory import Inventory
    from .inventory.language import Selection
    from .jobs.jobs import Jobs
    from .jobs.model import Spec
    from .monitor import Examined, Monitor
    from .monitor.mutes import Mutes
    from .monitor.once import Question
    from .ping import Pinger
    from .playbooks.guard import Settled
    from .posture import Look
    from .probes import Containers, Journal, Process
    from .recorder import Recorder
    from .ssh import Completed, Pool

Ask = Callable[[str], Awaitable["str | None"]]
"""Asks a person for a secret (a key's passphrase); None when there is nobody."""

LOOKS = 64
"""Nodes looked at at once by the one-shot services; logins in flight are bounded more tightly by the pool."""
TOP_TIMEOUT = 10.0
ASK_TIMEOUT = 25.0
"""Seconds for a question on demand; what it runs on the node has 10 s."""


@dataclass(frozen=True, slots=True)
class Pinged:
    """What echoes to one node showed. `error` says why none could be sent."""

    node: Node
    trips: RoundTrips
    error: str = ""


class Fleet:
    """The nodes of one inventory. An async context manager: `start` on entry, `close` on exit."""

    def __init__(self, inventory: Inventory, settings: Settings, ask: Ask | None = None) -> None:
        self.inventory = inventory
        self.settings = settings
        self.ask = ask
        self.note: Callable[[str, str], None] | None = None
        """Told of news from the connections (a pinned host key, an option that is not followed) where no events are read."""
        self._monitor: Monitor | None = None
        self._pool: Pool | None = None
        self._holders = 0
        self._started = False
        self._watchers = 0
        self._lent = False
        """Started by who watches for a while, and not by `start`."""
        self._jobs: Jobs | None = None
        self._mutes: Mutes | None = None
        self._recorder: Recorder | None = None

    @classmethod
    def open(cls, sources: Sequence[str | Path] = (), settings: Settings | None = None, ask: Ask | None = None) -> Self:
        """Read the inventory: `sources`, else the usual places, else this machine alone. Raises InventoryError."""
        paths = inventories.find([Path(source) for source in sources])
        inventory = inventories.load(paths) if paths else inventories.localhost()
        return cls(inventory, settings or load(), ask)

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by name, in the inventory's order."""
        return self.inventory.nodes

    # ---- the running fleet ----

    async def start(self) -> None:
        """Begin to watch. Returns at once; nodes answer when they do."""
        if self._lent:
            self._lent = False  # somebody watches for a while already: from now on it is for longer
            return
        # In a thread, with asyncssh and all: half a second in which a screen goes on to answer keys.
        await asyncio.to_thread(import_module, ".monitor", __package__)
        from .monitor import Monitor

        self._started = True
        self._pool = self._pool or self._make_pool()
        self._monitor = monitor = Monitor(self.nodes, self.settings, self._pool, self._said())
        await monitor.start()
        if self.settings.history.on:
            await self._record(monitor)

    async def close(self) -> None:
        """Stop dispatching and watching, and close every connection."""
        if self._jobs:
            await self._jobs.leave()
        await self._end()
        if self._jobs:
            self._jobs.close()
            self._jobs = None

    async def _end(self, held: bool = False) -> None:
        """With `held` connections stay: whoever holds them closes them."""
        if self._recorder:
            await self._recorder.close()
        if self._monitor:
            await self._monitor.close()
        self._started = False
        if self._pool and not held:
            await self._pool.close()
            self._pool = None

    async def _record(self, monitor: Monitor) -> None:
        """Keep what is seen. Without a state folder, or where another one records, the watching goes on all the same."""
        from . import recorder

        sources = self.inventory.sources
        self._recorder = recorder.Recorder(
            lambda: recorder.path_for(sources, self.nodes),
            self.settings.history,
            self.nodes,
            monitor.taking(recorder.RECORDED),
            lambda text, alarm: monitor.emit(Noted(time.time(), None, text, alarm=alarm)),
            [str(source) for source in sources],
        )
        monitor.bus.listener = self._recorder.happened
        await self._recorder.start()

    @property
    def recording(self) -> Path | None:
        """The file in which what is seen here is kept; None where nothing is, or was. Raises StateError (no state folder)."""
        from . import recorder

        path = recorder.path_for(self.inventory.sources, self.nodes)
        return path if path.exists() else None

    @property
    def recording_trouble(self) -> str:
        """Why nobody records at the moment what is seen, though it should be; empty where somebody does."""
        return self._recorder.trouble if self._recorder and self._recorder.lost else ""

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Started, for as long as this lasts, where it was not: for what needs live values for a while."""
        self._watchers += 1
        try:
            if self._watchers == 1 and not self._started:
                try:
                    await self.start()
                finally:
                    self._lent = self._started
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and self._lent:
                self._lent = False
                await self._end(held=bool(self._holders))
                self._monitor = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def status(self, name: str) -> Status:
        """The picture of a node now; never waits. Before `start`, a node is pending. Raises KeyError."""
        if self._monitor:
            return self._monitor.status(name)
        return self._looked(name)

    def select(self, text: str) -> list[str]:
        """Names in inventory order, with the values of now. Raises SelectionError."""
        return inventories.select(text, self.inventory).resolve(self.inventory, self.status)

    def fold(self, names: Iterable[str]) -> str:
        """Names as one node set: `web[01-20]`."""
        return inventories.fold(names)

    def history(self, name: str, metric: str) -> Sequence[float]:
        """Recent values of `rtt` or of a metric in `monitor.HISTORY`, oldest first, NaN where there was none.

        They begin with what was recorded before the start.
        """
        if self._monitor is None:
            return ()
        live = self._monitor.history(name, metric)
        past = self._recorder.past if self._recorder else None
        missing = self._monitor.length - len(live)
        if past is None or missing <= 0:
            return live
        node, intervals = self.nodes[name], self.settings.intervals
        every = node.ping_interval or intervals.ping if metric == "rtt" else node.interval or intervals.fast
        return [*past.values(name, metric, every, missing), *live]

    def log(self) -> Sequence[Event]:
        """The last 1,000 events but `Seen`, oldest first. They begin with what was recorded before the start."""
        if self._monitor is None:
            return ()
        live = self._monitor.bus.log
        past = self._recorder.past if self._recorder else None
        missing = (live.maxlen or 0) - len(live)
        return (*past.events[-missing:], *live) if past and missing else tuple(live)

    async def events(self) -> AsyncIterator[Event]:
        """What happens from now on, until `close`. Each caller has a bounded queue of its own; `Seen` coalesces by node."""
        if self._monitor:
            async for event in self._monitor.events():
                yield event

    def retry(self, name: str) -> None:
        """A person asks: forget a refused login and try now."""
        if self._monitor:
            self._monitor.watch(name).retry()

    async def top(self, name: str, count: int = 20) -> tuple[Process, ...]:
        """The `count` busiest processes of a node, on demand. Raises SshError, ProbeError."""
        from . import probes

        done = await self._ask(name, probes.top_command(), TOP_TIMEOUT, probes.TOP_LIMIT)
        # Thousands of processes take longer to read than the loop may wait.
        return await asyncio.to_thread(probes.parse_top, done.stdout, count)

    async def journal(self, name: str, unit: str, lines: int = 300) -> Journal:
        """How a unit of a node ended, and the newest lines of its journal, on demand. Raises SshError, ProbeError.

        Where the login may not read them, `sudo -n` is tried (`posture.sudo` in the settings); the answer says what stood in the way.
        """
        from . import probes

        journal = None
        for sudo in (False, True):
            command = probes.journal_command(unit, lines, sudo=sudo)
            done = await self._ask(name, command, ASK_TIMEOUT, probes.JOURNAL_LIMIT)
            found = probes.parse_journal(unit, done.exit_status, done.stdout, done.stderr)
            journal = journal if journal and not found.lines else found
            if not found.barred or not self.settings.posture.sudo:
                break
        assert journal is not None
        return journal

    async def containers(self, name: str) -> Containers:
        """The containers of a node's docker and podman, on demand. Raises SshError.

        Where the login may not see them, `sudo -n` is tried (`posture.sudo` in the settings).
        """
        from . import probes

        nonce = probes.new_nonce()[:16]
        command = probes.containers_command(nonce, sudo=self.settings.posture.sudo)
        done = await self._ask(name, command, 2 * ASK_TIMEOUT, probes.CONTAINERS_LIMIT)
        return probes.parse_containers(nonce, done.stdout)

    async def _ask(self, name: str, command: str, timeout: float, limit: int) -> Completed:
        """A short question over the connection that is open. Raises SshError."""
        connection = self._monitor.watch(name).connection if self._monitor else None
        if connection is None:
            raise ShellError(f"{name} is not connected")
        return await connection.run(command, timeout=timeout, limit=limit)

    def grounds(self, name: str) -> Sequence[Ground]:
        """What each reason of a node's verdict stands on: rule, range, samples. Never waits."""
        from .health import grounds

        if not self._monitor:
            return ()
        watch = self._monitor.watch(name)
        return grounds(watch.shown, watch.memory, watch.rules)

    @property
    def ping_method(self) -> PingMethod:
        """How round trips are measured here."""
        return self._monitor.method if self._monitor else PingMethod.ICMP

    # ---- alerts ----

    def _said(self) -> Mutes:
        """What people said of alerts."""
        if self._mutes is None:
            from .monitor.mutes import Mutes

            self._mutes = Mutes(self.nodes)
        return self._mutes

    def mutes(self) -> Sequence[Mute]:
        """What people said of the nodes' alerts and is in force: acknowledged, silenced, in maintenance. As of the last look at the file."""
        return self._said().in_force(time.time())

    async def mute(
        self,
        names: Iterable[str],
        hush: Hush,
        *,
        seconds: float | None = None,
        why: str = "",
        verdicts: Mapping[str, Verdict] = NOTHING,
    ) -> Sequence[Mute]:
        """Acknowledge the alerts of these nodes, silence them for `seconds`, or put them under maintenance, for `seconds` or until it is taken back.

        Dashboards and checks of this user know of it within a second or at their next run. An acknowledgement is for what holds now: as
        the running fleet sees it, else as `verdicts` say; nodes without an alert of their own are left out. Gives what was said.
        Raises UsageError (read-only, no time), StateError: then it holds in this process alone.
        """
        self.allow_changes()
        said = self._said()
        nodes = [self.nodes[name] for name in names]
        if hush is Hush.ACKNOWLEDGED:
            verdicts = verdicts or {node.name: self.status(node.name).verdict for node in nodes}
            mutes = said.acknowledged(nodes, verdicts, why)
        else:
            mutes = said.hushed(nodes, hush, seconds, why)
        if mutes:
            try:
                await asyncio.to_thread(said.add, mutes)
            finally:
                self._heed()
        return mutes

    async def unmute(self, names: Iterable[str], *hushes: Hush) -> Sequence[Mute]:
        """Take back what was said of these nodes, of these kinds or of all; gives what that was. Raises as `mute`."""
        self.allow_changes()
        try:
            return await asyncio.to_thread(self._said().take_back, tuple(names), hushes or tuple(Hush))
        finally:
            self._heed()

    def _heed(self) -> None:
        if self._monitor:
            self._monitor.hush()

    # ---- one look, for the command line ----

    async def check(
        self,
        where: str = "",
        leave: str = "",
        *,
        warn: Mapping[str, Range | None] = NOTHING,
        crit: Mapping[str, Range | None] = NOTHING,
        max_runtime: float | None = None,
        seen: Callable[[Examined], None] | None = None,
        problem: Callable[[StateError], None] | None = None,
        keep: bool = True,
    ) -> Report:
        """One health check of the selected nodes, with hysteresis and rates against the run before.

        Never overlaps itself over the same inventory and selection: raises LockedError. What a run keeps for the next is in the state
        folder; when that cannot be read or written, `problem` is told and the check goes on without.
        `max_runtime` bounds the looking, in seconds; a node that was not reached by then is UNKNOWN. Without `keep` it changes nothing
        for the next run, asks for no posture and is locked out by nobody. Raises SelectionError, SettingsError (a bad threshold).
        """
        from .monitor import checking

        names = self.candidates(inventories.selection(where, leave, self.inventory))
        rules = {name: checking.rules(self.nodes[name], self.settings, warn, crit) for name in names}
        identity = [*(str(source.resolve()) for source in self.inventory.sources), where, leave]
        began = time.time()
        with checking.Kept.open(identity, problem, keep) as kept:
            asking = keep and checking.posture_round(
                kept, self.nodes, names, self.inventory.sources, self.settings, max_runtime, problem
            )
            also = asking.questions() if asking else {}
            looks = await self.examine(
                where, leave, counters=kept.counters, max_runtime=max_runtime, seen=seen, also=also
            )
            if asking:
                told = {name: look.also for name, look in looks.items() if look}
                try:
                    await asking.settle(told, kept.posture, began, self.settings.posture.every)
                except (StateError, LockedError) as error:
                    if problem:
                        problem(StateError(str(error)))
            parents = {name: node.parent for name, node in self.nodes.items()}
            said = self._said()
            said.look()
            report = checking.judge(began, looks, rules, parents, kept, said)
            if kept.ended and keep and not warn and not crit:
                try:
                    said.end(kept.ended)
                except StateError as error:
                    said.problem = error
            if problem and said.problem:
                problem(said.problem)
            return report

    async def facts(
        self,
        where: str = "",
        leave: str = "",
        *,
        max_runtime: float | None = None,
        seen: Callable[[Examined], None] | None = None,
    ) -> dict[str, Examined | None]:
        """Facts of the selected nodes: a value each, with `facts` or the layer that failed. Raises SelectionError."""
        return await self.examine(where, leave, sample=False, facts=True, max_runtime=max_runtime, seen=seen)

    async def posture(
        self,
        where: str = "",
        leave: str = "",
        *,
        names: Iterable[str] | None = None,
        every: float = 0.0,
        sudo: bool | None = None,
        seen: Callable[[Look], None] | None = None,
        problem: Callable[[StateError], None] | None = None,
    ) -> dict[str, Look]:
        """How well the selected nodes are kept: findings, a score, drift since the look before. A value for each, in the inventory's order.

        One question a node, over the connections that are open already while the fleet is started or `holding`. A node that was asked
        less than `every` seconds ago is shown as it was then. `sudo` None takes the setting. The answers are kept for the next look in
        the state folder; when that cannot be read or written, `problem` is told. Raises SelectionError.
        """
        from .monitor import posture as postures

        wanted = list(names) if names is not None else await self.choose(where, leave)
        record = postures.opened(self.nodes, self.inventory.sources, problem)
        allowed = self.settings.posture.sudo if sudo is None else sudo
        found = {name: record.look(name) for name in wanted if record.younger(name, every)}
        gate = asyncio.Semaphore(LOOKS)

        async def one(name: str, pool: Pool) -> None:
            async with gate:
                asked = await postures.reach(self.nodes[name], pool, record.answer(name), sudo=allowed)
            found[name] = look = postures.looked(record, name, asked)
            if seen:
                seen(look)

        if left := [name for name in wanted if name not in found]:
            async with self.holding() as pool, asyncio.TaskGroup() as group:
                for name in left:
                    group.create_task(one(name, pool))
            try:
                await record.save(self.settings.posture.every)
            except (StateError, LockedError) as error:
                if problem:
                    problem(StateError(str(error)))
        return {name: found[name] for name in wanted}

    async def known_posture(self, problem: Callable[[StateError], None] | None = None) -> AsyncIterator[Look]:
        """What is known of all nodes without asking: that of `posture` and `check`. Nodes that were never asked are left out.

        One after the other, so that a screen can be drawn in between: each takes 1 ms.
        """
        from .monitor import posture as postures

        record = postures.opened(self.nodes, self.inventory.sources, problem)
        for name in self.nodes:
            if record.answer(name):
                yield record.look(name)
                await asyncio.sleep(0)

    async def ping(
        self, where: str = "", leave: str = "", *, count: int = 3, interval: float = 1.0, timeout: float = 1.0
    ) -> dict[str, Pinged]:
        """Echoes to the selected nodes. Raises SelectionError, PingError."""
        from .ping import sweep
        from .ssh import resolve

        names = await self._selected(where, leave)
        results: dict[str, Pinged] = {}
        targets: dict[str, str] = {}
        ports: dict[str, int] = {}
        for name in names:
            node = self.nodes[name]
            if node.local:
                targets[name] = "127.0.0.1"
                continue
            try:
                endpoint = resolve(node, self.settings.ssh)
            except SshError as error:
                results[name] = Pinged(node, RoundTrips(PingMethod.ICMP), str(error))
                continue
            if endpoint.jump:
                trips = RoundTrips(PingMethod.SSH)
                results[name] = Pinged(node, trips, "behind a jump host: there is no way for an echo from here")
            else:
                targets[name], ports[name] = endpoint.host, endpoint.port
        swept = await sweep(targets, count=count, interval=interval, timeout=timeout, ports=ports)
        results |= {name: Pinged(self.nodes[name], found.trips, found.why) for name, found in swept.items()}
        return {name: results[name] for name in names}

    # ---- changes ----

    async def exec(
        self,
        task: execs.Task | str,
        where: str = "",
        leave: str = "",
        *,
        names: Iterable[str] | None = None,
        plan: execs.Plan | None = None,
        lines: execs.OnLines | None = None,
        ended: Callable[[execs.Outcome], None] | None = None,
        ask: Ask | None = None,
        stop: execs.Stop | None = None,
    ) -> dict[str, execs.Outcome]:
        """A command on the selected nodes, or on `names`: a value for each, in the inventory's order.

        Over the connections that are open already, while the fleet is started or `holding`. `lines` gets the output as it
        comes, `ended` each outcome, `ask` the question for sudo's password; `stop` ends the run from outside.
        Raises SelectionError, UsageError (no command; read-only).
        """
        from . import exec as execs

        task = execs.Task(task) if isinstance(task, str) else task
        self.allow_changes()
        nodes = await self._targets(names, where, leave)
        async with self.holding() as pool:
            run = execs.Run(task, nodes, pool, plan or execs.Plan(), lines=lines, ended=ended, ask=ask, stop=stop)
            return await run.finish()

    async def signal(
        self, name: str, process: Process, signal: str, *, sudo: bool = False, ask: Ask | None = None
    ) -> Signalled:
        """A signal (`TERM`, `KILL`, `HUP`, `INT`, `STOP`, `CONT`) to this very process of a node, as `top` gave it; never to one that got
        its number since. With `sudo`, as root; `ask` is the question for its password. Told in the event log, whatever came of it.
        Raises UsageError (read-only; no such signal).
        """
        from . import exec as execs
        from .exec import signals

        self.allow_changes()
        command = signals.command(process.pid, process.started, process.boot, signal)
        task = execs.Task(command, sudo=sudo, timeout=signals.TIMEOUT_SUDO if sudo else signals.TIMEOUT, limit=4096)
        outcomes = await self.exec(task, names=[name], ask=ask)
        done = signals.read(outcomes[name])
        through = " through sudo" if sudo else ""
        self._tell(name, f"SIG{signal} to {process.pid} {process.name} of {process.user}{through}: {done.text}")
        return done

    async def push(
        self,
        plan: pushes.Plan,
        where: str = "",
        leave: str = "",
        *,
        names: Iterable[str] | None = None,
        fanout: int | None = None,
        timeout: float | None = None,
        rate: int | None = None,
        sftp: pushes.Sftp | None = None,
        via_peers: bool = False,
        say: Callable[[str], None] | None = None,
        told: pushes.Told | None = None,
        ended: Callable[[pushes.Transfer], None] | None = None,
        stop: pushes.Stop | None = None,
    ) -> dict[str, pushes.Transfer]:
        """Files to the selected nodes or, where the plan says so, from them: a value for each, in the inventory's order.

        `told` gets progress as it comes, `ended` each outcome; `stop` ends the run from outside; `rate` bounds all nodes together.
        With `via_peers` the nodes pass the data on to each other, and `say` gets a line whenever who feeds whom changes.
        Raises SelectionError, UsageError (a missing source; read-only, unless nothing changes on a node).
        """
        from . import push as pushes

        if plan.direction is pushes.Direction.PUSH and not plan.options.dry_run:
            self.allow_changes()
        nodes = await self._targets(names, where, leave)
        if via_peers:
            from .push.peers import broadcast

            async with self.holding() as pool:
                ssh = self.settings.ssh
                done = await broadcast(plan, nodes, pool, ssh, told, ended=ended, say=say, stop=stop, timeout=timeout)
                return {outcome.node: outcome for outcome in done}
        async with AsyncExitStack() as stack:
            run = pushes.Run(
                plan,
                nodes,
                self.settings.ssh,
                pool=lambda: stack.enter_async_context(self.holding()),
                fanout=fanout or pushes.FANOUT,
                timeout=timeout,
                rate=rate,
                sftp=sftp or pushes.Sftp.AUTO,
                told=told,
                ended=ended,
                stop=stop,
            )
            return await run.finish()

    def shell(self, name: str) -> list[str]:
        """The argument list of a shell on a node for a person at a terminal: the system's `ssh`, by the same route, identity and host keys
        as all else here; on this machine, its shell. May read files. Raises KeyError, ResolveError, UsageError (read-only)."""
        from .ssh import system

        self.allow_changes()
        return system.shell(self.nodes[name], self.settings.ssh)

    def playbooks(self) -> books.Catalogue:
        """The playbooks there are: the user's own (`playbooks.paths` in the settings) and the shipped ones."""
        from . import playbooks as books

        return books.read(self.settings.playbooks.paths)

    def playbook_runs(self) -> Sequence[books.artefacts.Kept]:
        """The runs of playbooks that are kept, the newest last. Raises StateError."""
        from . import playbooks as books

        return books.artefacts.runs()

    async def playbook(
        self,
        plan: books.Plan,
        where: str = "",
        leave: str = "",
        *,
        names: Iterable[str] | None = None,
        told: books.Told | None = None,
        ended: Callable[[books.Outcome], None] | None = None,
        ask: Ask | None = None,
        stop: books.Stop | None = None,
    ) -> books.Result:
        """Playbooks on the selected nodes, or on `names`: how it ended on each, and the folder in which all of it is kept.

        `told` gets progress as it comes, `ended` each outcome, `ask` the question for sudo's password; `stop` ends the run from outside.
        Raises SelectionError, UsageError (no Ansible, no playbook; read-only, unless it is a check), LockedError, StateError.
        """
        from . import playbooks as books

        if not plan.check:
            self.allow_changes()
        nodes = await self._targets(names, where, leave)
        run = books.Run(
            plan,
            nodes,
            self.inventory.sources,
            self.settings,
            self.holding,
            told=told,
            ended=ended,
            ask=ask,
            passphrase=self.ask,
            stop=stop,
            around=self._drained(plan),
        )
        return await run.finish()

    def _drained(self, plan: books.Plan) -> books.Around | None:
        """What lets jobs end on nodes before they are rebooted; None where there are none."""
        from .jobs.jobs import kept

        if plan.check or not any(playbook.reboots for playbook in plan.playbooks):
            return None
        return self.jobs.drained if kept() and self.jobs.live() else None

    async def confirm_playbook(
        self,
        run: str = "",
        where: str = "",
        leave: str = "",
        *,
        password: str | None = None,
        told: books.Told | None = None,
    ) -> dict[str, Settled]:
        """Keep what a run (the last one, or an id or its beginning) changed under a guard, by a new login to each of its nodes.

        Raises SelectionError, StateError, UsageError (no such run; it put nothing under a guard).
        """
        return await self._decide("confirm", run, where, leave, password, told)

    async def rollback_playbook(
        self,
        run: str = "",
        where: str = "",
        leave: str = "",
        *,
        password: str | None = None,
        told: books.Told | None = None,
    ) -> dict[str, Settled]:
        """Take back what a run changed under a guard, confirmed or not. Raises as `confirm_playbook`, and where this is read-only."""
        self.allow_changes()
        return await self._decide("rollback", run, where, leave, password, told)

    async def _decide(
        self, verb: str, run: str, where: str, leave: str, password: str | None, told: books.Told | None
    ) -> dict[str, Settled]:
        from .playbooks import artefacts, settling
        from .playbooks.guard import Access

        kept = artefacts.guarded(run)
        chosen = await self.choose(where, leave) if where or leave else list(self.nodes)
        nodes = [self.nodes[name] for name in chosen if name in kept.nodes]
        return await settling.decide(verb, nodes, kept.changes, Access(self.settings.ssh, password, self.ask), told)

    async def provision(
        self,
        plan: provisions.Plan,
        where: str = "",
        leave: str = "",
        *,
        names: Iterable[str] | None = None,
        told: provisions.Told | None = None,
        ended: Callable[[provisions.Outcome], None] | None = None,
        vouch: provisions.Vouch | None = None,
        stop: provisions.Stop | None = None,
    ) -> dict[str, provisions.Outcome]:
        """Bare machines become grid nodes: a value for each of the selected nodes, or of `names`, in the inventory's order.

        `told` hears of each step on each node, `ended` each outcome; `vouch` shows unknown host keys to a person, all at once; `stop` ends
        the run from outside. Done already is done: a second run looks, and changes nothing.
        Raises SelectionError, UsageError (no key, no playbook, a bad profile; read-only, unless it is a dry run), LockedError, StateError.
        """
        from . import provision as provisions

        if not plan.dry_run:
            self.allow_changes()
        nodes = await self._targets(names, where, leave)
        run = provisions.Run(
            plan,
            nodes,
            self.inventory.sources,
            self.settings,
            told=told,
            ended=ended,
            vouch=vouch,
            ask=self.ask,
            stop=stop,
        )
        return await run.finish()

    @property
    def jobs(self) -> Jobs:
        """The queue of jobs, and whoever dispatches them."""
        from .jobs.jobs import Jobs

        self._jobs = self._jobs or Jobs(self)
        return self._jobs

    async def submit(self, spec: Spec | str, **options: Any) -> int:
        """Put a job into the queue: its specification, or a command. `options` and errors as `Jobs.submit`. Gives its number."""
        from .jobs.model import Spec

        return await self.jobs.submit(Spec(spec) if isinstance(spec, str) else spec, **options)

    def allow_changes(self) -> None:
        """Whether anything may be changed at all. Raises UsageError where the settings say read-only."""
        self.settings.guard.allow_changes()

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[Pool]:
        """Keep connections open from one call to the next, without watching: for scripts that run many commands.

        Those who hold at the same time share them; the last one to leave closes them, unless the fleet was started meanwhile.
        """
        self._pool = self._pool or self._make_pool()
        self._holders += 1
        try:
            yield self._pool
        finally:
            self._holders -= 1
            if not self._holders and not self._started and self._pool is not None:
                pool, self._pool = self._pool, None
                await pool.close()

    async def choose(self, where: str = "", leave: str = "") -> list[str]:
        """The names that `where` without `leave` selects now, in the inventory's order; nodes are looked at first where that is needed."""
        if self._monitor and (where.strip() or leave.strip()):
            left = set(self.select(leave)) if leave.strip() else set()
            found = self.select(where) if where.strip() else list(self.nodes)
            return [name for name in found if name not in left]
        return list(await self._selected(where, leave))

    async def _targets(self, names: Iterable[str] | None, where: str, leave: str) -> list[Node]:
        """The nodes of `names`, else those that are selected now."""
        wanted = names if names is not None else await self.choose(where, leave)
        return [self.nodes[name] for name in wanted]

    async def _selected(self, where: str, leave: str) -> Sequence[str]:
        """Names, looking at the nodes first where the selection asks for live values or facts."""
        chosen = inventories.selection(where, leave, self.inventory)
        return list(await self.examine(where, leave, sample=False)) if chosen.needs else self.candidates(chosen)

    def candidates(self, chosen: Selection) -> list[str]:
        """The nodes to look at for a selection: where nothing has to be measured for it, exactly those that it names. Raises SelectionError."""
        if chosen.needs:
            return chosen.candidates(self.inventory)
        matcher = chosen.bind(self.inventory)
        if matcher.static is None:  # who is in maintenance
            self._said().look()
        return matcher.names(self._looked)

    def _looked(self, name: str, look: Examined | None = None) -> Status:
        """A look as a status, for a selection to decide on."""
        now, node = time.time(), self.nodes[name]
        if look is None:
            reach, trips = Reach(now, pending=True), RoundTrips(PingMethod.ICMP)
            return Status(node, reach, trips, self._judged(Verdict(name, State.UNKNOWN, now)))
        state = State.OK if look.reach.up else State.CRITICAL
        verdict = self._judged(Verdict(name, state, now, layer=look.reach.failed))
        return Status(node, look.reach, look.trips, verdict, look.sample, look.facts)

    def _judged(self, verdict: Verdict) -> Verdict:
        """The verdict with the maintenance of the inventory and what people said."""
        verdict = replace(verdict, maintenance=self.nodes[verdict.node].maintenance)
        # Not loaded for this alone: the dashboard's first paint asks for every node.
        return self._mutes.muted(verdict, verdict.since) if self._mutes is not None else verdict

    async def examine(
        self,
        where: str = "",
        leave: str = "",
        *,
        sample: bool = True,
        facts: bool = False,
        counters: Mapping[str, Mapping[str, Any]] | None = None,
        max_runtime: float | None = None,
        seen: Callable[[Examined], None] | None = None,
        also: Mapping[str, Question] = NOTHING,
    ) -> dict[str, Examined | None]:
        """Look once at the selected nodes, many at a time. A node that was not reached before `max_runtime` is None.

        A selection by live values or facts is decided after looking: all nodes that it may mean are looked at.
        `also` is a further question to a node, by its name. Raises SelectionError.
        """
        from .monitor import examine

        chosen = inventories.selection(where, leave, self.inventory)
        names, needs = self.candidates(chosen), chosen.needs
        found: dict[str, Examined | None] = dict.fromkeys(names)
        gate = asyncio.Semaphore(LOOKS)

        async def one(name: str) -> None:
            async with gate:
                found[name] = look = await examine(
                    self.nodes[name],
                    pool,
                    pinger,
                    counters=(counters or {}).get(name),
                    sample=sample or inventories.Need.SAMPLE in needs,
                    facts=facts or inventories.Need.FACTS in needs,
                    timeout=self.settings.intervals.ping_timeout,
                    also=also.get(name),
                )
            if seen:
                seen(look)

        async with self._looking(names) as (pool, pinger):
            tasks = [asyncio.create_task(one(name)) for name in names]
            try:
                if tasks:
                    await asyncio.wait(tasks, timeout=max_runtime)
            finally:
                for task in tasks:
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result
        if needs:
            kept = chosen.resolve(self.inventory, lambda name: self._looked(name, found.get(name)))
            found = {name: found[name] for name in kept if name in found}
        return found

    @asynccontextmanager
    async def _looking(self, names: Iterable[str]) -> AsyncIterator[tuple[Pool, Pinger | None]]:
        from .ping import Pinger

        pinger = None
        if any(not self.nodes[name].local for name in names):
            try:
                pinger = Pinger.open()
            except PingError:
                pinger = None  # the login tells as much, only without a round trip
        try:
            async with self._make_pool() as pool:
                yield pool, pinger
        finally:
            if pinger:
                pinger.close()

    def _make_pool(self) -> Pool:
        from .ssh import Pool

        return Pool(self.settings.ssh, ask=self.ask, note=self.alarm)

    def _tell(self, node: str, text: str) -> None:
        """A line among the events while nodes are watched."""
        if self._monitor:
            self._monitor.emit(Noted(time.time(), node, text))

    def alarm(self, node: str | None, text: str) -> None:
        """A line that asks for people's eyes, among the events while nodes are watched; without a node it concerns this machine."""
        if self._monitor:
            self._monitor.emit(Noted(time.time(), node, text, alarm=True))
        elif self.note:
            self.note(node or "", text)
