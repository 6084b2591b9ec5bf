"""The `lab` fixture: three nodes that boot, log in, fail and come back.

A lab that is up (`tests/lab/lab up`) is used and stays; else the first test that asks for it
brings it up and the end of the run takes it down. A run holds the lab alone, and after each test every
node is put back to running.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from .lab import Lab, narrate

HERE = Path(__file__).parent
NODES = 3
_earlier = count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder `lab`, and time their bodies only.

    Building the image, booting nodes and waiting for another run's turn belong to fixtures, whose every
    step has a bound of its own.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("lab")
            marker = item.get_closest_marker("timeout")
            seconds = marker.args[0] if marker and marker.args else 60
            item.add_marker(pytest.mark.timeout(seconds, func_only=True), append=False)


@pytest.fixture(scope="session")
def _lab() -> Iterator[Lab]:
    lab = Lab(say=narrate)
    with lab.lock(timeout=900):
        ours = not lab.nodes
        try:
            if not lab.is_up(NODES):
                lab.up(NODES)
            lab.heal()
            yield lab
        finally:
            if ours:
                lab.down()


@pytest.fixture(scope="module")
def lab(_lab: Lab) -> Lab:
    """The lab with at least three nodes, all of them running. They are new for each module but the first: what one finds
    does not depend on what another one left, and workers share the modules as they come."""
    if next(_earlier):
        _lab.remake()
    return _lab


@pytest.fixture(autouse=True)
def _nodes_put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").heal()
