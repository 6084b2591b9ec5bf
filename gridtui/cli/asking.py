"""Asks the person at the controlling terminal: yes or no, and for a password. Never keeps, logs or echoes what was typed.

The terminal is opened by itself, so that standard input is free to be a command's input. No thread: Ctrl-C ends a question at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios

_TERMINAL = "/dev/tty"
_LONGEST = 1024


def terminal() -> bool:
    """Whether there is somebody to ask: standard error is shown on a terminal, and we have one."""
    if not sys.stderr.isatty():
        return False
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def confirm(question: str) -> bool:
    """Whether the answer was yes; anything else is no."""
    handle = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(handle, f"{question} [y/N] ".encode(errors="surrogateescape"))
        answer = os.read(handle, _LONGEST)
    finally:
        os.close(handle)
    return answer.strip().lower() in (b"y", b"yes")


def typed(question: str, word: str) -> bool:
    """Whether exactly `word` was typed: for what a hasty yes must not do."""
    handle = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(handle, f"{question}\nType {word} to go on: ".encode(errors="surrogateescape"))
        answer = os.read(handle, _LONGEST)
    finally:
        os.close(handle)
    return answer.strip() == word.encode(errors="surrogateescape")


async def secret(question: str) -> str | None:
    """What was typed, unseen; None when nothing was, or the terminal went away. The event loop goes on meanwhile."""
    try:
        return await _secret(question)
    except (OSError, termios.error):
        return None


async def _secret(question: str) -> str | None:
    handle = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        loop.remove_reader(handle)
        if not ready.done():
            try:
                ready.set_result(os.read(handle, _LONGEST))
            except OSError as error:  # the loop would only log it, and nobody would wake up
                ready.set_exception(error)

    try:
        before = termios.tcgetattr(handle)
        silent = [*before]
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(handle, termios.TCSAFLUSH, silent)
        try:
            os.write(handle, f"{question.rstrip(': ')}: ".encode(errors="surrogateescape"))
            loop.add_reader(handle, read)
            typed = await ready
        finally:
            loop.remove_reader(handle)
            with contextlib.suppress(termios.error):
                termios.tcsetattr(handle, termios.TCSAFLUSH, before)
            os.write(handle, b"\n")
    finally:
        os.close(handle)
    return typed.decode("utf-8", "replace").rstrip("\r\n") or None
