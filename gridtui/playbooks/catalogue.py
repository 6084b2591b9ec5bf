"""The playbooks there are: the shipped ones, the user's own, and any path. Owns finding them and reading their leading comment; runs nothing.

The leading comment says what people have to know before a run: its first line is the title where the first play has no name, the
rest the description, and marks stand in it, each on a line of its own: `# gridtui: cuts the link`, `# gridtui: reboots nodes`,
`# gridtui: can be undone`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..model import clean
from .model import Playbook

CUTS, REBOOTS, UNDOABLE = "cuts the link", "reboots nodes", "can be undone"
SUFFIXES = (".yml", ".yaml")

_HEAD = 16 << 10
"""Bytes of a playbook that are looked at: its leading comment and the name of its first play."""
_MARK = re.compile(r"#\s*gridtui:\s*(.*?)\s*", re.ASCII)
_NAME = re.compile(r"-?\s+name:\s*(.+?)\s*")
_PLAY = re.compile(r"(-\s+(\S+:|\{)|-\s*$)")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All playbooks that have a name."""

    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    """By name, sorted; of a name that is in two places, the first in the order of `read`."""
    twice: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Names that are in more than one place, and all places."""
    warnings: tuple[str, ...] = ()
    """One line each: a folder that is not there, a name that is in two places."""

    def find(self, word: str) -> Playbook:
        """A playbook by its name, or by a path (with a `/` in it, or ending in .yml). Raises UsageError.

        A name that is in two places is refused: a path says which one is meant.
        """
        if "/" in word or word.endswith(SUFFIXES):
            path = Path(word).expanduser()
            if not path.is_file():
                raise UsageError(f"{word}: there is no such playbook")
            return read_one(path, name=word)
        if word in self.twice:
            places = " and ".join(str(path) for path in self.twice[word])
            raise UsageError(f"{word} is in two places: {places}", hint="name the one you mean by its path")
        if word not in self.playbooks:
            import difflib

            near = difflib.get_close_matches(word, self.playbooks, 1)
            hint = f"did you mean {near[0]}?" if near else "`gridtui playbook list` lists them; a path has a / in it"
            raise UsageError(f"there is no playbook {word}", hint=hint)
        return self.playbooks[word]


def shipped() -> Path:
    """The folder of the shipped playbooks: in a wheel beside this file, else the repository's."""
    here = Path(__file__).resolve().parent
    beside = here / "shipped"
    return beside if beside.is_dir() else here.parent.parent / "playbooks"


def read(paths: Sequence[str] = (), own: Path | None = None) -> Catalogue:
    """The user's own (`paths`: folders or files, in that order), then the shipped ones (`own`: another folder of these, for tests)."""
    found: dict[str, list[Playbook]] = {}
    warnings: list[str] = []
    for text in paths:
        place = Path(text).expanduser()
        if not place.exists():
            warnings.append(f"playbooks.paths names {text}, and there is nothing")
            continue
        for playbook in _inside(place, shipped=False):
            found.setdefault(playbook.name, []).append(playbook)
    for playbook in _inside(own or shipped(), shipped=True):
        found.setdefault(playbook.name, []).append(playbook)
    twice: dict[str, tuple[Path, ...]] = {}
    for name, playbooks in found.items():
        if len({os.path.realpath(one.path) for one in playbooks}) > 1:
            twice[name] = tuple(one.path for one in playbooks)
            places = " and ".join(str(path) for path in twice[name])
            warnings.append(f"the playbook {name} is in two places: {places}")
    return Catalogue({name: found[name][0] for name in sorted(found)}, twice, tuple(warnings))


def _inside(place: Path, *, shipped: bool) -> Iterator[Playbook]:
    """The playbooks of a folder (not of those below it, where roles and variables lie), or the one file."""
    files: Iterable[Path] = [place]
    if place.is_dir():
        try:
            files = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES and path.is_file())
        except OSError:
            return
    for path in files:
        if _is_playbook(path):
            yield read_one(path, shipped=shipped)


def read_one(path: Path, *, name: str = "", shipped: bool = False) -> Playbook:
    """What the head of a file says of it. A file that cannot be read has a name and nothing else: Ansible says why."""
    name = name or path.stem
    title, marks = "", set()
    comment: list[str] = []
    for line in _head(path).splitlines():
        text = line.strip()
        if text in ("---", ""):
            if comment and not text:
                comment.append("")
            continue
        if text.startswith("#"):
            if mark := _MARK.fullmatch(text):
                marks.add(mark[1].lower())
            else:
                comment.append(clean(text[1:].strip(), 500))
            continue
        if not _PLAY.match(line) and not line.startswith((" ", "-")):
            break
        if (named := _NAME.fullmatch(line)) and not title:
            title = clean(named[1].strip("\"'"), 200)
            break
    while comment and not comment[-1]:
        comment.pop()
    if not title and comment:
        title = comment.pop(0)
    description = "\n".join(comment).strip("\n")
    return Playbook(
        name,
        path.absolute(),
        title,
        description,
        shipped=shipped,
        cuts=CUTS in marks,
        reboots=REBOOTS in marks,
        undoable=UNDOABLE in marks,
    )


def _is_playbook(path: Path) -> bool:
    """Whether a YAML file looks like a list of plays: other YAML (variables, requirements) lies in such folders, too."""
    for line in _head(path).splitlines():
        text = line.strip()
        if text and text != "---" and not text.startswith("#"):
            return bool(_PLAY.match(line)) and not path.name.startswith((".", "requirements"))
    return False


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return ""
