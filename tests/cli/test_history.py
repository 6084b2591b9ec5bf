"""`gridtui history` and `gridtui events` as processes, over a recording made here."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from gridtui.cli.commands.history import Told, _intervals

from ..e2e.program import Program
from ..unit.recorder.recording import START
from ..unit.recorder.test_exporting import recording_of


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    recording_of(tmp_path / "a.db")
    return tmp_path / "a.db"


def test_states_of_a_span(program: Program, recorded: Path) -> None:
    done = program.run("history", "--from", recorded, "--since", "4h")
    assert done.status == 0 and done.is_clean(), done
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["NODE", "FROM", "FOR", "STATE", "WHY"]
    assert "web-acme" in lines[1] and " up" in lines[1] and "50 s" in lines[1]
    assert "behind gw-acme" in lines[2] and "/srv/hooli is 99 % full" in lines[2]
    document = program.run("history", "show", "--from", recorded, "--since", "4h", "--json").json
    web, _ = document["nodes"]
    assert document["schema"] == 1 and [one["state"] for one in web["states"]] == ["OK", "CRITICAL"]
    assert web["states"][1]["layer"] == "tcp" and web["states"][1]["muted"] == "silenced"


@pytest.mark.parametrize(
    ("states", "gaps", "told"),
    [
        ([], [], []),
        ([(0, "up", "", ())], [], [(0, 100, "up", "")]),
        ([(0, "up", "", ()), (10, "up", "", ()), (20, "warning", "load 5", ("load",)), (30, "warning", "load 6", ("load",))], [],
         [(0, 20, "up", ""), (20, 100, "warning", "load 5")]),
        ([(0, "up", "", ())], [(40, 60)], [(0, 40, "up", ""), (40, 60, "not recorded", ""), (60, 100, "up", "")]),
        ([(0, "up", "", ()), (60, "down: tcp", "no", ("reach",))], [(40, 60)],
         [(0, 40, "up", ""), (40, 60, "not recorded", ""), (60, 100, "down: tcp", "no")]),
        ([(50, "up", "", ())], [(0, 50)], [(0, 50, "not recorded", ""), (50, 100, "up", "")]),
        ([(0, "up", "", ())], [(40, 100)], [(0, 40, "up", ""), (40, 100, "not recorded", "")]),
    ],
)  # fmt: skip
def test_states_follow_one_another(
    states: list[Told], gaps: list[tuple[float, float]], told: list[tuple[object, ...]]
) -> None:
    assert list(_intervals(states, gaps, 100)) == told


def test_values_of_a_span(program: Program, recorded: Path) -> None:
    done = program.run(
        "history",
        "-m",
        "cpu,net.rx,rtt",
        "-w",
        "@hooli & web-acme",
        "--from",
        recorded,
        "--since",
        "3h",
        "--format",
        "csv",
    )
    assert done.status == 0, done
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head == ["time", "node", "cpu", "net.rx", "rtt"]
    assert len(rows) == 36 and rows[0][:3] == [f"{START:.0f}", "web-acme", "42"]
    table = program.run("history", "-m", "cpu", "--from", recorded, "--step", "1h", "--since", "3h").stdout.splitlines()
    assert table[0].split() == ["TIME", "NODE", "CPU"] and len(table) == 7 and table[1].endswith("42.0%")
    document = program.run("history", "-m", "cpu", "--from", recorded, "--since", "3h", "--json").json
    assert document["nodes"][0]["series"]["cpu"]["values"] == [42.0] * 36


def test_live_values_select_as_of_the_end(program: Program, recorded: Path) -> None:
    assert "gw-acme" in program.run("history", "-w", "cpu>40 & @hooli", "--from", recorded, "--since", "4h").stdout
    assert program.run("history", "-w", "cpu>43", "--from", recorded, "--since", "4h").status == 3


def test_what_happened(program: Program, recorded: Path) -> None:
    done = program.run("events", "--from", recorded)
    assert done.status == 0 and done.is_clean(), done
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["web-acme", "gridtui", "web-acme"]
    alarms = program.run("events", "--from", recorded, "--alarms", "--json").json
    assert [(event["kind"], event["node"]) for event in alarms["events"]] == [("noted", None)]
    assert len(program.run("events", "--from", recorded, "-w", "web-acme", "--json").json["events"]) == 2


@pytest.mark.parametrize("words", [["history"], ["history", "-m", "cpu"], ["events"], ["history", "-w", "*"]])
def test_that_nothing_was_recorded_yet_is_an_answer(program: Program, words: list[str]) -> None:
    done = program.run(*words)
    assert (done.status, done.stdout) == (0, "")
    assert "nothing was recorded of these nodes yet" in done.stderr
    document = program.run(*words, "--json").json
    assert document["until"] > document["since"] and document.get("events", []) == []


def test_an_export_opens_elsewhere(program: Program, recorded: Path, tmp_path: Path) -> None:
    given = tmp_path / "incident"
    done = program.run("history", "export", given, "--from", recorded, "--since", "4h")
    assert done.status == 0 and "redacted" in done.stderr and not done.stdout
    assert program.run("history", "export", given, "--from", recorded).status == 1
    about = program.run("history", "about", "--from", given, "--json").json
    assert about["nodes"] == 2 and about["exported"] == "redacted" and about["bytes"] == given.stat().st_size
    assert "acme" not in program.run("events", "--from", given).stdout


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["events", "--follow"], 1, "nothing was recorded of these nodes yet"),
        (["history", "about"], 1, "nothing was recorded of these nodes yet"),
        (["history", "-m", "nonsense"], 2, "is not recorded; there are rtt"),
        (["history", "--from", "/dev/null"], 1, "no file /dev/null"),
        (["history", "--from", "FILE", "--since", "soon"], 2, "no moment"),
        (["history", "--from", "FILE", "--since", "1h", "--until", "2h"], 2, "is not before"),
        (["history", "--from", "FILE", "--step", "0s"], 2, "no duration"),
        (["history", "--from", "FILE", "-m", "cpu", "--since", "400d", "--step", "1s"], 2, "values; take a larger"),
        (["events", "--from", "FILE", "--follow"], 2, "--follow is for the live one"),
        (["history", "--from", "FILE", "-w", "nobody"], 2, "nobody"),
    ],
)
def test_wrong_usage(program: Program, recorded: Path, words: list[str], status: int, told: str) -> None:
    done = program.run(*(str(recorded) if word == "FILE" else word for word in words))
    assert (done.status, done.stdout) == (status, ""), done
    assert told in done.stderr, done


def test_what_a_fleet_saw_is_there_afterwards(program: Program, tmp_path: Path) -> None:
    script = """
import asyncio
from gridtui.fleet import Fleet
async def main():
    async with Fleet.open() as fleet:
        while not fleet.history("localhost", "mem"):
            await asyncio.sleep(0.02)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True, env=program.env, cwd=tmp_path, timeout=60)
    done = program.run("history", "-m", "mem,cpu", "--json")
    (node,) = done.json["nodes"]
    assert node["name"] == "localhost"
    assert any(value for value in node["series"]["mem"]["values"])
    about = program.run("history", "about", "--json").json
    assert Path(about["file"]).stat().st_mode & 0o777 == 0o600
    assert program.run("history").stdout.count("localhost") >= 1
