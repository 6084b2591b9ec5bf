"""Reading an inventory, and selecting nodes from it. This is the room's door: the rest of the program calls what is here.

PyYAML loads when a YAML file is read, ClusterShell when a node set has brackets or is folded.
"""

from __future__ import annotations

from .contents import Inventory, localhost
from .find import find
from .load import load, problems
from .secrets import public_vars

__all__ = ["Inventory", "find", "load", "localhost", "problems", "public_vars"]
