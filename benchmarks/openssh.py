"""Many OpenSSH logins on one machine, for benchmarks: one sshd, any number of loopback addresses, and what each peer needs to reach them.

All of them end on the same two or more cores, so a wall is mostly the servers' work and the same for all; the client's CPU compares well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ssh.openssh import Sshd, public


@dataclass(frozen=True, slots=True)
class Farm:
    """`count` names, n1 to nN, that all lead to one sshd."""

    count: int
    inventory: Path
    """For gridtui and Ansible."""
    ssh_config: Path
    """For whatever runs `ssh -F`."""
    environment: dict[str, str]
    """Keeps the programs' own state out of the home folder."""

    @property
    def node_set(self) -> str:
        """The names as ClusterShell and pdsh write them."""
        return "n1" if self.count == 1 else f"n[1-{self.count}]"


@contextmanager
def farm(folder: Path, count: int, *more: str) -> Iterator[Farm]:
    """Start the sshd, with `more` options of sshd_config, write inventory and ssh_config; all ends with the context."""
    home = folder / "home"
    home.mkdir(parents=True)
    # An empty home: a slow ~/.bashrc of whoever measures would be run at every login, and be all that is measured.
    options = [
        f"SetEnv HOME={home}",
        "MaxStartups 1000",
        "MaxSessions 100",
        "UseDNS no",
        "PerSourceMaxStartups none",
        "LogLevel ERROR",
    ]
    with Sshd(folder / "sshd", options=[*options, *more], address="0.0.0.0") as sshd:
        known = folder / "known_hosts"
        known.write_text(f"[127.9.*]:{sshd.port} {' '.join(public(sshd.host_keys[0]).split()[:2])}\n")
        addresses = {f"n{index}": f"127.9.{index // 250}.{index % 250 + 1}" for index in range(1, count + 1)}
        config = folder / "ssh_config"
        lines = [f"Host {name}\n  HostName {address}\n" for name, address in addresses.items()]
        common = {
            "Port": sshd.port,
            "User": sshd.user,
            "IdentityFile": sshd.identity,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": known,
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        config.write_text("".join(lines) + "Host *\n" + "".join(f"  {key} {value}\n" for key, value in common.items()))
        inventory = folder / "inventory.ini"
        hosts = [f"{name} ansible_host={address}\n" for name, address in addresses.items()]
        variables = [
            f"ansible_port={sshd.port}",
            f"ansible_user={sshd.user}",
            f"ansible_ssh_private_key_file={sshd.identity}",
            f"ansible_ssh_common_args='-F none -o IdentitiesOnly=yes -o UserKnownHostsFile={known}'",
            "ansible_python_interpreter=/usr/bin/python3",
        ]
        inventory.write_text("".join(hosts) + "[all:vars]\n" + "\n".join(variables) + "\n")
        environment = {
            "PYTHONDONTWRITEBYTECODE": "",  # a cron job has its byte code cached
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "PDSH_SSH_ARGS_APPEND": f"-F {config}",
        }
        yield Farm(count, inventory, config, environment)
