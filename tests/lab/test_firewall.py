"""The playbook `firewall` on real nodes: what is open before and after, whose rules stay, what is refused, and that undoing leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from .lab import Lab
from .plays import Played, play

pytestmark = pytest.mark.timeout(300)

PORTS = (*range(20, 31), 53, 80, 443, 5000, 8080, 9090, 9091)
"""What is looked at, from one address and once: bounded."""
MINE, OFFERED = 8080, 9090
"""A service that nobody outside the grid should see, and one that everybody may."""

# What container engines and libvirt put in: user-defined chains, NAT, a forward chain, maps; in several tables.
OTHERS = """
table ip docker-like {
	chain DOCKER { tcp dport 5000 dnat to 172.17.0.2:80; }
	chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local jump DOCKER; }
	chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 masquerade; }
	chain FORWARD { type filter hook forward priority filter; policy drop; ip saddr 172.17.0.0/16 accept; }
}
table inet netavark-like {
	chain INPUT { type filter hook input priority filter; policy accept; ip saddr 10.88.0.0/16 udp dport 53 accept; }
	chain nv_2f259bab { ip daddr 10.88.0.0/16 accept; ip daddr != 224.0.0.0/4 masquerade; }
	chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 10.88.0.0/16 jump nv_2f259bab; }
}
table ip6 libvirt-like {
	set networks { type ipv6_addr; flags interval; elements = { fd00:1::/64 }; }
	chain guest_input { ip6 saddr @networks accept; }
}
"""


class Node1:
    """node1 with services that listen and rules of others, seen from here and from node2."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.address = lab.node("node1").address
        self.subnet = self.address.split(".")[2]
        self.v6 = f"fd18:{self.subnet}::11"

    def sh(self, command: str, name: str = "node1", check: bool = True) -> str:
        return self.lab.run(name, ["sh", "-c", command], check=check).stdout

    def play(self, *words: str, well: bool = True, **extra: object) -> Played:
        services = [{"port": OFFERED}, {"port": "9091", "from": ["192.0.2.0/24", "2001:db8::/32"]}]
        variables: dict[str, Any] = {"firewall_services": services, **extra}
        return play(self.lab, "firewall", *words, hosts="node1", well=well, **variables)

    def others(self) -> str:
        """Every table but ours, without counters."""
        return self.sh(
            "for t in $(nft list tables | grep -v ' gridtui$' | sed 's/^table //; s/ /:/'); do nft -s list table ${t%:*} ${t#*:}; done"
        )

    def mine(self) -> str:
        """Our table, without who was counted lately."""
        return self.sh(
            r"nft -s list table inet gridtui | awk '/^\tset counted/ {skip = 1} !skip {print} /^\t}/ {skip = 0}'",
            check=False,
        )

    def left(self) -> str:
        """What a firewall could leave behind: files, units, and what listens to boots."""
        return self.sh(
            "find /etc/systemd /etc/gridtui /var/lib/gridtui -xdev 2>/dev/null | grep -v -e /changes -e '/guard' -e /count -e '/record$' -e '/gridtui$' | sort; "
            "systemctl list-unit-files --no-legend | grep -e nftables -e gridtui; nft list tables | grep gridtui",
            check=False,
        )

    def reach(self, port: int, host: str = "", name: str = "node2") -> bool:
        """Whether another node gets a connection."""
        text = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
        done = self.lab.run(name, ["python3", "-c", text, host or self.address, str(port)], check=False)
        return done.returncode == 0


async def scan(address: str) -> set[int]:
    """The ports of PORTS that take a connection from here."""

    async def one(port: int) -> int | None:
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            return None
        writer.close()
        return port

    return {port for port in await asyncio.gather(*map(one, PORTS)) if port}


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node1]:
    """Services on all addresses, IPv6 between the nodes, and rules of others."""
    node = Node1(lab)
    for name in ("node1", "node2"):
        end = 10 + int(name[-1])
        node.sh(
            f"sysctl -qw net.ipv6.conf.all.disable_ipv6=0; ip -6 addr replace fd18:{node.subnet}::{end}/64 dev eth0 nodad",
            name,
        )
    for port in (MINE, OFFERED):
        serve = f"import http.server as h; s = type('S', (h.HTTPServer,), dict(address_family=10)); s(('::', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
        lab.run("node1", ["systemd-run", "-q", f"--unit=serve-{port}", "python3", "-c", serve])
    lab.run("node1", ["sh", "-c", 'printf %s "$1" | nft -f -', "sh", OTHERS])
    yield node
    node.play(gridtui_undo=True)
    for table in ("ip docker-like", "inet netavark-like", "ip6 libvirt-like"):
        node.sh(f"nft delete table {table}", check=False)
    node.sh(f"systemctl stop serve-{MINE} serve-{OFFERED}; rm -rf /var/lib/gridtui", check=False)
    for name in ("node1", "node2"):
        node.sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1", name)


@pytest.fixture
def nothing_changed(node: Node1) -> Iterator[None]:
    """Around a run that has to be refused: neither rules nor files nor an armed guard."""
    before = node.others(), node.mine(), node.left(), node.sh("/var/lib/gridtui/guard status", check=False)
    yield
    assert (node.others(), node.mine(), node.left(), node.sh("/var/lib/gridtui/guard status", check=False)) == before


