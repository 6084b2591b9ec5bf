"""What the dashboard costs, in a real terminal: CPU, memory, keys, and the start, at 200, 1,000 and 5,000 nodes.

    python -m benchmarks.dashboard [--rows 200 1000 5000] [--seconds 20] [--keys 300] [--starts 5] [--only streams start machine]

Each child runs in a pseudo-terminal of 160x50 whose output is read as fast as it comes.

*streams*: over a fleet of made-up nodes that each give one sample every 2 s. The CPU of the same feed with no screen is measured too and
taken off, so that what is left is the interface. A key counts until the end of the frame that shows its effect (the cursor in its new line), while all
rows go on to change. The peer, in the same run, is Textual's stock `DataTable` fed with the same data by `update_cell`, for visible rows only
and for all.

*start*: from the start of the process until the first row is painted, and until all rows have their values. The libraries that it loads until
then are imported first, so that what is ours stands apart.

*machine*: one machine, this one, shown by gridtui (its table, and the page of the node), glances and btop, each every 2 s; their children count too. glances is
installed by pip into a virtual environment of its own below the user's cache folder; btop is where the system's package is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks import measure
from benchmarks.terminal import Cursor, Program, python

WARM = 5.0
"""Seconds before the measurement: imports, first paint, all rows filled in."""
STEPS = 20
"""Lines down before the cursor goes up again."""
DOWN, UP = b"\x1b[B", b"\x1b[A"
GLANCES = "glances>=4,<5"


@dataclass(frozen=True)
class Cost:
    """What one child took."""

    cpu: float
    """Per cent of a core while running."""
    memory: int
    """Resident bytes."""
    keys: list[float]
    """Seconds from a key press to the end of the frame that shows it, sorted."""

    def key(self, share: float) -> float:
        """So much of the keys were answered within this time."""
        return self.keys[min(len(self.keys) - 1, int(share * len(self.keys)))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the dashboard costs in a real terminal.")
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=tuple(_PARTS), default=list(_PARTS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        _CHILDREN[options.child](options.rows[0])
        return 0
    print(f"{measure.machine()}; load {os.getloadavg()[0]:.1f}")
    met = [_PARTS[part](options) for part in options.only]
    return 0 if all(met) else 1


# ---- many nodes ----

_AIMS = {1000: 6.0, 5000: 10.0}
"""Per cent of a core for the interface."""


def _streams(options: argparse.Namespace) -> bool:
    met = True
    print(
        f"\n{'one sample a node every 2 s':28} {'CPU':>7} {'ratio':>6} {'memory':>8} {'key, median':>12} {'99 %':>8} {'worst':>8}"
    )
    for rows in options.rows:
        feed = _child("feed", rows, options.seconds, 0)
        print(f"{f'the feed alone, {rows}':28} {feed.cpu:6.1f}% {'':6} {feed.memory / 1e6:5.0f} MB", flush=True)
        ours = _child("dashboard", rows, options.seconds, options.keys)
        _show(f"gridtui, {rows}", ours, feed.cpu, ours)
        for peer, name in (("visible", "DataTable, visible rows"), ("all", "DataTable, all rows")):
            _show(f"{name}, {rows}", _child(peer, rows, options.seconds, options.keys // 4), feed.cpu, ours)
        if rows in _AIMS:
            met &= measure.aim(f"{rows} nodes: per cent of a core", ours.cpu - feed.cpu, _AIMS[rows])
        met &= measure.aim(f"{rows} nodes: ms to a painted key, 99 %", ours.key(0.99) * 1000, 50)
    return met


def _show(name: str, cost: Cost, feed: float, ours: Cost) -> None:
    cpu = cost.cpu - feed
    ratio = cpu / max(0.1, ours.cpu - feed)
    keys = " ".join(
        f"{seconds * 1000:{width}.0f} ms"
        for seconds, width in zip((cost.key(0.5), cost.key(0.99), cost.keys[-1]), (9, 5, 5), strict=True)
    )
    print(f"{name:28} {cpu:6.1f}% {ratio:5.1f}x {cost.memory / 1e6:5.0f} MB {keys}", flush=True)


def _child(name: str, rows: int, seconds: float, keys: int) -> Cost:
    child = python("benchmarks.dashboard", "--child", name, "--rows", str(rows))
    with _own_folders() as environment, Program(child, environment) as program:
        if name != "feed":
            program.until(lambda screen: "node000" in screen.text())
        program.rest(WARM)
        cpu = program.load(seconds)
        memory = program.memory
        return Cost(cpu, memory, _press(program, keys) if keys else [])


def _folders(folder: str) -> dict[str, str]:
    """What is kept and configured for the user is none of a measurement's."""
    return dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), folder)


