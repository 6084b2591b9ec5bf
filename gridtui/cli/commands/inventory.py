"""`gridtui inventory`: read, check and convert inventories. Says nothing of nodes that the inventory does not say."""

from __future__ import annotations

from pathlib import Path

import click

from ... import inventory
from ...errors import UsageError
from .. import exits, output
from ..main import Context, as_json, selecting, verb


@click.group("inventory", short_help="Read, check and convert inventories.", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Read, check and convert inventories: Ansible's YAML and INI, and whatever ansible-inventory reads."""
    if ctx.invoked_subcommand is None:
        output.note(ctx.get_help())
        ctx.exit(exits.USAGE)


@verb("list", short_help="The nodes.")
@selecting
@as_json
def list_nodes(context: Context, where: str, leave: str, as_json: bool) -> int:
    """The nodes, with address, port, user and groups. Only selections that need no measurement can be used here."""
    from ...inventory import report

    loaded = _load(context)
    names = _selected(loaded, where, leave)
    if as_json:
        output.document(report.as_json(loaded, names))
        return exits.OK
    rows = []
    for name in names:
        node = loaded.nodes[name]
        place = "local" if node.local else node.address
        rows.append((name, place, str(node.port or ""), node.user or "", ",".join(node.groups)))
    output.table(("NODE", "ADDRESS", "PORT", "USER", "GROUPS"), rows, right=(2,))
    return exits.OK


@verb("show", short_help="All that holds for some nodes.")
@click.argument("selection", nargs=-1, required=True)
@as_json
def show(context: Context, selection: tuple[str, ...], as_json: bool) -> int:
    """All that holds for the nodes of SELECTION: address, options, labels, groups and variables. Secrets are masked."""
    from ...inventory import report

    loaded = _load(context)
    names = _selected(loaded, ",".join(selection), "")
    if as_json:
        output.document(report.as_json(loaded, names))
    else:
        output.data("---\n".join(report.as_yaml(loaded.nodes[name]) for name in names))
    return exits.OK


@verb("validate", short_help="Say all that is wrong with an inventory.")
@as_json
def validate(context: Context, as_json: bool) -> int:
    """Say all that is wrong with the inventory, with file, line and column. Exits with 1 when anything is; warnings do not count."""
    sources = inventory.find(context.sources)
    if not sources:
        raise UsageError("there is no inventory to validate", hint="name one with -i")
    problems, loaded = inventory.problems(sources)
    if as_json:
        errors = [
            {"file": item.file, "line": item.line, "column": item.column, "message": item.message, "hint": item.hint}
            for item in problems
        ]
        warnings = list(loaded.warnings) if loaded else []
        output.document({"schema": 1, "valid": loaded is not None, "errors": errors, "warnings": warnings})
        return exits.FAILED if loaded is None else exits.OK
    for problem in problems:
        output.error(problem, context.verbosity)
    if loaded is None:
        return exits.FAILED
    for text in loaded.warnings:
        output.warning(text)
    output.data(f"{len(loaded.nodes)} nodes in {len(loaded.groups)} groups: valid")
    return exits.OK


@verb("import", short_help="Make an inventory of what ssh knows.")
@click.option("--ssh-config", type=click.Path(path_type=Path), help="Instead of ~/.ssh/config.")
@click.option("--known-hosts", type=click.Path(path_type=Path), help="Instead of ~/.ssh/known_hosts.")
def import_hosts(context: Context, ssh_config: Path | None, known_hosts: Path | None) -> int:
    """Print an inventory, as YAML, of the hosts in ssh_config and known_hosts.

    `gridtui inventory import > inventory.yaml` is a start; hashed names cannot be read back.
    """
    output.data(inventory.ssh_import(ssh_config, known_hosts))
    return exits.OK


@verb("graph", short_help="Groups and nodes as a tree.")
@click.argument("group", default="all")
@as_json
def graph(context: Context, group: str, as_json: bool) -> int:
    """Groups and nodes as a tree, from GROUP down, as `ansible-inventory --graph` draws it."""
    import difflib

    from ...inventory import report

    loaded = _load(context)
    group = group.removeprefix("@")
    if group not in loaded.groups:
        near = difflib.get_close_matches(group, loaded.groups, 1)
        raise UsageError(f"there is no group `{group}`", hint=f"did you mean {near[0]}?" if near else "")
    if as_json:
        groups = {
            name: {"children": list(loaded.children.get(name, ())), "nodes": list(loaded.members.get(name, ()))}
            for name in loaded.groups
        }
        output.document({"schema": 1, "group": group, "groups": groups})
        return exits.OK
    output.data("\n".join(report.graph(loaded, group)))
    return exits.OK


def _load(context: Context) -> inventory.Inventory:
    sources = inventory.find(context.sources)
    loaded = inventory.load(sources) if sources else inventory.localhost()
    for text in loaded.warnings:
        output.warning(text)
    return loaded


def _selected(loaded: inventory.Inventory, where: str, leave: str) -> list[str]:
    chosen = inventory.selection(where, leave, loaded)
    if chosen.needs:
        raise UsageError(
            "this selection asks for what is measured, and here the inventory is only read",
            hint="select by name, @group or label",
        )
    from ...fleet import Fleet
    from ...settings import Settings

    return Fleet(loaded, Settings()).candidates(chosen)


for part in (list_nodes, show, validate, import_hosts, graph):
    command.add_command(part)
