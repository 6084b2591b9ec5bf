"""What ssh_config makes of a node: held against `ssh -G`, and cheap for thousands of hosts."""

from __future__ import annotations

import getpass
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtui.errors import ResolveError
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Endpoint, Pool, resolve
from gridtui.ssh.route import Route, Routes, hop

ME = getpass.getuser()

CONFIG = """\
# a comment
Host alpha beta
    HostName %h.example.com
    Port 2201
    IdentityFile ~/.ssh/%r-%h
Host gamma
    HostName=10.0.0.3
    User "gail"
    ProxyJump jim@bastion:2200
Host ga* !gap
    Port = 2203
Match host alpha.example.com
    User al
Match originalhost beta user nobody
    Port 1
Match exec "test %n = never" host gamma
    Port 2
Include conf.d/*.conf
Host alpha
    User later
Host !nobody *
    ServerAliveInterval 7
    IdentityFile ~/.ssh/last
Host delta
    ProxyCommand nc %h %p
"""


@pytest.fixture
def config(home: Path) -> Path:
    folder = home / ".ssh"
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "10.conf").write_text("Host epsilon\n Port 2210\n User first\n")
    (folder / "conf.d" / "20.conf").write_text("Host epsilon delta\n Port 2220\n User eve\n")
    (folder / "config").write_text(CONFIG)
    (folder / "config").chmod(0o600)
    return folder / "config"


def theirs(config: Path, host: str, home: Path, *options: str) -> dict[str, list[str]]:
    """`ssh -G`. It takes the home from the password file, so `~` and Include are told apart by hand."""
    text = subprocess.run(
        ["ssh", "-G", "-F", str(config), *options, host], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("host", ["alpha", "beta", "gamma", "gap", "delta", "epsilon", "zeta", "ALPHA", "alph"])
def test_it_is_what_ssh_makes_of_it(host: str, config: Path, home: Path) -> None:
    absolute = home / "absolute"
    absolute.write_text(config.read_text().replace("Include conf.d", f"Include {home}/.ssh/conf.d"))
    expected = theirs(absolute, host, home)
    route = Routes(Ssh()).route(Node(host, host))
    end = route.endpoint
    assert (end.host, end.port, end.user) == (expected["hostname"][0], int(expected["port"][0]), expected["user"][0])
    assert ",".join(route.jump) == expected.get("proxyjump", [""])[0]
    if not route.jump:  # ssh -G leaves the tokens as they are
        assert route.proxy_command == expected.get("proxycommand", [""])[0].replace("%h", end.host).replace(
            "%p", str(end.port)
        )
    named = [
        file.replace("~", str(home)).replace("%r", end.user).replace("%h", end.host)
        for file in expected["identityfile"]
        if "/.ssh/id_" not in file
    ]
    assert [str(path) for path in route.identities or ()] == named
    assert resolve(Node(host, host), Ssh()) == end


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Node("n", "alpha", port=99, user="root"), Endpoint("alpha.example.com", 99, "root")),
        (Node("n", "gamma", ssh_options={"port": "7", "proxyjump": "none"}), Endpoint("10.0.0.3", 7, "gail")),
        (Node("n", "zeta", ssh_options={"proxycommand": "nc x 1"}), Endpoint("zeta", 22, ME, jump=True)),
        (Node("n", "zeta", ssh_options={"port": "7\nUser evil", "match": "all"}), Endpoint("zeta", 22, ME)),
        (Node("n", "n", local=True), Endpoint("localhost", 0, ME)),
    ],
)
def test_the_inventory_stands_above_the_file(node: Node, expected: Endpoint, config: Path) -> None:
    assert resolve(node, Ssh()) == expected


def test_the_file_that_the_inventory_names_is_the_one_that_is_read(home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "config").write_text("Host n\n Port 2201\n")
    named, ours = tmp_path / "named", tmp_path / "ours"
    named.write_text("Host n\n Port 2202\n")
    ours.write_text("Host n\n Port 2203\n")
    node = Node("n", "n", ssh_options={"config": str(named)})
    for chosen, port in ((Ssh(), 2202), (Ssh(config=str(ours)), 2203)):
        assert resolve(node, chosen).port == Routes(chosen).route(node).endpoint.port == port
    assert resolve(Node("n", "n", ssh_options={"config": "none"}), Ssh()).port == 22


def test_options_of_the_inventory_reach_the_login(config: Path) -> None:
    node = Node("n", "zeta", identity="/a b/key", ssh_options={"identitiesonly": "yes", "connecttimeout": "9"})
    route = Routes(Ssh()).route(node)
    assert route.identities is not None
    assert route.identities[0] == Path("/a b/key")
    assert (route.identities_only, route.connect_timeout) == (True, 9.0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ServerAliveInterval 1", (1.0, 3)),
        ("ServerAliveInterval 300\n ServerAliveCountMax 2", (2.0, 2)),
        ("ServerAliveInterval 0", (2.0, 3)),
        ("ServerAliveCountMax 9", (2.0, 3)),
    ],
)
def test_the_shorter_keepalive_wins(line: str, expected: tuple[float, int], home: Path) -> None:
    (home / ".ssh" / "config").write_text(f"Host n\n {line}\n")
    route = Routes(Ssh(keepalive=2.0)).route(Node("n", "n"))
    assert (route.keepalive, route.keepalive_count) == expected


