"""The machine model: smooth activity, counters that are its integral, boots."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.sim import proc
from gridtui.sim.machine import HERTZ, Machine, Signal
from gridtui.sim.population import Ail, Person, population

NOW = 1_800_000_000.0
PEOPLE = {person.role: person for person in reversed(population(12, calm=True))}


def ailing(ail: Ail) -> Person:
    return next(person for person in population(12) if ail in person.ails)


@given(seed=st.integers(0, 10_000), mean=st.floats(0.01, 0.98), t=st.floats(0, 2e7), step=st.floats(0.05, 60))
def test_a_signals_integral_is_the_area_under_it(seed: int, mean: float, t: float, step: float) -> None:
    signal = Signal(mean, random.Random(seed))
    slices = 400
    values = [signal.at(t + step * index / slices)[0] for index in range(slices + 1)]
    area = (sum(values) - (values[0] + values[-1]) / 2) * step / slices
    assert all(0 <= value <= 1 for value in values)
    assert signal.at(t + step)[1] - signal.at(t)[1] == pytest.approx(area, abs=2e-4 * step + 1e-6)
    assert signal.at(0)[1] == pytest.approx(0, abs=1e-9)


def figures(text: str) -> dict[str, list[int]]:
    return {line.split()[0]: [int(word) for word in line.split()[1:]] for line in text.splitlines()}


@pytest.mark.parametrize("role", sorted(PEOPLE))
@pytest.mark.parametrize("ill", [False, True])
@settings(max_examples=25)
@given(steps=st.lists(st.floats(0.001, 40), min_size=1, max_size=30), seed=st.integers(0, 50))
def test_counters_never_run_backwards(role: str, ill: bool, steps: list[float], seed: int) -> None:
    machine = Machine(ailing(Ail.LOAD) if ill else PEOPLE[role], seed, NOW)
    now = NOW
    before = figures(proc.stat(machine)), proc.net_dev(machine), proc.diskstats(machine)
    for step in steps:
        now += step
        machine.advance(now)
        after = figures(proc.stat(machine)), proc.net_dev(machine), proc.diskstats(machine)
        for name, old in before[0].items():
            if name not in ("procs_running", "procs_blocked"):
                assert all(new >= was for was, new in zip(old, after[0][name], strict=True)), name
        for old_text, new_text in zip(before[1:], after[1:], strict=True):
            for old_line, new_line in zip(old_text.splitlines()[2:], new_text.splitlines()[2:], strict=True):
                pairs = list(zip(old_line.split()[3:], new_line.split()[3:], strict=True))
                if old_text is before[2]:
                    del pairs[8]  # I/O in flight: the one figure that is no counter
                assert all(int(new) >= int(was) for was, new in pairs)
        before = after


def test_ticks_say_what_the_activity_says() -> None:
    machine = Machine(PEOPLE["render"], 3, NOW)
    first = figures(proc.stat(machine))
    area, slices = 0.0, 200
    for index in range(slices):
        machine.advance(NOW + (index + 0.5) * 10 / slices)
        area += machine.cpu * 10 / slices
    machine.advance(NOW + 10)
    last = figures(proc.stat(machine))
    change = [new - was for was, new in zip(first["cpu"], last["cpu"], strict=True)]
    cpus = machine.person.hardware.cpus
    assert sum(change) == pytest.approx(10 * HERTZ * cpus, abs=8 * cpus)
    assert (sum(change) - change[3] - change[4]) / sum(change) == pytest.approx(area / 10, abs=0.01)
    assert first["cpu"] == [sum(row) for row in zip(*(first[f"cpu{core}"] for core in range(cpus)), strict=True)]
    assert len({last[f"cpu{core}"][0] for core in range(cpus)}) > 2, "cores differ"


def test_load_follows_activity_and_heat_follows_load() -> None:
    machine = Machine(PEOPLE["gpu"], 1, NOW)
    seen = []
    for index in range(600):
        machine.advance(NOW + 2 * index)
        seen.append((machine.cpu, machine.load1 / machine.person.hardware.cpus, machine.temperature))
    mean = sum(cpu for cpu, _, _ in seen) / len(seen)
    assert sum(load for _, load, _ in seen) / len(seen) == pytest.approx(mean, rel=0.3)
    busiest, idlest = max(seen)[0], min(seen)[0]
    assert busiest - idlest > 0.05, "it changes"
    assert max(heat for *_, heat in seen) - min(heat for *_, heat in seen) > 1
    assert all(30 < heat < 95 for *_, heat in seen)


def test_a_boot_starts_afresh() -> None:
    machine = Machine(PEOPLE["web"], 1, NOW)
    old, total = machine.boot_id, machine.cpu_seconds
    machine.boot(NOW + 5)
    machine.advance(NOW + 7)
    assert machine.boot_id != old
    assert machine.uptime == 2
    assert machine.cpu_seconds < 2 < total
    assert machine.load1 < 1


def test_time_that_runs_backwards_changes_nothing() -> None:
    machine = Machine(PEOPLE["web"], 1, NOW)
    before = proc.stat(machine)
    machine.advance(NOW - 100)
    assert proc.stat(machine) == before


def test_a_seed_repeats_a_machine() -> None:
    one, two, other = (Machine(PEOPLE["db"], seed, NOW) for seed in (5, 5, 6))
    for machine in (one, two, other):
        machine.advance(NOW + 100)
    assert proc.stat(one) == proc.stat(two) != proc.stat(other)
    assert one.boot_id == two.boot_id != other.boot_id


@pytest.mark.parametrize("seconds", [0, 3600, 90_000])
def test_the_ill_look_ill(seconds: int) -> None:
    def later(person: Person) -> Machine:
        machine = Machine(person, 0, NOW)
        machine.advance(NOW + seconds)
        return machine

    loaded = later(ailing(Ail.LOAD))
    assert loaded.load5 > 2 * loaded.person.hardware.cpus
    full = later(ailing(Ail.DISK))
    assert 0.95 < proc.usage(full, full.person.hardware.volumes[-1]) < 0.98
    assert later(ailing(Ail.HOT)).gpu_temperature(0) > 80
    assert abs(later(ailing(Ail.CLOCK)).now - NOW - seconds) > 30
    well = later(PEOPLE["gpu"])
    assert well.gpu_temperature(0) < 80
    assert proc.usage(well, well.person.hardware.volumes[-1]) < 0.9


def test_people_come_type_and_go() -> None:
    machine = next(
        machine for machine in (Machine(person, 0, NOW) for person in population(60, calm=True)) if machine.sessions()
    )
    idle = set()
    for index in range(400):
        machine.advance(NOW + 60 * index)
        for session in machine.sessions():
            assert session.since <= session.active <= machine.now
            idle.add(round(machine.now - session.active))
    assert len(idle) > 3


def test_processes_add_up_to_the_machine() -> None:
    machine = Machine(PEOPLE["render"], 0, NOW)
    rows = machine.processes()
    assert rows == sorted(rows, key=lambda row: -row.share)
    assert sum(row.share for row in rows) == pytest.approx(100 * machine.cpu * machine.person.hardware.cpus, rel=0.01)
