"""Blocks into samples: rates over the node's own time, slow values carried on, and nothing that a node sends can break it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.model import Sample, Unsupported
from gridtui.probes import METRICS, PROBES, SEPARATOR, Block, Reading, Tier
from gridtui.probes.cpu import Cpu
from gridtui.probes.disks import Disk
from gridtui.probes.network import Interface

from .blocks import Machine

RATES = {
    "cpu",
    "cpu.user",
    "cpu.system",
    "cpu.iowait",
    "cpu.steal",
    "cpu.core",
    "disk.read",
    "disk.write",
    "disk.busy",
    "net.rx",
    "net.tx",
    "net.errors",
}


def take(reading: Reading, block: Block) -> Sample:
    return reading.sample(block, now=100.3, sent=100.0)


def move(machine: Machine, seconds: float = 2.0) -> None:
    machine.uptime += seconds
    # user 20, nice 10, system 15, idle 130, iowait 10, irq 5, softirq 5, steal 5: 200 ticks on the first core, idle on the second
    machine.cores[0] = [old + new for old, new in zip(machine.cores[0], [20, 10, 15, 130, 10, 5, 5, 5], strict=True)]
    machine.cores[1][3] += 200
    machine.disks["vda"] = (100 + 4000, 200 + 2000, 300 + 500)
    machine.disks["vda1"] = (90 + 4000, 190 + 2000, 290 + 500)
    machine.nets = {"lo": (999, 999, 9), "eth0": (1000 + 10000, 2000 + 4000, 6), "veth1": (999, 999, 9)}


def test_the_first_sample_has_no_rates() -> None:
    sample = take(Reading("n"), Machine().block())
    assert not RATES & set(sample.metrics)
    assert (sample.node, sample.time, sample.boot_id) == ("n", 100.3, Machine().boot_id)
    assert sample.metrics["load"] == 1.5
    assert sample.metrics["load.cpu"] == 0.75
    assert sample.metrics["mem"] == 60.0
    assert sample.metrics["mem.free"] == 400 * 1024
    assert "swap" not in sample.metrics
    assert sample.metrics["psi.io.full"] == 0.75
    assert sample.parts["cpu"].share is None


def test_rates_are_over_the_nodes_own_time() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    sample = take(reading, machine.block())
    found = {name: sample.metrics[name] for name in sorted(RATES)}
    assert found == {
        "cpu": pytest.approx(100 * 60 / 400),
        "cpu.core": pytest.approx(100 * 60 / 200),
        "cpu.iowait": pytest.approx(2.5),
        "cpu.steal": pytest.approx(1.25),
        "cpu.system": pytest.approx(6.25),
        "cpu.user": pytest.approx(7.5),
        "disk.busy": pytest.approx(25.0),
        "disk.read": pytest.approx(4000 * 512 / 2),
        "disk.write": pytest.approx(2000 * 512 / 2),
        "net.errors": pytest.approx(3.0),
        "net.rx": pytest.approx(5000.0),
        "net.tx": pytest.approx(2000.0),
    }
    assert sample.parts["disks"] == (Disk("vda", 4000 * 256.0, 2000 * 256.0, 25.0),)
    assert sample.parts["network"] == (Interface("eth0", 5000.0, 2000.0, 3.0),)
    cpu = sample.parts["cpu"]
    assert isinstance(cpu, Cpu)
    assert [core.share for core in cpu.cores] == [pytest.approx(30.0), pytest.approx(0.0)]


def test_real_devices_are_taken_from_the_node_when_it_tells() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block(devices=b"net veth1\ndisk vda1"))
    move(machine)
    sample = take(reading, machine.block())
    assert [disk.name for disk in sample.parts["disks"]] == ["vda1"]
    assert sample.metrics["net.rx"] == pytest.approx(495.0)


def test_details_asked_for_late_are_those_of_their_own_moment() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    early = take(reading, machine.block())
    for _ in range(3):
        machine.uptime += 2
        machine.cores[0][0] += 200
        take(reading, machine.block())
    assert early.metrics["cpu.core"] == pytest.approx(30.0)
    assert early.parts["network"][0].received == 5000.0


@pytest.mark.parametrize("counter", ["disks", "nets"])
def test_a_counter_that_ran_backwards_gives_no_rate(counter: str) -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    getattr(machine, counter).update(
        {"vda": (0, 0, 0), "vda1": (0, 0, 0)} if counter == "disks" else {"eth0": (1, 1, 0)}
    )
    metrics = take(reading, machine.block()).metrics
    gone = {"disks": {"disk.read", "disk.write", "disk.busy"}, "nets": {"net.rx", "net.tx", "net.errors"}}[counter]
    assert not gone & set(metrics)
    assert RATES - gone <= set(metrics)


def test_iowait_may_run_backwards() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    machine.cores[0][4] -= 12
    metrics = take(reading, machine.block()).metrics
    assert metrics["cpu.iowait"] == 0
    assert 0 <= metrics["cpu"] <= 100


def test_a_reboot_ends_rates_and_slow_values() -> None:
    machine, reading = Machine(uptime=50.0), Reading("n")
    take(reading, machine.block(Tier.SLOW, reboot=b"file\nok"))
    machine.boot_id, machine.uptime = "00000000-0000-4000-8000-000000000001", 60.0
    sample = take(reading, machine.block())
    assert not RATES & set(sample.metrics)
    assert "reboot" not in sample.metrics
    move(machine)
    assert set(take(reading, machine.block()).metrics) >= RATES


def test_time_that_runs_backwards_or_stands_still_gives_no_rate() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    machine.uptime += 0.01
    assert not RATES & set(take(reading, machine.block()).metrics)
    machine.uptime -= 500
    assert not RATES & set(take(reading, machine.block()).metrics)
    move(machine)
    assert set(take(reading, machine.block()).metrics) >= RATES


def test_readings_that_come_too_close_are_measured_against_the_older_one() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    machine.uptime += 0.01
    take(reading, machine.block())
    move(machine, 1.99)
    assert take(reading, machine.block()).metrics["net.rx"] == pytest.approx(5000.0)


def test_slow_values_are_carried_on_with_their_own_time() -> None:
    machine, reading = Machine(), Reading("n")
    reading.sample(machine.block(Tier.SLOW, clock=105.1, reboot=b"file\nok", units=b"status 0"), now=100.3, sent=100.0)
    machine.uptime += 2
    sample = reading.sample(machine.block(), now=102.3, sent=102.0)
    assert sample.metrics["reboot"] == 1.0
    assert sample.metrics["units.failed"] == 0.0
    assert sample.parts["taken"]["reboot"] == 100.3
    assert sample.parts["clock"].offset == pytest.approx(5.0)
    assert sample.parts["clock"].error == pytest.approx(0.1)
    assert isinstance(sample.parts["gpus"], Unsupported)


def test_a_sample_keeps_its_values_when_later_ones_come() -> None:
    machine, reading = Machine(), Reading("n")
    early = take(reading, machine.block(Tier.SLOW, reboot=b"file\nok"))
    machine.uptime += 2
    late = take(reading, machine.block(Tier.SLOW, reboot=b"ok"))
    assert (early.metrics["reboot"], late.metrics["reboot"]) == (1.0, 0.0)
    assert early.parts["reboot"].required


def test_counters_survive_as_json_and_give_rates_at_the_next_run() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    kept = json.loads(json.dumps(reading.counters()))
    move(machine, 60.0)
    metrics = take(Reading("n", kept), machine.block()).metrics
    assert set(metrics) >= RATES
    assert metrics["net.rx"] == pytest.approx(10000 / 60)
    assert metrics["cpu.core"] == pytest.approx(30.0)


def test_counters_of_another_boot_are_not_used() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    machine.boot_id = "00000000-0000-4000-8000-000000000001"
    assert not RATES & set(take(Reading("n", reading.counters()), machine.block()).metrics)


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)  # a loaded machine is no failure
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("boot_id", "uptime", "cpu", "cores", "disks", "nets"), json_values)
    )
)
def test_damaged_counters_cost_the_rates_only(kept: dict[str, Any]) -> None:
    kept["boot_id"] = Machine().boot_id
    sample = take(Reading("n", kept), Machine().block())
    assert all(math.isfinite(value) for value in sample.metrics.values())


def test_the_cost_is_the_mean_over_answers_of_a_tier() -> None:
    machine, reading = Machine(), Reading("n")
    costs = []
    for number in range(40):
        machine.uptime += 2
        machine.effort = number // 5  # 10 ms every five answers
        costs.append(take(reading, machine.block()).cost)
    assert costs[0].node_cpu is None
    assert costs[-1].node_cpu == pytest.approx(0.002, rel=0.2)
    assert costs[-1].bytes == 500
    assert costs[-1].seconds == pytest.approx(0.3)


def test_mappings_are_frozen_whole_and_comparable() -> None:
    machine, reading = Machine(), Reading("n")
    take(reading, machine.block())
    move(machine)
    sample = take(reading, machine.block(Tier.SLOW))
    assert set(sample.parts) == {probe.name for probe in PROBES} - {"effort", "devices"} | {"taken"}
    assert len(sample.metrics) == len(list(sample.metrics)) == len(dict(sample.metrics))
    assert set(sample.metrics) <= set(METRICS)
    assert sample.metrics.get("no such") is None
    assert "no such" not in sample.parts
    with pytest.raises(TypeError):
        sample.metrics["cpu"] = 1.0  # type: ignore[index]


def test_a_damaged_fast_part_is_unsupported() -> None:
    sample = take(Reading("n"), Block(1, Tier.FAST, {"fast": b"hello"}))
    assert not sample.metrics
    for name in ("cpu", "load", "memory", "disks", "network", "uptime"):
        part = sample.parts[name]
        assert isinstance(part, Unsupported), name
        assert part.why.startswith("malformed"), name


def test_files_that_cannot_be_read_cost_only_their_own_values() -> None:
    files = Machine().fast().split(SEPARATOR)
    for number in range(len(files)):
        text = SEPARATOR.join(b"" if at == number else text for at, text in enumerate(files)).removesuffix(b"\n")
        sample = take(Reading("n"), Block(1, Tier.FAST, {"fast": text}))
        gone = [
            name
            for name in ("uptime", "load", "cpu", "memory", "disks", "network", "pressure")
            if isinstance(sample.parts[name], Unsupported)
        ]
        assert gone == {1: ["uptime"], 2: ["load"], 3: ["cpu"], 4: ["memory"], 5: ["disks"], 6: ["network"]}.get(
            number, []
        ), number


pieces = st.one_of(st.binary(max_size=200), st.sampled_from(Machine().fast().split(SEPARATOR)))
texts = st.one_of(st.binary(max_size=200), st.text("0123456789 -.:/\n[]abcN", max_size=200).map(str.encode))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(pieces, min_size=11, max_size=11), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from([name for probe in PROBES for name in probe.sections]), texts),
    st.sampled_from(list(Tier)),
)
def test_whatever_a_node_sends_a_sample_comes_out(
    stream: list[list[bytes]], sections: dict[str, bytes], tier: Tier
) -> None:
    reading = Reading("n")
    for files in stream:
        sample = take(reading, Block(1, tier, {"fast": SEPARATOR.join(files), **sections}, 5.0))
        for name, value in sample.metrics.items():
            assert math.isfinite(value), name
            assert METRICS[name].unit != "%" or -1e-9 <= value <= 100 + 1e-9, name
        for part in sample.parts.values():
            assert part is not None
        json.dumps(reading.counters())
