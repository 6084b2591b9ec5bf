"""What is asked of a bare node and done to it before there is Python: shell text for any /bin/sh, and its strict reading. Pure.

Text that a node answers with is hostile: only lines of the expected form count, and what they say is neutralised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import clean
from ..ssh import quote

LEAST_PYTHON = (3, 8)
"""What ansible-core wants on a managed node (its support matrix: 2.17 to 2.19 take 3.7 or 3.8 and newer)."""

LOOK = r"""
LC_ALL=C; export LC_ALL; PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
echo "uid=$(id -u)"; echo "user=$(id -un)"
for t in sudo su apt-get dnf yum zypper apk pacman systemctl flock; do command -v "$t" >/dev/null 2>&1 && echo "has=$t"; done
for p in python3 /usr/libexec/platform-python; do
    "$p" -c 'import sys, json; print("python=%d.%d" % sys.version_info[:2])' 2>/dev/null && break
done
[ -r /etc/machine-id ] && echo "machine=$(cat /etc/machine-id)"
[ -r /etc/os-release ] && sed -n 's/^ID=/os=/p' /etc/os-release
exit 0
"""

LOOK_COMMAND = f"exec /bin/sh -c {quote(LOOK)}"

AUTHORIZE = r"""
LC_ALL=C; export LC_ALL; umask 077
read -r key || exit 1
words=$(printf '%s\n' "$key" | cut -d' ' -f1-2)
d="$HOME/.ssh"; f="$d/authorized_keys"
mkdir -p "$d" || exit 1
[ -e "$f" ] || : >"$f" || exit 1
if grep -v '^[[:space:]]*#' "$f" | grep -qF -- "$words"; then said=there; else
    if [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then printf '\n' >>"$f" || exit 1; fi
    printf '%s\n' "$key" >>"$f" || exit 1
    said=added
fi
chmod go-w "$d" "$f" || exit 1
if command -v restorecon >/dev/null 2>&1; then restorecon -R "$d" >/dev/null 2>&1; fi
echo "$said"
"""
"""Puts the key that it reads into the login's authorized_keys. sshd (StrictModes) trusts no file that others may write."""

HOLD = r"""
umask 077; f=/run/gridtui-provision.lock
command -v flock >/dev/null 2>&1 || { echo held; cat >/dev/null; exit 0; }
exec 9>>"$f" || exit 1
flock -n 9 || { echo "another controller provisions it: $(head -c 200 "$f")" >&2; exit 75; }
printf '%s\n' WHO >"$f"
echo held; cat >/dev/null
"""
"""Holds the node's lock as long as somebody listens: with the connection it is gone."""

WRITABLE = r'for d in /etc /var /usr; do [ -w "$d" ] || { echo "$d is read-only" >&2; exit 30; }; done'

PYTHON = r"""
LC_ALL=C; export LC_ALL DEBIAN_FRONTEND=noninteractive; PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
has() { command -v "$1" >/dev/null 2>&1; }
apt() { apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install python3 python3-apt; }
if has apt-get; then apt || { dpkg --configure -a; apt-get -q update && apt; }
elif has dnf; then dnf -q -y install python3
elif has yum; then yum -q -y install python3
elif has zypper; then zypper -n -q install python3
elif has apk; then apk add --quiet python3
elif has pacman; then pacman -Sy --noconfirm --quiet python
else echo "no apt-get, dnf, yum, zypper, apk or pacman" >&2; exit 31; fi </dev/null >&2
"""

_LINE = re.compile(r"(uid|user|has|python|machine|os)=([\x20-\x7e]{1,200})")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]{0,63}\$?")
"""Names of local accounts, and of those of directories. Nothing of them means something to a shell's or Ansible's templates."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a node is, as its login user sees it."""

    uid: int = -1
    user: str = ""
    has: frozenset[str] = frozenset()
    """Programs, by name."""
    python: tuple[int, int] | None = None
    machine: str = ""
    """machine-id(5)."""
    os: str = ""

    @property
    def usable_python(self) -> bool:
        """Whether Ansible's modules run there."""
        return self.python is not None and self.python >= LEAST_PYTHON


def read(output: bytes) -> Found:
    """What `LOOK` printed; what is not of its form is passed over."""
    uid, user, machine, os, python = -1, "", "", "", None
    has: set[str] = set()
    for line in output[:65536].decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if not found:
            continue
        name, value = found[1], found[2]
        if name == "uid" and re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
            uid = int(value)
        elif name == "user" and _USER.fullmatch(value):
            user = value
        elif name == "has" and re.fullmatch(r"[a-z-]{1,20}", value):
            has.add(value)
        elif name == "python" and (parts := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,3})", value, re.ASCII)):
            python = (int(parts[1]), int(parts[2]))
        elif name == "machine" and re.fullmatch(r"[0-9a-f]{32}", value):
            machine = value
        elif name == "os":
            os = clean(value.strip("\"'"), 40)
    return Found(uid, user, frozenset(has), python, machine, os)


def last_line(data: bytes) -> str:
    """The last line that says something, neutralised; '' when there is none."""
    lines = data[-8192:].decode("utf-8", "replace").splitlines()
    return next((text for line in reversed(lines) if (text := clean(line.strip(), 300))), "")
