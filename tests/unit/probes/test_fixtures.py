"""Recorded answers, a folder each: `<probe>/<case>/` has a file for each text that the probe reads and `expected.json`.

A new case is a folder. A text that is not there was not sent. The NVIDIA cases are written from the documented format, not recorded.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gridtui.model import Unsupported
from gridtui.probes import METRICS, PROBES
from gridtui.probes.probe import Probe, parsed

HERE = Path(__file__).parent
BY_NAME = {probe.name: probe for probe in PROBES}
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.json") if path.parts[-3] in BY_NAME)


def names(probe: Probe) -> list[str]:
    return [path.removeprefix("/proc/").replace("/", ".") for path in probe.files] + list(probe.sections)


def plain(value: Any) -> Any:
    """A frozen value as JSON has it."""
    if isinstance(value, Unsupported):
        return {"unsupported": value.why}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value.decode() if isinstance(value, bytes) else value


def read(case: Path) -> tuple[Any, Mapping[str, float]]:
    probe = BY_NAME[case.parent.name]
    texts = [
        path.read_bytes().removesuffix(b"\n")
        if (path := case / name).exists() and name in probe.sections
        else path.read_bytes()
        if path.exists()
        else b""
        for name in names(probe)
    ]
    value = parsed(probe, *texts)
    return value, {} if isinstance(value, Unsupported) else probe.metrics(value)


def close(left: Any, right: Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        return (
            isinstance(left, int | float) and isinstance(right, int | float) and math.isclose(left, right, rel_tol=1e-9)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(close(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(close, left, right))
    return bool(left == right)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_answer_is_read_as_expected(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    value, metrics = read(case)
    found = {"value": plain(value), "metrics": dict(metrics)}
    assert close(found, expected), json.dumps(found, indent=1)
    known = set(names(BY_NAME[case.parent.name])) | {"expected.json"}
    assert {path.name for path in case.iterdir()} <= known, "a file that no probe reads"


def test_every_probe_has_a_case_that_works_and_one_that_does_not() -> None:
    for probe in PROBES:
        values = [read(case)[0] for case in CASES if case.parent.name == probe.name]
        assert any(not isinstance(value, Unsupported) for value in values), probe.name
        assert any(isinstance(value, Unsupported) for value in values) or probe.name in {"devices"}, probe.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_metrics_are_known_finite_and_in_range(case: Path) -> None:
    for name, value in read(case)[1].items():
        assert math.isfinite(value)
        assert METRICS[name].unit != "%" or 0 <= value <= 100, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_nothing_of_a_node_gets_through_raw(case: Path) -> None:
    text = json.dumps(plain(read(case)[0]), ensure_ascii=False)
    assert "\\u001b" not in text
    assert "\u202e" not in text
