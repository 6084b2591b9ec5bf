"""The systemd user unit that dispatches: its text, and putting it in place. systemd itself is asked by `systemctl --user`."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...model import clean
from ...store import files
from .. import exits, output

if TYPE_CHECKING:
    from ..main import Context

NAME = "gridtui-jobs.service"
_TEMPLATE = Path(__file__).with_name(NAME)
_KEPT = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "GRIDTUI_CONFIG", "GRIDTUI_HOST_KEYS")
"""What of our environment decides which queue and which settings are meant."""
_TIMEOUT = 30.0


def text(context: Context) -> str:
    """The unit, with the inventory and the settings of this call."""
    from ... import inventory

    words = [sys.executable, "-P", "-m", "gridtui"]
    for source in inventory.find(context.sources):
        words += ["-i", str(source.absolute())]
    if context.config:
        words += ["-c", str(context.config.absolute())]
    if context.host_keys:
        words += ["--host-keys", context.host_keys]
    words += ["job", "dispatch", "--standby"]
    lines = [f"Environment={quote(f'{name}={os.environ[name]}')}" for name in _KEPT if os.environ.get(name)]
    found = _TEMPLATE.read_text().replace("@COMMAND@", " ".join(quote(word, dollar=True) for word in words))
    return found.replace("@ENVIRONMENT@\n", "".join(f"{line}\n" for line in lines))


def quote(word: str, *, dollar: bool = False) -> str:
    """A word as systemd.syntax(7) and systemd.service(5) have it: quoted, no specifiers and, in a command, no variables."""
    if any(ord(char) < 32 or ord(char) == 127 for char in word):
        raise UsageError(f"`{clean(word, 100)}` holds control characters", hint="a unit cannot name it")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if dollar else escaped}"'


def place() -> Path:
    """Where units of the user are: systemd.unit(5)."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user" / NAME


def install(context: Context) -> int:
    """Write the unit, enable and start it; all of it again changes nothing. The exit status."""
    context.settings().guard.allow_changes()
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, text(context), 0o644)
    output.note(f"wrote {path}")
    for words in (["daemon-reload"], ["enable", NAME], ["restart", NAME]):
        if why := _systemctl(words):
            output.warning(f"systemd was not reached: {why}")
            output.note(f"where it runs: systemctl --user daemon-reload && systemctl --user enable --now {NAME}")
            return exits.FAILED
    output.note(f"it runs, and starts by itself: systemctl --user status {NAME}; journalctl --user -u {NAME}")
    if not _lingers():
        output.note("it ends when you log out: `loginctl enable-linger` lets it run from the boot on")
    output.note("it has no agent and nobody to ask: the key to the nodes must be one without a passphrase")
    return exits.OK


def remove() -> int:
    """Stop the unit and take it away. The exit status."""
    path = place()
    if not path.exists():
        output.note(f"there is no {path}")
        return exits.OK
    why = _systemctl(["disable", "--now", NAME])
    path.unlink(missing_ok=True)
    if why or (why := _systemctl(["daemon-reload"])):
        output.warning(f"systemd was not reached: {why}; a dispatcher that it started may still run")
        return exits.FAILED
    output.note(f"removed {path}")
    return exits.OK


def _systemctl(words: list[str]) -> str:
    """Ask systemd. Why it did not work; empty when it did."""
    try:
        done = subprocess.run(
            ["systemctl", "--user", *words],
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return "there is no systemctl here"
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if done.returncode == 0:
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return clean(lines[0] if lines else f"systemctl ended with {done.returncode}", 200)


def _lingers() -> bool:
    """Whether the user's units run without a login."""
    return (Path("/var/lib/systemd/linger") / getpass.getuser()).exists()
