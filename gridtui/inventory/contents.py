"""What was loaded: nodes and groups, frozen. Owns the questions that are asked of an inventory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..model import Node


@dataclass(frozen=True, slots=True)
class Inventory:
    """Nodes and groups of one or several sources."""

    nodes: Mapping[str, Node]
    """By name, in the order in which Ansible lists hosts."""
    groups: Mapping[str, tuple[str, ...]]
    """Group to all its hosts, those of groups under it included, in the order of `nodes`; `all` and `ungrouped` are there."""
    children: Mapping[str, tuple[str, ...]]
    """Group to the groups right under it."""
    members: Mapping[str, tuple[str, ...]]
    """Group to the hosts that are in it themselves."""
    sources: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    """One line each: what was read otherwise than meant, perhaps."""


def localhost() -> Inventory:
    """This machine alone, through the local transport: what there is without an inventory."""
    node = Node("localhost", "localhost", local=True, groups=("ungrouped",), vars={"ansible_connection": "local"})
    here = ("localhost",)
    groups = {"all": here, "ungrouped": here}
    return Inventory(
        {"localhost": node}, groups, {"all": ("ungrouped",), "ungrouped": ()}, {"all": (), "ungrouped": here}
    )


def inventory_of(nodes: Iterable[Node]) -> Inventory:
    """An inventory of nodes that are known already, as of a recording. Groups are those that the nodes name; none is under another."""
    every = {node.name: node for node in nodes}
    groups: dict[str, list[str]] = {}
    for name, node in every.items():
        for group in node.groups or ("ungrouped",):
            groups.setdefault(group, []).append(name)
    members = {group: tuple(names) for group, names in groups.items()}
    members.setdefault("ungrouped", ())
    children = {"all": tuple(members), **dict.fromkeys(members, ())}
    return Inventory(every, {"all": tuple(every), **members}, children, {"all": (), **members})
