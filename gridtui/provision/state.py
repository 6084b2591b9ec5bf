"""What provisioning remembers of a node between runs: which playbooks went through, as which user it was reached. Owns these files.

No secret is in them, and nothing that cannot be found out again: a missing or damaged file costs another run of the playbooks. A machine
that was installed anew has another machine-id(5), and nothing that is noted counts for it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import StateError
from ..store import folder, read_json, write_json

_SAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(slots=True)
class Memory:
    """One node's."""

    path: Path
    machine: str = ""
    user: str = ""
    method: str = ""
    """How the user became root: ``, `sudo` or `su`."""
    done: dict[str, str] = field(default_factory=dict)
    """Playbook to the digest with which it went through."""

    def holds(self, playbook: str, digest: str, machine: str) -> bool:
        """Whether this very content went through on this very machine."""
        return bool(machine) and machine == self.machine and self.done.get(playbook) == digest

    def met(self, machine: str, user: str, method: str) -> None:
        """Note who logged in, and how that became root. Raises StateError."""
        before = (self.machine, self.user, self.method)
        if machine != self.machine:
            self.machine, self.done = machine, {}
        self.user, self.method = user, method
        if before != (machine, user, method):
            self._write()

    def went(self, playbook: str, digest: str) -> None:
        """Note a playbook that went through. Raises StateError."""
        self.done[playbook] = digest
        self._write()

    def drop(self, playbooks: Iterable[str]) -> None:
        """Forget these: they are to run again. Raises StateError."""
        for name in playbooks:
            self.done.pop(name, None)
        self._write()

    def _write(self) -> None:
        document = {
            "schema": 1,
            "machine": self.machine,
            "user": self.user,
            "method": self.method,
            "done": self.done,
            "time": round(time.time()),
        }
        write_json(self.path, document)


def recall(name: str, where: str) -> Memory:
    """What is known of a node. `where` (`host:port`) tells two nodes of one name apart. Raises StateError where nothing can be kept."""
    place = folder() / "provision"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"{place} cannot be made: {error.strerror}") from None
    digest = hashlib.sha256(f"{name}\n{where}".encode()).hexdigest()[:12]
    path = place / f"{_SAFE.sub('_', name)[:60]}-{digest}.json"
    try:
        data = read_json(path)
    except StateError:
        data = None  # it was moved aside; the node tells what it needs
    memory = Memory(path)
    if isinstance(data, dict) and data.get("schema") == 1:
        memory.machine, memory.user = _text(data.get("machine")), _text(data.get("user"))
        memory.method = _text(data.get("method"))
        done = data.get("done")
        if isinstance(done, dict):
            memory.done = {str(key): value for key, value in done.items() if isinstance(value, str)}
    return memory


def digest(playbook: Path, variables: Mapping[str, Any], more: Iterable[str] = ()) -> str:
    """Of all that a playbook would do: its file, the roles beside it, its variables."""
    whole = hashlib.sha256()
    roles = playbook.parent / "roles"
    files = sorted(path for path in roles.rglob("*") if path.is_file()) if roles.is_dir() else []
    for path in (playbook, *files):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        whole.update(
            f"{path.relative_to(playbook.parent)}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content
        )
    for text in (*(f"{key}={variables[key]!r}" for key in sorted(variables)), *more):
        whole.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return whole.hexdigest()[:32]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
