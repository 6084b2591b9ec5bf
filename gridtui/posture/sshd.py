"""sshd's settings: from `sshd -T`, or from its files where root is needed for that. Pure.

Formats: sshd(8) `-T`, one `keyword value` a line; sshd_config(5): the first value of a keyword holds, `Include` reads other files where it
stands, and what follows a `Match` holds for some logins alone.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..model import Unsupported, clean
from .answer import NEEDS_ROOT, Absent, Sshd

KEPT = (
    "port",
    "listenaddress",
    "permitrootlogin",
    "pubkeyauthentication",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "usepam",
    "permitemptypasswords",
    "authenticationmethods",
    "permituserenvironment",
    "strictmodes",
    "maxauthtries",
    "logingracetime",
    "x11forwarding",
    "allowtcpforwarding",
    "allowagentforwarding",
    "gatewayports",
    "permittunnel",
    "allowusers",
    "allowgroups",
    "denyusers",
    "denygroups",
    "authorizedkeysfile",
    "authorizedkeyscommand",
    "trustedusercakeys",
    "hostbasedauthentication",
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
)
"""What is kept of it: all that a check looks at, and what somebody would want to hear of when it changes."""

_DEFAULTS = {
    "permitrootlogin": "prohibit-password",
    "pubkeyauthentication": "yes",
    "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "yes",
    "usepam": "no",
    "permitemptypasswords": "no",
    "authenticationmethods": "any",
    "permituserenvironment": "no",
    "strictmodes": "yes",
    "maxauthtries": "6",
    "x11forwarding": "no",
    "allowusers": "",
    "allowgroups": "",
    "hostbasedauthentication": "no",
}
"""What sshd_config(5) gives where nothing is written, the same since OpenSSH 7.0. The lists of algorithms change with each version: unknown."""

_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "keyboardinteractiveauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
}
_LISTS = frozenset({"port", "listenaddress", "allowusers", "allowgroups", "denyusers", "denygroups"})
"""Keywords that add up where they are repeated."""
_ALGORITHMS = frozenset({"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"})
_LINE = re.compile(r"([A-Za-z0-9]{1,40})(?:[ \t]*=[ \t]*|[ \t]+)(.{1,2000})")
_DEPTH = 8
_LINES = 4000


def read(found: Mapping[str, bytes]) -> Sshd | Unsupported | Absent:
    """The settings, as far as they could be seen."""
    if "sshd.none" in found:
        return Absent("no sshd")
    if "sshd.effective" in found:
        settings = dict(_joined(_pairs(found["sshd.effective"].split(b"\n"))))
        if "passwordauthentication" not in settings:
            return Unsupported("malformed: sshd -T")
        # sshd -T leaves out the lists that nobody set.
        return Sshd(MappingProxyType({"allowusers": "", "allowgroups": "", **settings}), True)
    if "sshd.files" in found:
        return _files(found["sshd.files"])
    return Unsupported("not told")


def _pairs(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines[:_LINES]:
        match = _LINE.fullmatch(clean(line.strip().replace(b"\t", b" "), 2100))
        if match:
            name = match[1].lower()
            yield _ALIASES.get(name, name), match[2].strip().strip('"')


def _joined(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in KEPT:
            if name not in found:
                found[name] = value
            elif name in _LISTS:
                found[name] = f"{found[name]} {value}"
    if found.get("permitrootlogin") == "without-password":  # the old name of the same
        found["permitrootlogin"] = "prohibit-password"
    return found


class _Tree:
    """The files, walked as sshd does. `clouded` collects keywords that are not the same for every login, or that nobody can tell."""

    def __init__(self, files: Mapping[str, list[bytes] | None]) -> None:
        self.files = files
        self.clouded: set[str] = set()
        self.blind = False
        """A file that holds for everybody could not be read: from then on nothing is certain that was not set before."""
        self._left = _LINES

    def walk(self, path: str, depth: int = 0, conditional: bool = False) -> Iterator[tuple[str, str]]:
        rows = self.files.get(path)
        if rows is None or depth > _DEPTH:
            self._unseen(conditional)
            return
        within = conditional
        for name, value in _pairs(rows):
            self._left -= 1
            if self._left < 0:
                self._unseen(False)
                return
            if name == "match":
                within = conditional or value.lower() != "all"
            elif name == "include":
                for pattern in value.split():
                    yield from self._include(pattern.strip('"'), depth, within)
            elif not within:
                if not self.blind:
                    yield name, value
            else:
                self.clouded.add(name)  # for these logins it stands above what holds for all

    def _include(self, pattern: str, depth: int, within: bool) -> Iterator[tuple[str, str]]:
        full = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
        paths = sorted(path for path in self.files if fnmatch.fnmatchcase(path, full))
        if not paths and not full.startswith("/etc/ssh/sshd_config.d/"):
            self._unseen(within)  # a place that was not looked at
        for path in paths:
            yield from self.walk(path, depth + 1, within)

    def _unseen(self, conditional: bool) -> None:
        if conditional:
            self.clouded |= set(KEPT)
        else:
            self.blind = True


def _files(text: bytes) -> Sshd | Unsupported:
    files: dict[str, list[bytes] | None] = {}
    path = ""
    for line in text.split(b"\n")[:_LINES]:
        if line.startswith(b"file "):
            path = clean(line[5:], 256)
            files.setdefault(path, [])
        elif line == b"unreadable":
            files[path] = None
        elif line.startswith(b" ") and (rows := files.get(path)) is not None:
            rows.append(line)
    main = next(iter(files), "")
    if not main or files[main] is None:
        return Unsupported(NEEDS_ROOT)
    tree = _Tree(files)
    settings = _joined(tree.walk(main))
    for name, value in _DEFAULTS.items():
        if name not in settings and not tree.blind:
            settings[name] = value
    for name in tuple(settings):
        # `+`, `-` and `^` change a list that only sshd knows.
        if name in tree.clouded or (name in _ALGORITHMS and settings[name][:1] in "+-^"):
            del settings[name]
    return Sshd(MappingProxyType(settings), False)
