"""What each check looks for in an answer. Pure; owns the meaning of good and bad, not its weight (`findings`).

Each function gives what is wrong, as seen on this node, in one line; '' when nothing is; `Unsupported` when it cannot be told; `Absent` where
the question does not arise.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Unsupported, duration
from .answer import NEEDS_ROOT, Absent, Answer, Firewall, Sshd
from .model import Port

Judged = str | Unsupported | Absent

SHOWN = 6
"""Names in one line; the rest is counted."""
STALE = 7 * 86400.0
"""Seconds after which package lists say little: Debian and Red Hat publish security updates most days."""
EXPOSED = 9.0
"""From here on `systemd-analyze security` says UNSAFE: no setting of the sandbox is in use."""

DANGEROUS = {
    ("tcp", 21): "FTP",
    ("tcp", 23): "telnet",
    ("tcp", 512): "rexec",
    ("tcp", 513): "rlogin",
    ("tcp", 514): "rsh",
    ("tcp", 2375): "Docker's API",
    ("tcp", 2379): "etcd",
    ("tcp", 6379): "Redis",
    ("tcp", 9200): "Elasticsearch",
    ("tcp", 10250): "kubelet",
    ("tcp", 11211): "memcached",
    ("udp", 11211): "memcached",
    ("tcp", 27017): "MongoDB",
    ("udp", 69): "TFTP",
    **{("tcp", 6000 + display): "X11" for display in range(10)},
}
"""Ports of services that ask for no login, send it in clear, or are run without one more often than not."""

CLIENTS = frozenset({("udp", 68), ("udp", 546)})
"""Ports that clients of DHCP keep open: no service."""
SSHD = frozenset({"ssh.service", "sshd.service", "ssh.socket", "sshd.socket"})

BROKEN = ("3des", "arcfour", "blowfish", "cast128", "-cbc", "rijndael", "hmac-md5", "hmac-ripemd", "umac-32", "-96",
          "group1-sha1", "group-exchange-sha1", "group14-sha1", "ssh-dss", "ssh-rsa1")  # fmt: skip
"""Parts of names of SSH algorithms that are broken, or within reach of who has means (RFC 8758, RFC 9142)."""
OLD = ("hmac-sha1", "umac-64", "ssh-rsa")
"""Those that should go: SHA-1, and tags of 64 bits."""


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


# ---- accounts ----


def empty_passwords(answer: Answer) -> Judged:
    seen = answer.accounts
    if isinstance(seen, Unsupported):
        return seen
    if seen.empty:
        return _names(seen.empty)
    return "" if seen.shadow else Unsupported(NEEDS_ROOT)


def other_roots(answer: Answer) -> Judged:
    seen = answer.accounts
    return seen if isinstance(seen, Unsupported) else _names(name for name in seen.roots if name != "root")


def sudo_everything(answer: Answer) -> Judged:
    seen = answer.sudo
    return seen if isinstance(seen, Unsupported) else "; ".join(seen[:SHOWN])


def writable(answer: Answer) -> Judged:
    seen = answer.writable
    return seen if isinstance(seen, Unsupported) else _names(seen)


# ---- sshd ----


def _sshd(answer: Answer, *keywords: str) -> Sshd | Unsupported | Absent:
    """The settings, where all `keywords` are known."""
    seen = answer.sshd
    if isinstance(seen, Sshd):
        for keyword in keywords:
            if keyword not in seen.settings:
                return Unsupported("sshd's files do not tell" if answer.privileged else NEEDS_ROOT)
    return seen


def ssh_password(answer: Answer) -> Judged:
    seen = _sshd(answer, "passwordauthentication", "kbdinteractiveauthentication", "usepam", "authenticationmethods")
    if not isinstance(seen, Sshd):
        return seen
    return _password_ways(seen)


def _password_ways(seen: Sshd) -> str:
    values = seen.settings
    methods = values["authenticationmethods"].split()
    if methods and methods != ["any"] and all("publickey" in method or "hostbased" in method for method in methods):
        return ""  # a password comes on top of a key
    ways = []
    if values["passwordauthentication"] == "yes":
        ways.append("PasswordAuthentication yes")
    if values["kbdinteractiveauthentication"] == "yes" and values["usepam"] == "yes":
        ways.append("KbdInteractiveAuthentication yes with UsePAM yes")
    return ", ".join(ways)


def ssh_root_password(answer: Answer) -> Judged:
    seen = _sshd(answer, "permitrootlogin")
    if not isinstance(seen, Sshd):
        return seen
    if seen.settings["permitrootlogin"] != "yes":
        return ""
    allowed = ssh_password(answer)
    return f"PermitRootLogin yes, {allowed}" if isinstance(allowed, str) and allowed else allowed


def ssh_empty_password(answer: Answer) -> Judged:
    seen = _sshd(answer, "permitemptypasswords")
    if not isinstance(seen, Sshd):
        return seen
    return "PermitEmptyPasswords yes" if seen.settings["permitemptypasswords"] == "yes" else ""


def ssh_open(answer: Answer) -> Judged:
    seen = _sshd(answer, "allowusers", "allowgroups")
    if not isinstance(seen, Sshd):
        return seen
    return "" if seen.settings["allowusers"] or seen.settings["allowgroups"] else "neither AllowGroups nor AllowUsers"


def ssh_x11(answer: Answer) -> Judged:
    seen = _sshd(answer, "x11forwarding")
    if not isinstance(seen, Sshd):
        return seen
    return "X11Forwarding yes" if seen.settings["x11forwarding"] == "yes" else ""


def _algorithms(answer: Answer) -> list[str] | Unsupported | Absent:
    seen = _sshd(answer, "ciphers", "macs", "kexalgorithms")
    if not isinstance(seen, Sshd):
        return seen
    lists = (seen.settings.get(name, "") for name in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"))
    return [name for text in lists for name in text.split(",") if name]


def _broken(name: str) -> bool:
    return any(part in name for part in BROKEN)


def ssh_weak(answer: Answer) -> Judged:
    found = _algorithms(answer)
    return _names(name for name in found if _broken(name)) if isinstance(found, list) else found


def ssh_old(answer: Answer) -> Judged:
    found = _algorithms(answer)
    if not isinstance(found, list):
        return found
    return _names(name for name in found if not _broken(name) and name.startswith(OLD))


# ---- the network ----


def _world(answer: Answer) -> list[Port] | Unsupported:
    """Sockets that the network reaches, were there no firewall, but sshd's and what clients have open for a while."""
    if isinstance(answer.ports, Unsupported):
        return answer.ports
    own = {22}
    if isinstance(answer.sshd, Sshd):
        own |= {
            int(word) for word in answer.sshd.settings.get("port", "22").split() if word.isascii() and word.isdigit()
        }
    return [
        port
        for port in answer.ports
        if port.world and not port.fleeting and (port.protocol, port.port) not in CLIENTS
        if not (port.protocol == "tcp" and (port.port in own or port.process == "sshd" or port.unit in SSHD))
    ]


