"""Scripts as files: what they hold, and the options that they say of themselves in lines `#GRIDTUI --cpus 4`."""

from __future__ import annotations

import shlex
from pathlib import Path

from ...errors import SpecError, UsageError
from ...model import clean
from .submission import LONGEST

MARK = "#GRIDTUI"


def read(path: Path) -> str:
    """The text of a script. Raises UsageError where it is none."""
    shown = clean(str(path), 200)
    try:
        with path.open("rb") as stream:
            content = stream.read(LONGEST + 1)
    except OSError as error:
        raise UsageError(f"the script {shown} cannot be read: {(error.strerror or '').lower()}") from None
    if len(content) > LONGEST:
        raise UsageError(f"the script {shown} is over 1 MB", hint=_sent(path))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{shown} is no script", hint=_sent(path))
    if not text.strip():
        raise UsageError(f"the script {shown} is empty")
    return text


def _sent(path: Path) -> str:
    return clean(f"send a program as an input: --input {shlex.quote(str(path))} -- ./{shlex.quote(path.name)}", 300)


def options(text: str, file: str) -> list[tuple[int, list[str]]]:
    """The words of each line `#GRIDTUI ...` at the head of a script, with the line's number.

    The head ends at the first line that is neither empty nor a comment. Raises SpecError.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            break
        if stripped.split(maxsplit=1)[:1] != [MARK]:
            continue
        try:
            found.append((number, shlex.split(stripped[len(MARK) :], comments=True)))
        except ValueError as error:
            raise SpecError(f"this line cannot be read: {str(error).lower()}", file=file, line=number) from None
    return found
