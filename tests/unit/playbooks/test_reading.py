"""Events of ansible-runner as progress: strictly read, harmless, and secrets left out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.playbooks import diffs
from gridtui.playbooks.model import Said, TaskResult, TaskStarted, TaskState
from gridtui.playbooks.reading import Reader, problem, told

CENSORED = {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result"}


def task(uuid: str = "t1", name: str = "Do it", **more: Any) -> dict[str, Any]:
    data = {"task": name, "task_uuid": uuid, "task_path": f"/x.yml:{uuid}", "play": "All", **more}
    return {"event": "playbook_on_task_start", "event_data": data}


def result(kind: str, answer: Mapping[str, Any], uuid: str = "t1", **more: Any) -> dict[str, Any]:
    data = {"host": "n1", "task": "Do it", "task_uuid": uuid, "res": dict(answer), "duration": 0.5, **more}
    return {"event": f"runner_on_{kind}", "event_data": data, "stdout": more.get("stdout", "")}


@pytest.mark.parametrize(
    ("kind", "answer", "more", "state", "text"),
    [
        ("ok", {"changed": False}, {}, TaskState.OK, ""),
        ("ok", {"changed": True}, {}, TaskState.CHANGED, ""),
        ("ok", {"changed": "yes"}, {}, TaskState.OK, ""),
        ("ok", {"msg": "hi", "_ansible_verbose_always": True}, {}, TaskState.OK, "hi"),
        ("ok", {"msg": "not asked for"}, {}, TaskState.OK, ""),
        ("ok", {"colour": "red", "_ansible_verbose_always": True}, {}, TaskState.OK, "colour: red"),
        ("ok", CENSORED, {}, TaskState.OK, ""),
        ("skipped", {}, {}, TaskState.SKIPPED, ""),
        ("failed", {"msg": "no", "stderr": "why\x1b[2J\n"}, {}, TaskState.FAILED, "no\nwhy·[2J"),
        ("failed", {"msg": "no"}, {"ignore_errors": True}, TaskState.IGNORED, "no"),
        ("failed", CENSORED, {}, TaskState.FAILED, ""),
        (
            "failed",
            {"results": [{"failed": True, "item": "a", "msg": "bad"}, {"item": "b", "msg": "fine"}]},
            {},
            TaskState.FAILED,
            "a: bad",
        ),
        ("unreachable", {"msg": "via ssh: gone"}, {}, TaskState.UNREACHABLE, "via ssh: gone"),
    ],
)
def test_a_result(kind: str, answer: Mapping[str, Any], more: dict[str, Any], state: TaskState, text: str) -> None:
    reader = Reader(["n1"])
    assert list(reader.feed(task())) == [TaskStarted(1, "Do it", "", "All")]
    (seen,) = reader.feed(result(kind, answer, **more))
    assert seen == TaskResult("n1", 1, "Do it", state, "", 0.5, text, "")


def test_counts_and_the_first_that_was_bad() -> None:
    reader = Reader(["n1"])
    origin = "[ERROR]: Task failed\nOrigin: /x.yml:3:7\r\n"
    for event in (
        task(),
        result("ok", {"changed": True}),
        result("skipped", {}),
        result("failed", {"msg": "one"}, stdout=origin),
        result("failed", {"msg": "two"}),
    ):
        list(reader.feed(event))
    count = reader.counts["n1"]
    assert (count.ok, count.changed, count.skipped, count.failed) == (1, 1, 1, 2)
    assert count.first and count.first.text == "one" and count.origin == "/x.yml:3:7"


def test_an_endless_place_costs_no_time() -> None:
    # What a node says of its error may hold such a line. Looking for its end once took time by the square: minutes for this one.
    text = "Origin: a" + " " * 400_000 + "b\n"
    began = time.process_time()
    reader = Reader(["n1"])
    list(reader.feed(result("failed", {"msg": "one"}, stdout=text)))
    assert time.process_time() - began < 2
    assert reader.counts["n1"].origin == "a"


def test_tasks_keep_their_number_over_batches() -> None:
    reader = Reader(["n1"])
    first = [next(iter(reader.feed(task(uuid)))) for uuid in ("a", "b", "b")]
    reader.begin(0)
    again = [next(iter(reader.feed(task(uuid)))) for uuid in ("a", "b", "b")]
    reader.begin(1)
    other = next(iter(reader.feed(task("a"))))
    assert first == again
    assert [one.number for one in first if isinstance(one, TaskStarted)] == [1, 2, 3]
    assert isinstance(other, TaskStarted) and other.number == 4


def test_hosts_that_are_not_ours_are_left_out() -> None:
    reader = Reader(["n1"])
    event = result("ok", {})
    for host in ("n2", "", None, ["n1"], {"n1": 1}):
        event["event_data"]["host"] = host
        assert list(reader.feed(event)) == []


def test_warnings_are_said() -> None:
    reader = Reader(["n1"])
    assert list(reader.feed({"event": "warning", "stdout": "\x1b[1;35m[WARNING]: Beware\x1b[0m"})) == [Said("Beware")]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
KEYS = ("msg", "stderr", "stdout", "results", "diff", "changed", "censored", "_ansible_verbose_always", "item")
DIFF_KEYS = ("before", "after", "prepared", "before_header", "after_header")
answers = st.dictionaries(
    st.sampled_from(KEYS),
    json_like | st.lists(st.dictionaries(st.sampled_from((*DIFF_KEYS, *KEYS)), json_like, max_size=4), max_size=3),
    max_size=6,
)


@given(st.sampled_from(["ok", "failed", "unreachable", "skipped"]), answers, json_like)
def test_whatever_comes_is_harmless(kind: str, answer: dict[str, Any], junk: Any) -> None:
    reader = Reader(["n1"])
    list(reader.feed({"event": "playbook_on_task_start", "event_data": junk}))
    event = result(kind, answer)
    event["event_data"]["duration"] = junk
    for seen in reader.feed(event):
        assert isinstance(seen, TaskResult)
        for line in (seen.text + "\n" + seen.diff).split("\n"):
            assert line.isprintable() or not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"diff": {"before": "a\n", "after": "b\n", "after_header": "/f"}}, "--- before\n+++ /f\n@@ -1 +1 @@\n-a\n+b"),
        ({"diff": [{"before": "", "after": "a\nb\n"}]}, "--- before\n+++ after\n@@ -0,0 +1,2 @@\n+a\n+b"),
        (  # a template: named for where it goes, not for its temporary copy, which is another one for each node
            {"dest": "/etc/f", "diff": {"before": "", "after": "x\n", "after_header": "/s/ansible-local-1a/tmp2/f.j2"}},
            "--- before\n+++ /etc/f\n@@ -0,0 +1 @@\n+x",
        ),
        (
            {"diff": {"before": "", "after": "x\n", "after_header": "/s/ansible-local-1a/tmp2/f.j2"}},
            "--- before\n+++ f.j2\n@@ -0,0 +1 @@\n+x",
        ),
        ({"diff": [{"prepared": "-x\n+y\n"}]}, "-x\n+y"),
        (
            {"diff": {"before": {"mode": "0600"}, "after": {"mode": "0644"}}},
            '--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    "mode": "0600"\n+    "mode": "0644"\n }',
        ),
        ({"diff": {"before": "a", "after": "a"}}, ""),
        ({"diff": {"before": "a\x1b]0;x\x07", "after": ""}}, "--- before\n+++ after\n@@ -1 +0,0 @@\n-a·]0;x·"),
        (
            {
                "results": [
                    {"diff": {"before": "", "after": "x"}},
                    {"_ansible_no_log": True, "diff": {"before": "", "after": "secret"}},
                ]
            },
            "--- before\n+++ after\n@@ -0,0 +1 @@\n+x",
        ),
        ({**CENSORED, "diff": {"before": "", "after": "secret"}}, ""),
        ({}, ""),
    ],
)
def test_diffs(answer: dict[str, Any], expected: str) -> None:
    assert diffs.unified(answer) == expected


def test_long_ones_are_bounded() -> None:
    long = "".join(f"{number}\n" for number in range(5000))
    assert len(diffs.unified({"diff": {"before": "", "after": long}}).split("\n")) == diffs.MOST + 1
    assert len(told({"msg": long}, TaskState.FAILED).split("\n")) == 40


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            [
                "[ERROR]: YAML parsing failed: Mapping values are not allowed in this context.",
                "Origin: /x.yml:6:12",
                "",
                "4 a",
            ],
            "/x.yml:6:12: YAML parsing failed: Mapping values are not allowed in this context.",
        ),
        (["[WARNING]: x", "[ERROR]: The playbook could not be found"], "The playbook could not be found"),
        (["something else"], "something else"),
        ([], ""),
    ],
)
def test_why_nothing_ran(said: list[str], expected: str) -> None:
    assert problem(said) == expected
