"""Blocks for tests: a plausible machine whose counters the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field

from gridtui.probes import SEPARATOR, Block, Tier

NETWORK = "Inter-|   Receive                                                |  Transmit\n face |bytes\n"


@dataclass
class Machine:
    """What the fast files say. Change a field and take the next block."""

    boot_id: str = "9a141483-7bd6-44b4-98af-dc6cfeac3b9a"
    uptime: float = 1000.0
    loads: str = "1.50 1.00 0.77 2/171 21853"
    cores: list[list[int]] = field(
        default_factory=lambda: [[100, 10, 50, 1000, 5, 1, 2, 3], [200, 10, 50, 1000, 5, 1, 2, 3]]
    )
    disks: dict[str, tuple[int, int, int]] = field(
        default_factory=lambda: {"vda": (100, 200, 300), "vda1": (90, 190, 290)}
    )
    nets: dict[str, tuple[int, int, int]] = field(
        default_factory=lambda: {"lo": (5, 5, 0), "eth0": (1000, 2000, 0), "veth1": (9, 9, 0)}
    )
    effort: int = 0

    def fast(self) -> bytes:
        total = [sum(times) for times in zip(*self.cores, strict=True)]
        stat = "".join(
            f"cpu{name} {' '.join(map(str, times))} 0 0\n" for name, times in [(" ", total), *enumerate(self.cores)]
        )
        disks = "".join(
            f" 254 0 {name} 1 0 {read} 1 1 0 {written} 1 0 {busy} 1\n"
            for name, (read, written, busy) in self.disks.items()
        )
        nets = "".join(
            f"{name:>6}: {rx} 0 {errors} 0 0 0 0 0 {tx} 0 0 0 0 0 0 0\n" for name, (rx, tx, errors) in self.nets.items()
        )
        files = (
            f"{self.boot_id}\n",
            f"{self.uptime:.2f} 99.00\n",
            f"{self.loads}\n",
            stat + "intr 5 0 0\nctxt 1\n",
            "MemTotal:        1000 kB\nMemFree:          200 kB\nMemAvailable:     400 kB\nBuffers: 1 kB\nCached: 2 kB\nSwapTotal:  0 kB\nSwapFree: 0 kB\n",
            disks,
            NETWORK + nets,
            "some avg10=1.00 avg60=0.00 avg300=0.00 total=0\n",
            "some avg10=2.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=0\n",
            "some avg10=3.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.75 avg60=0.00 avg300=0.00 total=0\n",
            f"1 (sh) S 1 1 1 0 -1 0 0 0 0 0 {self.effort} 0 0 0 20 0 1\n",
        )
        return SEPARATOR.join(text.encode() for text in files).rstrip(b"\n")

    def block(self, tier: Tier = Tier.FAST, clock: float | None = None, **sections: bytes) -> Block:
        named = {name.replace("_", "."): text for name, text in sections.items()}
        return Block(1, tier, {"fast": self.fast(), **named}, clock, 0.0, 100.2, 100.3, 500)
