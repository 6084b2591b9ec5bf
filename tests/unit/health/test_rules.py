"""Which rules are in force: defaults, settings, the inventory, the command line."""

from __future__ import annotations

from typing import Any

import pytest

from gridtui.errors import SettingsError, UsageError
from gridtui.health import DEFAULT_RULES, Range, Rule, Rules, limits, rules_for
from gridtui.metrics import METRICS
from gridtui.model import Node
from gridtui.settings import Settings


def rules(settings: dict[str, Any] | None = None, node: dict[str, Any] | None = None, **options: Any) -> Rules:
    return rules_for(Node("n1", "n1", thresholds=node or {}), Settings(thresholds=settings or {}), **options)


def test_the_defaults_are_rules_over_real_metrics() -> None:
    assert set(DEFAULT_RULES) <= set(METRICS)
    assert dict(rules().metrics) == dict(DEFAULT_RULES)
    assert all(rule.raise_after == rule.clear_after == 2 for rule in (*rules().metrics.values(), rules().reach))


def test_a_busy_but_healthy_node_is_fine() -> None:
    """What a good grid node does all day must not alarm anybody."""
    busy = {"cpu": 100, "load.cpu": 1.2, "mem": 90, "swap": 100, "disk": 85, "temp": 84, "gpu": 100, "gpu.temp": 83}
    busy |= {"gpu.mem.used": 99, "psi.cpu": 80, "psi.io.full": 30, "disk.busy": 100, "reboot": 1, "clock": -0.2}
    found = rules().metrics
    assert [name for name, value in busy.items() if name in found and found[name].warn.alerts(value)] == []  # type: ignore[union-attr]


def test_live_rules_wait_for_more_samples() -> None:
    live = rules(node={"disk": {"raise_after": 3}}, live=True)
    assert live.reach.raise_after == live.reach.clear_after == 1
    assert live.metrics["mem"].raise_after == live.metrics["mem"].clear_after == 5
    assert live.metrics["disk"].raise_after == 3
    assert live.quiet_after > rules().quiet_after


def test_the_node_stands_above_the_settings_and_the_command_line_above_both() -> None:
    found = rules(
        {"disk": {"warn": 70, "crit": 75}, "mem": "off", "swap": "50/"},
        {"disk": {"crit": "85%"}, "mem": {"warn": 60}},
        warn={"cpu": Range(0, 50)},
        crit={"disk": Range(0, 99), "swap": None},
    ).metrics
    assert (found["disk"].warn, found["disk"].crit) == (Range(0, 70), Range(0, 99))
    assert (found["mem"].warn, found["mem"].crit) == (Range(0, 60), None)
    assert (found["swap"].warn, found["swap"].crit) == (Range(0, 50), None)
    assert (found["cpu"].warn, found["cpu"].crit) == (Range(0, 50), None)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("80/90", Rule("disk", Range(0, 80), Range(0, 90), 1.0)),
        ("80%/", Rule("disk", Range(0, 80), None, 1.0)),
        ("/90", Rule("disk", None, Range(0, 90), 1.0)),
        ({"warn": 80}, Rule("disk", Range(0, 80), Range(0, 95), 1.0)),
        ({"warn": 80.5, "crit": "off"}, Rule("disk", Range(0, 80.5), None, 1.0)),
        ({"crit": None, "clear": "5%"}, Rule("disk", Range(0, 90), None, 5.0)),
        ({"raise_after": 4, "clear_after": 1}, Rule("disk", Range(0, 90), Range(0, 95), 1.0, 4, 1)),
        ({}, DEFAULT_RULES["disk"]),
        ("off", None),
        (False, None),
        ({"warn": False, "crit": False}, None),
    ],
)
def test_written_forms(written: Any, rule: Rule | None) -> None:
    assert rules(node={"disk": written}).metrics.get("disk") == rule


