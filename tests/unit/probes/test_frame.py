"""The frame: blocks are cut out of any stream, whole, in order and in bounded memory, or the stream is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import ProbeError
from gridtui.probes import Decoder, Tier, new_nonce
from gridtui.probes.frame import tick

NONCE = "00112233445566778899aabbccddeeff"
MARK = f"@{NONCE} ".encode()


def frame(
    number: int = 1, tier: str = "fast", clock: str = "-", body: bytes = b"1.0 2.0\n", trailer: int | None = None
) -> bytes:
    return MARK + f"begin {number} {tier} {clock}\n".encode() + body + MARK + f"end {trailer or number}\n".encode()


def asked(count: int, limit: int = 1 << 18) -> Decoder:
    decoder = Decoder(NONCE, limit)
    for _ in range(count):
        decoder.tick(Tier.FAST)
    return decoder


def test_a_nonce_is_fresh_and_long() -> None:
    assert new_nonce() != new_nonce()
    assert len(bytes.fromhex(new_nonce())) == 16


def test_ticks_are_numbered_lines() -> None:
    decoder = Decoder(NONCE)
    assert decoder.tick(Tier.FAST) == b"1 fast\n" == tick(Tier.FAST, 1)
    assert decoder.tick(Tier.SLOW) == b"2 slow\n"
    assert decoder.waiting == 2


def test_a_block_has_its_sections_clock_and_times() -> None:
    decoder = asked(1)
    body = b"a\nb\n" + MARK + b"users.who\nroot pts/0\n" + MARK + b"units\n"
    data = frame(1, "slow", "1795285587.25", body)
    assert decoder.feed(data[:70], 10.0) == []
    (block,) = decoder.feed(data[70:], 11.5)
    assert (block.number, block.tier, block.clock, block.clock_step) == (1, Tier.SLOW, 1795285587.25, 0.0)
    assert dict(block.sections) == {"fast": b"a\nb", "users.who": b"root pts/0", "units": b""}
    assert (block.began, block.ended, block.size) == (10.0, 11.5, len(data))
    assert decoder.waiting == 0


def test_a_clock_without_fractions_says_so() -> None:
    (block,) = asked(1).feed(frame(clock="1795285587"))
    assert (block.clock, block.clock_step) == (1795285587.0, 1.0)


def test_unit_separators_are_newlines() -> None:
    line = frame(body=b"a\nb\n").rstrip(b"\n").replace(b"\n", b"\x1f") + b"\n"
    (block,) = asked(1).feed(line)
    assert block.sections["fast"] == b"a\nb"


def test_stray_output_is_skipped() -> None:
    noise = b"Welcome to node7!\n\x1b[2J\x00\xff " + MARK[:-3] + b" begin 1 fast -\n@ begin\n"
    blocks = asked(2).feed(noise + frame(1) + b"broadcast message\n" + frame(2))
    assert [block.number for block in blocks] == [1, 2]


def test_another_channels_frame_is_stray_output() -> None:
    other = frame(1).replace(NONCE.encode(), new_nonce().encode())
    (block,) = asked(1).feed(other + frame(1))
    assert block.size == len(frame(1))


@settings(deadline=None)  # a loaded machine is no failure
@given(st.lists(st.binary(max_size=60).filter(lambda body: MARK not in body), min_size=1, max_size=5), st.data())
def test_how_the_stream_is_cut_does_not_matter(bodies: list[bytes], data: st.DataObject) -> None:
    bodies = [body.replace(b"\x1f", b"") for body in bodies]
    stream = b"".join(b"noise\n" + frame(number, body=body + b"\n") for number, body in enumerate(bodies, 1))
    decoder, found, at = asked(len(bodies)), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 40))
        found += decoder.feed(stream[at : at + step])
        at += step
    assert [block.sections["fast"] for block in found] == bodies


BROKEN = {
    "a trailer of another tick": frame(1, trailer=2),
    "a header inside a block": MARK + b"begin 1 fast -\n" + frame(1) + b"x",
    "an answer out of turn": frame(2),
    "an answer that nobody asked for": frame(1) + frame(2),
    "the same answer twice": frame(1) + frame(1),
    "an unknown tier": frame(1, tier="evil"),
    "a clock that is none": frame(1, clock="nan"),
    "a clock with too many digits": frame(1, clock="9" * 30),
    "a number with an underscore": MARK + b"begin 1_0 fast -\n",
    "a header without end": MARK + b"begin " + b"1" * 400,
    "a trailer without end": MARK + b"begin 1 fast -\n\n" + MARK + b"end " + b"1" * 400,
    "a section with a hostile name": frame(1, body=MARK + b"\x1b[2J\n"),
    "a section twice": frame(1, body=MARK + b"units\na\n" + MARK + b"units\nb\n"),
    "too many sections": frame(1, body=b"".join(MARK + b"s%d\n" % number for number in range(100))),
    "a block without end": MARK + b"begin 1 fast -\n" + b"x" * 5000,
    "a line without end": b"x" * 5000,
    "noise without end": b"y\n" * 2500,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("step", [1, 7, 100000])
def test_a_broken_stream_is_refused_however_it_is_cut(data: bytes, step: int) -> None:
    decoder = asked(1, limit=4096)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    with pytest.raises(ProbeError):
        [decoder.feed(piece) for piece in pieces]
    with pytest.raises(ProbeError):
        decoder.feed(frame(1))


@settings(deadline=None)  # a loaded machine is no failure
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from([MARK, MARK + b"begin ", b"1 fast -\n", b"\n" + MARK + b"end 1\n", frame(1)]),
        )
    )
)
def test_any_bytes_give_blocks_or_a_probe_error_in_bounded_memory(chunks: list[bytes]) -> None:
    decoder = asked(3, limit=1024)
    try:
        for chunk in chunks:
            decoder.feed(chunk)
            assert len(decoder._buffer) <= 1024 + 512
    except ProbeError:
        assert not decoder._buffer
