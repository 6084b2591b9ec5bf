"""The frame of the command line: global options, lazy commands, and the one place that turns errors into exit statuses."""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import GridtuiError, SelectionError, UsageError
from ..model import clean
from . import exits, output

if TYPE_CHECKING:
    from ..fleet import Fleet
    from ..settings import Settings

Body = TypeVar("Body", bound=Callable[..., Any])
Result = TypeVar("Result")

COMMANDS = {
    "ack": "Somebody knows of the alerts of some nodes.",
    "alerts": "What asks for somebody now.",
    "check": "One health check, for cron.",
    "demo": "The dashboard over simulated nodes and this machine.",
    "doctor": "What of this machine's set-up is missing, and how to mend it.",
    "events": "What happened to nodes, as it was recorded.",
    "exec": "A command on many nodes.",
    "facts": "Hardware, system and capabilities of each node.",
    "history": "What was recorded of nodes: states, values, recordings to give away.",
    "inventory": "Read, check and convert inventories.",
    "job": "Jobs on many nodes: queued, placed, sandboxed.",
    "playbook": "Ansible playbooks on many nodes.",
    "maintenance": "Nodes that are worked on are no alerts.",
    "ping": "An ICMP sweep with loss and round trips.",
    "posture": "How well each node is kept, and what mends it.",
    "provision": "Bare machines become grid nodes.",
    "pull": "Files from many nodes, each into a folder of its own.",
    "push": "Files to many nodes.",
    "replay": "The dashboard over a recording.",
    "silence": "No alerts from some nodes, for a while.",
}
"""Name to one line: listed without importing any of them."""


@dataclass(slots=True)
class Context:
    """What the global options say."""

    sources: tuple[Path, ...] = ()
    config: Path | None = None
    host_keys: str | None = None
    read_only: bool = False
    verbosity: int = 0

    def settings(self) -> Settings:
        """The settings file, read, with what the command line says above it."""
        from ..settings import load

        settings = load(self.config)
        if self.host_keys:
            settings = replace(settings, ssh=replace(settings.ssh, host_keys=self.host_keys))
        if self.read_only:
            settings = replace(settings, guard=replace(settings.guard, read_only=True))
        return settings

    def fleet(self, **options: Any) -> Fleet:
        """The inventory, opened, with its warnings told."""
        from ..fleet import Fleet

        fleet = Fleet.open(self.sources, self.settings(), **options)
        fleet.note = lambda node, text: output.note(clean(f"{node}: {text}"))
        for text in fleet.inventory.warnings:
            output.warning(text)
        return fleet


class ReaderGone(Exception):
    """Who read standard output (`head`) has had enough."""


