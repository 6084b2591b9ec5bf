"""The `gridtui_*` variables. Owns their names, types and the errors about them; docs/INVENTORY.md describes them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..metrics import METRICS
from ..model import clean
from ..settings import LEAST, MOST
from .yaml_text import Vaulted

NAMES = (
    "gridtui_labels",
    "gridtui_thresholds",
    "gridtui_interval",
    "gridtui_slow_interval",
    "gridtui_ping_interval",
    "gridtui_parent",
    "gridtui_maintenance",
    "gridtui_posture_accept",
    "gridtui_slots",
)
ELSEWHERE = (
    "gridtui_profile",
    "gridtui_grid_user",
    "gridtui_controllers",
    "gridtui_remove_packages",
    "gridtui_confirm",
    "gridtui_window",
    "gridtui_serial",
    "gridtui_hosts",
    "gridtui_undo",
    "gridtui_run",
)
"""Read by provisioning (the first two) and by the playbooks, as they stand."""
LABEL = "gridtui_label_"
"""`gridtui_label_site: berlin` is one label, and inherits by itself."""

FACTS = ("name", "state", "layer", "os", "os.version", "kernel", "arch", "virt", "cpus", "cores", "has", "gpu.name")
"""Words of the selection language that are no metrics. A label cannot have these names."""

_LABEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|sec|m|min|h|d)?\s*")
_SLOTS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", re.ASCII)
_UNITS = {"ms": 0.001, None: 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_YES = ("true", "yes", "on", "y", "t", "1", "1.0")
_NO = ("false", "no", "off", "n", "f", "0", "0.0", "")


@dataclass(slots=True)
class Own:
    """What the variables say, in the types of `model.Node`."""

    labels: dict[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    interval: float | None = None
    slow_interval: float | None = None
    ping_interval: float | None = None
    parent: str | None = None
    maintenance: bool = False


class Invalid(ValueError):
    """A value that does not fit; `hint` says what would."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read(variables: Mapping[str, Any], fail: Callable[[str, str, str], None], warn: Callable[[str, str], None]) -> Own:
    """Read the `gridtui_*` ones of `variables`. `fail(variable, message, hint)` and `warn(variable, message)` are told of what is wrong."""
    own = Own()
    singles: dict[str, str] = {}
    for name, value in variables.items():
        if not name.startswith("gridtui_"):
            continue
        try:
            if isinstance(value, Vaulted):
                raise Invalid(f"{name} is encrypted by ansible-vault", "gridtui cannot read it: write it in plain text")
            if name == "gridtui_labels":
                own.labels = _labels(value)
            elif name.startswith(LABEL):
                singles.update(_labels({name[len(LABEL) :]: value}))
                if value is None:
                    singles[name[len(LABEL) :]] = ""
            elif name == "gridtui_thresholds":
                own.thresholds = _thresholds(value)
            elif name in ("gridtui_interval", "gridtui_slow_interval", "gridtui_ping_interval"):
                setattr(own, name.removeprefix("gridtui_"), _seconds(name, value))
            elif name == "gridtui_parent":
                own.parent = _parent(value)
            elif name == "gridtui_maintenance":
                own.maintenance = _truth(name, value)
            elif name == "gridtui_posture_accept":
                _ids(name, value)
            elif name == "gridtui_slots":
                _slots(name, value)
            elif name not in ELSEWHERE:
                _unknown(name, warn)
        except Invalid as error:
            fail(name, str(error), error.hint)
    own.labels = {name: value for name, value in {**own.labels, **singles}.items() if value}
    return own


def _labels(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid("gridtui_labels must be a mapping", "write `gridtui_labels: {site: berlin}`")
    labels: dict[str, str] = {}
    for name, item in value.items():
        shown = clean(str(name), 40)
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name):
            raise Invalid(f"label name `{shown}` must begin with a letter and hold letters, digits and . _ -")
        if name in METRICS or name in FACTS:
            raise Invalid(f"label name `{shown}` means something else in a selection", "choose another name")
        if isinstance(item, bool):
            labels[name] = "true" if item else "false"
        elif isinstance(item, Mapping | list | Vaulted):
            raise Invalid(f"label {shown} must be text or a number")
        elif item is not None:
            labels[name] = clean(str(item), 200)
    return labels


def _thresholds(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise Invalid(
            "gridtui_thresholds must be a mapping of rules", "write `gridtui_thresholds: {disk: {warn: 80, crit: 90}}`"
        )
    return value


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    seconds: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        seconds = float(match[1]) * _UNITS[match[2]]
    if seconds is None or not math.isfinite(seconds) or not LEAST <= seconds <= MOST:
        raise Invalid(
            f"{name} is {_shown(value)}; it must be seconds, from {LEAST:g} to a week", "such as 5, 0.5 or 2m"
        )
    return seconds


def _parent(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Invalid(f"gridtui_parent is {_shown(value)}; it must be the name of a node")
    return value


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) or value is None else "?"
    if word in _YES:
        return True
    if word in _NO or value is None:
        return False
    raise Invalid(f"{name} is {_shown(value)}; it must be true or false")


def _ids(name: str, value: Any) -> None:
    # Read where it is used (`monitor.posture`): which ids there are is not known here.
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if value is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise Invalid(f"{name} must be a list of findings", "write `gridtui_posture_accept: [ssh-x11, ids-missing]`")


def _slots(name: str, value: Any) -> None:
    # Read where it is used (`jobs.placement`). The INI form gives text.
    text = value if isinstance(value, str) else repr(value)
    if value is not None and (isinstance(value, bool) or not _SLOTS.fullmatch(text.strip()) or float(text) > 100_000):
        raise Invalid(f"{name} is {_shown(value)}; it must be a number of CPUs, 0 or more", "such as 8 or 0.5")


def _unknown(name: str, warn: Callable[[str, str], None]) -> None:
    # A slip of the keyboard must not pass; a name far from all of ours may be a newer gridtui's, or a playbook's.
    if near := difflib.get_close_matches(name.lower(), (*NAMES, *ELSEWHERE), 1, 0.8):
        raise Invalid(f"{clean(name, 80)} is no variable of gridtui", f"did you mean {near[0]}?")
    warn(name, f"{clean(name, 80)} is no variable of gridtui and left out")


def _shown(value: Any) -> str:
    return f"`{clean(str(value), 60)}`"
