"""What the system's tools print on a simulated machine, section by section of the probes. Pure text of a `Machine`; knows no frame."""

from __future__ import annotations

from collections.abc import Callable

from .machine import Machine


def devices(machine: Machine) -> str:
    """The real interfaces and disks: those with a driver."""
    hardware = machine.person.hardware
    nets = [f"net {name}\n" for name, _ in hardware.nics if not name.startswith("wg")]
    return "".join([*nets, *(f"disk {name}\n" for name in hardware.disks)])


SECTIONS: dict[str, Callable[[Machine], str]] = {
    "devices": devices,
}
"""Section name to its text."""
