"""docs/HEALTH.md tells the truth about the defaults and the written forms."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from gridtui.health import DEFAULT_RULES, Range, rules_for
from gridtui.metrics import METRICS
from gridtui.model import Node
from gridtui.settings import Settings

GUIDE = (Path(__file__).parents[3] / "docs/HEALTH.md").read_text()


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert match
    return match[1]


def test_the_examples_are_valid() -> None:
    settings = Settings(thresholds=tomllib.loads(block("toml"))["thresholds"])
    thresholds = yaml.safe_load(block("yaml"))["gridtui_thresholds"]
    rules = rules_for(Node("n", "n", thresholds=thresholds), settings)
    assert "load.cpu" not in rules.metrics
    assert rules.metrics["disk"].warn == Range(0, 80)
    assert rules.metrics["mem.free"].warn == Range(8 * 2**30)
    assert rules.metrics["temp"].clear_after == 4
    assert rules.reach.raise_after == 3


def test_the_table_lists_every_default_rule_with_its_numbers() -> None:
    rows = {}
    section = GUIDE[GUIDE.index("## The rules without any settings") : GUIDE.index("No rule by default")]
    for line in section.splitlines():
        if line.startswith("| `"):
            names, *numbers = line.split("|")[1:5]
            for name in re.findall(r"`([a-z_.]+)`", names):
                rows[name] = [re.findall(r"[0-9.]+", cell) for cell in numbers]
    assert set(rows) == {*DEFAULT_RULES, "reach"}
    for name, rule in DEFAULT_RULES.items():
        warn, crit, _ = rows[name]
        assert [float(text) for text in warn] == ([rule.warn.end] if rule.warn else [])
        assert [float(text) for text in crit] == ([rule.crit.end] if rule.crit else [])
        if rule.clear is not None:
            assert [float(text) for text in rows[name][2]] == [rule.clear]


def test_metrics_without_a_rule_are_real() -> None:
    paragraph = GUIDE[GUIDE.index("No rule by default") : GUIDE.index("Two rules are over")]
    named = set(re.findall(r"`([a-z.]+)[`:]", paragraph))
    assert named <= set(METRICS) and not named & set(DEFAULT_RULES)
