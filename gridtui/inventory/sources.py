"""Where the inventory is. Owns the order of the places that are looked at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .. import settings


def find(paths: Sequence[Path] = ()) -> list[Path]:
    """The sources to read: the first of `paths` (`-i`), `$GRIDTUI_INVENTORY`, `./inventory.yaml`, `inventory.yaml` in the
    configuration folder. Empty when there is none: then it is `localhost()`.

    What was named is not looked for: when it is missing, loading it says so. The variable may name several, divided by `:`.
    """
    if paths:
        return [Path(path).expanduser() for path in paths]
    if named := os.environ.get("GRIDTUI_INVENTORY"):
        return [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    for candidate in (Path("inventory.yaml"), settings.config_folder() / "inventory.yaml"):
        if candidate.is_file():
            return [candidate]
    return []
