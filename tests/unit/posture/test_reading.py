"""The readers one by one: tables of lines as the programs write them, and of lines that no program writes."""

from __future__ import annotations

import pytest

from gridtui.model import Unsupported
from gridtui.posture import network, packages, sshd, system
from gridtui.posture.answer import Absent, Automatic, Firewall, Mandatory, Sshd, Updates
from gridtui.posture.model import Port


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=1,fd=3))", Port("tcp", "0.0.0.0", 22, True, "sshd", "ssh.service")),
        (b"udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*", Port("udp", "127.0.0.53", 53, False)),
        (b"tcp LISTEN 0 9 *:80 *:*", Port("tcp", "*", 80, True)),
        (b"tcp LISTEN 0 9 [::ffff:127.0.0.1]:80 *:*", Port("tcp", "::ffff:127.0.0.1", 80, False)),
        (b"tcp LISTEN 0 9 [fe80::1]%eth0:80 [::]:*", Port("tcp", "fe80::1", 80, True)),
        (b"tcp LISTEN 0 9 [::1]:631 [::]:*", Port("tcp", "::1", 631, False)),
        (b"tcp LISTEN 0 9 0.0.0.0:8 0.0.0.0:* users:((\"a\x1b[2J\",pid=1,fd=3))", Port("tcp", "0.0.0.0", 8, True, "a·[2J", "ssh.service")),
        (b"tcp ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000", None),
        (b"tcp LISTEN 0 9 0.0.0.0:0 0.0.0.0:*", None),
        (b"tcp LISTEN 0 9 0.0.0.0:70000 0.0.0.0:*", None),
        (b"tcp LISTEN 0 9 999.0.0.0:70 0.0.0.0:*", None),
        (b"u_str LISTEN 0 9 /run/x 1 * 0", None),
    ],
)  # fmt: skip
def test_a_line_of_ss(line: bytes, expected: Port | None) -> None:
    found = network.ports({"ports.ss": line, "ports.units": b"/proc/1/cgroup:0::/system.slice/ssh.service"})
    assert found == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"tcp    0: 0B00007F:8F49 00000000:0000 0A 0", Port("tcp", "127.0.0.11", 36681, False)),
        (b"tcp    1: 00000000:0016 00000000:0000 0A 0", Port("tcp", "0.0.0.0", 22, True)),
        (b"tcp6    0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0", Port("tcp", "::1", 22, False)),
        (b"tcp6    0: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 0", Port("tcp", "::ffff:127.0.0.1", 22, False)),
        (b"udp  9: 0100000A:0035 00000000:0000 07 0", Port("udp", "10.0.0.1", 53, True)),
        (b"tcp    1: 00000000:0016 00000000:0000 07 0", None),
        (b"udp    1: 00000000:0016 00000000:0000 0A 0", None),
        (b"tcp6    1: 00000000:0016 00000000:0000 0A 0", None),
        (b"tcp    1: 0000000g:0016 00000000:0000 0A 0", None),
    ],
)  # fmt: skip
def test_a_line_of_proc(line: bytes, expected: Port | None) -> None:
    assert network.ports({"ports.proc": line}) == ((expected,) if expected else ())


def test_sockets_are_told_once() -> None:
    line = b'tcp LISTEN 0 9 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=%d,fd=3))'
    found = network.ports({"ports.ss": b"\n".join(line % number for number in range(1, 9))})
    assert isinstance(found, tuple) and len(found) == 1


