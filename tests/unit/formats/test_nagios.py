"""The plugin output, held to a strict parser written from the monitoring-plugins guidelines ("Plugin Output for Nagios",
"Threshold and Ranges", "Performance data") and from Nagios's order of text and performance data over several lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.cli.formats import render
from gridtui.health import NodeReport, Range, Report, Rule, Rules, rules_for
from gridtui.metrics import METRICS
from gridtui.model import Layer, Node, Reach, Reason, State, Verdict
from gridtui.settings import Settings

NOW = 1_800_000_000.0
RULES = rules_for(Node("n", "n"), Settings())

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_RANGE = rf"@?(?:(?:~|{_NUMBER}):)?(?:{_NUMBER})?"
_DATUM = re.compile(
    r"(?:'(?P<quoted>[^'=|\n]+)'|(?P<bare>[^ '=|\n]+))="
    rf"(?P<value>{_NUMBER})(?P<uom>s|us|ms|%|[KMGT]?B|c|)"
    rf"(?:;(?P<warn>{_RANGE}))?(?:;(?P<crit>{_RANGE}))?(?:;(?P<min>{_NUMBER})?)?(?:;(?P<max>{_NUMBER})?)?(?: |$)"
)


@dataclass
class Output:
    """What a monitoring system makes of a plugin's output."""

    state: str
    text: str
    long: list[str]
    data: dict[str, dict[str, str]] = field(default_factory=dict)


def parse(output: str) -> Output:
    assert output.endswith("\n") and len(output.encode()) <= 8192
    assert not re.search(r"[^\n\x20-\x7e\x80-\U0010ffff]", output)
    lines = output.removesuffix("\n").split("\n")
    assert all(lines)
    first, bar, data = lines[0].partition("|")
    assert bar and first.endswith(" ") and data.startswith(" ")
    match = re.fullmatch(r"GRIDTUI (OK|WARNING|CRITICAL|UNKNOWN): (.+) ", first)
    assert match
    found = Output(match[1], match[2], [])
    perf = [data.strip(" ")]
    in_data = False
    for line in lines[1:]:
        if in_data:
            assert "|" not in line
            perf.append(line)
            continue
        text, bar, data = line.partition("|")
        found.long.append(text.rstrip(" ") if bar else text)
        if bar:
            assert "|" not in data
            perf.append(data.strip(" "))
            in_data = True
    for line in perf:
        position = 0
        while position < len(line):
            datum = _DATUM.match(line, position)
            assert datum, f"no performance data: {line[position:]!r}"
            position = datum.end()
            label = datum["quoted"] or datum["bare"]
            assert label not in found.data
            found.data[label] = {key: value for key, value in datum.groupdict().items() if value}
            for limit in ("warn", "crit"):
                Range.parse(datum[limit]) if datum[limit] else None
    return found


def up(name: str, **metrics: float) -> NodeReport:
    return NodeReport(Verdict(name, State.OK, NOW), Reach(NOW), metrics, RULES)


def down(name: str, text: str = "down at tcp: connection refused") -> NodeReport:
    reason = Reason("reach", State.CRITICAL, text, NOW)
    return NodeReport(Verdict(name, State.CRITICAL, NOW, Layer.TCP, (reason,)), Reach(NOW, Layer.TCP), {}, RULES)


def test_the_parser_is_strict() -> None:
    good = "GRIDTUI OK: 1 node up | up=1;;;0;1 'a b'=2s;~:3;@1:2\n"
    assert parse(good).data["a b"] == {"quoted": "a b", "value": "2", "uom": "s", "warn": "~:3", "crit": "@1:2"}
    for bad in (
        "OK: fine | a=1\n",
        "GRIDTUI OK: 1 node up | a b=1\n",
        "GRIDTUI OK: 1 node up | a=1e3\n",
        "GRIDTUI OK: 1 node up | a=1 a=2\n",
        "GRIDTUI OK: 1 node up | a=1|b=2\n",
        "GRIDTUI OK: 1 node up | a=1V\n",
        "GRIDTUI OK: 1 node up\n",
        "GRIDTUI OK: 1 node up | a=1\nmore | a=2 | a=3\n",
        "GRIDTUI OK: 1 node up | a=1\n\n",
        "GRIDTUI OK: 1 node up | a='1'\n",
    ):
        with pytest.raises((AssertionError, ValueError)):
            parse(bad)


