"""`gridtui facts`: hardware, system and capabilities of each node."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ...model import Facts, size
from .. import exits, output
from ..main import Context, as_json, run, selecting, verb

if TYPE_CHECKING:
    from ...monitor import Examined


@verb("facts", short_help="Hardware, system and capabilities of each node.")
@selecting
@as_json
def command(context: Context, where: str, leave: str, as_json: bool) -> int:
    """Show hardware, system and capabilities of each node.

    Exits with 0, 3 when nothing is selected, 4 when a node could not be reached.
    """
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    looks = run(fleet.facts(where, leave))
    if not looks:
        output.warning("nothing is selected")
        return exits.NOTHING
    if as_json:
        nodes = [_json(name, look) for name, look in looks.items()]
        output.document({"schema": 1, "time": time.time(), "nodes": nodes})
    else:
        known = [look.facts for look in looks.values() if look and look.facts]
        if known:
            output.table(
                ("NODE", "OS", "KERNEL", "ARCH", "CPUS", "MEMORY", "VIRT", "GPUS", "CPU"), map(_row, known), (4, 5)
            )
        if len(known) == 1:
            output.data("capabilities: " + " ".join(sorted(known[0].capabilities)))
    failed = [name for name, look in looks.items() if look is None or not look.facts]
    for name in failed:
        look = looks[name]
        reach = look.reach if look else None
        layer = f"{reach.failed}: " if reach and reach.failed else ""
        output.warning(f"{name}: {layer}{reach.error if reach else 'not reached in time'}")
    return exits.UNREACHABLE if failed else exits.OK


def _row(facts: Facts) -> tuple[str, ...]:
    return (
        facts.node,
        facts.os_name or facts.os,
        facts.kernel,
        facts.arch,
        str(facts.cpus or ""),
        size(facts.memory) if facts.memory else "",
        facts.virt,
        ", ".join(facts.gpus),
        facts.cpu_model,
    )


def _json(name: str, look: Examined | None) -> dict[str, Any]:
    facts = look.facts if look else None
    values: dict[str, Any] = {"name": name, "layer": look.reach.failed if look else None}
    values["error"] = (look.reach.error if look else "not reached in time") or None
    if facts:
        for item in fields(facts):
            value = getattr(facts, item.name)
            if item.name == "node":
                continue
            if isinstance(value, frozenset):
                value = sorted(value)
            values[item.name] = dict(value) if item.name == "extra" else value
    return values
