"""What was done by hand is there after a restart: the file, and the screen."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.store import files, lock
from gridtui.tui import deeds
from gridtui.tui.activity import Deed, Kind
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.shells import Shell
from gridtui.tui.tmux import Window

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, told, until
from .test_activity import FREE, go_to, opened, pushed


def deed(began: float, what: str = "TERM to 4711 (python)", names: tuple[str, ...] = ("web01", "web02")) -> Deed:
    return Deed(began, Kind.CHANGE, what, began, names, len(names), 2.5, ended=(("done", 2),), note="a note")


def test_what_is_kept_is_read_again() -> None:
    assert deeds.read() == []
    deeds.add([deed(2.0)])
    deeds.add([deed(1.0), deed(2.0)])
    first, second = deeds.read()
    assert (first.began, second.began) == (1.0, 2.0)
    assert (second.kind, second.what, second.names, second.count) == (Kind.CHANGE, deed(2).what, deed(2).names, 2)
    assert (second.seconds, second.ended, second.note, second.running) == (2.5, (("done", 2),), "a note", False)
    assert second.who == "another dashboard"
    assert deeds.path().stat().st_mode & 0o777 == 0o600


def test_the_file_stays_small() -> None:
    deeds.add([deed(float(number)) for number in range(deeds.MOST + 50)])
    assert [one.began for one in deeds.read()] == [float(number) for number in range(50, deeds.MOST + 50)]
    many = tuple(f"node{number:05}" for number in range(5000))
    deeds.add([deed(1000.0 + number, "pushed", many) for number in range(40)])
    assert deeds.path().stat().st_size <= deeds.SIZE + 100
    assert deeds.read()[-1].names == many


@pytest.mark.parametrize("content", ["", "[", "[1]", '{"deeds": 7}', '{"deeds": [null, 1, {}]}'])
def test_a_damaged_file_costs_nothing_but_itself(content: str) -> None:
    deeds.path().write_text(content)
    deeds.add([deed(1.0)])
    assert len(deeds.read()) == 1


def test_a_damaged_file_is_told_once() -> None:
    deeds.path().write_text("[")
    with pytest.raises(StateError, match="is damaged"):
        deeds.read()
    assert deeds.read() == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "exec"},
        {"kind": []},
        {"began": float("inf")},
        {"began": "x"},
        {"seconds": float("nan")},
        {"names": 7},
        {"ended": [["done"]]},
        {"ended": [[1, "x"]]},
    ],
)
def test_what_is_not_as_it_should_be_is_left_out(change: dict[str, object]) -> None:
    deeds.add([deed(1.0), deed(2.0)])
    document = json.loads(deeds.path().read_text())
    document["deeds"][0] |= change
    files.write(deeds.path(), json.dumps(document))
    assert [one.began for one in deeds.read()] == [2.0]


def test_hostile_words_are_made_plain() -> None:
    deeds.add([deed(1.0)])
    document = json.loads(deeds.path().read_text())
    document["deeds"][0] |= {"what": "\x1b[31mx\u202e" * 2000, "names": ["a\x07b"], "note": "\x9b1m"}
    files.write(deeds.path(), json.dumps(document))
    (found,) = deeds.read()
    assert len(found.what) <= deeds.WORDS
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*found.what, *found.names[0], *found.note}


def test_who_writes_waits_for_who_writes() -> None:
    with lock("deeds"):
        writer = threading.Thread(target=deeds.add, args=([deed(1.0)],))
        writer.start()
    writer.join()
    assert len(deeds.read()) == 1


async def test_an_earlier_dashboards_deeds_are_shown(tmp_path: Path) -> None:
    fleet = FakeFleet(6, settings=FREE)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pushed(pilot, app, tmp_path)
        app.ledger.note("drained web03", ["web03"])
        app.ledger.note("KILL to 22 (sshd)", ["web03"], error="there is no such process")
        window = Window("@1", 4711)
        app.shells.opened.append(Shell("web03", fleet.now, "tmux", window=window))
        lines = await opened(pilot, app, "drained")
        assert lines.count == 4
    fleet.now += 3600
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        lines = await opened(pilot, app, "drained")
        text = screen_text(app)
        assert lines.count == 4 and "4 ended" in text
        assert f"{tmp_path}"[:20] in text and "there is no such" in text and "5 ok" in text
        await go_to(pilot, app, "shell on web03")
        assert "open" in screen_text(app) and "by another dashboard" in screen_text(app)
        await again(app, pilot, "r")
        await go_to(pilot, app, "drained")
        await pilot.press("r")
        await until(pilot, lambda: "all that it takes is not kept" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))


async def again(app: Dashboard, pilot: object, key: str) -> None:
    opened_for: list[list[str]] = []
    app.open_shell = lambda names: opened_for.append(list(names))  # type: ignore[method-assign]
    await pilot.press(key)  # type: ignore[attr-defined]
    assert opened_for == [["web03"]]


async def test_a_disk_that_cannot_be_written_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(new: object) -> None:
        raise StateError("deeds.json cannot be written: no space left on device")

    monkeypatch.setattr(deeds, "add", full)
    app = board(FakeFleet(6))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.ledger.note("drained web03", ["web03"])
        await until(pilot, lambda: any("no space left" in words for words in told(app)))
        app.ledger.note("drained web04", ["web04"])
        lines = await opened(pilot, app, "drained web04")
        assert lines.count == 2
        assert len([words for words in told(app) if "no space left" in words]) == 1
