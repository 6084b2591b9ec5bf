"""An inventory made of `~/.ssh/config` and known_hosts. Owns which names are hosts, and how OpenSSH's options become variables.

What an alias means is asked of `ssh -G`, which honours Include, Match and tokens as no reader of ours would; a small reader of
the file only finds the aliases.
"""

from __future__ import annotations

import glob
import itertools
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Evidence, InventoryError
from ..model import clean
from . import hosts

_DEPTH = 16
"""Includes within includes, as in OpenSSH."""
_KEPT = ("proxyjump", "proxycommand", "hostkeyalias", "identitiesonly", "certificatefile", "identityagent", "addressfamily", "bindaddress", "userknownhostsfile", "stricthostkeychecking", "compression", "forwardagent", "ciphers", "kexalgorithms", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms")  # fmt: skip
"""Options that are carried over where the file sets them; names as `ssh -G` prints them."""
_LINE = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*")


@dataclass(slots=True)
class _Found:
    hosts: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def import_hosts(config: Path | None = None, known_hosts: Path | None = None) -> str:
    """Ansible YAML text of the hosts that ssh knows: group `ssh_config` from the aliases, `known_hosts` from the plain names there.

    None means the user's own files, which may be missing. Wildcards, hashed names and keys that are marked `@revoked` or
    `@cert-authority` are left out, and counted in a comment. Raises InventoryError.
    """
    folder = Path.home() / ".ssh"
    notes: list[str] = []
    from_config = _Found()
    file = config or folder / "config"
    if config is not None or file.exists():
        from_config = _from_config(file)
    from_known = _Found()
    file = known_hosts or folder / "known_hosts"
    if known_hosts is not None or file.exists():
        from_known = _from_known_hosts(file, notes)
    taken = {*from_config.hosts, *(str(values.get("ansible_host")) for values in from_config.hosts.values())}
    for name in [name for name in from_known.hosts if name in taken]:
        del from_known.hosts[name]
    for found in (from_config, from_known):
        notes += [f"left out: {text}" for text in found.left_out]
    lines = [
        "# Made by `gridtui inventory import`.",
        *(f"# {clean(note, 200)}" for note in notes),
        "all:",
        "  children:",
    ]
    for group, found in (("ssh_config", from_config), ("known_hosts", from_known)):
        if not found.hosts:
            lines.append(f"    {group}: {{}}")
            continue
        lines += [f"    {group}:", "      hosts:"]
        for name, values in found.hosts.items():
            lines.append(f"        {json.dumps(name)}:{'' if values else ' {}'}")
            # JSON's text is YAML's, whatever is in it.
            lines += [f"          {key}: {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _from_config(file: Path) -> _Found:
    found = _Found()
    aliases: dict[str, None] = {}
    _aliases(file, aliases, found, 0)
    fit = []
    for alias in aliases:
        try:
            fit.append(hosts.check(alias))
        except hosts.PatternError as error:
            found.left_out.append(str(error))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda alias: (_effective(alias, file), _effective(alias, Path("/dev/null"))), fit))
    for alias, (set_here, default) in zip(fit, results, strict=True):
        found.hosts[alias] = _variables(alias, set_here, default)
    return found


def _aliases(file: Path, aliases: dict[str, None], found: _Found, depth: int) -> None:
    if depth > _DEPTH:
        raise InventoryError("Include is nested too deeply", file=str(file))
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        if depth:
            return  # ssh passes over what an Include cannot read
        raise InventoryError(f"cannot be read: {error.strerror}", file=str(file)) from None
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if not match or line.lstrip().startswith("#"):
            continue
        keyword = match[1].lower()
        if keyword not in ("host", "match", "include"):
            continue
        try:
            words = shlex.split(match[2], comments=True)
        except ValueError as error:
            raise InventoryError(f"{match[1]}: {str(error).lower()}", file=str(file), line=number) from None
        if keyword == "include":
            for word in words:
                # Relative ones stand beside the user's own configuration (ssh_config(5)).
                path = os.path.expanduser(word)
                for name in sorted(glob.glob(path if os.path.isabs(path) else str(Path.home() / ".ssh" / path))):
                    _aliases(Path(name), aliases, found, depth + 1)
        else:
            _patterns(words if keyword == "host" else _match_names(words), aliases, found)


