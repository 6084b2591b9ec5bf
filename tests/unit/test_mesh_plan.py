"""The mesh's plan (playbooks/roles/mesh/files/plan.py): addresses, peers, relays, and what a hostile node may claim."""

from __future__ import annotations

import base64
import importlib.util
import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FILE = Path(__file__).parents[2] / "playbooks" / "roles" / "mesh" / "files" / "plan.py"
ULA = "fd67:7269:6474:7569::/64"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mesh_plan", FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLAN = load()


def key(number: int) -> str:
    return base64.b64encode(number.to_bytes(32, "big")).decode()


def member(number: int = 0, **more: Any) -> dict[str, Any]:
    """A member with the key `number`, in this run; 0: not in it."""
    said = [f"public={key(number)}", f"since={1000 + number}"] if number else []
    return {"endpoint": f"192.0.2.{number or 200}", "port": 51820, "relay": "", "addresses": [], "said": said, **more}


def question(members: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "networks": [ULA],
        "interface": "gridtui0",
        "keepalive": 25,
        "mtu": 1420,
        "known": {},
        "members": members,
        **more,
    }


def peers(answer: Any, name: str) -> dict[str, dict[str, str]]:
    """The peers of a node's file by name, each with its lines' fields."""
    found: dict[str, dict[str, str]] = {}
    for block in answer["nodes"][name]["peers"].split("# peer ")[1:]:
        head, *lines = block.splitlines()
        found[head.split()[0]] = dict(line.split(" = ") for line in lines[1:])
    return found


def address(answer: Any, name: str) -> list[str]:
    listed = re.search(r'ADDRESSES="(.*)"', answer["nodes"][name]["settings"])
    assert listed
    return [word.split("/")[0] for word in listed[1].split()]


def test_each_pair_has_one_another() -> None:
    answer = PLAN.plan(question({f"n{i}": member(i) for i in (1, 2, 3)}, networks=[ULA, "10.77.0.0/16"]))
    assert answer["unknown"] == [] and answer["others"] == {}
    for name in ("n1", "n2", "n3"):
        found = peers(answer, name)
        assert set(found) == {"n1", "n2", "n3"} - {name}
        for peer, fields in found.items():
            assert fields["PublicKey"] == key(int(peer[1]))
            assert fields["Endpoint"] == f"192.0.2.{peer[1]}:51820"
            six, four = address(answer, peer)
            assert fields["AllowedIPs"] == f"{six}/128, {four}/32"
            assert "PersistentKeepalive" not in fields


def test_behind_a_relay() -> None:
    members = {"relay": member(1), "open": member(2), "a": member(3, relay="relay"), "b": member(4, relay="relay")}
    answer = PLAN.plan(question(members))
    assert [name for name in members if answer["nodes"][name]["relay"]] == ["relay"]
    assert set(peers(answer, "open")) == {"relay"}
    through = peers(answer, "open")["relay"]["AllowedIPs"]
    assert through == ", ".join(f"{address(answer, name)[0]}/128" for name in ("relay", "a", "b"))
    assert peers(answer, "a") == {
        "relay": {"PublicKey": key(1), "AllowedIPs": ULA, "Endpoint": "192.0.2.1:51820", "PersistentKeepalive": "25"}
    }
    at_relay = peers(answer, "relay")
    assert set(at_relay) == {"open", "a", "b"}
    assert "Endpoint" not in at_relay["a"] and "Endpoint" in at_relay["open"]


def test_who_is_not_in_the_run_is_known_of_before_and_is_told() -> None:
    members = {"n1": member(1), "n2": member(), "n3": member()}
    answer = PLAN.plan(question(members, known={"n2": {"public": key(2), "since": 7}}))
    assert set(peers(answer, "n1")) == {"n2"}
    assert answer["unknown"] == ["n3"]
    assert set(answer["others"]) == {"n2"} and f"# peer n1 {key(1)} 1001" in answer["others"]["n2"]
    assert answer["known"]["n2"] == {"public": key(2), "since": 7}


def test_what_a_node_remembers_is_for_itself_alone() -> None:
    lines = [f"| # peer n3 {key(9)} 5", "| [Peer]", f"| PublicKey = {key(9)}"]
    members = {"n1": member(1), "n2": member(2), "n3": member()}
    members["n1"]["said"] += lines
    answer = PLAN.plan(question(members))
    assert peers(answer, "n1")["n3"]["PublicKey"] == key(9)
    assert "n3" not in peers(answer, "n2") and "n3" not in answer["known"] and "n3" not in answer["others"]
    # What the controller knows stands above it.
    answer = PLAN.plan(question(members, known={"n3": {"public": key(3), "since": 1}}))
    assert peers(answer, "n1")["n3"]["PublicKey"] == key(3)


