"""The guard of each node, from here: confirm by a login that begins now, take back, ask. Owns what is made of its answers.

The guard itself is a script on the node (`playbooks/roles/guard`, docs/COMMIT_CONFIRM.md) and acts without us. Nothing here uses a connection that
was open before: only a new one shows that a node can still be reached. Knows nothing of Ansible, of batches and of screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..errors import LoginError, SshError
from ..model import Node, clean
from ..settings import Ssh
from ..ssh import Completed, Pool, quote
from .model import Guarded, GuardState, Said, Told

GUARD = "/var/lib/gridtui/guard"
MARGIN = 30.0
"""Seconds after the end of the window within which a node has to answer again: the rollback takes its time, and so does sshd."""
PATIENCE = 90.0
"""Seconds that the guard may take to answer: it waits for another one's end for 60."""
_PAUSES = (0.5, 1.0, 2.0, 3.0)
"""Between two tries of a node that does not answer; the last is repeated."""

_OTHERWISE, _UNKNOWN, _BUSY = 3, 4, 75
"""The guard's exit statuses: decided otherwise before, no such change, another one is armed or at work."""


@dataclass(frozen=True, slots=True)
class Access:
    """How nodes are logged in to."""

    ssh: Ssh
    password: str | None = field(default=None, repr=False)
    """sudo's, for logins that are not root. It goes to sudo's standard input and nowhere else."""
    ask: Callable[[str], Awaitable[str | None]] | None = None
    """Asks for a key's passphrase."""


class Fate(StrEnum):
    """What became of a change on a node."""

    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled-back"
    """What was there before is there again, and the node answers."""
    LOCKED_OUT = "locked-out"
    """It has not answered since, though its time to take the change back is over."""
    UNCHANGED = "unchanged"
    """There was nothing to decide: no change of this run was armed there."""
    FAILED = "failed"
    """It answers, but its guard could not be run: `error` says why. What is armed is taken back all the same."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a run's change on one node."""

    node: str
    fate: Fate
    error: str = ""
    """One line: why it is not what was asked for. Already neutralised."""
    layer: str | None = None
    """The layer that failed, of a node that was not reached."""


class ChangeState(StrEnum):
    ARMED = "armed"
    CONFIRMED = "confirmed"
    ROLLING_BACK = "rolling-back"
    """Being taken back, or tried again because something of it failed."""
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Change:
    """One change that a node's guard knows of."""

    run: str
    playbook: str
    state: ChangeState
    time: float
    """When it was armed, by the node's clock: seconds since the epoch."""
    left: float | None = None
    """Seconds until it is taken back; None unless it is armed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one node's guard knows, oldest first. `error` says why nothing could be learnt."""

    node: str
    changes: tuple[Change, ...] = ()
    error: str = ""
    layer: str | None = None


async def settle(
    nodes: Sequence[Node],
    run: str,
    window: float,
    access: Access,
    *,
    told: Told | None = None,
    margin: float = MARGIN,
) -> dict[str, Settled]:
    """Log in anew to each node and confirm the run's change; wait for those that do not answer until they have taken it back.

    `window`: seconds that are left at most before a node does so by itself. Never raises for a node. A node that answers within the
    window is confirmed; one whose guard acted first is `ROLLED_BACK`; one that is silent for `window + margin` is `LOCKED_OUT`.
    """
    return await _decide(nodes, "confirm", run, window + margin, access, told, Fate.CONFIRMED)


async def confirm(
    nodes: Sequence[Node], run: str, access: Access, *, told: Told | None = None, margin: float = MARGIN
) -> dict[str, Settled]:
    """Keep the run's changes, wherever they are still armed. As `settle`, for who comes later and knows no window."""
    return await _decide(nodes, "confirm", run, margin, access, told, Fate.CONFIRMED)


async def rollback(
    nodes: Sequence[Node], run: str, access: Access, *, told: Told | None = None, margin: float = MARGIN
) -> dict[str, Settled]:
    """Bring back what was there before the run, armed or confirmed. `FAILED` where a later change was built upon it."""
    return await _decide(nodes, "rollback", run, margin, access, told, Fate.ROLLED_BACK)


async def status(nodes: Sequence[Node], access: Access) -> dict[str, Changes]:
    """What each node's guard knows. A node without a guard has no changes."""
    async with _pool(access) as pool:
        found = await asyncio.gather(*(_status(node, pool, access) for node in nodes))
    return {one.node: one for one in found}


def _pool(access: Access) -> Pool:
    """One of our own: that which everybody shares may hold a connection from before the change. Nobody new is trusted here."""
    return Pool(replace(access.ssh, host_keys="strict"), access.ask)


async def _decide(
    nodes: Sequence[Node],
    verb: str,
    run: str,
    seconds: float,
    access: Access,
    told: Told | None,
    done: Fate,
) -> dict[str, Settled]:
    async with _pool(access) as pool:
        found = await asyncio.gather(*(_one(node, verb, run, seconds, pool, access, told, done) for node in nodes))
    return {one.node: one for one in found}


