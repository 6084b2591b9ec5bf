"""The level systemd: a transient service of root's. Owns its text, and how mounts are said there."""

from __future__ import annotations

from ...ssh import quote
from ..model import Mount, Order
from .text import assignments, filled, library, numbers, shared


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    given = numbers(order) | {"box_stop": library("counts.sh") + library("stop.sh")}
    text = filled(library("systemd.sh"), {"mounts": "".join(map(_mount, order.spec.sandbox.mounts))})
    return assignments(given) + shared() + text


def _mount(mount: Mount) -> str:
    option = "BindPaths" if mount.writable else "BindReadOnlyPaths"
    words = f"{_escaped(mount.path)}:{_escaped(mount.inside or mount.path)}"
    return (
        f"[ -e {quote(mount.path)} ] || box_refuse {quote(f'no {mount.path} here')}\n"
        f'set -- "$@" -p {quote(f"{option}={words}")}\n'
    )


def _escaped(path: str) -> str:
    """As systemd.exec(5) reads paths in a list: colons separate, blanks end, quotes and backslashes quote."""
    for sign in ("\\", " ", "\t", ":", '"', "'"):
        path = path.replace(sign, f"\\{sign}")
    return path