class Commands(click.Group):
    """Loads a command's module when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None  # click would make an exit status of its own of it

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f".commands.{cmd_name}", __package__).command
        name_variables(command, f"GRIDTUI_{cmd_name.upper()}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f"; did you mean `{near[0]}`?" if near else "; `gridtui --help` lists them"
            raise click.UsageError(f"there is no command `{name}`{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


def _sources(ctx: click.Context, _: click.Parameter, value: tuple[Path, ...]) -> None:
    if value:
        ctx.ensure_object(Context).sources += value


def _verbosity(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Context).verbosity += value


def _common(function: Body) -> Body:
    """`-i` and `-v`: accepted before the command and after it, since people type them in both places."""
    for option in (
        click.option(
            "-i",
            "--inventory",
            type=click.Path(path_type=Path),
            multiple=True,
            expose_value=False,
            callback=_sources,
            allow_from_autoenv=False,  # `inventory.find` reads its variable, once for both places
            help="An Ansible inventory; may be given more than once.",
        ),
        click.option(
            "-v",
            "--verbose",
            count=True,
            expose_value=False,
            callback=_verbosity,
            help="Show the evidence behind an error; twice for the traceback.",
        ),
    ):
        function = option(function)
    return function


def verb(
    name: str, short_help: str, kind: type[click.Command] = click.Command
) -> Callable[[Callable[..., int]], click.Command]:
    """Decorate a function as a command: `-i` and `-v` too, and the `Context` as its first argument. It gives the exit status."""

    def decorate(function: Callable[..., int]) -> click.Command:
        return click.command(name, kind, short_help=short_help)(_common(click.pass_obj(function)))

    return decorate


def name_variables(command: click.Command, prefix: str) -> None:
    """Give each option the variable that is named as the option is: `check --format` has `GRIDTUI_CHECK_FORMAT`."""
    for option in command.params:
        if isinstance(option, click.Option) and option.allow_from_autoenv and not option.is_eager:
            option.envvar = f"{prefix}_{max(option.opts, key=len).lstrip('-').replace('-', '_').upper()}"
    if isinstance(command, click.Group) and not isinstance(command, Commands):
        for name, part in command.commands.items():
            name_variables(part, f"{prefix}_{name.upper()}")


def _given(_: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """An option that was not given is no selection; one that was given and is empty is a mistake (`-w "$UNSET"`), not all nodes."""
    if value is not None and not value.strip():
        raise click.BadParameter(f"the selection of {parameter.opts[0]} is empty; `@*` selects all nodes")
    return value or ""


def selecting(function: Body) -> Body:
    """`-w` and `-x`, the same for every command."""
    function = click.option(
        "-x", "--except", "leave", metavar="SEL", callback=_given, help="Leave these out: a selection, as for -w."
    )(function)
    return click.option(
        "-w",
        "--where",
        metavar="SEL",
        callback=_given,
        help="Only these nodes: `web[01-20]`, `@group`, `load<0.5 & @render ! state=down`.",
    )(function)


as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command, the dashboard opens.",
)
@_common
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The settings file (TOML).")
@click.option(
    "--host-keys",
    type=click.Choice(("strict", "accept-new")),
    help="`accept-new` pins the key of a node that was never seen; a changed key is refused all the same.",
)
@click.option("--read-only", is_flag=True, help="Refuse what may change a node: commands and data.")
@click.version_option(package_name="gridtui", message="gridtui %(version)s")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, host_keys: str | None, read_only: bool) -> None:
    """See, check and use a fleet of plain Linux machines over SSH. Nothing is installed on them."""
    context = ctx.ensure_object(Context)
    context.config = config
    context.host_keys = host_keys
    context.read_only = read_only
    if ctx.invoked_subcommand is None:
        from .commands.dashboard import dashboard

        ctx.exit(dashboard(context))


name_variables(cli, "GRIDTUI")


def main(words: Sequence[str]) -> int:
    """Run one command line. Returns the exit status; prints every error, in one line."""
    signal.signal(signal.SIGTERM, _terminated)
    _open_streams()
    context = Context()
    checking = _is_check(words)
    try:
        status = cli.main(args=list(words), prog_name="gridtui", standalone_mode=False, obj=context)
        sys.stdout.flush()
        return status if isinstance(status, int) else exits.OK
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as problem:
        usage = UsageError(_sentence(problem), hint=_usage_hint(problem))
        return _failed(usage, context, checking, exits.USAGE)
    except (SelectionError, UsageError) as problem:
        return _failed(problem, context, checking, exits.USAGE)
    except GridtuiError as problem:
        return _failed(problem, context, checking, exits.FAILED)
    except (KeyboardInterrupt, click.Abort):
        output.progress("")
        return 3 if checking else exits.INTERRUPTED
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else exits.FAILED
    except (BrokenPipeError, ReaderGone):
        # Keep the interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 3 if checking else exits.OK
    except Exception as problem:
        output.defect(problem, context.verbosity)
        return 3 if checking else exits.INTERNAL


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on an event loop of its own. Imported here, so that `--help` does not wait for it."""
    import asyncio

    terminated = False

    async def main() -> Result:
        task = asyncio.current_task()

        def end() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        # As asyncio does with SIGINT: an exception in the middle of whatever runs would leave tasks that never end.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if terminated:
            raise SystemExit(exits.TERMINATED) from None
        raise
    except ExceptionGroup as group:  # what ended a task ended its siblings, too: it is the error that is meant
        _, defects = group.split(GridtuiError)
        if defects:
            raise
        problem: Exception = group
        while isinstance(problem, ExceptionGroup):
            problem = problem.exceptions[0]
        raise problem from None
    finally:
        signal.signal(signal.SIGTERM, _terminated)


def _failed(problem: GridtuiError, context: Context, checking: bool, status: int) -> int:
    """Tell the error; for `check` on standard output too, where a monitoring system reads, as UNKNOWN."""
    if checking:
        output.data(f"UNKNOWN: {output.sentence(problem).replace('|', '¦')}")
        if context.verbosity:
            output.error(problem, context.verbosity)
        return 3
    output.error(problem, context.verbosity)
    return status


def _is_check(words: Sequence[str]) -> bool:
    """Whether the command exits as `check` does: its wrong usage is UNKNOWN (3), by the monitoring-plugins guidelines."""
    takes_value = {"-i", "--inventory", "-c", "--config", "--host-keys"}
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in takes_value:
            skip = True
        elif not word.startswith("-"):
            return word in ("check", "alerts")
    return False


def _sentence(problem: click.ClickException) -> str:
    text = problem.format_message().rstrip(".")
    return text[:1].lower() + text[1:]


def _usage_hint(problem: click.ClickException) -> str:
    if isinstance(problem, click.UsageError) and problem.ctx is not None and "--help" not in problem.message:
        return f"see `{problem.ctx.command_path} --help`"
    return ""


def _open_streams() -> None:
    """Give a program that was started without standard streams (`<&-`) empty ones, and no socket their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # for the life of the process


def _terminated(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
