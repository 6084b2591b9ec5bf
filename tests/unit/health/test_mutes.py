"""What people said of alerts, and what that makes of a verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.health import changed, mutes
from gridtui.health.alerts import alerts
from gridtui.model import Hush, Layer, Mute, Node, Reason, State, Verdict, clean

NOW = 1_790_000_000.0
NODE = Node("web01", "198.18.0.1")


def reason(rule: str, state: State = State.WARNING, since: float = NOW - 100, soft: bool = False) -> Reason:
    return Reason(rule, state, f"{rule} is bad", since, 97.0, soft)


def ill(*reasons: Reason, name: str = "web01", since: float = NOW - 100, **more: Any) -> Verdict:
    counted = [one.state for one in reasons if not one.soft]
    state = State.CRITICAL if State.CRITICAL in counted else State.WARNING if counted else State.OK
    return Verdict(name, state, since, reasons=tuple(reasons), **more)


def down(name: str = "web01", **more: Any) -> Verdict:
    reach = reason("reach", State.CRITICAL)
    return Verdict(name, State.CRITICAL, NOW - 100, Layer.TCP, (reach,), **more)


def ack(verdict: Verdict, now: float = NOW, known: tuple[Mute, ...] = ()) -> Mute:
    found = mutes.acknowledgement(NODE, verdict, now, "ada", "fan", known)
    assert found is not None
    return found


DISK = reason("disk")
DISK_CRITICAL = reason("disk", State.CRITICAL)
TEMP = reason("temp")


@pytest.mark.parametrize(
    ("then", "now", "covered"),
    [
        (ill(DISK), ill(DISK), True),
        (ill(DISK), ill(DISK_CRITICAL), False),
        (ill(DISK_CRITICAL), ill(DISK), True),
        (ill(DISK), ill(DISK, TEMP), False),
        (ill(DISK), ill(DISK, replace(TEMP, soft=True)), True),
        (ill(DISK, TEMP), ill(TEMP), True),
        (ill(DISK), down(), False),
        (down(), down(), True),
        (down(), ill(DISK), False),
        (Verdict("web01", State.UNKNOWN, NOW), Verdict("web01", State.UNKNOWN, NOW), True),
        (Verdict("web01", State.UNKNOWN, NOW), down(), False),
    ],
)
def test_an_acknowledgement_is_for_what_held_when_it_was_given(then: Verdict, now: Verdict, covered: bool) -> None:
    verdict = mutes.muted(now, [ack(then)], NOW + 5)
    assert verdict.alert is not covered
    assert (verdict.mute is not None) is covered
    assert verdict.state is now.state
    assert verdict.reasons == now.reasons


def test_what_is_well_or_behind_another_one_cannot_be_acknowledged() -> None:
    for verdict in (Verdict("web01", State.OK, NOW), down(blamed="gw")):
        assert mutes.acknowledgement(NODE, verdict, NOW, "ada", "") is None


def test_a_second_acknowledgement_keeps_what_the_first_one_covers() -> None:
    first = ack(ill(DISK))
    second = ack(down(), known=(first,))
    assert mutes.covers(second, ill(DISK), NOW)
    assert mutes.covers(second, down(), NOW)
    ended = mutes.ended(first, NOW + 10)
    assert not mutes.covers(ack(down(), known=(ended,)), ill(reason("disk", since=NOW + 20)), NOW + 30)


def test_an_acknowledgement_ends_with_its_alert() -> None:
    given = ack(ill(DISK))
    assert mutes.over(given, Verdict("web01", State.OK, NOW + 60))
    assert mutes.over(given, ill(TEMP))
    assert not mutes.over(given, ill(DISK))
    # Nothing is known of its disk while a node is down, or before it was looked at.
    assert not mutes.over(given, down())
    assert not mutes.over(given, Verdict("web01", State.UNKNOWN, NOW + 60))
    over = mutes.ended(given, NOW + 60)
    # Who looks less often still sees the old alert; what begins after is a new one.
    assert mutes.covers(over, ill(DISK), NOW + 90)
    assert not mutes.covers(over, ill(reason("disk", since=NOW + 61)), NOW + 90)
    assert mutes.ended(over, NOW + 500) == over


@pytest.mark.parametrize(
    ("at", "covered"),
    [(0, True), (3599, True), (3600, False), (10_000, False), (-3599, True), (-3600, True), (-3601, False)],
)
def test_a_silence_ends_by_itself_and_no_clock_makes_it_last(at: float, covered: bool) -> None:
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 3600, "ada", "")
    assert mutes.muted(down(), [silence], NOW + at).alert is not covered


def test_maintenance_is_as_that_of_the_inventory() -> None:
    said = mutes.said(NODE, Hush.MAINTENANCE, NOW, None, "ada", "disks")
    for verdict in (down(), Verdict("web01", State.OK, NOW)):
        muted = mutes.muted(verdict, [said], NOW + 1e8)
        assert muted.maintenance and muted.mute is said and not muted.alert
    inventory = mutes.muted(down(maintenance=True), [], NOW)
    assert inventory.maintenance and inventory.mute is None


def test_maintenance_stands_above_a_silence_and_that_above_an_acknowledgement() -> None:
    given = ack(down())
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "")
    upkeep = mutes.said(NODE, Hush.MAINTENANCE, NOW, None, "ada", "")
    for known, hush in (
        ([given, silence, upkeep], Hush.MAINTENANCE),
        ([given, silence], Hush.SILENCED),
        ([given], Hush.ACKNOWLEDGED),
    ):
        found = mutes.muted(down(), known, NOW + 1).mute
        assert found is not None and found.hush is hush


def test_it_is_news_that_an_alert_was_acknowledged_and_that_it_is_one_again() -> None:
    verdict = down()
    muted = mutes.muted(verdict, [ack(verdict)], NOW)
    assert changed(verdict, muted)
    assert changed(muted, verdict)
    assert not changed(muted, muted)
    well = Verdict("web01", State.OK, NOW)
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "")
    assert not changed(well, mutes.muted(well, [silence], NOW))


def test_words_are_neutral_and_short() -> None:
    said = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "a\x1b[31mda", "\x07" + "x" * 1000)
    assert said.who == "a·[31mda"
    assert len(said.why) <= mutes.WORDS and said.why.startswith("·")


@pytest.mark.parametrize(
    ("mute", "later", "gone"),
    [
        (mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "", ""), 60 + 86400, False),
        (mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "", ""), 61 + 86400, True),
        (mutes.said(NODE, Hush.MAINTENANCE, NOW, None, "", ""), 1e9, False),
        (ack(down()), 86400 * 200, False),
        (ack(down()), 86400 * 400, True),
        (mutes.ended(ack(down()), NOW + 60), 61 + 86400, True),
    ],
)
def test_what_has_ended_is_dropped_after_a_day(mute: Mute, later: float, gone: bool) -> None:
    assert (mutes.pruned([mute], NOW + later) == []) is gone


texts = st.text(max_size=20)
times = st.floats(0, 4e9)
known = st.builds(
    Mute,
    hush=st.sampled_from(Hush),
    node=texts,
    since=times,
    until=st.none(),
    who=texts.map(lambda text: clean(text)),
    why=texts.map(lambda text: clean(text)),
    rules=st.dictionaries(st.sampled_from(["disk", "reach", ""]), st.sampled_from(State), min_size=1).map(
        lambda found: tuple(sorted(found.items()))
    ),
    ended=st.none() | times,
    place=texts,
)


@given(st.lists(known.filter(lambda mute: mute.hush is not Hush.SILENCED), max_size=5))
def test_json_gives_back_what_it_was_made_of(found: list[Mute]) -> None:
    text = json.dumps(mutes.to_json(found), allow_nan=False)
    assert mutes.from_json(json.loads(text)) == found


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = ("hush", "node", "place", "since", "until", "who", "why", "rules", "ended")
entries = st.fixed_dictionaries(
    {"hush": st.sampled_from([*Hush, "x", None]), "node": texts, "place": texts, "since": st.floats() | garbage},
    optional=dict.fromkeys(fields[4:], garbage),
)


@given(st.lists(entries | garbage, max_size=4), garbage)
def test_a_damaged_document_gives_what_can_be_read_and_no_endless_silence(items: list[object], other: object) -> None:
    assert mutes.from_json(other) == [] or isinstance(other, dict)
    for mute in mutes.from_json({"schema": 1, "mutes": items}):
        assert mute.hush is not Hush.SILENCED or mute.until is not None
        assert mute.who == clean(mute.who) and mute.why == clean(mute.why)
        mutes.muted(down(), [mute], NOW)


@given(st.lists(known, max_size=4), times)
def test_no_mute_makes_a_node_well_or_an_alert(found: list[Mute], now: float) -> None:
    for verdict in (down(), ill(DISK), Verdict("web01", State.OK, NOW)):
        muted = mutes.muted(verdict, found, now)
        assert replace(muted, mute=None, maintenance=False) == verdict
        assert verdict.alert or not muted.alert


# ---- as a list ----


def test_alerts_are_the_worst_and_newest_first_with_what_is_behind_a_dead_parent() -> None:
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "")
    listing = alerts(
        [
            ill(DISK, name="a", since=NOW - 50),
            ill(DISK, name="b", since=NOW - 10),
            down("gw"),
            down("n1", blamed="gw"),
            down("n2", blamed="gw"),
            ill(DISK_CRITICAL, name="c", since=NOW),
            Verdict("well", State.OK, NOW),
            Verdict("new", State.UNKNOWN, NOW),
            Verdict("odd", State.UNKNOWN, NOW, reasons=(reason("probe", State.UNKNOWN),)),
            mutes.muted(ill(DISK), [silence], NOW),
            ill(DISK, name="m", maintenance=True),
        ]
    )
    assert [alert.node for alert in listing.loud] == ["gw", "c", "b", "a", "odd"]
    assert listing.loud[0].behind == ("n1", "n2")
    assert {alert.node for alert in listing.quiet} == {"web01", "m"}
    assert listing.loud[1].reasons == [DISK_CRITICAL]
