"""Confirming a guarded change where root is reached through su: a fresh login over a TCP connection of its own, then the guard. Blocking.

`gridtui.playbooks` confirms as root or through sudo. A login that has neither is provisioned through su, which only the contact can talk to.
"""

from __future__ import annotations

from ..errors import Evidence, GridtuiError
from ..model import clean
from ..ssh import quote
from . import bare
from .contact import connect
from .ready import GUARD
from .root import Root
from .steps import StepError, Visit

_TIMEOUT = 40.0


def confirm(visit: Visit, change: str) -> GridtuiError | None:
    """Log in anew and keep the change, if one is armed there. Why it was not kept, or None; the node takes it back by itself then."""
    assert visit.root
    keep = f"[ -x {GUARD} ] || exit 0; {GUARD} status | grep -qF {quote(f'{change} ')} || exit 0; exec {GUARD} confirm {quote(change)}"
    try:
        with connect(visit.node, key=visit.key, settings=visit.settings, jumps=visit.jumps) as fresh:
            done = Root(fresh, visit.root.method, visit.root.secret).run(keep, timeout=_TIMEOUT, limit=65536)
            if done.exit_status:
                said = bare.last_line(done.stderr) or f"exit status {done.exit_status}"
                return StepError(
                    f"{fresh.where}: the change could not be confirmed: {said}",
                    hint="the node takes it back by itself",
                    evidence=Evidence(exit_status=done.exit_status, stderr=clean(done.stderr[-2000:])),
                )
    except GridtuiError as error:
        return error
    return None
