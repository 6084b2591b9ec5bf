"""Random inventories, YAML and INI, held against the real ansible-inventory: same hosts, groups and effective variables."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from . import peer

GROUPS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta_1", "eta-2")
PATTERNS = (
    "a",
    "b.example.net",
    "web[1:3]",
    "web2",
    "db[01:03]:2201",
    "db02",
    "10.0.0.7",
    "n[a:c]-[1:2]",
    "nb-2",
    "c:2022",
    "c",
    "odd[1:5:2]",
)
NAMES = ("v1", "v2", "v3", "v4", "ansible_host", "ansible_port", "ansible_user", "gridtui_interval")
_text = st.text("abc XYZ019_-./:{}#'\"=[],é", min_size=1, max_size=8).filter(lambda text: text.strip() == text)
_simple = st.one_of(
    st.integers(-99, 99), st.booleans(), st.none(), _text, st.floats(-9, 9, width=16).map(lambda x: round(x, 2))
)
_value = st.recursive(
    _simple,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("kl"), inner, max_size=2),
    max_leaves=3,
)


def _variables(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(NAMES), max_size=most, unique=True))
    return {name: _known(draw, name) for name in chosen}


def _known(draw: st.DrawFn, name: str) -> Any:
    if name == "ansible_port":
        return draw(st.integers(1, 65535))
    if name == "gridtui_interval":
        return draw(st.integers(1, 60))
    return draw(st.sampled_from(["10.1.1.1", "me", "x.net"])) if name.startswith("ansible_") else draw(_value)


def _edges(draw: st.DrawFn) -> dict[str, list[str]]:
    """Which group has which under it: only later ones, so that there are no loops over all sources."""
    return {
        parent: draw(st.lists(st.sampled_from(GROUPS[index + 1 :]), max_size=2, unique=True))
        if index + 1 < len(GROUPS)
        else []
        for index, parent in enumerate(GROUPS)
    }


def _hosts(draw: st.DrawFn, most: int = 3) -> dict[str, dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(PATTERNS), max_size=most, unique=True))
    return {pattern: _variables(draw, 2) for pattern in chosen}


def _with_priority(draw: st.DrawFn, variables: dict[str, Any]) -> dict[str, Any]:
    return (
        {**variables, "ansible_group_priority": draw(st.integers(-2, 20))}
        if draw(st.integers(0, 4)) == 0
        else variables
    )


@st.composite
def _yaml(draw: st.DrawFn) -> str:
    edges = _edges(draw)
    document: dict[str, Any] = {"all": {"hosts": _hosts(draw, 2), "vars": _variables(draw), "children": {}}}
    for group in draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=5, unique=True)):
        content: dict[str, Any] = {}
        if draw(st.booleans()):
            content["hosts"] = _hosts(draw)
        if draw(st.booleans()):
            content["vars"] = _with_priority(draw, _variables(draw))
        if children := edges[group]:
            content["children"] = {
                child: {"hosts": _hosts(draw, 1)} if draw(st.booleans()) else None for child in children
            }
        if draw(st.booleans()):
            document["all"]["children"][group] = content
        else:
            document[group] = content
    if draw(st.booleans()):
        document["ungrouped"] = {"hosts": _hosts(draw, 1)}
    return json.dumps(document, indent=1, ensure_ascii=False)


@st.composite
def _ini(draw: st.DrawFn) -> str:
    edges = _edges(draw)
    lines = [_ini_host(draw, *item) for item in _hosts(draw, 2).items()]
    sections: list[list[str]] = []
    for group in draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=5, unique=True)):
        sections.append([f"[{group}]", *(_ini_host(draw, *item) for item in _hosts(draw).items())])
        if draw(st.booleans()):
            variables = _with_priority(draw, _variables(draw))
            sections.append([f"[{group}:vars]", *(f"{name} = {_ini_text(value)}" for name, value in variables.items())])
        if children := edges[group]:
            sections.append([f"[{group}:children]", *children])
            sections.extend([f"[{child}]"] for child in children)
    if variables := _variables(draw):
        sections.append(["[all:vars]", *(f"{name}={_ini_text(value)}" for name, value in variables.items())])
    for section in draw(st.permutations(sections)):
        lines += ["", *section]
    return "\n".join(lines) + "\n"


def _ini_host(draw: st.DrawFn, pattern: str, variables: dict[str, Any]) -> str:
    words = [pattern]
    for name, value in variables.items():
        text = _ini_text(value)
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        words.append(f"{name}={quoted}")
    return " ".join(words) + draw(st.sampled_from(["", " # note", "   "]))


def _ini_text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


@st.composite
def _folders(draw: st.DrawFn) -> dict[str, str]:
    files: dict[str, str] = {}
    for group in draw(st.lists(st.sampled_from(("all", "ungrouped", *GROUPS)), max_size=4, unique=True)):
        where = draw(st.sampled_from([f"{group}.yml", f"{group}.json", group, f"{group}/one.yaml", f"{group}/in/two"]))
        files[f"group_vars/{where}"] = json.dumps(_variables(draw))
        if "/" in where and draw(st.booleans()):
            files[f"group_vars/{group}/zz.yml"] = json.dumps(_variables(draw))
    for host in draw(
        st.lists(st.sampled_from(("a", "b.example.net", "web2", "db02", "na-1", "c")), max_size=3, unique=True)
    ):
        files[f"host_vars/{host}{draw(st.sampled_from(['', '.yml', '.yaml']))}"] = json.dumps(_variables(draw))
    return files


@st.composite
def inventories(draw: st.DrawFn) -> tuple[dict[str, str], list[str]]:
    """Files to write, and the sources among them: one to three, in one or several folders."""
    files: dict[str, str] = {}
    sources = []
    for index in range(draw(st.integers(1, 3))):
        folder = draw(st.sampled_from(["x/", "y/"]))
        name = f"{folder}hosts{index}" + draw(st.sampled_from([".yaml", ".yml", ".ini", ""]))
        is_yaml = name.endswith((".yaml", ".yml")) or (not name.endswith(".ini") and draw(st.booleans()))
        files[name] = draw(_yaml() if is_yaml else _ini())
        sources.append(name)
        if draw(st.booleans()):
            files.update({folder + path: text for path, text in draw(_folders()).items()})
    # A group's variables are in a file or in a folder; a file where the folder is cannot be written.
    taken = {path.rsplit("/", depth)[0] for path in files for depth in (1, 2)}
    return {path: text for path, text in files.items() if path not in taken}, sources


@pytest.mark.timeout(240)
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(inventories())
def test_the_same_as_ansible(case: tuple[dict[str, str], list[str]]) -> None:
    files, sources = case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer.write(folder, files)
        paths = [folder / source for source in sources]
        theirs = peer.theirs(paths, folder)
        assert theirs is not None, files
        assert peer.ours(peer.load(paths)) == theirs, files