@contextlib.contextmanager
def _own_folders() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="gridtui-dashboard-") as folder:
        yield _folders(folder)


def _press(program: Program, count: int) -> list[float]:
    """Down and up again, at whatever moment: samples come all the time, and each key counts until its own line has the cursor."""
    cursor = Cursor(program)
    times = []
    for step in range(count):
        down = step % (2 * STEPS) < STEPS
        line = cursor.line(program.screen) + (1 if down else -1)
        times.append(program.press(DOWN if down else UP, lambda screen, line=line: cursor.line(screen) == line))  # type: ignore[misc]
        program.rest(0.03 + 0.07 * ((step * 37) % 101) / 101)
    return sorted(times)


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


# ---- the start ----


@dataclass(frozen=True)
class Start:
    """Seconds, as a clock on the wall and as CPU of the process."""

    libraries: float
    ours: float
    """From the end of the libraries' imports to the first paint, without what the made-up feed takes."""
    ours_cpu: float
    paint: float
    """From the start of the process to the first paint."""
    everything: float
    """... to all rows with values."""


def _starts(options: argparse.Namespace) -> bool:
    print(
        f"\n{'start, median of ' + str(options.starts):28} {'libraries':>10} {'ours':>7} {'(CPU)':>9} {'first paint':>12} {'all rows':>10}"
    )
    met = True
    for rows in options.rows:
        libraries = _start(rows, ())[1]
        starts = [_start(rows, libraries)[0] for _ in range(options.starts)]

        def middle(of: Callable[[Start], float], starts: Sequence[Start] = starts) -> float:
            return statistics.median(map(of, starts))

        ours, cpu = middle(lambda start: start.ours), middle(lambda start: start.ours_cpu)
        print(
            f"{f'gridtui, {rows}':28} {middle(lambda start: start.libraries):8.2f} s {ours:5.2f} s ({cpu:.2f} s) {middle(lambda start: start.paint):10.2f} s"
            f" {middle(lambda start: start.everything):8.2f} s",
            flush=True,
        )
        met &= measure.aim(f"{rows} nodes: s to the first paint after the libraries' imports", ours, 0.2)
    return met


def _start(rows: int, libraries: Sequence[str]) -> tuple[Start, list[str]]:
    told, tell = os.pipe()
    with tempfile.TemporaryDirectory(prefix="gridtui-start-") as folder:
        wanted = Path(folder, "libraries")
        wanted.write_text(json.dumps(list(libraries)))
        environment = {"GRIDTUI_START": str(wanted), "GRIDTUI_TELL": str(tell), **_folders(folder)}
        with (
            Program(
                python("benchmarks.dashboard", "--child", "start", "--rows", str(rows)), environment, descriptors=[tell]
            ) as program,
            os.fdopen(told) as source,
        ):
            os.close(tell)
            paint = program.until(lambda screen: "node000" in screen.text())
            everything = program.until(lambda screen: f" {rows} up" in screen.text())
            marks: dict[str, tuple[float, float]] = json.loads(source.readline())
            modules: list[str] = json.loads(source.readline())
    feed = marks["feed"][0] - marks["ours"][0], marks["feed"][1] - marks["ours"][1]
    return (
        Start(
            marks["libraries"][0] - program.started,
            paint - marks["libraries"][0] - feed[0],
            marks["painted"][1] - marks["libraries"][1] - feed[1],
            paint - program.started,
            everything - program.started,
        ),
        modules,
    )


