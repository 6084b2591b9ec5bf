"""Links that stay: whatever chains of them there are, none leads out."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtui.jobs.staging.links import stays

PART = st.sampled_from(["a", "b", "c", ".", ".."])
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("name", "target", "in_it"),
    [
        ("a", "b", True),
        ("a", "b/c", True),
        ("d/a", "../b", True),
        ("d/e/a", "../../b", True),
        ("a", ".", True),
        ("d/a", "..", True),
        ("a", "..", False),
        ("a", "../b", False),
        ("d/a", "../../b", False),
        ("a", "/etc/passwd", False),
        ("a", "b/../c", False),  # b may be a link
        ("a", "b/..", False),
        ("a", "", False),
        ("./d/a", "../b", True),
    ],
)
def test_table(name: str, target: str, in_it: bool) -> None:
    assert stays(name, target) is in_it


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["x", "y", "d/x", "d/y", "d/e/x", "a", "b", "d/a"]), PATH), max_size=8))
def test_no_chain_of_them_leads_out(tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str]]) -> None:
    above = tmp_path_factory.mktemp("links")
    root = above / "root"
    (root / "d" / "e").mkdir(parents=True)
    for name in ("c", "d/c"):
        (root / name).mkdir()
    for name, target in links:
        if stays(name, target) and not os.path.lexists(root / name):
            (root / name).symlink_to(target)
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            for after in ("", "/a", "/b/a", "/x"):
                real = os.path.realpath(os.path.join(folder, name + after))
                assert real == str(root) or real.startswith(f"{root}/"), (folder, name, after)
