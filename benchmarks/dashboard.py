"""What the dashboard costs, in a real terminal: CPU, first paint and memory at 1,000 and 5,000 rows.

    python -m benchmarks.dashboard [--rows 1000 5000] [--seconds 12]

Each child runs in a
pseudo-terminal of 160x50 whose output is read as fast as it comes, over a fleet of made-up nodes that each give one sample every
2 s. The CPU of the same feed with no screen is measured too and taken off, so that what is left is the interface. The peer, in
the same run, is Textual's stock `DataTable` fed with the same data by `update_cell`, once for visible rows only and once for all.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

WIDTH, HEIGHT = 160, 50
WARM = 6.0
"""Seconds before the measurement: imports, first paint, all rows filled in."""


@dataclass(frozen=True)
class Cost:
    """What one child took."""

    cpu: float
    """Per cent of a core while running."""
    paint: float
    """Seconds from start of the process to the first row on the screen; NaN without a screen."""
    memory: int
    """Resident bytes."""
    key: list[float]
    """Seconds from a key press to the cursor's new row in the output, sorted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the dashboard costs in a real terminal.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        _CHILDREN[options.child](options.rows[0])
        return 0
    print(f"{'':22} {'CPU':>7} {'first paint':>12} {'memory':>9} {'key, median / worst':>20}")
    for rows in options.rows:
        feed = measure("feed", rows, options.seconds)
        ours = measure("dashboard", rows, options.seconds)
        _show(f"feed alone, {rows}", feed, 0.0)
        _show(f"gridtui, {rows}", ours, feed.cpu)
        for peer in ("visible", "all"):
            stock = measure(peer, rows, options.seconds)
            _show(f"DataTable {peer}, {rows}", stock, feed.cpu)
            print(f"{'':22} {(stock.cpu - feed.cpu) / max(0.1, ours.cpu - feed.cpu):6.1f} times gridtui's CPU")
    return 0


def _show(name: str, cost: Cost, feed: float) -> None:
    keys = f"{cost.key[len(cost.key) // 2] * 1000:.0f} / {cost.key[-1] * 1000:.0f} ms" if cost.key else ""
    paint = f"{cost.paint:.2f} s" if cost.paint == cost.paint else ""
    print(f"{name:22} {cost.cpu - feed:6.1f}% {paint:>12} {cost.memory / 1e6:6.0f} MB {keys:>20}", flush=True)


def measure(child: str, rows: int, seconds: float) -> Cost:
    """Run one child in a pseudo-terminal and watch it from outside."""
    started = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.dashboard", "--child", child, "--rows", str(rows)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    screen = child != "feed"
    try:
        paint = _read_until(terminal, b"node00", WARM + 14) - started if screen else float("nan")
        _drain(terminal, WARM)
        before, at = _cpu(pid), time.monotonic()
        _drain(terminal, seconds)
        cpu = 100 * (_cpu(pid) - before) / (time.monotonic() - at)
        memory = _resident(pid)
        keys = sorted(_press(terminal) for _ in range(40)) if screen else []
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return Cost(cpu, paint, memory, keys)


def _press(terminal: int, key: bytes = b"\x1b[B") -> float:
    """One key to the first output that moves the cursor's mark or row; output of updates in between is not told apart
    from it, so it is awaited that the terminal is quiet first."""
    while select.select([terminal], [], [], 0.03)[0]:
        os.read(terminal, 1 << 16)
    started = time.monotonic()
    os.write(terminal, key)
    select.select([terminal], [], [], 2)
    return time.monotonic() - started


def _read_until(terminal: int, wanted: bytes, limit: float) -> float:
    seen = b""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            seen = seen[-64:] + os.read(terminal, 1 << 16)
            if wanted in seen:
                return time.monotonic()
    raise SystemExit(f"nothing was painted in {limit:.0f} s: {seen!r}")


def _drain(terminal: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            os.read(terminal, 1 << 16)


def _cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- the children ----


def _feed_child(rows: int) -> None:
    from benchmarks.feed import Feed

    async def run() -> None:
        await Feed(rows).start()
        await asyncio.sleep(3600)

    asyncio.run(run())


def _dashboard_child(rows: int) -> None:
    from benchmarks.feed import Feed
    from gridtui.tui import run

    run(cast(Any, Feed(rows)))  # it has what is drawn, and nothing that acts


def _stock(everything: bool) -> Callable[[int], None]:
    def child(rows: int) -> None:
        from benchmarks.feed import Feed
        from benchmarks.stock import StockApp

        StockApp(cast(Any, Feed(rows)), everything).run()

    return child


_CHILDREN: dict[str, Callable[[int], None]] = {
    "feed": _feed_child,
    "dashboard": _dashboard_child,
    "visible": _stock(False),
    "all": _stock(True),
}


if __name__ == "__main__":
    sys.exit(main())
