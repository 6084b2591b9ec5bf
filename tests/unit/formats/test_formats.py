"""Reports as text, JSON and for Prometheus; for Nagios see test_nagios."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gridtui.cli.formats import FORMATS, render
from gridtui.cli.formats.prometheus import metric_name
from gridtui.health import NodeReport, Report
from gridtui.metrics import METRICS
from gridtui.model import Layer, Reach, Reason, State, Verdict

NOW = 1_800_000_000.0


def up(name: str, **options: Any) -> NodeReport:
    return NodeReport(Verdict(name, State.OK, NOW - 9000), Reach(NOW), {"rtt": 0.0012, "disk": 50.0}, **options)


def down(name: str, error: str = "connection refused", **options: Any) -> NodeReport:
    reason = Reason("reach", State.CRITICAL, f"down at tcp: {error}", NOW - 190)
    verdict = Verdict(name, State.CRITICAL, NOW - 180, Layer.TCP, (reason,), **options)
    return NodeReport(verdict, Reach(NOW, Layer.TCP, error), changed=True)


def full(name: str, state: State = State.WARNING, **options: Any) -> NodeReport:
    reason = Reason("disk", state, "/ is 91 % full", NOW - 60, 91.0)
    return NodeReport(Verdict(name, state, NOW - 7500, None, (reason,), **options), Reach(NOW), {"disk": 91.0})


def unknown(name: str) -> NodeReport:
    return NodeReport(Verdict(name, State.UNKNOWN, NOW), Reach(NOW, pending=True))


def report(*nodes: NodeReport) -> Report:
    return Report(NOW, 1.234, nodes)


def braces(names: Iterable[str]) -> str:
    return "{" + " ".join(names) + "}"


@pytest.mark.parametrize(
    ("nodes", "state"),
    [
        ([], State.UNKNOWN),
        ([up("a")], State.OK),
        ([up("a"), full("b")], State.WARNING),
        ([up("a"), unknown("b")], State.UNKNOWN),
        ([full("a"), unknown("b")], State.WARNING),
        ([full("a"), unknown("b"), down("c")], State.CRITICAL),
        ([up("a"), down("b", maintenance=True)], State.OK),
        ([down("gw"), down("b", blamed="gw")], State.CRITICAL),
        ([full("a"), down("b", blamed="gw")], State.WARNING),
    ],
)
def test_the_state_of_all(nodes: list[NodeReport], state: State) -> None:
    assert report(*nodes).state is state


def test_counts_put_each_node_into_one_place() -> None:
    nodes = [up("a"), full("b"), full("c", State.CRITICAL), down("d"), down("e", blamed="d"), unknown("f")]
    nodes += [down("g", maintenance=True), replace(up("h"), verdict=replace(up("h").verdict, maintenance=True))]
    counts = report(*nodes).counts
    assert counts == {
        "total": 8, "up": 4, "ok": 2, "warning": 1, "critical": 1, "down": 1, "unknown": 1, "blamed": 1, "maintenance": 1,
        "silenced": 0, "acknowledged": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([], "UNKNOWN: no node was selected (1.2 s)\n"),
        ([up("a")], "OK: 1 node up (1.2 s)\n"),
        ([up("a"), up("b")], "OK: 2 nodes up (1.2 s)\n"),
        (
            [full("b"), up("a"), down("node2")],
            "CRITICAL: 1 of 3 nodes down, 1 warning (1.2 s)\n"
            "CRITICAL  node2  down at tcp: connection refused, for 3 min\n"
            "WARNING   b      / is 91 % full, for 2 h 5 min\n",
        ),
        (
            [full("a", State.CRITICAL), up("b"), unknown("c"), full("d", maintenance=True)],
            "CRITICAL: 1 of 4 nodes critical, 1 unknown, 1 in maintenance (1.2 s)\n"
            "CRITICAL     a  / is 91 % full, for 2 h 5 min\n"
            "UNKNOWN      c  nothing is known yet\n"
            "maintenance  d  / is 91 % full, for 2 h 5 min\n",
        ),
        (
            [down("gw"), down("a", blamed="gw"), down("b", blamed="gw")],
            "CRITICAL: 1 of 3 nodes down, 2 behind a dead parent (1.2 s)\n"
            "CRITICAL  gw     down at tcp: connection refused, for 3 min\n"
            "blamed    {a b}  behind gw, which is down; down at tcp: connection refused, for 3 min\n",
        ),
        (
            [down("a", "10.0.0.1 refused"), down("b", "10.0.0.2 refused"), down("c", "timed out")],
            "CRITICAL: 3 of 3 nodes down (1.2 s)\n"
            "CRITICAL  {a b}  down at tcp: 10.0.0.1 refused (and the like), for 3 min\n"
            "CRITICAL  c      down at tcp: timed out, for 3 min\n",
        ),
        ([up("a"), down("b", maintenance=True)], "OK: 1 of 2 nodes up, 1 in maintenance (1.2 s)\n"
         "maintenance  b  down at tcp: connection refused, for 3 min\n"),
    ],
)  # fmt: skip
def test_text(nodes: list[NodeReport], text: str) -> None:
    def fold(names: Iterable[str]) -> str:
        listed = list(names)
        return braces(listed) if len(listed) > 1 else listed[0]

    assert render("text", report(*nodes), fold=fold) == text


def test_what_does_not_count_yet_is_shown_but_is_no_alert() -> None:
    soft = Verdict("a", State.OK, NOW, None, (Reason("reach", State.CRITICAL, "connection refused", NOW, soft=True),))
    assert render("text", report(NodeReport(soft))) == (
        "OK: 1 node up (1.2 s)\nOK  a  connection refused (seen, not counted yet)\n"
    )
    assert render("text", report(NodeReport(soft)), quiet=True) == ""


def test_quiet_and_changed_are_for_cron() -> None:
    assert render("text", report(up("a")), quiet=True) == ""
    assert render("text", report(full("a")), quiet=True).startswith("WARNING")
    assert render("text", report(full("a")), changed=True) == ""
    assert render("text", report(full("a"), down("b"), up("c", changed=True)), changed=True) == (
        "CRITICAL: 1 of 3 nodes down, 1 warning (1.2 s)\n"
        "CRITICAL  b  down at tcp: connection refused, for 3 min\n"
        "OK        c  well again\n"
    )


def test_colour_is_the_callers() -> None:
    text = render("text", report(down("a"), full("b")), paint=lambda word, colour: f"<{colour}>{word}</>")
    assert text.splitlines()[0].startswith("<red>CRITICAL</>: ")
    assert text.splitlines()[2].startswith("<yellow>WARNING</>   b")


def test_json() -> None:
    document = json.loads(render("json", report(up("a"), down("b", blamed="gw"), full("c"), unknown("d"))))
    assert (document["schema"], document["state"], document["time"]) == (1, "WARNING", NOW)
    assert [(n["name"], n["state"], n["layer"], n["since"], n["up"]) for n in document["nodes"]] == [
        ("a", "OK", None, NOW - 9000, True),
        ("b", "CRITICAL", "tcp", NOW - 180, False),
        ("c", "WARNING", None, NOW - 7500, True),
        ("d", "UNKNOWN", None, NOW, None),
    ]
    assert document["nodes"][1]["blamed"] == "gw" and not document["nodes"][1]["alert"]
    assert document["nodes"][2]["reasons"] == [
        {"rule": "disk", "state": "WARNING", "text": "/ is 91 % full", "since": NOW - 60, "value": 91.0, "soft": False}
    ]
    assert document["nodes"][0]["metrics"] == {"rtt": 0.0012, "disk": 50.0}


def test_json_has_no_nan() -> None:
    node = replace(full("a"), metrics={"disk": math.nan, "load": math.inf, "mem": 1.0})
    node = replace(node, verdict=replace(node.verdict, reasons=(Reason("disk", State.WARNING, "", NOW, math.nan),)))
    document = json.loads(render("json", report(node)), parse_constant=lambda word: pytest.fail(word))
    assert document["nodes"][0]["metrics"] == {"mem": 1.0}


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(text: str) -> Samples:
    """By prometheus_client's own parser, which knows neither duplicates nor order: those are held to here."""
    found: Samples = {}
    seen: set[str] = set()
    for family in text_string_to_metric_families(text):
        assert family.name not in seen and family.type == "gauge" and family.documentation
        seen.add(family.name)
        for sample in family.samples:
            assert sample.timestamp is None and sample.name == family.name
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def test_prometheus() -> None:
    node = replace(full("b"), metrics=dict.fromkeys(METRICS, 50.0))
    found = scraped(render("prometheus", report(up("a"), node, down("c"), unknown("d"))))
    of = {name: value for (name, labels), value in found.items() if labels in ((), (("node", "b"),))}
    assert of["gridtui_check_time_seconds"] == NOW and of["gridtui_check_duration_seconds"] == 1.234
    assert of["gridtui_up"] == 1 and of["gridtui_state"] == 1 and of["gridtui_check_state"] == 2
    assert of["gridtui_rtt_seconds"] == 50 and of["gridtui_loss_ratio"] == 0.5 and of["gridtui_disk_ratio"] == 0.5
    assert of["gridtui_mem_free_bytes"] == 50 and of["gridtui_temp_celsius"] == 50 and of["gridtui_load"] == 50
    assert of["gridtui_net_rx_bytes_per_second"] == 50 and of["gridtui_gpu_power_watts"] == 50
    assert found["gridtui_up", (("node", "c"),)] == 0
    assert ("gridtui_up", (("node", "d"),)) not in found
    assert found["gridtui_layer_failed", (("layer", "tcp"), ("node", "c"))] == 1
    assert found["gridtui_nodes", (("kind", "down"),)] == 1


