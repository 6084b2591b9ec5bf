"""Ends what a stopped run left on its nodes: a task's program goes on when the connection that started it is gone. Owns that one command.

Processes are found by the variable that each login of the run had (`calling.MARK`); where sshd or sudo do not let it through, nothing is
found, and nothing is ended.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import SshError
from ..model import Node
from ..ssh.quote import quote
from .calling import MARK

if TYPE_CHECKING:
    from ..ssh import Pool

_SLACK = 15.0

_SCRIPT = r"""
mark=$1; grace=$2
if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then as='sudo -n'; else as=; fi
find() {
    list=
    for file in $($as grep -l -s -a -e "$mark" /proc/[0-9]*/environ 2>/dev/null); do
        id=${file#/proc/}; id=${id%/environ}
        [ "$id" = $$ ] || [ ! -d "/proc/$id" ] || list="$list $id"
    done
}
wait_for() {
    count=$1
    while find; [ -n "$list" ] && [ "$count" -gt 0 ]; do sleep 0.2; count=$((count - 1)); done
}
wait_for "$grace"
for signal in INT TERM KILL; do
    [ -n "$list" ] || break
    $as kill -s "$signal" $list 2>/dev/null
    wait_for 10
done
rm -rf "$HOME"/.ansible/tmp/ansible-tmp-*-gridtui-"$3" 2>/dev/null
set -- $list
echo "left $#"
"""


async def end(nodes: Sequence[Node], pool: Pool, run: str, grace: float) -> list[tuple[str, str]]:
    """Wait `grace` seconds for it, then interrupt, terminate and kill. What could not be ended: node and a line of why."""
    text = f"/bin/sh -c {quote(_SCRIPT)} sh {MARK}={run} {round(grace * 5)} {run}"

    async def one(node: Node) -> str:
        try:
            connection = await pool.connect(node)
            done = await connection.run(text, timeout=grace + _SLACK)
        except SshError as error:
            return f"what the run left there could not be ended: {error.message}"
        found = re.search(rb"left ([0-9]+)", done.stdout)
        return "" if found and found[1] == b"0" else "something of the run still goes on there"

    said = await asyncio.gather(*(one(node) for node in nodes))
    return [(node.name, why) for node, why in zip(nodes, said, strict=True) if why]
