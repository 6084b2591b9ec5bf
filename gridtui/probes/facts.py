"""Facts: what a node is and what it can do, asked once a connection. Owns the shell text and its reading.

Only files that every user may read and commands that only look. Runs in containers, on boards without DMI (the device tree names
them) and with a restricted /proc: what cannot be found out is '' or 0. Formats: os-release(5), proc(5), sysfs, systemd-detect-virt(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ..model import Facts, Unsupported, clean
from . import memory, uptime
from .cpu import CORES
from .probe import lines

FACTS_LIMIT = 256 * 1024
"""Bytes of output to allow for."""

_GPUS = 256

PROGRAMS: tuple[str, ...] = (
    "systemctl",
    "systemd-run",
    "docker",
    "podman",
    "nerdctl",
    "containerd",
    "crun",
    "runc",
    "bwrap",
    "nft",
    "iptables",
    "python3",
    "rsync",
    "tmux",
    "screen",
    "git",
    "curl",
    "tar",
    "zstd",
    "perl",
    "gcc",
    "make",
    "sudo",
    "doas",
    "slurmd",
    "condor_master",
    "kubelet",
    "apptainer",
    "singularity",
    "nvidia-smi",
    "rocm-smi",
    "qemu-system-x86_64",
    "virsh",
    "wg",
    "tc",
    "apt-get",
    "dnf",
    "apk",
    "pacman",
    "zypper",
)
"""Programs whose presence is a capability of their name, but for those in `_WORDS`."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {"systemctl": "", "qemu-system-x86_64": "qemu", "apt-get": "apt", "wg": "wireguard"}
)

_SECTION = "@gridtui-facts"

# Each probe of a capability is a test that the shell does by itself; processes are few, since this runs at every login.
_SCRIPT = (
    "set -f; LC_ALL=C; PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/run/current-system/sw/bin:$PATH; export LC_ALL PATH; "
    'exec 2>/dev/null </dev/null; T=; if timeout 5 true; then T="timeout 5"; fi; '
    f"s() {{ echo; echo {_SECTION} $1; }}; "
    "s uname; uname -n; uname -r; uname -m; "
    "s os; cat /etc/os-release || cat /usr/lib/os-release; "
    "s boot; cat /proc/sys/kernel/random/boot_id; "
    "s virt; $T systemd-detect-virt; "
    "s container; if [ -e /run/.containerenv ]; then echo podman; elif [ -e /.dockerenv ]; then echo docker; "
    "elif [ -e /run/systemd/container ]; then cat /run/systemd/container; fi; "
    's dmi; for f in sys_vendor product_name product_version; do echo "$f=$(cat /sys/class/dmi/id/$f)"; done; '
    's board; tr -d "\\\\000" </proc/device-tree/model; '
    # x86 repeats some thirty lines for each CPU: the first of each kind and the topology are enough.
    's cpu; grep -E "^(processor|model name|physical id|core id|cpu cores|siblings|Hardware|Model|cpu model|vendor_id|machine|CPU implementer|CPU part|isa|uarch)[[:space:]]*:" /proc/cpuinfo; '
    's flags; grep -m 1 -E "^(flags|Features)[[:space:]]*:" /proc/cpuinfo; '
    "s topology; set +f; cat /sys/devices/system/cpu/cpu[0-9]*/topology/core_cpus_list | sort -u | wc -l; "
    "cat /sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list | sort -u | wc -l; "
    "cat /sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id | sort -u | wc -l; set -f; "
    "s online; getconf _NPROCESSORS_ONLN; "
    "s memory; cat /proc/meminfo; "
    "s nvidia; if command -v nvidia-smi >/dev/null; then $T nvidia-smi --query-gpu=name --format=csv,noheader; fi; "
    "s pci; set +f; grep -s . /dev/null /sys/class/drm/card[0-9]/device/vendor /sys/class/drm/card[0-9]/device/device /sys/class/drm/card[0-9]/device/product_name; set -f; "
    'f() { command -v "$1" >/dev/null && echo "$1"; }; '
    f"s programs; for p in {' '.join(PROGRAMS)}; do f $p; done; "
    "s lsm; cat /sys/kernel/security/lsm; "
    # /proc/kallsyms tells of Landlock where securityfs is not mounted, but has 10 MB; the kernel's configuration rarely can be read. So: sysfs only.
    "s has; if [ -d /run/systemd/system ]; then echo systemd; fi; "
    "if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo cgroup2; fi; "
    "if [ -r /var/run/docker.sock ] && [ -w /var/run/docker.sock ]; then echo docker.usable; fi; "
    "if [ -w /run/containerd/containerd.sock ]; then echo containerd.usable; fi; "
    "if [ -e /dev/tpmrm0 ] || [ -e /dev/tpm0 ] || [ -e /sys/class/tpm/tpm0 ]; then echo tpm; fi; "
    "if [ -e /dev/kvm ] && [ -r /dev/kvm ] && [ -w /dev/kvm ]; then echo kvm; fi; "
    "if [ -e /dev/sev ]; then echo sev.host; fi; if [ -e /dev/sev-guest ]; then echo sev; fi; "
    "if [ -e /dev/tdx_guest ] || [ -e /dev/tdx-guest ]; then echo tdx; fi; "
    "if [ -e /dev/sgx_enclave ] || [ -e /dev/sgx/enclave ]; then echo sgx; fi; "
    "if [ -d /proc/pressure ]; then echo psi; fi; if [ -d /sys/firmware/efi ]; then echo efi; fi; "
    "if [ -d /var/lib/kubelet ]; then echo kubernetes; fi; "
    "a=; read -r a </proc/sys/user/max_user_namespaces; b=1; read -r b </proc/sys/kernel/unprivileged_userns_clone; "
    "c=0; read -r c </proc/sys/kernel/apparmor_restrict_unprivileged_userns; "
    'if [ "${a:-0}" != 0 ] && [ "${b:-1}" != 0 ] && [ "${c:-0}" = 0 ]; then echo userns; fi; '
    # Not asked: whether sudo needs a password. Where it does, the question itself is logged, and may be mailed to the administrator.
    'if [ "$(id -u)" = 0 ]; then echo root; fi; '
    's shell; echo "$SHELL"; s end'
)


