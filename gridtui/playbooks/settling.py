"""What becomes of a batch after a playbook that may cut the link: confirmed, taken back, or locked out. Owns that decision; `guard` acts on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..model import Node
from . import guard
from .guard import Access, ChangeState, Fate, Settled
from .model import Ending, Guarded, GuardState, Outcome, Progress, Said, TaskResult, TaskState, Told

_ARMS, _TAKES_BACK = "Arm the guard", "Take the change back now"
"""Tasks of the role `guard`, by name: `playbooks/roles/guard/tasks`."""
_LOOK = 2.0
"""Seconds between two looks at whether somebody has confirmed."""


def armed(progress: Progress, window: float) -> Guarded | None:
    """What a task of the role `guard` says of a node's guard: armed, or told to take the change back."""
    if isinstance(progress, TaskResult) and progress.role == "guard":
        if progress.task == _ARMS and progress.state in (TaskState.OK, TaskState.CHANGED):
            return Guarded(progress.node, GuardState.ARMED, window)
        if progress.task == _TAKES_BACK and progress.state is TaskState.CHANGED:
            return Guarded(progress.node, GuardState.ROLLED_BACK)
    return None


async def settle(
    well: Sequence[Node],
    ill: Mapping[str, Outcome],
    nodes: Mapping[str, Node],
    change: str,
    window: float,
    access: Access,
    told: Told,
) -> dict[str, Outcome]:
    """Confirm on the nodes that came through (`well`), take back on those that did not (`ill`).

    The outcomes of all `ill`, and of those `well` that could not be confirmed. Never raises for a node.
    """
    broken = [nodes[name] for name in ill]
    confirmed, taken = await asyncio.gather(
        guard.settle(well, change, window, access, told=told),
        guard.rollback(broken, change, access, told=told, margin=window + guard.MARGIN),
    )
    found = {name: _unconfirmed(settled) for name, settled in confirmed.items() if guard.unsettled({name: settled})}
    return found | {name: _taken(ill[name], settled) for name, settled in taken.items()}


async def awaited(well: Sequence[Node], change: str, window: float, access: Access, told: Told) -> dict[str, Outcome]:
    """Wait until somebody else has confirmed, or the nodes have taken it back. Those that are not confirmed then."""
    clock = asyncio.get_running_loop().time
    end = clock() + window + guard.MARGIN
    left = {node.name: node for node in well}
    found: dict[str, Outcome] = {}
    told(Said(f"waits up to {window:g} s for `gridtui playbook confirm {change}`"))
    while left:
        for name, said in (await guard.status(list(left.values()), access)).items():
            state = next((one.state for one in said.changes if one.run == change), None)
            over = clock() > end
            if said.error and over:
                found[name] = _unconfirmed(Settled(name, Fate.LOCKED_OUT, said.error, said.layer))
            elif state in (ChangeState.ROLLED_BACK, ChangeState.ROLLING_BACK):
                found[name] = _unconfirmed(Settled(name, Fate.ROLLED_BACK, "nobody confirmed it"))
            elif not said.error and state is not ChangeState.ARMED:
                del left[name]
                continue
            elif over:
                found[name] = _unconfirmed(Settled(name, Fate.FAILED, "its guard did not act in time"))
            if name in found:
                del left[name]
        if left:
            await asyncio.sleep(_LOOK)
    return found


async def decide(
    verb: str, nodes: Sequence[Node], changes: Sequence[str], access: Access, told: Told | None
) -> dict[str, Settled]:
    """`confirm` or `rollback` all changes of a run, for who comes later; a node's worst fate. What was done last is taken back first."""
    found: dict[str, Settled] = {}
    for change in reversed(changes) if verb == "rollback" else changes:
        act = guard.confirm if verb == "confirm" else guard.rollback
        for name, settled in (await act(nodes, change, access, told=told)).items():
            before = found.get(name)
            if before is None or before.fate is Fate.UNCHANGED or guard.unsettled({name: settled}):
                found[name] = settled
    return found


def _unconfirmed(settled: Settled) -> Outcome:
    why = f": {settled.error}" if settled.error else ""
    match settled.fate:
        case Fate.ROLLED_BACK:
            return Outcome(
                settled.node, Ending.ROLLED_BACK, error=f"was not confirmed in time and took the change back{why}"
            )
        case Fate.LOCKED_OUT:
            text = f"does not answer since the change{why}"
            return Outcome(settled.node, Ending.LOCKED_OUT, error=text, layer=settled.layer)
        case _:
            text = f"could not be confirmed{why}; the node takes the change back by itself"
            return Outcome(settled.node, Ending.FAILED, error=text)


def _taken(ill: Outcome, settled: Settled) -> Outcome:
    """A node where the playbook did not come to its end, and what its guard made of the half of it."""
    match settled.fate:
        case Fate.ROLLED_BACK:
            return replace(ill, status=Ending.ROLLED_BACK, error=f"{ill.error}; what was changed was taken back")
        case Fate.LOCKED_OUT:
            return replace(
                ill,
                status=Ending.LOCKED_OUT,
                error=f"does not answer since the change: {settled.error}",
                layer=settled.layer,
            )
        case Fate.FAILED:
            return replace(ill, error=f"{ill.error}; it could not be taken back: {settled.error}")
        case _:
            return ill
