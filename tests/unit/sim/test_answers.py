"""The probe loop that simulated nodes answer, decoded by the real decoder; by hand over the real `ssh` client too."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui import probes, sim
from gridtui.exec import signals
from gridtui.model import Sample, Unsupported
from gridtui.sim.answers import Loop
from gridtui.sim.machine import Machine
from gridtui.sim.population import Ail, Person, population
from gridtui.sim.speech import listen_to

from .conftest import ssh_words

NOW = 1_800_000_000.0


class Channel:
    """A loop and a decoder, joined without a network."""

    def __init__(self, person: Person) -> None:
        self.machine = Machine(person, 0, NOW)
        self.now = NOW
        self.loop = Loop(self.machine, lambda: self.now)
        nonce = probes.new_nonce()
        self.decoder = probes.Decoder(nonce)
        assert self.loop.hear(probes.script(nonce)) == b""

    def ask(self, tier: probes.Tier) -> probes.Block:
        [block] = self.decoder.feed(self.loop.hear(self.decoder.tick(tier)), self.now)
        return block


def test_every_file_and_section_of_the_probes_is_answered() -> None:
    wanted = {section for probe in probes.PROBES for section in probe.sections}
    for person in population(12, calm=True):
        channel = Channel(person)
        block = channel.ask(probes.Tier.SLOW)
        assert block.sections.keys() == wanted | {probes.FAST_SECTION}
        pieces = block.sections[probes.FAST_SECTION].split(probes.SEPARATOR)
        assert len(pieces) == len(probes.FAST_FILES)
        for path, piece in zip(probes.FAST_FILES, pieces, strict=True):
            assert bool(piece) is (person.hardware.pressure or "pressure" not in path), path
        channel.now += 2
        assert channel.ask(probes.Tier.FAST).sections.keys() == {probes.FAST_SECTION}


def test_the_first_block_says_what_the_others_need() -> None:
    channel = Channel(population(1)[0])
    first = channel.ask(probes.Tier.FAST)
    assert first.sections["devices"] == b"net ens18\ndisk vda"
    assert first.clock is None


def test_a_skipped_probe_is_left_out() -> None:
    skipped = next(probe for probe in probes.PROBES if probe.sections)
    loop = Loop(Machine(population(1)[0], 0, NOW))
    nonce = probes.new_nonce()
    decoder = probes.Decoder(nonce)
    loop.hear(probes.script(nonce, frozenset({skipped.name})))
    [block] = decoder.feed(loop.hear(decoder.tick(probes.Tier.SLOW)))
    assert not set(skipped.sections) & block.sections.keys()


@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_whatever_comes_in_nothing_breaks(data: bytes, cut: int) -> None:
    loop = Loop(Machine(population(1)[0], 0, NOW))
    for piece in (data[:cut], data[cut:], b"0123456789abcdef" * 2 + b"\n", data, b"\n1 fast\n"):
        loop.hear(piece)
    loop.ended()
    assert loop.status is not None


def test_input_without_end_ends_the_loop() -> None:
    loop = Loop(Machine(population(1)[0], 0, NOW))
    for _ in range(300):
        loop.hear(b"x" * 1024)
    assert loop.status == 2


async def test_the_loop_over_the_real_client(tmp_path: Path) -> None:
    async with sim.serve(5, tmp_path, cycle=(600, 1)) as running:
        names = [person.name for person in running.people]

        async def watch(name: str) -> list[probes.Block]:
            process = await asyncio.create_subprocess_exec(
                *ssh_words(tmp_path, name),
                probes.COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdin
            assert process.stdout
            nonce = probes.new_nonce()
            decoder = probes.Decoder(nonce)
            process.stdin.write(probes.script(nonce))
            blocks: list[probes.Block] = []
            for tier in (probes.Tier.SLOW, probes.Tier.FAST, probes.Tier.FAST):
                process.stdin.write(decoder.tick(tier))
                while decoder.waiting:
                    blocks += decoder.feed(await process.stdout.read(65536))
            process.stdin.close()
            assert await process.wait() == 0
            return blocks

        start = time.time()
        for name, blocks in zip(names, await asyncio.gather(*map(watch, names)), strict=True):
            assert [block.number for block in blocks] == [1, 2, 3]
            clock = blocks[0].clock
            assert clock is not None
            assert start - 1 < clock < time.time() + 1
            reading = probes.Reading(name)
            for block in blocks:
                metrics = reading.sample(block, block.ended, start).metrics
            assert 0 < metrics["uptime"] < 201 * 86400
            assert 20 < metrics["disk"] < 100


def samples(person: Person, count: int, step: float) -> tuple[Machine, list[Sample]]:
    """A slow sample, and `count` fast ones at intervals of `step` seconds."""
    channel = Channel(person)
    reading = probes.Reading(person.name)
    found = []
    for index in range(count + 1):
        block = channel.ask(probes.Tier.FAST if index else probes.Tier.SLOW)
        found.append(reading.sample(block, channel.now, channel.now))
        channel.now += step
    return channel.machine, found


def test_what_a_controller_reads_is_what_the_machine_does() -> None:
    for person in population(12, calm=True):
        machine, found = samples(person, 30, 2.0)
        hardware = person.hardware
        for sample in found:
            assert sample.boot_id == machine.boot_id
            missing = {name for name, value in sample.parts.items() if isinstance(value, Unsupported)}
            assert missing == {
                "power",  # nobody is a laptop
                *(() if hardware.gpus else ("gpus",)),
                *(() if hardware.sensors else ("temperatures",)),
                *(() if hardware.pressure else ("pressure",)),
            }
        for sample in found[1:]:
            metrics = sample.metrics
            assert metrics["mem.total"] == pytest.approx(hardware.memory, rel=0.04)
            assert 10 < metrics["mem"] < 90
            assert 0 < metrics["cpu"] <= 100
            assert metrics["cpu"] == pytest.approx(
                metrics["cpu.user"] + metrics["cpu.system"] + metrics["cpu.steal"], abs=1
            )
            assert metrics["cpu"] <= metrics["cpu.core"] + 1
            assert metrics["net.rx"] > 0
            assert metrics["net.tx"] > 0
            assert metrics["disk.write"] > metrics["disk.read"] > 0
            assert 0 < metrics["disk.busy"] < 100
            assert 0 < metrics["disk"] < 90
            assert metrics["users"] == len(machine.sessions())
        last = found[-1].metrics
        assert last["load"] == pytest.approx(machine.load1, abs=0.01)
        assert last["uptime"] - found[1].metrics["uptime"] == pytest.approx(58, abs=0.02)
        assert last.get("gpu.count", 0) == len(hardware.gpus)
        # nobody who is well is near a limit
        assert last.get("temp", 0) < 85
        assert last.get("gpu.temp", 0) < 85
        assert last["load.cpu"] < 2
        assert last["units.failed"] == last["reboot"] == 0
        assert abs(last["clock"]) < 0.5


def test_the_ill_show_it() -> None:
    ill = {str(ail): samples(person, 2, 2.0)[1][-1].metrics for person in population(12) for ail in person.ails}
    assert ill["disk"]["disk"] > 95
    assert ill["load"]["load.cpu"] > 3
    assert ill["hot"]["gpu.temp"] > 88
    assert ill["unit"]["units.failed"] == 1
    assert abs(ill["clock"]["clock"]) > 10
    assert ill["reboot"]["reboot"] == 1


def test_facts_and_processes_are_read_by_the_probes() -> None:
    for person in population(12, calm=True):
        machine = Machine(person, 0, time.time())
        hardware = person.hardware
        answer = listen_to(probes.facts_command(), machine)
        facts = probes.parse_facts(person.name, answer.hear(b""), NOW)
        assert answer.status == 0
        assert (facts.hostname, facts.boot_id, facts.arch) == (person.name, machine.boot_id, hardware.arch)
        assert (facts.cpus, facts.cores, facts.sockets) == (hardware.cpus, hardware.cores, hardware.sockets)
        assert (facts.os, facts.os_version, facts.kernel) == (hardware.os, hardware.os_version, hardware.kernel)
        assert (facts.virt, facts.product) == (hardware.virt, hardware.product)
        assert facts.memory == pytest.approx(hardware.memory, rel=0.04)
        assert facts.gpus == tuple(gpu.name for gpu in hardware.gpus)
        assert {"systemd", "python3", "rsync"} <= facts.capabilities
        assert ("psi" in facts.capabilities) is hardware.pressure
        for pause in (0.5, 2.0):
            rows = probes.parse_top(listen_to(probes.top_command(pause), machine).hear(b""), 5)
            assert len(rows) == 5
            assert rows[0].name == hardware.services[0][:15]
            assert (rows[0].boot, rows[0].ours, rows[0].started > 0) == (machine.boot_id, True, True)
            assert sum(row.cpu for row in rows) == pytest.approx(100 * machine.cpu * hardware.cpus, rel=0.25, abs=8)


def test_what_is_asked_on_demand_is_answered() -> None:
    answered = set()
    for person in population(60, seed=3):
        machine = Machine(person, 0, time.time())
        told = listen_to(probes.journal_command("backup.service"), machine)
        journal = probes.parse_journal("backup.service", told.status, told.hear(b""), b"")
        failed = Ail.UNIT in person.ails
        assert (journal.state["ActiveState"] == "failed", bool(journal.lines)) == (failed, failed)
        nonce = "0123456789abcdef"
        for sudo in (False, True):
            told = listen_to(probes.containers_command(nonce, sudo=sudo), machine)
            found = probes.parse_containers(nonce, told.hear(b""))
            assert bool(found.found) == bool(found.engines) == (person.role in ("render", "gpu"))
            assert found.errors == ()
        answered |= {failed, person.role}
        sent = listen_to(signals.command(300, 5, machine.boot_id, "TERM"), machine)
        assert (sent.hear(b""), sent.status) == (b"denied\n", 0)
    assert {True, False, "render", "gpu"} <= answered
