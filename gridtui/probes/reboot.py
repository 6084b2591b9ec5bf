"""Whether the node wants a reboot. Costs it no process: two files that packages leave, and the running kernel's modules.

Debian and Ubuntu touch /run/reboot-required. Elsewhere a kernel whose modules were removed by an upgrade is a sure sign (Arch,
and Fedora after three kernels); in a container the modules are the host's business. That some newer kernel is installed is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, lines, malformed, marker

_REASONS = {
    b"file": "the system asks for it (/run/reboot-required)",
    b"modules": "the running kernel's modules are gone",
}


@dataclass(frozen=True, slots=True)
class Reboot:
    """Whether, and why."""

    required: bool
    reasons: tuple[str, ...] = ()


def parse(text: bytes) -> Reboot | Unsupported:
    """The section's words, one a line, `ok` last."""
    words = lines(text.rstrip(b"\n"), 8)
    if words[-1] != b"ok":
        return malformed(text) if text.strip() else Unsupported("not told")
    reasons = tuple(text for word, text in _REASONS.items() if word in words)
    return Reboot(bool(reasons), reasons)


def metrics(value: Reboot) -> Mapping[str, float]:
    return {"reboot": float(value.required)}


_SHELL = (
    f"{marker('reboot')}; if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo file; fi; "
    "if [ ! -e /.dockerenv ] && [ ! -e /run/.containerenv ] && [ ! -e /run/systemd/container ]; then r=; read -r r </proc/sys/kernel/osrelease; "
    # An empty /lib/modules is a kernel without modules. `set +f` here is for this one glob.
    'set +f; for i in /lib/modules/*/kernel; do if [ -d "$i" ] && [ "$r" ] && [ ! -d "/lib/modules/$r" ]; then echo modules; break; fi; done; set -f; fi; echo ok'
)

PROBE = Probe("reboot", Tier.SLOW, parse, metrics, sections=("reboot",), fragment=_SHELL)