CHAIN = b"%b|INPUT|\t\ttype filter hook input priority filter; policy %b;|\t\t%b"


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"firewall.none": b""}, Firewall(False, False)),
        ({"firewall.nft": CHAIN % (b"inet gridtui", b"drop", b"counter packets 0 bytes 0 drop")}, Firewall(True, True, "nft inet gridtui")),
        ({"firewall.nft": CHAIN % (b"inet firewalld", b"accept", b"reject with icmpx admin-prohibited")}, Firewall(True, True, "nft inet firewalld")),
        ({"firewall.nft": CHAIN % (b"inet own", b"accept", b'limit rate 5/minute log prefix "drop: "')}, Firewall(False, False)),
        ({"firewall.nft": CHAIN % (b"inet own", b"accept", b"tcp dport 25 drop")}, Firewall(False, False)),
        ({"firewall.nft": CHAIN % (b"inet own", b"accept", b"log drop # handle 7")}, Firewall(True, True, "nft inet own")),
        ({"firewall.nft": CHAIN % (b"ip filter", b"drop", b"")}, Firewall(True, False, "nft ip filter")),
        ({"firewall.nft": CHAIN % (b"ip filter", b"drop", b"") + b"\n" + CHAIN % (b"ip6 filter", b"drop", b"")},
         Firewall(True, True, "nft ip filter, nft ip6 filter")),
        ({"firewall.nft": CHAIN % (b"bridge filter", b"drop", b"")}, Firewall(False, False)),
        ({"firewall.nft": b""}, Firewall(False, False)),
        ({"firewall.iptables": b"-P INPUT DROP\n-A INPUT -j x", "firewall.ip6tables": b"-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp6-adm-prohibited"},
         Firewall(True, True, "iptables, ip6tables")),
        ({"firewall.iptables": b"-P INPUT ACCEPT\n-A INPUT -p tcp --dport 25 -j DROP"}, Firewall(False, False)),
        ({}, Unsupported("not told")),
    ],
)  # fmt: skip
def test_a_firewall_drops_what_it_does_not_know(sections: dict[str, bytes], expected: object) -> None:
    assert network.firewall(sections) == expected


def files(main: bytes, *dropins: bytes) -> Sshd | Unsupported | Absent:
    parts = [b"file /etc/ssh/sshd_config", *(b" " + line for line in main.split(b"\n"))]
    for number, text in enumerate(dropins):
        parts += [b"file /etc/ssh/sshd_config.d/%d.conf" % number, *(b" " + line for line in text.split(b"\n"))]
    return sshd.read({"sshd.files": b"\n".join(parts)})


INCLUDE = b"Include /etc/ssh/sshd_config.d/*.conf\n"


@pytest.mark.parametrize(
    ("main", "dropins", "keyword", "expected"),
    [
        (b"", (), "passwordauthentication", "yes"),
        (b"PasswordAuthentication no\nPasswordAuthentication yes", (), "passwordauthentication", "no"),
        (INCLUDE + b"PasswordAuthentication yes", (b"passwordauthentication no",), "passwordauthentication", "no"),
        (INCLUDE, (b"X11Forwarding no", b"X11Forwarding yes"), "x11forwarding", "no"),
        (b"PasswordAuthentication no\n" + INCLUDE, (b"PasswordAuthentication yes",), "passwordauthentication", "no"),
        (b"PasswordAuthentication=no", (), "passwordauthentication", "no"),
        (b'PermitRootLogin "without-password"', (), "permitrootlogin", "prohibit-password"),
        (b"ChallengeResponseAuthentication no", (), "kbdinteractiveauthentication", "no"),
        (b"AllowUsers a b\nAllowUsers c", (), "allowusers", "a b c"),
        # For some logins it is another value: which one holds for ours cannot be told.
        (b"Match User bob\n  PasswordAuthentication no", (), "passwordauthentication", None),
        (b"Match all\nPasswordAuthentication no", (), "passwordauthentication", "no"),
        (b"Match User bob\nMatch all\nX11Forwarding yes", (), "x11forwarding", "yes"),
        # What else is included may say anything, and before all that follows.
        (b"X11Forwarding yes\nInclude /srv/ssh/*.conf\nPasswordAuthentication no", (), "passwordauthentication", None),
        (b"X11Forwarding yes\nInclude /srv/ssh/*.conf", (), "x11forwarding", "yes"),
        (INCLUDE, (b"Include /etc/ssh/sshd_config.d/0.conf",), "passwordauthentication", None),
        (b"Ciphers aes128-cbc", (), "ciphers", "aes128-cbc"),
        (b"Ciphers +aes128-cbc", (), "ciphers", None),
        (b"", (), "ciphers", None),
    ],
)  # fmt: skip
def test_files_of_sshd_are_read_as_sshd_does(
    main: bytes, dropins: tuple[bytes, ...], keyword: str, expected: str | None
) -> None:
    found = files(main, *dropins)
    assert isinstance(found, Sshd) and not found.effective
    assert found.settings.get(keyword) == expected


