"""A recording without names: what could tell whose nodes these are is replaced, the same by the same everywhere. Pure.

Replaced are the names of nodes, groups and users, addresses, ports, labels, and every text that a node, a rule or a person said. Numbers,
times, states, layers and the names of rules stay: they are what an incident is made of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .words import Kind

_RULE = re.compile(r"[a-z]+(\.[a-z]+)*", re.ASCII)
_FACTS = ("time", "os", "os_version", "arch", "cpus", "cores", "sockets", "memory")
"""What stays of the facts: numbers, and what thousands of machines have in common."""


class Redaction:
    """One consistent way to replace, made for one export."""

    def __init__(self, names: Iterable[str]) -> None:
        every = list(names)
        cells = max(2, len(str(len(every))))
        self._nodes = {name: f"node{number:0{cells}}" for number, name in enumerate(every, 1)}
        self._numbers = {name: number for number, name in enumerate(every, 1)}
        self._words: dict[str, dict[str, str]] = {}

    def name(self, name: str) -> str:
        """A node's new name."""
        if name not in self._nodes:  # a parent that was never recorded
            return self._word("other", name)
        return self._nodes[name]

    def _word(self, kind: str, text: str) -> str:
        words = self._words.setdefault(kind, {})
        return words.setdefault(text, f"{kind}{len(words) + 1}")

    def node(self, name: str, kept: Mapping[str, Any]) -> str:
        """A node's part of the inventory."""
        number = self._numbers[name]
        fresh: dict[str, Any] = {"address": f"198.18.{number // 250 % 250}.{number % 250 + 1}"}
        for key in ("local", "maintenance", "interval", "ping_interval"):
            if key in kept:
                fresh[key] = kept[key]
        if kept.get("user"):
            fresh["user"] = self._word("user", str(kept["user"]))
        if kept.get("parent"):
            fresh["parent"] = self.name(str(kept["parent"]))
        fresh["groups"] = [self._word("group", str(group)) for group in kept.get("groups", ())]
        labels = dict(kept.get("labels", {}))
        fresh["labels"] = {
            self._word("label", str(key)): self._word("value", str(value)) for key, value in labels.items()
        }
        return _text(fresh)

    def facts(self, kept: Mapping[str, Any]) -> str:
        """A node's facts."""
        return _text({key: kept[key] for key in _FACTS if key in kept})

    def happened(self, kind: int, kept: dict[str, Any]) -> str:
        """What happened."""
        if kind == Kind.NOTED:
            return _text({"text": self._word("note ", str(kept.get("text"))), "alarm": kept.get("alarm", 0)})
        for key in ("v", "w"):
            if key in kept:
                self._verdict(kept[key])
        if "e" in kept.get("c", {}):
            kept["c"]["e"] = self._word("text ", str(kept["c"]["e"]))
        return _text(kept)

    def _verdict(self, kept: dict[str, Any]) -> None:
        if "b" in kept:
            kept["b"] = self.name(str(kept["b"]))
        if "u" in kept:
            hush, since, until, who, _ = kept["u"]
            kept["u"] = [hush, since, until, self._word("user", str(who)) if who else "", ""]
        for reason in kept.get("r", ()):
            rule = _RULE.match(str(reason[0]))
            word = rule.group() if rule else "rule"
            if reason[0] != word:
                reason[0] = f"{word}:{self._word('part', str(reason[0]))}"
            reason[2] = f"{word}: {self._word('text ', str(reason[2]))}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