def _shielded(port: Port, wall: Firewall) -> bool:
    return wall.drops6 if ":" in port.address else wall.drops4 and (port.address != "*" or wall.drops6)


def _open(answer: Answer) -> list[Port] | Unsupported:
    """Those that no firewall stands before. Of a port that a rule lets through nothing is known here."""
    ports = _world(answer)
    if isinstance(ports, Unsupported) or not ports:
        return ports
    wall = answer.firewall
    return wall if isinstance(wall, Unsupported) else [port for port in ports if not _shielded(port, wall)]


def dangerous_ports(answer: Answer) -> Judged:
    ports = _world(answer)
    if isinstance(ports, Unsupported):
        return ports
    if not any((port.protocol, port.port) in DANGEROUS for port in ports):
        return ""
    found = _open(answer)
    if isinstance(found, Unsupported):
        return found
    names = {port: DANGEROUS.get((port.protocol, port.port)) for port in found}
    return _names(f"{name} at {port}" for port, name in names.items() if name)


def unfiltered_ports(answer: Answer) -> Judged:
    found = _open(answer)
    return found if isinstance(found, Unsupported) else _names(map(str, found))


def no_firewall(answer: Answer) -> Judged:
    seen = answer.firewall
    if isinstance(seen, Unsupported):
        return seen
    return "" if seen.drops4 else "no chain on the way in ends in drop or reject"


def no_firewall6(answer: Answer) -> Judged:
    seen = answer.firewall
    if isinstance(seen, Unsupported):
        return seen
    if not seen.drops4 or seen.drops6:
        return ""
    ports = _world(answer)
    if isinstance(ports, Unsupported):
        return ports
    if isinstance(answer.ports, Unsupported) or not any(
        port.world and (":" in port.address or port.address == "*") for port in answer.ports
    ):
        return ""
    return f"{seen.by} does not stand before IPv6"


