"""Nodes that feed each other, from the invitation to the last copy. Owns the members, and what happens when one says something.

The swarm decides who feeds whom and `links` carries it out; here is what both hear. Whoever cannot take part is left to the star.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from ...errors import SshError
from ...model import Node, clean
from ...settings import Ssh
from ...ssh import Pool
from ...ssh.masters import Masters
from ...stopping import Stop
from ..model import Ending, Plan, Progress, Stage, Transfer
from ..run import Run
from ..transfer import Pace
from .chains import Trips, chains
from .ledger import Ledger
from .links import Links
from .member import Member, ready
from .neighbours import measure
from .payload import SMALLEST, Contents, Packer, Part, Unfit, contents, part_size
from .placing import place
from .swarm import Swarm

READY = 30.0
"""Seconds for a node to say that it is ready."""
BEAT = 10.0
"""Seconds between two signs of life to the nodes."""
GRACE = 10.0
"""Seconds at least that those put at the end have after the others."""
STILL = 90.0
"""Seconds without any part arriving anywhere after which the star takes over."""
TRIES = 3
"""Failures of parts between two nodes after which there is no way."""
LITTLE = 0.1
"""Share of the whole below which a node is better served by rsync's delta."""


class Relay:
    """One broadcast among peers. `run` is called once, then `close`."""

    def __init__(self, plan: Plan, pool: Pool, settings: Ssh, ledger: Ledger, stop: Stop) -> None:
        self._plan, self._pool, self._settings, self._ledger, self._stop = plan, pool, settings, ledger, stop
        self._nodes = ledger.nodes
        self._members: dict[str, Member] = {}
        self._events: asyncio.Queue[tuple[Member, list[str]]] = asyncio.Queue()
        self._ready: dict[str, asyncio.Future[None]] = {}
        self._trips: Trips = {}
        self._what = Contents([], 0, 0)
        self._swarm = Swarm([], {})
        self._links: Links | None = None
        self._parts: list[Part] = []
        self._unpacked: set[str] = set()
        self._putting: set[str] = set()
        self._failures: dict[tuple[str, str], int] = {}
        self._paces: dict[str, Pace] = {}
        self._fed_by: dict[str, str] = {}
        self._closing: list[asyncio.Future[None]] = []

    async def close(self) -> None:
        """Let all nodes clean up, and wait for that."""
        await asyncio.gather(*(member.close() for member in self._members.values()), *self._closing)

    async def run(self) -> None:
        """Until every node has it, or is left to the star. Raises Unfit where all are."""
        self._what = await contents(self._plan)
        if self._what.size < SMALLEST:
            raise Unfit("it is small")
        if len(self._nodes) < 2:
            raise Unfit("there is one node")
        size = part_size(self._what.size, len(self._nodes))
        with Packer(self._plan, self._what, size) as packer:
            packing = asyncio.create_task(packer.run(self._produced))
            beating = asyncio.create_task(self._beat())
            try:
                await asyncio.gather(*(self._invite(number, node) for number, node in enumerate(self._nodes)))
                await self._look_first()
                if len(self._members) < 2:
                    for name in list(self._members):
                        await self._to_star(name, "it has no neighbour")
                    return
                self._trips = await measure(list(self._members.values()), self._events, self._gone)
                await self._pass_on(packer, packing)
            finally:
                packing.cancel()
                beating.cancel()
                packer.stop()
                await asyncio.gather(packing, beating, return_exceptions=True)

    async def _beat(self) -> None:
        """Signs of life: without them the nodes would give up, whatever takes so long here."""
        while True:
            await asyncio.sleep(BEAT)
            for member in self._members.values():
                member.send("ping")

    async def _pass_on(self, packer: Packer, packing: asyncio.Task[int]) -> None:
        self._swarm = Swarm(chains(list(self._members), self._trips, {}), self._trips, time.monotonic())
        self._swarm.produce(len(self._parts))
        async with Masters(self._settings) as masters:
            self._links = Links(self._swarm, self._members, masters, packer, self._tried, self._part_failed)
            try:
                for part in self._parts:
                    self._announce(part)
                self._links.obey(list(self._swarm.start()))
                self._tell_feeders()
                await self._until_done(packing)
            finally:
                await self._links.close()

    async def _invite(self, number: int, node: Node) -> None:
        """One node: log in, start its part. What cannot goes over the star."""
        self._ledger.tell(Progress(node.name, Stage.CONNECTING))
        member = Member(node, number, self._hear)
        self._ready[node.name] = asyncio.get_running_loop().create_future()
        self._members[node.name] = member
        try:
            if node.local:
                raise Unfit("it is this machine")
            connection = await self._pool.connect(node)
            destination, text = place(self._plan, self._what)
            await member.open(connection, destination, text, self._what.squeezed(self._plan), self._what.tops)
            async with asyncio.timeout(READY):
                await self._ready[node.name]
            assert member.ready
            if member.ready.free < 2.1 * self._what.size:
                raise Unfit("it has too little space for the parts and the whole")
        except TimeoutError:
            await self._to_star(node.name, "it did not get ready in time")
        except Unfit as error:
            await self._to_star(node.name, str(error))
        except SshError as error:
            await self._to_star(node.name, None)
            why = str(error).removeprefix(f"{node.name}: ")
            spent = self._ledger.seconds
            self._ledger.note(Transfer(node.name, Ending.UNREACHABLE, layer=error.layer, error=why, seconds=spent))

    async def _look_first(self) -> None:
        """Nodes that have something by that name: ask rsync what they lack."""
        seen = [member.node for member in self._members.values() if member.ready and member.ready.seen]
        if not seen:
            return
        dry = replace(self._plan, options=replace(self._plan.options, dry_run=True))
        outcomes = await Run(dry, seen, self._settings, pool=self._pool, stop=self._stop).finish()
        for name, outcome in outcomes.items():
            if outcome.ok and not outcome.changes:
                await self._to_star(name, None)
                self._ledger.note(Transfer(name, Ending.OK, exit=0, seconds=self._ledger.seconds))
            elif not outcome.ok or outcome.size <= LITTLE * self._what.size:
                await self._to_star(name, "it lacks little" if outcome.ok else outcome.error)

    async def _until_done(self, packing: asyncio.Task[int]) -> None:
        moved = looked = time.monotonic()
        late_since: float | None = None
        while any(name not in self._ledger.outcomes for name in self._members):
            try:
                async with asyncio.timeout(0.5):
                    member, words = await self._events.get()
            except TimeoutError:
                pass
            else:
                if self._heard(member, words):
                    moved = time.monotonic()
            if packing.done() and self._swarm.total is None:
                self._swarm.produce(packing.result(), last=True)
                for member in self._members.values():
                    member.send("count", str(self._swarm.total))
            self._put()
            now = time.monotonic()
            if now - looked >= 1:
                looked = now
                self._obey(self._swarm.tick(now))
                waiting = [name for name in self._swarm.nodes if not self._swarm.done(name)]
                if waiting and all(self._swarm.late(name) for name in waiting) and self._swarm.total is not None:
                    late_since = late_since or now
                    if now - late_since > max(GRACE, (late_since - self._ledger.began) / 2):
                        await self._leave(waiting, "it was too slow for its neighbours")
                elif now - moved > STILL:
                    await self._leave(waiting, "nothing arrived any more")
                    moved = now

    async def _leave(self, names: list[str], why: str) -> None:
        for name in names:
            self._obey(self._swarm.lost(name, time.monotonic()))
            await self._to_star(name, why)

    def _put(self) -> None:
        for name in self._unpacked - self._putting:
            if name in self._members and self._swarm.done(name):
                self._putting.add(name)
                self._members[name].send("put")
                self._ledger.tell(
                    Progress(name, Stage.VERIFYING, self._what.size, self._what.size, feeder=self._feeder(name))
                )

    # what nodes say

    def _hear(self, member: Member, words: list[str]) -> None:
        waiting = self._ready[member.name]
        if not waiting.done():
            match words:
                case ["ready", *rest]:
                    try:
                        member.ready = ready(rest)
                        waiting.set_result(None)
                    except Unfit as error:
                        waiting.set_exception(error)
                case ["unfit" | "lost", *why]:
                    waiting.set_exception(Unfit(" ".join(why)[:300]))
            return
        self._events.put_nowait((member, words))

    def _heard(self, member: Member, words: list[str]) -> bool:
        """Whether something moved."""
        now = time.monotonic()
        name = member.name
        if self._members.get(name) is not member:
            return False
        if self._links and self._links.heard(member, words):
            return True
        match words:
            case ["have", part] if _number(part) and int(part) < len(self._parts):
                self._obey(self._swarm.arrived(name, int(part), now))
                self._show(name, now)
                return True
            case ["bad", part] if _number(part):
                self._part_failed(self._swarm.feeders.get(name, ""), name, int(part), "a part did not match its hash")
            case ["sent", child, part, code, *why] if _number(child) and _number(part):
                if code != "0" and (other := self._numbered(int(child))):
                    self._part_failed(name, other.name, int(part), " ".join(why))
            case ["unpacked", code, *why]:
                if code == "0":
                    self._unpacked.add(name)
                else:
                    self._gone(member, f"the parts could not be unpacked: {' '.join(why)}")
            case ["placed", code, *why]:
                self._placed(member, code, " ".join(why))
                return True
            case ["lost", *why]:
                self._gone(member, " ".join(why))
        return False

    def _placed(self, member: Member, code: str, why: str) -> None:
        name, spent = member.name, self._ledger.seconds
        if name not in self._putting or name in self._ledger.outcomes:
            return
        size, files, feeder = self._what.size, self._what.files, self._feeder(name)
        if code == "0":
            done = Transfer(name, Ending.OK, 0, size, size, size, files, seconds=spent, via="peers", feeder=feeder)
            self._ledger.tell(Progress(name, Stage.DONE, size, size, files=files, feeder=feeder))
        else:
            exit_ = int(code) if _number(code) else None
            error = why or f"rsync there ended with {clean(code, 20)}"
            done = Transfer(name, Ending.FAILED, exit_, error=error, seconds=spent, via="peers", feeder=feeder)
        self._ledger.note(done)

    def _gone(self, member: Member, why: str) -> None:
        name = member.name
        if self._members.get(name) is not member or name in self._ledger.outcomes:
            self._obey(self._swarm.lost(name, time.monotonic()))  # done, but others were fed by it
            return
        self._obey(self._swarm.lost(name, time.monotonic()))
        del self._members[name]
        self._ledger.star[name] = why or "it was lost"
        self._close(member)

    # what links say

    def _tried(self, feeder: str, receiver: str, why: str) -> None:
        now = time.monotonic()
        if not why:
            self._swarm.linked(feeder, receiver, now)
            return
        self._ledger.say(f"{feeder or 'here'} cannot feed {receiver}: {clean(why, 200)}")
        self._obey(self._swarm.unlinked(feeder, receiver, now, why))
        self._cast_out()

    def _part_failed(self, feeder: str, receiver: str, part: int, why: str) -> None:
        if self._swarm.feeders.get(receiver) != feeder or self._links is None or self._swarm.holds(receiver, part):
            return
        count = self._failures[feeder, receiver] = self._failures.get((feeder, receiver), 0) + 1
        if count < TRIES:
            self._links.again(feeder, receiver, part)
        else:
            self._tried(feeder, receiver, why or "parts do not arrive")

    def _cast_out(self) -> None:
        for name, why in self._swarm.failed.items():
            if name in self._members and name not in self._ledger.outcomes:
                member = self._members.pop(name)
                self._ledger.star[name] = why or "nobody can feed it"
                self._close(member)

    def _produced(self, part: Part) -> None:
        self._parts.append(part)
        if self._links:
            self._swarm.produce(len(self._parts))
            self._announce(part)

    def _announce(self, part: Part) -> None:
        for member in self._members.values():
            member.send("part", str(part.number), part.digest)
        assert self._links
        self._links.produced(part)

    # small things

    def _obey(self, orders: Sequence[object]) -> None:
        if orders and self._links:
            self._links.obey(list(orders))  # type: ignore[arg-type]
            self._tell_feeders()

    def _tell_feeders(self) -> None:
        now = dict(self._swarm.feeders)
        for name, feeder in now.items():
            if self._fed_by.get(name) != feeder:
                self._ledger.say(f"{feeder or 'here'} feeds {name}")
        self._fed_by = now

    def _show(self, name: str, now: float) -> None:
        share = self._swarm.held(name) / max(
            1, self._swarm.total or -(-self._what.size // part_size(self._what.size, 8))
        )
        there = min(self._what.size, int(share * self._what.size))
        rate = self._paces.setdefault(name, Pace()).at(now, there)
        self._ledger.tell(Progress(name, Stage.SENDING, there, self._what.size, rate, feeder=self._feeder(name)))

    def _feeder(self, name: str) -> str:
        return self._swarm.feeders.get(name, "")

    def _numbered(self, number: int) -> Member | None:
        name = self._nodes[number].name if number < len(self._nodes) else ""
        return self._members.get(name)

    def _close(self, member: Member) -> None:
        self._closing.append(asyncio.ensure_future(member.close()))

    async def _to_star(self, name: str, why: str | None) -> None:
        member = self._members.pop(name, None)
        if why is not None:
            self._ledger.star[name] = why
        if member:
            await member.close()


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
