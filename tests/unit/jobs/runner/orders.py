"""Orders, and the plainest launcher there can be: what a sandbox gives the keeper, without a sandbox."""

from __future__ import annotations

import itertools
from typing import Any

from gridtui.jobs.model import JobId, Key, Order, Spec

QUEUE = "0123abcd"

LAUNCHER = """\
launch() { cd "$work" && echo began >"$job/began" && exec setsid /bin/sh "$job/cmd" </dev/null; }
signal() { [ "$pid" ] && kill -s "$1" -- "-$pid" 2>/dev/null; }
weight() { printf '%s\\n' "$1" >>"$job/weights"; }
freeze() { signal STOP; }
thaw() { signal CONT; }
usage() { :; }
oom() { return 1; }
began() { [ -s "$job/began" ]; }
sweep() { signal KILL; }
"""

_numbers = itertools.count(1)


def order(
    command: str = "true", *, key: Key | None = None, item: str = "", index: int | None = None, **values: Any
) -> Order:
    """An order with a key that no other has."""
    return Order(key or Key(QUEUE, JobId(next(_numbers), index), 1), Spec(command, **values), item=item, node="here")
