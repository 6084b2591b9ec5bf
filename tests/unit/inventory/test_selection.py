"""The selection language: what is selected, what is refused and where, and ClusterShell's own algebra as the measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from ClusterShell.NodeUtils import GroupResolver, GroupSource
from hypothesis import given
from hypothesis import strategies as st

from gridtui import inventory
from gridtui.errors import SelectionError
from gridtui.inventory import Inventory, Need
from gridtui.metrics import METRICS
from gridtui.model import (
    Facts,
    Layer,
    Node,
    PingMethod,
    Reach,
    RoundTrips,
    Sample,
    State,
    Status,
    Verdict,
)

GROUPS = {
    "web": [f"web{number:02d}" for number in range(1, 21)],
    "db": ["db1", "db2", "db3", "web01"],
    "web-eu": ["web03", "web04"],
    "gone": [],
}
NAMES = list(
    dict.fromkeys([name for names in GROUPS.values() for name in names] + ["10.0.0.1", "10.0.0.2", "2001:db8::1"])
)
LABELS = {"web01": {"site": "berlin", "rack": "7"}, "web02": {"site": "paris", "rack": "12"}, "db1": {"site": "berlin"}}


def fleet(names: Iterable[str] = NAMES) -> Inventory:
    nodes = {name: Node(name, name, labels=LABELS.get(name, {}), maintenance=name == "db3") for name in names}
    groups = {"all": tuple(nodes), **{group: tuple(members) for group, members in GROUPS.items()}}
    return Inventory(MappingProxyType(nodes), groups, dict.fromkeys(groups, ()), groups)


FLEET = fleet()


def status(name: str, **values: Any) -> Status:
    failed = values.get("failed")
    metrics: Mapping[str, float] = values.get("metrics", {})
    return Status(
        FLEET.nodes[name],
        Reach(0.0, failed, pending=values.get("pending", False)),
        values.get("trips", RoundTrips(PingMethod.ICMP)),
        Verdict(name, values.get("state", State.OK), 0.0, maintenance=values.get("maintenance", False)),
        Sample(name, 0.0, metrics=metrics) if metrics else None,
        values.get("facts"),
    )


STATUS = {
    "web01": status(
        "web01",
        metrics={"load": 0.2, "mem.free": 9 * 2**30, "mem": 95.0, "uptime": 7200.0, "reboot": 1.0, "disk.read": 3e6, "temp": 81.0, "gpu.power": 300.0},
        trips=RoundTrips(PingMethod.ICMP, 10, 9, 0.015, 0.01, 0.02, 0.03, 0.001),
        facts=Facts("web01", os="debian", os_version="12", kernel="6.1.0-18-amd64", arch="x86_64", cpus=64, cores=32, capabilities=frozenset({"podman", "rsync"}), gpus=("NVIDIA H100 PCIe",)),
    ),
    "web02": status("web02", metrics={"load": 3.0, "mem.free": 2**30}, state=State.WARNING, facts=Facts("web02", os="fedora", os_version="9.4", kernel="5.14")),
    "web03": status("web03", metrics={"load": 0.1}, failed=Layer.TCP, state=State.CRITICAL),
    "web04": status("web04", pending=True, state=State.UNKNOWN),
    "db3": status("db3", failed=Layer.ICMP),
}  # fmt: skip


def choose(text: str) -> list[str]:
    return inventory.select(text).resolve(FLEET, STATUS.get)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web01", "web01"),
        ("web[01-03]", "web01 web02 web03"),
        ("web[01-05/2]", "web01 web03 web05"),
        (" web01 , db1 ", "web01 db1"),
        ("db1,web01,db1", "web01 db1"),
        ("web0*", " ".join(f"web0{number}" for number in range(1, 10))),
        ("?b[1-2]", "db1 db2"),
        ("10.0.0.[1-2]", "10.0.0.1 10.0.0.2"),
        ("2001:db8::1", "2001:db8::1"),
        ("@db", "web01 db1 db2 db3"),
        ("@db!web01", "db1 db2 db3"),
        ("@db ! web01", "db1 db2 db3"),
        ("@web-eu", "web03 web04"),
        ("@web*&web[03-05]", "web03 web04 web05"),
        ("@gone", ""),
        ("@db & @web", "web01"),
        ("@db ^ db1,web02", "web01 web02 db2 db3"),
        ("@db ! (db1,db2)", "web01 db3"),
        ("!@web", "db1 db2 db3 10.0.0.1 10.0.0.2 2001:db8::1"),
        ("@db & !@web", "db1 db2 db3"),
        ("!!db1", "db1"),
        ("(((db1)))", "db1"),
        ("site=berlin", "web01 db1"),
        ("site = berlin & @web", "web01"),
        ("site=b*", "web01 db1"),
        ("site!=berlin", "web02"),
        ("site~'^p|^b'", "web01 web02 db1"),
        ("site~'(ber|x)lin'", "web01 db1"),
        ('site="paris"', "web02"),
        ("rack>=8", "web02"),
        ("name=web0[12]", "web01 web02"),
        ("name~2$", "web02 web12 db2 10.0.0.2"),
        ("load<0.5", "web01"),
        ("load>=3 , load<.5", "web01 web02"),
        ("load!=3", "web01"),
        ("mem.free>8G", "web01"),
        ("mem.free=1GiB", "web02"),
        ("mem.free>500M ! load<1", "web02"),
        ("mem>90%", "web01"),
        ("uptime>1h&uptime<3h", "web01"),
        ("disk.read>2M/s", "web01"),
        ("temp>80C", "web01"),
        ("gpu.power>=.3kW", "web01"),
        ("reboot=yes", "web01"),
        ("rtt<20ms", "web01"),
        ("rtt>0.02", ""),
        ("loss=10%", "web01"),
        ("jitter<=1ms", "web01"),
        ("state=up", "web01 web02"),
        ("state=down", "web03 db3"),
        ("state=up ^ @db", "web02 db1 db2 db3"),
        ("state=ok", "web01 db3"),
        ("state!=ok", "web02 web03 web04"),
        ("state=unknown", "web04"),
        ("state=maintenance", "db3"),
        ("layer=tcp", "web03"),
        ("layer!=tcp", "db3"),
        ("os=debian", "web01"),
        ("os=DEB*", "web01"),
        ("os.version>=10", "web01"),
        ("kernel>=6", "web01"),
        ("kernel<6.1", "web02"),
        ("kernel~amd64", "web01"),
        ("cpus>8", "web01"),
        ("cores=32", "web01"),
        ("has=podman", "web01"),
        ("has!=podman", "web02"),
        ("gpu.name=*h100*", "web01"),
        ("gpu.name~H1..", "web01"),
        ("@web & mem.free>=8G ! state=down", "web01"),
        ("! state=up & @db", "db1 db2 db3"),
    ],
)  # fmt: skip
def test_selects(text: str, names: str) -> None:
    assert choose(text) == [name for name in NAMES if name in names.split()]


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("", 0, "empty"),
        ("  ", 0, "empty"),
        ("wbe01", 0, "did you mean web01?"),
        ("@db & wbe01", 6, "did you mean web01?"),
        ("web", 0, "a group of that name: @web"),
        ("@dbs", 0, "did you mean @db?"),
        ("web[18-25]", 0, "web[21-25]"),
        ("lod<3", 0, "did you mean load?"),
        ("db1 & siet=x", 6, "`siet` is nothing"),
        ("load<3G", 0, "write a number"),
        ("mem>9G", 0, "90 or 90%"),
        ("mem.free>8X", 0, "8G"),
        ("rtt<fast", 0, "20ms"),
        ("load~3", 0, "number"),
        ("os<debian", 0, "less or more"),
        ("state=upp", 0, "did you mean up?"),
        ("state>up", 0, "= or !="),
        ("layer=tpc", 0, "did you mean tcp?"),
        ("name~[", 5, "not closed"),
        ("name~'['", 0, "regular expression"),
        ("load<", 5, "value is missing"),
        ("load<'5", 5, "quote"),
        ("db1 db2", 4, "operator"),
        ("db1,", 4, "missing"),
        (",db1", 0, "missing"),
        ("(db1", 0, "`(` is not closed"),
        ("db1)", 3, "closes nothing"),
        ("web[01-03", 3, "not closed"),
        ("web01-03]", 0, "bracket"),
        ("web[a-c]", 0, "no range"),
        ("web[3-1]", 0, "counts down"),
        ("web[1-5/0]", 0, "above 0"),
        ("web1[8-11]", 0, "equally long"),
        ("node[1-999999999]", 0, "more than 200,000"),
        ("n[1-9999]x[1-9999]y[1-9999]", 0, "more than 200,000"),
        ("n[1-99999999999999999999]", 0, "no range"),
        ("=5", 0, "cannot begin"),
    ],
)
def test_refuses(text: str, position: int, part: str) -> None:
    with pytest.raises(SelectionError) as caught:
        choose(text)
    assert caught.value.position == position
    assert part in str(caught.value), str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "!" * 100_000, "web01" + ")" * 9999, "[" * 99_999, "web[1-9" * 9999, "x~'" + "(" * 5000 + "'", "a," * 2_000_000]
)  # fmt: skip
def test_hostile_text_is_refused_fast(text: str) -> None:
    began = time.process_time()
    with pytest.raises(SelectionError):
        choose(text)
    assert time.process_time() - began < 2


def test_long_chains_are_fine() -> None:
    assert choose(" , ".join(["state=up"] * 5000)) == ["web01", "web02"]
    assert len(choose(",".join(NAMES * 300))) == len(NAMES)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("web01 ! @db", set()),
        ("site=berlin", set()),
        ("name=x*", set()),
        ("state=maintenance", set()),
        ("state=up", {Need.REACH}),
        ("rtt<5ms , loss>1", {Need.REACH}),
        ("layer=tcp", {Need.REACH}),
        ("load<1", {Need.SAMPLE}),
        ("state=critical", {Need.REACH, Need.SAMPLE}),
        ("(web01 & !(has=rsync))", {Need.FACTS}),
        ("os=debian & load<1", {Need.FACTS, Need.SAMPLE}),
    ],
)
def test_says_what_it_needs(text: str, needs: set[Need]) -> None:
    assert inventory.select(text).needs == needs


def test_every_metric_can_be_asked_for() -> None:
    for name in METRICS:
        selection = inventory.select(f"{name}>=0")
        assert selection.needs
        assert selection.resolve(FLEET) == []


def test_what_is_not_known_is_not_selected() -> None:
    for text in ("load<99", "load!=99", "state=up", "state!=up", "os=*", "rtt<9", "cpus>0", "has!=x"):
        assert inventory.select(text).resolve(FLEET) == []


@pytest.mark.parametrize(
    ("where", "leave", "candidates"),
    [
        ("@db & state=up", "", "web01 db1 db2 db3"),
        ("@db ! state=up", "", "web01 db1 db2 db3"),
        ("db1 , load<1 & web02", "", "web02"),
        ("state=up", "@web", "db1 db2 db3 10.0.0.1 10.0.0.2 2001:db8::1"),
        ("@db", "state=up", "web01 db1 db2 db3"),
        ("@db & !(web01 , state=up)", "", "db1 db2 db3"),
        ("@db ^ (db1 & load<1)", "", "web01 db1 db2 db3"),
        ("", "@web,@db", "10.0.0.1 10.0.0.2 2001:db8::1"),
    ],
)
def test_candidates_are_those_that_may_be_meant(where: str, leave: str, candidates: str) -> None:
    chosen = inventory.selection(where, leave, FLEET)
    assert chosen.candidates(FLEET) == [name for name in NAMES if name in candidates.split()]
    assert set(chosen.resolve(FLEET, STATUS.get)) <= set(chosen.candidates(FLEET))


# --- ClusterShell's own algebra ------------------------------------------------------------------------------------------------


class _Source(GroupSource):  # type: ignore[misc]
    """The groups of the fleet, for ClusterShell."""

    def __init__(self) -> None:
        super().__init__("fleet", {"": ""})

    def resolv_map(self, group: str) -> str:
        return ",".join(GROUPS[group])

    def resolv_list(self) -> list[str]:
        return list(GROUPS)

    def resolv_all(self) -> str:
        return ",".join(NAMES)


RESOLVER = GroupResolver(_Source())
_operand = st.sampled_from(
    ["web01", "db1", "web[01-05]", "web[01-20]", "web[02,04-06,11-19/4]", "db[1-3]", "@web", "@db", "@*", "web*", "web1?", "10.0.0.[1-2]", "d*"]
)  # fmt: skip
_blank = st.sampled_from(["", " "])


@st.composite
def node_sets(draw: st.DrawFn) -> str:
    text = draw(_operand)
    for operand in draw(st.lists(_operand, max_size=5)):
        text += draw(_blank) + draw(st.sampled_from(",&!^")) + draw(_blank) + operand
    return text


@given(node_sets())
def test_node_sets_mean_what_they_mean_to_clustershell(text: str) -> None:
    assert set(choose(text)) == set(NodeSet(text, resolver=RESOLVER))


_names = st.lists(
    st.from_regex(r"(web|n|a-b|x\.y|10\.0\.)[0-9]{1,3}(-[0-9]{1,2})?([a-z]{0,2})", fullmatch=True),
    min_size=1,
    max_size=30,
)


@given(_names)
def test_folding_and_selecting_are_each_others_inverse(names: list[str]) -> None:
    some = fleet(dict.fromkeys(names))
    folded = inventory.fold(names)
    assert set(inventory.select(folded).resolve(some)) == set(names)
    assert folded == str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([], ""),
        (["a"], "a"),
        (["node01", "node02", "node03"], "node[01-03]"),
        (["b", "a"], "a,b"),
        (["fe80::1%eth0", "fe80::2%eth0", "n1", "n2"], "n[1-2],fe80::1%eth0,fe80::2%eth0"),
        (["é1", "é2"], "é1,é2"),
    ],
)
def test_folds(names: list[str], folded: str) -> None:
    assert inventory.fold(names) == folded


@given(st.text("web01@[]-,&!^() *?=<>~'\"load.%G/", max_size=30))
def test_any_text_is_selected_or_refused(text: str) -> None:
    position = 0
    try:
        assert set(choose(text)) <= set(NAMES)
    except SelectionError as error:
        position = error.position
    assert 0 <= position <= len(text)


def test_a_filter_over_5000_nodes_is_a_few_milliseconds() -> None:
    names = [f"node{number:04d}" for number in range(5000)]
    big = fleet(names)
    of = {
        name: Status(
            big.nodes[name],
            Reach(0),
            RoundTrips(PingMethod.ICMP),
            Verdict(name, State.OK, 0),
            Sample(name, 0, metrics={"load": 1.0}),
        )
        for name in names
    }
    matcher = inventory.select("load<0.5 , state=up & node*").bind(big)

    def once(job: Callable[[], object]) -> float:
        began = time.process_time()
        job()
        return time.process_time() - began

    # 4 to 8 ms; the limit leaves room for a machine that is busy with other tests.
    assert min(once(lambda: matcher.names(of.get)) for _ in range(5)) < 0.05