def test_a_file_that_cannot_be_read_leaves_what_follows_unknown() -> None:
    text = b"file /etc/ssh/sshd_config\n Include /etc/ssh/sshd_config.d/*.conf\n X11Forwarding no\nfile /etc/ssh/sshd_config.d/a.conf\nunreadable"
    found = sshd.read({"sshd.files": text})
    assert isinstance(found, Sshd) and not found.settings
    assert sshd.read({"sshd.files": b"file /etc/ssh/sshd_config\nunreadable"}) == Unsupported("needs root")
    assert sshd.read({"sshd.none": b""}) == Absent("no sshd")
    assert isinstance(sshd.read({"sshd.effective": b"nonsense"}), Unsupported)


APT = b"listed 100\nlist x_Packages\nlist deb_dists_bookworm-security_main_Packages\n%b\ncomplete"


@pytest.mark.parametrize(
    ("line", "security", "others"),
    [
        (b"Inst openssl [3.0.9-1] (3.0.11-1~deb12u2 Debian-Security:12/stable-security [amd64])", ("openssl",), 0),
        (b"Inst libc6:i386 [2.36-9] (2.36-9+deb12u7 Debian-Security:12/stable-security [i386])", ("libc6",), 0),
        (b"Inst tzdata [2024a-0] (2024b-0 Debian:12.7/stable [all])", (), 1),
        (b"Inst new-kernel (6.1.99-1 Debian-Security:12/stable-security [amd64])", ("new-kernel",), 0),
        (b"Inst esm [1] (2 UbuntuESM:22.04/jammy-infra-security [amd64])", ("esm",), 0),
        (b"Inst \x1b[31m [1] (2 Debian-Security:12/stable-security [amd64])", (), 0),
        (b"Conf openssl (3.0.11-1~deb12u2 Debian-Security:12/stable-security [amd64])", (), 0),
    ],
)  # fmt: skip
def test_a_pending_update_of_apt(line: bytes, security: tuple[str, ...], others: int) -> None:
    assert packages.updates({"updates.apt": APT % line}, 160) == Updates("apt", security, others, 60.0)


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"updates.apt": b"listed 100\ncomplete"}, Unsupported("there are no package lists: apt-get update never ran")),
        ({"updates.apt": b"list x_Packages"}, Unsupported("apt gave no answer")),
        ({"updates.apt": b"list x_Packages\ncomplete"}, Updates("apt", (), 0, None, source=False)),
        ({"updates.dnf": b"complete"}, Unsupported("there are no package lists: dnf makecache never ran")),
        ({"updates.dnf": b"listed 100\nFEDORA-2024-1 Important/Sec. openssh-server-9.6p1-1.fc40.x86_64\nFEDORA-2024-2 bugfix x-1-1.noarch\ncomplete"},
         Updates("dnf", ("openssh-server",), 0, 100.0)),
        ({"updates.dnf": b"listed 100\nFEDORA-2024-3 security Moderate bind-libs-32:9.18-1.fc41.x86_64 2024-10-01 00:00:00\ncomplete"},
         Updates("dnf", ("bind-libs",), 0, 100.0)),
        ({}, Unsupported("not told")),
    ],
)  # fmt: skip
def test_updates(sections: dict[str, bytes], expected: object) -> None:
    assert packages.updates(sections, 200) == expected


