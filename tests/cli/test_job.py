"""`gridtui job`, run as a user runs it: what needs no node. What runs on nodes is in test_job_runs.py."""

from __future__ import annotations

import getpass
import io
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.cli.main import main
from gridtui.jobs.queue import Queue

from ..e2e.program import Done, Program


class Inside:
    """Runs the program within this process, as `Program` does in one of its own: many short runs would take a second each."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.state = folder / "state"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        for name, path in (("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config"), ("HOME", "home")):
            monkeypatch.setenv(name, str(folder / path))
        for name in ("GRIDTUI_INVENTORY", "GRIDTUI_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(folder)

    def run(self, *words: str | Path, text: str = "") -> Done:
        """A whole run, with `text` as its standard input."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status = main([*map(str, words)])
        seen = self._capsys.readouterr()
        return Done(tuple(map(str, words)), status, seen.out.encode(), seen.err.encode(), 0.0, 0)

    def inventory(self, text: str) -> Path:
        """Write an inventory."""
        path = self.folder / "inventory.yaml"
        path.write_text(text)
        return path


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Inside]:
    before = signal.getsignal(signal.SIGTERM)
    yield Inside(tmp_path, monkeypatch, capsys)
    signal.signal(signal.SIGTERM, before)


def submitted(program: Inside, *words: str | Path, text: str = "") -> str:
    """A submission's number, which is all of standard output."""
    done = program.run("job", "submit", *words, text=text)
    assert done.status == 0, done
    return done.stdout.strip()


def states(program: Inside, *words: str) -> dict[str, str]:
    """State by id."""
    done = program.run("job", "list", "--all", "--json", *words)
    assert done.status == 0, done
    return {one["id"]: one["state"] for one in done.json["jobs"]}


def test_a_number_is_all_that_a_script_reads(inside: Inside) -> None:
    done = inside.run("job", "submit", "--", "echo", "hello")
    assert (done.status, done.stdout) == (0, "1\n")
    assert done.stderr == "nobody dispatches now: gridtui job dispatch, gridtui job wait or the dashboard does\n"
    assert submitted(inside, "--array", "1-3", "--name", "frames", "--", "true") == "2"
    assert inside.run("job", "submit", "--json", "--each", "-", "--", "true", text="a\n\nb\n").json == {
        "schema": 1,
        "submissions": [{"number": 3, "name": "true", "jobs": 2}],
    }


def test_the_list_folds_arrays(inside: Inside) -> None:
    submitted(inside, "--", "echo", "hello")
    submitted(inside, "--array", "1-1000", "--after", "1", "--name", "frames", "--", "true")
    me = getpass.getuser()
    done = inside.run("job", "list")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["JOB", "NAME", "USER", "STATE", "DONE", "NODE", "TIME", "WHY"],
        ["1", "echo", me, "queued", "nobody", "dispatches"],
        ["2", "frames", me, "queued", "0/1000", "comes", "after", "others"],
    ]
    lines = inside.run("job", "list", "--elements", "2").stdout.splitlines()
    assert len(lines) == 1001 and lines[-1].split() == ["2.1000", "frames", me, "queued", "comes", "after", "1"]
    assert [line.split()[0] for line in inside.run("job", "list", "2.7", "2.9").stdout.splitlines()] == [
        "JOB",
        "2.7",
        "2.9",
    ]


