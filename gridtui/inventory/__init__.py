"""Reading an inventory, and selecting nodes from it. This is the room's door: the rest of the program calls what is here.

PyYAML loads when a YAML file is read, ClusterShell when a node set has brackets or is folded.
"""

from __future__ import annotations

from .contents import Inventory, localhost
from .fields import Need
from .find import find
from .load import load, problems
from .names import fold
from .secrets import public_vars
from .selection import Matcher, Selection, select

__all__ = [
    "Inventory",
    "Matcher",
    "Need",
    "Selection",
    "find",
    "fold",
    "load",
    "localhost",
    "problems",
    "public_vars",
    "select",
]
