"""`python -m gridtui.sim`: serve simulated nodes until the input ends or a signal comes. Owns the arguments and the life of the process.

Prints one line, `ready`, when all nodes listen. Exit status: 0, or 1 with one line on standard error, or 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .process import READY
from .server import CYCLE, serve


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot simulate {options.nodes} nodes: {error}\n")
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await _watch_input(task.cancel)
    # Whatever ends it is a cancellation, so that it ends as promptly while it still starts.
    with suppress(asyncio.CancelledError):
        async with serve(
            options.nodes,
            options.folder,
            seed=options.seed,
            calm=options.calm,
            with_local=options.with_local,
            cycle=options.cycle,
        ):
            sys.stdout.buffer.write(READY)
            sys.stdout.flush()
            await asyncio.Event().wait()


async def _watch_input(gone: Callable[[], object]) -> None:
    """Call `gone` when standard input ends: whoever holds the other end of the pipe is no more."""

    class Watch(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            gone()

    # A regular file, /dev/null or nothing at all cannot be watched: then only a signal ends it.
    with suppress(ValueError, OSError, TypeError):
        with select.epoll() as trial:
            trial.register(sys.stdin)
        await asyncio.get_running_loop().connect_read_pipe(Watch, sys.stdin)


def _cycle(text: str) -> tuple[float, float]:
    alive, _, dead = text.partition(":")
    times = float(alive), float(dead)
    if min(times) <= 0:
        raise ValueError(text)
    return times


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gridtui.sim",
        description="Simulated nodes that speak real SSH on loopback addresses. Serves until standard input ends.",
        allow_abbrev=False,
    )
    parser.add_argument("--nodes", type=int, required=True, metavar="N", help="how many")
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="where inventory and keys go (mode 0700)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed gives the same nodes (default 0)"
    )
    parser.add_argument("--calm", action="store_true", help="nobody is ill, dies or answers late")
    parser.add_argument(
        "--with-local", action="store_true", help="add this machine to the inventory, as `this-machine`"
    )
    parser.add_argument(
        "--cycle", type=_cycle, default=CYCLE, metavar="UP:DOWN", help="seconds the dying node lives, is dead (40:20)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
