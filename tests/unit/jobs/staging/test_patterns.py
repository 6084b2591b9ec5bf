"""What an output's pattern means, and that the node's `find` prints no less."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.jobs.staging.patterns import MOST, expression, parse

NAMES = st.lists(st.text(alphabet="ab.*[]?\\-\n ", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
PATTERNS = st.lists(
    st.one_of(st.just("**"), st.text(alphabet="ab.*[]?\\-\n ", min_size=1, max_size=4).filter(lambda t: "**" not in t)),
    min_size=1,
    max_size=4,
).map("/".join)


def usable(name: str) -> bool:
    return all(part not in ("", ".", "..") for part in name.split("/"))


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("out.txt", "out.txt", True),
        ("out.txt", "out_txt", False),
        ("out", "out/a/b", True),
        ("out/", "out/a", True),
        ("./out", "out", True),
        ("*.png", "a.png", True),
        ("*.png", "sub/a.png", False),
        ("*.png", ".png", False),
        (".*", ".hidden", True),
        ("*", "a/.hidden", True),
        ("*", ".hidden", False),
        ("frames/*.png", "frames/1.png", True),
        ("frames/*.png", "frames/x/1.png", False),
        ("f?", "fé", True),
        ("f?", "f", False),
        ("[a-c]1", "b1", True),
        ("[!a-c]1", "b1", False),
        ("[", "[", True),
        ("**", "a", True),
        ("**", "a/b/c", True),
        ("**/*.o", "x.o", True),
        ("**/*.o", "a/b/x.o", True),
        ("**/*.o", ".git/x.o", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "b/z", False),
        ("a/**", "a", False),
        ("**/**/b", "b", True),
        ("-x", "-x", True),
        ("a\nb", "a\nb", True),
        ("\udcff*", "\udcff\udcfe", True),
    ],
)
def test_what_is_meant(pattern: str, name: str, meant: bool) -> None:
    assert parse([pattern])[0].matches(name) is meant


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("/etc/passwd", "leads out"),
        ("~/x", "leads out"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("", "no output"),
        (".", "no output"),
        ("a**", "alone between slashes"),
        ("a\0b", "NUL"),
        ("a" * 5000, "too long"),
    ],
)
def test_what_cannot_be_meant(pattern: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse([pattern])


def test_their_number_is_bounded() -> None:
    with pytest.raises(UsageError, match="more than"):
        parse(["a"] * (MOST + 1))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(NAMES.filter(usable), min_size=1, max_size=12), st.lists(PATTERNS.filter(usable), min_size=1, max_size=3)
)
@example(["a/b", "a/a/b"], ["*/b"])
@example(["[", "*", "\\"], ["[", "\\"])
def test_find_prints_all_that_is_meant(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], texts: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name in names:
        parent = root / os.path.dirname(name)
        try:
            parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    patterns = parse(texts)
    done = subprocess.run(
        ["find", ".", *expression(patterns)],
        cwd=root,
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    )
    assert not done.stderr
    printed = {os.fsdecode(name[2:]) for name in done.stdout.split(b"\0")[:-1]}
    there = {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, folders, files in os.walk(root)
        for name in folders + files
    }
    meant = {name for name in there if any(pattern.matches(name) for pattern in patterns)}
    assert meant <= printed <= there


@pytest.mark.parametrize(
    ("pattern", "printed", "not_seen"),
    [
        ("out/*/deep", {"out/a/deep"}, "other/big"),
        ("out", {"out", "out/a", "out/a/deep"}, "other/big"),
        ("link/big", set(), "other/big"),
        ("*/x", {"out2/x"}, "other/big/tree"),
        ("*.png", set(), "out/a"),
    ],
)
def test_find_does_not_walk_elsewhere(tmp_path: Path, pattern: str, printed: set[str], not_seen: str) -> None:
    """A million files beside the outputs cost nothing."""
    for name in ("out/a/deep", "other/big/tree", "out2/x"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("other")
    words = expression(parse([pattern]))
    seen = ["(", "-fprint0", "/dev/stderr", ")"]
    done = subprocess.run(["find", ".", *seen, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {name[2:] for name in done.stdout.split("\0")[:-1]} == printed
    assert f"./{not_seen}" not in done.stderr.split("\0")
