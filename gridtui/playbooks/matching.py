"""Nodes on which a playbook was run and nothing has changed since. Owns the manifest on the node, and what is believed of it.

The manifest is `/var/lib/gridtui/applied/<playbook>`: a first line with a digest and the run's id, then lines as sha256sum(1) writes them for the
files that the playbook's roles name as theirs. The digest is over all that the playbook is made of, the node's variables and the run's own. What
cannot be read, or differs, means that the playbook is run.

A role names its files in `defaults/main.yml` or `vars/main.yml`, as a list `<role>_manifest` of absolute paths without templates. A role that names none
is believed by the digest alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SshError
from ..model import Node
from ..ssh.quote import quote
from . import artefacts, material
from .model import Ending, Plan, Playbook

if TYPE_CHECKING:
    from ..ssh import Pool

FOLDER = "/var/lib/gridtui/applied"
_TIMEOUT = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_RUN = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{4}", re.ASCII)

_ROOT = 'if [ "$(id -u)" = 0 ]; then as=; elif [ "$1" = - ]; then as="sudo -n"; else as="sudo -S -p :"; fi; shift; '
_LOOK = (
    _ROOT
    + r"""
exec $as /bin/sh -c '
cd "$0" || exit 0
while [ $# -gt 1 ]; do
    if [ -f "$1" ] && read -r digest run <"$1" && [ "$digest" = "$2" ] &&
        { [ "$(wc -l <"$1")" -eq 1 ] || tail -n +2 "$1" | sha256sum -c >/dev/null 2>&1; }; then
        echo "same $1 $run"
    fi
    shift 2
done' "$@"
"""
)
_KEEP = (
    _ROOT
    + r"""
exec $as /bin/sh -c '
umask 022
mkdir -p "$0" && cd "$0" || exit 1
name=$1; digest=$2; run=$3; shift 3
{ echo "$digest $run"; for file; do [ ! -f "$file" ] || sha256sum -- "$file"; done; } >".$name.new" && mv -f ".$name.new" "$name"' "$@"
"""
)
_FORGET = _ROOT + r"""exec $as /bin/sh -c 'cd "$0" && rm -f -- "$@"' "$@" """


class Manifests:
    """The manifests of one run's playbooks, on its nodes."""

    def __init__(self, plan: Plan, pool: Pool, secret: str | None) -> None:
        self._plan, self._pool, self._secret = plan, pool, secret
        self._playbooks = [playbook for playbook in plan.playbooks if _NAME.fullmatch(_name(playbook))]
        self._made = {_name(one): _digest(material.files([one.path])) for one in self._playbooks}

    async def same(self, nodes: Sequence[Node]) -> set[str]:
        """The names of the nodes that all playbooks match."""
        if len(self._playbooks) < len(self._plan.playbooks):
            return set()
        later = _later()
        found = await asyncio.gather(*(self._same(node, later) for node in nodes))
        return {node.name for node, same in zip(nodes, found, strict=True) if same}

    async def keep(self, nodes: Sequence[Node], run: str) -> None:
        """Write them down, or away where the run was an undo. A node where that fails is run again the next time, and nothing else."""
        await asyncio.gather(*(self._keep(node, run) for node in nodes))

    async def _same(self, node: Node, later: Mapping[tuple[str, str], str]) -> bool:
        pairs = [word for one in self._playbooks for word in (_name(one), self._of(one, node))]
        said = await self._call(node, _LOOK, pairs)
        seen = dict(line.split(" ")[1:3] for line in said.splitlines() if re.fullmatch(r"same \S+ \S+", line))
        for one in self._playbooks:
            run = seen.get(_name(one), "")
            if not _RUN.fullmatch(run) or later.get((_name(one), node.name), run) > run:
                return False
        return True

    async def _keep(self, node: Node, run: str) -> None:
        if self._plan.undo:
            await self._call(node, _FORGET, [_name(one) for one in self._playbooks])
            return
        for one in self._playbooks:
            await self._call(node, _KEEP, [_name(one), self._of(one, node), run, *managed(one.path)])

    def _of(self, playbook: Playbook, node: Node) -> str:
        """What the playbook is for this node."""
        own = json.dumps([dict(node.vars), dict(self._plan.extra), self._plan.tags], sort_keys=True, default=str)
        return hashlib.sha256(f"{self._made[_name(playbook)]}\n{own}".encode()).hexdigest()

    async def _call(self, node: Node, script: str, words: Sequence[str]) -> str:
        """One short command as root over the open connection; empty where it does not work."""
        text = quote("/bin/sh", "-c", script, "sh", "-" if self._secret is None else "+", FOLDER, *words)
        try:
            connection = await self._pool.connect(node)
            done = await connection.run(
                text, input=b"" if self._secret is None else f"{self._secret}\n".encode(), timeout=_TIMEOUT
            )
        except SshError:
            return ""
        return done.stdout.decode("utf-8", "replace") if done.exit_status == 0 else ""


def managed(playbook: Path) -> list[str]:
    """The files that the playbook's roles name as theirs (`<role>_manifest`)."""
    import yaml

    found: list[str] = []
    for path in material.files([playbook]):
        if path.parent.name not in ("defaults", "vars") or path.stem != "main":
            continue
        try:
            document: Any = yaml.safe_load(material.read(path))
        except yaml.YAMLError:
            continue
        named = document.get(f"{path.parent.parent.name}_manifest") if isinstance(document, dict) else None
        if isinstance(named, list):
            found += [one for one in named if isinstance(one, str) and one.startswith("/") and "{{" not in one]
    return list(dict.fromkeys(found))


def _later() -> dict[tuple[str, str], str]:
    """Playbook and node to the last run from here that changed something: a manifest from before it says nothing."""
    return {
        (Path(name).stem, node): kept.run
        for kept in artefacts.runs()
        if not kept.check
        for name in kept.playbooks
        for node in kept.nodes
        if kept.outcomes is None or kept.outcomes.get(node) not in (Ending.MATCHING, Ending.SKIPPED)
    }


def _name(playbook: Playbook) -> str:
    return playbook.path.stem


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        whole.update(f"{path.name} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()
