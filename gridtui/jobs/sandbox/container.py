"""The level container: podman or docker, with the image that the job names. Owns its text, and how mounts are said there."""

from __future__ import annotations

from ...ssh import quote
from ..model import Mount, Order
from .text import assignments, filled, library, numbers, shared


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    sandbox = order.spec.sandbox
    mounts = "".join(map(_mount, sandbox.mounts))
    if sandbox.mounts:
        # A label of SELinux's would be written on the node's own folders; the job's own may have one.
        mounts += 'set -- "$@" --security-opt label=disable\n'
    text = filled(library("container.sh"), {"mounts": mounts})
    given = numbers(order) | {"box_image": sandbox.image}
    return assignments(given) + shared() + text


def _mount(mount: Mount) -> str:
    # --mount reads fields as a line of CSV (RFC 4180), where --volume would take every colon for its own.
    fields = ["type=bind", f"source={mount.path}", f"destination={mount.inside or mount.path}"]
    if not mount.writable:
        fields.append("readonly")
    line = ",".join('"' + field.replace('"', '""') + '"' if set(field) & set(',"\n') else field for field in fields)
    return (
        f"[ -e {quote(mount.path)} ] || box_refuse {quote(f'no {mount.path} here')}\n"
        f'set -- "$@" --mount {quote(line)}\n'
    )
