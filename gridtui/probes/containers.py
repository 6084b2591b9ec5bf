"""Containers of docker and podman, on demand. Format: `docker ps` and `podman ps` with a template of our own, separated by tabs.

Never part of a sample: podman makes folders in the home of whoever asks first, and a daemon that hangs would hang the probe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import clean

CONTAINERS_LIMIT = 512 * 1024
"""Bytes of output to allow for."""
MOST = 500
"""Containers of one engine."""
ENGINES = ("docker", "podman")

_MARKER = re.compile(rb"@([0-9a-f]{16}) (docker|podman|end) ?(own|root)? ?(\d{1,3})?")
_DENIED = re.compile(
    rb"permission denied|connect: operation not permitted|a password is required|sudo: .*not allowed|may not run sudo"
    rb"|is not in the sudoers|sudo: command not found|sudo: not found",
    re.I,
)
_ABSENT = re.compile(rb"cannot connect to the docker daemon|is the docker daemon running", re.I)


@dataclass(frozen=True, slots=True)
class Container:
    """One container. Text is neutralised."""

    engine: str
    id: str
    name: str
    image: str
    status: str
    """As the engine says it: `Up 3 hours`, `Exited (1) 2 days ago`."""
    ports: str = ""

    @property
    def running(self) -> bool:
        return self.status.startswith("Up")


@dataclass(frozen=True, slots=True)
class Containers:
    """What the engines of a node said."""

    found: tuple[Container, ...] = ()
    """Running ones first."""
    engines: tuple[str, ...] = ()
    """Those that answered."""
    errors: tuple[str, ...] = ()
    """Why an engine that is there did not: a line each."""


def containers_command(nonce: str, *, sudo: bool = False) -> str:
    """The command to run; `nonce` (16 hex digits) begins its markers. With `sudo`, `sudo -n` is tried for what the login may not see."""
    if not re.fullmatch(r"[0-9a-f]{16}", nonce):
        raise ValueError(f"{nonce!r} cannot stand in the question")
    fields = "{{.ID}}\\t{{.Names}}\\t{{.Image}}\\t{{.Status}}\\t{{.Ports}}"
    script = (
        'LC_ALL=C; export LC_ALL; exec </dev/null; cd /; T=; if timeout 5 true 2>/dev/null; then T="timeout 10"; fi; '
        f'a() {{ w=$1; e=$2; shift; o=$($S $T "$@" ps -a --format "{fields}" 2>&1); s=$?; '
        f'echo "@{nonce} $e $w $s"; printf "%s\\n" "$o" | head -n {MOST} | cut -b 1-600; }}; '
        f"for e in {' '.join(ENGINES)}; do if command -v $e >/dev/null; then S=; a own $e; "
        # What belongs to root is another list with podman, and the only one with docker.
        f'if [ {int(sudo)} = 1 ] && [ "$(id -u)" != 0 ] && {{ [ $e = podman ] || [ $s != 0 ]; }}; then S="sudo -n"; a root $e; fi; fi; done; '
        f'echo "@{nonce} end"'
    )
    return f"exec /bin/sh -c '{script}'"


def parse_containers(nonce: str, stdout: bytes) -> Containers:
    """What the command said. Never raises: an answer that was cut off says so."""
    found: dict[tuple[str, str], Container] = {}
    engines: list[str] = []
    errors: dict[str, str] = {}
    engine = ""
    failed, whole = False, False
    said: list[bytes] = []

    def close() -> None:
        if engine and failed and engine not in engines:
            why = _why(engine, said)
            if why != _barred(engine) or engine not in errors:  # a sudo that refuses tells less than the engine did
                errors[engine] = why

    for line in stdout[:CONTAINERS_LIMIT].split(b"\n"):
        marker = _MARKER.fullmatch(line)
        if marker and marker[1].decode() == nonce:
            close()
            engine, said = marker[2].decode(), []
            failed = marker[4] not in (b"0", None)
            if engine == "end":
                whole, engine = True, ""
            elif not failed:
                engines += [engine] if engine not in engines else []
                errors.pop(engine, None)
        elif engine and not failed:
            if one := _container(engine, line):
                found.setdefault((one.id, one.name), one)  # `docker` may be podman by another name
        elif engine:
            said.append(line)
    close()
    if not whole:
        errors["answer"] = "the answer did not come whole"
    every = sorted(found.values(), key=lambda one: not one.running)
    return Containers(tuple(every), tuple(engines), tuple(errors.values()))


def _container(engine: str, line: bytes) -> Container | None:
    fields = line.split(b"\t")
    if len(fields) < 4 or not re.fullmatch(rb"[0-9a-f]{6,64}", fields[0]):
        return None
    id, name, image, status, ports = (clean(one, 200) for one in (*fields, b"")[:5])
    return Container(engine, id[:12], name, image, status, ports)


def _why(engine: str, said: list[bytes]) -> str:
    whole = b"\n".join(said)
    if _DENIED.search(whole):
        return _barred(engine)
    if _ABSENT.search(whole):
        return f"{engine}: its daemon does not run"
    complaint = next((clean(line, 200) for line in said if line.strip()), "")
    return f"{engine}: {complaint}" if complaint else f"{engine}: it did not answer in 10 s"


def _barred(engine: str) -> str:
    return f"{engine}: this login may not ask it"
