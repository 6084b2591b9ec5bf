"""Which job goes to which node, and why. Owns the rules: what a node offers, whose turn it is, when a node counts as idle.

Pure: statuses, shares and submissions in, placements and reasons out. Opens nothing, asks nobody, keeps no clock.
"""

from .affinity import Sizes
from .explaining import Kept, Why, explain, waiting
from .grid import Match
from .idle import may_start
from .offers import STALE, YET, Offer, OfferedGpu, Owner, Share, offer
from .planning import Planner, plan
from .trace import Trace
from .weight import weight

__all__ = [
    "STALE",
    "YET",
    "Kept",
    "Match",
    "Offer",
    "OfferedGpu",
    "Owner",
    "Planner",
    "Share",
    "Sizes",
    "Trace",
    "Why",
    "explain",
    "may_start",
    "offer",
    "plan",
    "waiting",
    "weight",
]