@pytest.mark.parametrize(
    ("thresholds", "error"),
    [
        ({"dsik": 80}, "node n1: gridtui_thresholds: 'dsik' is no metric; did you mean disk?"),
        ({7: "off"}, "node n1: gridtui_thresholds: 7 is no metric; `gridtui check --json` shows the names"),
        ({"disk": {"wran": 80}}, "node n1: gridtui_thresholds.disk.wran is no setting of a rule; did you mean warn?"),
        ({"disk": {"warn": "8G"}}, "node n1: gridtui_thresholds.disk.warn: '8G' is no range: 'G' does not fit a value in per cent: write %"),
        ({"disk": {"warn": [1]}}, "node n1: gridtui_thresholds.disk.warn is [1]; it is a range: 10, 10:, ~:10, 10:20 or @10:20"),
        ({"disk": {"warn": True}}, "node n1: gridtui_thresholds.disk.warn is True; it is a range: 10, 10:, ~:10, 10:20 or @10:20"),
        ({"disk": {"warn": float("nan")}}, "node n1: gridtui_thresholds.disk.warn: 'nan' is no range: 'nan' is no number; write 10, 10:, ~:10, 10:20 or @10:20"),
        ({"disk": {"raise_after": 0}}, "node n1: gridtui_thresholds.disk.raise_after is 0; it is a whole number of samples from 1 to 1000"),
        ({"disk": {"clear_after": True}}, "node n1: gridtui_thresholds.disk.clear_after is True; it is a whole number of samples from 1 to 1000"),
        ({"disk": {"clear": "@2"}}, "node n1: gridtui_thresholds.disk.clear is '@2'; it is one number of 0 or more"),
        ({"disk": 80}, "node n1: gridtui_thresholds.disk is 80; write a table of warn, crit, clear, raise_after, clear_after, or off"),
        ({"disk": "80"}, "node n1: gridtui_thresholds.disk is '80'; write `warn/crit` as in 80/90, a table, or off"),
        ({"reach": "off"}, "node n1: gridtui_thresholds.reach: it cannot be off; `gridtui_maintenance: true` keeps a node silent"),
        ({"reach": {"warn": 3}}, "node n1: gridtui_thresholds.reach.warn is no setting of a rule; known: raise_after, clear_after"),
        ({"reach": "1/2"}, "node n1: gridtui_thresholds.reach is '1/2'; write a table of warn, crit, clear, raise_after, clear_after, or off"),
        ({"flapping": 3}, "node n1: gridtui_thresholds.flapping is 3; it is `on` or `off`"),
    ],
)  # fmt: skip
def test_errors_name_the_place(thresholds: dict[Any, Any], error: str) -> None:
    with pytest.raises(SettingsError) as caught:
        rules(node=thresholds)
    assert str(caught.value) == error
    with pytest.raises(SettingsError, match=r"^settings: thresholds"):
        rules(settings=thresholds)


def test_reach_flapping_and_maintenance() -> None:
    found = rules(node={"reach": {"raise_after": 3}, "flapping": False})
    assert found.reach == Rule("reach", raise_after=3)
    assert not found.flapping
    assert rules_for(Node("n", "n", maintenance=True), Settings()).maintenance


def test_limits_of_the_command_line() -> None:
    assert limits(["disk=80", "mem.free=8G:", "load.cpu=off", "rtt=50ms"]) == {
        "disk": Range(0, 80),
        "mem.free": Range(8 * 2**30),
        "load.cpu": None,
        "rtt": Range(0, 0.05),
    }


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("disk", "--crit disk: no `=` in it; write METRIC=RANGE, as in disk=80"),
        ("dsk=1", "--crit dsk=1: 'dsk' is no metric; did you mean disk?"),
        ("reach=1", "--crit reach=1: 'reach' is no metric; `gridtui check --json` shows the names"),
        ("disk=", "--crit disk=: '' is an empty range; write 10, 10:, ~:10, 10:20 or @10:20"),
    ],
)
def test_limits_in_error(word: str, error: str) -> None:
    with pytest.raises(UsageError) as caught:
        limits([word], "--crit")
    assert str(caught.value) == error
