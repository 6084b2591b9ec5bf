"""What people said of alerts, in one file of the state folder that all dashboards and checks share. Owns that file; `health.mutes` says what follows.

Whoever changes it holds its lock for as long as that takes, and reads it again first. Whoever reads it looks at its inode, size and time,
and reads it when they are others. A file that is damaged is moved aside: all alerts are alerts again then, and that is told.
"""

from __future__ import annotations

import getpass
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path

from .. import store
from ..errors import LockedError, StateError, UsageError
from ..health import mutes as rules
from ..model import Hush, Mute, Node, Verdict
from ..settings import state_folder

NAME = "alerts"
PATIENCE = 2.0
"""Seconds to wait for another one who changes the file."""
SETTLED = 60.0
"""Seconds without any of its rules after which an acknowledgement has ended."""

Stamp = tuple[int, int, int] | None


class Mutes:
    """As the file has it, for the nodes of one inventory. Nothing here waits but `look` and what changes it: those belong in a thread where there is a loop."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._known: Mapping[str, tuple[Mute, ...]] = {}
        self._stamp: Stamp = None
        self._quiet: dict[str, float] = {}
        self._turn = threading.Lock()
        self.problem: StateError | None = None
        """Why the last look gave nothing; whoever tells it takes it away."""

    @property
    def names(self) -> Set[str]:
        """The nodes of which something was said."""
        return self._known.keys()

    def of(self, name: str) -> Sequence[Mute]:
        """What was said of a node, whether or not it is in force."""
        return self._known.get(name, ())

    def muted(self, verdict: Verdict, now: float) -> Verdict:
        """The verdict with what was said of its node."""
        known = self._known.get(verdict.node)
        if known is None:
            return verdict if verdict.mute is None else rules.muted(verdict, (), now)
        return rules.muted(verdict, known, now)

    def look(self) -> bool:
        """Read the file where it is another one; whether it was. Never raises: `problem` says why there is nothing."""
        path = state_folder() / f"{NAME}.json"
        with self._turn:
            stamp = _stamp(path)
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                self._take(rules.from_json(store.read_json(path)))
            except StateError as error:
                self.problem = error
                self._take(())
            return True

    def in_force(self, now: float) -> list[Mute]:
        """What has neither run out nor ended, in the order of the nodes."""
        return [
            mute for name in self._nodes for mute in self.of(name) if mute.ended is None and rules.active(mute, now)
        ]

    # ---- making them ----

    def acknowledged(self, nodes: Iterable[Node], verdicts: Mapping[str, Verdict], why: str) -> list[Mute]:
        """That the alerts of these nodes are known of; of those that have one."""
        now, who = time.time(), person()
        found = (
            rules.acknowledgement(node, verdict, now, who, why, self.of(node.name))
            for node in nodes
            if (verdict := verdicts.get(node.name)) is not None
        )
        return [mute for mute in found if mute is not None]

    def hushed(self, nodes: Iterable[Node], hush: Hush, seconds: float | None, why: str) -> list[Mute]:
        """That these nodes are silenced or in maintenance, for so long. Raises UsageError."""
        now, who = time.time(), person()
        if seconds is None and hush is Hush.SILENCED:
            raise UsageError("for how long is it to be silent?", hint="e.g. 15m, 1h, 8h or 1d")
        if seconds is not None and not 0 < seconds <= rules.MOST:
            raise UsageError("a year is the longest that alerts can be silent for")
        until = None if seconds is None else now + seconds
        return [rules.said(node, hush, now, until, who, why) for node in nodes]

    # ---- changes ----

    def add(self, mutes: Sequence[Mute]) -> None:
        """Say these, in the place of what was said of these nodes in the same way. Raises StateError where it could not be kept: then it holds here alone."""
        new = {(mute.hush, mute.node, mute.place) for mute in mutes}
        self._change(lambda known: [*(mute for mute in known if (mute.hush, mute.node, mute.place) not in new), *mutes])

    def take_back(self, names: Iterable[str], hushes: Collection[Hush] = frozenset(Hush)) -> list[Mute]:
        """Take back what was said of these nodes; gives what that was. Raises as `add`."""
        gone = {(name, rules.place(self._nodes[name])) for name in names if name in self._nodes}
        taken: list[Mute] = []

        def edit(known: Sequence[Mute]) -> list[Mute]:
            taken[:] = [mute for mute in known if (mute.node, mute.place) in gone and mute.hush in hushes]
            return [mute for mute in known if mute not in taken]

        self._change(edit)
        return taken

    def end(self, ended: Mapping[str, float]) -> None:
        """The acknowledgements of these nodes ended then. Raises as `add`."""
        places = {(name, rules.place(self._nodes[name])): when for name, when in ended.items() if name in self._nodes}

        def edit(known: Sequence[Mute]) -> list[Mute]:
            return [
                rules.ended(mute, when)
                if (when := places.get((mute.node, mute.place))) is not None and mute.hush is Hush.ACKNOWLEDGED
                else mute
                for mute in known
            ]

        self._change(edit)

    def over(self, verdict: Verdict) -> bool:
        """Whether nothing that was acknowledged holds any more, as far as this verdict can tell."""
        return any(rules.over(mute, verdict) for mute in self.of(verdict.node))

    def settled(self, verdicts: Iterable[Verdict], now: float) -> dict[str, float]:
        """Of which nodes what was acknowledged has ended, and when: nothing of it was seen for a while. For who looks again and again."""
        found: dict[str, float] = {}
        for verdict in verdicts:
            name = verdict.node
            if self.over(verdict):
                began = self._quiet.setdefault(name, now)
                if began > now:  # the clock was set back
                    self._quiet[name] = now
                elif now - began >= SETTLED:
                    found[name] = self._quiet.pop(name)
            else:
                self._quiet.pop(name, None)
        return found

    def _change(self, edit: Callable[[Sequence[Mute]], list[Mute]]) -> None:
        path = state_folder() / f"{NAME}.json"
        with self._turn:
            self._write(path, edit)

    def _write(self, path: Path, edit: Callable[[Sequence[Mute]], list[Mute]]) -> None:
        try:
            store.folder()
            with store.lock(NAME, patience=PATIENCE):
                try:
                    document = store.read_json(path)
                except StateError as error:
                    self.problem, document = error, None
                schema = document.get("schema") if isinstance(document, dict) else None
                if isinstance(schema, int) and schema > rules.SCHEMA:
                    raise StateError(f"{path} was written by a newer gridtui", hint="use that one to change it")
                mutes = rules.pruned(edit(rules.from_json(document)), time.time())
                store.write_json(path, rules.to_json(mutes))
                self._stamp = _stamp(path)
            self._take(mutes)
        except (StateError, LockedError) as error:
            self._take(edit([mute for known in self._known.values() for mute in known]))
            raise StateError(f"{error.message}; it holds here alone until the program ends", hint=error.hint) from error

    def _take(self, mutes: Iterable[Mute]) -> None:
        known: dict[str, list[Mute]] = {}
        for mute in mutes:
            node = self._nodes.get(mute.node)
            if node is not None and rules.place(node) == mute.place:
                known.setdefault(mute.node, []).append(mute)
        # In one step: whoever reads in another thread has the old ones or the new.
        self._known = {name: tuple(found) for name, found in known.items()}


def person() -> str:
    """Who says it: the login, behind sudo too."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.geteuid())


def _stamp(path: Path) -> Stamp:
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns
