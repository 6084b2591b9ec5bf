"""Who vouches for a host key: known_hosts, read once, judged strictly, pinned only when asked. Owns these files.

Formats: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": plain, hashed and `[host]:port` names, patterns, `@cert-authority`, `@revoked`.
Knows no connection: `login` asks `Trust` about the key that a server shows.

Stricter than ssh in two ways: a host with a known key that shows another *type* of key counts as changed, and
an unknown key is never pinned where a certificate authority was vouched for.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import fnmatch
import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from ..errors import HostKeyChanged, HostKeyError, HostKeyUnknown
from ..model import clean

PORT = 22

Marker = Literal["", "cert-authority", "revoked"]


@dataclass(slots=True)
class Entry:
    """One line of a known_hosts file."""

    marker: Marker
    names: str
    text: str
    """Key type, base64 key, comment: decoded only when a host needs it."""
    file: Path
    line: int
    _key: asyncssh.SSHKey | None = None
    _bad: bool = False

    @property
    def key(self) -> asyncssh.SSHKey | None:
        """The key; None for what cannot be read (ssh passes over such lines too)."""
        if self._key is None and not self._bad:
            try:
                self._key = asyncssh.import_public_key(self.text)
            except (asyncssh.KeyImportError, ValueError):
                self._bad = True
        return self._key

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class _Hashed:
    salt: bytes
    digest: bytes
    entry: Entry


@dataclass(slots=True)
class KnownHosts:
    """One file, arranged for looking up. 5,000 lines are arranged in about 15 ms; keys are decoded when they are asked for."""

    file: Path
    exact: dict[str, list[Entry]] = field(default_factory=dict)
    patterns: list[Entry] = field(default_factory=list)
    hashed: list[_Hashed] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def find(self, name: str) -> list[Entry]:
        """Entries for `host` or `[host]:port`, in lower case."""
        if self.hashed and name not in self.asked:
            # A hashed line holds one name: once it is known, nobody needs to compute it again.
            self.asked.add(name)
            data, rest = name.encode("utf-8", "surrogateescape"), []
            for item in self.hashed:
                if hmac.digest(item.salt, data, "sha1") == item.digest:
                    self.exact.setdefault(name, []).append(item.entry)
                else:
                    rest.append(item)
            self.hashed = rest
        found = [*self.exact.get(name, ()), *(entry for entry in self.patterns if _matches(entry.names, name))]
        return sorted(found, key=lambda entry: entry.line)


def parse(text: str, file: Path) -> KnownHosts:
    """Arrange a file's text. Lines that hold to no format are passed over, as ssh does. Pure."""
    known = KnownHosts(file)
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] == "#":
            continue
        marker: Marker = ""
        if line[0] == "@":
            word, _, line = line.replace("\t", " ", 1).partition(" ")
            if word == "@cert-authority":
                marker = "cert-authority"
            elif word == "@revoked":
                marker = "revoked"
            else:
                continue
        names, _, key = line.strip().partition(" ")
        if "\t" in names:
            names, _, key = line.strip().partition("\t")
        entry = Entry(marker, names.lower() if names[:1] != "|" else names, key.strip(), file, number)
        if names[:1] == "|":
            if parts := _hash_parts(names):
                known.hashed.append(_Hashed(*parts, entry))
        elif any(char in names for char in "*?!"):
            known.patterns.append(entry)
        else:
            for name in set(entry.names.split(",")):
                known.exact.setdefault(name, []).append(entry)
    return known


def _hash_parts(names: str) -> tuple[bytes, bytes] | None:
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return None
    try:
        return base64.b64decode(parts[2], validate=True), base64.b64decode(parts[3], validate=True)
    except (binascii.Error, ValueError):
        return None


def _matches(names: str, name: str) -> bool:
    """A comma-separated pattern list: any match, unless a `!` pattern matches (ssh_config(5), PATTERNS)."""
    found = False
    for pattern in names.split(","):
        negated = pattern[:1] == "!"
        # only * and ? are special there: [ must not open a character class
        if fnmatch.fnmatchcase(name, pattern[negated:].replace("[", "[[]")):
            if negated:
                return False
            found = True
    return found


_cache: dict[Path, tuple[tuple[int, int, int], KnownHosts]] = {}


