"""`gridtui check` on the lab's nodes, as cron and monitoring systems run it."""

from __future__ import annotations

import contextlib
import json
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ..e2e import nagios
from ..e2e.program import Done, Program, Running
from .lab import Lab

NAMES = ["node1", "node2", "node3"]
OK, WARNING, CRITICAL, UNKNOWN = range(4)
BUSY = ("load.cpu", "cpu.steal", "psi.mem.full", "loss", "clock")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def program(lab: Lab, tmp_path: Path) -> Iterator[Program]:
    """Checks that are not about load must not depend on how busy this machine is."""
    with Program(tmp_path) as program:
        program.settings("[thresholds]\n" + "".join(f'"{rule}" = "off"\n' for rule in BUSY))
        yield program


Check = Callable[..., Done]


@pytest.fixture
def check(lab: Lab, program: Program) -> Check:
    """Runs one check of the lab."""

    def run(*words: str | Path, timeout: float = 60) -> Done:
        return program.run("-i", lab.inventory, "check", *words, timeout=timeout)

    return run


def settled(check: Check, status: int, *words: str | Path) -> Done:
    """The run that gives `status`: the first or, since verdicts have hysteresis, the second in a row."""
    done = check(*words)
    if done.status != status:
        done = check(*words)
    assert done.status == status, done
    assert done.is_clean()
    return done


def connected(lab: Lab, running: Running, name: str) -> bool:
    """Whether this run has a TCP connection to sshd of the node (`/proc/net/tcp`, proc(5))."""
    octets = [int(part) for part in lab.node(name).address.split(".")]
    remote = "".join(f"{octet:02X}" for octet in reversed(octets)) + ":0016"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[2] == remote and row[3] == "01"}
    with contextlib.suppress(FileNotFoundError):  # one is closed while we look
        return any(str(link.readlink()) in inodes for link in Path(f"/proc/{running.pid}/fd").iterdir())
    return False


