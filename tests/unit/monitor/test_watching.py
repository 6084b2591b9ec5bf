"""A running fleet over real servers that die, hang, refuse and come back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gridtui import sim
from gridtui.events import Changed, Learned, Noted, Rebooted, Seen
from gridtui.fleet import Fleet
from gridtui.model import Layer, Node, PingMethod, State
from gridtui.monitor import monitor, once
from gridtui.settings import Settings, Ssh

from ...ssh.openssh import MISSING, PROGRAM, Sshd, keygen
from .fleets import CALM, QUICK, inventory_of, quick, watching

pytestmark = [pytest.mark.timeout(120), pytest.mark.skipif(PROGRAM is None, reason=MISSING)]

NONE = Ssh(config="none")


def node_of(sshd: Sshd, name: str, **values: object) -> Node:
    options = {"userknownhostsfile": str(sshd.known_hosts)}
    return sshd.node(name, ssh_options=options, **values)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Sshd]]:
    """Four servers behind one client key."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(Sshd(tmp_path / "0"))
        more = [stack.enter_context(Sshd(tmp_path / str(number), identity=first.identity)) for number in (1, 2, 3)]
        yield [first, *more]


async def test_a_simulated_node_dies_comes_back_and_has_rebooted(tmp_path: Path) -> None:
    async with sim.start_process(5, tmp_path, cycle=(6, 4)) as running:
        fleet = Fleet.open([running.inventory], Settings(intervals=QUICK, thresholds=CALM))
        # The fifth is the one that dies.
        mortal = list(fleet.nodes)[4]
        others = [name for name in fleet.nodes if name != mortal]
        async with watching(fleet) as watched:
            await watched.all_up([*others, mortal])
            await watched.until(lambda: fleet.status(mortal).verdict.layer is not None, 15, "its death told")
            assert fleet.status(mortal).verdict.layer is Layer.TCP
            assert all(fleet.status(name).reach.up for name in others)
            await watched.all_up([mortal], 15)
            await watched.until(
                lambda: any(isinstance(event, Rebooted) and event.node == mortal for event in watched.events),
                5,
                "its reboot told",
            )
            down, up = watched.changes(mortal)[-2:]
            assert (down.after.state, down.after.layer) == (State.CRITICAL, Layer.TCP)
            assert (up.before.layer, up.after.layer) == (Layer.TCP, None)
            assert any(isinstance(event, Learned) and event.node == mortal for event in watched.events)
            assert any(isinstance(event, Seen) and event.node == mortal for event in watched.events)


async def test_a_gateway_and_its_children_die_together_and_it_is_one_alert(servers: list[Sshd]) -> None:
    children = ("c1", "c2", "c3")
    nodes = [node_of(servers[0], "gw")]
    nodes += [node_of(server, name, parent="gw") for server, name in zip(servers[1:], children, strict=True)]
    fleet = Fleet(inventory_of(*nodes), quick(NONE))
    names = ["gw", *children]
    async with watching(fleet) as watched:
        await watched.all_up(names)
        # The children go first: for a moment it looks as if they alone were gone.
        for server in reversed(servers):
            await asyncio.to_thread(server.stop)
        await watched.until(lambda: all(fleet.status(name).verdict.layer for name in names), 20, "all down")
        alerts = [event for event in watched.events if isinstance(event, Changed) and event.after.alert]
        # Perhaps twice: the layer at which it fails may be another one a moment later. Never a child.
        assert {event.node for event in alerts} == {"gw"}, alerts
        told = len(alerts)
        assert {fleet.status(name).verdict.blamed for name in children} == {"gw"}
        for server in servers:
            await asyncio.to_thread(server.start)
        await watched.all_up(names)
        alerts = [event for event in watched.events if isinstance(event, Changed) and event.after.alert]
        assert len(alerts) == told, "coming back is no alert either"
        assert {fleet.status(name).verdict.blamed for name in names} == {None}


async def test_a_child_that_dies_alone_is_an_alert_of_its_own(servers: list[Sshd]) -> None:
    nodes = [node_of(servers[0], "gw"), node_of(servers[1], "c1", parent="gw")]
    fleet = Fleet(inventory_of(*nodes), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["gw", "c1"])
        await asyncio.to_thread(servers[1].stop)
        await watched.until(lambda: any(change.after.layer for change in watched.changes("c1")), 15, "told")
        change = watched.changes("c1")[-1]
        assert change.after.alert
        assert change.after.blamed is None
        assert fleet.status("gw").reach.up


