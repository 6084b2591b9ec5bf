"""`gridtui` without a command: the dashboard. The command line's one door to Textual."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import TYPE_CHECKING

from ...errors import UsageError
from .. import output
from ..main import run

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ..main import Context


def dashboard(context: Context) -> int:
    """Open the dashboard over the inventory."""
    need_terminal()
    fleet = context.fleet()
    if not fleet.inventory.sources:
        output.note("no inventory found: showing this machine alone; see `gridtui doctor`")
    return run(show(fleet))


def need_terminal() -> None:
    """Raises UsageError where there is nobody to look."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # Textual draws on standard error
        raise UsageError("the dashboard needs a terminal", hint="`gridtui check` and `gridtui ping` do not")


async def show(fleet: Fleet, banner: str = "") -> int:
    """The dashboard over `fleet`, until it is left; then the fleet is closed. Gives the exit status."""
    gc.disable()  # as `tui.litter` does until the first paint, and gives it back
    tui = importlib.import_module("gridtui.tui")  # by name: the two faces must not know each other
    status: int = await tui.serve(tui.Dashboard(fleet, banner))
    return status
