"""Opens and ends the ways from feeder to receiver, by order of the swarm. Owns doors, logins and their time-outs.

A way between nodes: the receiver opens a door (a line in authorized_keys for one key, one address, one command, one minute), the feeder
logs in with our agent, the door is closed again. All parts then go through that one login.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ...ssh.masters import Masters
from .here import Feed
from .member import Member
from .payload import Packer, Part, Unfit
from .swarm import HERE, Attach, Detach, Drop, Order, Swarm

DOOR = 10.0
"""Seconds for a receiver to open its door."""
LOGIN = 20.0
"""Seconds for a feeder to log in."""

Tried = Callable[[str, str, str], None]
"""Feeder, receiver, and why there is no way; empty when there is one."""
Failed = Callable[[str, str, int, str], None]
"""Feeder, receiver, part, why."""


class Links:
    """All ways of one broadcast."""

    def __init__(
        self,
        swarm: Swarm,
        members: Mapping[str, Member],
        masters: Masters,
        packer: Packer,
        tried: Tried,
        failed: Failed,
    ) -> None:
        self._swarm, self._members, self._masters, self._packer = swarm, members, masters, packer
        self._tried, self._failed = tried, failed
        self._feeds: dict[str, Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[tuple[str, int, int], asyncio.Future[str]] = {}
        self._parts: dict[int, Part] = {}
        self._doors = 0

    def obey(self, orders: list[Order]) -> None:
        """Carry them out, in the background."""
        for order in orders:
            match order:
                case Attach(feeder=feeder, receiver=receiver):
                    self._start(self._from_here(receiver) if feeder == HERE else self._between(feeder, receiver))
                case Detach(feeder=feeder, receiver=receiver):
                    self._detach(feeder, receiver)
                case Drop(part=number):
                    self._parts.pop(number, None)
                    self._packer.drop(number)
                    for member in self._members.values():
                        member.send("drop", str(number))

    def produced(self, part: Part) -> None:
        """There is one more part here."""
        self._parts[part.number] = part
        for feed in self._feeds.values():
            feed.offer(part.number)

    def again(self, feeder: str, receiver: str, part: int) -> None:
        """Send a part once more."""
        if feeder == HERE:
            if feed := self._feeds.get(receiver):
                feed.offer(part)
        elif (member := self._members.get(feeder)) and (to := self._members.get(receiver)):
            member.send("again", str(to.number), str(part))

    def heard(self, member: Member, words: list[str]) -> bool:
        """Whether these words were an answer that somebody here waits for."""
        match words:
            case ["allowed" | "notallowed" as verb, door] if door.isascii() and door.isdigit():
                key = ("door", member.number, int(door))
                answer = "" if verb == "allowed" else "its authorized_keys cannot be written"
            case ["linked" | "nolink" as verb, child, *why] if child.isascii() and child.isdigit():
                key = ("link", member.number, int(child))
                answer = "" if verb == "linked" else " ".join(why) or "no way"
            case _:
                return False
        if (future := self._waiting.get(key)) and not future.done():
            future.set_result(answer)
        return True

    async def close(self) -> None:
        """End all that was started here."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(feed.stop() for feed in self._feeds.values()), return_exceptions=True)

    def _start(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _detach(self, feeder: str, receiver: str) -> None:
        if feeder == HERE:
            if feed := self._feeds.pop(receiver, None):
                self._start(feed.stop())
        elif (member := self._members.get(feeder)) and (to := self._members.get(receiver)):
            member.send("stop", str(to.number))

    async def _from_here(self, receiver: str) -> None:
        member = self._members[receiver]
        assert member.ready
        order = self._swarm.attachment(receiver)
        if order.feeder != HERE:
            return
        feed = Feed(
            self._masters, member.node, member.ready.folder, self._packer.folder, order.first, frozenset(order.skip)
        )
        self._feeds[receiver] = feed
        for number in sorted(self._parts):
            feed.offer(number)
        feed.start(
            lambda why: self._tried(HERE, receiver, why),
            lambda name, part, why: self._failed(HERE, name, part, why) if why else None,
        )

    async def _between(self, feeder: str, receiver: str) -> None:
        one, other = self._members[feeder], self._members[receiver]
        assert one.ready
        assert other.ready
        self._doors += 1
        door = self._doors
        try:
            await one.offer_agent()
            algorithms, known, blob = other.host_key()
            one.agent.hosts.add(blob)
            other.send("allow", str(door), one.ready.address, one.agent.public, one.ready.speaks)
            if why := await self._answer("door", other.number, door, DOOR):
                raise Unfit(why)
            order = self._swarm.attachment(receiver)
            if order.feeder != feeder:
                return
            one.send("key", str(other.number), known)
            skip = ",".join(map(str, order.skip)) or "-"
            at = (other.ready.user, other.ready.address, str(other.ready.port))
            one.send("feed", str(other.number), *at, algorithms, str(order.first), skip)
            if why := await self._answer("link", one.number, other.number, LOGIN):
                raise Unfit(why)
            self._tried(feeder, receiver, "")
        except (Unfit, KeyError) as error:
            one.send("stop", str(other.number))
            self._tried(feeder, receiver, str(error) or "it is gone")
        finally:
            other.send("forbid", str(door))

    async def _answer(self, kind: str, number: int, which: int, seconds: float) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[kind, number, which] = future
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return f"no answer within {seconds:g} s"
        finally:
            if self._waiting.get((kind, number, which)) is future:
                del self._waiting[kind, number, which]
