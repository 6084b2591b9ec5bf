"""What was pushed, opened and changed by hand, kept over restarts: nobody else remembers it. Owns one small file of the state folder, which
all dashboards share. Runs in a thread; what is damaged in it is left out.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import StateError
from ..model import clean
from ..store import files, lock
from .activity import Deed, Kind

KINDS = frozenset({Kind.PUSH, Kind.SHELL, Kind.CHANGE})
"""What no other record has."""
MOST = 200
SIZE = 1 << 20
"""Bytes of the file: of pushes to thousands of nodes there are fewer."""
WORDS = 500
"""Characters of what was done."""
PATIENCE = 2.0
"""Seconds to wait for another dashboard that writes."""


def path() -> Path:
    """Where they are kept. Raises StateError."""
    return files.folder() / "deeds.json"


def key(deed: Deed) -> tuple[object, ...]:
    """By which one is known again."""
    return deed.kind, deed.began, clean(deed.what, WORDS)


def read() -> list[Deed]:
    """Those that are kept, the oldest first. Raises StateError, at a damaged file once: that is moved aside."""
    where = path()
    try:
        if where.stat().st_size > 2 * SIZE:
            raise StateError(f"{where} is too large to be ours", hint="move it out of the way")
    except FileNotFoundError:
        return []
    document = files.read_json(where)
    found = document.get("deeds") if isinstance(document, dict) else None
    return [deed for item in found if (deed := _in(item)) is not None] if isinstance(found, list) else []


def add(deeds: Sequence[Deed]) -> None:
    """Keep these too, and let go of the oldest. Raises StateError, LockedError."""
    with lock("deeds", patience=PATIENCE):
        before = list[Deed]()
        with contextlib.suppress(StateError):  # damaged: what follows is kept all the same
            before = read()
        known = {key(deed): deed for deed in (*before, *deeds)}
        files.write(path(), _document(sorted(known.values(), key=lambda deed: deed.began)))


def _document(deeds: Iterable[Deed]) -> str:
    kept, room = list[str](), SIZE
    for deed in reversed(list(deeds)[-MOST:]):
        item = json.dumps(_out(deed), ensure_ascii=False, separators=(",", ":"))
        room -= len(item.encode())
        if room < 0:
            break
        kept.append(item)
    return f'{{"schema":1,"deeds":[{",".join(reversed(kept))}]}}\n'


def _out(deed: Deed) -> dict[str, Any]:
    return {
        "kind": str(deed.kind),
        "what": clean(deed.what, WORDS),
        "began": deed.began,
        "seconds": deed.seconds,
        "names": deed.names,
        "ended": deed.ended,
        "failed": deed.failed,
        "note": clean(deed.note, WORDS),
    }


def _in(item: Any) -> Deed | None:
    try:
        kind, began, seconds = Kind(item["kind"]), float(item["began"]), item["seconds"]
        names = _names(item["names"])
        seconds = None if seconds is None else float(seconds)
        ended = tuple((clean(str(word), 40), int(count)) for word, count in item["ended"])
        what, note = clean(str(item["what"]), WORDS), clean(str(item["note"]), WORDS)
        failed = _names(item["failed"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if kind not in KINDS or not math.isfinite(began) or not math.isfinite(seconds or 0.0):
        return None
    deed = Deed("", kind, what, began, names, len(names), seconds, ended=ended, failed=failed, note=note)
    return replace(deed, id=("another's", *key(deed)), who="another dashboard")


def _names(items: Any) -> tuple[str, ...]:
    return tuple(clean(str(name), 255) for name in items)