def exposed_services(answer: Answer) -> Judged:
    services = answer.services
    if isinstance(services, Unsupported | Absent):
        return services
    if isinstance(answer.ports, Unsupported):
        return answer.ports
    reached = {port.unit for port in answer.ports if port.world and port.unit.endswith(".service")}
    # Programs of other users are not told without root, so neither is their unit.
    if not answer.privileged and any(port.world and not port.process for port in answer.ports):
        return Unsupported(NEEDS_ROOT)
    # sshd has to be able to do everything: that is what it is for.
    found = [one for one in services.units if one.unit in reached - SSHD and one.exposure >= EXPOSED]
    return _names(f"{one.unit} ({one.exposure:.1f} of 10)" for one in found)


# ---- updates ----


def pending_updates(answer: Answer) -> Judged:
    seen = answer.updates
    if isinstance(seen, Unsupported):
        return seen
    if not seen.security:
        # Where nothing tells of security updates, their absence says nothing.
        return "" if seen.source else Unsupported("no list tells of security updates")
    return f"{len(seen.security)}: {_names(seen.security)}"


def no_source(answer: Answer) -> Judged:
    seen = answer.updates
    if isinstance(seen, Unsupported):
        return seen
    return "" if seen.source else "no package list is from a suite for security updates"


def old_lists(answer: Answer) -> Judged:
    seen = answer.updates
    if isinstance(seen, Unsupported):
        return seen
    if seen.age is None:
        return Unsupported("their age is not known")
    return f"fetched {duration(seen.age)} ago" if seen.age > STALE else ""


def manual_updates(answer: Answer) -> Judged:
    seen = answer.automatic
    if isinstance(seen, Unsupported):
        return seen
    return "" if seen.on else seen.how


def reboot_due(answer: Answer) -> Judged:
    seen = answer.reboot
    return seen if isinstance(seen, Unsupported) else seen.why if seen.required else ""


# ---- what watches ----


def clock(answer: Answer) -> Judged:
    seen = answer.clock
    if isinstance(seen, Unsupported | Absent):
        return seen
    return "" if seen.synchronised else seen.how


def no_detection(answer: Answer) -> Judged:
    seen = answer.detection
    if isinstance(seen, Unsupported):
        return seen
    return "" if seen.there else "no intrusion detection has reported"


def changed_files(answer: Answer) -> Judged:
    seen = answer.detection
    if isinstance(seen, Unsupported):
        return seen
    if not seen.there:
        return Absent("no intrusion detection")
    if seen.baseline in ("changed", "missing"):
        return f"the baseline itself is {seen.baseline}"
    return (
        f"{seen.changed} changed" if seen.changed else "" if seen.changed is not None else Unsupported("never compared")
    )


def no_mandatory(answer: Answer) -> Judged:
    seen = answer.mandatory
    if isinstance(seen, Unsupported | Absent):
        return seen
    return "" if seen.kind else "neither is there"


def permissive(answer: Answer) -> Judged:
    seen = answer.mandatory
    if isinstance(seen, Unsupported | Absent):
        return seen
    if seen.kind != "selinux":
        return Absent("no SELinux")
    return "permissive" if seen.mode == "permissive" else ""


# ---- the kernel's settings ----


def _settings(answer: Answer, bad: dict[str, tuple[str, ...]]) -> Judged:
    """Those whose value is one of the bad ones. A setting that this kernel does not have is not judged."""
    seen = answer.sysctls
    if isinstance(seen, Unsupported):
        return seen
    known = [name for name in bad if name in seen]
    if not known:
        return Unsupported("not told")
    return _names(f"{name}={seen[name]}" for name in known if seen[name] in bad[name])


def aslr(answer: Answer) -> Judged:
    return _settings(answer, {"kernel.randomize_va_space": ("0",)})


def links(answer: Answer) -> Judged:
    names = ("fs.protected_hardlinks", "fs.protected_symlinks", "fs.protected_fifos", "fs.protected_regular")
    return _settings(answer, dict.fromkeys(names, ("0",)))


def network_settings(answer: Answer) -> Judged:
    return _settings(
        answer,
        {
            "net.ipv4.conf.all.accept_redirects": ("1",),
            "net.ipv4.conf.all.accept_source_route": ("1",),
            "net.ipv6.conf.all.accept_redirects": ("1",),
            "net.ipv6.conf.all.accept_source_route": ("1",),
            "net.ipv4.tcp_syncookies": ("0",),
        },
    )


def leaks(answer: Answer) -> Judged:
    return _settings(answer, {"kernel.dmesg_restrict": ("0",), "kernel.unprivileged_bpf_disabled": ("0",)})
