"""Reading an inventory, and selecting nodes from it. This is the room's door: the rest of the program calls what is here.

PyYAML loads when a YAML file is read, ClusterShell when a node set has brackets or is folded.
"""

from __future__ import annotations

from pathlib import Path

from .contents import Inventory, inventory_of, localhost
from .fields import Need
from .language import Matcher, Selection, select, selection
from .names import fold
from .reading import load, problems
from .secrets import public_vars
from .sources import find

__all__ = [
    "Inventory",
    "Matcher",
    "Need",
    "Selection",
    "find",
    "fold",
    "inventory_of",
    "load",
    "localhost",
    "problems",
    "public_vars",
    "select",
    "selection",
    "ssh_import",
]


def ssh_import(config: Path | None = None, known_hosts: Path | None = None) -> str:
    """An inventory, as YAML text, of the hosts in an ssh_config and a known_hosts file. Raises InventoryError.

    None is the user's own file, which may be missing.
    """
    from . import from_ssh

    return from_ssh.import_hosts(config, known_hosts)
