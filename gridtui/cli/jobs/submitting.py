"""`gridtui job submit`: options, a script or a file become submissions. The fields themselves are `jobs.spec`'s."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from ...errors import GridtuiError, SelectionError, SpecError, UsageError
from ...jobs.model import JobId
from ...jobs.spec import document, script, words
from ...jobs.spec.fields import FIELDS, IDLE, Field, Shape
from ...jobs.spec.submission import Submission, build, idle, items
from .. import exits, output
from ..main import Context, as_json, run, verb

if TYPE_CHECKING:
    from ...fleet import Fleet

Body = TypeVar("Body", bound=Callable[..., Any])

_COMMAND = "\0"
"""Stands before the words of a command that came after `--`; no argument of a process can hold it."""
_MOST_INPUT = 64 << 20
"""Bytes of standard input."""


class Submit(click.Command):
    """Knows a command (`-- COMMAND...`) from a script (`SCRIPT`), and reads the options that a script says of itself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args = [*args[: at + 1], _COMMAND, *args[at + 1 :]]
        found, _, _ = self.make_parser(ctx).parse_args(list(args))
        given = found.get("args")
        first = given[0] if isinstance(given, list | tuple) and given else _COMMAND
        if first != _COMMAND and "file" not in found and Path(first).is_file():
            args = [*self._options(Path(first)), *args]
        return super().parse_args(ctx, args)

    def _options(self, path: Path) -> list[str]:
        """The words of a script's `#GRIDTUI` lines, each line looked at by itself: an error says which. Raises SpecError."""
        found: list[str] = []
        for line, said in script.options(script.read(path), str(path)):
            try:
                with click.Context(self, info_name=self.name, obj=Context()) as probe:
                    super().parse_args(probe, list(said))
                    if probe.params["args"] or probe.params["file"]:
                        raise click.UsageError("a script says options of its own, and nothing else")
            except click.exceptions.Exit:
                raise SpecError("this is for people to ask", file=str(path), line=line) from None
            except (click.ClickException, SelectionError) as error:
                text = error.format_message() if isinstance(error, click.ClickException) else str(error)
                raise SpecError(text[:1].lower() + text[1:].rstrip("."), file=str(path), line=line) from None
            found += said
        return found