def _start_child(rows: int) -> None:
    marks: dict[str, tuple[float, float]] = {}

    def mark(name: str) -> None:
        marks[name] = time.monotonic(), time.process_time()

    for name in json.loads(Path(os.environ["GRIDTUI_START"]).read_text()):
        with contextlib.suppress(ImportError):  # e.g. what a module has put into `sys.modules` without a file
            importlib.import_module(name)
    mark("libraries")
    from gridtui.tui import run

    mark("ours")
    from benchmarks.feed import Feed

    class Told(Feed):
        """The dashboard starts its fleet right after the first paint."""

        async def start(self) -> None:
            mark("painted")
            foreign = [name for name in sys.modules if not name.startswith(("gridtui", "benchmarks", "_"))]
            with os.fdopen(int(os.environ["GRIDTUI_TELL"]), "w") as told:
                told.write(f"{json.dumps(marks)}\n{json.dumps(foreign)}\n")
            await super().start()

    feed = Told(rows)
    mark("feed")
    run(cast(Any, feed))


# ---- one machine ----


def _machine(options: argparse.Namespace) -> bool:
    print(f"\n{'this machine, every 2 s':28} {'CPU':>7} {'ratio':>6} {'memory':>8} {'ratio':>6} {'first paint':>12}")
    with tempfile.TemporaryDirectory(prefix="gridtui-machine-") as folder:
        found: dict[str, tuple[float, int, float]] = {}
        for name, argv, word, key in _viewers():
            environment = _folders(folder)
            with Program(argv, {**environment, "LANG": "C.UTF-8", "GRIDTUI_INVENTORY": ""}, cwd=folder) as program:
                paint = program.until(lambda screen, word=word: word in screen.text().lower()) - program.started  # type: ignore[misc]
                program.rest(WARM)
                if key:
                    os.write(program.terminal, key)
                    program.rest(WARM)
                found[name] = (program.load(options.seconds, tree=True), program.tree_memory, paint)
        ours = found["gridtui, the node's page"]
        for name, (cpu, memory, paint) in found.items():
            print(
                f"{name:28} {cpu:6.1f}% {cpu / ours[0]:5.1f}x {memory / 1e6:5.0f} MB {memory / ours[1]:5.1f}x {paint:10.2f} s",
                flush=True,
            )
    return True


def _viewers() -> Iterator[tuple[str, list[str], str, bytes]]:
    """Each with the word that says that it has painted, and a key to be pressed."""
    yield "gridtui, the table", python("gridtui"), "localhost", b""
    yield "gridtui, the node's page", python("gridtui"), "localhost", b"\r"
    if glances := _glances():
        yield "glances", [glances, "--time", "2", "--disable-check-update"], "cpu", b""
    if shutil.which("btop"):
        yield "btop", ["btop", "--utf-force"], "cpu", b""
    else:
        print("btop is not installed: `apt-get install btop`")


def _glances() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "gridtui-benchmarks", "glances")
    program = cache / "bin" / "glances"
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", cache], check=True, capture_output=True)
            pip = [
                str(cache / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                GLANCES,
            ]
            subprocess.run(pip, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            print(f"glances could not be installed: {error.stderr.decode(errors='replace').strip()[-200:]}")
            return ""
    return str(program)


_PARTS: Mapping[str, Callable[[argparse.Namespace], bool]] = {
    "streams": _streams,
    "start": _starts,
    "machine": _machine,
}

_CHILDREN: Mapping[str, Callable[[int], None]] = {
    "feed": _feed_child,
    "dashboard": _dashboard_child,
    "visible": _stock(False),
    "all": _stock(True),
    "start": _start_child,
}


if __name__ == "__main__":
    sys.exit(main())
