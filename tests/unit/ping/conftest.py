"""Network namespaces of a test's own: where echoes go unanswered, routers refuse, and unprivileged ICMP is permitted."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_NEWNET = 0x40000000  # CLONE_NEWNET, <linux/sched.h>


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; the test's own time-out is the limit."""
    while not condition():  # noqa: ASYNC110 - what is waited for are callbacks of the code under test
        await asyncio.sleep(0.01)


class Namespace:
    """A thread in a network namespace of its own. `run` runs a coroutine in it; all is gone when the thread ends."""

    def ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)

    def sysctl(self, name: str, value: str) -> None:
        Path("/proc/sys/net", *name.split(".")).write_text(value)  # of the calling thread's namespace

    def drop_capabilities(self) -> None:
        """This thread alone loses them: capset(2) is per thread."""
        libc = ctypes.CDLL(None, use_errno=True)
        header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        if libc.capset(header, nothing):
            raise OSError(ctypes.get_errno(), "capset")

    @contextlib.contextmanager
    def router(self) -> Iterator[None]:
        """A neighbour 198.18.0.1 (fd18::1) that forwards: it refuses 198.18.1.0/24 and fd18:1::/64, and swallows
        198.18.2.0/24 and fd18:2::/64."""
        with subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep 300"], stdout=subprocess.PIPE
        ) as other:
            try:
                assert other.stdout is not None
                other.stdout.readline()
                self.ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(other.pid))
                self.ip("address", "add", "198.18.0.2/24", "dev", "here")
                self.ip("address", "add", "fd18::2/64", "dev", "here", "nodad")
                self.ip("link", "set", "here", "up")
                script = """
                    set -e
                    ip address add 198.18.0.1/24 dev there
                    ip address add fd18::1/64 dev there nodad
                    ip link set there up
                    ip link set lo up
                    echo 1 >/proc/sys/net/ipv4/ip_forward
                    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
                    echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
                    echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
                    ip route add unreachable 198.18.1.0/24
                    ip route add unreachable fd18:1::/64
                    ip route add blackhole 198.18.2.0/24
                    ip route add blackhole fd18:2::/64
                """
                inside = ["nsenter", "--net", f"--target={other.pid}", "sh", "-c", script]
                subprocess.run(inside, check=True, capture_output=True, timeout=10)
                self.ip("route", "add", "198.18.0.0/16", "via", "198.18.0.1")
                self.ip("route", "add", "fd18::/16", "via", "fd18::1")
                yield
            finally:
                other.send_signal(signal.SIGKILL)

    def run(self, work: Callable[[Namespace], Coroutine[Any, Any, T]]) -> T:
        result: list[T] = []
        failure: list[BaseException] = []

        def body() -> None:
            try:
                if ctypes.CDLL(None, use_errno=True).unshare(_NEWNET):
                    raise OSError(ctypes.get_errno(), "unshare")
                self.ip("link", "set", "lo", "up")
                result.append(asyncio.run(work(self)))
            except BaseException as error:  # re-raised in the test's own thread
                failure.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]


@pytest.fixture
def namespace() -> Namespace:
    if os.geteuid() != 0:
        pytest.skip("a network namespace of its own needs root")
    return Namespace()


@pytest.fixture
def raw() -> None:
    if os.geteuid() != 0:
        pytest.skip("raw sockets need root or CAP_NET_RAW")
