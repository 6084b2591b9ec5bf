"""The examples as their READMEs say, on nodes that have what they need: one command each, and what comes back is looked at."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.program import Program
from .docker import docker
from .lab import Lab
from .workshop import Workshop, workshop

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def work(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(lab, tmp_path_factory.mktemp("workshop")) as made:
        yield made


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy: what they make lies beside them."""
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("pictures*"))
    return tmp_path / "examples"


def submit(work: Workshop, folder: Path, home: Path) -> dict[str, list[str]]:
    """Run it to its end. The nodes on which its jobs ran, by the names of their submissions."""
    with Program(home) as program:
        done = program.run("-i", work.inventory, "job", "submit", "--wait", "-f", folder / "jobs.yaml", timeout=360)
        assert done.status == 0, done
        listed = program.run("-i", work.inventory, "job", "list", "--json", "--all", "--elements")
        assert listed.status == 0, listed
    nodes: dict[str, list[str]] = {}
    for job in listed.json["jobs"]:
        assert job["state"] == "succeeded", job
        nodes.setdefault(job["name"], []).append(job["node"])
    return nodes


def png(path: Path) -> tuple[int, int]:
    """Width and height (PNG, 11.2.2)."""
    begin = path.read_bytes()[:24]
    assert begin.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", begin[16:])
    return width, height


def test_an_animation_is_rendered_by_all_nodes_and_joined(work: Workshop, examples: Path, tmp_path: Path) -> None:
    folder = examples / "animation"
    nodes = submit(work, folder, tmp_path)
    assert set(nodes["frames"]) == {"work1", "work2"}
    frames = sorted((folder / "frames").iterdir())
    assert [path.name for path in frames] == [f"frame-{number:02d}.png" for number in range(1, 25)]
    assert {png(path) for path in frames} == {(240, 136)}
    assert len({path.read_bytes() for path in frames}) == 24, "the camera moves"
    film = folder / "film.mp4"
    assert film.read_bytes()[4:8] == b"ftyp"
    # as ffmpeg itself sees it, on a node
    look = "cat >/tmp/film.mp4; ffmpeg -i /tmp/film.mp4 -f null - 2>&1"
    seen = docker("exec", "-i", work.nodes[0].container, "sh", "-c", look, stdin=film.read_bytes()).stdout
    assert "240x136" in seen
    assert re.search(r"frame= *24 ", seen), seen


def test_a_simulation_and_the_words_of_files(work: Workshop, examples: Path, tmp_path: Path) -> None:
    nodes = submit(work, examples / "montecarlo", tmp_path / "1")
    assert set(nodes["throw"]) == {"work1", "work2"}
    said = (examples / "montecarlo" / "estimate.txt").read_text()
    assert said == "4000000 darts: pi = 3.14076, give or take 0.00082\n", "the same seeds, on whatever nodes"

    nodes = submit(work, examples / "wordcount", tmp_path / "2")
    assert set(nodes["map"]) == {"work1", "work2"}
    counted: Counter[str] = Counter()
    for path in (examples.parent / "docs").glob("*.md"):
        counted.update(re.findall("[a-z]+", path.read_bytes().decode("latin-1").translate(LOWER)))
    lines = (examples / "wordcount" / "words.txt").read_text().splitlines()
    expected = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    assert lines == [f"{count} {word}" for word, count in expected]


LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""As `tr A-Z a-z` in the C locale."""


def test_two_nodes_train_one_model(work: Workshop, examples: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(examples / "training" / "run.py"), "-i", str(work.inventory)],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert done.returncode == 0, done
    ended = re.findall(r"rank (\d) of 2 on (\w+): ([\d.]+)% right, weights (\w{16})", done.stdout)
    assert {(rank, node) for rank, node, _, _ in ended} == {("0", "work1"), ("1", "work2")}, done
    assert ended[0][3] == ended[1][3], "they have different models"
    assert float(ended[0][2]) > 90
    assert (examples / "training" / "model.pt").stat().st_size > 5000
