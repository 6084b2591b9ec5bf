"""What tests do to a queue again and again: start jobs, end them, look."""

from __future__ import annotations

from gridtui.jobs.model import (
    Cause,
    JobId,
    Level,
    Order,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue

NOW = 1_000_000.0
TRUE = Spec("true")


def start(queue: Queue, *ids: JobId, node: str = "n1", now: float = NOW) -> list[Order]:
    orders = queue.place([Placement(id, node, Level.BWRAP, (0, 2)) for id in ids], now)
    queue.take([Report(order.key, Phase.RUNNING, node, level=Level.PLAIN) for order in orders], now)
    return orders


def finish(queue: Queue, *orders: Order, exit: int = 0, cause: Cause = Cause.EXIT, now: float = NOW) -> None:
    taken = queue.take([Report(one.key, Phase.ENDED, one.node, exit=exit, cause=cause) for one in orders], now)
    queue.published([(key, "/out", True, "") for key in taken.fetch], now)


def run(queue: Queue, *ids: JobId, node: str = "n1", exit: int = 0, now: float = NOW) -> None:
    finish(queue, *start(queue, *ids, node=node, now=now), exit=exit, now=now)


def states(queue: Queue, number: int) -> list[str]:
    return [job.state.value for job in queue.jobs(numbers=[number])]


def ready(queue: Queue, now: float = NOW) -> dict[int, list[int | None]]:
    return {lot.number: list(lot.ready) for lot in queue.lots(now)}
