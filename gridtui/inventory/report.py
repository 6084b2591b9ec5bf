"""An inventory as JSON, YAML or a tree, for people and programs. Owns the shapes; prints nothing, and shows no secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from ..model import Node
from .contents import Inventory
from .secrets import public_vars

SCHEMA = 1


def as_json(inventory: Inventory, names: Iterable[str]) -> dict[str, Any]:
    """What `inventory list --json` prints: `schema`, and `nodes`, each with `name`, `address`, `port`, `user`, `groups`, `vars` and more.

    Values are what JSON knows: dates are text. `port` and `user` are null where ssh_config decides.
    """
    return {"schema": SCHEMA, "nodes": [node_as_json(inventory.nodes[name]) for name in names]}


def node_as_json(node: Node) -> dict[str, Any]:
    """One node, as in `as_json`."""
    document = {
        "name": node.name,
        "address": node.address,
        "port": node.port,
        "user": node.user,
        "local": node.local,
        "groups": list(node.groups),
        "labels": dict(node.labels),
        "parent": node.parent,
        "maintenance": node.maintenance,
        "vars": public_vars(node),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, default=_plain))
    return plain


def as_yaml(node: Node) -> str:
    """What `inventory show` prints: the node with what is in force for it, as YAML. Secrets are masked."""
    import yaml

    document = node_as_json(node)
    document["ssh_options"] = dict(node.ssh_options)
    document["identity"] = node.identity
    document["thresholds"] = json.loads(json.dumps(dict(node.thresholds), default=_plain))
    document["intervals"] = {"fast": node.interval, "slow": node.slow_interval, "ping": node.ping_interval}
    document["vars"] = document.pop("vars")
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=False, default_flow_style=False)
    return text


def graph(inventory: Inventory, group: str = "all") -> list[str]:
    """The groups and hosts under `group` as lines, drawn as `ansible-inventory --graph` draws them. Raises KeyError."""
    lines: list[str] = []

    def draw(name: str, depth: int) -> None:
        lines.append(_branch(f"@{name}:", depth))
        for child in inventory.children[name]:
            draw(child, depth + 1)
        if name != "all":
            lines.extend(_branch(host, depth + 1) for host in inventory.members[name])

    if group not in inventory.groups:
        raise KeyError(group)
    draw(group, 0)
    return lines


def _branch(text: str, depth: int) -> str:
    return "  |" * depth + "--" + text if depth else text


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)