async def test_a_child_that_stays_away_when_its_gateway_is_back(
    servers: list[Sshd], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "CHILD_GRACE", 2.0)
    nodes = [node_of(servers[0], "gw"), node_of(servers[1], "c1", parent="gw")]
    fleet = Fleet(inventory_of(*nodes), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["gw", "c1"])
        for server in servers[:2]:
            await asyncio.to_thread(server.stop)
        await watched.until(lambda: fleet.status("c1").verdict.blamed == "gw", 15, "c1 blamed on gw")
        await asyncio.to_thread(servers[0].start)
        await watched.all_up(["gw"])
        await watched.until(lambda: watched.changes("c1")[-1].after.alert, 15, "c1 told")
        assert fleet.status("c1").verdict.layer is Layer.TCP


async def test_a_frozen_server_is_down_and_thaws(servers: list[Sshd]) -> None:
    """Nothing is closed and nothing is refused: the kernel goes on to accept."""
    settings = quick(Ssh(config="none", keepalive=0.3, connect_timeout=1, login_timeout=2, backoff=0.2))
    fleet = Fleet(inventory_of(node_of(servers[0], "n1"), node_of(servers[1], "n2")), settings)
    async with watching(fleet) as watched:
        await watched.all_up(["n1", "n2"])
        servers[0].freeze()
        try:
            await watched.until(lambda: fleet.status("n1").verdict.layer is not None, 20, "n1 down")
            assert fleet.status("n1").verdict.layer in (Layer.BANNER, Layer.LOGIN, Layer.SHELL)
            assert fleet.status("n2").reach.up
        finally:
            servers[0].thaw()
        await watched.all_up(["n1"])


async def test_a_doubt_is_no_connection_to_a_server_whose_channel_answers(servers: list[Sshd]) -> None:
    fleet = Fleet(inventory_of(node_of(servers[0], "n1")), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["n1"])
        before = servers[0].log().count("Connection from")
        assert fleet._monitor
        watch = fleet._monitor.watch("n1")
        for _ in range(3):
            watch._echoed("n1", 0.001)
            watch._echoed("n1", None)
            assert watch._doubting, "a lost echo is a doubt"
            await asyncio.wait([watch._doubting])
        assert fleet.status("n1").reach.up
        assert servers[0].log().count("Connection from") == before
        assert [change for change in watched.changes("n1") if change.after.alert] == []


async def test_a_node_that_never_answered_an_echo_is_doubted_only_at_first(servers: list[Sshd]) -> None:
    """It may have died in its first second; when more are lost, echoes are filtered and say nothing."""
    fleet = Fleet(inventory_of(node_of(servers[0], "n1", ping_interval=600.0)), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["n1"])
        assert fleet._monitor
        watch = fleet._monitor.watch("n1")
        watch._echo_seen, watch._echoes_lost = False, 0
        doubted = []
        for _ in range(5):
            watch._echoed("n1", None)
            doubted.append(watch._doubting is not None)
            if watch._doubting:
                await asyncio.wait([watch._doubting])
        assert doubted == [True] * 3 + [False] * 2
        assert fleet.status("n1").reach.up


@pytest.mark.parametrize("why", ["refused", "unknown", "changed"])
async def test_what_a_person_must_mend_is_down_at_login_without_a_login_loop(
    servers: list[Sshd], tmp_path: Path, why: str
) -> None:
    server = servers[0]
    node = node_of(server, "n1")
    match why:
        case "refused":
            server.authorized_keys.write_text("")
        case "unknown":
            server.known_hosts.write_text("")
        case "changed":
            server.known_hosts.write_text(server.known_hosts_line(keygen(tmp_path / "other")))
    connections = server.log().count("Connection from")
    fleet = Fleet(inventory_of(node, node_of(servers[1], "n2")), quick(NONE))
    async with watching(fleet) as watched:
        await watched.until(lambda: fleet.status("n1").verdict.layer is Layer.LOGIN, 20, "n1 down")
        await watched.all_up(["n2"])
        pings = fleet.status("n1").trips.sent
        await watched.until(lambda: fleet.status("n1").trips.sent >= pings + 10, 20, "ten more echoes")
        tried = server.log().count("Connection from") - connections
        assert tried <= 2, f"{tried} logins at a server that refuses us"
        # A person mends it and asks for another try.
        server.authorized_keys.write_text("")
        server.authorize(server.identity)
        server.known_hosts.write_text(server.known_hosts_line())
        fleet.retry("n1")
        await watched.all_up(["n1"])


