"""Asks a person for a key's passphrase, where there is a person: one question at a time, while other nodes' logins go on."""

from __future__ import annotations

import asyncio
import sys

from ..fleet import Ask
from . import asking as person


def asking() -> Ask | None:
    """A function that asks on the terminal, or None where there is none (cron): encrypted keys are left out then."""
    if not (sys.stdin.isatty() and person.terminal()):
        return None
    turn = asyncio.Lock()

    async def ask(question: str) -> str | None:
        async with turn:
            return await person.secret(question)

    return ask
