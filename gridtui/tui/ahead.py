"""Loads, once the first paint is done, what the first key will want: screens and the rooms that they show.

The first paint needs the fleet's screen alone. The rest takes as long again to import, so it is loaded in a thread meanwhile: keys are
answered in between, and a screen whose turn has not come is loaded by the key that opens it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from pkgutil import iter_modules

from . import screens


async def load() -> None:
    """Import every screen that there is, one after the other."""
    for module in iter_modules(screens.__path__, f"{screens.__name__}."):
        await asyncio.to_thread(import_module, module.name)