@pytest.mark.parametrize(
    ("setting", "line", "accepts", "notes"),
    [
        ("strict", "no", False, 1),
        ("strict", "accept-new", False, 0),
        ("strict", "yes", False, 0),
        ("accept-new", "yes", False, 0),
        ("accept-new", "no", True, 1),
        ("accept-new", "accept-new", True, 0),
    ],
)
def test_ssh_config_can_only_make_host_keys_stricter(
    setting: str, line: str, accepts: bool, notes: int, home: Path
) -> None:
    (home / ".ssh" / "config").write_text(f"StrictHostKeyChecking {line}\n")
    route = Routes(Ssh(host_keys=setting)).route(Node("n", "n"))
    assert (route.accept_new, len(route.notes)) == (accepts, notes)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("none", None), ("SSH_AUTH_SOCK", "/from/env"), ("$OTHER", "/other"), ("~/a", "{home}/a"), ("${OTHER}", "/other")],
)
def test_identity_agent(value: str, expected: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/from/env")
    monkeypatch.setenv("OTHER", "/other")
    (home / ".ssh" / "config").write_text(f"IdentityAgent {value}\n")
    route = Routes(Ssh()).route(Node("n", "n"))
    assert route.agent == (expected.replace("{home}", str(home)) if expected else None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n\nHost n\n Port many\n", "config:4: Invalid Port integer value: many"),
        ("Match\n", "config:1"),
        ('User "open\n', "config:1"),
        ("Include config\n", "too many nested Includes"),
        ("ProxyCommand nc %Z\n", "ProxyCommand: Invalid token expansion: Z"),
        ("Match exec true\n IdentityFile ${NOT_SET_HERE}\n", "NOT_SET_HERE"),
    ],
)
def test_a_broken_file_names_its_line(text: str, says: str, home: Path) -> None:
    (home / ".ssh" / "config").write_text(text)
    with pytest.raises(ResolveError) as caught:
        Routes(Ssh()).route(Node("n", "n"))
    assert says in str(caught.value)


def test_a_file_that_others_may_write_is_not_trusted(home: Path) -> None:
    file = home / ".ssh" / "config"
    file.write_text("Host *\n")
    file.chmod(0o666)
    with pytest.raises(ResolveError, match="others may write it"):
        resolve(Node("n", "n"), Ssh())


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="no such ssh_config"):
        resolve(Node("n", "n"), Ssh(config=str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("bastion", ("bastion", None, None)),
        ("jim@bastion:2200", ("bastion", 2200, "jim")),
        ("ssh://jim@bastion:2200", ("bastion", 2200, "jim")),
        ("[::1]:2200", ("::1", 2200, None)),
        ("fe80::1", ("fe80::1", None, None)),
        ("jim@corp@bastion", ("bastion", None, "jim@corp")),
    ],
)
def test_hops(spec: str, expected: tuple[str, int | None, str | None]) -> None:
    node = hop(spec, (), Node("n", "n"))
    assert (node.address, node.port, node.user) == expected


def test_a_hop_is_found_and_trusted_as_the_node_is(tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.write_text("Host bastion\n HostName 192.0.2.7\n")
    node = Node("n", "n", ssh_options={"config": str(named), "stricthostkeychecking": "yes", "identityfile": "own"})
    route = Routes(Ssh(host_keys="accept-new")).route(hop("bastion", (), node))
    assert route.endpoint.host == "192.0.2.7"
    assert not route.accept_new
    assert route.identities is None


@pytest.mark.parametrize("spec", ["", "@", "host:port", "host:0", "host:65536", "-oProxyCommand=x", "host:٣"])
def test_bad_hops(spec: str) -> None:
    with pytest.raises(ResolveError):
        hop(spec, (), Node("n", "n"))


HOSTS = st.sampled_from(["a", "b", "ab", "A", "*", "a*", "?", "!a", "!b *", "a b", "b a"])
BLOCKS = st.lists(
    st.tuples(HOSTS, st.sampled_from(["Port 1", "Port 2", "User u", "User v", "HostName x", "HostName y%h"])),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BLOCKS, st.sampled_from(["a", "b", "ab", "c"]))
def test_cutting_the_file_to_a_host_changes_nothing(tmp_path: Path, blocks: list[tuple[str, str]], host: str) -> None:
    file = tmp_path / "config"
    file.write_text("".join(f"Host {names}\n {line}\n" for names, line in blocks))
    expected = theirs(file, host, tmp_path)
    end = resolve(Node(host, host), Ssh(config=str(file)))
    assert (end.host, end.port, end.user) == (expected["hostname"][0], int(expected["port"][0]), expected["user"][0])


def test_thousands_of_hosts_are_read_once(home: Path) -> None:
    blocks = "".join(f"Host node{n}\n HostName 10.0.{n // 256}.{n % 256}\n User u{n}\n" for n in range(5000))
    (home / ".ssh" / "config").write_text(blocks + "Host *\n Port 2200\n")
    routes = Routes(Ssh())
    begun = time.process_time()
    found: list[Route] = [routes.route(Node(f"node{n}", f"node{n}")) for n in range(500)]
    spent = time.process_time() - begun
    assert found[499].endpoint == Endpoint("10.0.1.243", 2200, "u499")
    assert spent < 2.0, spent  # asyncssh alone: 500 x 0.35 s


def test_a_file_that_moves_nothing_costs_no_asyncssh(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host other\n Port 1\nHost *\n HashKnownHosts yes\n")
    code = (
        "import sys; from gridtui.model import Node; from gridtui.settings import Ssh; from gridtui.ssh import resolve, quote;"
        "assert resolve(Node('n', 'h'), Ssh()).host == 'h'; print('asyncssh' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


async def test_the_pool_caches_and_forgets(home: Path) -> None:
    file = home / ".ssh" / "config"
    file.write_text("Port 1\n")
    node = Node("n", "h")
    async with Pool(Ssh()) as pool:
        assert pool.endpoint(node).port == 1
        file.write_text("Port 22222\n")
        assert pool.endpoint(node).port == 1
        pool.forget(node)
        assert pool.endpoint(node).port == 22222
