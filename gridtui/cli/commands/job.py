"""`gridtui job`: jobs on many nodes. Owns the list of verbs; what they do is in `cli/jobs/`."""

from __future__ import annotations

import difflib
import importlib

import click

from .. import exits, output
from ..main import name_variables

VERBS = {
    "submit": ("submitting", "Jobs into the queue: a command, a script, or a file that describes them."),
    "list": ("listing", "What waits, what runs, and what ended of late."),
    "show": ("showing", "All that is known of a job."),
    "explain": ("showing", "Why a job goes to a node, or not: each node's part."),
    "logs": ("logs", "What a job wrote."),
    "wait": ("waiting", "Wait until jobs have ended."),
    "cancel": ("changing", "End jobs."),
    "retry": ("changing", "Queue jobs again that failed, were lost or cancelled."),
    "hold": ("changing", "Keep jobs from starting; stop those that run where they stand."),
    "release": ("changing", "Let held jobs start, and go on."),
    "priority": ("changing", "Let jobs go before others of yours, or after them."),
    "drain": ("nodes", "Give nodes no more jobs."),
    "undrain": ("nodes", "Give nodes jobs again."),
    "nodes": ("nodes", "What jobs hold of each node, and which nodes get none."),
    "usage": ("nodes", "CPUs that jobs held over time."),
    "dispatch": ("dispatching", "Place and start jobs, and fetch what they made, until stopped."),
}
"""Verb to module and one line, in the order of the help."""


class Verbs(click.Group):
    """Loads a verb's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"...jobs.{VERBS[cmd_name][0]}", __name__)
        found: click.Command = getattr(module, f"{cmd_name}_command")
        name_variables(found, f"GRIDTUI_JOB_{cmd_name.upper()}")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS:
            near = difflib.get_close_matches(name, VERBS, 1)
            hint = f"; did you mean `{near[0]}`?" if near else "; `gridtui job --help` lists them"
            raise click.UsageError(f"`gridtui job` has no `{name}`{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group("job", cls=Verbs, short_help="Jobs on many nodes.", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Jobs on many nodes: queued here, placed by what nodes can do and do now, sandboxed, and run there whatever happens here.

    `gridtui job submit -- COMMAND` gives a job's number; `gridtui job wait`, `gridtui job dispatch` or the dashboard dispatch.
    """
    if ctx.invoked_subcommand is None:
        output.note(ctx.get_help())
        ctx.exit(exits.USAGE)
