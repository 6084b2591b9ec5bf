"""The exit statuses of every command but `check`, whose statuses are `model.State`'s."""

from __future__ import annotations

OK = 0
FAILED = 1
"""It failed somewhere; some node did not answer; something is invalid or missing."""
USAGE = 2
NOTHING = 3
"""The selection is empty."""
UNREACHABLE = 4
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
TERMINATED = 143
"""128 + SIGTERM."""
INTERNAL = 70
"""EX_SOFTWARE of sysexits.h: a defect of ours."""