def _reader(field: Field) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Reads an option's text or texts as the field does."""

    def read(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if value is None or field.shape is Shape.FLAG:
            return value
        try:
            if field.shape is Shape.ONE:
                return field.read(value, Path.cwd())
            found = [field.read(text, Path.cwd()) for text in value]
        except UsageError as error:
            raise click.BadParameter(str(error), ctx, param) from None
        return tuple(found)

    return read


def _options(fields: Mapping[str, Field], prefix: str = "") -> Callable[[Body], Body]:
    """An option for each field."""

    def decorate(function: Body) -> Body:
        for field in reversed([*fields.values()]):
            flag = f"--{prefix}{field.option or field.key}"
            names = [flag, "-w"] if flag == "--where" else [flag]
            kind: dict[str, Any] = {"is_flag": True} if field.shape is Shape.FLAG else {"metavar": field.metavar}
            if field.shape in (Shape.MANY, Shape.PAIRS):
                kind["multiple"] = True
            name = f"{prefix.replace('-', '_')}{field.value}"
            function = click.option(*names, name, help=field.help, callback=_reader(field), **kind)(function)
        return function

    return decorate


@verb("submit", short_help="Jobs into the queue: a command, a script, or a file that describes them.", kind=Submit)
@click.option("-f", "--file", metavar="FILE", help="Jobs that a YAML file describes; `-` is standard input.")
@_options(FIELDS)
@click.option("--each", metavar="FILE", help="An array: one job for each line; `-` is standard input.")
@click.option("--idle", "gives_way", is_flag=True, help="Only where nobody works; give way when the owner comes back.")
@_options(IDLE, "idle-")
@click.option("--wait", is_flag=True, help="Wait until they have ended, as `gridtui job wait`.")
@as_json
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT | -- COMMAND...")
def submit_command(
    context: Context,
    file: str | None,
    each: str | None,
    gives_way: bool,
    wait: bool,
    as_json: bool,
    args: Sequence[str],
    **values: Any,
) -> int:
    """Put a job into the queue and print its number.

    COMMAND is text for a shell, as with `gridtui exec`: several words are joined with blanks. In an array it has $GRIDTUI_INDEX, and the line of --each as $GRIDTUI_ITEM. A SCRIPT begins with `#!`, goes along as it is now, and may say options of its own in lines `#GRIDTUI --cpus 4`; what the command line says stands above them.

    Exits with 0, with --wait as `gridtui job wait`. --json with --wait gives the jobs as they ended.
    """
    if file is not None:
        _alone(click.get_current_context(), args)
        submissions = _described(file)
    else:
        submissions = [_single(args, each, gives_way, values)]
    from ..passphrases import asking

    fleet = context.fleet(ask=asking() if wait else None)
    fleet.allow_changes()
    return run(_submit(fleet, submissions, wait, as_json))


submit_command.allow_interspersed_args = False
"""After the first word of COMMAND all is COMMAND's."""


def _alone(ctx: click.Context, args: Sequence[str]) -> None:
    """With a file there is nothing else to say of the jobs."""
    given = [
        param.opts[0]
        for param in ctx.command.params
        if isinstance(param, click.Option)
        and param.name not in ("file", "wait", "as_json")
        and param.expose_value
        and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]
    if args or given:
        what = f"{given[0]} is" if given else "a command is"
        raise UsageError(
            f"{what} for a single job, and -f describes jobs", hint="say it in the file, under `defaults:`"
        )


def _described(file: str) -> list[Submission]:
    try:
        if file != "-":
            return document.read(Path(file))
        content = _standard_input(document.LONGEST)
        return document.parse_yaml(document.decoded(content, "<stdin>"), "<stdin>", Path.cwd())
    except SpecError as error:
        for other in reversed(error.others):
            output.error(other)
        raise


def _standard_input(most: int) -> bytes:
    if sys.stdin.isatty():
        output.note("reading from the terminal; Ctrl-D ends it")
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        raise UsageError(f"standard input is over {most >> 20} MB")
    return content


def _single(args: Sequence[str], each: str | None, gives_way: bool, values: dict[str, Any]) -> Submission:
    """One submission, of options and a command or a script."""
    command, suggested = _body(args)
    given = {name: value for name, value in values.items() if not name.startswith("idle_")}
    details = {name.removeprefix("idle_"): value for name, value in values.items() if name.startswith("idle_")}
    for field in FIELDS.values():
        if field.shape is Shape.PAIRS:
            given[field.value] = dict(given[field.value])
    given["after"] = tuple(one for several in given["after"] for one in several)
    given["name"] = given["name"] or suggested
    if gives_way or any(value not in (None, False) for value in details.values()):
        given["idle"] = idle(details)
    if each is not None:
        given["each"] = _items(each)
    found = build(command, given, Path.cwd())
    _left_behind(args, found)
    return found


def _left_behind(args: Sequence[str], found: Submission) -> None:
    """Say it where a command names a file of this folder that nobody sends along: a common slip."""
    first = args[1].split()[:1] if args[0] == _COMMAND else []
    for word in first:
        name = word.removeprefix("./")
        sent = any(name == one.name or name.startswith(f"{one.name}/") for one in found.spec.inputs)
        if word.startswith("./") and Path(name).is_file() and not sent:
            output.warning(f"{word} does not go along: --input {name} sends it")


def _body(args: Sequence[str]) -> tuple[str, str]:
    """The command, and the name that it suggests."""
    if not args or tuple(args) == (_COMMAND,):
        raise UsageError(
            "a job needs a command, a script or a file", hint="gridtui job submit -- COMMAND, or SCRIPT, or -f FILE"
        )
    first, *rest = args
    if first == _COMMAND:
        return " ".join(rest), words.name_of(rest[0].split()[0] if rest[0].split() else "")
    if rest:
        raise UsageError(
            "a script takes no arguments here",
            hint=f"if {words.quoted(first)} is a command, put `--` before it; else send it: --input {first} -- ./{Path(first).name} ...",
        )
    path = Path(first)
    if not path.exists():
        raise UsageError(f"there is no script {words.quoted(first)}", hint="for a command, put `--` before it")
    return script.read(path), words.name_of(path.name)


def _items(each: str) -> tuple[str, ...]:
    if each != "-":
        return document.read_items(Path(each))
    try:
        return items(_standard_input(_MOST_INPUT).decode())
    except UnicodeDecodeError:
        raise UsageError("the items on standard input are no UTF-8") from None


async def _submit(fleet: Fleet, submissions: Sequence[Submission], wait: bool, as_json: bool) -> int:
    jobs = fleet.jobs
    numbers: dict[str, int] = {}
    done: list[tuple[int, Submission]] = []
    try:
        for one in submissions:
            after = one.waits_for(numbers)
            number = await jobs.submit(one.spec, array=one.array, each=one.each, after=after, held=one.held)
            numbers[one.key] = number
            done.append((number, one))
    except GridtuiError:
        if done:  # half of a description is worse than none
            jobs.cancel([JobId(number) for number, _ in done])
            output.note(f"cancelled again: {', '.join(str(number) for number, _ in done)}")
        raise
    nobody = jobs.holder() is None
    if as_json and not wait:
        found = [{"number": number, "name": one.spec.name, "jobs": one.count} for number, one in done]
        output.document({"schema": 1, "submissions": found}, ascii_only=True)
    elif not as_json:
        output.data("\n".join(str(number) for number, _ in done))
    output.flush()
    if not wait:
        await fleet.close()
        if nobody:
            output.note("nobody dispatches now: gridtui job dispatch, gridtui job wait or the dashboard does")
        return exits.OK
    from .waiting import wait as wait_for

    return await wait_for(fleet, [JobId(number) for number, _ in done], as_json=as_json)
