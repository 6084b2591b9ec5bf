"""Who can reach what: listening sockets and the firewall in front of them. Pure.

Formats: ss(8) of iproute2 (`-H -n -l -t -u -p`), /proc/net/{tcp,udp}{,6} (proc(5)), `nft list ruleset` cut down to the chains that judge
what comes in, `iptables -S INPUT` (its first and last line).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from ..model import Unsupported, clean
from .answer import Firewall
from .model import Port

MOST = 512

_SS = re.compile(
    rb"(tcp|udp) +(?:LISTEN|UNCONN) +[0-9]{1,10} +[0-9]{1,10} +(\S{1,80}):([0-9]{1,5}) +\S{1,80}:(?:\*|[0-9]{1,5})(?: +(.*))?"
)
_USER = re.compile(rb'users:\(\("(.{1,64}?)",pid=([0-9]{1,10}),')
_UNIT = re.compile(
    rb"/proc/([0-9]{1,10})/cgroup:[0-9]{1,3}:[a-z=]{0,16}:(?:/\S*)?/([A-Za-z0-9:_.@\\-]{1,128}\.(?:service|socket|scope))(?:/\S*)?"
)
_PROC = re.compile(
    rb"(tcp|udp)(6?) +[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]{8,32}:[0-9A-F]{4} (0A|07)(?: .*)?"
)


def ports(found: Mapping[str, bytes]) -> tuple[Port, ...] | Unsupported:
    """Listening sockets, by protocol, port and address; at most `MOST`."""
    if "ports.ss" in found:
        units = _units(found.get("ports.units", b""))
        listed = [port for line in found["ports.ss"].split(b"\n") if (port := _ss(line.rstrip(), units))]
    elif "ports.proc" in found:
        listed = [port for line in found["ports.proc"].split(b"\n") if (port := _proc(line.rstrip()))]
    else:
        return Unsupported("not told")
    # Workers share a socket, and one name may stand for several threads.
    unique = {(port.protocol, port.port, port.address): port for port in reversed(listed)}
    return tuple(unique[key] for key in sorted(unique))[:MOST]


def _ss(line: bytes, units: Mapping[bytes, str]) -> Port | None:
    match = _SS.fullmatch(line)
    if not match:
        return None
    address, world = _address(match[2])
    number = int(match[3])
    if not address or not 0 < number < 65536:
        return None
    user = _USER.match(match[4] or b"")
    process, unit = (clean(user[1], 32), units.get(user[2], "")) if user else ("", "")
    return Port(match[1].decode("ascii"), address, number, world, process, unit)


def _units(text: bytes) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for line in text.split(b"\n")[: 2 * MOST]:
        if match := _UNIT.fullmatch(line.rstrip()):
            found.setdefault(match[1], match[2].decode("ascii"))
    return found


def _address(text: bytes) -> tuple[str, bool]:
    """`*`, `0.0.0.0`, `[::]`, `127.0.0.53%lo`, `[fe80::1]%eth0`: the address, and whether it is no loopback one. '' where it is none."""
    if text == b"*":
        return "*", True
    host, _, zone = text.decode("ascii", "replace").replace("[", "").replace("]", "").partition("%")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "", False
    return _text(address), not _loopback(address) and zone != "lo"


def _text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Mapped addresses as ss(8) writes them; `str` does so only since Python 3.13."""
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)


def _loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(mapped.is_loopback if mapped else address.is_loopback)


def _proc(line: bytes) -> Port | None:
    match = _PROC.fullmatch(line)
    if not match or bool(match[2]) != (len(match[3]) == 32) or (match[1] == b"tcp") != (match[5] == b"0A"):
        return None
    # Words of 32 bits in the node's byte order, which is nearly always little.
    raw = bytes.fromhex(match[3].decode("ascii"))
    words = [raw[index : index + 4][::-1] for index in range(0, len(raw), 4)]
    address = ipaddress.ip_address(b"".join(words))
    number = int(match[4], 16)
    return Port(match[1].decode("ascii"), _text(address), number, not _loopback(address)) if number else None


_CHAIN = re.compile(
    r"([a-z0-9]{1,8}) (\S{1,64})\|[^|]{0,64}\|\s*type filter hook input [^|]{0,120}?policy (accept|drop);[^|]{0,40}\|(.{0,400})"
)
# A rule without a condition: counters and logs may stand before the verdict.
_LAST = re.compile(
    r"(?:counter(?: packets \d+ bytes \d+)? )?(?:log(?: \S+)* )?(?:counter(?: packets \d+ bytes \d+)? )?(?:drop|reject(?: with [a-z0-9 -]+)?)(?: # handle \d+)?(?: comment \".{0,100}\")?"
)


def firewall(found: Mapping[str, bytes]) -> Firewall | Unsupported:
    """Whether a base chain on the way in drops what it does not know: by its policy, or by a last rule without a condition.

    What such a chain lets in before is not judged.
    """
    if not any(name in found for name in ("firewall.nft", "firewall.iptables", "firewall.ip6tables", "firewall.none")):
        return Unsupported("not told")
    drops: dict[int, str] = {}
    for line in found.get("firewall.nft", b"").split(b"\n")[:64]:
        match = _CHAIN.fullmatch(clean(line.replace(b"\t", b" "), 600).strip())
        if match and match[1] in ("inet", "ip", "ip6") and (match[3] == "drop" or _LAST.fullmatch(match[4].strip())):
            for version in (4, 6):
                if match[1] in ("inet", "ip" if version == 4 else "ip6"):
                    drops.setdefault(version, f"nft {match[1]} {match[2]}")
    for version, name in ((4, "iptables"), (6, "ip6tables")):
        if _dropped(found.get(f"firewall.{name}", b"")):
            drops.setdefault(version, name)
    by = ", ".join(dict.fromkeys(drops.values()))
    return Firewall(4 in drops, 6 in drops, by)


_RULE = re.compile(rb"-A INPUT(?: -m comment --comment \S{1,64})? -j (?:DROP|REJECT(?: --reject-with [a-z0-9-]+)?)")


def _dropped(text: bytes) -> bool:
    rows = [line.strip() for line in text.split(b"\n")[:2]]
    return rows[0] == b"-P INPUT DROP" or bool(_RULE.fullmatch(rows[-1]))
