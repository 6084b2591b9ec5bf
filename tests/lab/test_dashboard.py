"""The dashboard in a real terminal over the lab's nodes: what it shows, how fast it notices, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..e2e.program import Program
from ..e2e.terminal import MISSING, Modes, Terminal
from .lab import Lab, now

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(120)]

NAMES = ("node1", "node2", "node3")
BUSY = ("load.cpu", "cpu.steal", "psi.mem.full", "loss", "clock")
"""Rules that are about this machine and what else it does."""
MARKED = 5.0
"""Seconds within which a dead node has to be named with its layer, from the moment that its link is gone."""
START = 45.0
"""Seconds that a start may take on a machine that does other things too: no claim of ours."""
BACK = 10.0
"""Seconds within which a node is up again once it has booted."""
_ROW = re.compile(r"^[▌ ]*[●✖◆▲?○↳‖] (?P<state>.*?)\s+(?P<name>node\d)\s+(?P<rest>.*)$")


class Dashboard:
    """The dashboard of one terminal, as somebody reads it."""

    def __init__(self, terminal: Terminal, before: Modes) -> None:
        self.terminal = terminal
        self.before = before

    def rows(self) -> dict[str, tuple[str, str]]:
        """Node to its state and the rest of its line."""
        found = map(_ROW.match, self.terminal.screen().splitlines())
        return {row["name"]: (row["state"], row["rest"]) for row in found if row}

    def state(self, name: str) -> str:
        return self.rows().get(name, ("", ""))[0]

    def wait(self, name: str, state: str, timeout: float) -> float:
        """Seconds until the state of `name` begins with `state`."""
        return self.terminal.until(lambda: self.state(name).startswith(state), timeout, f"{name} not {state}")

    def all_up(self, timeout: float = START) -> None:
        self.terminal.until(lambda: [self.state(name) for name in NAMES] == ["up"] * 3, timeout, "not all up")

    def others_unharmed(self, but: str) -> None:
        states = {name: state for name, (state, _) in self.rows().items() if name != but}
        assert states == {name: "up" for name in NAMES if name != but}, self.terminal.screen()

    def ended(self, status: int, timeout: float = 10) -> None:
        """It ends with `status`, and the terminal is as it was before."""
        self.terminal.until(self.terminal.at_prompt, timeout, "the shell is not back")
        assert f"exit={status}" in self.terminal.screen()
        assert self.terminal.modes() == self.before


Open = Callable[[], Dashboard]


@pytest.fixture
def dashboard(lab: Lab, tmp_path: Path) -> Iterator[Dashboard]:
    """A dashboard over the lab with all nodes up."""
    with opened(lab, tmp_path) as shown:
        shown.all_up()
        yield shown


@contextmanager
def opened(lab: Lab, folder: Path) -> Iterator[Dashboard]:
    with Program(folder) as program, Terminal(folder, env=program.env) as terminal:
        program.settings("[thresholds]\n" + "".join(f'"{rule}" = "off"\n' for rule in BUSY))
        before = terminal.modes()
        assert not before.alternate
        assert before.cursor
        terminal.run([sys.executable, "-m", "gridtui", "-i", lab.inventory])
        yield Dashboard(terminal, before)


class Cut(threading.Thread):
    """Switches a node off beside the test, whose eyes are on the screen; `at` is when it lost its link."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__()
        self._lab, self._name = lab, name
        self.at = 0.0

    def run(self) -> None:
        self.at = self._lab.stop(self._name)

    def __enter__(self) -> Cut:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()


def test_latency_and_load_of_all_nodes_are_shown(lab: Lab, dashboard: Dashboard) -> None:
    def trips() -> list[float]:
        found = [re.match(r"([\d.]+) (µs|ms)", rest) for _, rest in dashboard.rows().values()]
        return [float(trip[1]) / (1000 if trip[2] == "µs" else 1) for trip in found if trip]

    dashboard.terminal.until(
        lambda: len(trips()) == 3 and all(0 < trip < 500 for trip in trips()), 10, "no round trips"
    )

    def loads() -> dict[str, float]:
        found = {name: re.search(r" \d+%\s+(\d+\.\d+)\b", rest) for name, (_, rest) in dashboard.rows().items()}
        return {name: float(load[1]) for name, load in found.items() if load}

    def agree() -> bool:
        # The nodes' load is this machine's: they share its kernel.
        truth = float(lab.run("node1", ["cat", "/proc/loadavg"]).stdout.split()[0])
        seen = loads()
        return len(seen) == 3 and all(abs(value - truth) <= 0.25 * truth + 0.1 for value in seen.values())

    dashboard.terminal.until(agree, 15, "the shown loads are not the nodes'")
    dashboard.terminal.press("q")
    dashboard.ended(0)


