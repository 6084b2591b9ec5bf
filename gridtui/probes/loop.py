"""The loop that runs on the node: one line of POSIX shell. Owns its set-up and its order; the fragments belong to the probes.

It runs in dash, busybox sh, bash, ksh, mksh and yash, writes no file, needs no Python, and ends with its input. A FAST answer is
one process (`sed`, caught by the shell, so that header, text and trailer leave in one write and mostly in one SSH packet).

`sed` and not `cat`, though it takes longer to load: it leaves out the line `intr` of /proc/stat, which has a number for each
interrupt (tens of kB on large machines), and most of /proc/meminfo; and it writes whole buffers where `cat` writes each file by
itself and wakes the shell each time. Measured on a busy machine with two cores: 1.6 ms an answer with `cat`, 1.5 with `sed`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from .catalogue import PROBES
from .frame import Tier
from .probe import Probe

SEPARATOR = b"Linux\n"
"""Text of /proc/sys/kernel/ostype, read between two files of the fast section, so that an unreadable file is an empty piece."""

_OSTYPE = "/proc/sys/kernel/ostype"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/run/current-system/sw/bin"

# Also left out: devices that never count (see `devices`), of which container hosts and storage servers have thousands.
_READ = "sed -e '/^intr/d;/^softirq/d;/^[ADHIKNPUVWZ].*kB$/d;/ loop[0-9]/d;/ ram[0-9]/d;/ dm-[0-9]/d;/^ *veth/d'"

FAST_FILES: tuple[str, ...] = tuple(path for probe in PROBES for path in probe.files)
"""The files of the fast section, in their order there. The last one tells what the loop costs."""


def script(nonce: str, skip: AbstractSet[str] = frozenset()) -> bytes:
    """The line to write first: the whole loop. `skip` names probes to leave out, such as one that hung."""
    files = f" {_OSTYPE} ".join(path.replace("/proc/self/", "/proc/$$/") for path in FAST_FILES)
    wanted = [probe for probe in PROBES if probe.sections and probe.name not in skip]
    parts = [
        # Nothing of the user's environment may change what the tools print, and nothing may reach the channel but frames.
        f"set -f; umask 077; LC_ALL=C; PATH={_PATH}:$PATH; IFS=' '; export LC_ALL PATH; unset CDPATH POSIXLY_CORRECT; exec 2>/dev/null",
        f"N={nonce}; S=; cd /",
        "nl=$(echo; echo x); nl=${nl%x}",
        # `timeout` bounds what may hang (systemctl, nvidia-smi); old busybox knows another syntax and does without.
        'T=; if timeout -k 1 5 true; then T="timeout -k 1 5"; elif timeout 5 true; then T="timeout 5"; fi',
        f'F="{files}"',
        # bash writes each line by itself, and each write may become a packet: there the lines are joined, see `frame.JOINT`.
        """j() { :; }; P='%s\\n%s\\n%s\\n'; if [ "$BASH_VERSION" ]; then P='%s\\037%s\\037%s\\n'; u=$(printf '\\037'); """
        """j() { IFS=$nl; set -- $x; IFS=$u; x="$*"; IFS=' '; }; fi""",
        *(probe.setup for probe in wanted if probe.setup),
        f"while read -r n t; do {{ {_body(wanted)}; }} </dev/null; done",
    ]
    return ("; ".join(parts) + "\n").encode("ascii")


def _body(wanted: list[Probe]) -> str:
    first = "".join(_emit(probe) for probe in wanted if probe.tier is Tier.FAST)
    gpu = "".join(_emit(probe) for probe in wanted if probe.tier is Tier.GPU)
    slow = "".join(_emit(probe) for probe in wanted if probe.tier is Tier.SLOW)
    return (
        "case $t in "
        # The plain answer: one process, one write.
        f"""fast) if [ "$S" ]; then x=$({_READ} $F); j; printf "$P" "@$N begin $n $t -" "$x" "@$N end $n"; continue; fi; d=-;; """
        # The clock leaves in the header, by itself and at once: how long it travelled bounds the error of the offset.
        "slow) d=$(date +%s.%N); case $d in *[!0-9.]*|*.|'') d=$(date +%s);; esac;; "
        "*) d=-;; esac; "
        f"""S=1; x=$({_READ} $F); echo "@$N begin $n $t ${{d:--}}"; printf '%s\\n' "$x"; """
        f"{first}"
        f"case $t in gpu|slow) {gpu or ':; '}esac; "
        f"case $t in slow) {slow or ':; '}esac; "
        'echo "@$N end $n"'
    )


def _emit(probe: Probe) -> str:
    return f"{probe.fragment}; "
