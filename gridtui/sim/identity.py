"""What a simulated machine says when it is asked once: its facts, and its process list. Pure text of a `Machine`; knows no frame and no socket.

The answers are those of `probes.facts_command()` and `probes.top_command()`, section by section.
"""

from __future__ import annotations

from .machine import HERTZ, Machine
from .population import Hardware
from .proc import meminfo

_ALWAYS = "systemctl systemd-run nft python3 rsync tar curl perl sudo tc apt-get"
_PROGRAMS = {
    "web": "tmux git",
    "db": "tmux zstd",
    "render": "tmux git podman crun bwrap zstd",
    "gpu": "tmux git docker containerd runc bwrap zstd gcc make nvidia-smi apptainer",
    "storage": "tmux zstd",
    "gw": "wg iptables",
    "pi": "git gcc make",
}
_HAS = {
    "web": "",
    "db": "tpm efi",
    "render": "kvm userns efi",
    "gpu": "docker.usable kvm tpm sev.host efi",
    "storage": "tpm efi",
    "gw": "efi",
    "pi": "userns",
}


def facts(machine: Machine) -> str:
    """The answer to `probes.facts_command()`."""
    person = machine.person
    hardware = person.hardware
    arm = hardware.arch == "aarch64"
    parts = {
        "uname": f"{person.name}\n{hardware.kernel}\n{hardware.arch}",
        "os": f'PRETTY_NAME="{hardware.os_name}"\nID={hardware.os}\nVERSION_ID="{hardware.os_version}"',
        "boot": machine.boot_id,
        "virt": hardware.virt,
        "container": "",
        "dmi": "sys_vendor=\nproduct_name=\nproduct_version="
        if arm
        else f"sys_vendor={hardware.vendor}\nproduct_name={hardware.product}\nproduct_version=",
        "board": hardware.product if arm else "",
        "cpu": _cpuinfo(hardware),
        "flags": "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics"
        if arm
        else f"flags\t\t: fpu vme de pse tsc msr {'hypervisor' if hardware.virt != 'none' else 'svm' if 'AMD' in hardware.cpu_model else 'vmx'} avx2",
        "topology": f"{hardware.cores}\n{hardware.cores}\n{hardware.sockets}",
        "online": str(hardware.cpus),
        "memory": meminfo(machine),
        "nvidia": "\n".join(gpu.name for gpu in hardware.gpus),
        "pci": "",
        "programs": "\n".join(programs(machine)),
        "lsm": "lockdown,capability,landlock,yama,apparmor,bpf",
        "has": "\n".join(f"systemd cgroup2 {'psi' if hardware.pressure else ''} {_HAS[person.role]}".split()),
        "shell": "/bin/bash",
        "end": "",
    }
    return "".join(f"\n@gridtui-facts {name}\n{text}\n" for name, text in parts.items())


def programs(machine: Machine) -> list[str]:
    """What is installed there."""
    return f"{_ALWAYS} {_PROGRAMS[machine.person.role]}".split()


def _cpuinfo(hardware: Hardware) -> str:
    if hardware.arch == "aarch64":
        rows = [f"processor\t: {number}\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b" for number in range(hardware.cpus)]
        return "\n".join([*rows, f"Model\t\t: {hardware.product}"])
    per_socket = hardware.cores // hardware.sockets
    return "\n".join(
        f"processor\t: {number}\nmodel name\t: {hardware.cpu_model}\nphysical id\t: {number % hardware.cores // per_socket}\n"
        f"core id\t\t: {number % per_socket}\ncpu cores\t: {per_socket}"
        for number in range(hardware.cpus)
    )


def top(machine: Machine, pause: float = 0.5) -> str:
    """The answer to `probes.top_command()`: two readings, as if the first had been taken `pause` seconds before."""
    rows = machine.processes()
    readings = []
    for earlier in (pause, 0.0):
        lines = []
        for row in rows:
            spent = int((row.seconds - earlier * row.share / 100) * HERTZ)
            lines.append(
                f"{row.pid} ({row.command[:15]}) {'R' if row.share > 50 else 'S'} 1 {row.pid} {row.pid} 0 -1 4194304 9000 0 12 0"
                f" {spent * 4 // 5} {spent - spent * 4 // 5} 0 0 20 0 {1 + int(row.share / 100)} 0 {300 + row.pid} {row.rss * 3} {row.rss // 4096}\n"
            )
        readings.append(f"@uptime\n{machine.uptime - earlier:.2f} 0.00\n@stat\n{''.join(lines)}")
    owners = "".join(f"{row.user} /proc/{row.pid}\n" for row in rows)
    return f"{''.join(readings)}@login\n{machine.boot_id}\n0 sim\n@page\n4096\n@owners\n{owners}@end\n"
