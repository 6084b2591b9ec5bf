"""The image that a node is started from.

Owns: the recipe and how it becomes a Docker image. No registry is used: debootstrap makes the root
folder from Debian's own packages and `docker import` takes it. The tag is a hash of the recipe, so an
unchanged recipe is never built twice and a changed one always is.
Must not know: how many nodes there are, or how they are started.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from .docker import ENV, LabError, call, docker

REPOSITORY = "gridtui-lab"
MIRROR = os.environ.get("GRIDTUI_LAB_MIRROR", "")
"""Where Debian's packages come from; empty: where debootstrap takes them by itself."""

# Runs in the new root folder. Host keys and the machine id are each node's own and are made at its first
# start. sshd_config stays as Debian ships it: root by key only, MaxStartups and MaxSessions at their defaults.
SETUP = r"""
set -eu
useradd --create-home --shell /bin/bash grid
rm -f /etc/ssh/ssh_host_*
cat > /etc/systemd/system/lab-host-keys.service <<'UNIT'
[Unit]
Description=Host keys of this node
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=ssh.service
UNIT
systemctl enable ssh.service lab-host-keys.service
# A container has no console to log in at, no clock to set and no disks of its own.
systemctl mask console-getty.service getty.target systemd-udevd.service systemd-timesyncd.service \
    e2scrub_reap.service fstrim.timer apt-daily.timer apt-daily-upgrade.timer
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/bootstrap.log
"""

# What a playbook installs on a node is downloaded once, into the image: not installed, only at hand for apt.
FETCH = r"""
set -eu
echo 'Acquire::Languages "none";' > /etc/apt/apt.conf.d/lab
apt-get -q update
apt-get -q -y --no-install-recommends --download-only install "$@"
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a node is made of: a Debian suite, packages beyond the minimal base, a script run in the root, and
    packages (each with what it depends on) that wait in apt's cache, so that installing them downloads nothing."""

    name: str
    suite: str
    packages: tuple[str, ...]
    setup: str = SETUP
    cached: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The image's full name, with the recipe's hash as its tag."""
        digest = hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:12]
        return f"{REPOSITORY}-{self.name}:{digest}"


# What the shipped playbooks install.
PLAYBOOKS = (
    "aide",
    "auditd",
    "bubblewrap",
    "chrony",
    "crun",
    "dbus-user-session",
    "fail2ban",
    "fuse-overlayfs",
    "nftables",
    "podman",
    "python3",
    "python3-systemd",
    "rsync",
    "slirp4netns",
    "sudo",
    "uidmap",
    "unattended-upgrades",
    "wireguard-go",
    "wireguard-tools",
)

NODE = Recipe(
    name="node",
    suite="bookworm",
    packages=(
        "busybox",
        "dbus",
        "iproute2",
        "iputils-ping",
        "nftables",
        "openssh-server",
        "procps",
        "python3",
        "rsync",
        "sudo",
        "systemd",
        "systemd-sysv",
    ),
    cached=PLAYBOOKS,
)

ADMIN_PASSWORD, ROOT_PASSWORD = "installed-7Qm2-admin", "installed-9Xk4-root"
"""What lets people in to a bare node. Odd enough to be looked for where it must not be."""

# A machine as an installer leaves it: people log in with passwords, and there is neither Python nor rsync nor a sudo rule.
BARE = Recipe(
    name="bare",
    suite="bookworm",
    packages=("dbus", "iproute2", "openssh-server", "systemd", "systemd-sysv"),
    setup=SETUP.replace(
        "useradd --create-home --shell /bin/bash grid\n",
        f"""useradd --create-home --shell /bin/bash admin
printf '%s\\n' root:{ROOT_PASSWORD} admin:{ADMIN_PASSWORD} | chpasswd
echo 'PermitRootLogin yes' > /etc/ssh/sshd_config.d/installer.conf
""",
    ),
    cached=(*PLAYBOOKS, "python3-apt"),
)


def exists(recipe: Recipe) -> bool:
    """Whether Docker holds the image already. Needs a daemon that answers."""
    return docker("image", "inspect", recipe.tag, check=False).returncode == 0


def build(recipe: Recipe, say: Callable[[str], None]) -> bool:
    """Make the image unless Docker holds it; True if it was made. Takes about a minute and 600 MB.

    Raises LabError when debootstrap is missing or fails, or when we are not root.
    """
    if exists(recipe):
        return False
    if os.geteuid() != 0:
        raise LabError("only root can make the image (debootstrap): run `tests/lab/lab image` as root once")
    say(f"making the image {recipe.tag} (once, a minute or two)")
    # /var/tmp, because /tmp is often in memory or mounted without devices.
    with tempfile.TemporaryDirectory(prefix="gridtui-lab-", dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        call(
            [
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(recipe.packages)}",
                recipe.suite,
                str(root),
                *([MIRROR] if MIRROR else []),
            ],
            timeout=900,
        )
        call(["chroot", str(root), "/bin/sh", "-c", recipe.setup], timeout=300)
        if recipe.cached:
            call(["chroot", str(root), "/bin/sh", "-c", FETCH, "fetch", *recipe.cached], timeout=300)
        _import(root, recipe.tag)
    return True


def _import(root: Path, tag: str) -> None:
    """Hand a root folder to Docker as an image of one layer, under `tag`."""
    with subprocess.Popen(
        ["tar", "--numeric-owner", "--one-file-system", "-C", str(root), "-c", "."],
        stdout=subprocess.PIPE,
        env=ENV,
    ) as tar:
        done = subprocess.run(
            ["docker", "import", '--change=CMD ["/sbin/init"]', "-", tag],
            stdin=tar.stdout,
            capture_output=True,
            timeout=300,
            env=ENV,
            check=False,
        )
    if done.returncode or tar.returncode:
        raise LabError(f"docker import: {done.stderr.decode(errors='replace').strip()}")
