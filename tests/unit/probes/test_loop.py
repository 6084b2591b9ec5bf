"""The real loop in real shells: agrees with the tools of this machine, leaves nothing behind, and is not stopped by what it finds."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gridtui.model import Sample, Unsupported
from gridtui.probes import COMMAND, Block, Decoder, Reading, Tier, new_nonce, script
from gridtui.probes.filesystems import FileSystem
from gridtui.probes.gpus import Gpu

SHELLS = [
    pytest.param(
        shell, marks=pytest.mark.skipif(shutil.which(shell[0]) is None, reason=f"no {shell[0]}"), id=" ".join(shell)
    )
    for shell in (("dash",), ("busybox", "sh"), ("bash",), ("bash", "--posix"), ("ksh",), ("mksh",), ("yash",))
]
LOGIN_SHELLS = [
    pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell}"), id=shell)
    for shell in ("sh", "bash", "zsh", "fish", "csh", "tcsh")
]
LOOP = 'IFS= read -r s; eval "$s"'
assert f"exec /bin/sh -c '{LOOP}'" == COMMAND


class Node:
    """A loop that runs here."""

    def __init__(
        self, process: subprocess.Popen[bytes], change: Callable[[bytes], bytes], skip: frozenset[str]
    ) -> None:
        self.process = process
        self.decoder = Decoder(nonce := new_nonce())
        self.reading = Reading("here")
        self.write(change(script(nonce, skip)))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def block(self, tier: Tier) -> tuple[Block, float]:
        assert self.process.stdout is not None
        sent = time.time()
        self.write(self.decoder.tick(tier))
        while True:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, "the loop ended"
            for block in self.decoder.feed(data):
                return block, sent

    def ask(self, tier: Tier = Tier.FAST) -> Sample:
        block, sent = self.block(tier)
        return self.reading.sample(block, time.time(), sent)


@contextmanager
def node(
    *command: str,
    change: Callable[[bytes], bytes] = bytes,
    skip: frozenset[str] = frozenset(),
    env: dict[str, str] | None = None,
) -> Iterator[Node]:
    process = subprocess.Popen(
        command or ("sh", "-c", LOOP), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    )
    try:
        yield Node(process, change, skip)
    finally:
        out, err = process.communicate(timeout=10)
        assert (out, err, process.returncode) == (b"", b"", 0)


def say(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_values_agree_with_the_tools_of_this_machine(shell: tuple[str, ...]) -> None:
    with node(*shell, "-c", LOOP) as here:
        start = here.ask(Tier.SLOW).metrics["uptime"]
        while _uptime() < start + 0.1:
            pass  # rates need the uptime to move: it has steps of 10 ms
        before = _loads()
        sample = here.ask(Tier.SLOW)
        metrics, parts = sample.metrics, sample.parts
        free = dict(
            zip(
                ["total", "used", "free", "shared", "cache", "available"],
                map(int, say("free", "-b").splitlines()[1].split()[1:]),
                strict=False,
            )
        )
        swap = [int(word) for word in say("free", "-b").splitlines()[2].split()[1:]]
        cpus = int(say("nproc", "--all"))
        after = _loads()
        table = [
            line.split()
            for line in say("df", "-P", "-k", *[item.mount for item in parts["filesystems"]]).splitlines()[1:]
        ]
        uptime = _uptime()

    assert metrics["mem.total"] == free["total"]
    assert metrics["mem.free"] == pytest.approx(free["available"], abs=free["total"] * 0.02)
    assert metrics["mem.used"] == pytest.approx(free["total"] - free["available"], abs=free["total"] * 0.02)
    assert [metrics["swap.total"], metrics["swap.used"]] == pytest.approx(swap[:2], rel=0.02)
    assert parts["cpu"].count == cpus
    for name, bounds in zip(("load", "load5", "load15"), zip(before, after, strict=True), strict=True):
        assert min(bounds) <= metrics[name] <= max(bounds)
    assert metrics["uptime"] == pytest.approx(uptime, abs=2)
    assert sample.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for item, row in zip(parts["filesystems"], table, strict=True):
        assert item.size // 1024 == int(row[1])
        assert item.free / 1024 == pytest.approx(int(row[3]), rel=0.01)
        assert item.percent == pytest.approx(int(row[4].rstrip("%")), abs=1.1)  # df rounds up
    assert abs(metrics["clock"]) <= parts["clock"].error + 0.02
    assert 0 <= metrics["cpu"] <= 100
    assert {"net.rx", "disk.read"} <= set(metrics) or not list(Path("/sys/class/net").glob("*/device"))


def _loads() -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d+", say("uptime").partition("load average:")[2])]


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_stays_behind_when_the_input_ends(shell: tuple[str, ...]) -> None:
    with node(*shell, "-c", LOOP) as here:
        here.ask(Tier.SLOW)
        pid = here.process.pid
        assert here.process.stdin is not None
        here.process.stdin.close()
        assert here.process.wait(timeout=5) == 0
        here.process.stdin = None
    assert not Path(f"/proc/{pid}").exists()
    children = [path for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == pid]
    assert not children


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_the_command_means_the_same_in_every_login_shell(shell: str) -> None:
    flags = ["-f"] if shell in ("csh", "tcsh") else []
    with node(shell, *flags, "-c", COMMAND) as here:
        assert here.ask(Tier.FAST).metrics["load"] >= 0


def test_the_loop_reads_no_further_than_its_line_from_a_socket() -> None:
    near, far = socket.socketpair()
    with near, far:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            ["sh", "-c", LOOP], stdin=far.fileno(), stdout=subprocess.PIPE
        )
        decoder = Decoder(nonce := new_nonce())
        near.sendall(script(nonce) + decoder.tick(Tier.FAST) + decoder.tick(Tier.GPU) + decoder.tick(Tier.FAST))
        near.shutdown(socket.SHUT_WR)
        out, _ = process.communicate(timeout=10)
    assert [block.number for block in decoder.feed(out)] == [1, 2, 3]


def test_a_hostile_environment_changes_nothing() -> None:
    env = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "ar_EG.UTF-8",
        "IFS": "0123456789",
        "ENV": "/dev/stdin",
        "CDPATH": "/tmp",
        "POSIXLY_CORRECT": "1",
        "BLOCK_SIZE": "1M",
        "GREP_OPTIONS": "--color=always",
        "F": "/etc/passwd",
        "N": "evil",
        "T": "false",
        "S": "1",
        "P": "%s",
        "M": "x",
    }
    with node(env=env) as here:
        assert "devices" in here.block(Tier.FAST)[0].sections
        sample = here.ask(Tier.SLOW)
    assert isinstance(sample.parts["filesystems"], tuple)
    assert sample.metrics["mem.total"] > 0


def test_the_interrupts_of_a_large_machine_are_left_out(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nintr 99" + " 0" * 30000 + "\nctxt 1\nsoftirq 5 5 5\n"
    )
    with node(change=lambda text: text.replace(b"/proc/stat", bytes(stat))) as here:
        block, _ = here.block(Tier.FAST)
    assert block.size < 10000
    assert b"intr" not in block.sections["fast"]
    assert b"\nctxt 1\n" in block.sections["fast"]


def test_thousands_of_virtual_devices_are_left_out(tmp_path: Path) -> None:
    disks, nets = tmp_path / "diskstats", tmp_path / "dev"
    disks.write_text(
        "".join(f" 253 {n} {name}{n} 1 0 1 1 1 0 1 1 0 1 1\n" for name in ("dm-", "loop", "ram") for n in range(2000))
        + " 8 0 sda 1 0 10 1 1 0 20 1 0 30 1\n"
    )
    nets.write_text(
        "Inter-|\n face |\n" + "".join(f"veth{n:x}: {' 1' * 16}\n" for n in range(4000)) + f"  eth0: {' 1' * 16}\n"
    )
    with node(change=replaced((b"/proc/diskstats", bytes(disks)), (b"/proc/net/dev", bytes(nets)))) as here:
        block, _ = here.block(Tier.FAST)
    assert block.size < 10000
    assert b" sda " in block.sections["fast"]
    assert b"eth0:" in block.sections["fast"]
    assert b"veth" not in block.sections["fast"]


def test_what_hung_can_be_left_out() -> None:
    with node(skip=frozenset({"filesystems", "gpus"})) as here:
        block, sent = here.block(Tier.SLOW)
        sample = here.reading.sample(block, time.time(), sent)
    assert not {"filesystems", "gpus.nvidia"} & set(block.sections)
    assert sample.parts["filesystems"] == Unsupported("left out")
    assert "disk" not in sample.metrics
    assert "users.who" in block.sections


def mounts(tmp_path: Path, *rows: tuple[str, str, str]) -> Callable[[bytes], bytes]:
    """A mount table of (device, mount point, type) in place of the real one; the mount points are plain folders."""
    table = tmp_path / "mountinfo"
    lines = [
        f"{20 + number} 1 {device} / {_escaped(mount)} rw,relatime shared:1 - {kind} /dev/x rw\n"
        for number, (device, mount, kind) in enumerate(rows)
    ]
    table.write_text("".join(lines))
    return lambda text: text.replace(b"/proc/self/mountinfo", bytes(table))


def _escaped(name: str) -> str:
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in name)


@pytest.mark.parametrize("shell", SHELLS)
def test_mount_points_with_any_name_are_safe(shell: tuple[str, ...], tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    names = [
        "a b",
        "tab\there",
        "new\nline 4096 1 1 1 1 1 /",
        "back\\slash\\040",
        "-rf",
        f"$(touch {trap.name})",
        "`id`",
        "'q'\"",
        "*",
        "ü#;&|<>",
        "%s%n",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    rows = [(f"8:{number}", str(tmp_path / name), "ext4") for number, name in enumerate(names)]
    with node(*shell, "-c", LOOP, change=mounts(tmp_path, *rows)) as here:
        first = here.ask(Tier.SLOW)
        again = here.ask(Tier.SLOW)
    found = first.parts["filesystems"]
    assert [item.device for item in found] == [device for device, _, _ in rows]
    assert found[0].mount == str(tmp_path / "a b")
    assert "\n" not in found[2].mount
    assert [item.mount for item in again.parts["filesystems"]] == [item.mount for item in found]
    assert not trap.exists() and not Path(trap.name).exists()


def test_only_local_file_systems_that_cannot_hang_are_looked_at(tmp_path: Path) -> None:
    for name in ("root", "nfs/local", "late/below", "auto/usb", "auto2", "data", "again", "fuse", "nfsx", "files"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "hosts").touch()

    def at(name: str) -> str:
        return str(tmp_path / name)

    rows = [
        ("8:1", at("root"), "ext4"),
        ("0:50", at("nfs"), "nfs4"),
        ("8:2", at("nfs/local"), "ext4"),  # below a network mount
        ("8:3", at("late/below"), "xfs"),
        ("0:51", at("late"), "cifs"),  # mounted over it later
        ("0:52", at("auto"), "autofs"),
        ("8:4", at("auto/usb"), "vfat"),  # walking there triggers the automounter
        ("0:53", at("auto2"), "autofs"),
        ("8:5", at("auto2"), "vfat"),  # mounted by the automounter on its own point: systemd's /boot
        ("8:6", at("data"), "btrfs"),
        ("8:6", at("again"), "btrfs"),  # the same device again
        ("0:54", at("fuse"), "fuse.sshfs"),
        ("0:55", at("files"), "tmpfs"),
        ("8:7", at("nfsx"), "ext4"),  # begins like a network mount, is none
        ("8:8", at("hosts"), "ext4"),  # a file, as containers have them
        ("0:56", at("gone"), "lustre"),
        ("8:9", at("gone/x"), "ext4"),
    ]
    with node(change=mounts(tmp_path, *rows)) as here:
        found = here.ask(Tier.SLOW).parts["filesystems"]
    assert [Path(item.mount).name for item in found] == ["root", "auto2", "data", "nfsx"]


def test_a_changed_mount_table_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = ("8:1", str(tmp_path / "one"), "ext4"), ("8:2", str(tmp_path / "two"), "xfs")
    with node(change=mounts(tmp_path, one)) as here:
        before = here.ask(Tier.SLOW).parts["filesystems"]
        mounts(tmp_path, one, two)
        after = here.ask(Tier.SLOW).parts["filesystems"]
    assert [item.type for item in before] == ["ext4"]
    assert [item.type for item in after] == ["ext4", "xfs"]
    assert all(isinstance(item, FileSystem) for item in after)


def replaced(*pairs: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    """The loop with other paths: what it would find there."""

    def change(text: bytes) -> bytes:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        return text

    return change


def first_in_path(folder: Path) -> Callable[[bytes], bytes]:
    return replaced((b"PATH=/usr/sbin", b"PATH=" + bytes(folder) + b":/usr/sbin"))


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_programs_that_hang_are_ended_and_their_children_too(tmp_path: Path) -> None:
    program(tmp_path, "nvidia-smi", f"echo $$ >{tmp_path}/pid; exec sleep 60")
    hurried = replaced((b" 5 true", b" 0.2 true"), (b"-k 1 5", b"-k 1 0.2"))
    with node(change=lambda text: hurried(first_in_path(tmp_path)(text))) as here:
        sample = here.ask(Tier.GPU)
    assert sample.parts["gpus"] == Unsupported("nvidia-smi ended with status 124")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_program_that_reads_its_input_cannot_eat_ticks(tmp_path: Path) -> None:
    program(tmp_path, "nvidia-smi", "cat")
    with node(change=first_in_path(tmp_path)) as here:
        here.write(here.decoder.tick(Tier.GPU) + here.decoder.tick(Tier.SLOW) + here.decoder.tick(Tier.FAST))
        assert here.process.stdout is not None
        numbers: list[int] = []
        while here.decoder.waiting:
            numbers += [block.number for block in here.decoder.feed(os.read(here.process.stdout.fileno(), 1 << 16))]
    assert numbers == [1, 2, 3]


def test_amd_gpus_are_found_in_sys(tmp_path: Path) -> None:
    card = tmp_path / "drm" / "card1" / "device"
    (card / "hwmon" / "hwmon7").mkdir(parents=True)
    (tmp_path / "drm" / "card1-DP-1").mkdir()
    for name, text in {
        "vendor": "0x1002",
        "device": "0x73bf",
        "gpu_busy_percent": "12",
        "mem_info_vram_total": "1000",
        "mem_info_vram_used": "400",
        "hwmon/hwmon7/temp1_input": "50000",
    }.items():
        (card / name).write_text(text + "\n")
    root = bytes(tmp_path / "drm")
    with node(change=lambda text: text.replace(b"/sys/class/drm", root)) as here:
        block, sent = here.block(Tier.GPU)
    moved = {name: text.replace(root, b"/sys/class/drm") for name, text in block.sections.items()}
    sample = Reading("here").sample(Block(1, Tier.GPU, moved), time.time(), sent)
    if not shutil.which("nvidia-smi"):
        assert sample.parts["gpus"] == (Gpu("AMD GPU 0x73bf", "", 12.0, 1000, 400, 600, 50.0, None),)


def test_temperatures_are_found_in_sys(tmp_path: Path) -> None:
    for folder, files in {
        "hwmon/hwmon3": {"name": "k10temp", "temp1_input": "61125"},
        "thermal/thermal_zone0": {"type": "cpu", "temp": "52000"},
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text + "\n")
    root = bytes(tmp_path)
    with node(
        change=lambda text: text.replace(b"/sys/class/hwmon", root + b"/hwmon").replace(
            b"/sys/class/thermal", root + b"/thermal"
        )
    ) as here:
        block, sent = here.block(Tier.SLOW)
    moved = {name: text.replace(root, b"/sys/class") for name, text in block.sections.items()}
    sample = Reading("here").sample(Block(1, Tier.SLOW, moved), time.time(), sent)
    assert [(item.sensor, item.celsius) for item in sample.parts["temperatures"]] == [
        ("k10temp temp1", 61.125),
        ("cpu", 52.0),
    ]


def test_the_pipes_of_logind_do_not_block(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("USER=alice\nTTY=pts/0\nCLASS=user\nSTATE=active\n")
    os.mkfifo(tmp_path / "1.ref")
    with node(change=replaced((b"/run/systemd/sessions", bytes(tmp_path)), (b"/run/utmp", b"/none"))) as here:
        block, _ = here.block(Tier.SLOW)
    assert b"USER=alice" in block.sections["users.sessions"]
    assert b".ref" not in block.sections["users.sessions"]


@pytest.mark.parametrize(("files", "words"), [([], b"ok"), (["run/reboot-required"], b"file\nok")])
def test_a_required_reboot_is_seen(tmp_path: Path, files: list[str], words: bytes) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    root = bytes(tmp_path)
    moved = replaced(
        (b"/run/reboot-required", root + b"/run/reboot-required"),
        (b"/var" + root, root),
        (b"/lib/modules", root + b"/modules"),
    )
    with node(change=moved) as here:
        assert here.block(Tier.SLOW)[0].sections["reboot"] == words


@pytest.mark.parametrize("there", [True, False])
def test_the_report_of_intrusion_detection_is_read(tmp_path: Path, there: bool) -> None:
    file = tmp_path / "status"
    if there:
        file.write_text(f"schema=1\ntime={int(time.time()) - 5}\nbans=2\nend=1\n")
    with node(change=replaced((b"/var/lib/gridtui/ids/status", bytes(file)))) as here:
        block, sent = here.block(Tier.SLOW)
    sample = Reading("here").sample(block, time.time(), sent)
    assert sample.metrics.get("ids.bans") == (2.0 if there else None)
    assert ("ids.age" in sample.metrics) == there
    if there:
        assert 4 <= sample.metrics["ids.age"] < 60


def test_a_fast_answer_is_one_process_and_one_write(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    trace = tmp_path / "trace"
    with node("strace", "-f", "-qq", "-e", "trace=execve,write", "-o", str(trace), "dash", "-c", LOOP) as here:
        for _ in range(3):
            here.ask(Tier.FAST)
    later = trace.read_text().split("execve(")[-2:]
    assert all("/proc/uptime" in part for part in later)
    assert "".join(later).count('write(1, "@') == 2
