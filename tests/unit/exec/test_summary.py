"""What a run came to, in a few lines."""

from __future__ import annotations

from gridtui import inventory
from gridtui.exec import Ending, Outcome, summary


def test_the_headline() -> None:
    outcomes = [Outcome("a", Ending.OK, 0), Outcome("b", Ending.FAILED, 1), Outcome("c", Ending.OK, 0)]
    assert summary.headline(outcomes, 1.234) == "3 nodes in 1.2 s: 2 ok, 1 failed"
    assert summary.headline(outcomes[:1], 3700) == "1 node in 1 h 1 min: 1 ok"
    assert summary.headline([], 0) == "0 nodes in 0.0 s: nothing to do"


def test_reasons_fold_without_what_names_the_node() -> None:
    outcomes = [
        Outcome("web1", Ending.UNREACHABLE, layer="tcp", error="me@10.0.0.1:22: connection refused; is sshd running?"),
        Outcome("web2", Ending.UNREACHABLE, layer="tcp", error="me@10.0.0.2:22: connection refused; is sshd running?"),
        Outcome("web3", Ending.FAILED, 1),
        Outcome("web4", Ending.FAILED, 1),
        Outcome("web5", Ending.FAILED, 2),
        Outcome("web6", Ending.FAILED, 137, error="ended by SIGKILL"),
        Outcome("web7", Ending.SKIPPED, error="2 failed, more than the 1 that may"),
        Outcome("web8", Ending.FAILED, 1, error="sudo: the password was refused"),
        Outcome("web9", Ending.OK, 0),
    ]
    assert [text for _, text in summary.troubles(outcomes, inventory.fold)] == [
        "skipped: web7: 2 failed, more than the 1 that may",
        "unreachable: web[1-2]: connection refused; is sshd running?",
        "failed: web[3-4]: exit 1",
        "failed: web5: exit 2",
        "failed: web6: ended by SIGKILL",
        "failed: web8: sudo: the password was refused",
    ]


def test_who_was_left() -> None:
    outcomes = [Outcome("a", Ending.TIMEOUT, left=True), Outcome("b", Ending.TIMEOUT)]
    assert summary.left(outcomes) == ["a"]