@pytest.mark.parametrize(
    "lines",
    [
        ["public=" + key(1)],
        ["since=5"],
        ["public=short", "since=5"],
        ["public=" + key(1) + "\nEndpoint = 203.0.113.9:1", "since=5"],
        ["public=" + key(1), "since=-5"],
        [f"| # peer n2 {key(5)} 5 ; rm", "| # peer n2"],
        ["|", "| ", "=", ""],
    ],
)
def test_a_node_that_tells_nonsense_has_no_key(lines: list[str]) -> None:
    answer = PLAN.plan(question({"n1": member(said=lines), "n2": member(2)}))
    assert set(answer["nodes"]) == {"n2"} and answer["unknown"] == ["n1"]
    assert "203.0.113.9" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"members": {"n1": member(1), "n2": member(1)}}, "n1 and n2 have one key"),
        ({"members": {"n1": member(1, relay="n9")}}, "no other member"),
        ({"members": {"n1": member(1, relay="n1")}}, "no other member"),
        (
            {"members": {"n1": member(1, relay="n2"), "n2": member(2, relay="n3"), "n3": member(3)}},
            "itself behind a relay",
        ),
        ({"members": {"n1": member(1, endpoint="a b")}}, "no address"),
        ({"members": {"n1": member(1, endpoint="x\ny")}}, "no address"),
        ({"members": {"n1": member(1, endpoint="fd67:7269:6474:7569::1")}}, "inside of the mesh"),
        ({"members": {"n1": member(1, port=0)}}, "no port"),
        ({"members": {"n 1": member(1)}}, "name of a node"),
        ({"members": {"n1": member(1, addresses=["10.0.0.1"])}}, "none of the mesh's networks"),
        ({"members": {"n1": member(1, addresses=["x"])}}, "mesh_addresses"),
        (
            {"members": {"n1": member(1), "n2": member(2), "n3": member(3)}, "networks": ["10.0.0.0/30"]},
            "have both the address",
        ),
        ({"networks": []}, "empty"),
        ({"networks": ["10.0.0.1/16"]}, "mesh_networks"),
        ({"networks": ["10.0.0.0/31"]}, "no room"),
        ({"interface": "a b"}, "interface"),
        ({"interface": 'x"; reboot'}, "interface"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change: dict[str, Any], text: str) -> None:
    with pytest.raises(PLAN.Refused, match=text) as refused:
        PLAN.plan(question({"n1": member(1)}) | change)
    assert "\n" not in str(refused.value)


def test_as_a_program() -> None:
    asked = "mesh\n" + json.dumps(question({"n1": member(1)}))
    done = subprocess.run([sys.executable, str(FILE)], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and set(json.loads(done.stdout)["nodes"]) == {"n1"}
    asked = "mesh\n" + json.dumps(question({"n1": member(1)}, networks=[]))
    done = subprocess.run([sys.executable, str(FILE)], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "mesh: mesh_networks is empty\n"


NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True), min_size=2, max_size=12, unique=True)


@given(NAMES, st.data())
def test_every_packet_finds_one_way(names: list[str], data: st.DataObject) -> None:
    """For each pair, exactly one peer takes the other's address; and the way over relays ends at it."""
    relays = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    open_ = [name for name in names if name not in relays]
    hidden = data.draw(st.lists(st.sampled_from(open_), unique=True)) if relays and open_ else []
    members = {
        name: member(index + 1, relay=data.draw(st.sampled_from(relays)) if name in hidden else "")
        for index, name in enumerate(names)
    }
    answer = PLAN.plan(question(members))
    for name in names:
        for other in set(names) - {name}:
            target, at, steps = ipaddress.ip_address(address(answer, other)[0]), name, 0
            while at != other:
                ways = [
                    peer
                    for peer, fields in peers(answer, at).items()
                    if any(target in ipaddress.ip_network(one) for one in fields["AllowedIPs"].split(", "))
                ]
                assert len(ways) == 1, (at, other)
                at, steps = ways[0], steps + 1
                assert steps <= 3


@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True),
    st.sampled_from([ULA, "10.77.0.0/16", "10.0.0.0/24", "192.168.7.0/29"]),
)
def test_an_address_follows_from_the_name_and_lies_inside(name: str, text: str) -> None:
    inside = ipaddress.ip_network(text)
    found = PLAN.derived(name, inside)
    assert found in inside and found == PLAN.derived(name, inside)
    assert found not in (inside[0], inside[-1])
