"""`gridtui doctor`: what of this machine's set-up is missing, and the command that mends it."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import GridtuiError
from .. import exits, output
from ..main import Context, as_json, verb

DESCRIPTORS_PER_NODE = 2
DESCRIPTORS_SPARE = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed` is False for what only some features want."""

    name: str
    ok: bool
    text: str
    mend: str = ""
    needed: bool = True


@verb("doctor", short_help="What of this machine's set-up is missing, and how to mend it.")
@as_json
def command(context: Context, as_json: bool) -> int:
    """Say what of this machine's set-up is missing, and the command that mends it.

    Exits with 1 when something is missing that gridtui needs; what only some features want is told as `note`.
    """
    findings = list(_look(context))
    missing = any(not finding.ok and finding.needed for finding in findings)
    if as_json:
        output.document({"schema": 1, "ok": not missing, "findings": [asdict(finding) for finding in findings]})
        return exits.FAILED if missing else exits.OK
    for finding in findings:
        word, style = ("ok", "green") if finding.ok else ("MISSING", "red") if finding.needed else ("note", "yellow")
        mark = output.styled(f"{word:<8}", style)
        output.data(f"{mark}{finding.name:<19}{finding.text}")
        if finding.mend and not finding.ok:
            output.data(f"{'':27}mend: {finding.mend}")
    return exits.FAILED if missing else exits.OK


def _look(context: Context) -> Iterator[Finding]:
    yield _python()
    settings, nodes = None, 0
    try:
        settings = context.settings()
        yield Finding("settings", True, "readable")
    except GridtuiError as error:
        yield Finding("settings", False, str(error), "edit the file, or give another with -c")
    try:
        from ...fleet import Fleet
        from ...settings import Settings

        fleet = Fleet.open(context.sources, settings or Settings())
        nodes = len(fleet.nodes)
        if fleet.inventory.sources:
            where = ", ".join(str(source) for source in fleet.inventory.sources)
            yield Finding("inventory", True, f"{nodes} nodes from {where}")
        else:
            yield Finding(
                "inventory",
                False,
                "none found: this machine alone is shown",
                "give one with -i, or make one: gridtui inventory import > inventory.yaml",
                needed=False,
            )
    except GridtuiError as error:
        yield Finding("inventory", False, str(error), "gridtui inventory validate")
    yield from _programs()
    yield from _keys()
    yield _ping()
    yield _descriptors(nodes)
    yield _state()
    yield _terminal()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _programs() -> Iterator[Finding]:
    for program, package, why, needed in (
        ("ssh", "openssh-client", "its configuration and agent are shared with gridtui", False),
        ("rsync", "rsync", "moves data", False),
        ("ansible-inventory", "ansible-core", "reads inventory scripts, plugins and folders", False),
    ):
        path = shutil.which(program)
        yield Finding(program, bool(path), path or f"not found; {why}", _install(package), needed)


def _install(package: str) -> str:
    if package == "ansible-core":
        return "pipx install ansible-core"
    for manager, call in (("apt-get", "apt-get install"), ("dnf", "dnf install"), ("pacman", "pacman -S")):
        if shutil.which(manager):
            name = "openssh-clients" if manager == "dnf" and package == "openssh-client" else package
            return f"sudo {call} {name}"
    return f"install the package {package}"


def _keys() -> Iterator[Finding]:
    folder = Path.home() / ".ssh"
    keys = sorted(
        path.name
        for path in folder.glob("id_*")
        if path.suffix != ".pub" and not path.name.endswith("-cert.pub")
    ) if folder.is_dir() else []  # fmt: skip
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    reachable = bool(agent) and Path(agent).is_socket()
    text = ", ".join([*keys, *(["an agent"] if reachable else [])])
    yield Finding("ssh keys", bool(text), text or "no key and no agent", "ssh-keygen -t ed25519", needed=False)
    known = folder / "known_hosts"
    yield Finding(
        "known_hosts",
        known.is_file(),
        str(known) if known.is_file() else f"{known} does not exist: every host key is unknown",
        "log in once with ssh, or: gridtui --host-keys accept-new check",
        needed=False,
    )
    try:
        loose = [name for name in keys if (folder / name).stat().st_mode & 0o077]
    except OSError:
        loose = []
    if loose:
        yield Finding("key modes", False, f"others may read {', '.join(loose)}", f"chmod 600 ~/.ssh/{loose[0]}")


def _ping() -> Finding:
    from ...errors import PingError
    from ...model import PingMethod
    from ...ping import Pinger

    try:
        pinger = Pinger.open()
    except PingError as error:
        return Finding("ping", False, str(error), error.hint)
    try:
        if pinger.method is PingMethod.TCP:
            return Finding("ping", False, f"over TCP only: {pinger.why}", pinger.mend, needed=False)
        text = "unprivileged ICMP" if pinger.method is PingMethod.ICMP else "raw ICMP"
        return Finding("ping", True, text)
    finally:
        pinger.close()


def _descriptors(nodes: int) -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = nodes * DESCRIPTORS_PER_NODE + DESCRIPTORS_SPARE
    enough = hard == resource.RLIM_INFINITY or hard >= wanted
    text = f"{'any number' if hard == resource.RLIM_INFINITY else hard} allowed, {wanted} wanted"
    return Finding("open files", enough, text, f"ulimit -Hn {wanted} (limits.conf(5))")


def _state() -> Finding:
    from ...errors import StateError
    from ...store import folder

    try:
        path = folder()
    except StateError as error:
        return Finding("state folder", False, str(error), error.hint)
    usage = shutil.disk_usage(path)
    full = usage.free < 16 << 20
    return Finding(
        "state folder", not full, f"{path}" + (" has less than 16 MB free" if full else ""), "free space there"
    )


def _terminal() -> Finding:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Finding(
        "terminal",
        encoding == "utf8",
        f"{os.environ.get('TERM') or 'no TERM'}, {sys.stdout.encoding}",
        "use a UTF-8 locale, e.g. export LANG=C.UTF-8",
        needed=False,
    )