def test_a_stopped_node_is_named_and_comes_back(
    lab: Lab, dashboard: Dashboard, record_property: Callable[[str, object], None]
) -> None:
    with Cut(lab, "node2") as cut:
        dashboard.terminal.until(
            lambda: re.match("(failing|down): ", dashboard.state("node2")) is not None, START, "node2 not named"
        )
        named = now()
        dashboard.wait("node2", "down: ", START)
        down = now()
    named, down = named - cut.at, down - cut.at
    assert named <= down <= MARKED, f"named after {named:.1f} s, down after {down:.1f} s"
    # Nobody answers an echo: the lowest layer is the one that failed.
    assert dashboard.state("node2") == "down: icmp"
    dashboard.others_unharmed("node2")
    lab.start("node2")
    back = dashboard.wait("node2", "up", BACK)
    record_property("seconds until named", round(named, 2))
    record_property("seconds until down", round(down, 2))
    record_property("seconds until back", round(back, 2))
    sys.stderr.write(
        f"\nstopped: named after {named:.1f} s, down after {down:.1f} s; back {back:.1f} s after it booted\n"
    )
    dashboard.others_unharmed("node2")


def test_a_node_that_accepts_and_never_answers_is_named_at_its_layer(lab: Lab, dashboard: Dashboard) -> None:
    lab.pause("node3")
    took = dashboard.wait("node3", "down: ", 20)
    assert dashboard.state("node3") in ("down: banner", "down: login", "down: shell")
    dashboard.others_unharmed("node3")
    lab.unpause("node3")
    back = dashboard.wait("node3", "up", 30)
    sys.stderr.write(f"\npaused: down after {took:.1f} s, back after {back:.1f} s\n")


def test_a_node_without_sshd_is_down_at_tcp(lab: Lab, dashboard: Dashboard) -> None:
    lab.run("node1", ["systemctl", "stop", "ssh"])
    # Sessions outlive their listener (KillMode=process): only their end shows that there is none.
    lab.run("node1", ["pkill", "-f", "^sshd: "], check=False)
    try:
        took = dashboard.wait("node1", "down: tcp", 15)
        dashboard.others_unharmed("node1")
    finally:
        lab.run("node1", ["systemctl", "start", "ssh"])
    back = dashboard.wait("node1", "up", BACK + 5)
    sys.stderr.write(f"\nno sshd: down after {took:.1f} s, back after {back:.1f} s\n")


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("C-c", 0), ("C-q", 0)])
def test_leaving_puts_the_terminal_back(lab: Lab, tmp_path: Path, key: str, status: int) -> None:
    with opened(lab, tmp_path) as shown:
        shown.terminal.until(lambda: shown.terminal.modes().alternate and "node1" in shown.terminal.screen(), START)
        shown.terminal.press(key)
        shown.ended(status)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_puts_the_terminal_back(dashboard: Dashboard, number: signal.Signals) -> None:
    os.kill(dashboard.terminal.pid_of("-m gridtui"), number)
    dashboard.ended(128 + number)


def test_a_signal_in_the_middle_of_the_first_logins(lab: Lab, tmp_path: Path) -> None:
    lab.pause("node2")
    with opened(lab, tmp_path) as shown:
        shown.terminal.until(lambda: "pending" in shown.terminal.screen() or " up " in shown.terminal.screen(), START)
        os.kill(shown.terminal.pid_of("-m gridtui"), signal.SIGTERM)
        shown.ended(128 + signal.SIGTERM)


def test_suspended_and_resumed_it_goes_on(dashboard: Dashboard) -> None:
    terminal = dashboard.terminal
    terminal.press("C-z")
    terminal.until(terminal.at_prompt, 10, "not suspended")
    assert terminal.modes() == dashboard.before
    terminal.type("fg")
    dashboard.all_up()
    terminal.press("q")
    terminal.until(terminal.at_prompt, 10)
    assert terminal.modes() == dashboard.before


def test_a_window_too_small_for_anything_does_no_harm(dashboard: Dashboard) -> None:
    terminal = dashboard.terminal
    for width, height in ((20, 5), (1, 1), (300, 60), (80, 24)):
        terminal.resize(width, height)
        terminal.press("Down", "Up", ">", "0")
    dashboard.all_up()
    terminal.press("q")
    terminal.until(terminal.at_prompt, 10)


def test_what_is_filtered_out_is_not_shown(dashboard: Dashboard) -> None:
    terminal = dashboard.terminal
    terminal.press("/")
    terminal.type("node[1-2] & state=up")
    terminal.until(lambda: sorted(dashboard.rows()) == ["node1", "node2"], 10)
    terminal.press("Escape")
    terminal.until(lambda: sorted(dashboard.rows()) == list(NAMES), 10)
    terminal.press("q")
    dashboard.ended(0)