HANGS = """#!/bin/sh
# A machine whose systemd does not answer: the section begins, and nothing follows.
sh -c "$SSH_ORIGINAL_COMMAND" | while IFS= read -r line; do
    printf '%s\\n' "$line"
    case $line in @*' units') exec sleep 60 ;; esac
done
"""


@pytest.fixture
def hanging(servers: list[Sshd], tmp_path: Path) -> Node:
    script = tmp_path / "hangs"
    script.write_text(HANGS)
    script.chmod(0o755)
    key = keygen(tmp_path / "hanging")
    servers[0].authorize(key, f'command="{script}"')
    node = node_of(servers[0], "n1")
    return Node("n1", node.address, port=node.port, user=node.user, identity=str(key), ssh_options=node.ssh_options)


async def test_a_probe_that_hangs_is_left_out_and_the_rest_goes_on(servers: list[Sshd], hanging: Node) -> None:
    fleet = Fleet(inventory_of(hanging), quick(NONE))
    async with watching(fleet) as watched:
        await watched.until(lambda: any(isinstance(event, Noted) for event in watched.events), 15, "told")
        (note,) = [event for event in watched.events if isinstance(event, Noted)]
        assert (note.node, note.alarm) == ("n1", True)
        assert "going on without units" in note.text
        await watched.until(lambda: len(fleet.history("n1", "cpu")) > 8, 20, "samples go on")
        status = fleet.status("n1")
        assert status.reach.up
        assert status.sample
        assert "disk" in status.sample.metrics, "the other slow probes are there"
        assert "units.failed" not in status.sample.metrics
        assert len([event for event in watched.events if isinstance(event, Noted)]) == 1


async def test_a_look_leaves_out_what_hangs_too(hanging: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "OVERDUE", 1.5)
    look = (await Fleet(inventory_of(hanging), quick(NONE)).examine())["n1"]
    assert look and look.reach.up and look.sample, look
    assert "disk" in look.sample.metrics
    assert "units.failed" not in look.sample.metrics


async def test_a_controller_that_slept_says_so_and_calls_nobody_down(
    servers: list[Sshd], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0.0
    monkeypatch.setattr(monitor, "HEARTBEAT", 0.1)
    monkeypatch.setattr(monitor, "time", SimpleNamespace(time=lambda: time.time() + ahead))
    fleet = Fleet(inventory_of(node_of(servers[0], "n1"), Node("here", "here", local=True)), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["n1", "here"])
        ahead = 3600.0
        await watched.until(lambda: any(isinstance(event, Noted) for event in watched.events), 10, "told")
        (note,) = [event for event in watched.events if isinstance(event, Noted)]
        assert note.node is None
        assert "slept" in note.text
        assert "1 h" in note.text or "60 min" in note.text
        before = len(fleet.history("n1", "cpu"))
        await watched.until(lambda: len(fleet.history("n1", "cpu")) > before + 3, 10, "samples go on")
        assert [change for name in ("n1", "here") for change in watched.changes(name) if change.after.alert] == []


async def test_this_machine_needs_no_ping_and_no_server() -> None:
    fleet = Fleet(inventory_of(Node("here", "here", local=True)), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["here"])
        status = fleet.status("here")
        assert status.reach.method is PingMethod.LOCAL
        assert status.trips.sent == 0
        assert fleet.ping_method is PingMethod.LOCAL
        await watched.until(lambda: fleet.status("here").facts is not None, 10, "facts")
        assert (await fleet.top("here", 5))[0].pid > 0


async def test_a_name_that_does_not_resolve_is_down_and_the_rest_up(servers: list[Sshd]) -> None:
    lost = Node("lost", "no-such-host.invalid", port=22, user="x")
    fleet = Fleet(inventory_of(lost, node_of(servers[0], "n1")), quick(NONE))
    async with watching(fleet) as watched:
        await watched.all_up(["n1"])
        await watched.until(lambda: fleet.status("lost").reach.failed is not None, 20, "lost named")
        assert fleet.status("lost").reach.failed is Layer.ICMP
        assert "no-such-host.invalid" in fleet.status("lost").reach.error


async def test_closing_in_the_middle_leaves_no_task(servers: list[Sshd]) -> None:
    servers[0].freeze()
    try:
        fleet = Fleet(inventory_of(node_of(servers[0], "n1"), node_of(servers[1], "n2")), quick(NONE))
        async with watching(fleet) as watched:
            await watched.all_up(["n2"])
            began = time.monotonic()
        assert time.monotonic() - began < 5
    finally:
        servers[0].thaw()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []
