"""What a row says: states, columns that fit, unknown values, hostile text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import SettingsError
from gridtui.model import Layer, Node, PingMethod, Reach, Reason, RoundTrips, Sample, State, Status, Verdict
from gridtui.tui import rows
from gridtui.tui.arrange import Group, adding
from gridtui.tui.columns import COLUMNS, GUTTER, arrange_columns, checked
from gridtui.tui.slices import whole
from gridtui.tui.states import face
from gridtui.tui.text import width

NOW = 1_790_000_000.0


def status(**changes: object) -> Status:
    """A node that is well."""
    base = Status(
        Node("web01", "198.18.0.1", labels={"site": "oslo"}),
        Reach(NOW),
        RoundTrips(PingMethod.ICMP, 100, 100, 0.0012, 0.001, 0.0011, 0.002, 0.0001),
        Verdict("web01", State.OK, NOW - 60),
        Sample("web01", NOW, metrics={"cpu": 45.0, "mem": 20.0, "load": 0.5, "disk": 60.0}),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def row(of: Status, cells: int = 100) -> str:
    return "".join(part for part, _ in rows.node_row(of, arrange_columns(cells, 8), [0.001] * 20, NOW, 2.0))


def down(layer: Layer = Layer.TCP, **changes: object) -> Status:
    verdict = Verdict("web01", State.CRITICAL, NOW - 180, layer, (Reason("reach", State.CRITICAL, "tcp", NOW),))
    return status(
        reach=Reach(NOW, layer, "connection refused"),
        verdict=replace(verdict, **changes),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("of", "word"),
    [
        (status(), "● up"),
        (down(), "✖ down: tcp"),
        (down(Layer.LOGIN), "✖ down: login"),
        (down(blamed="gw1"), "↳ behind gw1"),
        (down(maintenance=True), "‖ off: tcp"),
        (status(reach=Reach(NOW, Layer.ICMP, "no answer")), "▲ failing: icmp"),
        (status(verdict=Verdict("web01", State.CRITICAL, NOW, Layer.TCP)), "▲ returning"),
        (status(reach=Reach(NOW, pending=True), verdict=Verdict("web01", State.UNKNOWN, NOW)), "○ pending"),
        (status(verdict=Verdict("web01", State.WARNING, NOW)), "▲ warning"),
        (status(verdict=Verdict("web01", State.CRITICAL, NOW)), "◆ critical"),
        (status(verdict=Verdict("web01", State.UNKNOWN, NOW)), "? unknown"),
        (status(verdict=Verdict("web01", State.WARNING, NOW, flapping=True)), "▲ flapping"),
        (status(verdict=Verdict("web01", State.WARNING, NOW, maintenance=True)), "‖ maintenance"),
    ],
)
def test_states_are_shape_and_word(of: Status, word: str) -> None:
    seen = face(of)
    assert f"{seen.glyph} {seen.word}" == word


def test_a_down_node_tells_layer_reason_and_since_at_80_cells() -> None:
    line = row(down(), 80)
    assert "✖ down: tcp" in line
    assert "for 3m: connection" in line


def test_unknown_is_never_zero() -> None:
    bare = status(sample=Sample("web01", NOW, metrics={}), trips=RoundTrips(PingMethod.ICMP))
    assert "0" not in row(bare).replace("web01", "")


def test_no_number_of_a_silent_node_is_shown() -> None:
    line = row(down(), 160)
    assert "45%" not in line
    assert "60%" not in line


def test_stale_values_are_faint() -> None:
    old = status(sample=Sample("web01", NOW - 60, metrics={"cpu": 45.0}))
    parts = rows.node_row(old, arrange_columns(100, 8), [], NOW, 2.0)
    assert next(role for part, role in parts if "45%" in part) == "faint"


def test_a_rule_colours_its_value() -> None:
    reasons = (Reason("disk", State.WARNING, "/ is 90 % full", NOW), Reason("load", State.CRITICAL, "", NOW, soft=True))
    ill = status(verdict=Verdict("web01", State.WARNING, NOW, reasons=reasons))
    parts = rows.node_row(ill, arrange_columns(100, 8), [], NOW, 2.0)
    assert next(role for part, role in parts if "60%" in part) == "warning"
    assert next(role for part, role in parts if "0.50" in part) == "text"  # soft: seen, not counted


@pytest.mark.parametrize("name", ["[red]x[/]", "\x1b]0;owned\x07", "東京" * 20, "a\nb", "\u202edoog"])
def test_hostile_names_take_their_cells_and_no_more(name: str) -> None:
    hostile = status(node=Node(name, "198.18.0.1", labels={name: name}))
    line = row(hostile, 160)
    assert width(line) == 160 - GUTTER
    assert not any(char in line for char in "\x1b\x07\n\u202e")
    if name.startswith("[red]"):
        assert "[red]x[/]" in line


def together(*statuses: Status) -> Group:
    known = dict(zip("ab", statuses, strict=True))
    return whole(adding("ab", known.__getitem__))


@given(st.integers(1, 400), st.integers(1, 60), st.booleans())
def test_every_row_fills_its_line(cells: int, longest: int, silent: bool) -> None:
    layout = arrange_columns(cells, longest)
    of = down() if silent else status()
    wanted = max(0, cells - GUTTER)
    for parts in (
        rows.node_row(of, layout, [0.001, float("nan")], NOW, 2.0),
        rows.header_row(layout, "cpu", True),
        rows.group_row(together(of, status()), layout),
    ):
        assert sum(width(part) for part, _ in parts) == wanted


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (20, {"state"}),
        (40, {"state", "name", "rtt"}),
        (80, {"state", "name", "rtt", "trips", "loss", "load", "cpu", "mem", "disk"}),
    ],
)
def test_the_important_columns_remain(cells: int, names: set[str]) -> None:
    shown = {column.name for column, _ in arrange_columns(cells, 8).columns}
    assert names <= shown


def test_all_columns_fit_a_wide_terminal() -> None:
    assert [column.name for column, _ in arrange_columns(240, 12).columns] == [column.name for column in COLUMNS]


@pytest.mark.parametrize(
    ("column", "history", "cell"),
    [
        ("cpu~", {"cpu": [0.0, 50.0, 100.0]}, "▁▄▇"),
        ("cpu~", {"cpu": [0.0, float("nan"), 250.0]}, "▁ ▇"),
        ("mem~", {}, ""),
        ("net~", {"net.rx": [0.0, 50_000.0], "net.tx": [0.0, 50_000.0]}, "▁▇"),
        ("net~", {"net.rx": [10.0], "net.tx": [20.0]}, "▁"),  # hardly anything is not the top of its own scale
    ],
)
def test_a_sparkline_in_a_cell(column: str, history: dict[str, list[float]], cell: str) -> None:
    layout = arrange_columns(40, 8, only=(column,))
    parts = rows.node_row(status(), layout, [], NOW, 2.0, None, lambda metric: history.get(metric, ()))
    words = "".join(words for words, _ in parts)
    assert words.strip() == cell and width(words) == 40 - GUTTER


def test_sparklines_come_where_there_is_room() -> None:
    for cells, names in [(160, set()), (200, {"cpu~"}), (240, {"cpu~", "mem~", "net~"})]:
        shown = {column.name for column, _ in arrange_columns(cells, 12, frozenset({"gpu", "posture"})).columns}
        assert names <= shown and (names or not any(name.endswith("~") for name in shown))


def test_columns_of_the_readers_choice() -> None:
    layout = arrange_columns(100, 12, only=("name", "cpu"))
    assert [column.name for column, _ in layout.columns] == ["name", "cpu"]


def test_the_column_under_the_mouse() -> None:
    layout = arrange_columns(100, 8)
    found = [layout.at(x) for x in range(100)]
    assert found[0] is None
    assert [column.name for column in dict.fromkeys(filter(None, found))] == [c.name for c, _ in layout.columns]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nmae", "dashboard.columns: there is no column `nmae`; did you mean `name`?"),
        ("zzz", "dashboard.columns: there is no column `zzz`; one of state, name, rtt,"),
    ],
)
def test_a_column_that_there_is_not(name: str, words: str) -> None:
    assert checked(("name", "rtt")) == ("name", "rtt")
    with pytest.raises(SettingsError, match=re.escape(words)):
        checked(("state", name))
