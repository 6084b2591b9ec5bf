"""An incident is shown again: from the live dashboard and back, and of a file, with every key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gridtui.errors import GridtuiError, SelectionError, StateError, UsageError
from gridtui.events import Changed
from gridtui.model import Hush, Mute, Reach, State, Verdict
from gridtui.recorder.tape import Batch, Tape
from gridtui.settings import History
from gridtui.tui.app import Dashboard
from gridtui.tui.replay import Replay
from gridtui.tui.replaying import SPEEDS
from gridtui.tui.widgets.latency import LatencyBoard
from gridtui.tui.widgets.playhead import Playhead, cell, track

from .fake import START, FakeFleet
from .recorded import FELL, recording
from .screens import WIDE, begin, board, screen_text, table, until


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fleet = FakeFleet(6)
    return recording(tmp_path_factory.mktemp("recording") / "a.db", fleet.nodes)


@pytest.fixture
def fleet(recorded: Path) -> FakeFleet:
    fleet = FakeFleet(6)
    fleet.advance(3)
    fleet.recording = recorded
    return fleet


async def opened(app: Dashboard, pilot: Pilot[int]) -> Replay:
    await begin(app, pilot)
    await pilot.press("H")
    await until(pilot, lambda: app.replay and app.screen.query(Playhead))
    assert app.replay is not None
    await pilot.press("semicolon")  # held: nothing moves by itself
    await settled(app, pilot)
    return app.replay


def said(app: Dashboard, words: str) -> bool:
    return any(words in notification.message for notification in app._notifications)


async def settled(app: Dashboard, pilot: Pilot[int]) -> None:
    await until(
        pilot, lambda: not [worker for worker in app.workers if worker.group == "replay" and not worker.is_finished]
    )


async def test_from_live_to_the_past_and_back(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        replay = await opened(app, pilot)
        assert START - 600 <= replay.time <= START - 580
        assert app.clock() == replay.time
        text = screen_text(app)
        assert "‖ 20" in text and "×10" in text and "H live" in text
        assert list(app.fleet.nodes) == list(fleet.nodes)
        await pilot.press("H")
        await until(pilot, lambda: app.replay is None)
        await settled(app, pilot)
        assert app.clock() == fleet.now
        assert not app.screen.query(Playhead)
        await pilot.press("semicolon", "comma")  # mean nothing now
        assert app.replay is None


async def test_looks_that_were_made_live_show_what_was_then(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("3")
        await until(pilot, lambda: app.screen.query(LatencyBoard))
        replay = await opened(app, pilot)
        name = next(iter(fleet.nodes))
        then, now = list(replay.history(name, "rtt")), list(fleet.history(name, "rtt"))
        assert then != now
        await until(pilot, lambda: list(app.screen.query_one(LatencyBoard)._history(name, "rtt")) == then)


async def test_every_key_of_a_replay(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        replay = await opened(app, pilot)

        async def press(*keys: str) -> float:
            before = replay.time
            await pilot.press(*keys)
            await settled(app, pilot)
            return replay.time - before

        assert await press("full_stop") == 10
        assert await press("comma") == -10
        assert await press("right_curly_bracket") == 300
        assert await press("left_curly_bracket") == -300
        await press("left_parenthesis")
        assert replay.time == FELL
        await until(pilot, lambda: "down: tcp" in screen_text(app))
        assert "connection refused" in screen_text(app) and "✖ 1 down" in screen_text(app)
        assert table(app).names[0] == next(iter(fleet.nodes))
        await press("right_parenthesis")
        assert replay.time == FELL  # there is none behind it, and it is said
        await until(pilot, lambda: said(app, "no other alarm"))
        speed = app._speed
        await press("plus")
        assert app._speed == SPEEDS[SPEEDS.index(int(speed)) + 1]
        await press("minus", "minus")
        assert app._speed == SPEEDS[SPEEDS.index(int(speed)) - 1]
        for _ in range(40):
            await press("minus")
        assert app._speed == SPEEDS[0]


async def test_it_plays_over_what_was_not_recorded_and_stops_at_the_end(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        replay = await opened(app, pilot)
        app._go(START - 1230)
        await settled(app, pilot)
        app._speed, app._playing = 60.0, True
        for _ in range(3):
            app._tick()
            await settled(app, pilot)
        assert replay.time >= START - 600
        app._speed = 1800.0
        app._tick()
        await settled(app, pilot)
        assert replay.time == replay.until and not app._playing
        await pilot.press("semicolon")
        await settled(app, pilot)
        assert replay.time < replay.until  # from the beginning again


async def test_nothing_in_a_replay_reaches_a_node(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        for key in ("x", "P", "b", "s", "J", "o", "O", "R"):
            await pilot.press(key)
            await pilot.pause()
            assert app.screen is app.fleet_screen, key
        assert not (fleet.ran or fleet.pushed or fleet.played or fleet.retried or fleet.looked)


async def test_pages_show_the_moment(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(app, pilot)
        await pilot.press("left_parenthesis", "enter")
        await until(pilot, lambda: app.screen.query(Playhead) and app.screen is not app.fleet_screen)
        name = next(iter(fleet.nodes))
        await until(pilot, lambda: name in screen_text(app) and "down: tcp" in screen_text(app))
        await pilot.press("escape", "e")
        await until(pilot, lambda: "event log" in screen_text(app) and "down: tcp" in screen_text(app))


async def test_from_an_event_to_its_moment(fleet: FakeFleet) -> None:
    name = next(iter(fleet.nodes))
    verdict = Verdict(name, State.OK, FELL)
    fleet._log.append(Changed(FELL, name, verdict, replace(verdict, state=State.CRITICAL)))
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: "event log" in screen_text(app))
        replay = await _history(app, pilot)
        assert FELL - 30 <= replay.time <= FELL


async def _history(app: Dashboard, pilot: Pilot[int]) -> Replay:
    await pilot.press("H")
    await until(pilot, lambda: app.replay)
    assert app.replay is not None
    app._playing = False
    await settled(app, pilot)
    return app.replay


async def test_the_command_takes_a_moment(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", *("space" if char == " " else char for char in "history 90min"), "enter")
        await until(pilot, lambda: app.replay)
        app._playing = False
        await settled(app, pilot)
        assert app.replay is not None and START - 5400 <= app.replay.time <= START - 5380
        with pytest.raises(UsageError, match="no moment"):
            app.command_history("soon")


async def test_a_click_on_the_bar_goes_there(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        replay = await opened(app, pilot)
        bar = app.screen.query_one(Playhead)
        await pilot.click(bar, offset=(40, 0))
        await settled(app, pilot)
        assert replay.time < START - 3000


async def test_a_file_is_all_there_is(recorded: Path, fleet: FakeFleet) -> None:
    replay = Replay(recorded, fleet.settings)
    replay.open()
    app = Dashboard(replay, "RECORDING")
    app.begins_with = replay
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: table(app).names and app.replay)
        await until(pilot, lambda: app.screen.query(Playhead))
        assert sorted(table(app).names) == sorted(fleet.nodes)
        assert "RECORDING" in screen_text(app)
        await pilot.press("H")
        await until(pilot, lambda: said(app, "no fleet behind"))
    await app.close_sources()


async def test_without_a_recording_it_is_said(fleet: FakeFleet, tmp_path: Path) -> None:
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        fleet.recording = None
        await pilot.press("H")
        await until(pilot, lambda: said(app, "nothing was recorded of these nodes yet"))
        fleet.recording = tmp_path / "text"
        fleet.recording.write_text("no database" * 99)
        await pilot.press("H")
        await until(pilot, lambda: said(app, "damaged"))
        assert app.replay is None


@pytest.fixture
def replay(recorded: Path) -> Replay:
    made = Replay(recorded, FakeFleet(1).settings)
    made.open()
    return made


async def test_a_replay_is_a_source(replay: Replay) -> None:
    await replay.seek(START - 300)
    name = next(iter(replay.nodes))
    assert replay.status(name).sample is not None
    assert replay.select("cpu>90 & @web") and replay.select("cpu<10 , @*")
    with pytest.raises(SelectionError):
        replay.select("nonsense>")
    values = replay.history(name, "cpu")
    assert len(values) == 300 and values[-1] > values[-20]
    assert replay.history(name, "nonsense") == []
    for refused in (replay.exec, replay.push, replay.playbook, replay.signal, replay.mute, replay.top):
        with pytest.raises(UsageError, match="this is a recording"):
            await refused("x")
    for method in (replay.allow_changes, replay.playbooks, lambda: replay.jobs, lambda: replay.shell(name)):
        with pytest.raises(GridtuiError):
            method()
    assert [event.node for event in replay.log()] == [name, name]
    await replay.seek(FELL - 1)
    assert not replay.log()
    await replay.seek(0)
    assert replay.time == replay.since
    await replay.close()


async def test_what_was_said_of_alerts_is_known_of_its_time(tmp_path: Path) -> None:
    fleet = FakeFleet(2)
    name = next(iter(fleet.nodes))
    tape = Tape(tmp_path / "a.db", History())
    tape.begin(fleet.nodes.values(), START - 600)
    well, mute = Verdict(name, State.OK, START - 600), Mute(Hush.SILENCED, name, START - 300, START, "ada", "new fans")
    said = Changed(START - 300, name, well, replace(well, mute=mute))
    states = [(START - 600, one, (replace(well, node=one), Reach(START - 600))) for one in fleet.nodes]
    tape.add(Batch(states=states, events=[(said, Reach(START - 300))], until=START))
    tape.close()
    replay = Replay(tmp_path / "a.db", fleet.settings)
    await replay.start()
    assert replay.mutes() == []
    await replay.seek(START - 200)
    assert replay.mutes() == [mute]
    await replay.close()


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    Tape(tmp_path / "a.db", History()).close()
    with pytest.raises(StateError, match="nothing was recorded yet"):
        Replay(tmp_path / "a.db", FakeFleet(1).settings).open()


@pytest.mark.parametrize(
    ("now", "alarms", "text"),
    [
        (0, (), "●─────────"),
        (50, (), "━━━━●─────"),
        (100, (20, 21, 80), "━━!━━━━!━●"),
        (-5, (500,), "●────────!"),
    ],
)
def test_the_track(now: float, alarms: tuple[float, ...], text: str) -> None:
    marks = {cell(10, 0, 100, when) for when in alarms}
    assert "".join(words for words, _ in track(10, cell(10, 0, 100, now), marks)) == text


async def test_that_nothing_is_kept_is_in_sight(fleet: FakeFleet) -> None:
    app = board(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        assert "no history" not in screen_text(app)
        fleet.recording_trouble = "/state/history/a.db cannot be written: the disk is full"
        app.fleet_screen.order()
        await until(pilot, lambda: "▲ no history is kept" in screen_text(app))