def test_every_metric_has_a_family_of_its_own() -> None:
    names = [metric_name(metric) for metric in METRICS.values()]
    assert len(set(names)) == len(names)
    # Endings that mean something else to Prometheus.
    assert [name for name in names if name.endswith(("_count", "_sum", "_bucket", "_total", "_info"))] == []


@given(
    st.lists(
        st.text(max_size=12) | st.sampled_from(['a"b', "a\\", "a\nb", "a\\n", "}", "#", "# TYPE x", "\ud800", "\r"])
    ),
    st.floats(),
)
def test_prometheus_with_hostile_names(names: list[str], value: float) -> None:
    nodes = [replace(full(name), metrics={"load": value, "disk": value}) for name in names]
    text = render("prometheus", report(*nodes))
    text.encode()
    found = scraped(text)
    wanted = {name.encode("utf-8", "replace").decode() for name in names}
    assert {dict(labels)["node"] for (name, labels) in found if name == "gridtui_state"} == wanted
    loads = [number for (name, _), number in found.items() if name == "gridtui_load"]
    assert loads == ([value] * len(wanted) if math.isfinite(value) else [])


@given(st.lists(st.text(max_size=12), max_size=5), st.text(max_size=40))
def test_text_is_as_many_lines_as_problems(names: list[str], error: str) -> None:
    text = render("text", report(*(down(name, error) for name in names)))
    assert all(char == "\n" or char.isprintable() or char == " " for char in text.replace("\u00a0", " "))
    assert text.count("\n") <= 1 + len(names)


def test_a_format_that_is_none() -> None:
    with pytest.raises(ValueError, match="'yaml' is no format"):
        render("yaml", report())
    assert all(render(name, report(up("a"))) for name in FORMATS)


def test_nothing_heavy_is_loaded() -> None:
    program = "import sys, gridtui.cli.formats, gridtui.store; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd())
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "rich",
        "click",
        "textual",
        "asyncssh",
        "asyncio",
        "yaml",
        "icmplib",
        "prometheus_client",
        "ssl",
    }
