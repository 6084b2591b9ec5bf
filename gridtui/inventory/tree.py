"""Groups, hosts and their variables as they were read, before precedence is worked out. Owns Ansible's order of precedence.

Filled by the readers (`yaml_file`, `ini_file`), then `settle`d once. Knows nothing of files but the `Place` of a variable, and
nothing of what variables mean, except `ansible_group_priority`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import clean
from . import hosts as patterns
from .places import Locator, Place

TRACKED = ("ansible_", "gridtui_")
"""Variables of which the place is remembered, for errors: remembering all would cost 5,000 hosts a tenth of a second."""

Fail = Callable[[str, Place, str], None]
"""Told of what is wrong: a message, the place and a hint. It may raise, or collect."""


@dataclass(slots=True)
class Group:
    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    priority: int = 1
    depth: int = 0


@dataclass(slots=True)
class Host:
    name: str
    vars: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    """The groups that name it, without their ancestors."""


class Tree:
    """What the sources say, added up in order."""

    def __init__(self, fail: Fail, locator: Locator) -> None:
        self.fail = fail
        self.locator = locator
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, Host] = {}
        self.warnings: list[str] = []
        self.places: dict[tuple[str, str, str], Place] = {}
        """Kind (`host`, `group`), name and variable to where it was set last."""
        self.group("all")
        self.group("ungrouped")
        self.groups["all"].children["ungrouped"] = None
        self.groups["ungrouped"].parents["all"] = None

    def group(self, name: str) -> Group:
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Group(name)
        return found

    def child(self, parent: str, child: str, place: Place) -> None:
        """Put group `child` under `parent`. A loop is an error."""
        if parent == child or child == "all" or child in self._above(parent):
            self.fail(f"group {clean(child, 80)} cannot be under {clean(parent, 80)}: that is a loop", place, "")
            return
        self.groups[parent].children[child] = None
        self.groups[child].parents[parent] = None

    def add(self, pattern: str, group: str, variables: Mapping[str, Any], place: Place) -> None:
        """Add the hosts of `pattern` to `group`, with variables of their own."""
        try:
            names, port = patterns.expand(pattern)
            for name in names:
                patterns.check(name)
        except patterns.PatternError as error:
            self.fail(str(error), place, "")
            return
        if not names:
            self.warn(f"`{clean(pattern, 80)}` stands for no host: its range counts down", place)
        tracked = [(name, place.inside(name)) for name in variables if name.startswith(TRACKED)]
        members = self.groups[group].hosts
        for name in names:
            host = self.hosts.get(name)
            if host is None:
                host = self.hosts[name] = Host(name)
                if port is not None:  # a port beside a host that is known already says nothing, in Ansible
                    host.vars["ansible_port"] = port
                    self.places["host", name, "ansible_port"] = place
            members[name] = None
            host.groups[group] = None
            host.vars.update(variables)
            for variable, inside in tracked:
                self.places["host", name, variable] = inside

    def assign(self, group: str, variable: str, value: Any, place: Place) -> None:
        """Set a group's variable."""
        if variable == "ansible_group_priority":
            try:
                self.groups[group].priority = int(value)
            except (TypeError, ValueError):
                self.fail(f"ansible_group_priority is {value!r}; it must be a whole number", place, "")
            return
        self.groups[group].vars[variable] = value
        if variable.startswith(TRACKED):
            self.places["group", group, variable] = place.inside(variable)

    def warn(self, text: str, place: Place | None = None) -> None:
        line = f"{self.locator.text(place)}: {text}" if place else text
        if line not in self.warnings:
            self.warnings.append(line)

    def settle(self) -> None:
        """What Ansible does when all sources are read: every group under `all`, lonely hosts into `ungrouped`, depths."""
        everything, ungrouped = self.groups["all"], self.groups["ungrouped"]
        for group in self.groups.values():
            if group is not everything and not group.parents:
                everything.children[group.name] = None
                group.parents["all"] = None
        above = {name: self._above(name) for name in self.groups}
        for host in self.hosts.values():
            around = {name for group in host.groups for name in (group, *above[group])} - {"all", "ungrouped"}
            if around and "ungrouped" in host.groups:
                del host.groups["ungrouped"]
                ungrouped.hosts.pop(host.name, None)
            elif not around and "ungrouped" not in host.groups:
                host.groups["ungrouped"] = None
                ungrouped.hosts[host.name] = None
        self._depths()
        for name in self.groups.keys() & self.hosts.keys():
            self.warn(f"{clean(name, 80)} is the name of a host and of a group")

    def order(self) -> list[str]:
        """Host names as Ansible lists them: group by group, breadth first from `all`."""
        names: dict[str, None] = {}
        for group in self.below("all"):
            names.update(self.groups[group].hosts)
        return list(names)

    def below(self, name: str) -> list[str]:
        """A group and all under it, breadth first."""
        seen = {name: None}
        queue = [name]
        for group in queue:
            for child in self.groups[group].children:
                if child not in seen:
                    seen[child] = None
                    queue.append(child)
        return queue

    def lineage(self, groups: Iterable[str]) -> list[Group]:
        """`groups` and all above them without `all`, in the order in which they give variables: the last wins."""
        names = {name for group in groups for name in (group, *self._above(group))} - {"all"}
        return sorted(
            (self.groups[name] for name in names), key=lambda group: (group.depth, group.priority, group.name)
        )

    def _above(self, name: str) -> set[str]:
        seen: set[str] = set()
        queue = [name]
        while queue:
            for parent in self.groups[queue.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    queue.append(parent)
        return seen

    def _depths(self) -> None:
        # Depth is the longest way down from `all`. Groups have no loops (see `child`), so this ends.
        waiting = {name: len(group.parents) for name, group in self.groups.items()}
        ready = [name for name, count in waiting.items() if not count]
        while ready:
            group = self.groups[ready.pop()]
            for name in group.children:
                child = self.groups[name]
                child.depth = max(child.depth, group.depth + 1)
                waiting[name] -= 1
                if not waiting[name]:
                    ready.append(name)
