"""Events in, a few messages out, and nothing lost."""

from __future__ import annotations

import asyncio

from textual.message import Message

from gridtui.model import Layer
from gridtui.tui.bridge import Bridge, Fresh

from .fake import FakeFleet


async def test_a_flood_becomes_few_messages_and_the_newest_status_is_known() -> None:
    fleet = FakeFleet(200)
    posted: list[Message] = []
    bridge = Bridge(fleet, posted.append)
    task = asyncio.create_task(bridge.run())
    try:
        while not posted:  # noqa: ASYNC110 - what is awaited is the very code that has no event for it
            await asyncio.sleep(0)
        for _ in range(5):
            fleet.advance(1)
            await asyncio.sleep(0.01)
        while any(  # noqa: ASYNC110
            bridge.status(name) != fleet.status(name) for name in fleet.nodes
        ):
            await asyncio.sleep(0.01)
        assert 1 <= len(posted) <= 4  # of 1,000 events
        assert all(isinstance(message, Fresh) for message in posted)
    finally:
        task.cancel()


async def test_only_what_is_more_than_numbers_counts_as_changed() -> None:
    fleet = FakeFleet(3)
    fleet.advance(1)
    posted: list[Message] = []
    bridge = Bridge(fleet, posted.append)
    task = asyncio.create_task(bridge.run())
    name = next(iter(fleet.nodes))

    async def news() -> bool:
        before = len(posted)
        while len(posted) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return bridge.take_changed()

    try:
        assert await news()  # the start itself
        assert not bridge.take_changed()
        fleet.advance(1)
        assert not await news()
        fleet.fail(name, Layer.TCP, "refused")
        assert await news()
        assert bridge.status(name).verdict.layer is Layer.TCP
        assert not bridge.take_changed()
    finally:
        task.cancel()
