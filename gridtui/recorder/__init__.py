"""The flight recorder: what was seen of the nodes, kept small, and read again. Owns the files under `history` of the state folder.

`Recorder` writes while nodes are watched, `Recording` reads, `Past` is what plots begin with. The room knows nothing of how nodes are watched.
"""

from __future__ import annotations

from .codes import RECORDED
from .exporting import export
from .past import Past
from .recorder import Recorder, Watched
from .recording import Recording, Series, Stretch
from .tape import path_for
from .tiers import STEP

__all__ = ["RECORDED", "STEP", "Past", "Recorder", "Recording", "Series", "Stretch", "Watched", "export", "path_for"]
