"""Whether one job may go to one node now, and in words why not. The plain rules: `plan` keeps to them for many at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...model import size
from ..model import Needs, Sandbox, Spec
from ..sandbox import reached
from .idle import may_start
from .offers import Offer, OfferedGpu

CLOSE = 1e-9
"""CPUs are fractions: ten tenths are one."""


def suits(needs: Needs, gpu: OfferedGpu) -> bool:
    """Whether the job may have that GPU. Where it asks for no memory, at least half must be free: else somebody else is there."""
    if gpu.taken or gpu.busy:
        return False
    if needs.gpu_memory:
        return gpu.free is not None and gpu.free >= needs.gpu_memory
    return gpu.free is None or gpu.memory is None or 2 * gpu.free >= gpu.memory


def choose(needs: Needs, gpus: Iterable[OfferedGpu]) -> tuple[int, ...] | None:
    """The indices of the GPUs that it gets: of those that suit, the ones with the least free memory; larger ones stay for who needs them."""
    if not needs.gpus:
        return ()
    fitting = sorted((gpu.free or 0, gpu.index) for gpu in gpus if suits(needs, gpu))
    return tuple(sorted(index for _, index in fitting[: needs.gpus])) if len(fitting) >= needs.gpus else None


def obstacles(spec: Spec, offer: Offer, matches: bool, now: float) -> list[str]:
    """All that keeps the job from the node now, the most lasting first. Empty: it may start there."""
    found = []
    if offer.closed:
        found.append(offer.closed)
    if not matches:
        found.append(f"does not match `{spec.where}`")
    if reached(spec.sandbox, offer.levels) is None and (offer.levels or not offer.closed):
        found.append(_no_level(spec.sandbox, offer))
    found += _lacks(spec.needs, offer)
    if spec.idle is not None and (not offer.closed or offer.owner.word) and (why := may_start(spec.idle, offer, now)):
        found.append(why)
    return found


def emptied(offer: Offer) -> Offer:
    """The offer as it would be, were all of our jobs there gone."""
    return replace(
        offer,
        cpus_placed=0.0,
        memory_placed=0,
        memory_free=None if offer.memory_free is None else offer.memory_free + offer.memory_placed,
        gpus=tuple(replace(gpu, taken=False) for gpu in offer.gpus),
        jobs=0,
        room=offer.room + offer.jobs,
    )


def reserved(offer: Offer, needs: Needs) -> Offer:
    """The offer as it is for all others while room for such a job is kept there."""
    gpus = [gpu.index for gpu in offer.gpus if suits(needs, gpu)] if needs.gpus else []
    kept = choose(needs, offer.gpus) or gpus
    return replace(
        offer,
        cpus_placed=offer.cpus_placed + needs.cpus,
        memory_free=None if offer.memory_free is None else offer.memory_free - needs.memory,
        disk_free=None if offer.disk_free is None else offer.disk_free - needs.disk,
        gpus=tuple(replace(gpu, taken=gpu.taken or gpu.index in kept) for gpu in offer.gpus),
    )


def _lacks(needs: Needs, offer: Offer) -> list[str]:
    found = []
    if offer.cpus and needs.cpus and needs.cpus > offer.cpus_open + CLOSE:
        found.append(_cpus(needs.cpus, offer))
    if needs.memory and (offer.memory_free is None or needs.memory > offer.memory_free):
        if offer.memory_free is not None:
            found.append(_memory(needs.memory, offer))
        elif not offer.closed:
            found.append("its memory is not known")
    if needs.gpus and choose(needs, offer.gpus) is None and (offer.gpus or not offer.closed):
        found.append(_gpus(needs, offer))
    if needs.disk and (offer.disk_free is None or needs.disk > offer.disk_free):
        if offer.disk_free is not None:
            found.append(f"needs {size(needs.disk)} of disk, {size(max(0, offer.disk_free))} free")
        elif not offer.closed:
            found.append("its free disk is not known")
    if not offer.room and not offer.closed:
        found.append(f"has {offer.jobs} jobs, as many as it may have")
    return found


def _cpus(asked: float, offer: Offer) -> str:
    of = "slots" if offer.slots else "in all"
    parts = [f"{number(offer.cpus)} {of}", f"{number(offer.cpus_placed)} placed"]
    if not offer.slots:
        parts.append(f"load of others {offer.load:.1f}")
    if asked > offer.cpus + CLOSE:
        return f"needs {number(asked)} cpus, has {number(offer.cpus)}"
    return f"needs {number(asked)} cpus, {number(max(0.0, offer.cpus_free))} free: {', '.join(parts)}"


def _memory(asked: int, offer: Offer) -> str:
    if offer.memory is not None and asked > offer.memory:
        return f"needs {size(asked)} of memory, has {size(offer.memory)}"
    free, total = offer.memory_free or 0, offer.memory or 0
    used = max(0, total - free - offer.memory_placed)
    return (
        f"needs {size(asked)} of memory, {size(max(0, free))} free: "
        f"{size(total)} in all, {size(offer.memory_placed)} placed, {size(used)} used otherwise"
    )


def _gpus(needs: Needs, offer: Offer) -> str:
    wanted = f"{needs.gpus} GPU{'s' if needs.gpus > 1 else ''}"
    if needs.gpu_memory:
        wanted += f" with {size(needs.gpu_memory)} free"
    if not offer.gpus:
        return f"needs {wanted}, has none"
    taken = sum(gpu.taken for gpu in offer.gpus)
    busy = sum(gpu.busy and not gpu.taken for gpu in offer.gpus)
    fitting = sum(suits(needs, gpu) for gpu in offer.gpus)
    small = len(offer.gpus) - taken - busy - fitting
    parts = [
        f"{count} {what}" for count, what in ((taken, "placed"), (busy, "busy"), (small, "without the memory")) if count
    ]
    return f"needs {wanted}, {fitting} free: {', '.join([f'{len(offer.gpus)} in all', *parts])}"


def _no_level(sandbox: Sandbox, offer: Offer) -> str:
    has = ", ".join(one.word for one in sorted(offer.levels)) or "none"
    if sandbox.image:
        return f"runs no containers; its sandboxes: {has}"
    span = sandbox.least.word if sandbox.least == sandbox.most else f"{sandbox.least.word} to {sandbox.most.word}"
    return f"needs a sandbox of {span}; it offers {has}"


def number(value: float) -> str:
    """CPUs with as many digits as say something: `8`, `3.5`, `0.25`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
