"""The layers between ICMP and the login: names, TCP, the SSH greeting; and which of them fails first. Knows nothing of logins.

What a node sends is read within bounds and neutralised before it enters a text.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable

from ..errors import BannerError, ConnectError, ResolveError, SshError
from ..model import Layer, PingMethod, clean
from .knock import half_open
from .pinger import Pinger
from .wire import target

LINE = 255
"""Bytes of the identification line at most, CR and LF included (RFC 4253, 4.2)."""

PREAMBLE = 16 << 10
"""Bytes of other lines that a server may send first: the RFC sets no limit, OpenSSH sends at most one line."""

_LOOKUP = 10.0


async def address(host: str, timeout: float = _LOOKUP) -> tuple[str, int]:
    """The IP address and its family (`socket.AF_INET` or `AF_INET6`) of a name, the one that `ssh` would try first.

    An address (in brackets too) comes back as it is, without a look-up. Raises ResolveError.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        version = ipaddress.ip_address(bare).version
        return bare, socket.AF_INET if version == 4 else socket.AF_INET6
    except ValueError:
        pass
    shown = clean(host, 255)
    if not bare or len(bare) > 255 or "\0" in bare:
        raise ResolveError(f"{shown!r} is no host name")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            found = await loop.getaddrinfo(bare, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise ResolveError(f"{shown}: no name server answered within {timeout:g} s") from None
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            raise ResolveError(f"{shown}: no such host name", hint="check the name, or set ansible_host") from error
        raise ResolveError(f"{shown}: {error.strerror}") from error
    except (OSError, UnicodeError) as error:
        raise ResolveError(f"{shown!r} is no host name: {clean(str(error), 200)}") from error
    for family, _, _, _, sockaddr in found:
        if family in (socket.AF_INET, socket.AF_INET6):
            return str(sockaddr[0]), family
    raise ResolveError(f"{shown}: the name has no IP address")


async def tcp(host: str, port: int, timeout: float) -> None:
    """Whether a TCP port of an IP address takes connections; leaves none behind (see `knock`). Raises ConnectError.

    The error's `__cause__` is a ConnectionRefusedError when the node itself said no: it is there, the service is not.
    """
    sock = await _connect(host, port, timeout, quietly=True)
    sock.close()


async def banner(host: str, port: int, timeout: float) -> str:
    """The SSH identification line of a server (`SSH-2.0-OpenSSH_9.2p1`), neutralised. `timeout` covers all of it.

    Lines before it are skipped, within bounds (RFC 4253, 4.2). Raises ConnectError, BannerError.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    where = f"{clean(host, 80)} port {port}"
    sock = await _connect(host, port, timeout)
    try:
        async with asyncio.timeout_at(deadline):
            return await _greeting(sock, where)
    except TimeoutError:
        raise BannerError(
            f"{where}: takes connections, but sent no SSH greeting within {timeout:g} s",
            hint="sshd hangs or is overloaded, or another service listens there",
        ) from None
    finally:
        sock.close()


async def _greeting(sock: socket.socket, where: str) -> str:
    loop = asyncio.get_running_loop()
    buffer = b""
    skipped = 0
    first = b""
    while True:
        line, newline, rest = buffer.partition(b"\n")
        if newline and not line.startswith(b"SSH-"):
            skipped += len(line) + 1
            first = first or line.strip()
            buffer = rest
            if skipped > PREAMBLE:
                raise BannerError(f"{where}: no SSH greeting in the first {PREAMBLE} bytes, but {_said(first)}")
            continue
        if newline or (line.startswith(b"SSH-") and len(line) >= LINE):
            return _identification(line, bool(newline), where)
        if len(buffer) + skipped > PREAMBLE:
            raise BannerError(f"{where}: no SSH greeting in the first {PREAMBLE} bytes, but {_said(first or line)}")
        try:
            data = await loop.sock_recv(sock, 4096)
        except OSError as error:
            raise BannerError(f"{where}: {_words(error)} before the SSH greeting", hint=_CUT) from error
        if not data:
            said = first or line.strip()
            what = f"said {_quoted(said)} and closed" if said else "closed the connection"
            raise BannerError(f"{where}: {what} before the SSH greeting", hint=_CUT)
        buffer += data


_CUT = "sshd may be refusing for now (MaxStartups, PerSourcePenalties), or another service listens there"


def _identification(line: bytes, ended: bool, where: str) -> str:
    if not ended or len(line) + 1 > LINE:
        raise BannerError(f"{where}: the SSH greeting is longer than {LINE} bytes")
    if not line.startswith((b"SSH-2.0-", b"SSH-1.99-")):  # 1.99: speaks both (RFC 4253, 5.1)
        raise BannerError(f"{where}: speaks {_quoted(line)}, not SSH 2.0")
    return clean(line.rstrip(b"\r"), LINE)


def _said(line: bytes) -> str:
    return f"the server said {_quoted(line)}"


def _quoted(line: bytes) -> str:
    return f"'{clean(line.rstrip(), 80)}'"


async def diagnose(
    host: str, port: int, timeout: float, icmp: bool | None = None, pinger: Pinger | None = None
) -> tuple[Layer | None, str]:
    """The first layer that fails on the way to an IP address's SSH greeting, and one line about why; (None, "") when none does.

    `icmp` says whether echoes are answered, if that is known; else one is sent by `pinger`, if given. ICMP counts as failed
    only when TCP has no answer either, as many networks filter it; a refused connection is an answer. Each layer
    has `timeout` seconds.
    """
    asked = None
    if icmp is None and pinger is not None and pinger.method is not PingMethod.TCP:
        asked = asyncio.ensure_future(pinger.ask(host, timeout, port))
    try:
        await banner(host, port, timeout)
    except ConnectError as error:
        why = ""
        if asked is not None and not _refused(error):
            rtt, why = await asked
            icmp = rtt is not None
        return _unconnected(error, icmp, why)
    except SshError as error:
        return Layer(error.layer), str(error)
    finally:
        if asked is not None:
            asked.cancel()
    return None, ""


async def knock(host: str, port: int, timeout: float, icmp: Callable[[], bool]) -> tuple[Layer | None, str]:
    """As `diagnose`, up to TCP: sshd sees no connection. `icmp` is asked in the end, as echoes go on meanwhile."""
    try:
        await tcp(host, port, timeout)
    except ConnectError as error:
        return _unconnected(error, icmp())
    return None, ""


def _unconnected(error: ConnectError, icmp: bool | None, why: str = "") -> tuple[Layer, str]:
    """The layer that failed when TCP did: the lower one unless something was answered. `why` is ICMP's own word."""
    if icmp or _refused(error):
        return Layer.TCP, str(error)
    return Layer.ICMP, why or error.message


def _refused(error: ConnectError) -> bool:
    return isinstance(error.__cause__, ConnectionRefusedError)


async def _connect(host: str, port: int, timeout: float, quietly: bool = False) -> socket.socket:
    where = f"{clean(host, 80)} port {port}"
    try:
        aim = target(host)
    except ValueError as error:
        raise ConnectError(f"{where}: {clean(str(error), 200)}") from error
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(aim.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise ConnectError(f"{where}: {_words(error)}, says this machine") from error
    if quietly:
        half_open(sock)
    try:
        async with asyncio.timeout(timeout):
            await loop.sock_connect(sock, (aim.host, port, *aim.sockaddr[2:]))
    except BaseException as error:
        sock.close()
        if isinstance(error, TimeoutError) and not getattr(error, "errno", None):
            raise ConnectError(
                f"{where}: no answer within {timeout:g} s", hint="the node is down, or a firewall drops the packets"
            ) from None
        if isinstance(error, ConnectionRefusedError):
            raise ConnectError(f"{where}: connection refused", hint="is sshd running there, on this port?") from error
        if isinstance(error, OSError):
            raise ConnectError(f"{where}: {_words(error)}") from error
        if isinstance(error, OverflowError):
            raise ConnectError(f"{where}: ports are 0 to 65535") from error
        raise
    return sock


def _words(error: OSError) -> str:
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return "connection reset"
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[0].lower() + text[1:]
