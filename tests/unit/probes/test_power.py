"""The power probe's own words: batteries by the selection language, and the shell's side on this machine and on made-up supplies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gridtui.inventory import Inventory, select
from gridtui.model import Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Verdict
from gridtui.probes import power


def supplies(folder: Path, **files: dict[str, str]) -> None:
    for name, found in files.items():
        (folder / name).mkdir(parents=True)
        for file, text in found.items():
            (folder / name / file).write_text(text + "\n")


def ask(folder: Path, shell: str) -> bytes:
    """The probe's fragment over another folder of supplies, paths put back."""
    script = f"set -f; T=; {power.PROBE.setup}; pw".replace("/sys/class/power_supply", str(folder))
    done = subprocess.run([shell, "-c", script], capture_output=True, check=True, timeout=20)
    assert not done.stderr
    return done.stdout.replace(str(folder).encode(), b"/sys/class/power_supply").removesuffix(b"\n")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_fragment_reads_supplies_as_the_kernel_shows_them(tmp_path: Path, shell: str) -> None:
    folder = tmp_path / "power_supply"
    supplies(
        folder,
        AC={"type": "Mains", "online": "0"},
        BAT0={"type": "Battery", "status": "Discharging", "capacity": "43", "present": "1"},
        hid={"type": "Battery", "scope": "Device", "capacity": "2", "status": "Charging"},
    )
    found = power.parse(ask(folder, shell))
    assert found == power.Power(True, 1, 43.0, "Discharging")
    assert power.metrics(found) == {"battery.on": 1.0, "battery": 43.0}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_no_supply_costs_no_process_and_says_nothing(tmp_path: Path, shell: str) -> None:
    assert ask(tmp_path / "none", shell) == b""


def test_selections_know_the_battery() -> None:
    def status(name: str, **metrics: float) -> Status:
        sample = Sample(name, 0.0, metrics={name.replace("_", "."): value for name, value in metrics.items()})
        return Status(Node(name, name), Reach(0.0), RoundTrips(PingMethod.ICMP), Verdict(name, State.OK, 0.0), sample)

    known = {
        "away": status("away", battery_on=1, battery=20),
        "home": status("home", battery_on=0, battery=100),
        "rack": status("rack"),
    }
    inventory = Inventory({name: one.node for name, one in known.items()}, {"all": tuple(known)}, {}, {})
    assert select("battery.on=1").resolve(inventory, known.get) == ["away"]
    assert select("battery<50%").resolve(inventory, known.get) == ["away"]
    assert select("! battery.on=1").resolve(inventory, known.get) == ["home", "rack"]
