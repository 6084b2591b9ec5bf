"""What a reason stands on, over what the judging remembers."""

from __future__ import annotations

from gridtui.health import Ground, Memory, Observation, grounds, judge, rules_for
from gridtui.model import Layer, Node, Reach, State
from gridtui.settings import Settings

RULES = rules_for(Node("a", "198.18.0.1"), Settings(thresholds={"disk": "90/95"}), live=True)


def after(*values: float | None) -> tuple[Ground, ...]:
    """The grounds after samples with these fill levels, None where the node did not answer."""
    memory = Memory.blank("a", 0.0)
    for number, value in enumerate((50.0, *values), 1):
        if value is None:
            observation = Observation(Reach(float(number), Layer.TCP, "refused"), time=float(number))
        else:
            metrics = {"disk": value, "cpu": 1.0, "mem": 1.0, "load": 1.0}
            observation = Observation(Reach(float(number)), metrics, time=float(number))
        memory = judge(memory, observation, RULES)
    return tuple(grounds(memory.verdict, memory, RULES))


def test_a_node_that_is_well_has_none() -> None:
    assert after(60.0) == ()


def test_what_is_not_yet_counted_tells_how_many_samples_are_bad() -> None:
    (found,) = after(92.0, 93.0)
    assert found.reason.soft
    assert (found.count, found.needed) == (2, 5)
    assert str(found.range) == "90"


def test_what_holds_tells_how_many_samples_are_fine_again() -> None:
    (found,) = after(*[97.0] * 5)
    assert not found.reason.soft
    assert found.reason.state is State.CRITICAL
    assert (found.count, found.needed, found.clear) == (0, 5, 1.0)
    assert str(found.range) == "95"
    (found,) = after(*[92.0] * 5, 50.0, 50.0)
    assert (found.count, found.needed) == (2, 5)
    assert str(found.range) == "90"


def test_a_node_that_does_not_answer_has_no_range() -> None:
    (found,) = after(None, None)
    assert found.reason.rule == "reach"
    assert found.range is None
    assert found.needed == 1
