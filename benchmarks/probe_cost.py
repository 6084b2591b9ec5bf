"""What one sample costs the node, against one scrape of node_exporter on the same machine in the same run.

Needs Debian's `prometheus-node-exporter` (or `node_exporter` in the PATH); it is started by hand on a loopback port for the time
of the run. CPU is that of the processes alone: the shell of the loop with all it runs, the exporter with its HTTP server. What
sshd adds to the one and TLS to the other is in neither.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing

from benchmarks import measure
from gridtui import probes

SAMPLES = 400
SLOW_SAMPLES = 40
SCRAPES = 60
ROUNDS = 3


class Loop:
    """The probe loop on this machine."""

    def __init__(self) -> None:
        self.decoder = probes.Decoder(nonce := probes.new_nonce())
        self.reading = probes.Reading("here")
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", probes.COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout
        self.input.write(probes.script(nonce))

    def ask(self, tier: probes.Tier) -> int:
        """One block; its bytes."""
        sent = time.time()
        self.input.write(self.decoder.tick(tier))
        while True:
            data = self.output.read(1 << 16)
            assert data, "the loop ended"
            for block in self.decoder.feed(data):
                return self.reading.sample(block, time.time(), sent).cost.bytes

    def close(self) -> None:
        self.input.close()
        self.process.wait(timeout=10)
        self.output.close()


class Exporter:
    """node_exporter on a loopback port."""

    def __init__(self, program: str) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process = subprocess.Popen(
            [program, f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + 20
        while True:
            try:
                self.scrape()
                return
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def scrape(self) -> int:
        """One scrape; its bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            return len(connection.getresponse().read())
        finally:
            connection.close()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


def cost(pid: int, run: Callable[[], int], times: int) -> tuple[float, float]:
    """Seconds of CPU and bytes of one `run`, over `times` of them."""
    start, size = measure.process_cpu(pid), 0
    for _ in range(times):
        size += run()
    return (measure.process_cpu(pid) - start) / times, size / times


def main() -> int:
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        print("node_exporter is not here: apt-get install prometheus-node-exporter", file=sys.stderr)
        return 2
    print(f"One sample of the probe against one scrape of node_exporter. {measure.machine()}")
    loop = Loop()
    try:
        exporter = Exporter(program)
        try:
            loop.ask(probes.Tier.SLOW)
            found: dict[str, list[tuple[float, float]]] = {"node_exporter": [], "fast sample": [], "slow sample": []}
            # In turns, so that whatever else the machine does falls on all of them.
            for _ in range(ROUNDS):
                found["node_exporter"].append(cost(exporter.process.pid, exporter.scrape, SCRAPES))
                found["fast sample"].append(cost(loop.process.pid, lambda: loop.ask(probes.Tier.FAST), SAMPLES))
                found["slow sample"].append(cost(loop.process.pid, lambda: loop.ask(probes.Tier.SLOW), SLOW_SAMPLES))
        finally:
            exporter.close()
    finally:
        loop.close()
    middle = {name: sorted(costs)[ROUNDS // 2] for name, costs in found.items()}
    cpu, size = middle["node_exporter"]
    print(f"\n  {'':14} {'CPU ms':>8} {'ratio':>8} {'bytes':>8} {'ratio':>8}")
    for name, (seconds, count) in middle.items():
        print(f"  {name:14} {seconds * 1000:8.2f} {seconds / cpu:7.2f}x {count:8.0f} {count / size:7.2f}x")
    # As a node is watched: a fast sample every 2 s, a slow one in place of every fifteenth; Prometheus scrapes every 15 s.
    ours = (14 * middle["fast sample"][0] + middle["slow sample"][0]) / 30
    print(f"\n  of a core, watched every 2 s and 30 s: {ours:.3%}; node_exporter scraped every 15 s: {cpu / 15:.3%}")
    met = measure.aim("CPU of a fast sample, of a scrape", middle["fast sample"][0] / cpu, 0.25)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
