"""The program as a process, with a home of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.program import Program

CALM = ("load.cpu", "cpu.steal", "psi.mem.full", "loss", "clock", "mem", "disk", "disk.inodes", "temp", "units.failed")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """No rule but `reach`: these tests must not depend on how the machine feels that they run on."""
    with Program(tmp_path) as program:
        calm(program)
        yield program


def calm(program: Program) -> None:
    """Switch off all rules over what is measured."""
    program.settings("[thresholds]\n" + "".join(f'"{rule}" = "off"\n' for rule in CALM))