@pytest.mark.parametrize(
    ("text", "on"),
    [
        (b'APT::Periodic::Unattended-Upgrade "1";\nprogram\ntimer enabled', True),
        (b'APT::Periodic::Unattended-Upgrade "1";\nprogram', True),
        (b'APT::Periodic::Unattended-Upgrade "1";\nprogram\ntimer masked', False),
        (b'APT::Periodic::Unattended-Upgrade "0";\nprogram\ntimer enabled', False),
        (b'APT::Periodic::Enable "0";\nAPT::Periodic::Unattended-Upgrade "1";\nprogram', False),
        (b"program\ntimer enabled", False),
        (b'APT::Periodic::Unattended-Upgrade "1";\ntimer enabled', False),
    ],
)
def test_unattended_upgrades(text: bytes, on: bool) -> None:
    found = packages.automatic({"automatic.apt": text})
    assert isinstance(found, Automatic) and found.on is on and found.how


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (b"grid ALL=(ALL) NOPASSWD: ALL", True),
        (b"%wheel\tALL=(ALL:ALL) NOPASSWD:ALL", True),
        (b"grid ALL=(root) NOPASSWD:SETENV: ALL", True),
        (b"grid ALL=(root) NOPASSWD: /bin/ls, ALL", True),
        (b"grid ALL=(root) NOPASSWD: ALL, !/bin/su", True),
        (b"Defaults !authenticate", True),
        (b"Defaults:grid env_reset, !authenticate", True),
        (b"grid ALL=(root) NOPASSWD: /usr/bin/rsync", False),
        (b"grid ALL=(root) NOPASSWD: /usr/bin/INSTALL", False),
        (b"grid ALL=(ALL) PASSWD: ALL, NOPASSWD: /usr/bin/id", False),
    ],
)
def test_lines_of_sudoers(line: bytes, counts: bool) -> None:
    assert bool(system.sudo({"sudo": line})) is counts


@pytest.mark.parametrize(
    ("text", "container", "expected"),
    [
        (b"lsm a,selinux\nselinux 1", False, Mandatory("selinux", "enforcing")),
        (b"selinux 0", True, Mandatory("selinux", "permissive")),
        (b"apparmor Y", False, Mandatory("apparmor", "enforcing")),
        (b"lsm lockdown,yama,apparmor", False, Mandatory("apparmor", "enforcing")),
        (b"apparmor N", False, Mandatory("", "")),
        (b"", False, Mandatory("", "")),
        (b"", True, Absent("a container has its host's kernel")),
        (b"selinux 7", False, Mandatory("", "")),
    ],
)
def test_mandatory_access_control(text: bytes, container: bool, expected: object) -> None:
    assert system.mandatory({"mac": text}, container) == expected


def test_services_that_systemd_rates() -> None:
    text = "123\nUNIT EXPOSURE PREDICATE HAPPY\nssh.service 9.6 UNSAFE 😨\ngetty@tty1.service  9.6 UNSAFE :-{\nx.service 99.9 UNSAFE x\n"
    found = system.services({"services": text.encode()}, None)
    assert not isinstance(found, Unsupported | Absent)
    assert [(unit.unit, unit.exposure) for unit in found.units] == [("ssh.service", 9.6), ("getty@tty1.service", 9.6)]
    assert system.services({"services.none": b""}, None) == Absent("no systemd")
    assert isinstance(system.services({"services": b"\x1b[2J\nssh.service 9.6 UNSAFE"}, None), Unsupported)


def test_what_a_question_cost() -> None:
    assert system.cost(b"0m0.010s 0m0.020s\n1m0.500s 0m0.070s") == pytest.approx(60.6)
    assert system.cost(b"0m0.010s") is None
    assert system.cost(b"") is None
