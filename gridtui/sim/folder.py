"""What a controller needs to reach the simulated nodes: keys, known_hosts and an inventory, as files. Knows no socket and no machine.

Everything is made afresh for each run and lies in the caller's folder, mode 0700; nothing outside of it is touched.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from .population import Ail, Person

USER = "sim"
"""The only user that simulated nodes know."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a node listens, and the host key that it shows."""

    person: Person
    host: str
    port: int
    key: asyncssh.SSHKey


@dataclass(frozen=True, slots=True)
class Folder:
    """The files, once written."""

    path: Path

    @property
    def inventory(self) -> Path:
        return self.path / "inventory.yaml"

    @property
    def known_hosts(self) -> Path:
        return self.path / "known_hosts"

    @property
    def identity(self) -> Path:
        return self.path / "id_ed25519"


def write(path: Path, seats: Sequence[Seat], login: asyncssh.SSHKey, with_local: bool = False) -> Folder:
    """Write the folder (made, mode 0700, if it is not there). Raises OSError."""
    path = path.absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    folder = Folder(path)
    _put(folder.identity, login.export_private_key("openssh"))
    _put(folder.known_hosts, known_hosts(seats))
    _put(folder.inventory, inventory(folder, seats, with_local).encode())
    return folder


def known_hosts(seats: Iterable[Seat]) -> bytes:
    """sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. A stranger is left out, an impostor is listed with a key that it does not have."""
    lines = []
    for seat in seats:
        if Ail.STRANGER in seat.person.ails:
            continue
        key = asyncssh.generate_private_key("ssh-ed25519") if Ail.IMPOSTOR in seat.person.ails else seat.key
        host = seat.host if seat.port == 22 else f"[{seat.host}]:{seat.port}"
        lines.append(b"%s %s" % (host.encode(), key.export_public_key("openssh")))
    return b"".join(lines)


def inventory(folder: Folder, seats: Sequence[Seat], with_local: bool) -> str:
    """An Ansible inventory in YAML. Strings that could be read otherwise are written as JSON, which YAML contains."""
    one_port = seats[0].port if len({seat.port for seat in seats}) == 1 else None
    lines = [
        "# SIMULATED nodes: none of them is real. Written by `python -m gridtui.sim`; it ends with that process.",
        "all:",
    ]
    if with_local:
        lines += [
            "  hosts:",
            "    this-machine:  # this one is real",
            "      ansible_connection: local",
            "      gridtui_labels: {site: here, role: controller}",
        ]
    lines += [
        "  children:",
        "    simulated:",
        "      vars:",
        "        simulated: true",
        f"        ansible_user: {USER}",
        f"        ansible_ssh_private_key_file: {json.dumps(str(folder.identity))}",
        f"        ansible_ssh_common_args: {json.dumps(_options(folder.known_hosts))}",
    ]
    if one_port is not None:
        lines.append(f"        ansible_port: {one_port}")
    lines.append("      children:")
    roles: dict[str, list[Seat]] = {}
    sites: dict[str, list[str]] = {}
    for seat in seats:
        roles.setdefault(seat.person.role, []).append(seat)
        sites.setdefault(seat.person.site, []).append(seat.person.name)
    for role, members in roles.items():
        lines += [f"        {role}:", "          hosts:"]
        for seat in members:
            lines.append(f"            {seat.person.name}:")
            lines += [
                f"              {name}: {_value(value)}" for name, value in _variables(seat, one_port is None).items()
            ]
    for site, names in sites.items():
        lines += [f"    site_{site}:", "      hosts:", *(f"        {name}:" for name in names)]
    return "\n".join(lines) + "\n"


def _variables(seat: Seat, own_port: bool) -> dict[str, object]:
    person = seat.person
    values: dict[str, object] = {"ansible_host": seat.host}
    if own_port:
        values["ansible_port"] = seat.port
    values["gridtui_labels"] = person.labels
    if person.parent:
        values["gridtui_parent"] = person.parent
    if Ail.MAINTENANCE in person.ails:
        values["gridtui_maintenance"] = True
    return values


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {item}" for name, item in value.items()) + "}"
    return json.dumps(value) if isinstance(value, bool | int) else str(value)


def _options(known_hosts: Path) -> str:
    # ssh splits the value at blanks once more (ssh_config(5)), so a path with blanks needs quotes of its own.
    path = str(known_hosts)
    value = f'"{path}"' if shlex.quote(path) != path else path
    return shlex.join(["-o", f"UserKnownHostsFile={value}", "-o", "IdentitiesOnly=yes"])


def _put(path: Path, data: bytes) -> None:
    """Replace `path` with `data`, mode 0600."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
