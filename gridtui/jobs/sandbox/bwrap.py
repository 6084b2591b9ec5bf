"""The level bwrap: bubblewrap, with or without root. Owns its text and how mounts are said there."""

from __future__ import annotations

from ...ssh import quote
from ..model import Mount, Order
from .text import assignments, filled, library, numbers, shared


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    text = filled(library("bwrap.sh"), {"mounts": "".join(map(_mount, order.spec.sandbox.mounts))})
    return assignments(numbers(order)) + shared() + text


def _mount(mount: Mount) -> str:
    return (
        f"[ -e {quote(mount.path)} ] || box_refuse {quote(f'no {mount.path} here')}\n"
        f'set -- "$@" {"--bind" if mount.writable else "--ro-bind"} {quote(mount.path, mount.inside or mount.path)}\n'
    )