def facts_command() -> str:
    """The command to run with `Connection.run`."""
    # The text goes to /bin/sh in single quotes, whatever the login shell is; it has none of its own, and no newline.
    return f"exec /bin/sh -c '{_SCRIPT}'"


def parse_facts(node: str, text: bytes, now: float) -> Facts:
    """The answer, as far as it came. Never raises over what a node sent."""
    parts = _sections(text[:FACTS_LIMIT])

    def first(name: str, limit: int = 128) -> str:
        return clean(next((line.strip() for line in lines(parts.get(name, b""), 64) if line.strip()), b""), limit)

    names = [clean(line.strip(), 128) for line in lines(parts.get("uname", b"").strip(b"\n"), 3)] + ["", "", ""]
    release = _assignments(parts.get("os", b""))
    dmi = _assignments(parts.get("dmi", b""))
    cpu = _Cpu(parts.get("cpu", b""), parts.get("topology", b""), first("online"))
    ram = memory.parse(parts.get("memory", b"").strip(b"\n"))
    boot = uptime.parse(parts.get("boot", b""), b"0.00 ")
    extra = {
        name: value
        for name, value in (
            ("container", first("container", 32)),
            ("product.version", _placeholder(dmi.get("product_version", ""))),
        )
        if value
    }
    return Facts(
        node=node,
        time=now,
        hostname=names[0],
        os=release.get("ID", ""),
        os_version=release.get("VERSION_ID", ""),
        os_name=release.get("PRETTY_NAME", ""),
        kernel=names[1],
        arch=names[2],
        virt=_virt(first("virt", 32), extra.get("container", ""), dmi, parts.get("flags", b"")),
        vendor=_placeholder(dmi.get("sys_vendor", "")),
        product=_placeholder(dmi.get("product_name", "")) or first("board"),
        cpu_model=cpu.model,
        cpus=cpu.logical,
        cores=cpu.cores,
        sockets=cpu.sockets,
        memory=0 if isinstance(ram, Unsupported) else ram.total,
        gpus=_gpus(parts),
        boot_id="" if isinstance(boot, Unsupported) else boot.boot_id,
        capabilities=_capabilities(parts),
        shell=first("shell"),
        extra=MappingProxyType(extra),
    )


def _sections(text: bytes) -> dict[str, bytes]:
    pieces = re.split(rb"^@gridtui-facts ([a-z]{1,16})\n", text + b"\n", flags=re.M)
    found: dict[str, bytes] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(name.decode("ascii"), body)
    return found


_ASSIGNMENT = re.compile(rb"([A-Za-z_]{1,32})=(.*)")


def _assignments(text: bytes) -> dict[str, str]:
    """`NAME=value` lines; os-release's values may be in quotes, with backslashes before what a shell would take."""
    found: dict[str, str] = {}
    for line in lines(text, 128):
        if match := _ASSIGNMENT.fullmatch(line.strip()):
            value = match[2].strip()
            if len(value) >= 2 and value[:1] == value[-1:] and value[:1] in b"\"'":
                value = re.sub(rb"\\([$\"`\\])", rb"\1", value[1:-1])
            found[match[1].decode("ascii")] = clean(value, 128)
    return found


