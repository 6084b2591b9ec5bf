"""What a check remembers of verdicts from one run to the next: blame and maintenance are part of what is news."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.health import Report, rules_for
from gridtui.model import Layer, Node, PingMethod, Reach, RoundTrips, Sample
from gridtui.monitor import Examined, checking
from gridtui.settings import Settings


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


class Runs:
    """One check a minute over two nodes, `kid` behind `gate`; what is kept goes through the file each time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.nodes = {"gate": Node("gate", "gate"), "kid": Node("kid", "kid", parent="gate")}

    def check(self, down: str = "") -> Report:
        self.now += 60
        looks: dict[str, Examined | None] = {}
        for name, node in self.nodes.items():
            reach = Reach(self.now, Layer.TCP, "refused") if name in down.split() else Reach(self.now)
            sample = Sample(name, self.now, metrics={"load": 0.1}) if reach.up else None
            looks[name] = Examined(node, reach, RoundTrips(PingMethod.ICMP), sample)
        rules = {name: replace(rules_for(node, Settings()), metrics={}) for name, node in self.nodes.items()}
        parents = {name: node.parent for name, node in self.nodes.items()}
        with checking.Kept.open(["a"]) as kept:
            return checking.judge(self.now, looks, rules, parents, kept)

    def news(self, down: str = "") -> list[str]:
        return [node.name for node in self.check(down).nodes if node.changed]


def test_a_node_that_stays_away_when_its_parent_is_back_is_news_then() -> None:
    runs = Runs()
    assert runs.news("gate kid") == ["gate", "kid"]
    assert runs.news("gate kid") == []
    assert runs.news("kid") == []  # the parent is not called well yet
    assert runs.news("kid") == ["gate", "kid"]
    assert runs.news("kid") == []
    (kid,) = [node for node in runs.check("kid").nodes if node.name == "kid"]
    assert kid.verdict.alert


def test_maintenance_is_no_news_by_itself() -> None:
    runs = Runs()
    assert runs.news() == []
    runs.nodes["gate"] = replace(runs.nodes["gate"], maintenance=True)
    assert [runs.news() for _ in range(3)] == [[], [], []]
    assert [runs.news("gate") for _ in range(4)] == [[], ["gate"], [], []]
    runs.nodes["gate"] = replace(runs.nodes["gate"], maintenance=False)
    assert runs.news("gate") == ["gate"], "it is an alert from now on"
    assert runs.news("gate") == []


def test_a_node_that_left_the_inventory_leaves_the_file() -> None:
    runs = Runs()
    runs.check()
    del runs.nodes["gate"]
    runs.check()
    with checking.Kept.open(["a"]) as kept:
        assert kept.memories.keys() == {"kid"}
