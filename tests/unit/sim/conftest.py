"""A real OpenSSH client against the simulated nodes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Ssh = Callable[..., Awaitable[asyncio.subprocess.Process]]


def hosts(folder: Path) -> dict[str, dict[str, Any]]:
    """Name to variables, from the simulator's inventory."""
    simulated = yaml.safe_load((folder / "inventory.yaml").read_text())["all"]["children"]["simulated"]
    return {
        name: simulated["vars"] | values
        for group in simulated["children"].values()
        for name, values in group["hosts"].items()
    }


def ssh_words(folder: Path, name: str, *options: str) -> list[str]:
    """A strict `ssh` to one simulated node."""
    values = hosts(folder)[name]
    return [
        "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=5",
        "-o", f"UserKnownHostsFile={folder}/known_hosts", "-o", "GlobalKnownHostsFile=none",
        "-o", "IdentitiesOnly=yes", "-i", values["ansible_ssh_private_key_file"], "-p", str(values["ansible_port"]),
        *options, f"{values['ansible_user']}@{values['ansible_host']}",
    ]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _client() -> None:
    if not shutil.which("ssh"):
        pytest.skip("no OpenSSH client here")