# What makers of boards leave in the DMI tables when they have nothing to say.
_EMPTY = re.compile(
    r"(?i)to be filled by o\.?e\.?m\.?|system (?:manufacturer|product name|version)|default string|not specified|none|o\.e\.m\.|0+|n/a|unknown"
)


def _placeholder(text: str) -> str:
    return "" if _EMPTY.fullmatch(text) else text


_GUESTS = (
    ("kvm", "kvm"),
    ("qemu", "qemu"),
    ("vmware", "vmware"),
    ("virtualbox", "oracle"),
    ("xen", "xen"),
    ("google compute", "kvm"),
    ("amazon ec2", "amazon"),
)


def _virt(detected: str, container: str, dmi: Mapping[str, str], flags: bytes) -> str:
    """`systemd-detect-virt`'s word, which names a container before a machine; else from the marks that containers and machines leave."""
    if re.fullmatch(r"[a-z0-9-]{2,32}", detected):
        return detected
    if container:
        return container
    words = " ".join((dmi.get("sys_vendor", ""), dmi.get("product_name", ""))).lower()
    for word, virt in _GUESTS:
        if word in words:
            return virt
    if re.search(rb"\bhypervisor\b", flags):
        return "vm-other"
    return "none" if flags and words.strip() else ""


class _Cpu:
    """What /proc/cpuinfo and the topology in /sys say, where the one or the other says nothing."""

    def __init__(self, info: bytes, topology: bytes, online: str) -> None:
        model = ""
        logical = 0
        physical: set[bytes] = set()
        packages: set[bytes] = set()
        package = b""
        for line in lines(info, 65536):
            key, _, value = line.partition(b":")
            key, value = key.strip(), value.strip()
            if key == b"processor":
                logical += 1
            elif key in (b"model name", b"cpu model", b"Model", b"Hardware", b"uarch") and not model:
                model = clean(value, 128)
            elif key == b"physical id":
                package = value[:16]
                packages.add(package)
            elif key == b"core id":
                physical.add(package + b"/" + value[:16])
        counts = [
            int(line) if re.fullmatch(rb"\d{1,5}", line.strip()) else 0 for line in lines(topology.strip(), 3)
        ] + [0, 0, 0]
        count = int(online) if re.fullmatch(r"[0-9]{1,5}", online) else 0
        self.model = model
        self.logical = min(logical or count, CORES)
        self.cores = counts[0] or counts[1] or len(physical) or 0
        self.sockets = counts[2] or len(packages)


_DRM = re.compile(rb"/sys/class/drm/(card\d{1,3})/device/(vendor|device|product_name):(.{1,128})")
_MAKERS = {b"0x1002": "AMD", b"0x8086": "Intel"}


def _gpus(parts: Mapping[str, bytes]) -> tuple[str, ...]:
    found = [
        clean(line.strip(), 64)
        for line in lines(parts.get("nvidia", b""), _GPUS)
        # Errors come on standard output as well: sentences, with a full stop or the program's name.
        if line.strip()
        and b"NVIDIA-SMI" not in line
        and b"No devices" not in line
        and not line.rstrip().endswith((b".", b":"))
    ]
    cards: dict[bytes, dict[bytes, bytes]] = {}
    for line in lines(parts.get("pci", b""), _GPUS):
        if match := _DRM.fullmatch(line):
            cards.setdefault(match[1], {})[match[2]] = match[3].strip()
    found += [
        clean(card.get(b"product_name", b""), 64) or f"{maker} GPU {clean(card.get(b'device', b''), 16)}"
        for card in cards.values()
        if (maker := _MAKERS.get(card.get(b"vendor", b"")))
    ]
    return tuple(found)


_WORD = re.compile(rb"[a-z0-9][a-z0-9_.+-]{0,31}")


def _capabilities(parts: Mapping[str, bytes]) -> frozenset[str]:
    found: set[str] = set()
    known = {name.encode() for name in PROGRAMS}
    for line in lines(parts.get("programs", b""), 256):
        if line in known:
            word = line.decode("ascii")
            found.add(_WORDS.get(word, word))
    for line in lines(parts.get("has", b""), 256):
        if _WORD.fullmatch(line):
            found.add(line.decode("ascii"))
    modules = parts.get("lsm", b"").strip().split(b",")
    found |= {name for name in ("landlock", "selinux", "apparmor") if name.encode() in modules}
    flags = set(parts.get("flags", b"").split())
    if flags & {b"tdx_guest"}:
        found.add("tdx")
    if flags & {b"vmx", b"svm"}:
        found.add("hardware-virtualisation")
    found.discard("")
    return frozenset(found)