def test_json_has_the_shape_that_others_rely_on(inside: Inside) -> None:
    submitted(inside, "--label", "team=film", "--priority", "-5", "--cpus", "0.5", "--", "true")
    document = inside.run("job", "list", "--json").json
    assert document["schema"] == 1
    (found,) = document["jobs"]
    assert {
        "id": "1",
        "name": "true",
        "state": "queued",
        "node": None,
        "attempt": 0,
        "exit": None,
    }.items() <= found.items()
    assert (found["labels"], found["priority"], found["cpus"]) == ({"team": "film"}, -5, 0.5)
    (one,) = document["submissions"]
    assert (one["number"], one["jobs"], one["counts"]) == (1, 1, {"queued": 1})


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "a job needs a command, a script or a file; gridtui job submit -- COMMAND, or SCRIPT, or -f FILE"),
        (["--"], "a job needs a command, a script or a file; gridtui job submit -- COMMAND, or SCRIPT, or -f FILE"),
        (["--", " "], "a job needs a command"),
        (["uname"], "there is no script `uname`; for a command, put `--` before it"),
        (["uname", "-a"], "a script takes no arguments here; if `uname` is a command, put `--` before it"),
        (["--cpsu", "3", "--", "x"], "no such option '--cpsu'"),
        (["--memory", "8Q", "--", "x"], "invalid value for '--memory': `8Q` is no size; write 8G, 1.5T, 500M or a number of bytes"),
        (["--wall", "1:30", "--", "x"], "invalid value for '--wall': `1:30` is no span of time; hours and minutes or"),
        (["--array", "5-1", "--", "x"], "invalid value for '--array': `5-1` ends before it begins"),
        (["--where", "foo ~ &", "--", "x"], "`foo ~ &`, character 7: a value is missing here"),
        (["--where", "nowhere", "--", "x"], "`nowhere`, character 1: `nowhere` is no node of the inventory"),
        (["--sandbox", "bwarp", "--", "x"], "invalid value for '--sandbox': `bwarp` is no level of a sandbox; did you mean bwrap?"),
        (["--env", "NOT_SET_HERE", "--", "x"], "invalid value for '--env': the variable NOT_SET_HERE is not set here; write NOT_SET_HERE=VALUE"),
        (["--input", "nothing", "--", "x"], "the input "),
        (["--after", "99", "--", "x"], "there is no job 99 to come after"),
        (["--after", "1:fial", "--", "x"], "invalid value for '--after': `fial` is no way for a job to end; did you mean failed?"),
        (["--name", "../x", "--", "x"], "invalid value for '--name': `../x` is no name for a job"),
        (["--output", "/etc/*", "--", "x"], "invalid value for '--output': `/etc/*` cannot be an output"),
        (["--idle-hours", "25-3", "--", "x"], "invalid value for '--idle-hours': `25-3` are no hours of the day"),
        (["--each", "nothing", "--", "x"], "the items in nothing cannot be read: no such file or directory"),
        (["--image", "debian", "--sandbox", "plain", "--", "x"], "an image is for a container"),
        (["-f", "jobs.yaml", "--cpus", "3"], "--cpus is for a single job, and -f describes jobs; say it in the file, under `defaults:`"),
        (["-f", "gone.yaml"], "gone.yaml cannot be read: no such file or directory"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told_in_one_line(inside: Inside, words: list[str], error: str) -> None:
    done = inside.run("job", "submit", *words)
    assert done.status == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {error}")
    assert states(inside) == {}


def test_a_script_says_options_of_its_own(inside: Inside) -> None:
    path = inside.folder / "render.sh"
    path.write_text("#!/bin/sh\n#GRIDTUI --cpus 4 --label a=b\n#GRIDTUI --memory 8G\necho\n")
    number = submitted(inside, "--memory", "2G", "--label", "c=d", path)
    spec = inside.run("job", "show", number, "--json").json["spec"]
    assert spec["command"] == path.read_text() and spec["name"] == "render.sh"
    assert (spec["needs"]["cpus"], spec["needs"]["memory"]) == (4, 2 << 30)
    assert spec["labels"] == {"a": "b", "c": "d"}
    path.write_text("#!/bin/sh\n#GRIDTUI --cpus 4\n\n#GRIDTUI --memory 8Q\n")
    done = inside.run("job", "submit", path)
    assert done.status == 2
    assert done.stderr.startswith(f"error: {path}:4: invalid value for '--memory': `8Q` is no size")
    for line in ("-- true", "other.sh", "--help", "-f x.yaml"):
        path.write_text(f"#!/bin/sh\n#GRIDTUI {line}\n")
        assert f"{path}:2: " in inside.run("job", "submit", path).stderr


def test_words_after_the_dashes_are_a_command_even_where_a_script_has_that_name(inside: Inside) -> None:
    (inside.folder / "run").write_text("#!/bin/sh\necho script\n")
    number = submitted(inside, "--", "run", "--cpus", "3", "--", "x")
    assert inside.run("job", "show", number, "--json").json["spec"]["command"] == "run --cpus 3 -- x"


def test_a_file_that_is_forgotten_is_asked_about(inside: Inside) -> None:
    (inside.folder / "run.sh").write_text("#!/bin/sh\n")
    assert "--input run.sh sends it" in inside.run("job", "submit", "--", "./run.sh 1").stderr
    for words in (["--input", "run.sh", "--", "./run.sh"], ["--", "./other.sh"], ["--", "run.sh"], ["run.sh"]):
        assert "sends it" not in inside.run("job", "submit", *words).stderr


def test_a_log_of_what_has_not_begun(inside: Inside) -> None:
    submitted(inside, "--array", "1-2", "--", "true")
    done = inside.run("job", "logs", "1")
    assert (done.status, done.stdout, done.stderr) == (0, "", "nothing of it has begun\n")


YAML = """\
defaults: {retries: 2, env: {KIND: film}}
jobs:
  movie: {after: frames, run: ffmpeg, memory: 2G}
  frames: {run: "echo $GRIDTUI_INDEX", array: 1-4}
"""


def test_a_file_describes_jobs(inside: Inside) -> None:
    (inside.folder / "jobs.yaml").write_text(YAML)
    assert submitted(inside, "-f", "jobs.yaml") == "1\n2"
    document = inside.run("job", "show", "2", "--json").json
    assert document["spec"]["name"] == "movie" and document["spec"]["retries"] == 2
    assert document["after"] == [{"id": "1", "how": "ok", "met": None}]
    assert submitted(inside, "-f", "-", text=YAML) == "3\n4"


def test_all_that_is_wrong_in_a_file_is_told_and_nothing_submitted(inside: Inside) -> None:
    (inside.folder / "jobs.yaml").write_text("jobs:\n  a: {run: x, memery: 8G}\n  b: {run: x, wall: soon}\n")
    done = inside.run("job", "submit", "-f", "jobs.yaml")
    assert done.status == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["jobs.yaml:3:21", "jobs.yaml:2:15"]
    assert states(inside) == {}


def test_what_is_described_is_submitted_whole_or_not_at_all(inside: Inside) -> None:
    (inside.folder / "jobs.yaml").write_text("jobs:\n  a: {run: x}\n  b: {run: x, after: [a, 99]}\n")
    done = inside.run("job", "submit", "-f", "jobs.yaml")
    assert done.status == 2 and "there is no job 99 to come after" in done.stderr
    assert states(inside) == {"1": "cancelled"}


def test_what_was_submitted_can_be_described_again(inside: Inside) -> None:
    number = submitted(
        inside, "--array", "1-9:2", "--env", "A=NO", "--wall", "90m", "--idle-hours", "22-6", "--", "echo a: b"
    )
    text = inside.run("job", "show", number, "--yaml").stdout
    again = submitted(inside, "-f", "-", text=text)
    first, second = (inside.run("job", "show", one, "--json").json for one in (number, again))
    assert first["spec"] == second["spec"]
    assert list(states(inside, again)) == [f"{again}.{index}" for index in (1, 3, 5, 7, 9)]


def test_jobs_are_held_released_put_first_cancelled_and_tried_again(inside: Inside) -> None:
    submitted(inside, "--array", "1-3", "--hold", "--", "true")
    assert set(states(inside).values()) == {"held"}
    done = inside.run("job", "release", "1.2-3")
    assert (done.status, done.stderr) == (0, "released: 2 jobs (1.2-3)\n")
    assert states(inside) == {"1.1": "held", "1.2": "queued", "1.3": "queued"}
    assert inside.run("job", "hold", "1.3").status == 0
    assert inside.run("job", "priority", "1", "--to", "-7").status == 0
    assert inside.run("job", "list", "--json").json["submissions"][0]["priority"] == -7
    assert inside.run("job", "cancel", "1", "--json").json == {"schema": 1, "changed": ["1.1", "1.2", "1.3"]}
    assert inside.run("job", "cancel", "1").stderr == "nothing had to be changed\n"
    assert inside.run("job", "retry", "1.1").status == 0
    assert states(inside) == {"1.1": "queued", "1.2": "cancelled", "1.3": "cancelled"}
    assert inside.run("job", "cancel", "--all").stderr == "cancelled: 1 job (1.1)\n"


@pytest.mark.parametrize(
    "words",
    [
        ["cancel"],
        ["cancel", "1", "--all"],
        ["cancel", "7"],
        ["cancel", "1.9"],
        ["retry", "x"],
        ["priority", "1"],
        ["priority", "1", "--to", "2000"],
        ["show", "7"],
        ["show", "1-2"],
        ["logs", "7"],
        ["logs", "1.9"],
        ["explain", "7"],
        ["wait", "7"],
        ["list", "7"],
        ["list", "--state", "runing"],
        ["usage", "--since", "soon"],
        ["drain", "nowhere"],
        ["drain"],
        ["dispatch", "--install-unit", "--remove-unit"],
        ["submitt"],
    ],
)
def test_what_is_not_there_is_wrong_usage(inside: Inside, words: list[str]) -> None:
    submitted(inside, "--array", "1-2", "--", "true")
    done = inside.run("job", *words)
    assert done.status == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert set(states(inside).values()) == {"queued"}


def test_nothing_changes_where_it_is_read_only(inside: Inside) -> None:
    submitted(inside, "--", "true")
    for words in (["submit", "--", "x"], ["cancel", "1"], ["drain", "localhost"], ["dispatch"], ["hold", "1"]):
        done = inside.run("--read-only", "job", *words)
        assert done.status == 2 and "read-only" in done.stderr
    assert states(inside) == {"1": "queued"}
    assert inside.run("--read-only", "job", "show", "1").status == 0


def test_what_is_hostile_commands_no_terminal(inside: Inside) -> None:
    text = "\x1b[2Jone\n\x9b31mtwo\u202e\n"
    submitted(inside, "--each", "-", "--", "echo '\x1b]0;x\x07' \u202e", text=text)
    for words in (
        ["list"],
        ["list", "--elements"],
        ["show", "1"],
        ["show", "1.1"],
        ["show", "1.2", "--json"],
        ["list", "--json"],
        ["show", "1", "--yaml"],
    ):
        done = inside.run("job", *words)
        assert done.status == 0 and done.is_clean(), done
        assert "\u202e" not in done.stdout
    items = [one["item"] for one in inside.run("job", "list", "--json").json["jobs"]]
    assert items == ["\x1b[2Jone", "\x9b31mtwo\u202e"]


def test_only_some_are_listed(inside: Inside) -> None:
    submitted(inside, "--name", "frames-a", "--label", "x=1", "--", "true")
    submitted(inside, "--name", "frames-b", "--label", "x=2", "--hold", "--", "true")
    submitted(inside, "--name", "other", "--", "true")

    def listed(*words: str) -> list[str]:
        return [line.split()[0] for line in inside.run("job", "list", *words).stdout.splitlines()[1:]]

    assert listed("--name", "frames-*") == ["1", "2"]
    assert listed("--label", "x") == ["1", "2"]
    assert listed("--label", "x=2") == ["2"]
    assert listed("--state", "held") == ["2"]
    assert listed("2-3") == ["2", "3"]
    assert listed("--node", "nowhere") == []


def test_nodes_are_drained_and_filled_again(inside: Inside) -> None:
    inventory = inside.inventory("all: {hosts: {n1: , n2: , n3: }}\n")
    assert inside.run("-i", inventory, "job", "drain", "n[1-2]", "--why", "new disk").status == 0
    rows = inside.run("job", "nodes", "--json").json["nodes"]
    assert [(row["node"], row["drained"]) for row in rows] == [("n1", True), ("n2", True)]
    assert "new disk" in inside.run("job", "nodes").stdout
    assert inside.run("-i", inventory, "job", "undrain", "n2").status == 0
    assert [row["node"] for row in inside.run("job", "nodes", "--json").json["nodes"] if row["drained"]] == ["n1"]


def test_where_jobs_end_with_the_connection(inside: Inside) -> None:
    with Queue.open() as queue, queue.lease():
        queue.warn({"n1": "logind ends \x1b[31mit", "n2": "logind ends \x1b[31mit", "n3": "another reason"})
        done = inside.run("job", "nodes")
        rows = inside.run("job", "nodes", "--json").json["nodes"]
    assert done.is_clean() and done.stderr.splitlines()[:2] == [
        "warning: jobs on n[1-2] end when the dispatcher's connection does: logind ends ·[31mit",
        "warning: jobs on n3 end when the dispatcher's connection does: another reason",
    ]
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        [f"n{n}", "0", "0", "fleeting"] for n in (1, 2, 3)
    ]
    assert [(row["node"], row["fleeting"]) for row in rows][2] == ("n3", "another reason")