def read(file: Path) -> KnownHosts | None:
    """The file, from the cache when stat(2) says that it has not changed. None when it is missing.

    Raises HostKeyUnknown when it cannot be read: without it nobody vouches for anything.
    """
    try:
        seen = file.stat()
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if (cached := _cache.get(file)) and cached[0] == stamp:
            return cached[1]
        known = parse(file.read_bytes().decode("utf-8", "surrogateescape"), file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostKeyUnknown(f"{file}: cannot be read: {error.strerror}") from None
    _cache[file] = (stamp, known)
    return known


def label(host: str, port: int) -> str:
    """The name that known_hosts has for it: `host`, or `[host]:port` when the port is not 22."""
    return host.lower() if port == PORT else f"[{host.lower()}]:{port}"


def hashed(name: str, salt: bytes | None = None) -> str:
    """`name` as HashKnownHosts writes it."""
    salt = salt or os.urandom(20)
    digest = hmac.digest(salt, name.encode(), hashlib.sha1)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


class Trust:
    """What is known of one host, and the verdict about what it shows. Made anew for each login."""

    def __init__(
        self,
        host: str,
        port: int,
        files: Sequence[Path],
        *,
        pins: Path | None = None,
        accept_new: bool = False,
        hash_names: bool = False,
    ) -> None:
        self.name = label(host, port)
        self.pinned = ""
        """The fingerprint that was pinned in this login, or ''."""
        self.error: HostKeyError | None = None
        """Why the key was refused."""
        self._pins, self._accept_new, self._hash_names = pins, accept_new, hash_names
        own = _find(files, self.name)
        # as ssh: an entry without a port serves only when nothing is known of the port, and its mismatch proves nothing
        loose = _find(files, host.lower()) if port != PORT else []
        self.revoked = [entry for entry in [*own, *loose] if entry.marker == "revoked"]
        self._keys = [entry for entry in own if not entry.marker and entry.key]
        self._loose = [entry for entry in loose if not entry.marker and entry.key] if not self._keys else []
        self._authorities = [entry for entry in [*own, *loose] if entry.marker == "cert-authority" and entry.key]

    def algorithms(self) -> list[str]:
        """Host key algorithms to offer: those of known keys first, as OpenSSH orders them, then the rest.

        So a server with an ed25519 and an RSA key shows the one that we know. SHA-1 signatures come last or not at all.
        """
        certificates = [name.decode() for name in get_default_certificate_algs()] if self._authorities else []
        plain = [name.decode() for name in get_default_public_key_algs()]
        known: list[str] = []
        for entry in [*self._keys, *self._loose]:
            assert entry.key is not None
            known += [name.decode() for name in entry.key.sig_algorithms]
        if not known:
            known = ["ssh-ed25519"]  # what ssh would ask for first, so that both pin the same key
        return list(dict.fromkeys([*certificates, *(name for name in known if name in plain), *plain]))

    def revoked_keys(self) -> list[asyncssh.SSHKey]:
        """Keys that are refused whatever else holds."""
        return [entry.key for entry in self.revoked if entry.key]

    def key(self, shown: asyncssh.SSHKey) -> bool:
        """Whether a plain host key is trusted; pins it when that was asked for. On False, `error` says why."""
        fingerprint = shown.get_fingerprint()
        for entry in self.revoked:
            if entry.key == shown:
                self.error = self._revoked(f"{entry.place}", fingerprint)
                return False
        if any(entry.key == shown for entry in [*self._keys, *self._loose]):
            return True
        if self._keys:
            self.error = self._changed(shown, fingerprint)
        elif self._authorities:
            self.error = HostKeyUnknown(
                f"{self.name} shows a plain {_kind(shown)} host key {fingerprint}, but a certificate is expected "
                f"({self._authorities[0].place})",
                fingerprint=fingerprint,
                hint="sign its host key, or verify the key and add it to known_hosts",
            )
        elif self._accept_new and self._pins is not None:
            return self._pin(shown, fingerprint)
        else:
            target = self._pins or "~/.ssh/known_hosts"
            self.error = HostKeyUnknown(
                f"the {_kind(shown)} host key {fingerprint} of {self.name} is not in known_hosts",
                fingerprint=fingerprint,
                hint=f"compare it with `ssh-keygen -lf /etc/ssh/ssh_host_{_kind(shown).lower()}_key.pub` on the node's console, "
                f"then add it with `{_keyscan(self.name)} >> {target}`, or set ssh.host_keys to accept-new",
            )
        return False

    def authority(self, shown: asyncssh.SSHKey) -> bool:
        """Whether a host certificate's signing key is trusted. On False, `error` says why."""
        fingerprint = shown.get_fingerprint()
        for entry in self.revoked:
            if entry.key == shown:
                self.error = self._revoked(entry.place, fingerprint)
                return False
        if any(entry.key == shown for entry in self._authorities):
            return True
        text = f"{self.name} shows a host certificate signed by {fingerprint}"
        if self._authorities:
            places = ", ".join(entry.place for entry in self._authorities)
            self.error = HostKeyChanged(
                f"ALARM: {text}, which is not the known authority ({places})", fingerprint=fingerprint
            )
        else:
            self.error = HostKeyUnknown(f"{text}, which no @cert-authority line vouches for", fingerprint=fingerprint)
        return False

    def refused(self, why: str) -> HostKeyError:
        """The error for a refusal that was not decided here: a revoked key, a certificate for other names or out of its time."""
        if self.error:
            return self.error
        why = clean(why, 200)
        if "revoked" in why:
            return self._revoked(", ".join(entry.place for entry in self.revoked), "")
        return HostKeyError(
            f"the host key of {self.name} does not hold: {why}",
            hint="look at its host certificate with `ssh-keygen -L`",
        )

    def _revoked(self, place: str, fingerprint: str) -> HostKeyChanged:
        return HostKeyChanged(
            f"ALARM: {self.name} shows a host key that was REVOKED ({place}) {fingerprint}".rstrip(),
            fingerprint=fingerprint,
            hint="do not log in: whoever holds this key may be somebody else",
        )

    def _changed(self, shown: asyncssh.SSHKey, fingerprint: str) -> HostKeyChanged:
        same = [entry for entry in self._keys if entry.key and entry.key.algorithm == shown.algorithm]
        entry = (same or self._keys)[0]
        assert entry.key is not None
        more = len(self._keys) - 1
        return HostKeyChanged(
            f"ALARM: the host key of {self.name} has CHANGED: it shows {_kind(shown)} {fingerprint}, "
            f"known is {_kind(entry.key)} {entry.key.get_fingerprint()} ({entry.place}"
            + (f" and {more} more)" if more else ")"),
            fingerprint=fingerprint,
            hint="find out why first: a reinstalled node, or somebody in between; only then "
            f"`ssh-keygen -f {entry.file} -R '{self.name}'`",
        )

    def _pin(self, shown: asyncssh.SSHKey, fingerprint: str) -> bool:
        assert self._pins is not None
        try:
            added = pin(self._pins, self.name, shown, hash_names=self._hash_names)
        except OSError as error:
            self.error = HostKeyUnknown(
                f"the new host key {fingerprint} of {self.name} cannot be pinned in {self._pins}: {error.strerror}",
                fingerprint=fingerprint,
            )
            return False
        except HostKeyError as error:
            self.error = error
            return False
        if added:
            self.pinned = fingerprint
        return True


def _find(files: Iterable[Path], name: str) -> list[Entry]:
    return [entry for file in files if (known := read(file)) for entry in known.find(name)]


def _kind(key: asyncssh.SSHKey) -> str:
    """`ED25519`, `RSA`, `ECDSA`: as ssh says it."""
    return re.sub(r"^(sk-)?(ssh-)?", r"\1", clean(key.algorithm, 60)).split("-")[0].split("@")[0].upper()


def _keyscan(name: str) -> str:
    host, _, port = name.rpartition(":") if name.startswith("[") else (name, "", "")
    return f"ssh-keyscan -p {port} {host.strip('[]')}" if port else f"ssh-keyscan {name}"


def pin(file: Path, name: str, key: asyncssh.SSHKey, *, hash_names: bool = False) -> bool:
    """Append one line for a host that has none. False when the same key was there by now.

    One write(2) with O_APPEND, under flock(2): neither another of us nor a concurrent ssh, which appends likewise, can tear it.
    Raises HostKeyChanged when another key was pinned meanwhile, OSError when it cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            mine = os.fstat(handle)
            try:
                there = file.stat()
            except FileNotFoundError:
                continue
            if (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev):
                continue  # ssh-keygen -R renamed a new file over it while we waited
            with open(os.dup(handle), "rb") as stream:
                stream.seek(0)
                data = stream.read()
            known = [
                entry for entry in parse(data.decode("utf-8", "surrogateescape"), file).find(name) if not entry.marker
            ]
            if any(entry.key == key for entry in known):
                return False
            if any(entry.key for entry in known):
                raise HostKeyChanged(
                    f"ALARM: another host key of {name} was pinned meanwhile ({known[0].place})",
                    fingerprint=key.get_fingerprint(),
                )
            public = key.export_public_key("openssh").decode().split()
            line = f"{hashed(name) if hash_names else name} {public[0]} {public[1]}\n"
            if data and not data.endswith(b"\n"):
                line = "\n" + line
            payload = line.encode()
            if (wrote := os.write(handle, payload)) != len(payload):
                # a full disk: half a line would be worse than none, but somebody else's line must not go with it
                if os.fstat(handle).st_size == len(data) + wrote:
                    os.ftruncate(handle, len(data))
                raise OSError(28, "no space left")
            os.fsync(handle)
            return True
        finally:
            os.close(handle)
