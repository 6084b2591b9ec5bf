"""What a reason says, made from the values that the real probes give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gridtui.health import DEFAULT_RULES, Memory, Observation, Range, Rule, Rules, judge, value_text
from gridtui.metrics import METRICS
from gridtui.model import Reach, Unsupported
from gridtui.probes.clock import Clock
from gridtui.probes.filesystems import FileSystem
from gridtui.probes.gpus import Gpu
from gridtui.probes.temperatures import Temperature
from gridtui.probes.units import Unit


def filesystem(mount: str, percent: int, inodes: int = 0, read_only: bool = False) -> FileSystem:
    return FileSystem(mount, "ext4", "8:1", read_only, 100, percent, 100 - percent, 100, 100 - inodes)


PARTS: Mapping[str, Any] = {
    "filesystems": (
        filesystem("/", 50, inodes=97),
        filesystem("/var", 91),
        filesystem("/home", 96),
        filesystem("/mnt/cd", 100, inodes=100, read_only=True),
    ),
    "temperatures": (Temperature("coretemp Package id 0", 97.0), Temperature("nvme Composite", 40.0)),
    "gpus": (Gpu("NVIDIA H200", celsius=40.0), Gpu("NVIDIA H200", celsius=91.0), Gpu("NVIDIA H200", celsius=None)),
    "units": tuple(Unit(f"{name}.service", "") for name in "abcde"),
    "clock": Clock(-75.0, 0.01),
}


def said(metric: str, value: float, parts: Mapping[str, Any]) -> str:
    rule = DEFAULT_RULES.get(metric) or Rule(metric, Range(-1e-9, 1e-9))
    observation = Observation(Reach(1.0), {metric: value}, parts)
    reasons = judge(Memory.blank("n1"), observation, Rules({metric: rule})).verdict.reasons
    return next(reason.text for reason in reasons if reason.rule == metric)


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("disk", 96.0, "/home is 96 % full (also /var)"),
        ("disk.inodes", 97.0, "/ has 97 % of its inodes in use"),
        ("temp", 97.0, "coretemp Package id 0 is at 97 °C"),
        ("gpu.temp", 91.0, "GPU 1 (NVIDIA H200) is at 91 °C"),
        ("ids.bans", 1.0, "1 address banned for failed logins"),
        ("ids.failed_logins", 412.0, "412 failed logins within an hour"),
        ("ids.changed", 3.0, "3 files are not as in the baseline"),
        ("ids.age", 7200.0, "intrusion detection has not reported for 2 h"),
        ("units.failed", 5.0, "5 failed units: a.service, b.service, c.service and 2 more"),
        ("clock", -75.0, "the clock is 1 min behind"),
        ("clock", 3.25, "the clock is 3.2 s ahead"),
        ("mem", 97.6, "memory is 97.6 % in use"),
        ("loss", 33.3333, "33.3 % of the recent echoes were lost"),
        ("load.cpu", 4.0, "load 4 for each CPU"),
        ("reboot", 1.0, "a reboot is required"),
        ("uptime", 90.0, "up for 1 min"),
        ("rtt", 0.0523, "last round trip: 52.3 ms"),
        ("mem.free", 1.5e9, "memory that programs can still get (MemAvailable): 1.4 GB"),
        ("net.rx", 2048.0, "received from the network: 2.0 kB/s"),
    ],
)
def test_reasons(metric: str, value: float, text: str) -> None:
    assert said(metric, value, PARTS) == text


@pytest.mark.parametrize(
    "parts",
    [{}, {name: Unsupported("no") for name in PARTS}, dict.fromkeys(PARTS, ("x", None, 3)), dict.fromkeys(PARTS, 7)],
)
def test_a_part_that_is_missing_costs_the_detail_alone(parts: Mapping[str, Any]) -> None:
    assert said("disk", 96.0, parts) == "the fullest file system is 96 % full"
    assert said("disk.inodes", 96.0, parts) == "a file system has 96 % of its inodes in use"
    assert said("temp", 96.0, parts) == "hottest sensor is at 96 °C"
    assert said("gpu.temp", 96.0, parts) == "hottest GPU is at 96 °C"
    assert said("units.failed", 1.0, parts) == "1 failed unit"
    assert said("clock", -2.0, parts) == "the clock is 2 s behind"


def test_names_are_neutralised() -> None:
    parts = {"units": (Unit("\x1b[31m\n" + "x" * 500, ""),)}
    text = said("units.failed", 1.0, parts)
    assert text.startswith("1 failed unit: ·[31m·xxx") and len(text) < 120


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_said(metric: str) -> None:
    assert value_text(metric, 42.0) and said(
        metric, {"loss": 99.0, "ids.age": 9e9, "ids.changed.age": 9e9}.get(metric, 200.0), {}
    )


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("load", 0.25, "0.25"),
        ("load", 12.345, "12.3"),
        ("procs", 1234.0, "1234"),
        ("rtt", 0.0000053, "5.3 µs"),
        ("rtt", 2.0, "2 s"),
        ("clock", -90.0, "-1 min"),
        ("uptime", 90061.0, "1 d 1 h"),
        ("mem.total", 8 * 2**30, "8.0 GB"),
        ("gpu.power", 312.4, "312 W"),
        ("net.errors", 0.5, "0.5 1/s"),
        ("load", float("inf"), "inf"),
    ],
)
def test_values(metric: str, value: float, text: str) -> None:
    assert value_text(metric, value) == text
