"""Views of the fleet under a name: filter, order, groups, columns and look. Owns how one is written, in the settings file
(`[dashboard.views.NAME]`) and among what the dashboard keeps, and which there are; applying one is the fleet's screen's. Pure but for `Keeping`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import SettingsError, UsageError
from . import metrics, text
from .columns import BY_NAME, SORTS
from .keeping import Keeping

KEPT = "views"
"""Under which name `Keeping` has them."""
LOOKS = ("table", "map", "board")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,40}")


@dataclass(frozen=True, slots=True)
class View:
    """What is left out is as at the start."""

    filter: str = ""
    """A selection."""
    sort: str = "problems"
    """A column, `problems` or `inventory`."""
    descending: bool = False
    """Whether the highest value stands first."""
    group: str = ""
    """`group`, `state` or `label:NAME`."""
    folded: tuple[str, ...] = ()
    """The folded groups: `group/web`, `label:site/site=oslo`."""
    columns: tuple[str, ...] = ()
    """Columns of the table, in order; none: all that fit."""
    look: str = "table"
    """`table`, `map` or `board`."""
    metric: str = ""
    """What the map or the board shows."""


def read(document: object, where: str) -> View:
    """A view as it is written. `where` is said of what is wrong. Raises SettingsError."""
    if not isinstance(document, dict):
        raise SettingsError(f"{where} is no table of settings")
    known = {field.name: field.default for field in fields(View)}
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in known:
            raise SettingsError(f"{where}.{name} is no setting of a view", hint=_hint(str(name), known))
        default = known[name]
        if isinstance(default, tuple):
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise SettingsError(f"{where}.{name} must be a list of text")
            value = tuple(value)
        elif type(value) is not type(default):
            raise SettingsError(f"{where}.{name} must be {'true or false' if isinstance(default, bool) else 'text'}")
        values[name] = value
    view = View(**values)
    for what, given, there in (
        ("sort", (view.sort,), SORTS),
        ("columns", view.columns, tuple(BY_NAME)),
        ("look", (view.look,), LOOKS),
        ("metric", (view.metric,) if view.metric else (), tuple(metrics.BY_NAME)),
    ):
        for one in given:
            if one not in there:
                raise SettingsError(f"{where}.{what}: there is no `{text.plain(one)}`", hint=_hint(one, there))
    return view


def written(view: View) -> dict[str, Any]:
    """A view as it is kept: without what is as at the start."""
    return {name: value for name, value in asdict(view).items() if value != getattr(View(), name)}


def told(view: View) -> str:
    """What a view shows, in short."""
    parts = [
        view.filter and f"/{view.filter}",
        f"{view.sort}{' ▼' if view.descending else ''}",
        view.group and f"by {view.group.removeprefix('label:')}",
        view.folded and f"{len(view.folded)} folded",
        view.columns and f"{len(view.columns)} columns",
        view.look if view.look != "table" else "",
        view.metric,
    ]
    return text.plain("  ".join(part for part in parts if part))


class Views:
    """The views that there are. A kept one stands before one of the settings that has its name."""

    def __init__(self, settings: Mapping[str, Any], keeping: Keeping) -> None:
        """Raises SettingsError for a view of the settings that cannot be read."""
        self._set = {name: read(document, f"dashboard.views.{name}") for name, document in settings.items()}
        for name in self._set:
            if not _NAME.fullmatch(name):
                raise SettingsError(
                    f"dashboard.views: `{text.plain(name)}` is no name", hint="a view's name is one word"
                )
        self._keeping = keeping

    def all(self) -> dict[str, View]:
        """All of them, by name. A kept one that cannot be read (any more) is left out, and stays where it is."""
        kept: dict[str, View] = {}
        for name, document in self._keeping.get(KEPT).items():
            try:
                if _NAME.fullmatch(name):
                    kept[name] = read(document, name)
            except SettingsError:
                continue
        return dict(sorted({**self._set, **kept}.items()))

    def of_settings(self, name: str) -> bool:
        """Whether a view stands in the settings file, so that it cannot be deleted here."""
        return name in self._set and name not in self._keeping.get(KEPT)

    def find(self, name: str) -> View:
        """Raises UsageError."""
        views = self.all()
        if name not in views:
            hint = _hint(name, views) if views else "there is none yet; `save NAME` keeps what is shown"
            raise UsageError(f"there is no view `{text.plain(name)}`", hint=hint)
        return views[name]

    def save(self, name: str, view: View) -> None:
        """Keep a view, in the place of one of the same name. Raises UsageError."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"`{text.plain(name)}` is no name for a view", hint="it is one word, of 40 letters at most"
            )
        self._keeping.put(KEPT, {**self._keeping.get(KEPT), name: written(view)})

    def delete(self, name: str) -> None:
        """Keep it no more. Raises UsageError."""
        kept = self._keeping.get(KEPT)
        if name not in kept:
            self.find(name)
            raise UsageError(f"the view `{text.plain(name)}` is from the settings file", hint="take it out there")
        del kept[name]
        self._keeping.put(KEPT, kept)


def _hint(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean `{near[0]}`?" if near else "one of " + ", ".join(known)
