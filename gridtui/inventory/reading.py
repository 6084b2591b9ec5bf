"""Reading sources into an `Inventory`. Owns which reader a file gets, and Ansible's order of variables.

From weakest to strongest: vars of `all`, of the other groups (depth, `ansible_group_priority`, name), group_vars/all, the other
group_vars, the host's own vars, host_vars. Values replace one another, mappings are not merged, as Ansible does by default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import InventoryError
from ..model import Node, clean
from . import hosts, ini_file, nodes, yaml_file, yaml_text
from .contents import Inventory
from .places import Locator, Place
from .tree import Fail, Host, Tree
from .vars_files import VarsFolder

_MAGIC = frozenset(
    [
        "ansible_async_path",
        "ansible_collection_name",
        "ansible_config_file",
        "ansible_dependent_role_names",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_forks",
        "ansible_inventory_sources",
        "ansible_limit",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_role_names",
        "ansible_playbook_python",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_version",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "groups",
        "group_names",
        "hostvars",
        "playbook_dir",
        "play_hosts",
        "role_name",
        "role_names",
        "role_path",
        "role_uuid",
    ]
)
"""Names that Ansible sets itself and never lists (its reference of special variables)."""
_LOOKS_LIKE_YAML = re.compile(r"\A(?:---|\s*(?:#[^\n]*\n\s*)*[\w.-]+:[ \t]*(?:#.*)?$)", re.MULTILINE)
_YAML_SUFFIXES = (".yml", ".yaml", ".json")


def load(paths: Sequence[Path]) -> Inventory:
    """Read one or several sources, merged in order. Raises InventoryError for the first thing that is wrong."""
    locator = Locator()

    def fail(message: str, place: Place, hint: str) -> None:
        line, column = locator.locate(place)
        raise InventoryError(message, file=str(place.file), line=line, column=column, hint=hint)

    return _load(paths, fail, locator)


def problems(paths: Sequence[Path], most: int = 100) -> tuple[list[InventoryError], Inventory | None]:
    """All that is wrong, at most `most` errors, and the inventory when it is whole: for `gridtui inventory validate`."""
    locator = Locator()
    found: dict[str, InventoryError] = {}

    def collect(message: str, place: Place, hint: str) -> None:
        line, column = locator.locate(place)
        error = InventoryError(message, file=str(place.file), line=line, column=column, hint=hint)
        found.setdefault(str(error), error)
        if len(found) >= most:
            raise _EnoughError

    inventory = None
    try:
        inventory = _load(paths, collect, locator)
    except InventoryError as error:
        found.setdefault(str(error), error)
    except _EnoughError:
        pass
    return list(found.values()), None if found else inventory


class _EnoughError(Exception):
    """So many errors that further ones help nobody."""


def _load(paths: Sequence[Path], fail: Fail, locator: Locator) -> Inventory:
    sources = [Path(path) for path in paths]
    texts = [_open(source) for source in sources]
    growing = Tree(fail, locator)
    for source, text in zip(sources, texts, strict=True):
        if text is None or _read(source, text, growing):
            return _through_ansible(sources, Tree(fail, locator))
    growing.settle()
    return _finish(growing, sources, _folders(sources, growing, "group_vars"), _folders(sources, growing, "host_vars"))


def _open(source: Path) -> str | None:
    """The text of a plain file; None for what only Ansible can read. Raises InventoryError."""
    try:
        if source.is_dir() or source.suffix == ".toml":
            return None
        data = source.read_bytes()
    except FileNotFoundError:
        raise InventoryError("no such inventory", file=str(source)) from None
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", file=str(source)) from None
    # Ansible runs what is executable and falls back to reading it; only a program is a program to us, so that an inventory on a
    # file system without modes is read.
    if data[:2] == b"#!" and os.access(source, os.X_OK):
        return None
    if data[:4] == b"\x7fELF":
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InventoryError("not UTF-8 text", file=str(source), line=line, hint="save it as UTF-8") from None
    if text.startswith(yaml_text.VAULT_HEADER):
        raise InventoryError(
            "encrypted by ansible-vault", file=str(source), hint="gridtui cannot read it: encrypt variables instead"
        )
    return text


def _read(source: Path, text: str, growing: Tree) -> bool:
    """Read one file into `growing`. True when it turns out to configure a plugin."""
    # In Ansible any other suffix, or none, may be INI; without one, YAML is tried first.
    if source.suffix in _YAML_SUFFIXES or (not source.suffix and _is_yaml(source, text)):
        data = yaml_text.parse(text, source, growing.warn)
        if yaml_file.is_plugin(data):
            return True
        yaml_file.read(data, source, growing)
    else:
        ini_file.read(text, source, growing)
    return False


def _is_yaml(source: Path, text: str) -> bool:
    if _LOOKS_LIKE_YAML.search(text):
        return True
    try:
        return isinstance(yaml_text.parse(text, source, lambda _: None), dict)
    except InventoryError:
        return False


def _folders(sources: Sequence[Path], growing: Tree, name: str) -> list[VarsFolder]:
    # Sources in one folder share its variables; the last source's stand over those of the ones before.
    beside = [Path(os.path.realpath(os.path.dirname(os.path.abspath(source)))) / name for source in sources]
    found: dict[Path, VarsFolder] = {}
    for folder in beside:
        found.setdefault(folder, VarsFolder(folder, growing))
    return [found[folder] for folder in beside]


def _finish(
    growing: Tree, sources: Sequence[Path], group_vars: Sequence[VarsFolder] = (), host_vars: Sequence[VarsFolder] = ()
) -> Inventory:
    """Work out every host's variables and make nodes of them."""
    shared: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, Any]]] = {}  # hosts in the same groups share much
    built: dict[str, Node] = {}

    def place(name: str, variable: str) -> Place:
        return _place(growing, sources, group_vars, host_vars, name, variable)

    for name in growing.order():
        host = growing.hosts[name]
        key = tuple(sorted(host.groups))
        if key not in shared:
            lineage = growing.lineage(key)
            common = dict(growing.groups["all"].vars)
            for group in lineage:
                common.update(group.vars)
            for folder in group_vars:
                common.update(folder.read("all"))
            for folder in group_vars:
                for group in lineage:
                    common.update(folder.read(group.name))
            shared[key] = tuple(sorted(group.name for group in lineage)), common
        groups, common = shared[key]
        variables = {**common, **host.vars}
        for folder in host_vars:
            variables.update(folder.read(name))
        for magic in _MAGIC & variables.keys():
            del variables[magic]

        def failed(variable: str, message: str, hint: str, name: str = name) -> None:
            growing.fail(message, place(name, variable), hint)

        def warned(variable: str, message: str, name: str = name) -> None:
            growing.warn(message, place(name, variable))

        built[name] = nodes.build(name, groups, variables, failed, warned)
    nodes.check_parents(built, lambda name, message, hint: growing.fail(message, place(name, "gridtui_parent"), hint))
    return _freeze(growing, built, sources)


