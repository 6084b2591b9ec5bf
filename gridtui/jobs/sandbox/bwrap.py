"""The level bwrap: bubblewrap, with or without root. Owns its text and how mounts are said there."""

from __future__ import annotations

from ...ssh import quote
from ..model import Mount, Order
from .text import assignments, filled, library, numbers, shared


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    mounts = order.spec.sandbox.mounts
    blanks = {"places": "".join(map(_place, mounts)), "mounts": "".join(map(_mount, mounts))}
    text = filled(library("bwrap.sh"), blanks)
    return assignments(numbers(order)) + shared() + text


def _place(mount: Mount) -> str:
    inside = mount.inside or mount.path
    missing = f"[ -e {quote(mount.path)} ] || box_refuse {quote(f'no {mount.path} here')}\n"
    return missing + f"box_place {quote(inside)} || box_refuse {quote(f'no {inside} here to mount on')}\n"


def _mount(mount: Mount) -> str:
    return (
        f'set -- "$@" {"--bind" if mount.writable else "--ro-bind"} {quote(mount.path, mount.inside or mount.path)}\n'
    )
