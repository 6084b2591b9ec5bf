"""The queue: what was submitted, where each job stands, and every attempt. docs/QUEUE.md tells how it works.

Owns `queue.db` in the state folder, the fence, the dispatcher's lease and its wake-up call. Knows no node, no engine and no network.
"""

from __future__ import annotations

from .lease import Holder
from .model import Awaited, Placed, Progress, Standing, Taken
from .queue import Queue
from .wake import Waker

__all__ = ["Awaited", "Holder", "Placed", "Progress", "Queue", "Standing", "Taken", "Waker"]