def _place(
    growing: Tree,
    sources: Sequence[Path],
    group_vars: Sequence[VarsFolder],
    host_vars: Sequence[VarsFolder],
    name: str,
    variable: str,
) -> Place:
    """Where the variable in force for host `name` was set: the strongest place first."""
    groups = ["all", *(group.name for group in growing.lineage(growing.hosts[name].groups))][::-1]
    candidates = (
        *(folder.places.get((name, variable)) for folder in reversed(host_vars)),
        growing.places.get(("host", name, variable)),
        *(folder.places.get((group, variable)) for folder in reversed(group_vars) for group in groups),
        *(growing.places.get(("group", group, variable)) for group in groups),
    )
    return next((found for found in candidates if found), Place(sources[0]))


def _freeze(growing: Tree, built: Mapping[str, Node], sources: Sequence[Path]) -> Inventory:
    rank = {name: index for index, name in enumerate(built)}
    groups = {}
    for name in growing.groups:
        inside = {host for group in growing.below(name) for host in growing.groups[group].hosts}
        groups[name] = tuple(sorted(inside, key=rank.__getitem__))
    return Inventory(
        nodes=MappingProxyType(dict(built)),
        groups=MappingProxyType(groups),
        children=MappingProxyType({name: tuple(group.children) for name, group in growing.groups.items()}),
        members=MappingProxyType({name: tuple(group.hosts) for name, group in growing.groups.items()}),
        sources=tuple(sources),
        warnings=tuple(growing.warnings),
    )


def _through_ansible(sources: Sequence[Path], growing: Tree) -> Inventory:
    from . import program  # subprocess loads for 10 ms

    data, said = program.list_inventory(sources)
    growing.warnings.extend(said)
    source = sources[0]
    for name, content in data.items():
        if name == "_meta" or not isinstance(content, Mapping):
            continue
        group = growing.group(clean(name, 200))
        for host in content.get("hosts") or ():
            try:
                hosts.check(str(host))
            except hosts.PatternError as error:
                growing.fail(str(error), Place(source), "")
                continue
            growing.hosts.setdefault(host, Host(host)).groups[group.name] = None
            group.hosts[host] = None
        for child in content.get("children") or ():
            growing.group(clean(child, 200))
            if child != "ungrouped":
                growing.child(group.name, clean(child, 200), Place(source))
    growing.settle()
    meta = data.get("_meta")
    hostvars = meta.get("hostvars", {}) if isinstance(meta, Mapping) else {}
    for name, host in growing.hosts.items():
        host.vars.update(hostvars.get(name) or {})
    return _finish(growing, sources)
