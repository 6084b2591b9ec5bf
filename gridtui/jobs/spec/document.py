"""Jobs described in YAML. Owns the document's structure and its errors, each with file, line and column.

    defaults: {where: "@render", retries: 2}
    jobs:
      frames: {run: ./frame.sh, array: 1-250, inputs: [frame.sh], outputs: ["*.png"], into: frames}
      movie: {after: frames, run: ffmpeg ..., inputs: [frames]}

Each value is the text that stands there (`nodes`): `NO` is no False, `1:30:00` no 5400 and `1.10` no 1.1.
"""

from __future__ import annotations

import heapq
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SelectionError, SpecError, UsageError
from ...model import clean
from ..model import End, Idle
from . import numbering, script, submission, words
from .fields import FIELDS, IDLE, Field, Shape
from .nodes import Nodes, Wrong, compose
from .submission import Submission

LONGEST = 4 << 20
"""Bytes of a document."""
MOST = 10_000
"""Submissions in one document."""
_SHOWN = 20
"""Errors that are told at once."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_BODY = ("run", "script")
_OTHERS = ("each", "idle")


def parse_yaml(text: str, source: str, folder: Path | None = None) -> list[Submission]:
    """The submissions that a document describes, in an order in which each comes after those that it waits for.

    Paths are meant from `folder`, else from that of the file `source`. Raises SpecError, which holds all that is wrong.
    """
    reader = _Reader(source, folder or Path(os.path.abspath(source)).parent)
    try:
        found = reader.document(compose(text, source))
    except Wrong:
        found = []
    if reader.problems:
        reader.problems.sort(key=lambda one: (one.line or 0, one.column or 0))
        first, *others = reader.problems[:_SHOWN]
        first.others = tuple(others)
        raise first
    return found


def read(path: Path) -> list[Submission]:
    """The submissions of a file. Raises SpecError, UsageError."""
    shown = clean(str(path), 200)
    try:
        with path.open("rb") as stream:
            content = stream.read(LONGEST + 1)
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {(error.strerror or '').lower()}") from None
    return parse_yaml(decoded(content, shown), shown, Path(os.path.abspath(path)).parent)


def decoded(content: bytes, source: str) -> str:
    """The text of a document. Raises SpecError."""
    if len(content) > LONGEST:
        raise SpecError(f"the description is over {LONGEST >> 20} MB", file=source, hint="`each` takes a file of items")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SpecError("this is no UTF-8", file=source, line=line) from None


class _Reader(Nodes):
    """Reads the nodes of a description; notes what is wrong and goes on."""

    # ---- the whole ----

    def document(self, root: Any) -> list[Submission]:
        if root is None:
            self.fail(None, "there is nothing in it", "it holds `jobs:`, or one job with `run:`")
        pairs = self.pairs(root, "a description of jobs")
        if not {"jobs", "defaults"} & pairs.keys():
            return [self.job("", root, pairs, {})]
        for key, (at, _) in pairs.items():
            if key not in ("jobs", "defaults"):
                self.note(
                    at,
                    f"`{clean(key, 60)}` is nothing that a description of jobs has",
                    self.near(key, ("jobs", "defaults")),
                )
        defaults: dict[str, Any] = {}
        if "defaults" in pairs:
            inner = self.pairs(pairs["defaults"][1], "`defaults`")
            for key in ("name", *_BODY):
                if key in inner:
                    self.note(inner.pop(key)[0], f"`{key}` is for each job to say", "")
            defaults = self.values(inner)
        if "jobs" not in pairs:
            self.fail(root, "there are no jobs", "put them under `jobs:`")
        jobs = dict(self.jobs(pairs["jobs"][1]))
        found: dict[str, tuple[Any, Submission]] = {}
        for key, node in jobs.items():
            try:
                found[key] = node, self.job(key, node, self.pairs(node, f"job `{key}`"), defaults, jobs)
            except Wrong:
                continue
        return self.ordered(found) if not self.problems else []

    def jobs(self, node: Any) -> Iterator[tuple[str, Any]]:
        """Jobs by their names: a mapping, or a list of jobs which say theirs."""
        import yaml

        if isinstance(node, yaml.SequenceNode):
            pairs = [(self.listed(index, one), one) for index, one in enumerate(node.value, 1)]
            ats = list(node.value)
        else:
            read = self.pairs(node, "`jobs`")
            pairs = [(key, value) for key, (_, value) in read.items()]
            ats = [at for at, _ in read.values()]
        if not pairs:
            self.fail(node, "there are no jobs", "")
        if len(pairs) > MOST:
            self.fail(node, f"there are {len(pairs):,} jobs; {MOST:,} is the most", "an array is one")
        seen = set()
        for (key, value), at in zip(pairs, ats, strict=True):
            if not _KEY.fullmatch(key):
                self.note(
                    at,
                    f"`{clean(key, 60)}` cannot name a job here",
                    "letters, digits, `_`, `.` and `-`, a letter first",
                )
            elif key in seen:
                self.note(at, f"two jobs are called `{key}`", "")
            else:
                seen.add(key)
                yield key, value

    def listed(self, index: int, node: Any) -> str:
        name = self.pairs(node, f"job {index}").get("name")
        return self.text(name[1], "name") if name else f"job-{index}"

    def ordered(self, found: Mapping[str, tuple[Any, Submission]]) -> list[Submission]:
        """Each after those that it waits for; otherwise as they are written."""
        places = {key: place for place, key in enumerate(found)}
        keys = list(found)
        open_ones = {key: {name for name, _ in one.follows} for key, (_, one) in found.items()}
        followers: dict[str, list[str]] = {key: [] for key in found}
        for key, names in open_ones.items():
            for name in names:
                followers[name].append(key)
        ready = [places[key] for key, names in open_ones.items() if not names]
        done = []
        while ready:
            key = keys[heapq.heappop(ready)]
            done.append(found[key][1])
            del open_ones[key]
            for follower in followers[key]:
                open_ones[follower].discard(key)
                if not open_ones[follower]:
                    heapq.heappush(ready, places[follower])
        if open_ones:
            circle = ", ".join(f"`{key}`" for key in list(open_ones)[:5])
            self.fail(found[next(iter(open_ones))][0], f"{circle} wait for each other", "")
        return done

    # ---- a job ----

    def job(
        self,
        key: str,
        node: Any,
        pairs: dict[str, tuple[Any, Any]],
        defaults: Mapping[str, Any],
        keys: Sequence[str] | Mapping[str, Any] = (),
    ) -> Submission:
        before = len(self.problems)
        bodies = {word: pairs.pop(word)[1] for word in _BODY if word in pairs}
        command, own = "", {"name": words.name_of(key), "key": key} if key else {}
        if len(bodies) != 1:
            self.note(node, "a job has either `run` or `script`" if bodies else "a job needs `run` or `script`", "")
        elif "run" in bodies:
            command = self.command(bodies["run"])
        else:
            command, suggested = self.script(bodies["script"])
            own.setdefault("name", suggested)
        values = self.values(pairs, keys)
        for name in ("labels", "env"):
            if name in values and name in defaults:
                values[name] = {**defaults[name], **values[name]}
        for one, other in (("array", "each"), ("each", "array")):
            if one in values:
                defaults = {name: value for name, value in defaults.items() if name != other}
        if len(self.problems) > before:
            raise Wrong
        try:
            return submission.build(command, {**defaults, **own, **values}, self.folder)
        except UsageError as error:
            self.fail(node, error.message, error.hint)

    def command(self, node: Any) -> str:
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return shlex.join(self.text(one, "a word of `run`") for one in node.value)
        text = self.text(node, "run")
        if not text.strip():
            self.fail(node, "the command is empty", "")
        return text

    def script(self, node: Any) -> tuple[str, str]:
        path = words.absolute(self.text(node, "script"), self.folder)
        try:
            text = script.read(path)
            if script.options(text, str(path)):
                self.note(
                    node,
                    f"the script has options of its own ({script.MARK})",
                    "in YAML say them here, and take them out there",
                )
        except UsageError as error:
            self.fail(node, error.message, error.hint)
        return text, words.name_of(path.name)

    def values(
        self, pairs: Mapping[str, tuple[Any, Any]], keys: Sequence[str] | Mapping[str, Any] = ()
    ) -> dict[str, Any]:
        """Fields' values, as `submission.build` takes them."""
        found: dict[str, Any] = {}
        for key, (at, node) in pairs.items():
            spelled = key.replace("_", "-")
            try:
                if spelled == "after":
                    found["after"], found["follows"] = self.after(node, keys)
                elif spelled == "each":
                    found["each"] = self.items(node)
                elif spelled == "idle":
                    found["idle"] = self.idle(node)
                elif spelled in FIELDS:
                    found[FIELDS[spelled].value] = self.value(FIELDS[spelled], node)
                else:
                    known = (*FIELDS, *_OTHERS, *_BODY)
                    self.note(at, f"`{clean(key, 60)}` is nothing that a job has", self.near(spelled, known))
            except Wrong:
                continue
        return found

    def value(self, field: Field, node: Any) -> Any:
        if field.shape is Shape.FLAG:
            return self.flag(node, field.key)
        if field.shape is Shape.PAIRS:
            return dict(self.assigned(field, node))
        if field.shape is Shape.MANY:
            return tuple(self.read(field, one) for one in self.several(node))
        return self.read(field, node)

    def read(self, field: Field, node: Any) -> Any:
        text = self.text(node, field.key)
        try:
            return field.read(text, self.folder)
        except SelectionError as error:
            single = node.start_mark.line == node.end_mark.line
            inside = error.position + (1 if node.style in ("'", '"') else 0) if single else 0
            self.fail(node, str(error.message), error.hint, inside)
        except UsageError as error:
            self.fail(node, error.message, error.hint)

    def assigned(self, field: Field, node: Any) -> Iterator[tuple[str, str]]:
        for key, (at, value) in self.pairs(node, f"`{field.key}`").items():
            try:
                if field.key == "env":
                    if self.is_null(value):
                        yield words.variable(key, os.environ)
                    else:
                        yield words.assigned(key, self.text(value, key))
                else:
                    yield words.labelled(key, self.text(value, key))
            except UsageError as error:
                self.note(at, error.message, error.hint)

    def after(self, node: Any, keys: Sequence[str] | Mapping[str, Any]) -> tuple[Any, tuple[tuple[str, End], ...]]:
        found: list[Any] = []
        follows: list[tuple[str, End]] = []
        for one in self.several(node):
            for part in self.text(one, "after").split(","):
                try:
                    name, how = numbering.split_end(part)
                    if name in keys:
                        follows.append((name, how))
                    elif name[:1].isdecimal():
                        found += numbering.after(part)
                    else:
                        self.fail(one, f"there is no job `{clean(name, 60)}` here", self.near(name, tuple(keys)))
                except UsageError as error:
                    self.fail(one, error.message, error.hint)
        return tuple(found), tuple(follows)

    def items(self, node: Any) -> tuple[str, ...]:
        import yaml

        if isinstance(node, yaml.SequenceNode):
            found = tuple(self.text(one, "an item") for one in node.value)
        else:
            path = words.absolute(self.text(node, "each"), self.folder)
            try:
                found = read_items(path)
            except UsageError as error:
                self.fail(node, error.message, error.hint)
        try:
            submission.check_items(found)
        except UsageError as error:
            self.fail(node, error.message, error.hint)
        return found

    def idle(self, node: Any) -> Idle | None:
        import yaml

        if not isinstance(node, yaml.MappingNode):
            return Idle() if self.flag(node, "idle") else None
        values: dict[str, Any] = {}
        for key, (at, value) in self.pairs(node, "`idle`").items():
            if key in IDLE:
                values[key] = self.value(IDLE[key], value)
            else:
                self.note(at, f"`{clean(key, 60)}` is nothing that `idle` has", self.near(key, tuple(IDLE)))
        return submission.idle(values)


def read_items(path: Path) -> tuple[str, ...]:
    """The items of a file. Raises UsageError."""
    shown = clean(str(path), 200)
    try:
        return submission.items(path.read_bytes().decode())
    except OSError as error:
        raise UsageError(f"the items in {shown} cannot be read: {(error.strerror or '').lower()}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the items in {shown} are no UTF-8") from None
