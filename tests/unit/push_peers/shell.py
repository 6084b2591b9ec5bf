"""Parts of `onnode.sh`, run by the real shell in a home of our own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gridtui.push.peers.member import script


def keys(home: Path, commands: str, shell: str = "sh") -> subprocess.CompletedProcess[bytes]:
    """Run shell text that sees the functions around authorized_keys."""
    text = script()
    functions = text[text.index("lock_keys()") : text.index("main=$$")]
    full = f"umask 077\nLC_ALL=C\nexport LC_ALL\nkeys=$HOME/.ssh/authorized_keys\n{functions}\n{commands}\n"
    return subprocess.run(
        [shell, "-c", full], env={**os.environ, "HOME": str(home)}, capture_output=True, timeout=60, check=False
    )
