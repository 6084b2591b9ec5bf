"""Local file systems: bytes and inodes. Formats: proc(5), /proc/PID/mountinfo; stat(1) with `-f`.

A hung network file system must not hang the probe, so only mount points of types known to be local are looked at, and none that
lies below, or is covered by, a mount of any other kind: walking the path would touch it. Bind mounts of one device count once.
`used` and `percent` are what `df` shows: used / (used + available to users), so that space reserved for root counts as full.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported, clean
from .frame import Tier
from .probe import Probe, lines, malformed, marker

MOST = 256
"""Mount points looked at on one node."""

_LOCAL = "ext2|ext3|ext4|xfs|btrfs|zfs|f2fs|jfs|reiserfs|vfat|msdos|exfat|ntfs|ntfs3|hfs|hfsplus|bcachefs|nilfs2|ubifs|jffs2|ufs"
# Types without a server or daemon behind them: they cannot hang, but tell nothing of a disk. Whatever is in neither list can hang.
_HARMLESS = (
    "proc|sysfs|devtmpfs|devpts|tmpfs|ramfs|rootfs|cgroup|cgroup2|mqueue|overlay|aufs|squashfs|erofs|cramfs|romfs|iso9660|udf|securityfs|debugfs"
    "|tracefs|configfs|bpf|pstore|efivarfs|hugetlbfs|nsfs|binfmt_misc|rpc_pipefs|fusectl|selinuxfs|nfsd|resctrl|autofs"
)
_FORMAT = "%S %b %f %a %c %d %n"

_MOUNT = re.compile(rb"(\d{1,7}:\d{1,7}) (\S{1,32}) (ro|rw) (/\S*)")
_STAT = re.compile(rb"(\d{1,10}) (\d{1,20}) (\d{1,20}) (\d{1,20}) (\d{1,20}) (\d{1,20}) ")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One local file system. Bytes; None for inodes where the type has none (btrfs, vfat)."""

    mount: str
    type: str
    device: str
    """major:minor."""
    read_only: bool
    size: int
    used: int
    free: int
    """What users can still get."""
    inodes: int | None
    inodes_free: int | None

    @property
    def percent(self) -> float:
        """As `df`, not rounded up."""
        return 100.0 * self.used / (self.used + self.free) if self.used + self.free else 0.0

    @property
    def inodes_percent(self) -> float | None:
        if not self.inodes or self.inodes_free is None:
            return None
        return 100.0 * (self.inodes - self.inodes_free) / self.inodes


def parse(mounts: bytes, figures: bytes) -> tuple[FileSystem, ...] | Unsupported:
    """The mount points that were looked at, and what `stat -f` said of each, in the same order; some may be missing there."""
    found: list[FileSystem] = []
    at = 0
    listed = [match for line in lines(mounts, MOST) if (match := _MOUNT.fullmatch(line))]
    for match in listed:
        device, kind, mode, escaped = match.groups()
        name = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), escaped)
        numbers = _STAT.match(figures, at)
        # The name stands last and is known: whatever it holds, newlines too, it cannot be taken for another line.
        if numbers is None or not (figures + b"\n").startswith(name + b"\n", numbers.end()):
            continue
        at = numbers.end() + len(name) + 1
        block, blocks, unused, free, inodes, inodes_free = map(int, numbers.groups())
        if not blocks:
            continue
        found.append(
            FileSystem(
                clean(name, 256),
                clean(kind, 32),
                device.decode("ascii"),
                mode == b"ro",
                blocks * block,
                max(0, blocks - unused) * block,
                free * block if free <= blocks else 0,  # negative when root ate into its reserve
                inodes or None,
                min(inodes_free, inodes) if inodes else None,
            )
        )
    if not found:
        if listed:
            return malformed(figures) if figures.strip() else Unsupported("`stat -f` gave nothing")
        return Unsupported("no local file system")
    return tuple(found)


def metrics(value: tuple[FileSystem, ...]) -> Mapping[str, float]:
    # A file system that cannot be written to (an image, a rescue partition) may well be full.
    writable = [item for item in value if not item.read_only]
    if not writable:
        return {}
    fullest = max(writable, key=lambda item: item.percent)
    out = {"disk": fullest.percent, "disk.free": float(fullest.free)}
    inodes = [percent for item in writable if (percent := item.inodes_percent) is not None]
    if inodes:
        out["disk.inodes"] = max(inodes)
    return out


# mountinfo: id parent major:minor root mount-point options [optional fields] - type source super-options. Blanks in it are octal escapes.
# The mount table is compared as text with the one of the time before; only a changed one is gone through. Chosen mount points become "$@".
_SETUP = (
    "M=; L=; tab='\t'; "
    'm() { dev=$3; root=$4; mp=$5; op=$6; shift 6; while [ $# -gt 0 ] && [ "$1" != - ]; do shift; done; ty=$2; }; '
    # decode: mountinfo's escapes in $mp to plain text in $e
    "e() { e=; r=$mp; while :; do case $r in "
    """*\\\\*) e=$e${r%%\\\\*}; r=${r#*\\\\}; case $r in 040*) e="$e ";; 011*) e=$e$tab;; 012*) e=$e$nl;; 134*) e=$e\\\\;; 043*) e="$e#";; esac; r=${r#???};; """
    "*) e=$e$r; return;; esac; done; }; "
    # below: does $mp lie below one of the mount points that can hang, or under such a one?
    """b() { IFS=$nl; for h in $X; do case $mp/ in "$h"/*) IFS=' '; return 0;; esac; done; """
    """for h in $A; do case $mp in "$h"/*) IFS=' '; return 0;; esac; done; IFS=' '; return 1; }"""
)
_SCAN = (
    "M=$x; X=; A=; L=; D=' '; c=0; set --; IFS=$nl; "
    f"for l in $x; do IFS=' '; m $l; case $ty in autofs) A=$A$mp$nl;; {_LOCAL}|{_HARMLESS}) ;; *) if [ \"$mp\" != / ]; then X=$X$mp$nl; fi;; esac; done; "
    "IFS=$nl; for l in $x; do IFS=' '; m $l; "
    f"case $ty:$mp in overlay:/|tmpfs:/|tmpfs:/tmp) ;; *) case $ty in {_LOCAL}) ;; *) continue;; esac;; esac; "
    'case $D in *" $dev "*) continue;; esac; b && continue; e; '
    # Containers have files mounted, such as /etc/hosts: their file system is the host's.
    '[ -d "$e" ] || continue; D="$D$dev "; case ,$op, in *,ro,*) op=ro;; *) op=rw;; esac; '
    f'L="$L$dev $ty $op $mp$nl"; set -- "$@" "$e"; c=$((c+1)); [ $c -ge {MOST} ] && break; done; IFS=\' \''
)
_SHELL = (
    f'x=$(cat /proc/self/mountinfo); if [ "$x" != "$M" ]; then {_SCAN}; fi; '
    f"{marker('filesystems')}; printf '%s' \"$L\"; {marker('filesystems.figures')}; "
    f"if [ $# -gt 0 ]; then $T stat -f -c '{_FORMAT}' -- \"$@\"; fi"
)

PROBE = Probe(
    "filesystems",
    Tier.SLOW,
    parse,
    metrics,
    sections=("filesystems", "filesystems.figures"),
    setup=_SETUP,
    fragment=_SHELL,
)
