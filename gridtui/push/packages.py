"""How rsync is installed, by what os-release(5) calls the distribution. Pure."""

from __future__ import annotations

import re

_COMMANDS = {
    "apt-get install rsync": ("debian", "ubuntu", "raspbian", "linuxmint", "pop", "kali", "devuan"),
    "dnf install rsync": ("fedora", "rhel", "centos", "rocky", "almalinux", "ol", "amzn"),
    "zypper install rsync": ("opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles", "sled"),
    "apk add rsync": ("alpine", "postmarketos"),
    "pacman -S rsync": ("arch", "archarm", "manjaro", "endeavouros"),
    "xbps-install rsync": ("void",),
    "emerge net-misc/rsync": ("gentoo",),
    "opkg install rsync": ("openwrt",),
    "nix-env -iA nixos.rsync": ("nixos",),
}
_KNOWN = {name: command for command, names in _COMMANDS.items() for name in names}
_NAME = re.compile(r"[a-z0-9._-]{1,40}", re.ASCII)


def how_to_install(distribution: str) -> str:
    """A few words: the command where it is known, else the package's name, which is the same everywhere."""
    name = distribution.strip().strip("\"'").lower()
    if name in _KNOWN:
        return f"`{_KNOWN[name]}` installs it"
    return f"install the package rsync ({name})" if _NAME.fullmatch(name) else "install the package rsync"