def test_all_is_well() -> None:
    output = render("nagios", Report(NOW, 0.5, (up("a", rtt=0.00123456789, disk=50.04, load=1.5, cpu=12, procs=99),)))
    assert output == (
        "GRIDTUI OK: 1 node up | up=1;;;0;1 down=0;;;0;1 critical=0;;;0;1 warning=0;;;0;1 unknown=0;;;0;1 "
        "blamed=0;;;0;1 maintenance=0;;;0;1 silenced=0;;;0;1 acknowledged=0;;;0;1 time=0.5s;;;0\n"
        "no problem | a::cpu=12% a::load=1.5 a::disk=50.04%;90;95 a::rtt=0.00123457s\n"
    )
    parse(output)


def test_problems() -> None:
    output = parse(render("nagios", Report(NOW, 2.0, (up("node1", disk=10), down("node2"), up("node3", clock=0.5)))))
    assert output.state == "CRITICAL"
    assert output.text == "1 of 3 nodes down: node2 (tcp)"
    assert output.long == ["CRITICAL node2: down at tcp: connection refused"]
    assert output.data["up"] == {"bare": "up", "value": "2", "min": "0", "max": "3"}
    assert output.data["node3::clock"]["warn"] == "-1:1"


def test_nothing_selected() -> None:
    output = parse(render("nagios", Report(NOW, 0.1)))
    assert (output.state, output.text, output.data["up"]["max"]) == ("UNKNOWN", "no node was selected", "0")


def test_a_large_fleet_fits_into_what_nagios_reads() -> None:
    nodes = tuple(down(f"node{n:04}") if n % 2 else up(f"node{n:04}", rtt=0.001, disk=5, mem=5) for n in range(2000))
    text = render("nagios", Report(NOW, 2.0, nodes))
    output = parse(text)
    assert output.text.startswith("1000 of 2000 nodes down: node0001,") and output.text.endswith("…")
    assert output.long[-1].startswith("... and ")
    assert output.data["down"]["value"] == "1000" and "node0000::rtt" in output.data


HOSTILE = st.text(max_size=30) | st.sampled_from(["a|b", "x\ny", "| up=99", "it's", "a=b", "'", "\x1b[31m", "a b", "ü"])


@given(
    st.dictionaries(
        HOSTILE, st.tuples(HOSTILE, st.sampled_from(list(State)), st.floats(), st.sampled_from(sorted(METRICS)))
    ),
    st.floats(-1, 1e9),
)
def test_whatever_nodes_say_the_grammar_holds(nodes: dict[str, tuple[str, State, float, str]], seconds: float) -> None:
    reports = []
    for name, (text, state, value, metric) in nodes.items():
        reasons = (Reason("disk", state, text, NOW),) if state is not State.OK else ()
        rules = Rules({metric: Rule(metric, Range(0, 10), Range(-1.5))})
        reports.append(NodeReport(Verdict(name, state, NOW, None, reasons), Reach(NOW), {metric: value}, rules))
    output = render("nagios", Report(NOW, seconds, tuple(reports)))
    found = parse(output)
    assert found.data["up"]["value"] == str(sum(node.up for node in reports))
    assert found.state == Report(NOW, 0, tuple(reports)).state.name


def test_labels_are_quoted_when_they_have_to_be() -> None:
    output = render("nagios", Report(NOW, 1.0, (replace(up("a b", rtt=1.0)), up("it's=x|y", rtt=2.0))))
    assert "'a b::rtt'=1s" in output and "it_s_x¦y::rtt'=2s" in output
    parse(output)
