"""`gridtui job` with jobs that run for real: on this machine and on two real sshd with homes of their own."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .. import leftovers
from ..e2e import terminal
from ..e2e.program import Done, Program
from ..e2e.terminal import Terminal
from ..ssh.openssh import Sshd

needs_tmux = pytest.mark.skipif(bool(terminal.MISSING), reason=terminal.MISSING)
pytestmark = pytest.mark.timeout(180)

LONG = 90
"""Seconds that a run may take on a loaded machine."""


@pytest.fixture(scope="module")
def sshds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Sshd]]:
    folder = tmp_path_factory.mktemp("sshd")
    options = ["MaxStartups 100", "PerSourceMaxStartups none"]
    with Sshd(folder / "n1", options=options) as one, Sshd(folder / "n2", options=options) as two:
        yield [one, two]
    left = leftovers.end(folder)
    assert not left, left


@pytest.fixture
def fleet(program: Program, sshds: list[Sshd]) -> Iterator[Path]:
    """`here` through the local transport, n1 and n2 over ssh, and `dead`, where nothing listens. Slots: the load of a test machine is not theirs."""
    hosts = "".join(
        f"    n{at}: {{ansible_host: {sshd.address}, ansible_port: {sshd.port}, ansible_user: {sshd.user},"
        f" ansible_ssh_private_key_file: {sshd.identity},"
        f" ansible_ssh_common_args: -F none -o UserKnownHostsFile={sshd.known_hosts}}}\n"
        for at, sshd in enumerate(sshds, 1)
    )
    yield program.inventory(
        "all:\n  vars: {gridtui_slots: 4}\n  hosts:\n    here: {ansible_connection: local}\n"
        f"    dead: {{ansible_host: 127.0.0.1, ansible_port: 1}}\n{hosts}"
    )
    left = leftovers.end(program.folder / "state")
    assert not left, left


def run(program: Program, fleet: Path, *words: str | Path) -> Done:
    return program.run("-i", fleet, "job", *words, timeout=LONG)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def state(program: Program, number: str) -> str:
    found = program.run("job", "list", number, "--json").json["submissions"][0]["state"]
    return str(found)


def test_from_a_command_to_its_outputs(program: Program, fleet: Path) -> None:
    (program.folder / "words.txt").write_text("one two\n")
    (program.folder / "items").write_text("a b\nc;d\n$x\n")
    done = run(
        program,
        fleet,
        *("submit", "--wait", "--each", "items", "--input", "words.txt:in/w.txt", "--output", "*.out"),
        *("--into", "out/{index}", "--env", "GREETING=hello there", "--"),
        'printf "%s,%s,%s\\n" "$GRIDTUI_ITEM" "$GREETING" "$(cat in/w.txt)" > r.out; echo "log of $GRIDTUI_INDEX"',
    )
    assert (done.status, done.stdout) == (0, "1\n"), done
    assert done.stderr.splitlines()[-1].startswith("3 jobs in ") and done.stderr.endswith(": 3 succeeded\n")
    found = [(program.folder / "out" / str(index) / "r.out").read_text() for index in (1, 2, 3)]
    assert found == [f"{item},hello there,one two\n" for item in ("a b", "c;d", "$x")]
    assert run(program, fleet, "logs", "1").stdout == "--- 1.1\nlog of 1\n--- 1.2\nlog of 2\n--- 1.3\nlog of 3\n"
    jobs = program.run("job", "list", "--json").json["jobs"]
    assert {job["state"] for job in jobs} == {"succeeded"} and {job["node"] for job in jobs} <= {"here", "n1", "n2"}
    assert all(job["exit"] == 0 and job["attempt"] == 1 for job in jobs)
    shown = program.run("job", "show", "1.2", "--json").json
    assert shown["attempts"][0]["outputs"] == str(program.folder / "out" / "2")


def test_the_quick_start_of_the_readme(program: Program, fleet: Path) -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    block = readme.partition("## Jobs\n\n```sh\n")[2].partition("```")[0]
    said = {}
    for line in block.splitlines():
        gridtui, job, *words = shlex.split(line, comments=True)
        assert (gridtui, job) == ("gridtui", "job")
        done = run(program, fleet, *words)
        assert done.status == 0, done
        said[words[0]] = done.stdout
    assert said["submit"] == "2\n" and said["logs"] == "9\n"
    assert said["list"].count("succeeded") == 2 and "8/8" in said["list"]
    assert "chosen" in said["explain"]


def test_what_fails_is_told_tried_again_and_leaves_what_it_made(program: Program, fleet: Path) -> None:
    command = 'echo half > part.txt; printf "\\033[2Jno\\n" >&2; exit 3'
    done = run(program, fleet, "submit", "--wait", "--retries", "1", "--output", "part*", "--", command)
    assert (done.status, done.stdout) == (1, "1\n")
    failed, hint = done.stderr.splitlines()[-2:]
    assert failed.startswith("failed: 1 on ") and "3" in failed
    assert hint == "what it wrote: gridtui job logs 1"
    assert (program.folder / "job-1" / "part.txt").read_text() == "half\n"
    assert run(program, fleet, "logs", "1").stdout == "·[2Jno\n"
    assert run(program, fleet, "logs", "1", "--raw").out == b"\x1b[2Jno\n"
    attempts = program.run("job", "show", "1", "--json").json["attempts"]
    assert [(one["attempt"], one["exit"]) for one in attempts] == [(1, 3), (2, 3)]
    assert program.run("job", "show", "1").is_clean()
    assert run(program, fleet, "retry", "1").status == 0
    assert run(program, fleet, "wait").status == 1


YAML = """\
jobs:
  total:
    after: parts
    run: cat parts/*/n.txt | sort -n | tail -1 > total.txt
    inputs: [parts]
    outputs: [total.txt]
    into: total
  parts:
    run: echo $((GRIDTUI_INDEX * GRIDTUI_INDEX)) > n.txt
    array: 1-6
    outputs: [n.txt]
    into: parts/{index}
  never: {after: "parts:failed", run: "true"}
"""


def test_a_file_of_jobs_that_come_after_each_other(program: Program, fleet: Path) -> None:
    (program.folder / "jobs.yaml").write_text(YAML)
    done = run(program, fleet, "submit", "--wait", "--json", "-f", "jobs.yaml")
    assert done.status == 1, done  # `never` was cancelled
    ended = {one["id"]: one["state"] for one in done.json["jobs"]}
    assert ended == {**{f"1.{index}": "succeeded" for index in range(1, 7)}, "2": "succeeded", "3": "cancelled"}
    assert (program.folder / "total" / "total.txt").read_text() == "36\n"
    assert "7 succeeded" in done.stderr and "cancelled: 3: " in done.stderr


def test_an_interrupted_wait_ends_no_job(program: Program, fleet: Path) -> None:
    gate = program.folder / "gate"
    command = f"echo begun > {gate}.begun; while [ ! -e {gate} ]; do sleep 0.1; done; echo went on"
    waiting = program.start("-i", fleet, "job", "submit", "--wait", "--sandbox", "plain", "--", command)
    until(Path(f"{gate}.begun").exists, "the job does not begin")
    until(lambda: state(program, "1") == "running", "the job is not known to run")
    waiting.send(signal.SIGINT)
    done = waiting.wait(LONG)
    assert (done.status, done.stdout) == (130, "1\n")
    assert "the jobs go on" in done.stderr and "`gridtui job wait 1` comes back to them" in done.stderr
    assert state(program, "1") == "running"
    gate.touch()
    done = run(program, fleet, "wait", "1", "--json")
    assert done.status == 0 and done.json["jobs"][0]["state"] == "succeeded"
    assert run(program, fleet, "logs", "1").stdout == "went on\n"
    assert len(program.run("job", "show", "1", "--json").json["attempts"]) == 1


def test_a_dispatcher_and_those_who_look_on(program: Program, fleet: Path) -> None:
    """One process dispatches; others submit, follow, wait for and cancel."""
    gate = program.folder / "gate"
    dispatcher = program.start("-i", fleet, "job", "dispatch")
    until(lambda: bool(program.run("job", "nodes", "--json").json["dispatcher"]), "nobody dispatches")
    command = f"printf 'begun \\033[31m\\n'; while [ ! -e {gate} ]; do sleep 0.1; done; echo done"
    submitted = run(program, fleet, "submit", "--sandbox", "plain", "--", command)
    assert (submitted.stdout, submitted.stderr) == ("1\n", "")
    following = program.start("-i", fleet, "job", "logs", "-f", "1")
    until(lambda: "begun ·[31m\n".encode() in following.so_far(), "nothing is followed")
    waiting = program.start("-i", fleet, "job", "wait", "1")
    gate.touch()
    assert following.wait(LONG).stdout == "begun ·[31m\ndone\n"
    assert waiting.wait(LONG).status == 0
    assert run(program, fleet, "submit", "--sandbox", "plain", "--", "sleep 600").stdout == "2\n"
    until(lambda: state(program, "2") == "running", "the second one does not run")
    (row,) = program.run("job", "nodes", "--json").json["nodes"]
    assert row["jobs"] == 1 and row["cpus"] == 1
    assert program.run("job", "cancel", "2").stderr == "cancelled: 1 job (2)\n"
    until(lambda: state(program, "2") == "cancelled", "it is not cancelled")
    dispatcher.send(signal.SIGTERM)
    done = dispatcher.wait(LONG)
    assert (done.status, done.stdout) == (143, "")
    assert done.stderr.startswith("stopping: jobs on nodes go on") and len(done.stderr.splitlines()) == 1, done


def test_each_node_says_why(program: Program, fleet: Path) -> None:
    assert run(program, fleet, "drain", "n2", "--why", "new disk").status == 0
    assert run(program, fleet, "submit", "--array", "1-2", "--where", "!dead", "--", "true").status == 0
    done = run(program, fleet, "explain", "1", "--json")
    assert done.status == 0
    answers = {one["node"]: (one["answer"], one["why"]) for one in done.json["nodes"]}
    assert {answers["here"][0], answers["n1"][0]} == {"chosen", "could"}
    assert answers["n2"][0] == "no" and "drained" in answers["n2"][1]
    assert answers["dead"][0] == "no"
    assert run(program, fleet, "submit", "--memory", "900T", "--", "true").status == 0
    done = run(program, fleet, "explain", "2")
    assert done.status == 1
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["no"] * 4


def test_who_waits_is_told_why(program: Program, fleet: Path) -> None:
    """In the list, and once where there is no terminal."""
    why = "needs 64 cpus, has 4"
    waiting = program.start("-i", fleet, "job", "submit", "--wait", "--cpus", "64", "--where", "here", "--", "true")
    until(lambda: f"1 true waits: {why}\n".encode() in waiting.so_far(), "it is not told why")
    assert program.run("job", "list").stdout.splitlines()[1].split(None, 4)[4] == why
    assert program.run("job", "list", "--json").json["jobs"][0]["why"] == why
    assert f"why:        {why}\n" in program.run("job", "show", "1").stdout
    waiting.send(signal.SIGINT)
    done = waiting.wait(LONG)
    assert (done.status, done.stderr.count(why)) == (130, 1)


@needs_tmux
def test_on_a_terminal_the_reason_stands_beside_the_state(program: Program, fleet: Path, tmp_path: Path) -> None:
    with Terminal(tmp_path, env=program.env) as screen:
        words = ("job", "submit", "--wait", "--cpus", "64", "--where", "here", "--", "true")
        screen.run(["gridtui", "-i", fleet, *words])
        screen.until(lambda: "1 true  queued, needs 64 cpus, has 4" in screen.screen(), LONG)
        screen.press("C-c")
        screen.until(lambda: "exit=130" in screen.screen(), LONG)


@needs_tmux
def test_progress_is_for_terminals(program: Program, fleet: Path, tmp_path: Path) -> None:
    gate = program.folder / "gate"
    command = f"while [ ! -e {gate}.$GRIDTUI_INDEX ]; do sleep 0.1; done"
    with Terminal(tmp_path, env=program.env) as screen:
        words: list[str | Path] = [
            "gridtui",
            "-i",
            fleet,
            "job",
            "submit",
            "--wait",
            "--sandbox",
            "plain",
            "--array",
            "1-4",
            "--",
        ]
        screen.type(f"cd {program.folder}")
        screen.run([*words, command])
        screen.until(lambda: "━" not in screen.screen() and "0/4" in screen.screen(), LONG)
        for index in (1, 2):
            Path(f"{gate}.{index}").touch()
        screen.until(lambda: "━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌  2/4" in screen.screen(), LONG)
        screen.press("C-c")
        screen.until(lambda: "exit=130" in screen.screen(), LONG)
        shown = screen.screen()
        assert "2/4" not in shown and "comes back to them" in shown and "2 succeeded" in shown
        for index in (3, 4):
            Path(f"{gate}.{index}").touch()
        screen.run(["gridtui", "-i", fleet, "job", "wait"])
        screen.until(lambda: "exit=0" in screen.screen(), LONG)
