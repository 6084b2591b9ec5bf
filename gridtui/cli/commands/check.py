"""`gridtui check`: one health check, for cron and for monitoring systems."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import StateError
from .. import output
from ..main import Context, run, selecting, verb

FORMATS = ("text", "json", "nagios", "prometheus")
MAX_RUNTIME = 50.0
"""Seconds: under the minute at which cron starts the next one."""


@verb("check", short_help="One health check, for cron.")
@selecting
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to say it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", "file", type=click.Path(path_type=Path), help="Write there, by renaming a finished file.")
@click.option(
    "--warn", multiple=True, metavar="M=RANGE", help="Warn when metric M leaves RANGE: `disk=80`, `mem.free=8G:`."
)
@click.option("--crit", multiple=True, metavar="M=RANGE", help="The same, critical.")
@click.option("--quiet", is_flag=True, help="Say nothing when all is well.")
@click.option("--changed", is_flag=True, help="Tell only what changed since the run before.")
@click.option(
    "--max-runtime",
    type=click.FloatRange(1, 86400),
    default=MAX_RUNTIME,
    show_default=True,
    metavar="S",
    help="Seconds after which what has not answered is UNKNOWN.",
)
def command(
    context: Context,
    where: str,
    leave: str,
    form: str,
    as_json: bool,
    file: Path | None,
    warn: tuple[str, ...],
    crit: tuple[str, ...],
    quiet: bool,
    changed: bool,
    max_runtime: float,
) -> int:
    """Look at the selected nodes once and say whether they are well.

    Exits with 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, which includes wrong usage, a broken inventory and a run that another one
    locks out. A node is called down, and well again, at the second run in a row at the latest.

    For cron: `* * * * * gridtui check --changed` mails what changes, nodes that are well again among it.
    """
    from ... import health
    from ..formats import render
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    warning, critical = health.limits(warn, "--warn"), health.limits(crit, "--crit")
    done = 0

    def seen(_: object) -> None:
        nonlocal done
        done += 1
        output.progress(f"{done} nodes looked at")

    def problem(error: StateError) -> None:
        output.warning(f"{error}; the check goes on without it")

    report = run(
        fleet.check(where, leave, warn=warning, crit=critical, max_runtime=max_runtime, seen=seen, problem=problem)
    )
    output.progress("")
    text = render(
        "json" if as_json else form,
        report,
        fold=fleet.fold,
        **({} if file else {"paint": output.styled}),
        quiet=quiet,
        changed=changed,
    )
    if file:
        from ... import store

        store.write(file, text.encode(), mode=0o644)
    elif text:
        output.data(text)
    return int(report.state)
