"""The engine that other tests use passes the contract, too: else they would show nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .engines import Bench, EngineContract
from .memory import World, engine


class TestMemory(EngineContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        world = World(tmp_path / "world", ["n1"])

        def away(gone: bool) -> None:
            world.machines["n1"].reachable = not gone

        yield Bench(lambda: engine(world), "n1", away)
        await world.close()
