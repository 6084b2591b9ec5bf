"""From effective variables to `model.Node`. Owns what the connection variables mean to gridtui.

Where Ansible knows several names for a thing, the order is its ssh plugin's: `ansible_ssh_host` stands over `ansible_host`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ..model import NOTHING, Node, clean
from . import own_vars, ssh_args, templates
from .yaml_text import Vaulted

Fail = Callable[[str, str, str], None]
"""Called with a variable's name, a message and a hint."""
Warn = Callable[[str, str], None]
"""Called with a variable's name and a message."""

_CONNECTIONS = {"ssh", "smart", "paramiko", "paramiko_ssh", "local", "libssh"}
_TEMPLATES = (
    "ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port", "ansible_user", "ansible_ssh_user", "ansible_connection",
    "ansible_private_key_file", "ansible_ssh_private_key_file", "ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args",
)  # fmt: skip


def build(name: str, groups: tuple[str, ...], variables: Mapping[str, Any], fail: Fail, warn: Warn) -> Node:
    """The node `name`. What cannot be used is told to `fail` or `warn`, and left out."""
    seen = variables
    if any(
        type(value) is str and "{" in value and (key in _TEMPLATES or key.startswith("gridtui_"))
        for key, value in variables.items()
    ):
        seen = _fill(name, groups, variables, fail)
    own = own_vars.read(seen, fail, warn)
    options = _options(seen, fail, warn)
    identity = _text(seen, ("ansible_ssh_private_key_file", "ansible_private_key_file"), fail)
    if identity is None:
        identity = options.get("identityfile")
    return Node(
        name=name,
        address=_address(seen, fail) or name,
        port=_port(seen, options, fail),
        user=_text(seen, ("ansible_ssh_user", "ansible_user"), fail) or options.get("user"),
        local=_connection(seen, fail, warn) == "local",
        identity=os.path.expanduser(identity) if identity else None,
        ssh_options=MappingProxyType(options) if options else NOTHING,
        groups=groups,
        vars=MappingProxyType(dict(variables)),
        labels=MappingProxyType(own.labels) if own.labels else NOTHING,
        thresholds=MappingProxyType(dict(own.thresholds)) if own.thresholds else NOTHING,
        parent=own.parent,
        maintenance=own.maintenance,
        interval=own.interval,
        slow_interval=own.slow_interval,
        ping_interval=own.ping_interval,
    )


def check_parents(nodes: Mapping[str, Node], fail: Callable[[str, str, str], None]) -> None:
    """Parents must be nodes of the inventory, without loops. `fail` gets the node's name, a message and a hint."""
    for node in nodes.values():
        if node.parent is None or node.parent in nodes:
            continue
        near = difflib.get_close_matches(node.parent, nodes, 1)
        hint = f"did you mean {near[0]}?" if near else ""
        fail(
            node.name,
            f"gridtui_parent of {node.name} is `{clean(node.parent, 80)}`, which is no node of this inventory",
            hint,
        )
    done: set[str] = set()
    for start in nodes:
        path: dict[str, None] = {}
        name: str | None = start
        while name is not None and name in nodes and name not in done:
            if name in path:
                loop = [*list(path)[list(path).index(name) :], name]
                fail(name, f"gridtui_parent goes round in a loop: {' → '.join(loop[:10])}", "")
                break
            path[name] = None
            name = nodes[name].parent
        done.update(path)


def _fill(name: str, groups: tuple[str, ...], variables: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
    known = {
        **variables,
        "inventory_hostname": name,
        "inventory_hostname_short": name if ":" in name or name.replace(".", "").isdigit() else name.split(".")[0],
        "group_names": list(groups),
    }
    filled = dict(variables)
    for key, value in variables.items():
        if key in _TEMPLATES or key.startswith("gridtui_"):
            try:
                filled[key] = templates.fill(value, known)
            except templates.TemplateError as error:
                fail(key, f"{key} of {name} cannot be worked out: {clean(str(error), 200)}", "write the value itself")
                del filled[key]
    return filled


def _first(variables: Mapping[str, Any], names: Iterable[str], fail: Fail) -> tuple[str, Any]:
    for name in names:
        value = variables.get(name)
        if isinstance(value, Vaulted):
            fail(name, f"{name} is encrypted by ansible-vault", "gridtui cannot read it: write it in plain text")
        elif value is not None and value != "":
            return name, value
    return "", None


def _text(variables: Mapping[str, Any], names: tuple[str, ...], fail: Fail) -> str | None:
    name, value = _first(variables, names, fail)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        fail(name, f"{name} is {_shown(value)}; it must be text", "put it in quotes")
        return None
    text = str(value)
    if text.startswith("-") or not text.isprintable():
        fail(name, f"{name} is {_shown(text)}; it must not begin with `-` or hold control characters", "")
        return None
    return text


def _address(variables: Mapping[str, Any], fail: Fail) -> str | None:
    address = _text(variables, ("ansible_ssh_host", "ansible_host"), fail)
    if address is not None and (any(char.isspace() for char in address) or not address.strip()):
        fail("ansible_host", f"ansible_host is {_shown(address)}; an address has no blanks", "")
        return None
    return address


def _port(variables: Mapping[str, Any], options: Mapping[str, str], fail: Fail) -> int | None:
    name, value = _first(variables, ("ansible_ssh_port", "ansible_port"), fail)
    if value is None:
        name, value = "ansible_ssh_common_args", options.get("port")
    if value is None:
        return None
    digits = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536):
        hint = "YAML reads 1:30 as 90 and 010 as 8: put it in quotes" if isinstance(value, int | float) else ""
        fail(name, f"{name} is {_shown(value)}; a port is a number from 1 to 65535", hint)
        return None
    return int(digits)


def _connection(variables: Mapping[str, Any], fail: Fail, warn: Warn) -> str | None:
    connection = _text(variables, ("ansible_connection",), fail)
    if connection is None:
        return None
    connection = connection.rpartition(".")[2]  # ansible.builtin.ssh
    if connection not in _CONNECTIONS:
        shown = clean(connection, 40)
        warn("ansible_connection", f"ansible_connection is `{shown}`; gridtui speaks SSH to this node all the same")
    return connection


def _options(variables: Mapping[str, Any], fail: Fail, warn: Warn) -> dict[str, str]:
    options: dict[str, str] = {}
    for name in ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"):
        text = variables.get(name)
        if not text:
            continue
        if isinstance(text, Vaulted) or not isinstance(text, str):
            fail(name, f"{name} is {_shown(text)}; it must be text with options of ssh", "")
            continue
        try:
            found, unknown = ssh_args.parse(text)
        except ValueError as error:
            fail(name, f"{name} cannot be split into words: {str(error).lower()}", "close the quote")
            continue
        if unknown:
            warn(name, f"{name}: `{clean(unknown[0], 60)}` is left out")
        for key, value in found.items():
            options.setdefault(key, value)
    return options


def _shown(value: Any) -> str:
    return f"`{clean(str(value), 60)}`"
