"""What runs jobs. Owns how an engine is found: by its name, among the entry points of every installed package."""

from __future__ import annotations

from importlib.metadata import entry_points

from ...errors import UsageError
from .protocol import Engine, Ground, Nodes

GROUP = "gridtui.engines"
"""Entry points there are callables that take `Nodes` (a Fleet is one) and a queue's id, and give an Engine."""

__all__ = ["GROUP", "Engine", "Ground", "Nodes", "make"]


def make(name: str, nodes: Nodes, queue: str = "") -> Engine:
    """The engine of that name, which tells of the attempts of `queue` by itself; empty for who only reads.

    Raises UsageError where there is none, or it cannot be loaded."""
    if name == "ssh":  # ours: found in a checkout that was never installed, too
        from .ssh import SshEngine

        return SshEngine(nodes, queue)
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(
            f"there is no engine {name!r} for jobs",
            hint=f"jobs.engine in the settings is one of {', '.join(sorted({'ssh', *found}))}",
        )
    try:
        engine: Engine = found[name].load()(nodes, queue)
    except Exception as error:  # whatever a foreign package raises
        raise UsageError(f"the engine {name!r} ({found[name].value}) cannot be loaded: {error}") from error
    return engine
