"""The playbooks `updates` and `reboot` on real nodes: what apt makes of the settings, the window, a rolling reboot and where it stops."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .docker import LabError
from .lab import Lab
from .plays import play

pytestmark = pytest.mark.timeout(240)

NAMES = ("node1", "node2", "node3")
BEFORE = (
    "find /etc -xdev | grep -v -e gridtui-guard -e '/etc/.*-$' | sort; dpkg-query -W; "
    "systemctl is-enabled apt-daily.timer apt-daily-upgrade.timer; systemctl list-units --failed --plain --no-legend"
)


def sh(lab: Lab, command: str, name: str = "node1", check: bool = True) -> str:
    return lab.run(name, ["sh", "-c", command], check=check, timeout=120).stdout


def test_updates_by_themselves(lab: Lab) -> None:
    before = sh(lab, BEFORE + "; true")
    settings: dict[str, Any] = {
        "updates_reboot_at": "Sun *-*-* 04:00:00",
        "updates_left_out": ["linux-image-.*"],
        "hosts": "node1",
    }
    would = play(lab, "updates", "--check", "--diff", **settings)
    assert would.changed["node1"] >= 1 and "Unattended-Upgrade::Origins-Pattern" in would.said
    assert "unattended-upgrades" not in sh(lab, "dpkg-query -W")
    assert play(lab, "updates", **settings).changed["node1"] >= 3
    again = play(lab, "updates", **settings)
    assert again.changed == {"node1": 0}, again.said

    # What the tools themselves understand of it.
    known = sh(lab, "apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in known
    assert 'Unattended-Upgrade::Package-Blacklist:: "linux-image-.*";' in known
    dry = sh(lab, "timeout 100 unattended-upgrade --dry-run --verbose 2>&1")
    (origins,) = (line for line in dry.splitlines() if line.startswith("Allowed origins"))
    assert "label=Debian-Security" in origins and "label=Debian," not in origins + ","
    timers = sh(lab, "systemctl list-timers --all --no-legend")
    assert "Sun" in next(line for line in timers.splitlines() if "gridtui-reboot.timer" in line)
    assert "02:00:00" in sh(lab, "systemctl show -p TimersCalendar apt-daily-upgrade.timer")

    # The window: only where it is wanted, announced, and called off.
    sh(lab, "systemctl start gridtui-reboot.service")
    assert not sh(lab, "cat /run/systemd/shutdown/scheduled 2>/dev/null || true")
    sh(lab, "touch /run/reboot-required; systemctl start gridtui-reboot.service")
    assert "MODE=reboot" in sh(lab, "cat /run/systemd/shutdown/scheduled")
    sh(lab, "shutdown -c; rm /run/reboot-required")

    play(lab, "updates", gridtui_undo=True, hosts="node1")
    assert set(sh(lab, BEFORE + "; true").splitlines()) == set(before.splitlines())
    undone = play(lab, "updates", gridtui_undo=True, hosts="node1")
    assert undone.changed == {"node1": 0}, undone.said


class Firmware:
    """Switches machines on again that have switched themselves off: a container does not reboot, it ends. Notes who ended, and when."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ended: list[str] = []
        self.together = 0
        """Most machines that were off at once."""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            with contextlib.suppress(LabError):
                off = [name for name, state in self.lab.states().items() if state == "exited"]
                self.together = max(self.together, len(off))
                self.ended += off
                for name in off:
                    self.lab.start(name, wait=False)

    def __enter__(self) -> Firmware:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@pytest.fixture
def firmware(lab: Lab) -> Iterator[Firmware]:
    with Firmware(lab) as firmware:
        yield firmware


def test_a_rolling_reboot_where_it_is_wanted(lab: Lab, firmware: Firmware) -> None:
    for name in ("node1", "node3"):
        sh(lab, "touch /run/reboot-required", name)
    would = play(lab, "reboot", "--check")
    assert would.changed == {"node1": 1, "node2": 0, "node3": 1} and not firmware.ended
    done = play(lab, "reboot")
    assert done.changed == {"node1": 1, "node2": 0, "node3": 1}
    assert firmware.ended == ["node1", "node3"] and firmware.together == 1
    assert sh(lab, "systemctl is-system-running", "node3").strip() == "running"
    again = play(lab, "reboot")
    assert again.changed == dict.fromkeys(NAMES, 0) and firmware.ended == ["node1", "node3"]


def test_a_node_that_is_not_well_afterwards_stops_the_rest(lab: Lab, firmware: Firmware) -> None:
    unit = "gridtui-test-breaks.service"
    # node1 has a failed unit already, and has it again afterwards: that is no news. node2's fails only from the next boot on.
    for name in ("node1", "node2"):
        sh(
            lab,
            f"printf '[Service]\\nExecStart=/bin/false\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/{unit} && systemctl enable {unit}",
            name,
        )
    sh(lab, f"systemctl start {unit}", "node1")
    deadline = time.monotonic() + 20
    while "failed" not in sh(lab, f"systemctl is-failed {unit}", check=False):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    try:
        stopped = play(lab, "reboot", well=False, reboot_force=True, reboot_settle_seconds=9)
        assert stopped.failed == {"node1": 0, "node2": 1}, stopped.said
        assert f"failed since the reboot: {unit}" in stopped.said
        assert firmware.ended == ["node1", "node2"], "node3 is left alone"
    finally:
        for name in ("node1", "node2"):
            sh(
                lab,
                f"systemctl disable {unit}; rm -f /etc/systemd/system/{unit}; systemctl daemon-reload; systemctl reset-failed",
                name,
            )
