"""How long the dashboard's event loop is held at once, at 5,000 nodes: by what watches by itself, and by keys.

    python -m benchmarks.loop [--rows 5000] [--seconds 20] [--only table board ...]

Each scene runs in a pseudo-terminal of 160x50 over made-up nodes that each give one sample every 2 s, in nested groups, some with
problems. Every callback of the loop is timed by the CPU of its thread, so that other programs do not count. `feed` is the made-up samples' own
task, which is left out elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from benchmarks import measure
from benchmarks.dashboard import WARM
from benchmarks.terminal import Program, python

AIM = 0.005
"""Seconds of CPU that the loop is held at most."""
FEED = "Feed._run"
PIECE = 0.25
"""Seconds between two keys."""


@dataclass(frozen=True)
class Scene:
    """What is pressed to get there, and what is pressed while it is measured; nothing: it is watched."""

    there: Sequence[bytes] = ()
    keys: bytes = b""
    kind: str = "plain"


SCENES: Mapping[str, Scene] = {
    "table": Scene(),
    "by group": Scene([b":group group\r"]),
    "by state": Scene([b":group state\r"]),
    "by cpu": Scene([b":sort cpu\r"]),
    "map": Scene([b"2"]),
    "map of rtt": Scene([b":look map rtt\r"]),
    "map by group": Scene([b":group group\r", b":look map rtt\r"]),
    "board": Scene([b"3"]),
    "activity": Scene([b"A"], kind="errands"),
    "filter": Scene([b"/"], b"node00\x7f\x7f\x7f\x7f\x7f\x7f"),
    "command": Scene([b":"], b"node node00\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long the dashboard's event loop is held at once.")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", nargs="+", choices=tuple(SCENES), default=list(SCENES))
    parser.add_argument("--child", choices=tuple(SCENES), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        _child(SCENES[options.child].kind, options.rows)
        return 0
    print(f"{measure.machine()}; load {os.getloadavg()[0]:.1f}")
    print(f"{f'{options.rows} nodes, ms of CPU at once':28} {'worst':>6} {'99 %':>6} {'over 5':>7} {'CPU':>6}  by")
    met = True
    for name in options.only:
        met &= _show(name, options)
    return 0 if met else 1


def _show(name: str, options: argparse.Namespace) -> bool:
    held, spent = _measure(name, options)
    ours = sorted(((took, who) for took, who in held if FEED not in who), reverse=True)
    over = [one for one in ours if one[0] > AIM]
    most: dict[str, tuple[float, int]] = {}
    for took, who in over:
        worst, count = most.get(who, (0.0, 0))
        most[who] = max(worst, took), count + 1
    worst = ours[0][0] if ours else 0.0
    told = ", ".join(f"{who} {worst * 1000:.0f} ms ({count}x)" for who, (worst, count) in list(most.items())[:4])
    share = ours[len(ours) // 100][0] if ours else 0.0
    print(
        f"{name:28} {worst * 1000:6.1f} {share * 1000:6.2f} {len(over):7} {100 * spent / options.seconds:5.1f}%  {told}",
        flush=True,
    )
    return worst <= AIM


def _measure(name: str, options: argparse.Namespace) -> tuple[list[tuple[float, str]], float]:
    """(seconds, who) of each callback, and all of their seconds."""
    scene = SCENES[name]
    with tempfile.TemporaryDirectory(prefix="gridtui-loop-") as folder:
        told = Path(folder, "told.json")
        folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), folder)
        argv = python("benchmarks.loop", "--child", name, "--rows", str(options.rows))
        with Program(argv, {**folders, "GRIDTUI_TOLD": str(told)}) as program:
            program.until(lambda screen: "node000" in screen.text())
            program.rest(WARM)
            for keys in scene.there:
                os.write(program.terminal, keys)
                program.rest(1.0)
            program.rest(WARM)
            os.kill(program.pid, signal.SIGUSR1)
            end = time.monotonic() + options.seconds
            while time.monotonic() < end:
                for key in scene.keys or b"\0":
                    if scene.keys:
                        os.write(program.terminal, bytes([key]))
                    program.rest(PIECE)
            os.kill(program.pid, signal.SIGUSR1)
            while not told.exists():
                program.rest(0.1)
            held = [(took, who) for took, who in json.loads(told.read_text())]
    return held, sum(took for took, who in held if FEED not in who)


# ---- in the child ----


class Timed:
    """Times each callback of the loop between two signals, and writes them down at the second."""

    def __init__(self) -> None:
        self._held: list[tuple[float, str]] | None = None
        run = asyncio.Handle._run

        def timed(handle: Any) -> None:
            began = time.thread_time()
            run(handle)
            if self._held is not None:
                self._held.append((time.thread_time() - began, _who(handle)))

        asyncio.Handle._run = timed  # type: ignore[assignment, method-assign]
        signal.signal(signal.SIGUSR1, self._turn)

    def _turn(self, number: int, frame: object) -> None:
        if self._held is None:
            self._held = []
            return
        target = Path(os.environ["GRIDTUI_TOLD"])
        held, self._held = self._held, None
        part = target.with_suffix(".part")
        part.write_text(json.dumps(held))
        part.rename(target)


def _who(handle: Any) -> str:
    callback = handle._callback
    if callback is None:
        return "cancelled"
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine = task.get_coro()
        return f"{getattr(coroutine, '__qualname__', coroutine)} {task.get_name()}"
    return str(getattr(callback, "__qualname__", callback))


def _child(kind: str, rows: int) -> None:
    Timed()
    from benchmarks.feed import Feed
    from gridtui.model import Reason, State, Status
    from gridtui.tui.app import Dashboard, serve

    class Grid(Feed):
        """In nested groups; every 40th is not well."""

        def fold(self, names: Sequence[str]) -> str:
            from gridtui.inventory import fold

            return fold(names)

        def playbook_runs(self) -> Sequence[object]:
            return ()

        def __init__(self, count: int) -> None:
            super().__init__(count)
            for at, (name, node) in enumerate(self.nodes.items()):
                groups = (*node.groups, f"row{at % 4}", f"hall{at % 2}")
                self.nodes[name] = replace(node, groups=groups)

        def _first(self, name: str) -> Status:
            first = super()._first(name)
            at = int(name.removeprefix("node"))
            if at % 40:
                return first
            state = State.CRITICAL if at % 80 else State.WARNING
            reasons = (Reason("disk", state, "disk 97 %", 0.0),)
            return replace(first, verdict=replace(first.verdict, state=state, reasons=reasons))

    feed = Grid(rows)
    dashboard = Dashboard(cast(Any, feed))
    if kind == "errands":
        feed.jobs = _NoJobs()
        _remember(dashboard, list(feed.nodes))
    sys.exit(asyncio.run(serve(dashboard)))


class _NoJobs:
    def progress(self, **chosen: object) -> Sequence[object]:
        return ()


def _remember(dashboard: Any, names: Sequence[str]) -> None:
    """A hundred commands on all nodes, of which the newest goes on."""
    from gridtui.exec import Ending, Outcome, Task
    from gridtui.tui.errands import ExecErrand
    from gridtui.tui.ledger import MOST

    for number in range(MOST):
        errand = ExecErrand(Task(f"uptime # {number}"), names, time.time() - 60 * number)
        for name in names:
            errand.results.add(Outcome(name, Ending.OK, 0, seconds=0.1))
        if number:
            errand.end(time.time())
        else:
            errand.results.start(names[::2])
        dashboard.ledger.add(errand)


if __name__ == "__main__":
    sys.exit(main())