async def _one(
    node: Node, verb: str, run: str, seconds: float, pool: Pool, access: Access, told: Told | None, done: Fate
) -> Settled:
    """Ask the guard of one node until it answers or `seconds` are over."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    tries = 0
    while True:
        error: SshError | None = None
        busy = ""
        try:
            said = await _guard(node, (verb, run, *(["again"] if verb == "rollback" else [])), pool, access)
            if verb == "confirm" and said.exit_status == _OTHERWISE:
                # What a slow controller wrote after the node had taken the change back.
                await _guard(node, ("rollback", run, "again"), pool, access)
        except SshError as failure:
            error = failure
        else:
            if said.exit_status != _BUSY:
                return _tell(_judge(node.name, said, done), verb, told)
            busy = _last(said)
        left = end - clock()
        if left <= 0:
            if error is None:
                return _tell(Settled(node.name, Fate.FAILED, busy), verb, told)
            return _tell(Settled(node.name, Fate.LOCKED_OUT, str(error), error.layer), verb, told)
        if tries == 0 and told and error:
            told(Said(f"cannot be reached by a new login: {error}", node.name, alarm=True))
        pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
        if isinstance(error, LoginError) and not error.retry:
            # A refusal does not change before the node has taken its change back; and sshd counts (PerSourcePenalties).
            pause = max(pause, left - MARGIN, 5.0)
        tries += 1
        await asyncio.sleep(min(pause, left))
        pool.forget(node)


async def _guard(node: Node, words: Sequence[str], pool: Pool, access: Access) -> Completed:
    """One call of a node's guard over a connection of its own. Raises SshError."""
    connection = await pool.connect(node)
    try:
        return await connection.run(
            _command(words, access.password is not None),
            input=b"" if access.password is None else access.password.encode() + b"\n",
            timeout=PATIENCE,
            limit=1 << 18,
        )
    finally:
        with contextlib.suppress(SshError):
            await connection.close()


def _command(words: Sequence[str], password: bool) -> str:
    """Shell text, for any login shell. sudo does not ask where it need not, and reads one line where it must."""
    sudo = "-S -p ''" if password else "-n"
    script = (
        f'if [ "$(id -u)" = 0 ]; then exec {GUARD} "$@"; fi; LC_ALL=C; export LC_ALL; exec sudo {sudo} -- {GUARD} "$@"'
    )
    return quote("/bin/sh", "-c", script, "guard", *words)


_MISSING = re.compile(rb"(?:not found|No such file)", re.IGNORECASE)


def _missing(said: Completed) -> bool:
    """Whether there is no guard there: nothing was ever armed."""
    return said.exit_status in (1, 127) and GUARD.encode() in said.stderr and bool(_MISSING.search(said.stderr))


def _judge(node: str, said: Completed, done: Fate) -> Settled:
    if said.exit_status == 0:
        return Settled(node, done)
    if said.exit_status == _OTHERWISE:
        return Settled(node, Fate.ROLLED_BACK, _last(said))
    if said.exit_status == _UNKNOWN or _missing(said):
        return Settled(node, Fate.UNCHANGED)
    return Settled(node, Fate.FAILED, _last(said))


def _last(said: Completed) -> str:
    lines = [line for line in said.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return clean(lines[-1], 300) if lines else f"the guard ended with status {said.exit_status}"


def _tell(settled: Settled, verb: str, told: Told | None) -> Settled:
    if told and settled.fate is not Fate.UNCHANGED:
        text = {
            Fate.CONFIRMED: "confirmed the change over a new login",
            Fate.ROLLED_BACK: "took the change back" + (" by itself" if verb == "confirm" else ""),
            Fate.LOCKED_OUT: f"does not answer: {settled.error}",
            Fate.FAILED: f"the guard could not {verb}: {settled.error}",
        }[settled.fate]
        unwanted = verb == "confirm" and settled.fate is Fate.ROLLED_BACK
        told(Said(text, settled.node, alarm=unwanted or settled.fate in (Fate.LOCKED_OUT, Fate.FAILED)))
        if settled.fate is not Fate.FAILED:  # then it is what it was
            told(Guarded(settled.node, GuardState(settled.fate.value)))
    return settled


async def _status(node: Node, pool: Pool, access: Access) -> Changes:
    try:
        said = await _guard(node, ("status",), pool, access)
    except SshError as error:
        return Changes(node.name, error=str(error), layer=error.layer)
    if _missing(said):
        return Changes(node.name)
    if said.exit_status != 0:
        return Changes(node.name, error=_last(said))
    try:
        return Changes(node.name, parse(said.stdout.decode("utf-8", "replace")))
    except ValueError as error:
        return Changes(node.name, error=str(error))


_LINE = re.compile(
    r"(?P<run>[A-Za-z0-9][A-Za-z0-9._-]{0,79}) (?P<playbook>[A-Za-z0-9._-]{1,80}) (?P<state>[a-z-]{5,12}) "
    r"(?P<time>[0-9]{1,12}) (?P<left>-|[0-9]{1,6})",
    re.ASCII,
)


def parse(text: str) -> tuple[Change, ...]:
    """The lines of `guard status`. Pure. Raises ValueError for a line that the guard does not write."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match["state"] not in set(ChangeState):
            raise ValueError(f"the guard says what is not understood: {clean(line, 120)}")
        left = None if match["left"] == "-" else float(match["left"])
        found.append(Change(match["run"], match["playbook"], ChangeState(match["state"]), float(match["time"]), left))
    return tuple(found)


def unsettled(found: Mapping[str, Settled]) -> tuple[Settled, ...]:
    """Those that a fleet's next batch has to be held back for: taken back, silent or failed."""
    return tuple(one for one in found.values() if one.fate not in (Fate.CONFIRMED, Fate.UNCHANGED))
