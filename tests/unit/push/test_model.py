from __future__ import annotations

import pytest

from gridtui.errors import UsageError
from gridtui.push import Direction, Options, Plan
from gridtui.push.model import Progress, Stage, place, remote


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/srv", "/srv"),
        ("srv/", "./srv/"),
        ("~", "./"),
        ("~/", "./"),
        ("~/a", "./a"),
        ("~//a", "./a"),
        ("./~", "./~"),
        ("-n", "./-n"),
        ("host:a", "./host:a"),
        ("../a", "../a"),
        (".", "."),
        (" a", "./ a"),
    ],
)
def test_a_path_on_a_node(path: str, there: str) -> None:
    assert remote(path) == there


@pytest.mark.parametrize(("one", "same"), [("/srv/a/", "/srv//a"), ("~/x", "x"), ("./x/.", "x"), ("~", ".")])
def test_one_place_has_one_name(one: str, same: str) -> None:
    assert place(one) == place(same)


@pytest.mark.parametrize(
    ("sources", "destination", "direction"),
    [
        ((), "/x", Direction.PUSH),
        (("",), "/x", Direction.PUSH),
        (("a",), "", Direction.PUSH),
        (("a\0b",), "/x", Direction.PUSH),
        (("a",), "~user/x", Direction.PUSH),
        (("~user/x",), "a", Direction.PULL),
    ],
)
def test_plans_that_could_never_run(sources: tuple[str, ...], destination: str, direction: Direction) -> None:
    with pytest.raises(UsageError):
        Plan(sources, destination, direction)


def test_a_name_with_a_tilde_here_is_no_home() -> None:
    assert Plan(("~user",), "/x").sources == ("~user",)


def test_options_hold_no_nul() -> None:
    with pytest.raises(UsageError):
        Options(filters=("--exclude=a\0b",))


@pytest.mark.parametrize(
    ("count", "total", "rate", "left"),
    [(50, 100, 10.0, 5.0), (50, None, 10.0, None), (5, 10, 0.0, None), (9, 5, 1.0, 0)],
)
def test_time_left(count: int, total: int | None, rate: float, left: float | None) -> None:
    assert Progress("n", Stage.SENDING, count, total, rate).remaining == left
