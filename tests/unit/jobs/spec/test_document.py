"""YAML: what it becomes, where each error is, and that what is written is read back."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import SpecError
from gridtui.jobs.model import After, End, Hours, Idle, Input, JobId, Level, Mount, Needs, Sandbox, Spec
from gridtui.jobs.spec import Submission, build, parse_yaml, spell_yaml

HERE = Path("/nowhere")


def only(text: str, folder: Path = HERE) -> Submission:
    (found,) = parse_yaml(text, "jobs.yaml", folder)
    return found


def wrong(text: str, folder: Path = HERE) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_yaml(text, "jobs.yaml", folder)
    return [str(caught.value), *map(str, caught.value.others)]


def test_one_job_with_everything(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "a.blend").touch()
    found = only(
        """
name: frames
run: |
  blender -b a.blend -f $GRIDTUI_INDEX
  echo done
array: 1-250:2
after: [12, "13.4:any"]
where: "@render & gpu.mem>=8G"
cpus: 2.5
memory: 8G
gpus: 1
gpu-memory: 6G
disk: 20G
wall: 1:30:00
retries: 2
priority: -5
labels: {project: film, build: 1.10}
env: {COUNTRY: NO, WHEN: 1:30:00, EMPTY: ""}
inputs: [a.blend, "data:assets"]
outputs: ["*.png"]
into: out/{index}
sandbox: bwrap+
network: yes
mounts: ["/textures", "/scratch:/tmp:rw"]
idle: {after: 30m, hours: 22:00-06:00, battery: true, evict: 5m}
pack: on
hold: true
output_limit: 1M
""",
        tmp_path,
    )
    assert found == Submission(
        Spec(
            "blender -b a.blend -f $GRIDTUI_INDEX\necho done\n",
            name="frames",
            labels={"project": "film", "build": "1.10"},
            where="@render & gpu.mem>=8G",
            needs=Needs(2.5, 8 << 30, 1, 6 << 30, 20 << 30, 5400.0),
            sandbox=Sandbox(
                Level.BWRAP, Level.CONTAINER, True, "", (Mount("/textures"), Mount("/scratch", "/tmp", True))
            ),
            env={"COUNTRY": "NO", "WHEN": "1:30:00", "EMPTY": ""},
            inputs=(Input(str(tmp_path / "a.blend"), "a.blend"), Input(str(tmp_path / "data"), "assets")),
            outputs=("*.png",),
            into=f"{tmp_path}/out/{{index}}",
            retries=2,
            priority=-5,
            idle=Idle(after=1800.0, hours=Hours(1320, 360), battery=True, evict=300.0),
            pack=True,
            output_limit=1 << 20,
        ),
        array=tuple(range(1, 251, 2)),
        after=(After(JobId(12)), After(JobId(13, 4), End.ANY)),
        held=True,
    )


def test_several_jobs_are_put_in_order() -> None:
    movie, frames, log = (
        'movie: {after: "frames,13", run: m, inputs: [frames]}',
        "frames: {run: f, array: 1-3, outputs: [x], into: frames}",
        "log: {after: [frames:any, movie:failed], run: l}",
    )
    found = parse_yaml(f"jobs:\n  {log}\n  {movie}\n  {frames}\n", "jobs.yaml", HERE)
    assert [one.key for one in found] == ["frames", "movie", "log"]
    assert [one.spec.name for one in found] == ["frames", "movie", "log"]
    assert found[2].follows == (("frames", End.ANY), ("movie", End.FAILED))
    assert found[1].waits_for({"frames": 7}) == (After(JobId(13)), After(JobId(7)))


def test_what_waits_for_nothing_stays_where_it_is_written() -> None:
    text = "jobs: {a: {run: x}, b: {run: x, after: a}, c: {run: x}, d: {run: x, after: e}, e: {run: x}, f: {run: x}}"
    assert [one.key for one in parse_yaml(text, "jobs.yaml", HERE)] == ["a", "b", "c", "e", "d", "f"]


def test_a_long_chain_is_no_trouble() -> None:
    jobs = "".join(f"  j{at}: {{run: x, after: j{at + 1}}}\n" for at in range(3000))
    found = parse_yaml(f"jobs:\n{jobs}  j3000: {{run: x}}\n", "jobs.yaml", HERE)
    assert [one.key for one in found] == [f"j{at}" for at in range(3000, -1, -1)]


def test_defaults_and_merged_keys() -> None:
    text = """
defaults: {retries: 2, env: {A: 1, B: 2}, array: 1-3, idle: true}
jobs:
  a: &a {run: a, env: {B: 3}}
  b: {<<: *a, run: b, retries: 0, each: [x, y], idle: false}
