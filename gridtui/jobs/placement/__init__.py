"""Which job goes to which node, and why. Owns the rules: what a node offers, whose turn it is, when a node counts as idle.

Pure: statuses, shares and submissions in, placements and reasons out. Opens nothing, asks nobody, keeps no clock.
"""

from .explaining import Why, explain, summary
from .grid import Match, Sizes
from .idle import may_start
from .offers import Offer, OfferedGpu, Owner, Share, offer
from .order import weight
from .planning import Planner, plan
from .trace import Trace

__all__ = [
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
    "summary",
    "weight",
]
