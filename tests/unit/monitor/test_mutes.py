"""The file of what people said: shared, damaged, locked, unwritable; and what a check and a running fleet make of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui import store
from gridtui.errors import StateError, UsageError
from gridtui.fleet import Fleet
from gridtui.health import Report, rules_for
from gridtui.health import mutes as rules
from gridtui.model import Hush, Layer, Mute, Node, PingMethod, Reach, RoundTrips, Sample, State, Verdict
from gridtui.monitor import Examined, checking, monitor
from gridtui.monitor.mutes import Mutes
from gridtui.settings import Guard, Settings, Ssh

from .fleets import inventory_of, quick, watching

NOW = float(round(time.time()))
"""Of today: what was over long ago is dropped from the file."""
WEB = Node("web", "198.18.0.1")
DB = Node("db", "198.18.0.2", port=2222)
NODES = {"web": WEB, "db": DB}


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gridtui" / "alerts.json"


def opened(nodes: Mapping[str, Node] = NODES) -> Mutes:
    mutes = Mutes(nodes)
    mutes.look()
    return mutes


def silenced(node: Node, now: float = NOW) -> Mute:
    return rules.said(node, Hush.SILENCED, now, now + 3600, "ada", "fan")


def test_what_one_says_all_see() -> None:
    one, other = opened(), opened()
    assert one.names == set()
    one.add([silenced(WEB)])
    assert other.names == set()
    assert other.look()
    assert other.of("web") == one.of("web") == (silenced(WEB),)
    assert not other.look()
    other.add([silenced(DB)])
    assert one.look()
    assert one.names == {"web", "db"}
    assert [mute.node for mute in one.take_back(["web", "stranger"])] == ["web"]
    assert opened().names == {"db"}


def test_a_second_one_of_a_kind_stands_in_the_place_of_the_first() -> None:
    mutes = opened()
    mutes.add([silenced(WEB)])
    mutes.add([silenced(WEB, NOW + 60), rules.said(WEB, Hush.MAINTENANCE, NOW, None, "ada", "")])
    assert [(mute.hush, mute.since) for mute in mutes.of("web")] == [
        (Hush.SILENCED, NOW + 60),
        (Hush.MAINTENANCE, NOW),
    ]
    assert [mute.hush for mute in mutes.take_back(["web"], {Hush.SILENCED})] == [Hush.SILENCED]
    assert [mute.hush for mute in mutes.of("web")] == [Hush.MAINTENANCE]


def test_another_node_of_that_name_is_none_of_it() -> None:
    opened().add([silenced(WEB), silenced(DB)])
    others = opened({"web": replace(WEB, address="203.0.113.9"), "db": replace(DB, port=22)})
    assert others.names == set()
    others.add([silenced(others._nodes["web"])])
    assert opened().names == {"web", "db"}, "and does not take theirs away"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"\x00" * 100])
def test_a_damaged_file_is_told_once_and_moved_aside(file: Path, content: bytes) -> None:
    mutes = opened()
    mutes.add([silenced(WEB)])
    file.write_bytes(content)
    assert mutes.look()
    assert mutes.names == set()
    assert isinstance(mutes.problem, StateError)
    mutes.problem = None
    assert mutes.look(), "it is gone"
    assert not mutes.look()
    assert mutes.problem is None
    mutes.add([silenced(DB)])
    assert opened().names == {"db"}
    assert file.with_name("alerts.json.damaged").exists()


@pytest.mark.parametrize(
    "document", [None, 7, [], {"schema": 1}, {"schema": 1, "mutes": [7, {}, {"hush": "silenced"}]}]
)
def test_strange_content_is_nothing_said(file: Path, document: object) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps(document))
    mutes = opened()
    assert (mutes.names, mutes.problem) == (set(), None)
    mutes.add([silenced(WEB)])
    assert opened().names == {"web"}


def test_what_a_newer_version_wrote_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(newer := json.dumps({"schema": 99, "mutes": []}))
    mutes = opened()
    with pytest.raises(StateError, match="newer"):
        mutes.add([silenced(WEB)])
    assert file.read_text() == newer
    assert mutes.names == {"web"}, "it holds here"


def test_where_nothing_can_be_written_it_holds_in_this_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mutes = opened()
    mutes.add([silenced(DB)])
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise StateError(f"{file} cannot be written: No space left on device", hint="free some space there")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_json", full)
        with pytest.raises(StateError, match="here alone"):
            mutes.add([silenced(WEB)])
    assert mutes.names == {"web", "db"}
    assert not mutes.look(), "what lies there is not another one"
    assert mutes.names == {"web", "db"}
    assert file.read_bytes() == before
    assert opened().names == {"db"}


def test_a_state_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "gridtui").write_text("")
    mutes = opened()
    assert (mutes.names, mutes.problem) == (set(), None)
    with pytest.raises(StateError):
        mutes.add([silenced(WEB)])


def test_a_lock_that_somebody_holds_is_waited_for_a_little(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridtui.monitor.mutes.PATIENCE", 0.05)
    mutes = opened()
    with store.lock("alerts"), pytest.raises(StateError, match="another run holds the lock"):
        mutes.add([silenced(WEB)])
    mutes.add([silenced(WEB)])
    assert opened().names == {"web"}


def test_the_file_is_for_its_owner_alone(file: Path) -> None:
    opened().add([silenced(WEB)])
    assert file.stat().st_mode & 0o777 == 0o600


def test_who_says_it_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    (said,) = opened().hushed([WEB], Hush.MAINTENANCE, None, "fan\x1b[2J")
    assert (said.who, said.why, said.until) == ("ada", "fan·[2J", None)


@pytest.mark.parametrize("seconds", [None, 0.0, -5.0, 1e12, float("nan")])
def test_a_silence_has_an_end(seconds: float | None) -> None:
    with pytest.raises(UsageError):
        opened().hushed([WEB], Hush.SILENCED, seconds, "")


# ---- a check ----


class Runs:
    """A check a minute of one node, `web`, whose rule is `reach`."""

    def __init__(self) -> None:
        self.now = (
            time.time()
        )  # when it is acknowledged is the time of day, and this module may have been read long ago
        self.mutes = opened()
        self.ended: dict[str, float] = {}

    def check(self, down: bool) -> Report:
        self.now += 60
        reach = Reach(self.now, Layer.TCP, "refused") if down else Reach(self.now)
        sample = None if down else Sample("web", self.now, metrics={"load": 0.1})
        looks: dict[str, Examined | None] = {"web": Examined(WEB, reach, RoundTrips(PingMethod.ICMP), sample)}
        settings = {"web": replace(rules_for(WEB, Settings()), metrics={})}
        with checking.Kept.open(["a"]) as kept:
            self.mutes.look()
            report = checking.judge(self.now, looks, settings, {"web": None}, kept, self.mutes)
            self.ended = kept.ended
        return report


def test_an_acknowledged_node_is_ill_and_no_alert_until_that_ends() -> None:
    runs = Runs()
    assert runs.check(down=True).state is State.CRITICAL
    report = runs.check(down=True)
    runs.mutes.add(runs.mutes.acknowledged([WEB], {"web": report.nodes[0].verdict}, "fan"))
    report = runs.check(down=True)
    assert report.state is State.OK
    assert report.counts["acknowledged"] == 1
    assert report.nodes[0].down and report.nodes[0].verdict.state is State.CRITICAL
    assert report.nodes[0].changed, "that it is no alert any more is news"
    assert not runs.check(down=True).nodes[0].changed
    assert runs.ended == {}
    ended: list[bool] = []
    for _ in range(4):
        runs.check(down=False)
        ended.append("web" in runs.ended)
        if runs.ended:
            runs.mutes.end(runs.ended)
    assert ended == [False, False, True, False], "well twice, which counts, and once more"
    for _ in range(2):
        report = runs.check(down=True)
    assert report.state is State.CRITICAL, "another time is another alert"


def test_what_was_said_of_a_node_that_was_never_seen_is_not_kept_for_ever() -> None:
    mutes, now = opened(), NOW
    mutes.add([silenced(WEB, NOW)])

    def check() -> Verdict:
        nonlocal now
        now += 60
        settings = {"web": replace(rules_for(WEB, Settings()), metrics={})}
        with checking.Kept.open(["a"]) as kept:
            return checking.judge(now, {"web": None}, settings, {"web": None}, kept, mutes).nodes[0].verdict

    assert not check().alert
    mutes.take_back(["web"])
    assert check().alert


async def test_fleet_check_counts_what_was_said_and_keeps_nothing_where_it_should_not(tmp_path: Path) -> None:
    node = Node("dead", "127.0.0.1", port=9)
    settings = quick(Ssh(config="none"))
    fleet = Fleet(inventory_of(node), settings)
    assert (await fleet.check(keep=False)).state is State.CRITICAL
    assert list((tmp_path / "gridtui").glob("check-*")) == []
    report = await fleet.check()
    verdicts = {"dead": report.nodes[0].verdict}
    assert await fleet.mute(["dead"], Hush.ACKNOWLEDGED, why="fan", verdicts=verdicts)
    (said,) = Fleet(inventory_of(node), settings).mutes() or fleet.mutes()
    assert (said.node, said.hush, said.why) == ("dead", Hush.ACKNOWLEDGED, "fan")
    for check in (fleet, Fleet(inventory_of(node), settings)):
        assert (await check.check()).state is State.OK
    assert [mute.node for mute in await fleet.unmute(["dead"])] == ["dead"]
    assert (await Fleet(inventory_of(node), settings).check()).state is State.CRITICAL


async def test_a_read_only_fleet_says_nothing() -> None:
    fleet = Fleet(inventory_of(WEB), Settings(guard=Guard(read_only=True)))
    with pytest.raises(UsageError):
        await fleet.mute(["web"], Hush.SILENCED, seconds=60)
    with pytest.raises(UsageError):
        await fleet.unmute(["web"])
    assert opened().names == set()


# ---- a running fleet ----


async def test_a_running_fleet_hears_what_others_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "HEARTBEAT", 0.05)
    node = Node("dead", "127.0.0.1", port=9)
    fleet = Fleet(inventory_of(node), quick(Ssh(config="none")))

    def verdict() -> Verdict:
        return fleet.status("dead").verdict

    async with watching(fleet) as watched:
        await watched.until(lambda: verdict().alert and verdict().layer is not None, 20, "down")
        other = opened(fleet.nodes)
        await asyncio.to_thread(other.add, other.hushed([node], Hush.SILENCED, 3600.0, "fan"))
        await watched.until(lambda: not verdict().alert, 10, "silenced")
        assert verdict().layer is not None and verdict().mute is not None
        assert watched.changes("dead")[-1].after.mute is not None
        await asyncio.to_thread(other.take_back, ["dead"])
        await watched.until(lambda: verdict().alert, 10, "an alert again")
        await fleet.mute(["dead"], Hush.MAINTENANCE)
        assert verdict().maintenance and not verdict().alert, "at once"
        await fleet.unmute(["dead"])
        assert verdict().alert and not verdict().maintenance
        (said,) = await fleet.mute(["dead"], Hush.SILENCED, seconds=0.3)
        assert not verdict().alert
        await watched.until(lambda: verdict().alert, 10, "it ran out by itself")
        assert said.until is not None


def test_what_was_acknowledged_has_ended_once_nothing_of_it_was_seen_for_a_while() -> None:
    mutes = opened()
    ill = Verdict("web", State.CRITICAL, NOW, Layer.TCP, ())
    mutes.add(mutes.acknowledged([WEB], {"web": ill}, ""))
    well = Verdict("web", State.OK, NOW + 10)
    assert mutes.settled([well], NOW + 10) == {}
    assert mutes.settled([well], NOW + 69) == {}
    assert mutes.settled([ill], NOW + 69.5) == {}, "it was not over"
    assert mutes.settled([well], NOW + 80) == {}
    assert mutes.settled([well], NOW - 3600) == {}, "the clock was set back"
    assert mutes.settled([well], NOW - 3600 + 61) == {"web": NOW - 3600}
    mutes.end({"web": NOW + 5000})
    assert mutes.settled([well], NOW + 300) == {}
    assert mutes.in_force(NOW + 300) == []
    (kept,) = mutes.of("web")
    assert kept.ended == NOW + 5000
