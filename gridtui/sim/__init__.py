"""Simulated nodes that speak real SSH on loopback: the demo and the load for benchmarks.

Owns the simulated machines and their servers; imports `probes` for the frame format, and no other room. Nothing that a client sends is executed.

    async with sim.start_process(200, folder) as running:   # a process of its own, ended with the context
        Fleet.open([running.inventory])

`sim.serve(...)` does the same within the running loop. Only `serve` loads an SSH library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .process import Running, start_process

if TYPE_CHECKING:
    from .server import Simulation, serve

__all__ = ["Running", "Simulation", "serve", "start_process"]


def __getattr__(name: str) -> Any:
    if name in ("Simulation", "serve"):
        from . import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
