"""From observations to verdicts, on tables. A run is a string: one character an observation, one a minute.

Reach: `.` up, `x` down at tcp, `i` down at icmp, `?` pending. Metrics: a list of values of one metric, None where it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.health import Memory, Observation, Range, Rule, Rules, changed, judge, rules_for
from gridtui.model import Layer, Node, Reach, State, Verdict
from gridtui.settings import Settings

START = 1_000_000.0
FINE = {"uptime": 5000.0}
RULES = rules_for(Node("n1", "n1"), Settings())
WORDS = {"O": State.OK, "W": State.WARNING, "C": State.CRITICAL, "U": State.UNKNOWN}
REACHES = {
    ".": Reach(0),
    "x": Reach(0, Layer.TCP, "connection refused"),
    "i": Reach(0, Layer.ICMP, "no echo"),
    "?": Reach(0, pending=True),
}


def only(warn: str = "90", crit: str = "95", **options: Any) -> Rules:
    rule = Rule("disk", Range.parse(warn) if warn else None, Range.parse(crit) if crit else None, **options)
    return Rules({"disk": rule})


def reached(marks: str, rules: Rules = RULES, step: float = 60.0, memory: Memory | None = None) -> list[Memory]:
    memory = memory or Memory.blank("n1")
    first = memory.time + step if memory.time else START
    found = []
    for index, mark in enumerate(marks):
        memory = judge(
            memory, Observation(REACHES[mark], FINE if mark == "." else None, time=first + index * step), rules
        )
        found.append(memory)
    return found


def measured(
    values: Iterable[float | None], rules: Rules, metric: str = "disk", parts: Mapping[str, Any] | None = None
) -> list[Memory]:
    memory = Memory.blank("n1")
    found = []
    for index, value in enumerate(values):
        metrics = FINE if value is None else FINE | {metric: value}
        memory = judge(memory, Observation(REACHES["."], metrics, parts or {}, START + index * 60), rules)
        found.append(memory)
    return found


def states(memories: list[Memory]) -> str:
    return "".join(memory.verdict.state.name[0] for memory in memories)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("....", "OOOO"),
        ("x", "C"),  # without a history, what is seen counts
        ("..x.", "OOOO"),  # once is not enough
        ("..xx..", "OOOCCO"),  # called down, and well again, at the second in a row
        ("..x.x.x", "OOOOOOO"),
        ("..xx.x..", "OOOCCCCO"),
        ("..xi", "OOOC"),  # down is down, at whichever layer
        ("?", "U"),
        ("?.", "UO"),
        ("?x", "UC"),
        ("?.x", "UOO"),
        ("..?", "OOO"),  # nothing new is known
        ("xx?..", "CCCCO"),
        ("x?.", "CCC"),
        ("..??.", "OOOUO"),  # not looked at in time, twice in a row: nobody knows
        (".?.?.", "OOOOO"),
        ("xx???..", "CCCCCCO"),
    ],
)
def test_reach(marks: str, expected: str) -> None:
    assert states(reached(marks)) == expected


def test_other_counts() -> None:
    rules = replace(RULES, reach=Rule("reach", raise_after=3, clear_after=1))
    assert states(reached("..xxx..", rules)) == "OOOOCOO"


def test_a_node_that_is_down_says_where_and_since_when() -> None:
    run = reached("..xxi..")
    soft, down, moved, answering, well = (memory.verdict for memory in run[2:])
    assert soft.state is State.OK and soft.layer is None and soft.since == START
    assert [(r.rule, r.soft, r.text, r.since) for r in soft.reasons] == [
        ("reach", True, "connection refused", START + 120)
    ]
    assert down.layer is Layer.TCP and down.since == START + 180
    # The reason remembers when it began, the state when it counted.
    assert [(r.text, r.since, r.soft) for r in down.reasons] == [
        ("down at tcp: connection refused", START + 120, False)
    ]
    assert moved.layer is Layer.ICMP and moved.since == down.since
    assert moved.reasons[0].text == "down at icmp: no echo" and moved.reasons[0].since == START + 120
    assert answering.state is State.CRITICAL and answering.layer is Layer.ICMP
    assert answering.reasons[0].text == "answers again, 1 of 2 times in a row (was: no echo)"
    assert well.state is State.OK and well.since == START + 360 and not well.reasons and well.layer is None


def test_what_a_node_says_is_neutralised() -> None:
    reach = Reach(0, Layer.BANNER, "\x1b[31m\nboo" + "x" * 9000)
    text = judge(Memory.blank("n1"), Observation(reach, time=START), RULES).verdict.reasons[0].text
    assert text.startswith("down at banner: ·[31m·boo") and len(text) < 5000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([50, 91, 91], "OOW"),
        ([91], "W"),
        ([50, 91, 50, 91], "OOOO"),
        ([50, 96, 96], "OOC"),
        ([50, 91, 96, 96], "OOWC"),  # both were beyond warning, then both beyond critical
        ([50, 96, 91, 96, 96], "OOWWC"),
        ([96, 91, 91], "CCC"),  # 91 clears critical by more than the margin, but only ...
        ([96, 90.9, 90.2, 50, 50], "CCWWO"),  # ... below 95 - 4 it counts
        ([91, 89, 89, 89], "WWWW"),  # inside of the margin nothing is cleared
        ([91, 85, 85], "WWO"),
        ([91, 85, 89, 85, 85], "WWWWO"),
        ([50, None, 91, None, 91], "OOOOW"),  # what is missing neither counts nor starts afresh
    ],
)
def test_levels(values: list[float | None], expected: str) -> None:
    assert states(measured(values, only(clear=4.1))) == expected


def test_a_metric_that_is_missing_is_held_for_a_while_and_then_quiet() -> None:
    run = measured([96, *[None] * 6, 96, 96], only())
    assert states(run) == "CCCCCOOOC"  # held for four samples; back again, it has to be seen twice
    assert run[4].verdict.reasons[0].text == "the fullest file system is 96 % full"
    assert not run[5].verdict.reasons
    assert states(measured([96, float("nan"), float("inf")], only())) == "CCC"


def test_a_metric_that_was_never_there_has_no_history() -> None:
    assert states(measured([None, None, 96], only())) == "OOC"


def test_one_level_alone() -> None:
    assert states(measured([50, 91, 91, 96, 96], only(crit=""))) == "OOWWW"
    assert states(measured([50, 91, 91, 96, 96], only(warn=""))) == "OOOOC"


def test_reasons_that_do_not_count_yet_are_shown() -> None:
    run = measured([50, 91, 91, 96, 96], only())
    assert [[(r.state.name, r.soft) for r in memory.verdict.reasons] for memory in run] == [
        [],
        [("WARNING", True)],
        [("WARNING", False)],
        [("WARNING", False), ("CRITICAL", True)],
        [("CRITICAL", False)],
    ]
    assert [r.since for r in run[3].verdict.reasons] == [START + 60, START + 180]
    assert run[4].verdict.since == START + 240 and run[4].verdict.reasons[0].since == START + 180


def test_rules_are_frozen_while_a_node_is_down() -> None:
    rules = only()
    memory = measured([96], rules)[-1]
    for mark in "xxxxxxxx":
        memory = judge(memory, Observation(REACHES[mark], {"disk": 10.0}, time=memory.time + 60), rules)
    assert [reason.rule for reason in memory.verdict.reasons] == ["reach"]
    level = memory.levels["disk"]
    assert level.state is State.CRITICAL and level.missing == 0
    first = judge(memory, Observation(REACHES["."], FINE | {"disk": 10.0}, time=memory.time + 60), rules)
    assert first.levels == memory.levels  # frozen
    second = judge(first, Observation(REACHES["."], FINE | {"disk": 96.0}, time=first.time + 60), rules)
    assert [(r.rule, r.state) for r in second.verdict.reasons] == [("disk", State.CRITICAL)]
    assert second.verdict.since == memory.verdict.since  # it was critical all along


def test_an_observation_without_a_sample_leaves_metrics_alone() -> None:
    rules = only()
    memory = measured([50, 91], rules)[-1]
    for _ in range(20):
        memory = judge(memory, Observation(REACHES["."], time=memory.time + 1), rules)
    assert memory.levels["disk"].warn.count == 1 and memory.verdict.state is State.OK


def test_a_node_that_answers_without_a_sample_is_unknown() -> None:
    memory = Memory.blank("n1")
    found = []
    for metrics in ({"loss": 0.0, "rtt": 0.001}, {}, {}, FINE):
        memory = judge(memory, Observation(REACHES["."], metrics, time=memory.time + START), RULES)
        found.append(memory)
    assert states(found) == "OUUO"
    assert found[0].verdict.reasons[0].soft
    assert found[1].verdict.reasons[0].text == "answers, but gives no sample"


def test_the_worst_reason_comes_first() -> None:
    metrics = FINE | {"disk": 91.0, "mem": 99.0, "units.failed": 2.0}
    parts = {"units": (SimpleNamespace(name="a.service"), SimpleNamespace(name="b.service"))}
    verdict = judge(Memory.blank("n1"), Observation(REACHES["."], metrics, parts, START), RULES).verdict
    assert [reason.rule for reason in verdict.reasons] == ["mem", "disk", "units.failed"]
    assert verdict.state is State.CRITICAL
    assert verdict.reasons[2].text == "2 failed units: a.service, b.service"


@pytest.mark.parametrize(
    ("offset", "error", "state"),
    [
        (0.9, 0.0, "O"),
        (1.1, 0.0, "W"),
        (-1.1, 0.0, "W"),
        (1.1, 0.2, "O"),
        (-12, 0.5, "C"),
        (12, 11.5, "O"),
        (12, 5, "W"),
    ],
)
def test_a_clock_is_judged_by_what_is_beyond_doubt(offset: float, error: float, state: str) -> None:
    parts = {"clock": SimpleNamespace(error=error)}
    assert states(measured([offset], RULES, "clock", parts)) == state


@pytest.mark.parametrize(("loss", "state"), [(0, "O"), (20, "O"), (33.3, "W"), (66.7, "C"), (100, "O")])
def test_echoes_that_are_filtered_are_not_lost(loss: float, state: str) -> None:
    assert states(measured([loss], RULES, "loss")) == state


def test_a_long_gap_starts_counts_again() -> None:
    memory = reached("....x")[-1]
    late = judge(memory, Observation(REACHES["x"], time=memory.time + 3600), RULES)
    assert late.verdict.state is State.OK and late.reach.crit.count == 1
    assert judge(late, Observation(REACHES["x"], time=late.time + 60), RULES).verdict.state is State.CRITICAL


@pytest.mark.parametrize("step", [1, 60, 300, 900, 3600, 86400])
def test_any_steady_pace_calls_a_node_down_at_the_second_time(step: float) -> None:
    assert states(reached("..xx..", step=step)) == "OOOCCO"


@pytest.mark.parametrize("step", [3600.5, 86400])
def test_a_check_that_slows_down_loses_one_count_at_most(step: float) -> None:
    memory = reached("..........")[-1]
    assert "C" in states(reached("xxx", step=step, memory=memory))
    memory = reached(".", step=step, memory=memory)[-1]
    assert states(reached("xx", step=step + 1, memory=memory)) == "OC"


def test_a_clock_set_back_does_not_put_a_beginning_into_the_future() -> None:
    memory = reached("..xx")[-1]
    back = judge(memory, Observation(REACHES["x"], time=START - 5000), RULES)
    assert back.verdict.since == START - 5000 and back.verdict.reasons[0].since == START - 5000
    assert back.verdict.state is State.CRITICAL
    assert states(reached("..", memory=back)) == "CO"


def test_a_rule_that_is_gone_takes_its_reason_along() -> None:
    memory = measured([96], only())[-1]
    memory = judge(memory, Observation(REACHES["."], FINE | {"disk": 96.0}, time=memory.time + 60), Rules({}))
    assert memory.verdict.state is State.OK and not memory.levels


def test_a_new_threshold_is_answered_at_once() -> None:
    """`check`, and then `check --warn disk=40`: the answer must not wait for the minute after."""
    memory = measured([50, 50], only())[-1]
    stored = Memory.from_json("n1", json.loads(json.dumps(memory.to_json())))
    seen = Observation(REACHES["."], FINE | {"disk": 50.0}, time=memory.time + 60)
    for before in (memory, stored):
        assert judge(before, seen, only(warn="40")).verdict.state is State.WARNING
        assert judge(judge(before, seen, only(warn="40")), seen, only()).verdict.state is State.OK
    # Other counts are no other question.
    high = Observation(REACHES["."], FINE | {"disk": 96.0}, time=memory.time + 60)
    assert judge(stored, high, only(raise_after=4)).verdict.state is State.OK


def test_flapping_is_shown_and_counts_until_it_ends() -> None:
    run = reached("...." + ".x" * 10 + "." * 21)
    flapping = [memory.verdict.flapping for memory in run]
    began, ended = flapping.index(True), len(flapping) - flapping[::-1].index(True)
    assert began == 10 and flapping[began:ended] == [True] * (ended - began)  # after six changes, without a break
    at = run[began].verdict
    assert at.state is State.WARNING and at.since == run[began].time
    assert [(r.rule, r.text) for r in at.reasons if not r.soft] == [
        ("flapping", "comes and goes: 6 changes in 11 observations")
    ]
    assert run[ended - 1].verdict.since == at.since
    assert run[-1].verdict.state is State.OK and not run[-1].verdict.reasons
    # It is news when it begins and when it ends, and not in between.
    news = [b.time for a, b in pairwise(run) if changed(a.verdict, b.verdict)]
    assert news == [run[began].time, run[ended].time]


def test_flapping_can_be_off() -> None:
    assert states(reached("...." + ".x" * 10, replace(RULES, flapping=False))) == "O" * 24


def test_down_and_well_a_few_times_is_no_flapping() -> None:
    assert states(reached("..xx..xx..")) == "OOOCCOOCCO"


def test_maintenance_is_judged_and_is_no_alert() -> None:
    verdict = reached("xx", replace(RULES, maintenance=True))[-1].verdict
    assert verdict.state is State.CRITICAL and verdict.maintenance and not verdict.alert
    assert reached("?", replace(RULES, maintenance=True))[-1].verdict.maintenance


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (None, {}, False),
        (None, {"state": State.CRITICAL}, True),
        ({}, {}, False),
        ({}, {"since": 5.0}, False),
        ({}, {"state": State.WARNING}, True),
        ({"layer": Layer.TCP}, {"layer": Layer.ICMP}, True),
        ({}, {"blamed": "gw"}, True),
        ({"flapping": True}, {"flapping": True, "state": State.CRITICAL}, False),
        ({"flapping": True}, {}, True),
    ],
)
def test_what_is_news(before: dict[str, Any] | None, after: dict[str, Any], news: bool) -> None:
    base = Verdict("n1", State.OK, 1.0)
    assert changed(None if before is None else replace(base, **before), replace(base, **after)) is news


OBSERVATIONS = st.lists(
    st.tuples(
        st.sampled_from("..x?i"),
        st.none() | st.floats(allow_nan=True),
        st.floats(-100, 10_000),
    ),
    max_size=40,
)


@given(OBSERVATIONS)
def test_memory_survives_a_file_between_any_two_runs(run: list[tuple[str, float | None, float]]) -> None:
    kept = stored = Memory.blank("n1")
    now = START
    for mark, value, step in run:
        now += step
        seen = Observation(REACHES[mark], FINE if value is None else FINE | {"disk": value}, time=now)
        kept = judge(kept, seen, RULES)
        stored = judge(Memory.from_json("n1", json.loads(json.dumps(stored.to_json(), allow_nan=False))), seen, RULES)
        assert stored == kept
        assert kept.verdict.since <= now
        assert all(reason.since <= now for reason in kept.verdict.reasons)
        counted = [reason for reason in kept.verdict.reasons if not reason.soft]
        assert bool(counted) == (kept.verdict.state is not State.OK) or not kept.seen
        assert (kept.verdict.layer is not None) == any(reason.rule == "reach" for reason in counted)


@given(st.text(".x", min_size=2, max_size=60))
def test_two_in_a_row_are_always_enough(marks: str) -> None:
    run = reached(marks)
    for index in range(1, len(marks)):
        if marks[index - 1 : index + 1] == "xx":
            assert run[index].verdict.state is State.CRITICAL
        if marks[index - 1 : index + 1] == "..":
            assert run[index].verdict.layer is None and run[index].verdict.state is not State.CRITICAL


@given(st.lists(st.integers(80, 100), max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_a_level_turns_when_enough_samples_in_a_row_say_so_and_never_else(
    values: list[int], raise_after: int, clear_after: int
) -> None:
    rules = only("90", "", clear=2, raise_after=raise_after, clear_after=clear_after)
    run = measured(map(float, values), replace(rules, flapping=False))
    for index in range(1, len(run)):
        was, now = (memory.verdict.state is State.WARNING for memory in run[index - 1 : index + 1])
        # The first observation is the history's beginning and no part of a row.
        above = index >= raise_after and min(values[index + 1 - raise_after : index + 1]) > 90
        below = index >= clear_after and max(values[index + 1 - clear_after : index + 1]) <= 88
        assert now == (above if not was else not below)