def _match_names(words: list[str]) -> list[str]:
    """The patterns behind `host` and `originalhost` in a Match line."""
    names: list[str] = []
    for criterion, value in itertools.pairwise(words):
        if criterion.lower() in ("host", "originalhost"):
            names += value.split(",")
    return names


def _patterns(words: list[str], aliases: dict[str, None], found: _Found) -> None:
    for word in words:
        if word.startswith("!") or any(char in word for char in "*?"):
            if word != "*" and not word.startswith("!") and (note := f"pattern {word}") not in found.left_out:
                found.left_out.append(note)
        elif word:
            aliases[word] = None


def _effective(alias: str, config: Path) -> dict[str, list[str]]:
    try:
        done = subprocess.run(
            ["ssh", "-G", "-F", str(config), "--", alias],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except FileNotFoundError:
        raise InventoryError("ssh is not installed", hint="install the OpenSSH client") from None
    except subprocess.TimeoutExpired:
        raise InventoryError(f"`ssh -G {alias}` gave no answer in 20 s", file=str(config)) from None
    if done.returncode:
        said = clean(done.stderr.strip().splitlines()[0] if done.stderr.strip() else b"no message", 300)
        evidence = Evidence(command=f"ssh -G -F {config} {alias}", exit_status=done.returncode, stderr=said)
        raise InventoryError(f"ssh does not accept this configuration: {said}", file=str(config), evidence=evidence)
    options: dict[str, list[str]] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        options.setdefault(key, []).append(value)
    return options


def _variables(alias: str, set_here: dict[str, list[str]], default: dict[str, list[str]]) -> dict[str, object]:
    def changed(key: str) -> list[str]:
        values = set_here.get(key, [])
        return values if values != default.get(key, []) else []

    variables: dict[str, object] = {}
    if (host := changed("hostname")) and host[0] != alias:
        variables["ansible_host"] = host[0]
    if (port := changed("port")) and port[0].isdigit():
        variables["ansible_port"] = int(port[0])
    if user := changed("user"):
        variables["ansible_user"] = user[0]
    if identity := changed("identityfile"):
        variables["ansible_ssh_private_key_file"] = identity[0]
    words = [
        f"-o {shlex.quote(f'{key}={value}')}"
        for key in _KEPT
        for value in changed(key)[:1]
        if value.lower() not in ("none", "")
    ]
    if words:
        variables["ansible_ssh_common_args"] = " ".join(words)
    return variables


def _from_known_hosts(file: Path, notes: list[str]) -> _Found:
    found = _Found()
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", file=str(file)) from None
    hashed: set[str] = set()
    marked = 0
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("@"):
            marked += 1
            continue
        if words[0].startswith("|1|"):
            hashed.add(words[0])
            continue
        name, port = _known_name(words[0].split(","))
        try:
            hosts.check(name)
        except hosts.PatternError:
            found.left_out.append(f"known_hosts name {clean(words[0], 60)}")
            continue
        found.hosts.setdefault(name, {"ansible_port": port} if port is not None else {})
    if hashed:
        notes.append(f"{len(hashed)} hashed name(s) of known_hosts cannot be read back and are left out")
    if marked:
        notes.append(f"{marked} line(s) of known_hosts with @revoked or @cert-authority are left out")
    found.left_out = list(dict.fromkeys(found.left_out))
    return found


def _known_name(names: list[str]) -> tuple[str, int | None]:
    """Of the names of one machine the first that is no address, else the first; and its port."""
    plain = [name for name in names if not any(char in name for char in "*?!")]
    if not plain:
        return "", None
    name = next(
        (name for name in plain if re.search(r"[A-Za-z]", name) and ":" not in name.strip("[]").rpartition("]")[0]),
        plain[0],
    )
    if match := re.fullmatch(r"\[(.+)\]:([0-9]{1,5})", name):
        return match[1], int(match[2])
    return name, None
