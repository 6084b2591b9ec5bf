"""The level bwrap: bubblewrap, with or without root. Owns its text and how mounts are said there."""

from __future__ import annotations

from ...ssh import quote
from ..model import Order
from . import limits
from .text import assignments, filled, library


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    sandbox = order.spec.sandbox
    given = limits.values(order.spec.needs) | {
        "box_gpus": " ".join(map(str, order.gpus)),
        "box_network": int(sandbox.network),
    }
    mounts = "".join(
        f"[ -e {quote(mount.path)} ] || box_refuse {quote('no ' + mount.path + ' here')}\n"
        f'set -- "$@" {"--bind" if mount.writable else "--ro-bind"} {quote(mount.path, mount.inside or mount.path)}\n'
        for mount in sandbox.mounts
    )
    text = filled(library("bwrap.sh"), {"mounts": mounts})
    return assignments(given) + library("common.sh") + library("limits.sh") + text
