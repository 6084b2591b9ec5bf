"""Asks a person for a key's passphrase, where there is a person. Never keeps, logs or echoes what was typed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..fleet import Ask


def asking() -> Ask | None:
    """A function that asks on the terminal, or None where there is none (cron): encrypted keys are left out then."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _ask(question: str) -> str | None:
    import asyncio
    import getpass

    try:
        # The one thread of the command line: other nodes' logins go on while somebody types.
        return await asyncio.to_thread(getpass.getpass, f"{question}: ", sys.stderr) or None
    except (EOFError, OSError):
        return None
