"""What outlives a run: the state folder, whole files written at once, and locks. Owns the disk; knows no meaning.

Everything here raises StateError (LockedError for a lock that is held), in one line with a hint.
"""

from __future__ import annotations

from .files import folder, read_json, write, write_json
from .locks import lock

__all__ = ["folder", "lock", "read_json", "write", "write_json"]