"""
    a, b = parse_yaml(text, "jobs.yaml", HERE)
    assert (a.spec.retries, a.spec.env, a.array, a.spec.idle) == (2, {"A": "1", "B": "3"}, (1, 2, 3), Idle())
    assert (b.spec.command, b.spec.retries, b.array, b.each, b.spec.idle) == ("b", 0, (), ("x", "y"), None)
    assert b.spec.env == {"A": "1", "B": "3"}


def test_words_of_a_command_stay_apart() -> None:
    assert only("run: [cp, a b, $HOME]").spec.command == "cp 'a b' '$HOME'"


def test_a_list_of_jobs_and_a_script(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "items").write_text("a\r\n\nb c\n")
    text = "jobs:\n- {name: one, script: train.sh}\n- {run: x, each: items}\n"
    one, two = parse_yaml(text, str(tmp_path / "jobs.yaml"))
    assert one.spec.command == "#!/bin/sh\necho hello\n"
    assert two.each == ("a", "b c") and two.spec.name == "job-2"


def test_a_variable_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "it")
    assert only("{run: x, env: {FROM_HERE: }}").spec.env == {"FROM_HERE": "it"}


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ["jobs.yaml: there is nothing in it; it holds `jobs:`, or one job with `run:`"]),
        ("jobs: {}\n", ["jobs.yaml:1:7: there are no jobs"]),
        ("- run: x\n", ["jobs.yaml:1:1: a description of jobs must be a mapping, not a list; write `key: value`"]),
        ("name: x\n", ["jobs.yaml:1:1: a job needs `run` or `script`"]),
        ("{run: x, script: y}\n", ["jobs.yaml:1:1: a job has either `run` or `script`"]),
        ("run: x\nmemery: 8G\n", ["jobs.yaml:2:1: `memery` is nothing that a job has; did you mean `memory`?"]),
        ("run: x\ninput: [a]\n", ["jobs.yaml:2:1: `input` is nothing that a job has; did you mean `inputs`?"]),
        (
            "run: x\nmemory: 8Q\nwall: 1:30\n",
            [
                "jobs.yaml:2:9: `8Q` is no size; write 8G, 1.5T, 500M or a number of bytes",
                "jobs.yaml:3:7: `1:30` is no span of time; hours and minutes or minutes and seconds? write 1h30m, 1m30s or 1:30:00",
            ],
        ),
        ("run: x\nwhere: 'a & & b'\n", ["jobs.yaml:2:13: a node set or a condition is missing here"]),
        ("run: x\nnetwork: maybe\n", ["jobs.yaml:2:10: `network` is `maybe`; it is true or false"]),
        ("run: x\nrun: y\n", ["jobs.yaml:2:1: `run` is given twice"]),
        ("run: x\nidle: {ours: 9-17}\n", ["jobs.yaml:2:8: `ours` is nothing that `idle` has; did you mean `hours`?"]),
        ("run: x\nenv: {GRIDTUI_X: 1}\n", ["jobs.yaml:2:7: GRIDTUI_X is not for you to set; names with GRIDTUI_ in front are told to a job by us"]),
        ("run: x\nenv: [A=1]\n", ["jobs.yaml:2:6: `env` must be a mapping, not a list; write `key: value`"]),
        ("run: x\nname: [a]\n", ["jobs.yaml:2:7: `name` must be text, not a list"]),
        ("run: x\nname:\n", ["jobs.yaml:2:6: `name` has no value"]),
        ("run: !vault x\n", ["jobs.yaml:1:6: `!vault` cannot be read here"]),
        ("run: x\ninputs: [nothing.txt]\n", ["jobs.yaml:1:1: the input /nowhere/nothing.txt is not there"]),
        ("run: x\ninto: out\n", ["jobs.yaml:1:1: there is a folder for outputs, and none are named; name them, `*.png` for instance"]),
        ("run: x\nimage: a\nsandbox: bwrap\n", ["jobs.yaml:1:1: an image is for a container, and the sandbox is to be another; leave out the image or the sandbox"]),
        ("run: x\nsandbox: container\n", ["jobs.yaml:1:1: a container needs an image; name one with `image`: docker.io/library/debian:12"]),
        ("run: x\ngpu-memory: 1G\n", ["jobs.yaml:1:1: memory of GPUs is asked for, and no GPU; say how many with `gpus`"]),
        ("run: x\narray: 1-3\neach: [a]\n", ["jobs.yaml:1:1: an array has indices or items, not both; leave out `array` or `each`"]),
        ("run: x\neach: []\n", ["jobs.yaml:2:7: there are no items: an array of nothing; an item is a line that is not empty"]),
        ("run: x\noutputs: ['../*']\n", ["jobs.yaml:2:11: `../*` cannot be an output; it is within the job's folder: relative, without `..`, and can be printed"]),
        ("jobs:\n  a: {run: x, after: c}\n  abc: {run: x}\n", ["jobs.yaml:2:22: there is no job `c` here; there are a, abc"]),
        ("jobs:\n  a: {run: x, after: b}\n  b: {run: x, after: a}\n", ["jobs.yaml:2:6: `a`, `b` wait for each other"]),
        ("jobs:\n  a: {run: x, after: a}\n", ["jobs.yaml:2:6: `a` wait for each other"]),
        ("jobs:\n  1x: {run: x}\n", ["jobs.yaml:2:3: `1x` cannot name a job here; letters, digits, `_`, `.` and `-`, a letter first"]),
        ("jobs: {a: {run: x}}\ndefault: {}\n", ["jobs.yaml:2:1: `default` is nothing that a description of jobs has; did you mean `defaults`?"]),
        ("jobs: {a: {run: x}}\ndefaults: {name: x}\n", ["jobs.yaml:2:12: `name` is for each job to say"]),
        ("run: x\n\tname: y\n", ["jobs.yaml:2:1: not valid YAML: while scanning a plain scalar, found a tab character that violates indentation; indent with blanks, not with tabs"]),
        ("run: x\n---\nrun: y\n", ["jobs.yaml:2:1: not valid YAML: expected a single document in the stream, but found another document"]),
        ("jobs:\n  a: &a\n    <<: *a\n", ["jobs.yaml:2:6: merged too often"]),
    ],
)  # fmt: skip
def test_errors_say_where(text: str, errors: list[str]) -> None:
    assert wrong(text) == errors


def test_what_is_hostile_is_told_in_one_harmless_line() -> None:
    for text in ('"\\e[2J": x\nrun: x\n', 'run: x\nname: "\\e]0;x\\a"\n', "run: x\nafter: \u202e\n", "[" * 3000):
        for error in wrong(text):
            assert error.isprintable()


@settings(deadline=None)
@given(st.text(alphabet="abr:un x-[]{}&*!|>'\"\n\t#<?,%@0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SpecError):
        assert parse_yaml(text, "jobs.yaml", HERE)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=40
)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
ROUND = st.decimals(1, 1000, places=2).map(float)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    level = draw(st.sampled_from([Level.PLAIN, Level.BWRAP, Level.SYSTEMD]))
    return Spec(
        draw(TEXT.filter(str.strip)),
        name=draw(NAME | st.just("")),
        labels=draw(st.dictionaries(NAME, NAME)),
        where=draw(st.sampled_from(["", "@*", "load<0.5 & cpus>=4"])),
        needs=Needs(
            draw(ROUND), draw(st.integers(0, 1 << 50)), 1, draw(st.integers(0, 1 << 40)), 0, draw(st.none() | ROUND)
        ),
        sandbox=Sandbox(level, draw(st.sampled_from([level, Level.CONTAINER])), draw(st.booleans())),
        env=draw(st.dictionaries(NAME, st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))))),
        outputs=(out := tuple(draw(st.lists(NAME, max_size=2)))),
        into="/out/{id}" if out else "",
        retries=draw(st.integers(0, 1000)),
        priority=draw(st.integers(-1000, 1000)),
        idle=draw(st.none() | st.builds(Idle, after=ROUND, load=ROUND, battery=st.booleans(), evict=ROUND)),
        pack=draw(st.booleans()),
    )


@settings(deadline=None)
@given(specs(), st.lists(st.integers(0, 99), unique=True, max_size=9))
def test_what_is_written_is_read_back(spec: Spec, array: list[int]) -> None:
    found = only(spell_yaml(spec, array=array))
    assert (found.spec, found.array) == (spec, tuple(array))


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip), min_size=1
    )
)
def test_items_are_read_back(each: list[str]) -> None:
    assert only(spell_yaml(Spec("x"), array=range(1, len(each) + 1), each=each)).each == tuple(each)


def test_inputs_may_not_stand_in_each_others_place(tmp_path: Path) -> None:
    for names in (("a", "a"), ("a", "a/b"), ("a/b", "a")):
        assert "input" in wrong(f"run: x\nafter: 1\ninputs: [x:{names[0]}, y:{names[1]}]\n", tmp_path)[0]


def test_what_is_not_said_takes_the_models_defaults() -> None:
    assert build("true", {}, HERE) == Submission(Spec("true"))
