"""Which disks and network interfaces are real ones, so that no byte is counted twice. Costs the node no process.

A device with a driver has a `device` link in /sys/class/net/NAME or /sys/block/NAME; bridges, bonds, veth, VLANs, tunnels, loop,
RAM, device-mapper and md devices have none: their bytes pass a real device as well. Where nothing has such a link (a container,
a restricted /sys), names decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import NOTHING
from .frame import Tier
from .probe import Probe, lines, marker

MOST = 1024
"""Devices of one kind looked at."""

_LINE = re.compile(rb"(net|disk) ([!-.0-~]{1,64})")
_NOT_A_NET = re.compile(
    rb"lo|(?:veth|docker|br-|virbr|vnet|tun|tap|wg|bond|team|dummy|ifb|vxlan|flannel|cni|cali|cilium|lxc|lxd|kube|nodelocaldns|tailscale|zt|sit|gre|ip6|ovs|macv|ipvlan|vmnet|podman).*|.*[.@].*"
)
_NOT_A_DISK = re.compile(
    rb"(?:loop|ram|dm-|md|zram|sr|fd|nbd|drbd|zd).*|(?:[sv]d|hd|xvd)[a-z]+\d+|nvme\d+c\d+n\d+|(?:nvme\d+n\d+|mmcblk\d+)p\d+|mmcblk\d+(?:boot|rpmb).*"
)


@dataclass(frozen=True, slots=True)
class Devices:
    """Names of real devices; empty where the node does not tell, and names decide."""

    nets: frozenset[bytes] = frozenset()
    disks: frozenset[bytes] = frozenset()

    def net(self, name: bytes) -> bool:
        """Whether this interface's bytes count."""
        return name in self.nets if self.nets else _NOT_A_NET.fullmatch(name) is None

    def disk(self, name: bytes) -> bool:
        """Whether this block device's bytes count."""
        return name in self.disks if self.disks else _NOT_A_DISK.fullmatch(name) is None


def parse(text: bytes) -> Devices:
    """The section's lines `net NAME` and `disk NAME`."""
    found: dict[bytes, set[bytes]] = {b"net": set(), b"disk": set()}
    for line in lines(text, 2 * MOST):
        if match := _LINE.fullmatch(line):
            found[match[1]].add(match[2])
    return Devices(frozenset(found[b"net"]), frozenset(found[b"disk"]))


_SHELL = (
    f"{marker('devices')}; set +f; "
    'for i in /sys/class/net/*/device; do if [ -e "$i" ]; then i=${i%/device}; echo "net ${i##*/}"; fi; done; '
    'for i in /sys/block/*/device; do if [ -e "$i" ]; then i=${i%/device}; echo "disk ${i##*/}"; fi; done; set -f'
)

PROBE = Probe("devices", Tier.FAST, parse, lambda value: NOTHING, sections=("devices",), fragment=_SHELL)
