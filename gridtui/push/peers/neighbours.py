"""How far it is from node to node: the time to each other's SSH port. Owns who knocks where and what the answers mean."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Sequence

from .chains import Trips
from .member import Member

SECONDS = 4.0
"""For all to measure; what has not answered by then was not tried."""
NEAR = 2
"""Neighbours by address, on either side, to which a node measures its way where there are many."""
FEW = 4
"""Up to here each measures the way to all: a knock costs the one who opens more than the one who knocks."""


async def measure(
    members: Sequence[Member], events: asyncio.Queue[tuple[Member, list[str]]], gone: Callable[[Member, str], None]
) -> Trips:
    """Round trips between neighbours, in seconds. `events` brings what nodes say; `gone` hears who was lost meanwhile."""
    trips: dict[tuple[str, str], float | None] = {}
    by_number = {str(member.number): member for member in members}
    asked = set()
    for member, other in _pairs(sorted(members, key=_address)):
        assert other.ready
        member.send("reach", str(other.number), other.ready.address, str(other.ready.port))
        asked.add((member.name, other.name))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while asked:
                member, words = await events.get()
                match words:
                    case ["trip", number, took] if to := by_number.get(number):
                        pair = (member.name, to.name)
                        if pair in asked:
                            asked.discard(pair)
                            if took == "none":
                                trips[pair] = None
                            elif took.isascii() and took.isdigit() and len(took) < 10:
                                trips[pair] = int(took) / 1e6
                    case ["lost", *why]:
                        asked = {pair for pair in asked if pair[0] != member.name}
                        gone(member, " ".join(why))
    return trips


def _pairs(members: Sequence[Member]) -> list[tuple[Member, Member]]:
    if len(members) <= FEW:
        return [(one, other) for one in members for other in members if one is not other]
    steps = [step for step in range(-NEAR, NEAR + 1) if step]
    around = [(one, members[(place + step) % len(members)]) for place, one in enumerate(members) for step in steps]
    return [(one, other) for one, other in dict.fromkeys(around) if one is not other]


def _address(member: Member) -> tuple[int, bytes]:
    assert member.ready
    address = ipaddress.ip_address(member.ready.address)
    return address.version, address.packed
