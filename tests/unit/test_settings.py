"""The settings file: what is taken, and what is said of what is not."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from gridtui import settings
from gridtui.errors import SettingsError
from gridtui.settings import Settings


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_a_missing_file_means_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("GRIDTUI_CONFIG", raising=False)
    assert settings.load() == settings.Settings()


def test_values_are_taken_by_type(tmp_path: Path) -> None:
    loaded = settings.load(
        write(
            tmp_path,
            """
            [intervals]
            fast = 5
            [ssh]
            host_keys = "accept-new"
            logins = 4
            [dashboard]
            columns = ["state", "name"]
            [dashboard.keys]
            quit = "ctrl+q"
            [thresholds.disk]
            warn = 70
            """,
        )
    )
    assert loaded.intervals.fast == 5.0
    assert loaded.ssh.host_keys == "accept-new"
    assert loaded.ssh.logins == 4
    assert loaded.dashboard.columns == ("state", "name")
    assert loaded.dashboard.keys == {"quit": "ctrl+q"}
    assert loaded.thresholds == {"disk": {"warn": 70}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[intervals]\nfats = 5", "intervals.fats is no setting; did you mean fast?"),
        ("[intervals]\nfast = 0", "intervals.fast is 0; it must be a number above 0"),
        ("[intervals]\nfast = true", "intervals.fast is True; it must be a number above 0"),
        ("[intervals]\nping = 0.01", "intervals.ping is 0.01; it must be from 0.05 s to a week"),
        ("[intervals]\nslow = inf", "intervals.slow is inf; it must be from 0.05 s to a week"),
        ("[ssh]\nlogins = 1.5", "ssh.logins is 1.5; it must be a whole number above 0"),
        ("intervals = 3", "intervals is 3; it must be a table"),
        ('[ssh]\nhost_keys = "no"', "ssh.host_keys is 'no'; it is `strict` or `accept-new`"),
        ('[ssh]\nconfig = "~/no-such-file"', "ssh.config is '~/no-such-file', and there is no such file"),
        ("[dashboard.keys]\nquit = 3", "dashboard.keys is {'quit': 3}; it must be a table of text"),
        ("[ssh", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        settings.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such settings file"):
        settings.load(tmp_path / "none.toml")


def test_xdg_folders_ignore_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert settings.state_folder() == tmp_path / ".local/state/gridtui"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert settings.state_folder() == tmp_path / "state/gridtui"


def test_the_guide_names_every_setting_with_its_default() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "SETTINGS.md").read_text()
    for table in fields(Settings):
        assert f"## `[{table.name}]`" in guide
        value = getattr(Settings(), table.name)
        for item in fields(value) if is_dataclass(value) else ():
            default = json.dumps(getattr(value, item.name))
            assert f"| `{item.name}` | `{default}` | " in guide, f"{table.name}.{item.name}"


def test_the_guides_example_can_be_read(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "SETTINGS.md").read_text()
    assert settings.load(write(tmp_path, guide.split("```toml\n")[1].split("```")[0])).intervals.fast == 5