def test_use_over_time(inside: Inside) -> None:
    document = inside.run("job", "usage", "--since", "1h", "--step", "10m", "--json").json
    assert document["cpus"] == [0.0] * 6 and document["step"] == 600
    assert len(inside.run("job", "usage").stdout.splitlines()) == 25


def test_a_unit_for_systemd(inside: Inside) -> None:
    folder = inside.folder / 'odd "%h" $x'
    folder.mkdir()
    inventory = folder / "inventory.yaml"
    inventory.write_text("all: {hosts: {n1: }}\n")
    done = inside.run("-i", inventory, "job", "dispatch", "--print-unit")
    assert done.status == 0
    (command,) = [line for line in done.stdout.splitlines() if line.startswith("ExecStart=")]
    assert f'"-i" "{inside.folder}/odd \\"%%h\\" $$x/inventory.yaml" "job" "dispatch" "--standby"' in command
    assert f'Environment="XDG_STATE_HOME={inside.state}"' in done.stdout
    assert "@COMMAND@" not in done.stdout and "@ENVIRONMENT@" not in done.stdout


def test_a_unit_is_put_in_place_and_removed(program: Program, tmp_path: Path) -> None:
    """Where there is no systemd, the file is there and it is said what is left to do."""
    path = program.folder / "config" / "systemd" / "user" / "gridtui-jobs.service"
    env = {"PATH": str(tmp_path / "nothing")}
    done = program.run("job", "dispatch", "--install-unit", env=env)
    assert done.status == 1
    assert (
        "there is no systemctl here" in done.stderr
        and "systemctl --user enable --now gridtui-jobs.service" in done.stderr
    )
    assert "ExecStart=" in path.read_text() and path.stat().st_mode & 0o777 == 0o644
    assert program.run("job", "dispatch", "--remove-unit", env=env).status == 1
    assert not path.exists()
    assert program.run("job", "dispatch", "--remove-unit", env=env).status == 0


def test_one_dispatches_at_a_time(program: Program) -> None:
    inventory = program.inventory("all: {hosts: {here: {ansible_connection: local}}}\n")
    first = program.start("-i", inventory, "job", "dispatch")
    _until_held(program)
    done = program.run("-i", inventory, "job", "dispatch")
    assert done.status == 1
    assert f"process {first.pid} on" in done.stderr and "--standby waits until it ends" in done.stderr
    first.send(signal.SIGTERM)
    assert first.wait().status == 143


def _until_held(program: Program) -> None:
    deadline = time.monotonic() + 20
    while not program.run("job", "nodes", "--json").json["dispatcher"]:
        assert time.monotonic() < deadline, "nobody dispatches"
