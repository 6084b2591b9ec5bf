"""Inventories that only Ansible can read: scripts, plugin files, folders. Owns running `ansible-inventory --list`.

It is run as a program and never imported (ansible-core is GPLv3+, and loads for a second).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import Evidence, InventoryError
from ..model import clean
from . import yaml_text

TIMEOUT = 120.0
"""Seconds; plugins that ask a cloud take tens of them."""


def find() -> str | None:
    """`ansible-inventory` on the path, or beside the Python that runs us."""
    beside = Path(sys.executable).parent / "ansible-inventory"
    return shutil.which("ansible-inventory") or (str(beside) if os.access(beside, os.X_OK) else None)


def list_inventory(sources: Sequence[Path]) -> tuple[dict[str, Any], list[str]]:
    """What `ansible-inventory --list` says of `sources`, and its warnings. Raises InventoryError with the end of its errors."""
    named = ", ".join(str(source) for source in sources)
    command = find()
    if command is None:
        raise InventoryError(
            "only Ansible can read this inventory, and ansible-inventory is not installed",
            file=named,
            hint="install ansible-core, or write a plain YAML or INI inventory",
        )
    words = [command, "--list"]
    for source in sources:
        words += ["-i", os.path.abspath(source)]
    environment = {
        **os.environ,
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise InventoryError(f"ansible-inventory gave no answer in {TIMEOUT:.0f} s", file=named) from None
    except OSError as error:
        raise InventoryError(f"{command} does not start: {error.strerror}", file=named) from None
    lines = [clean(line, 500) for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    evidence = Evidence(command=" ".join(words), exit_status=done.returncode, stderr="\n".join(lines[-20:]))
    if done.returncode:
        said = next(
            (line for line in lines if line.startswith(("[ERROR]", "ERROR!"))), lines[-1] if lines else "no message"
        )
        raise InventoryError(
            f"ansible-inventory failed: {clean(said, 300)}", file=named, hint="see -v", evidence=evidence
        )
    try:
        data = yaml_text.revive(done.stdout.decode("utf-8"))
    except ValueError:
        raise InventoryError("ansible-inventory did not answer with JSON", file=named, evidence=evidence) from None
    if not isinstance(data, dict):
        raise InventoryError("ansible-inventory did not answer with an inventory", file=named, evidence=evidence)
    return data, [line for line in lines if line.startswith("[WARNING]")]
