from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.push import Direction, Options, Plan, guard


@pytest.mark.parametrize(
    "place",
    [
        "/",
        "//",
        "/.",
        "/etc",
        "/etc/",
        "//etc",
        "/home",
        "/srv",
        "/nix",
        "/home/ann",
        "/usr/lib",
        "/var/lib",
        ".",
        "./",
        "./.ssh",
        "a/../..",
        "/srv/a/..",
        "/root",
    ],
)
def test_dangerous(place: str) -> None:
    assert guard.dangerous(place)


@pytest.mark.parametrize(
    "place",
    ["/srv/www", "/home/ann/site", "./site", "/etc/nginx", "/root/site", "/usr/local/share/x", "/tmp/x", "./a/.ssh"],
)
def test_harmless(place: str) -> None:
    assert not guard.dangerous(place)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index").write_text("x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def plan(*words: str, delete: bool = True, dry_run: bool = False) -> Plan:
    *sources, destination = words
    return Plan(tuple(sources), destination, options=Options(delete=delete, dry_run=dry_run))


def test_what_counts_is_where_deletion_happens(site: Path) -> None:
    assert guard.dangers(plan(f"{site}/site/", "/etc"))
    assert not guard.dangers(plan(f"{site}/site", "/etc"))  # /etc/site alone is cleaned
    assert guard.dangers(plan(f"{site}/site", "/"))  # /site
    assert guard.dangers(plan(f"{site}/site/.", "~"))
    assert not guard.dangers(plan(f"{site}/site/index", "/etc"))  # a file deletes nothing


def test_only_a_real_delete_is_guarded(site: Path) -> None:
    assert not guard.dangers(plan(f"{site}/site/", "/etc", delete=False))
    assert not guard.dangers(plan(f"{site}/site/", "/etc", dry_run=True))
    assert not guard.dangers(Plan(("/",), str(site), Direction.PULL, Options(delete=True)))


def test_an_empty_source(site: Path) -> None:
    (why,) = guard.dangers(plan(f"{site}/empty/", "/srv/www"))
    assert "empty" in why
    assert "/srv/www" in why
    (why,) = guard.dangers(plan(f"{site}/empty", "/srv/www"))
    assert "/srv/www/empty" in why
    assert not guard.dangers(plan(f"{site}/site/", "/srv/www"))


def test_a_missing_source(site: Path) -> None:
    (site / "dangling").symlink_to("nowhere")
    guard.check(plan(f"{site}/dangling", "/srv"))
    for missing in ("gone", "dangling/", "site/index/"):
        with pytest.raises(UsageError, match=missing.split("/")[0]):
            guard.check(plan(f"{site}/{missing}", "/srv"))
