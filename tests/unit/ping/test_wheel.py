from __future__ import annotations

import asyncio
import time

import pytest

from gridtui.ping.wheel import TICK, Wheel


def nothing() -> None:
    pass


async def test_entries_come_in_order_late_by_a_tick_at_most_and_never_early() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel(loop, nothing, lambda _: pytest.fail("nobody slept"))
    start = loop.time()
    calls: list[tuple[float, float]] = []
    done = asyncio.Event()
    for delay in (0.15, 0.05, 0.1, 0.05, 0.0, 0.2):
        wheel.add(start + delay, lambda want, _: calls.append((want, loop.time() - start)), delay, None)
    wheel.add(start + 0.2, lambda *_: done.set(), None, None)
    await done.wait()
    assert [want for want, _ in calls] == [0.0, 0.05, 0.05, 0.1, 0.15, 0.2]
    assert all(want <= got for want, got in calls)
    assert calls[0][1] < TICK + 0.5


async def test_an_entry_may_add_another_and_a_failure_harms_no_neighbour() -> None:
    loop = asyncio.get_running_loop()
    reported: list[object] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    wheel = Wheel(loop, nothing, nothing_slept)
    done = asyncio.Event()

    def fail(*_: None) -> None:
        raise ZeroDivisionError

    def again(left: int, _: None) -> None:
        if left:
            wheel.add(loop.time(), again, left - 1, None)
        else:
            done.set()

    now = loop.time()
    wheel.add(now, fail, None, None)
    wheel.add(now, again, 3, None)
    await done.wait()
    assert [type(error) for error in reported] == [ZeroDivisionError]


def nothing_slept(_: float) -> None:
    pass


async def test_a_suspended_machine_is_noticed_though_the_loops_clock_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    order: list[str | float] = []
    wheel = Wheel(loop, lambda: order.append("before"), order.append)
    done = asyncio.Event()
    wheel.add(loop.time() + 0.05, lambda *_: order.append("due"), None, None)
    wheel.add(loop.time() + 0.05, lambda *_: done.set(), None, None)
    real = time.clock_gettime
    # A suspend cannot be had in a test: CLOCK_BOOTTIME (clock_gettime(2)) is told to have run on for an hour.
    monkeypatch.setattr(
        time, "clock_gettime", lambda clock: real(clock) + (3600 if clock == time.CLOCK_BOOTTIME else 0)
    )
    await done.wait()
    assert order[0] == "before"
    assert order[1] == pytest.approx(3600, abs=2)
    assert order[2] == "due"
    # It is told once.
    order.clear()
    done.clear()
    wheel.add(loop.time(), lambda *_: done.set(), None, None)
    await done.wait()
    assert order == ["before"]


async def test_a_closed_wheel_stands_still() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel(loop, nothing, nothing_slept)
    wheel.add(loop.time(), lambda *_: pytest.fail("called"), None, None)
    wheel.close()
    await asyncio.sleep(3 * TICK)
