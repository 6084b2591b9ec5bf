"""Whatever an engine raises: nothing but EngineError and SshError comes through, and it is told once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gridtui.errors import ConnectError, EngineError, StateError
from gridtui.jobs.engines import guarded
from gridtui.jobs.engines.guarded import Guarded
from gridtui.jobs.model import JobId, Key, Order, Phase, Report, Spec

KEY = Key("c0ffee00", JobId(1), 1)
ORDER = Order(KEY, Spec("true"), node="n1")

CALLS: dict[str, Callable[[Guarded], Coroutine[Any, Any, object]]] = {
    "start": lambda engine: engine.start([ORDER]),
    "poll": lambda engine: engine.poll("n1", [KEY]),
    "end": lambda engine: engine.end("n1", [KEY], grace=1),
    "freeze": lambda engine: engine.freeze("n1", [KEY], True),
    "read": lambda engine: engine.read("n1", KEY, 0, 1),
    "fetch": lambda engine: engine.fetch("n1", KEY, (), Path("into"), Path("log"), 1),
    "forget": lambda engine: engine.forget("n1", [KEY]),
}


class Failing:
    """An engine that raises what it was given."""

    name = "failing"
    places = True

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        async def call(*args: object, **options: object) -> object:
            raise self.errors[0] if len(self.errors) == 1 else self.errors.pop(0)

        return call

    def ground(self, node: str) -> object:
        raise self.errors[0]

    async def changes(self) -> AsyncIterator[Report]:
        if self.errors:
            raise self.errors.pop(0)
        yield Report(KEY, Phase.RUNNING, "n1")


class Bench:
    def __init__(self, *errors: BaseException) -> None:
        self.told: list[tuple[str | None, str]] = []
        self.engine = Guarded(Failing(*errors), lambda node, text: self.told.append((node, text)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_foreign_is_told_once_for_each_node(name: str) -> None:
    bench = Bench(KeyError("a \033[2Jkey"))
    for _ in range(3):
        with pytest.raises(EngineError) as caught:
            await CALLS[name](bench.engine)
    [(node, text)] = bench.told
    assert node == "n1"
    assert text == str(caught.value)
    assert text.startswith(f"the engine failing failed: {name}: KeyError: ")
    assert "\033" not in text


@pytest.mark.parametrize("error", [ConnectError("n1: no answer"), EngineError("it cannot stop jobs")])
async def test_what_engines_may_raise_comes_through_untold(error: Exception) -> None:
    bench = Bench(error)
    for call in CALLS.values():
        with pytest.raises(type(error)) as caught:
            await call(bench.engine)
        assert caught.value is error
    assert not bench.told


async def test_other_errors_of_ours_keep_their_words() -> None:
    bench = Bench(StateError("the state folder is full", hint="free some space there"))
    with pytest.raises(EngineError, match="failed: the state folder is full; free some space there"):
        await bench.engine.poll("n1", [])


async def test_what_only_asks_gets_nothing() -> None:
    bench = Bench(RuntimeError("no"))
    assert bench.engine.ground("n1") is None
    assert await bench.engine.inputs(Spec("true")) == {}
    await bench.engine.close()
    assert [node for node, _ in bench.told] == ["n1", None, None]


async def test_news_are_listened_to_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "AGAIN", 0.0)
    bench = Bench(RuntimeError("one"), ConnectError("two"), RuntimeError("three"))
    assert [report.key async for report in bench.engine.changes()] == [KEY]
    assert len(bench.told) == 1


async def test_an_end_from_outside_is_no_failure() -> None:
    bench = Bench(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await bench.engine.poll("n1", [])
    assert not bench.told
