"""Jobs on simulated nodes: what commands come to, and the runner's lines, read by the real controller's side over real SSH."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui import sim
from gridtui.fleet import Fleet
from gridtui.jobs.model import After, Cause, JobId, JobState, Key, Level, Order, Phase, Report, Spec
from gridtui.jobs.runner import Runner
from gridtui.jobs.runner.script import install, serve
from gridtui.sim import jobs
from gridtui.sim.machine import Machine
from gridtui.sim.population import population
from gridtui.sim.speech import listen_to
from gridtui.sim.spool import Attempt, Outcome, Spool, outcome

NOW = 1_800_000_000.0
KEY = "0123abcd.1.-.1"
NONCE = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "seconds", "status", "output"),
    [
        ("true\n", 0.0, 0, b""),
        ("sleep 3\n", 3.0, 0, b""),
        ("sleep 1.5 && sleep 2; exit 4\n", 3.5, 4, b""),
        ("false\n", 0.0, 1, b""),
        ("echo 'a  b' c; sleep 1\n", 1.0, 0, b"a  b c\n"),
        ("export 'A=b'\necho $GRIDTUI_INDEX ${GRIDTUI_ITEM} $OTHER\n", 0.0, 0, b"7 wood $OTHER\n"),
        ("sleep $GRIDTUI_INDEX\n", 7.0, 0, b""),
        ("sleep 999999\n", 86400.0, 0, b""),
    ],
)
def test_what_a_command_comes_to(text: str, seconds: float, status: int, output: bytes) -> None:
    assert outcome(KEY, text, {"GRIDTUI_INDEX": "7", "GRIDTUI_ITEM": "wood"}) == Outcome(seconds, status, output)


def test_a_program_takes_a_while_of_its_own() -> None:
    some = [outcome(f"0123abcd.1.{index}.1", "blender -b scene\n", {}) for index in range(50)]
    assert all(2 <= one.seconds <= 20 and one.output.startswith(b"simulated: blender") for one in some)
    assert len({one.seconds for one in some}) == 50
    assert some[3] == outcome("0123abcd.1.3.1", "blender -b scene\n", {})


def test_a_spool_ends_freezes_and_loses() -> None:
    spool, told = Spool(), []
    spool.listeners.add(lambda one: told.append((one.key[-1], one.state, one.cause)))
    for key, seconds, wall in (("a", 10, None), ("b", 10, 4), ("c", 99, None), ("d", 99, None)):
        spool.start(Attempt(key, Outcome(seconds, 0, b""), 2.0, "plain", NOW, wall))
    assert spool.settle(NOW + 3) == 8.0 and spool.next() == NOW + 4
    spool.freeze("a", True, NOW + 3)
    assert spool.settle(NOW + 50) == 4.0
    spool.freeze("a", False, NOW + 50)
    assert spool.settle(NOW + 56) == 6.0, "it had 7 s left"
    spool.cancel("c", NOW + 56)
    assert spool.settle(NOW + 57) == 2.0
    spool.reboot()
    assert spool.settle(NOW + 999) == 0.0 and spool.attempts["d"].state == "lost"
    assert told == [
        ("a", "frozen", ""),
        ("b", "ended", "wall"),
        ("a", "running", ""),
        ("c", "ended", "cancelled"),
        ("a", "ended", "exit"),
    ]
    spool.forget("a")
    assert "a" not in spool.attempts


def channel(machine: Machine | None = None) -> jobs.Runner:
    runner = jobs.Runner(machine or Machine(population(1)[0], 0, NOW), lambda: NOW)
    runner.hear(f"1 hello {NONCE}\n".encode())
    return runner


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60)), st.sampled_from([b"\n", b" ", b"\n2 start ", b"\n0 text a 3\n", b"\n3 read "]))
def test_whatever_comes_in_nothing_breaks(pieces: list[bytes], joint: bytes) -> None:
    runner = channel()
    runner.hear(joint.join(pieces))
    runner.hear(f"\n9 start {KEY} 0 0 0 0 - 10 1 0 plain -\n9 poll {KEY}\n".encode())
    runner.ended()
    assert runner.status is not None and runner.alarm is None


def test_a_start_that_is_repeated_starts_nothing() -> None:
    machine = Machine(population(1)[0], 0, NOW)
    first, second = channel(machine), channel(machine)
    first.hear(b"0 text aa 1\n=sleep 5\n")
    said = first.hear(f"x export 'GRIDTUI_CPUS=2'\n2 start {KEY} 0 aa 0 0 - 10 1 0 plain -\n".encode())
    assert said.decode() == f"@{NONCE} 2 {KEY} running took=0 level=plain\n@{NONCE} 2 .\n"
    assert machine.spool.attempts[KEY].cpus == 2.0 and first.alarm == NOW + 5
    before = machine.spool.attempts[KEY]
    assert b"running" in second.hear(f"2 start {KEY} 0 0 0 0 - 10 1 0 plain -\n".encode())
    assert machine.spool.attempts[KEY] is before
    refused = second.hear(b"3 start 0123abcd.2.-.1 0 0 0 bb - 10 1 0 plain -\n")
    assert b"cause=refused" in refused and b"why=a simulated node has no inputs" in refused


def test_jobs_make_a_machine_busy_and_counters_never_run_backwards() -> None:
    machine = Machine(population(3, calm=True)[2], 0, NOW)
    machine.spool.start(Attempt(KEY, Outcome(120, 0, b""), 16.0, "plain", NOW))
    idle, busy, last = Machine(population(3, calm=True)[2], 0, NOW), [], 0.0
    for second in range(1, 240, 3):
        machine.advance(NOW + second)
        idle.advance(NOW + second)
        busy.append(machine.load1 - idle.load1)
        assert machine.cpu_seconds >= last and machine.cpu <= 1
        last = machine.cpu_seconds
    assert max(busy) > 10 and busy[-1] < 4


def test_the_channels_command_is_known_and_others_are_not() -> None:
    machine = Machine(population(1)[0], 0, NOW)
    assert isinstance(listen_to(serve("0123abcd"), machine), jobs.Runner)
    assert isinstance(listen_to(serve(""), machine), jobs.Runner)
    assert not isinstance(listen_to(install(), machine), jobs.Runner)
    assert not isinstance(listen_to("runner-0123456789abcdef serve - /bin/sh", machine), jobs.Runner)


def order(index: int, command: str) -> Order:
    return Order(Key("0123abcd", JobId(1, index), 1), Spec(command), "", "web01", Level.PLAIN)


async def test_the_real_runner_talks_with_it(tmp_path: Path) -> None:
    async with sim.serve(1, tmp_path / "sim", calm=True) as simulation:
        fleet = Fleet.open([simulation.folder.inventory])
        async with fleet.holding() as pool, asyncio.timeout(30):
            runner = await Runner.open(await pool.connect(fleet.nodes["web01"]), "web01", queue="0123abcd")
            assert runner.greeting.boot and "plain" in runner.greeting.levels
            told: dict[JobId, Report] = {}
            for index, command in enumerate(("true", "echo it is $GRIDTUI_INDEX; sleep 0.2; exit 3", "sleep 600")):
                assert (await runner.start(order(index, command), "")).phase is Phase.RUNNING
            async for report in runner.reports():
                told[report.key.id] = report
                if len(told) == 2:
                    await runner.end([order(2, "x").key], 1)
                if len(told) == 3:
                    break
            assert told[JobId(1, 0)].exit == 0
            assert (told[JobId(1, 1)].exit, told[JobId(1, 1)].tail) == (3, b"it is 1\n")
            assert told[JobId(1, 2)].cause is Cause.CANCELLED
            await runner.forget([order(0, "x").key])
            assert {report.key.id.index: report.phase for report in await runner.poll()} == {
                1: Phase.ENDED,
                2: Phase.ENDED,
            }
            await runner.close()


async def test_a_dispatcher_runs_an_array_over_simulated_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with (
        sim.start_process(4, tmp_path / "sim", calm=True) as running,
        Fleet.open([running.inventory]) as fleet,
        asyncio.timeout(60),
    ):
        # nothing is placed on a node before it has answered: the first to do so could have run it all by then
        each = [After(JobId(await fleet.submit(Spec("true", where=name)))) for name in fleet.nodes]
        number = await fleet.submit(Spec("echo $GRIDTUI_INDEX"), array=range(1, 41), after=each)
        done = await fleet.jobs.wait((JobId(number),))
        assert len(done) == 40 and {job.state for job in done} == {JobState.SUCCEEDED}
        assert len({job.node for job in done}) > 1
