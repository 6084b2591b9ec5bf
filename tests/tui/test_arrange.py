"""Order, groups and aggregates."""

from __future__ import annotations

import pytest

from gridtui.model import Layer, Node, State
from gridtui.tui.arrange import Group, adding, arranging, counting, group_keys, group_paths, shown
from gridtui.tui.columns import SORTS
from gridtui.tui.slices import whole
from gridtui.tui.states import Kind

from .fake import FakeFleet, sick_fleet


def fleet() -> FakeFleet:
    made = FakeFleet(6)
    made.advance(3)
    return made


def test_problems_first_and_else_as_in_the_inventory() -> None:
    made = fleet()
    names = list(made.nodes)
    made.fail(names[4], Layer.TCP, "refused")
    made.ill(names[5], ("load", State.WARNING, "", None))
    made.ill(names[2], ("disk", State.CRITICAL, "", None))
    ordered = whole(arranging(names, made.status))
    assert ordered == [names[4], names[2], names[5], names[0], names[1], names[3]]


def test_by_a_column_in_both_directions_with_the_unknown_last() -> None:
    made = FakeFleet(5)
    names = list(made.nodes)
    made.advance(1, names[:4])
    values = {name: made.status(name).sample.metrics["cpu"] for name in names[:4]}  # type: ignore[union-attr]
    down = whole(arranging(names, made.status, "cpu", descending=True))
    up = whole(arranging(names, made.status, "cpu"))
    assert down[-1] == up[-1] == names[4]
    assert down[:-1] == sorted(values, key=lambda name: -values[name])
    assert up[:-1] == sorted(values, key=lambda name: values[name])


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_sort_keeps_all_nodes(sort: str, descending: bool) -> None:
    made = sick_fleet(10, ticks=2)
    assert sorted(map(str, whole(arranging(list(made.nodes), made.status, sort, descending)))) == sorted(made.nodes)


def test_groups_have_headers_with_their_aggregates() -> None:
    made = fleet()
    lines = whole(arranging(list(made.nodes), made.status, group="label:site"))
    headers = [line for line in lines if isinstance(line, Group)]
    assert [header.title for header in headers] == ["site=berlin", "site=oslo"]
    assert sum(sum(header.counts.values()) for header in headers) == 6
    assert [line for line in lines if isinstance(line, str)] != []
    assert 0 < headers[0].means["cpu"] <= 100


def test_groups_by_state_are_worst_first() -> None:
    made = sick_fleet(10, ticks=2)
    titles = [
        line.title for line in whole(arranging(list(made.nodes), made.status, group="state")) if isinstance(line, Group)
    ]
    assert titles == ["down", "critical", "warning", "pending", "maintenance", "up"]


def test_a_node_is_shown_under_its_smallest_group() -> None:
    nodes = {
        "a": Node("a", "a", groups=("all", "linux", "web")),
        "b": Node("b", "b", groups=("db", "linux")),
        "c": Node("c", "c", groups=("linux", "web")),
        "d": Node("d", "d"),
    }
    assert group_paths(nodes) == {"a": ("linux", "web"), "b": ("linux", "db"), "c": ("linux", "web")}


def test_nodes_without_group_or_label_come_last() -> None:
    made = FakeFleet(2, [Node("alone", "x")])
    for key, title in (("group", "(no group)"), ("label:site", "(no site)")):
        lines = whole(arranging(list(made.nodes), made.status, group=key, paths=group_paths(made.nodes)))
        assert lines[-1] == "alone"
        assert isinstance(lines[-2], Group) and lines[-2].title == title


def test_what_can_be_grouped_by() -> None:
    assert group_keys([Node("a", "a")]) == ("", "state")
    assert group_keys([Node("a", "a", groups=("g",), labels={"z": "1", "b": "2"})]) == (
        "",
        "group",
        "state",
        "label:b",
        "label:z",
    )


def test_aggregates_leave_out_what_is_not_known() -> None:
    made = FakeFleet(3)
    names = list(made.nodes)
    made.advance(1, names[:1])
    total = whole(adding(names, made.status))
    sample = made.status(names[0]).sample
    assert sample is not None
    assert total.means["cpu"] == sample.metrics["cpu"]  # not a third of it
    assert total.counts == {Kind.UP: 1, Kind.PENDING: 2}
    assert whole(counting(names, made.status)) == {Kind.UP: 1, Kind.PENDING: 2}
    assert whole(adding([], made.status)).means == {}


def test_a_group_of_all_nodes_tells_none_apart() -> None:
    nodes = {"a": Node("a", "a", groups=("everything", "web")), "b": Node("b", "b", groups=("everything",))}
    assert group_paths(nodes) == {"a": ("web",)}
    nodes = {"a": Node("a", "a", groups=("everything",))}
    assert group_paths(nodes) == {"a": ("everything",)}


def test_groups_of_the_same_nodes_do_not_hold_one_another() -> None:
    nodes = {"a": Node("a", "a", groups=("x", "y")), "b": Node("b", "b")}
    assert group_paths(nodes) == {"a": ("x",)}


def nest() -> FakeFleet:
    """Two sites, one of which has a group in it and a node of its own."""
    groups = {"a1": ("berlin", "rack1"), "a2": ("berlin", "rack1"), "a3": ("berlin",), "b1": ("oslo",)}
    made = FakeFleet(0, [Node(name, name, groups=of) for name, of in groups.items()])
    made.advance(2)
    return made


def outline(lines: list[str | Group]) -> list[str]:
    return [
        line if isinstance(line, str) else f"{'>' * (line.depth + 1)}{line.title}{' folded' if line.folded else ''}"
        for line in lines
    ]


@pytest.mark.parametrize(
    ("folded", "lines"),
    [
        (set(), [">berlin", "a3", ">>rack1", "a1", "a2", ">oslo", "b1"]),
        ({"group/rack1"}, [">berlin", "a3", ">>rack1 folded", ">oslo", "b1"]),
        ({"group/berlin"}, [">berlin folded", ">oslo", "b1"]),
        ({"group/berlin", "group/rack1", "group/oslo", "state/up"}, [">berlin folded", ">oslo folded"]),
    ],
)
def test_groups_in_groups_fold(folded: set[str], lines: list[str]) -> None:
    made = nest()
    made.fail("a2", Layer.TCP, "refused")
    got = whole(
        arranging(list(made.nodes), made.status, "name", group="group", paths=group_paths(made.nodes), folded=folded)
    )
    assert outline(got) == lines
    assert sorted(shown(got)) == list(made.nodes)
    berlin = got[0]
    assert isinstance(berlin, Group)
    assert berlin.counts == {Kind.UP: 2, Kind.DOWN: 1}
    assert berlin.worst == "a2"
    assert sorted(berlin.members) == ["a1", "a2", "a3"]
    apart = whole(adding(["a1", "a2", "a3"], made.status))
    assert berlin.means == pytest.approx(apart.means)
    assert berlin.sums == pytest.approx(apart.sums)
