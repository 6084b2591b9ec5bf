"""A program that has the terminal in the dashboard's place. Owns who is in front there, and that the terminal is as before however the program
ends; knows neither Textual nor what is run.

The program leads a process group of its own, which is made the terminal's foreground one (termios(3), tcsetpgrp(3)): Ctrl-C and Ctrl-Z reach it
and not us, and the loop runs on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import termios
from collections.abc import Sequence
from typing import Any

from ..errors import UsageError

GRACE = 1.0
"""Seconds that a program has to end once its terminal is taken away."""

RESET = (
    "\x1b[!p"  # the cursor, its keys, the margins, the colours (DECSTR)
    "\x1b[?1l\x1b>\x1b[?7h\x1b[?25h\x1b[0m"
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l"
)
"""What a program that was cut off may have left on: keys of applications, the mouse, the focus, bracketed paste."""
TORN = "\x1b[<u\x1b[?1047l"
"""The same where it did not end by itself: the keyboard's protocol and the alternate screen. (1047 and not 1049, which moves the cursor.)"""


class Program:
    """One program at the terminal; it may stop, and be brought to the front again."""

    def __init__(self, words: Sequence[str], keys: int = 0, screen: int = 2) -> None:
        """`keys` is read from, and drawn on `screen`: file descriptors of one terminal."""
        self._words = words
        self._keys, self._screen = keys, screen
        self._process: subprocess.Popen[bytes] | None = None
        self._modes: list[Any] | None = None
        self.orphaned = False
        """The terminal went away meanwhile. Of that only who was in front is told (SIGHUP), and that was the program."""

    async def front(self) -> int | None:
        """Run it in front until it ends or stops. Gives its status, -n after signal n; None where it stopped and waits to go on.

        The terminal is as before then. Cancelled, it ends the program first. Raises UsageError where it cannot be run.
        """
        try:
            before, mine = termios.tcgetattr(self._keys), os.tcgetpgrp(self._keys)
        except (OSError, termios.error):
            raise UsageError("this is not the terminal that the dashboard was started at") from None
        status: int | None = -signal.SIGHUP
        try:
            process = self._start()
            _hand_over(self._keys, process.pid)
            # Whoever used the terminal before it was its own was stopped.
            _signal(process.pid, signal.SIGCONT)
            waiting = asyncio.get_running_loop().run_in_executor(None, _wait, process)
            try:
                status = await asyncio.shield(waiting)
            except asyncio.CancelledError:
                self.hang_up()
                await asyncio.wait([waiting], timeout=GRACE)
                self.hang_up(signal.SIGKILL)
                raise
        finally:
            try:
                _hand_over(self._keys, mine)
                self._modes = termios.tcgetattr(self._keys)
                termios.tcsetattr(self._keys, termios.TCSANOW, before)
                torn = status is not None and (status < 0 or status == LOST)
                if torn:
                    termios.tcflush(self._keys, termios.TCIFLUSH)  # what was typed for it is not meant for us
                os.write(self._screen, (RESET + (TORN if torn else "")).encode())
            except (OSError, termios.error):
                self.orphaned = True
        return status

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [os.fsencode(word) for word in self._words],
                    stdin=self._keys,
                    stdout=self._screen,
                    stderr=self._screen,
                    process_group=0,
                )
            except OSError as error:
                raise UsageError(f"{self._words[0]} cannot be run: {os.strerror(error.errno or 0)}") from None
        elif self._modes is not None:
            termios.tcsetattr(self._keys, termios.TCSANOW, self._modes)
        return self._process

    def hang_up(self, number: signal.Signals = signal.SIGHUP) -> None:
        """Tell it that its terminal is gone, stopped or not; take the terminal back."""
        process = self._process
        if process is not None and process.returncode is None:
            _signal(process.pid, number)
            _signal(process.pid, signal.SIGCONT)
        with contextlib.suppress(OSError):
            _hand_over(self._keys, os.getpgrp())

    async def gone(self) -> None:
        """Wait for one that was hung up, and kill what does not go."""
        if (process := self._process) is not None and process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, GRACE)
            self.hang_up(signal.SIGKILL)


LOST = 255
"""The status of an ssh that did not come through, or was cut off (ssh(1))."""


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """In a thread: until it ends (its status) or stops (None)."""
    while True:
        told = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        if told is not None and told.si_code in (os.CLD_STOPPED, os.CLD_TRAPPED):
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG)
            return None
        return process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _hand_over(terminal: int, group: int) -> None:
    """Make a process group the one in front. Raises OSError."""
    # From behind it would stop us (tcsetpgrp(3)).
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        os.tcsetpgrp(terminal, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
