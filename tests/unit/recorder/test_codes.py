"""A value as one byte, and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import StateError
from gridtui.recorder import codes, packing
from gridtui.recorder.combining import combined

PRECISE = {"cpu": 0.26, "mem": 0.26, "disk": 0.26, "loss": 0.26, "gpu": 0.26, "temp": 0.31}


@pytest.mark.parametrize("metric", codes.RECORDED)
@given(st.floats(0.0, 100.0))
def test_a_value_comes_back_near_enough(metric: str, value: float) -> None:
    scale = codes.SCALES[codes.INDEX[metric]]
    back = scale.values[scale.encode(value)]
    if metric in PRECISE:
        assert abs(back - value) <= PRECISE[metric]
    elif value < scale.values[2]:
        assert back <= scale.values[2]
    elif value <= scale.values[-1]:
        assert abs(back - value) <= 0.046 * value


@pytest.mark.parametrize("metric", codes.RECORDED)
@given(st.floats())
def test_any_value_has_a_byte_and_only_none_is_none(metric: str, value: float) -> None:
    code = codes.SCALES[codes.INDEX[metric]].encode(value)
    assert 0 <= code <= 255
    assert (code == 0) == math.isnan(value)


@pytest.mark.parametrize("metric", ["net.rx", "load", "rtt"])
def test_zero_stays_zero(metric: str) -> None:
    scale = codes.SCALES[codes.INDEX[metric]]
    assert scale.values[scale.encode(0.0)] == 0.0


@given(st.binary(max_size=600))
def test_coarser_values_lie_between_the_finer_ones(column: bytes) -> None:
    made = codes.coarser(codes.INDEX["cpu"], column, 6)
    assert len(made) == len(column) // 6
    for index, code in enumerate(made):
        known = [one for one in column[6 * index : 6 * index + 6] if one]
        assert (min(known) <= code <= max(known)) if known else code == 0


@given(st.lists(st.binary(min_size=7, max_size=7), min_size=1, max_size=30))
def test_what_is_packed_comes_back(columns: list[bytes]) -> None:
    assert packing.unpack(packing.pack(columns), 7) == columns


@pytest.mark.parametrize(
    "blob",
    [b"", b"\xff\xff", packing.pack([b"abc"])[:-1], packing.pack([b"abcd"]), packing.pack([bytes(1 << 26), b"x"])],
)
def test_what_is_no_piece_is_refused(blob: bytes) -> None:
    with pytest.raises(StateError):
        packing.unpack(blob, 3)


def test_what_was_lived_through_twice_is_the_mean() -> None:
    cpu = codes.INDEX["cpu"]
    first = [bytes(4)] * codes.COUNT
    again = list(first)
    first[cpu], again[cpu] = bytes([0, 11, 21, 0]), bytes([31, 0, 41, 0])
    column = combined([(100, first), (100, again)], 99, 5)[cpu]
    assert column == bytes([0, 31, 11, 31, 0])
