"""What `ack`, `silence` and `maintenance` share: whom it is for, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError
from ..model import Hush, Mute
from . import exits, output
from .main import Context, as_json, run

if TYPE_CHECKING:
    from ..fleet import Fleet

Body = TypeVar("Body", bound=Callable[..., Any])


def saying(function: Body) -> Body:
    """SEL, `--why`, `--end`, `--json`."""
    for option in (
        as_json,
        click.option("--end", is_flag=True, help="Take it back."),
        click.option("--why", default="", metavar="TEXT", help="For those who ask why."),
        click.argument("selection", nargs=-1, required=True, metavar="SEL"),
    ):
        function = option(function)
    return function


def for_how_long(text: str | None) -> float | None:
    """Seconds. Raises UsageError."""
    from ..jobs.spec.amounts import positive_span

    return None if text is None else positive_span(text)


def opened(context: Context, selection: Sequence[str]) -> tuple[Fleet, str]:
    """The fleet, and whom it is for as one selection. Raises UsageError."""
    where = ",".join(selection)
    if not where.strip():
        raise UsageError("the selection is empty", hint="`@*` selects all nodes")
    fleet = context.fleet()
    fleet.allow_changes()
    return fleet, where


def hush(
    context: Context, selection: Sequence[str], hush: Hush, seconds: float | None, why: str, end: bool, as_json: bool
) -> int:
    """Say it of the nodes, or take it back."""
    fleet, where = opened(context, selection)
    names = run(fleet.choose(where))
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    if end:
        return taken_back(fleet, names, hush, as_json)
    return told(fleet, names, run(fleet.mute(names, hush, seconds=seconds, why=why)), as_json)


def taken_back(fleet: Fleet, names: Sequence[str], hush: Hush, as_json: bool) -> int:
    """Take it back."""
    mutes = run(fleet.unmute(names, hush))
    if as_json:
        output.document(_document(mutes, []), ascii_only=True)
    elif mutes:
        output.note(f"{fleet.fold(mute.node for mute in mutes)}: no longer {_word(hush)}")
    left = [name for name in names if name not in {mute.node for mute in mutes}]
    if left:
        output.note(f"{fleet.fold(left)}: not {_word(hush)}")
    return exits.OK if mutes else exits.FAILED


def told(fleet: Fleet, names: Sequence[str], mutes: Sequence[Mute], as_json: bool) -> int:
    """What was said."""
    from ..health import mute_text

    said = {mute.node for mute in mutes}
    left = [name for name in names if name not in said]
    if as_json:
        output.document(_document(mutes, left), ascii_only=True)
    elif mutes:
        output.note(f"{fleet.fold(said)}: {mute_text(mutes[0])}")
    if left:
        output.note(f"{fleet.fold(left)}: no alert that could be acknowledged")
    return exits.OK if mutes else exits.FAILED


def _word(hush: Hush) -> str:
    return "in maintenance" if hush is Hush.MAINTENANCE else hush.value


def _document(mutes: Sequence[Mute], left: Sequence[str]) -> dict[str, Any]:
    from .formats.document import mute

    return {"schema": 1, "said": [{"name": one.node, **(mute(one) or {})} for one in mutes], "left": list(left)}
