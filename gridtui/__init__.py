"""gridtui: see, check and use a fleet of plain Linux machines over SSH.

The public API is loaded when it is first asked for, because `gridtui check` runs from cron every minute:

    from gridtui import Fleet

    async with Fleet.open(["inventory.yaml"]) as fleet:
        async for event in fleet.events():
            print(event)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fleet import Fleet as Fleet

__version__ = "0.1.0"

__all__ = ["Fleet", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Fleet":
        from .fleet import Fleet

        return Fleet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
