"""How a job is kept apart from its node: the shell text that starts it within a level, and ends, freezes and measures it.

One module and one piece of shell a level (`plain`, `bwrap`, `systemd`, `container`); `offers` is what a node can give, `limits` what a
job may use. Must not know the queue, the placement, or how the keeper (jobs/runner) gets the text.
"""

from __future__ import annotations

from ..model import Level, Order
from . import bwrap, container, plain, systemd
from .offers import Offered, parse, reached
from .probe import probe

__all__ = ["PROBE", "Offered", "parse", "reached", "shell"]

PROBE = probe()
"""Shell text that tries each level: run it once a boot, and keep what it prints as the file `levels`."""
_LEVELS = {
    Level.PLAIN: plain.shell,
    Level.BWRAP: bwrap.shell,
    Level.SYSTEMD: systemd.shell,
    Level.CONTAINER: container.shell,
}


def shell(order: Order, level: Level) -> str:
    """The functions that the keeper sources to run this attempt at this level; POSIX sh, below 16 kB but for long commands of mounts.

    Given by the keeper: `$job`, `$work`, `$unit`, and `$pid` (of the subshell that runs `launch`) once it is known. Defined here: `launch`,
    `began`, `signal`, `freeze`, `thaw`, `weight`, `usage`, `oom`, `sweep`, as docs/JOB_SANDBOX.md says. Other names begin with `box_`.
    """
    return _LEVELS[level](order)
