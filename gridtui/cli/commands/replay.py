"""`gridtui replay`: the dashboard over a recording. Nothing of it reaches a node."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from .. import moments, recordings
from ..main import Context, run, verb
from .dashboard import need_terminal


@verb("replay", short_help="The dashboard over a recording.")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--at",
    metavar="TIME",
    help="Begin there: `2h` before the end, `14:30`, `2026-11-22T14:30`. Else ten minutes before the end.",
)
def command(context: Context, path: Path | None, at: str | None) -> int:
    """Show again what was recorded, in the dashboard: of FILE, which `gridtui history export` made, else of the inventory's nodes.

    `;` holds it, `,` and `.` step, `{` and `}` leap, `(` and `)` go to alarms, `+` and `-` change the speed.
    """
    need_terminal()
    path = recordings.recorded(context) if path is None else path
    # By name: the two faces must not know each other.
    tui, replays = (importlib.import_module(name) for name in ("gridtui.tui", "gridtui.tui.replay"))
    replay = replays.Replay(path, context.settings())
    replay.open()
    return run(_show(tui, replay, moments.moment(at or "10min", replay.until)))


async def _show(tui: Any, replay: Any, at: float) -> int:
    await replay.seek(at)
    app = tui.Dashboard(replay, "RECORDING")
    app.begins_with = replay
    status: int = await tui.serve(app)
    return status