def until(holds: Callable[[], bool], timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, f"{what} within {timeout:g} s"
        time.sleep(0.05)


def break_node(lab: Lab, how: str, name: str) -> None:
    match how:
        case "stopped":
            lab.stop(name)
        case "paused":
            lab.pause(name)
        case "without sshd":
            lab.run(name, ["systemctl", "stop", "ssh"])


def mend_node(lab: Lab, how: str, name: str) -> None:
    match how:
        case "stopped":
            lab.start(name)
        case "paused":
            lab.unpause(name)
        case "without sshd":
            lab.run(name, ["systemctl", "start", "ssh"])


@pytest.mark.parametrize(("how", "layer"), [("stopped", "icmp"), ("without sshd", "tcp"), ("paused", "banner")])
def test_well_then_broken_then_well_again(lab: Lab, check: Check, how: str, layer: str) -> None:
    well = check("--json")
    assert well.status == OK, well
    assert [node["name"] for node in well.json["nodes"]] == NAMES
    break_node(lab, how, "node2")
    try:
        broken = settled(check, CRITICAL, "--json")
    finally:
        mend_node(lab, how, "node2")
    document = broken.json
    assert document["state"] == "CRITICAL"
    nodes = {node["name"]: node for node in document["nodes"]}
    assert (nodes["node2"]["state"], nodes["node2"]["layer"]) == ("CRITICAL", layer)
    assert nodes["node2"]["reasons"][0]["rule"] == "reach"
    assert well.json["time"] <= nodes["node2"]["since"] <= document["time"] + document["seconds"]
    for name in ("node1", "node3"):
        assert (nodes[name]["state"], nodes[name]["layer"], nodes[name]["up"]) == ("OK", None, True)
    assert broken.seconds < 30
    again = settled(check, OK, "--json").json
    assert {node["state"] for node in again["nodes"]} == {"OK"}


def test_the_text_names_node_layer_and_reason(lab: Lab, check: Check) -> None:
    lab.stop("node3")
    done = settled(check, CRITICAL)
    first, second = done.stdout.splitlines()
    assert first.startswith("CRITICAL: 1 of 3 nodes down")
    assert second.split()[:2] == ["CRITICAL", "node3"]
    assert "icmp" in second


def test_the_plugin_format_holds_to_the_grammar(lab: Lab, check: Check) -> None:
    well = nagios.parse(check("--format", "nagios").stdout)
    assert well.state == "OK"
    assert well.data["up"][0] == 3
    for name in NAMES:
        assert well.data[f"{name}::rtt"][1] == "s"
        assert 0 < well.data[f"{name}::rtt"][0] < 5
        assert well.data[f"{name}::mem"][1] == "%"
    lab.pause("node1")
    broken = nagios.parse(settled(check, CRITICAL, "--format", "nagios").stdout)
    assert broken.state == "CRITICAL"
    assert "node1 (banner)" in broken.text
    assert broken.data["down"][0] == 1
    assert any(line.startswith("CRITICAL node1: ") for line in broken.details)


def test_the_file_for_prometheus(lab: Lab, check: Check, tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    file = folder / "gridtui.prom"
    done = check("--format", "prometheus", "--output", file)
    assert (done.status, done.out) == (OK, b""), done
    for _ in range(2):
        assert [path.name for path in folder.iterdir()] == ["gridtui.prom"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
        up = {sample.labels["node"]: sample.value for sample in families["gridtui_up"].samples}
        assert up == dict.fromkeys(NAMES, 1.0)
        assert all(sample.timestamp is None for family in families.values() for sample in family.samples)
        (when,) = families["gridtui_check_time_seconds"].samples
        assert abs(when.value - time.time()) < 120
        assert check("--format", "prometheus", "--output", file).status == OK


def test_a_file_that_cannot_be_written_is_unknown_and_one_line(check: Check, tmp_path: Path) -> None:
    done = check("--output", tmp_path / "nowhere" / "file")
    assert done.status == UNKNOWN
    assert len(done.stdout.splitlines()) == 1, done
    assert "nowhere" in done.stdout
    assert "Traceback" not in done.stderr


def test_quiet_says_nothing_when_all_is_well(lab: Lab, check: Check) -> None:
    done = check("--quiet")
    assert (done.status, done.out, done.err) == (OK, b"", b"")
    lab.stop("node1")
    assert "node1" in settled(check, CRITICAL, "--quiet").stdout


def test_changed_tells_news_once(lab: Lab, check: Check) -> None:
    assert check("--changed").status == OK
    same = check("--changed")
    assert (same.status, same.out) == (OK, b"")
    lab.run("node2", ["systemctl", "stop", "ssh"])
    try:
        told = [check("--changed") for _ in range(4)]
    finally:
        lab.run("node2", ["systemctl", "start", "ssh"])
    assert [run.status for run in told[1:]] == [CRITICAL] * 3
    assert sum("CRITICAL  node2" in run.stdout for run in told) == 1
    assert told[-1].out == b""
    back = [check("--changed") for _ in range(3)]
    assert [run.status for run in back[1:]] == [OK, OK]
    assert sum("node2" in run.stdout and "well again" in run.stdout for run in back) == 1, [run.out for run in back]


def test_limits_of_the_command_line(check: Check) -> None:
    assert "up for" in settled(check, WARNING, "--warn", "uptime=0:1").stdout
    assert settled(check, CRITICAL, "--crit", "mem.total=1:2", "-w", "node1").stdout.count("node") >= 1
    assert settled(check, OK, "--crit", "mem.total=1:", "-w", "node1").status == OK


def test_a_run_that_another_locks_out(lab: Lab, program: Program, check: Check) -> None:
    lab.pause("node3")
    first = program.start("-i", lab.inventory, "check")
    until(lambda: connected(lab, first, "node3"), 20, "no connection to the paused node")
    second = program.run("-i", lab.inventory, "check")
    assert second.status == UNKNOWN
    assert len(second.stdout.splitlines()) == 1
    assert "UNKNOWN" in second.stdout
    assert second.err == b""
    assert second.seconds < first.wait(60).seconds


def test_max_runtime_bounds_a_run(lab: Lab, check: Check) -> None:
    lab.pause("node2")
    done = check("--max-runtime", "1.5", "--json")
    nodes = {node["name"]: node for node in done.json["nodes"]}
    # Too short for node2 to be called down, but long enough for the rest, at least on a machine that is not busy.
    assert nodes["node2"]["state"] in ("UNKNOWN", "OK")
    assert done.json["seconds"] < 8  # the paused node alone takes longer
    assert done.status in (OK, UNKNOWN)


def strays(lab: Lab, name: str) -> list[str]:
    """Processes of the probe, or of a login, that are still on the node."""
    listing = lab.run(name, ["ps", "-eo", "args"]).stdout.splitlines()
    return [line for line in listing if "read -r" in line or "IFS=" in line or "@ notty" in line or "@notty" in line]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_in_the_middle(lab: Lab, program: Program, check: Check, number: signal.Signals) -> None:
    assert check().status == OK
    before = kept(program)
    lab.pause("node3")
    running = program.start("-i", lab.inventory, "check")
    until(lambda: connected(lab, running, "node3"), 20, "no connection to the paused node")
    at = time.monotonic()
    running.send(number)
    done = running.wait(30)
    assert time.monotonic() - at < 8, "it does not end promptly"
    assert done.status in {signal.SIGTERM: (143,), signal.SIGINT: (3, 130), signal.SIGKILL: (-9,)}[number], done
    assert b"Traceback" not in done.err
    assert len(done.err.splitlines()) <= 1
    assert kept(program).keys() == before.keys(), "something is left in the state folder"
    lab.unpause("node3")
    for name in NAMES:
        until(lambda name=name: not strays(lab, name), 20, f"{strays(lab, name)} still on {name}")  # type: ignore[misc]
    assert settled(check, OK).status == OK


def kept(program: Program) -> dict[str, object]:
    """What the state folder holds, the locks left out; a damaged document fails."""
    folder = program.state / "gridtui"
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.iterdir()) if path.suffix != ".lock"}


def test_no_run_leaves_a_process_on_a_node(lab: Lab, check: Check) -> None:
    assert check().status == OK
    for name in NAMES:
        until(lambda name=name: not strays(lab, name), 10, f"{strays(lab, name)} still on {name}")  # type: ignore[misc]


def test_selected_nodes_alone_are_looked_at(lab: Lab, check: Check) -> None:
    lab.stop("node2")
    done = check("-w", "@lab ! node2", "--json")
    assert done.status == OK
    assert [node["name"] for node in done.json["nodes"]] == ["node1", "node3"]
    assert check("-x", "node2").status == OK
