"""A command on many nodes, over the pool's connections. Knows the parts below it, no other service, no face.

    run = Run(Task("uname -r"), nodes, pool, Plan())
    outcomes = await run.finish()

asyncssh is not loaded here, but by the pool when it connects.
"""

from __future__ import annotations

from ..stopping import Stop
from . import log, summary
from .execution import OnLines, Stream
from .gathering import Group, compare, gather
from .lines import block, harmless, text
from .plan import FANOUT, Amount, Plan, amount, batches
from .run import Run
from .task import LIMIT, Ending, Outcome, Task, joined

__all__ = [
    "FANOUT",
    "LIMIT",
    "Amount",
    "Ending",
    "Group",
    "OnLines",
    "Outcome",
    "Plan",
    "Run",
    "Stop",
    "Stream",
    "Task",
    "amount",
    "batches",
    "block",
    "compare",
    "gather",
    "harmless",
    "joined",
    "log",
    "summary",
    "text",
]
