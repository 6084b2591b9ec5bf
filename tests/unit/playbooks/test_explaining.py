"""Why a node is not well, in one line; and what a run came to."""

from __future__ import annotations

import pytest

from gridtui.inventory import fold
from gridtui.model import Node
from gridtui.playbooks import explaining, summary
from gridtui.playbooks.model import Ending, Outcome, TaskResult, TaskState
from gridtui.playbooks.reading import Count

NODE = Node("n1", "192.0.2.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Task failed: Module failed: non-zero return code", "web: Do it: non-zero return code"),
        ("'x' is undefined", "web: Do it: 'x' is undefined; set the variable in the inventory, or with -e"),
        ("Missing sudo password", "web: Do it: Missing sudo password; --ask-become-pass asks for sudo's password"),
        (
            "The module interpreter '/usr/bin/python3' was not found.",
            "web: Do it: The module interpreter '/usr/bin/python3' was not found.; there is no Python on the node: `gridtui provision` installs it",
        ),
        ("", "web: Do it: failed, and says no more (no_log)"),
    ],
)
def test_failed(text: str, expected: str) -> None:
    bad = TaskResult("n1", 1, "Do it", TaskState.FAILED, "web", text=text)
    found = explaining.outcome(NODE, Count(failed=1, ok=3, first=bad, origin="/x.yml:1:2"), Ending.FAILED)
    assert found.error == expected
    assert found.ok == 3 and found.evidence.startswith("/x.yml:1:2")


@pytest.mark.parametrize(
    ("text", "layer", "error"),
    [
        (
            "Task failed: Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: Connection refused",
            "tcp",
            "connection refused",
        ),
        (
            "Failed to connect to the host via ssh: No ED25519 host key is known for 192.0.2.1\nHost key verification failed.",
            "login",
            "its host key is not known",
        ),
        (
            "Failed to connect to the host via ssh: grid@192.0.2.1: Permission denied (publickey).",
            "login",
            "permission denied (publickey)",
        ),
        (
            "Failed to connect to the host via ssh: ssh: Could not resolve hostname nix: Name or service not known",
            "icmp",
            "the name has no address",
        ),
        ("Timeout (12s) waiting for privilege escalation prompt", None, "Timeout (12s)"),
    ],
)
def test_unreachable(text: str, layer: str | None, error: str) -> None:
    bad = TaskResult("n1", 1, "Do it", TaskState.UNREACHABLE, text=text)
    found = explaining.outcome(NODE, Count(unreachable=True, first=bad), Ending.UNREACHABLE)
    assert found.layer == layer
    assert error in found.error and not found.error.startswith("n1")


def test_summary() -> None:
    outcomes = [
        Outcome("n1", Ending.OK),
        Outcome("n2", Ending.FAILED, error="x"),
        Outcome("n3", Ending.FAILED, error="x"),
        Outcome("n4", Ending.LOCKED_OUT),
        Outcome("n5", Ending.SKIPPED, error="later"),
    ]
    assert summary.headline(outcomes, 1.25) == "5 nodes in 1.2 s: 1 ok, 2 failed, 1 locked-out, 1 skipped"
    texts = [text for _, text in summary.troubles(outcomes, fold)]
    assert texts == ["skipped: n5: later", "failed: n[2-3]: x", "locked-out: n4"]


def test_alike_results_stand_together() -> None:
    def made(node: str, number: int, diff: str) -> TaskResult:
        return TaskResult(node, number, f"t{number}", TaskState.CHANGED, "r", diff=diff)

    results = [made("n2", 2, "a"), made("n1", 1, "a"), made("n2", 1, "a"), made("n3", 1, "b"), made("n4", 1, "")]
    found = summary.alike(results, lambda one: one.diff)
    assert [(one.title, one.nodes, one.text) for one in found] == [
        ("r: t1", ("n1", "n2"), "a"),
        ("r: t1", ("n3",), "b"),
        ("r: t2", ("n2",), "a"),
    ]
