"""Pictures of every screen at three sizes in two themes. Look at them before `--snapshot-update`; those that differ are told by path."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.screen import Screen

from gridtui.tui import screens, themes

from .gallery import SCENES, SHOWN, exhibit, open_scene, settle, shown

SIZES = ((80, 24), (120, 40), (200, 60))
_OTHERS = [name for name in themes.CYCLE if name != "gridtui-dark"]


class Svg(SingleFileSnapshotExtension):
    """A file a picture."""

    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


@pytest.mark.parametrize("scene", SCENES)
async def test_picture(snapshot: SnapshotAssertion, scene: str, tmp_path: Path) -> None:
    """One run of the program for all of them: the terminal is made larger, and the theme is changed, as people do it."""
    fleet = exhibit()
    other = _OTHERS[list(SCENES).index(scene) % len(_OTHERS)]
    app = shown(fleet)
    wrong: list[str] = []
    async with app.run_test(size=SIZES[0]) as pilot:
        await open_scene(app, pilot, scene)
        for theme in ("gridtui-dark", other):
            app.theme = theme
            for width, height in SIZES:
                await pilot.resize_terminal(width, height)
                await settle(app, pilot)
                picture = app.export_screenshot(simplify=True)
                name = f"{theme}-{width}x{height}"
                if snapshot(name=name, extension_class=Svg) != picture:
                    actual = tmp_path / f"{scene}-{name}.svg"
                    actual.write_text(picture)
                    wrong.append(str(actual))
    assert not wrong, "other than the picture that is kept: " + ", ".join(wrong)


def test_every_screen_has_a_scene() -> None:
    """Those that others derive from are parts, no screens."""
    found: set[type[Screen[Any]]] = set()
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        classes = vars(importlib.import_module(module.name)).values()
        found |= {
            one
            for one in classes
            if isinstance(one, type) and issubclass(one, Screen) and one.__module__ == module.name
        }
    parts = {base for one in found for base in one.__mro__[1:]}
    assert found - parts == set(SHOWN.values())
    assert set(SHOWN) <= set(SCENES)
