"""Completion of selections: what may come at the end of one, and that it is in the language then."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui import inventory
from gridtui.errors import SelectionError
from gridtui.inventory import Inventory
from gridtui.model import Facts, Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from gridtui.tui.known import Known
from gridtui.tui.offers import MOST, Offer, fitting, ghost, rank
from gridtui.tui.selecting import complete, quote, tail

from .fake import FakeFleet


def nodes() -> dict[str, Node]:
    """Two kinds in two places, and names that are no words of the language."""
    found = [
        *(
            Node(f"web{n:02d}", f"198.18.0.{n}", groups=("web",), labels={"site": "oslo", "rack": f"{n % 2}"})
            for n in range(8, 13)
        ),
        *(Node(f"db{n}", f"198.18.1.{n}", groups=("db", "slow"), labels={"site": "new york"}) for n in (1, 3)),
        Node("load", "198.18.2.1", groups=("web",), labels={"note": "a \"b\" 'c'"}),
        Node("データ", "198.18.2.2", groups=("gr oup",), labels={"site": "a*"}),
        Node("a&b", "198.18.2.3"),
    ]
    return {node.name: node for node in found}


def status(name: str) -> Status:
    """What is known of each."""
    facts = Facts(name, 0.0, os="debian", kernel="6.1 x", capabilities=frozenset({"docker"}), cpus=4)
    return Status(
        NODES[name], Reach(0.0), RoundTrips(PingMethod.ICMP), verdict=Verdict(name, State.OK, 0.0), facts=facts
    )


NODES = nodes()
KNOWN = Known(NODES, status)


def whole() -> Inventory:
    """The same as an inventory, for the language itself."""
    groups: dict[str, tuple[str, ...]] = {"all": tuple(NODES)}
    for name, node in NODES.items():
        for group in node.groups:
            groups[group] = (*groups.get(group, ()), name)
    empty: Mapping[str, tuple[str, ...]] = dict.fromkeys(groups, ())
    return Inventory(NODES, groups, empty, empty)


WHOLE = whole()


def words(text: str) -> list[str]:
    return [offer.word for offer in complete(text, KNOWN)]


# ---- what is known ----


def test_names_that_differ_in_a_number_are_one_set() -> None:
    assert KNOWN.sets == {"web[08-12]": 5}
    assert "データ" not in KNOWN.nodes and "a&b" not in KNOWN.nodes
    assert KNOWN.groups == {"web": 6, "db": 2, "slow": 2}


@pytest.mark.parametrize(
    ("names", "sets"),
    [
        (["n9", "n10", "n11"], {"n[9-11]": 3}),
        (["n09", "n10", "n11"], {"n[09-11]": 3}),
        (["n1", "n3"], {}),
        (["a1x", "a2x", "b1", "b2"], {"a[1-2]x": 2, "b[1-2]": 2}),
        (["plain"], {}),
    ],
)
def test_sets(names: list[str], sets: dict[str, int]) -> None:
    found = {name: Node(name, "198.18.0.1") for name in names}
    known = Known(found, status)
    assert known.sets == sets
    everything = inventory.Inventory(found, {"all": tuple(names)}, {}, {})
    for one, count in sets.items():
        assert len(inventory.select(one).resolve(everything)) == count


# ---- where the end stands ----


@pytest.mark.parametrize(
    ("text", "kind", "start", "field"),
    [
        ("", "operand", 0, ""),
        ("we", "operand", 0, ""),
        ("@web & st", "operand", 7, ""),
        ("@web ", "operator", 5, "@web"),
        ("@web)", "nothing", 4, ""),
        ("(@web) ", "operator", 7, ""),
        ("(@web", "operand", 1, ""),
        ("state=", "value", 6, "state"),
        ("state=do", "value", 6, "state"),
        ('site="new y', "value", 5, "site"),
        ('site="new york" ', "operator", 16, ""),
        ("load ", "operator", 5, "load"),
        ("! ", "operand", 2, ""),
        ("web[08-", "operand", 0, ""),
        ("& ", "nothing", 0, ""),
        ("a b", "nothing", 2, ""),
    ],
)
def test_tail(text: str, kind: str, start: int, field: str) -> None:
    found = tail(text)
    assert (found.kind, found.start, found.field) == (kind, start, field)


# ---- what is offered ----


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("@w", ["@web"]),
        ("we", ["@web", "web[08-12]", "web08"]),
        ("state=d", ["down"]),
        ("state=", ["up", "down", "maintenance"]),
        ("site=", ["oslo", '"new york"'.strip('"')]),
        ("site", ["site=", "site!=", "site~"]),
        ("mem.f", ["mem.free>"]),
        ("mem.free>", ["1G", "8G", "64G"]),
        ("rack ", ["=", "!=", "~", ","]),
        ("@web ", [",", "&", "!", "^"]),
        ("has=", ["docker"]),
        ("layer=t", ["tcp"]),
        ("reboot=", ["yes", "no"]),
        ("web12", ["web12"]),
    ],
)
def test_offers(text: str, first: list[str]) -> None:
    assert words(text)[: len(first)] == first


def test_values_are_quoted_where_they_must_be() -> None:
    assert [offer.text for offer in complete("site=", KNOWN)] == ["site=oslo", 'site="new york"']
    assert complete("note=", KNOWN) == []  # it has both kinds of quotes
    assert quote("a*") == "" and quote("it's") == '"it\'s"' and quote("plain") == "plain"


def test_a_name_that_is_a_field_too_may_be_compared_or_not() -> None:
    assert words("load")[:2] == ["load>", "load<"] and "load" in words("load")


def test_a_fleet_as_tests_show_it() -> None:
    fleet = FakeFleet(20)
    known = Known(fleet.nodes, fleet.status)
    assert next(offer.text for offer in complete("state=down & @w", known)) == "state=down & @web"


# ---- laws ----

PIECES = st.sampled_from(
    [
        "@", "web", "db1", "load", "state", "site", "=", "!=", ">", "~", "&", ",", "!", "^", "(", ")", " ", "[", "0-9]", '"', "'", "up", "8G",
        "データ", "\x1b", "*", "@web", "mem.free>1G", "",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=8).map("".join))


@given(TEXTS)
def test_it_never_raises(text: str) -> None:
    offers = complete(text, KNOWN)
    assert len(offers) <= MOST + 8
    assert all(isinstance(offer, Offer) for offer in offers)


@settings(max_examples=300)
@given(TEXTS)
def test_what_ends_a_selection_can_be_resolved_where_its_beginning_could(text: str) -> None:
    """An offer that `ends` gives a selection of the language, if what stands before it is one."""
    end = tail(text)
    for offer in complete(text, KNOWN):
        if not offer.ends:
            continue
        # The same in front, without what is only begun: with all nodes in its place it must be in the language.
        before = text[: end.start]
        if end.kind == "value":
            continue
        opened = before.count("(") - before.count(")")
        try:
            inventory.select(f"{before}@*{')' * max(0, opened)}", WHOLE)
        except SelectionError:
            continue
        inventory.select(f"{offer.text}{')' * max(0, opened)}", WHOLE)


@pytest.mark.parametrize("start", ["", "@web & ", "( ", "!", "site=oslo , "])
def test_taking_the_first_offer_again_and_again_ends_in_a_selection(start: str) -> None:
    """For every operand there is: what follows it is offered until it is complete."""
    opened = start.count("(")
    for offer in complete(start, KNOWN):
        taken = offer
        for _ in range(3):
            if taken.ends:
                break
            following = complete(taken.text, KNOWN)
            if not following:
                break  # nothing is known of it: a value is the reader's own
            taken = following[0]
        if taken.ends:
            inventory.select(taken.text + ")" * opened, WHOLE)


# ---- how words are compared ----


@pytest.mark.parametrize(
    ("typed", "word", "rank_"),
    [
        ("", "x", 1),
        ("node", "node", 0),
        ("no", "node", 1),
        ("NO", "node", 1),
        ("theme", "next_theme", 2),
        ("hem", "next_theme", 3),
        ("nthm", "next_theme", 4),
        ("x", "node", None),
        ("on", "node", None),
    ],
)
def test_rank(typed: str, word: str, rank_: int | None) -> None:
    assert rank(typed, word) == rank_


def test_the_best_come_first_and_not_too_many() -> None:
    found = fitting("no", [("zeno", ""), ("next_node", ""), ("node", ""), ("no", "")])
    assert [word for word, _ in found] == ["no", "node", "next_node", "zeno"]
    assert len(fitting("n", ((f"n{at}", "") for at in range(10_000)))) == MOST


def test_the_ghost_goes_on_from_what_is_typed() -> None:
    offers = [Offer("@web", "@web"), Offer("we[1-2]", "we[1-2]"), Offer("web", "web")]
    assert ghost("we", offers) == "we[1-2]"
    assert ghost("", offers) == "" and ghost("web", offers) == ""
