"""Events, parts of a node and themes in words and colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from textual.color import Color

from gridtui.events import Changed, Event, Learned, Noted, Rebooted
from gridtui.model import Facts, Layer, Node, Reach, Reason, RoundTrips, Sample, State, Status, Unsupported, Verdict
from gridtui.model import PingMethod as Method
from gridtui.tui import sheets, story, themes, top
from gridtui.tui.arrange import Group
from gridtui.tui.states import Kind
from gridtui.tui.text import width

from .fake import START, sick_fleet

Say = Callable[[Status, int], Sequence[sheets.Parts]]

OK = Verdict("web01", State.OK, START)
DOWN = Verdict("web01", State.CRITICAL, START, Layer.LOGIN, (Reason("reach", State.CRITICAL, "refused\x1b[2J", START),))


def words(parts: tuple[tuple[str, str], ...]) -> str:
    return " ".join("".join(part for part, _ in parts).split())


@pytest.mark.parametrize(
    ("event", "line", "alarming"),
    [
        (Changed(START, "web01", OK, DOWN), "14:13:20 web01 down: login was up refused·[2J", True),
        (Changed(START, "web01", DOWN, OK), "14:13:20 web01 up was down: login", False),
        (Rebooted(START, "web01"), "14:13:20 web01 rebooted", True),
        (Noted(START, None, "slept for [b]1 h[/]"), "14:13:20 gridtui note slept for [b]1 h[/]", False),
        (Noted(START, "web01", "key changed", alarm=True), "14:13:20 web01 alarm key changed", True),
        (Noted(START - 86400 * 3, "web01", "old"), "09-18 14:13:20 web01 note old", False),
    ],
)
def test_events_in_words(event: Event, line: str, alarming: bool) -> None:
    assert words(story.line(event, 8, START)) == line
    assert story.told(event)
    assert story.alarming(event) == alarming


def test_facts_that_arrive_are_no_story() -> None:
    assert not story.told(Learned("web01", Facts("web01")))


def test_a_verdict_that_somebody_else_explains() -> None:
    blamed = Verdict("web01", State.CRITICAL, START, Layer.TCP, blamed="gw1")
    assert story.verdict(blamed) == ("behind gw1", "dim")


SHEETS = [
    sheets.cpu,
    sheets.memory,
    sheets.disks,
    sheets.network,
    sheets.filesystems,
    sheets.temperatures,
    sheets.gpus,
    sheets.users,
    sheets.units,
]


def status(**parts: object) -> Status:
    sample = Sample("web01", START, parts=parts)
    return Status(Node("web01", "x"), Reach(START), RoundTrips(Method.ICMP), OK, sample)


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_part_that_is_not_there_says_so(sheet: Say) -> None:
    assert "not measured yet" in words(sheet(status(), 40)[0])


@pytest.mark.parametrize("sheet", SHEETS)
def test_an_unsupported_part_says_why(sheet: Say) -> None:
    names = ("cpu", "memory", "disks", "network", "filesystems", "temperatures", "gpus", "users", "units")
    told = sheet(status(**dict.fromkeys(names, Unsupported("no\x1b such thing"))), 40)
    assert words(told[0]) == "not on this node: no· such thing"


@pytest.mark.parametrize("cells", [12, 40, 80])
@pytest.mark.parametrize("sheet", [*SHEETS, sheets.reach, sheets.facts, sheets.inventory])
def test_sheets_over_all_nodes(sheet: Say, cells: int) -> None:
    fleet = sick_fleet(8, ticks=3)
    for name in fleet.nodes:
        for line in sheet(fleet.status(name), cells):
            assert not any(char in "".join(part for part, _ in line) for char in "\x1b\n\x07")


def test_very_many_cores_take_one_character_each() -> None:
    from gridtui.probes.cpu import Core, Cpu

    cores = tuple(Core(number, number / 2) for number in range(192))
    lines = sheets.cpu(status(cpu=Cpu(192, 50.0, 40.0, 10.0, 0.0, 0.0, cores)), 60)
    assert len(lines) <= 7
    assert all(width("".join(part for part, _ in line)) <= 60 for line in lines[2:])


@pytest.mark.parametrize("method", Method)
def test_the_ping_method_is_told_with_its_reason(method: Method) -> None:
    told = words(top.ping(method)[0])
    assert told.startswith("ping ")
    assert "(" in told


def test_aggregates_that_are_not_known_are_not_shown() -> None:
    assert top.together(Group("", {})) == []
    assert top.counts({Kind.UP: 1}, 1)[0][0][0] == "1 node"


_PALETTES = [themes.Palette(theme.name, theme.to_color_system().generate()) for theme in themes.THEMES]
_GROUNDS = [*themes._SURFACES, *(ramp for ramp in themes._RAMPS if not ramp.startswith("curve"))]


def _contrast(palette: themes.Palette, role: str, surface: str) -> float:
    style = palette.style(role, surface)
    assert style.color and style.color.triplet and style.bgcolor and style.bgcolor.triplet
    return themes.contrast(Color(*style.color.triplet), Color(*style.bgcolor.triplet))


def test_contrast_is_what_the_standard_says() -> None:
    assert themes.contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21.0)
    assert themes.contrast(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", _PALETTES, ids=lambda palette: palette.name)
@pytest.mark.parametrize("surface", _GROUNDS)
def test_text_can_be_read_in_every_theme_on_every_surface(palette: themes.Palette, surface: str) -> None:
    least = 7.0 if palette.name == "gridtui-contrast" else 4.5
    read = set(themes._ROLES) - themes._MARKS
    assert {role: ratio for role in read if (ratio := _contrast(palette, role, surface)) < least} == {}


@pytest.mark.parametrize("palette", _PALETTES, ids=lambda palette: palette.name)
def test_shapes_can_be_seen_in_every_theme_on_every_surface(palette: themes.Palette) -> None:
    least = 4.5 if palette.name == "gridtui-contrast" else 3.0
    shapes = themes._MARKS - {"track"}
    seen = {(role, surface): _contrast(palette, role, surface) for role in shapes for surface in themes._SURFACES}
    assert {pair: ratio for pair, ratio in seen.items() if ratio < least} == {}


def test_without_colours_what_is_critical_is_the_brightest() -> None:
    assert themes.worn("gridtui-dark", no_colour=False) == "gridtui-dark"
    assert themes.worn("gridtui-light", no_colour=True) == "gridtui-light"
    name = themes.worn("gridtui-dark", no_colour=True)
    palette = next(one for one in _PALETTES if one.name == name)
    tones = [_contrast(palette, role, "base") for role in ("critical", "warning", "text", "dim")]
    assert tones == sorted(tones, reverse=True)
    for role in themes._ROLES:
        colour = palette.style(role).color
        assert colour and colour.triplet and len({*colour.triplet}) == 1, "grey before anybody makes it so"


@pytest.mark.parametrize("palette", _PALETTES, ids=lambda palette: palette.name)
def test_what_matters_less_stands_back(palette: themes.Palette) -> None:
    text, dim, faint, track = (_contrast(palette, role, "base") for role in ("text", "dim", "faint", "track"))
    assert text > dim > faint > track
