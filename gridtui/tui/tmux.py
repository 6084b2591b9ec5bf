"""Windows of the tmux that the dashboard runs in. Owns the words for it; knows nothing of nodes.

What tmux is given is one line for /bin/sh, quoted: the shell that tmux itself would take may be any, and a word that ends in `;` would end its
command. A window's name is plain: tmux would run what stands in `#(...)` (tmux(1), FORMATS).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..ssh.quote import quote

PATIENCE = 5.0
"""Seconds that tmux may take to answer."""
LOST = 255


@dataclass(frozen=True, slots=True)
class Window:
    """A window that was made."""

    id: str
    """As tmux calls it, e.g. `@3`."""
    pid: int
    """The process in it."""


def here() -> bool:
    """Whether the dashboard runs in tmux."""
    return bool(os.environ.get("TMUX"))


def named(name: str) -> str:
    """A node's name as a window's."""
    return re.sub(r"[^\w.@:-]", "_", name, flags=re.ASCII)[:32] or "_"


def line(words: Sequence[str], name: str, variables: Mapping[str, str]) -> str:
    """What the window runs: the words with these variables, and a word at the end where ssh did not come through, until Enter."""
    given = "".join(f"export {quote(f'{key}={value}')}; " for key, value in variables.items())
    said = f"gridtui: ssh to {name} ended with status {LOST}; Enter closes this window "
    return f'{given}{quote(*words)}; s=$?; [ $s -ne {LOST} ] || {{ printf "\\n%s" {quote(said)}; read -r _; }}; exit $s'


async def new_window(words: Sequence[str], name: str, variables: Mapping[str, str], behind: bool) -> Window:
    """Run words in a new window, `behind` the one that is shown. Raises UsageError."""
    command = [*(["-d"] if behind else []), "-P", "-F", "#{window_id} #{pane_pid}", "-n", named(name)]
    told = await _tmux("new-window", *command, "/bin/sh", "-c", line(words, named(name), variables))
    found = re.fullmatch(r"(@\d+) (\d+)\s*", told)
    if found is None:
        raise UsageError("tmux gave no window")
    return Window(found[1], int(found[2]))


async def select(window: Window) -> None:
    """Show a window. Raises UsageError."""
    await _tmux("select-window", "-t", window.id)


def watch(window: Window, ended: Callable[[], None]) -> Callable[[], None]:
    """Call `ended` once the process in the window has ended. Gives what ends the watching. Raises OSError where the kernel cannot tell."""
    handle = os.pidfd_open(window.pid)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        nonlocal handle
        if handle >= 0:
            loop.remove_reader(handle)
            os.close(handle)
            handle = -1

    def told() -> None:
        leave()
        ended()

    loop.add_reader(handle, told)
    return leave


async def _tmux(*words: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise UsageError(f"tmux cannot be run: {os.strerror(error.errno or 0)}") from None
    try:
        async with asyncio.timeout(PATIENCE):
            out, complaint = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise UsageError("tmux does not answer") from None
    if process.returncode:
        raise UsageError(f"tmux: {complaint.decode(errors='replace').strip() or 'no window was made'}")
    return out.decode(errors="replace")
