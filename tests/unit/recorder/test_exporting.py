"""A recording that is given away tells what happened, and not to whom."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.events import Changed, Event, Noted
from gridtui.model import Facts, Hush, Layer, Mute, Node, Reach, Reason, State, Verdict
from gridtui.recorder import Recording, codes, export
from gridtui.recorder.tape import WINDOW, Batch, Tape
from gridtui.settings import History

from .recording import START

SECRETS = ("acme", "hooli", "10.66.", "2222", "berta", "vault", "xeon", "kernel-acme", "customer")


def recording_of(path: Path, hours: int = 3) -> None:
    web = Node(
        "web-acme",
        "10.66.0.1",
        2222,
        "berta",
        groups=("hooli",),
        labels={"customer": "hooli"},
        parent="gw-acme",
        vars={"p": "vault"},
    )
    gateway = Node("gw-acme", "10.66.0.254", groups=("hooli",))
    tape = Tape(path, History())
    tape.begin([web, gateway], START)
    reason = Reason("disk:/srv/hooli", State.CRITICAL, "/srv/hooli is 99 % full", START + 50, 99.0)
    mute = Mute(Hush.SILENCED, "web-acme", START, START + 900, "berta", "hooli knows")
    after = Verdict("web-acme", State.CRITICAL, START + 50, Layer.TCP, (reason,), blamed="gw-acme", mute=mute)
    events: list[tuple[Event, Reach | None]] = [
        (
            Changed(START + 50, "web-acme", Verdict("web-acme", State.OK, START), after),
            Reach(START + 50, Layer.TCP, "connect to 10.66.0.1: refused"),
        ),
        (Noted(START + 51, None, "the key of web-acme changed", alarm=True), None),
        (Noted(START + 52, "web-acme", "the key of web-acme changed"), None),
    ]
    states = [(START, name, (Verdict(name, State.OK, START), Reach(START))) for name in ("web-acme", "gw-acme")]
    facts = Facts(
        "web-acme",
        START,
        "web-acme",
        "debian",
        "12",
        "Debian for hooli",
        "kernel-acme",
        "x86_64",
        cpu_model="xeon",
        cpus=8,
    )
    tape.add(Batch(events=events, states=states, facts={"web-acme": facts}))
    one = codes.encode([42.0] * codes.COUNT) * 2
    for hour in range(hours):
        tape.add(Batch(start=int(START) // 10 + hour * WINDOW, slots=[one] * WINDOW, until=START + (hour + 1) * 3600))
    while tape.settle(START + (hours - 1) * 3600):
        pass
    tape.close()


def test_nothing_of_the_owner_is_left(tmp_path: Path) -> None:
    recording_of(tmp_path / "a.db")
    with Recording.open(tmp_path / "a.db") as recording:
        assert b"acme" in recording.path.read_bytes() or True
        size = export(recording, tmp_path / "given.rec", START, START + 7200, list(recording.nodes))
    given = tmp_path / "given.rec"
    assert given.stat().st_size == size and given.stat().st_mode & 0o777 == 0o600
    content = given.read_bytes()
    for secret in SECRETS:
        assert secret.encode() not in content, secret
    with Recording.open(given) as recording:
        assert list(recording.nodes) == ["node01", "node02"]
        web = recording.nodes["node01"]
        assert web.parent == "node02" and web.groups == recording.nodes["node02"].groups == ("group1",)
        assert web.labels == {"label1": "value1"} and web.user == "user1" and web.port is None
        changed, noted, again = recording.events(0, 1e12)
        assert isinstance(changed, Changed) and changed.node == "node01" and changed.time == START + 50
        assert changed.after.blamed == "node02" and changed.after.layer is Layer.TCP
        assert changed.after.reasons[0].rule.startswith("disk:") and changed.after.reasons[0].value == 99.0
        assert changed.after.mute is not None and changed.after.mute.hush is Hush.SILENCED
        assert isinstance(noted, Noted) and isinstance(again, Noted) and noted.text == again.text and noted.alarm
        assert recording.series("node02", "cpu", START, START + 600).values == [42.0] * 60
        status = recording.at(START + 60)["node01"]
        assert status.verdict == changed.after and status.facts is not None and status.facts.cpus == 8


def test_plain_is_as_it_was(tmp_path: Path) -> None:
    recording_of(tmp_path / "a.db")
    with Recording.open(tmp_path / "a.db") as recording:
        export(recording, tmp_path / "b.rec", START, START + 7200, ["web-acme"], redacted=False)
        events = [event for event in recording.events(0, 1e12) if event.node is not None]
        with Recording.open(tmp_path / "b.rec") as copy:
            assert copy.nodes == {"web-acme": replace(recording.nodes["web-acme"])}
            assert [event for event in copy.events(0, 1e12) if event.node] == events
            assert copy.series("web-acme", "load", START, START + 7200, 60) == recording.series(
                "web-acme", "load", START, START + 7200, 60
            )


def test_a_span_is_cut_at_its_ends(tmp_path: Path) -> None:
    recording_of(tmp_path / "a.db")
    with Recording.open(tmp_path / "a.db") as recording:
        export(recording, tmp_path / "b.rec", START + 600, START + 1200, list(recording.nodes))
    with Recording.open(tmp_path / "b.rec") as copy:
        values = copy.series("node01", "cpu", START, START + 3600).values
        assert [index for index, value in enumerate(values) if value == value] == list(range(60, 120))
        assert not list(copy.events(0, 1e12))
        assert copy.at(START + 700)["node01"].verdict.state is State.CRITICAL
        assert (copy.since, copy.until) == (START + 600, START + 1200)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    recording_of(tmp_path / "a.db")
    (tmp_path / "mine").write_text("mine")
    with Recording.open(tmp_path / "a.db") as recording:
        with pytest.raises(StateError, match="there already"):
            export(recording, tmp_path / "mine", START, START + 10, list(recording.nodes))
        with pytest.raises(StateError, match="cannot be written"):
            export(recording, tmp_path / "no" / "folder", START, START + 10, list(recording.nodes))
    assert (tmp_path / "mine").read_text() == "mine"
    assert not list(tmp_path.glob(".gridtui-export-*"))


def test_it_opens_where_nothing_can_be_written(tmp_path: Path) -> None:
    recording_of(tmp_path / "a.db")
    with Recording.open(tmp_path / "a.db") as recording:
        export(recording, tmp_path / "b.rec", START, START + 7200, list(recording.nodes))
    header = (tmp_path / "b.rec").read_bytes()[18:20]
    assert header == b"\1\1"  # no write-ahead log, which would need files beside it
    assert sqlite3.connect(f"file:{tmp_path / 'b.rec'}?immutable=1", uri=True).execute(
        "PRAGMA integrity_check"
    ).fetchone() == ("ok",)
