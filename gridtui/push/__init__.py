"""Data out to many nodes and back, with the real rsync over the system's ssh. Knows the parts below it, no other service, no face.

    plan = Plan(("site/",), "/srv/www", options=Options(delete=True))
    outcomes = await Run(plan, nodes, settings.ssh).finish()

asyncssh is loaded by SFTP alone, the fallback for nodes without rsync.
"""

from __future__ import annotations

from ..stopping import Stop
from . import guard, summary
from .model import FANOUT, TIMEOUT, WAIT, Direction, Ending, Options, Plan, Progress, Stage, Transfer
from .run import Run, Sftp
from .transfer import Told

__all__ = [
    "FANOUT",
    "TIMEOUT",
    "WAIT",
    "Direction",
    "Ending",
    "Options",
    "Plan",
    "Progress",
    "Run",
    "Sftp",
    "Stage",
    "Stop",
    "Told",
    "Transfer",
    "guard",
    "summary",
]
