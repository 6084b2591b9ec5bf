"""Alerts as lines of text, and what is typed to silence them. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.events import Changed, Event, Noted
from gridtui.health import mutes
from gridtui.health.alerts import Alert, alerts
from gridtui.model import Hush, Layer, Node, PingMethod, Reach, Reason, RoundTrips, State, Status, Verdict, clean
from gridtui.tui import alerts as words
from gridtui.tui import detail, story, text
from gridtui.tui.columns import Parts
from gridtui.tui.sheets.why import rows as reasons
from gridtui.tui.sheets.words import View

NOW = 1_790_000_000.0
NODE = Node("web01", "198.18.0.1")


def ill(name: str = "web01", rule: str = "disk", state: State = State.WARNING, since: float = NOW - 90) -> Verdict:
    return Verdict(name, state, since, reasons=(Reason(rule, state, f"{rule} is bad", since, 91.0),))


def plain(parts: Parts) -> str:
    return "".join(part for part, _ in parts)


OK = Verdict("web01", State.OK, NOW)


@pytest.mark.parametrize(
    ("before", "after", "listed"),
    [
        (ill(), OK, True),
        (OK, ill(), False),
        (ill(), ill(state=State.CRITICAL), False),
        (Verdict("web01", State.UNKNOWN, NOW), OK, False),
        (Verdict("web01", State.CRITICAL, NOW, Layer.TCP, blamed="gw"), OK, False),
    ],
)
def test_what_has_ended(before: Verdict, after: Verdict, listed: bool) -> None:
    events: list[Event] = [Noted(NOW, "web01", "x"), Changed(NOW, "web01", before, after)]
    assert [one.verdict for one in words.ended(events)] == ([before] if listed else [])


def test_what_ended_while_nobody_watched_has_ended_when_it_was_found_well() -> None:
    unknown = Verdict("web01", State.UNKNOWN, NOW)
    events = [
        Changed(NOW, "web01", OK, ill()),
        Changed(NOW + 60, "web02", unknown, OK),
        Changed(NOW + 60, "web01", unknown, OK),
        Changed(NOW + 70, "web01", unknown, OK),
    ]
    assert words.ended(events) == [words.Ended(ill(), NOW + 60)]


def test_the_newest_end_is_first_and_the_list_has_one() -> None:
    events = [Changed(NOW + n, "web01", ill(), OK) for n in range(words.ENDED + 20)]
    found = words.ended(events)
    assert len(found) == words.ENDED
    assert found[0].time == NOW + words.ENDED + 19


@pytest.mark.parametrize(
    ("hush", "typed", "seconds", "why_"),
    [
        (Hush.ACKNOWLEDGED, "", None, ""),
        (Hush.ACKNOWLEDGED, " 2h is what it takes ", None, "2h is what it takes"),
        (Hush.SILENCED, "15m", 900, ""),
        (Hush.SILENCED, "1d new disk", 86400, "new disk"),
        (Hush.SILENCED, "1h30m  x ", 5400, "x"),
        (Hush.MAINTENANCE, "", None, ""),
        (Hush.MAINTENANCE, "2 disks", None, "2 disks"),
        (Hush.MAINTENANCE, "8h 2 disks", 28800, "2 disks"),
    ],
)
def test_what_is_typed(hush: Hush, typed: str, seconds: float | None, why_: str) -> None:
    assert words.typed(hush, typed) == (seconds, why_)


@pytest.mark.parametrize("typed", ["", "soon", "15", "0m", "1y", "99999d"])
def test_a_silence_wants_a_time(typed: str) -> None:
    with pytest.raises(UsageError):
        words.typed(Hush.SILENCED, typed)
    assert words.preview(Hush.SILENCED, typed, NOW)[0][1] == "critical"


@pytest.mark.parametrize(
    ("hush", "typed", "step", "then"),
    [
        (Hush.SILENCED, "1h ", 1, "8h "),
        (Hush.SILENCED, "1h fans", -1, "15m fans"),
        (Hush.SILENCED, "15m", -1, "1d "),
        (Hush.SILENCED, "3h fans", 1, "15m fans"),
        (Hush.SILENCED, "fans", 1, "15m fans"),
        (Hush.MAINTENANCE, "", 1, "15m "),
        (Hush.MAINTENANCE, "1d fans", 1, "fans"),
        (Hush.ACKNOWLEDGED, "fans", 1, "fans"),
    ],
)
def test_the_next_of_the_times(hush: Hush, typed: str, step: int, then: str) -> None:
    assert words.turned(hush, typed, step) == then


def test_the_preview_says_what_will_hold() -> None:
    assert plain(words.preview(Hush.ACKNOWLEDGED, "", NOW)) == "acknowledged, until it ends or becomes worse"
    assert plain(words.preview(Hush.MAINTENANCE, "disks", NOW)) == "in maintenance: disks until it is taken back"
    assert plain(words.preview(Hush.SILENCED, "1h \x1b[2J", NOW)).endswith(": ·[2J")


def test_the_sections_fold() -> None:
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "")
    well = mutes.said(Node("db", "x"), Hush.MAINTENANCE, NOW, None, "ada", "")
    down = Verdict("gw", State.CRITICAL, NOW, Layer.TCP, (Reason("reach", State.CRITICAL, "no answer", NOW),))
    behind = Verdict("n1", State.CRITICAL, NOW, Layer.TCP, down.reasons, blamed="gw")
    found = alerts([ill("a"), mutes.muted(ill(), [silence], NOW), down, behind])
    over = [words.Ended(ill("old"), NOW)]
    quiet, lately = words.Heading(words.QUIET, 2), words.Heading(words.LATELY, 1)
    every = words.rows(found, [silence, well], over, {"gw"}, set())
    assert [row if isinstance(row, words.Heading) else row.node for row in every] == [
        *("gw", "n1", "a"), quiet, *("web01", "db"), lately, "old",
    ]  # fmt: skip
    folded = words.rows(found, [silence, well], over, set(), {quiet.key, lately.key})
    assert [row if isinstance(row, words.Heading) else row.node for row in folded] == ["gw", "a", quiet, lately]
    assert words.rows(alerts([]), [], [], set(), set()) == []
    assert len({words.key(row) for row in every}) == len(every)


names = st.text(min_size=1, max_size=30)
verdicts = st.builds(
    Verdict,
    node=names,
    state=st.sampled_from([State.WARNING, State.CRITICAL, State.UNKNOWN]),
    since=st.floats(0, 4e9),
    layer=st.none() | st.sampled_from(Layer),
    reasons=st.lists(
        st.builds(
            Reason,
            rule=st.sampled_from(["disk", "reach", "temp", "x\x1b[31m"]),
            state=st.sampled_from(State),
            text=st.text(max_size=60),
            since=st.floats(0, 4e9),
            value=st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
            soft=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    maintenance=st.booleans(),
    mute=st.none()
    | st.builds(
        mutes.said,
        node=st.just(NODE),
        hush=st.sampled_from([Hush.SILENCED, Hush.MAINTENANCE]),
        now=st.floats(0, 4e9),
        until=st.none() | st.floats(0, 4e9),
        who=st.text(max_size=10),
        why=st.text(max_size=10),
    ),
)


@given(verdicts, st.lists(names, max_size=3), st.floats(0, 4e9), st.sampled_from([18, 38, 58, 78, 118, 198]))
def test_lines_are_neutral_whatever_a_node_says(verdict: Verdict, behind: list[str], now: float, cells: int) -> None:
    alert = Alert(verdict, tuple(behind))
    rows: list[words.Row] = [alert, words.Ended(verdict, now), *(words.Behind(name, verdict.node) for name in behind)]
    if verdict.mute is not None:
        rows.append(verdict.mute)
    for row in rows:
        said = plain(words.line(row, 12, now, cells, True, True))
        assert said == clean(said, len(said))
        for chunk in words.details(row, now):
            assert plain(chunk) == clean(plain(chunk), 10_000)
        # The columns before the words stand where they stand for every node.
        assert text.width(plain(words.line(row, 12, now, cells)[:3])) == (
            2 + (2 if cells < 60 else 15) + 13
            if not isinstance(row, words.Behind)
            else text.width(plain(words.line(row, 12, now, cells)[:3]))
        )


def test_what_was_said_stands_with_the_node() -> None:
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "fans")
    verdict = mutes.muted(ill(), [silence], NOW)
    status = Status(NODE, Reach(NOW), RoundTrips(PingMethod.ICMP), verdict)
    assert "by ada: fans" in "".join(map(plain, detail.node(status, NOW)))
    assert "by ada: fans" in plain(reasons(View(status, NOW), 80)[0].parts)


def test_the_log_tells_what_was_said_and_when_it_is_over() -> None:
    silence = mutes.said(NODE, Hush.SILENCED, NOW, NOW + 60, "ada", "fans")
    quiet = mutes.muted(ill(), [silence], NOW)
    assert "by ada: fans" in plain(story.line(Changed(NOW, "web01", ill(), quiet), 8, NOW))
    assert not story.alarming(Changed(NOW, "web01", ill(), quiet))
    again = Changed(NOW + 60, "web01", quiet, ill())
    assert "an alert again" in plain(story.line(again, 8, NOW))
    assert story.alarming(again)
    well = Changed(NOW + 60, "web01", quiet, OK)
    assert "alert" not in plain(story.line(well, 8, NOW))
