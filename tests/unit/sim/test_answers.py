"""The probe loop that simulated nodes answer, decoded by the real decoder; by hand over the real `ssh` client too."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gridtui import probes, sim
from gridtui.sim.answers import Loop
from gridtui.sim.machine import Machine
from gridtui.sim.population import Person, population

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
        [block] = self.decoder.feed(self.loop.hear(self.decoder.tick(tier)))
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
        for blocks in await asyncio.gather(*map(watch, names)):
            assert [block.number for block in blocks] == [1, 2, 3]
            clock = blocks[0].clock
            assert clock is not None
            assert start - 1 < clock < time.time() + 1