@pytest.mark.usefixtures("nothing_changed")
def test_an_nft_too_old_is_told_before_anything_changes(node: Node1) -> None:
    node.sh(
        "printf '#!/bin/sh\\necho nftables v0.8.2 \\\\(Joe Btfsplk\\\\)\\n' > /usr/local/sbin/nft; chmod 755 /usr/local/sbin/nft"
    )
    try:
        refused = node.play(well=False)
    finally:
        node.sh("rm /usr/local/sbin/nft")
    assert refused.status != 0
    assert "nft 0.8.2 is too old: 0.9.0 is needed; nothing was changed" in refused.said


@pytest.mark.usefixtures("nothing_changed")
def test_another_firewall_is_told_before_anything_changes(node: Node1) -> None:
    node.sh("systemd-run -q --unit=firewalld.service sleep 300")
    try:
        refused = node.play(well=False)
        assert "firewalld is active here" in refused.said
        assert node.play("--check", firewall_beside=True).changed["node1"] > 0
    finally:
        node.sh("systemctl stop firewalld.service")


@pytest.mark.usefixtures("nothing_changed")
def test_what_nft_would_not_take_is_told_before_anything_changes(node: Node1) -> None:
    refused = node.play(well=False, firewall_rules=["tcp dport nonsense accept"])
    assert "nonsense" in refused.said and refused.failed == {"node1": 1} and refused.changed == {"node1": 0}
    wrongs: tuple[dict[str, Any], ...] = (
        {"firewall_services": [{"port": "22; flush ruleset"}]},
        {"firewall_interfaces": ['lo" accept']},
    )
    for wrong in wrongs:
        refused = node.play(well=False, **wrong)
        assert refused.failed == {"node1": 1} and refused.changed == {"node1": 0}, refused.said


def test_closes_what_is_not_meant_to_be_open(node: Node1) -> None:
    others, left = node.others(), node.left()
    assert asyncio.run(scan(node.address)) == {22, MINE, OFFERED}
    would = node.play("--check", "--diff")
    assert "+\t\ttype filter hook input priority 0; policy drop;" in would.said
    assert node.mine() == "" and node.left() == left
    assert node.play().changed["node1"] >= 2

    # from outside the grid, from within, and over IPv6, where nobody is of the grid
    assert asyncio.run(scan(node.address)) == {22, OFFERED}
    assert node.reach(MINE) and node.reach(OFFERED)
    assert node.reach(OFFERED, node.v6) and not node.reach(MINE, node.v6) and not node.reach(22, node.v6)
    for host in (node.address, node.v6):
        node.sh(f"ping -q -c 2 -W 2 {host}", "node2")
    assert node.sh("python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8080), 2)' && echo to itself")
    assert node.sh(f"ping -q -c 1 -W 2 198.18.{node.subnet}.1 && echo out").endswith("out\n")
    assert node.others() == others

    rules = node.mine()
    again = node.play()
    assert again.changed == {"node1": 0}, again.said
    assert node.play("--check", "--diff").changed == {"node1": 0}
    assert node.mine() == rules
    assert node.sh("/var/lib/gridtui/guard status").count("\n") == 1  # nothing armed for nothing


def test_what_somebody_took_away_is_put_back(node: Node1) -> None:
    """A table that is gone, a rule that somebody put into ours by hand."""
    others, rules = node.others(), node.mine()
    node.sh("nft delete table inet gridtui")
    assert node.play().changed["node1"] >= 1
    assert node.mine() == rules
    node.sh("nft insert rule inet gridtui input tcp dport 8080 accept")
    assert node.play().changed["node1"] >= 1
    assert node.mine() == rules and node.others() == others


def test_every_boot_loads_our_table_alone(node: Node1) -> None:
    rules = node.mine()
    node.lab.restart("node1")
    assert node.mine() == rules
    assert node.sh("systemctl is-active gridtui-firewall.service").strip() == "active"
    assert node.sh("systemctl is-enabled nftables.service", check=False).strip() != "enabled"
    assert asyncio.run(scan(node.address)) == {22}  # the services were not to survive
    # Docker put its rules in when the node started, and they are there beside ours
    assert "DOCKER_OUTPUT" in node.others()
    assert node.lab.ssh("node1", "echo well").strip() == "well"


def test_who_opens_too_many_is_slowed_down(node: Node1) -> None:
    """Connections that are made and dropped; the rate is one a second here, so a login works again at once when it is over."""
    node.play(firewall_ssh_rate="60/minute", firewall_ssh_burst=5)

    async def knock() -> int:
        async def one() -> bool:
            try:
                async with asyncio.timeout(0.9):  # before the second SYN
                    _, writer = await asyncio.open_connection(node.address, 22)
            except (OSError, TimeoutError):
                return False
            writer.close()
            return True

        return sum(await asyncio.gather(*(one() for _ in range(15))))

    assert 1 <= asyncio.run(knock()) <= 8
    assert node.lab.ssh("node1", "echo well").strip() == "well"
    assert node.play(firewall_ssh_rate="60/minute", firewall_ssh_burst=5).changed == {"node1": 0}


def test_undoing_leaves_nothing(node: Node1) -> None:
    others = node.others()
    node.play("--check", gridtui_undo=True)
    assert node.mine()
    assert node.play(gridtui_undo=True).changed["node1"] >= 1
    assert node.mine() == "" and node.others() == others
    left = node.left()
    assert "gridtui" not in left, left
    assert node.play(gridtui_undo=True).changed == {"node1": 0}
