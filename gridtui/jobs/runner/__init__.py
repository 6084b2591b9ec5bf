"""The runner: a POSIX shell script on the node, its spool, and how we talk with it (docs/RUNNER.md).

`Runner.open` installs the script where it is not there and starts one channel on an open connection. All that outlives the channel
is the node's: keepers hold attempts, the spool holds what they told.
"""

from __future__ import annotations

from .runner import Runner
from .script import VERSION, script
from .wire import Greeting

__all__ = ["VERSION", "Greeting", "Runner", "script"]
