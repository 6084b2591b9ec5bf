"""What a task changed, as a unified diff. Owns its bounds and that it is harmless; pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from ..model import clean

MOST = 400
"""Lines of a result's diff that are kept."""
WORK = 4_000_000
"""Lines before times lines after above which a difference is not worked out: difflib would take seconds."""
_WIDTH = 1000


def unified(answer: Mapping[str, Any]) -> str:
    """The diff of a result, its items' included; empty where there is none, or where it is secret."""
    lines: list[str] = []
    for line in _all(answer):
        if len(lines) >= MOST:
            lines.append("… and more")
            break
        lines.append(line)
    return "\n".join(lines)


def _all(answer: Mapping[str, Any]) -> Iterator[str]:
    if "censored" in answer:
        return
    results = answer.get("results")
    for item in [answer, *(results if isinstance(results, list) else [])]:
        if not isinstance(item, dict) or "censored" in item or item.get("_ansible_no_log") is True:
            continue
        found = item.get("diff")
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield from _one(one, str(item.get("dest") or item.get("path") or ""))


def _one(diff: Mapping[str, Any], place: str) -> Iterator[str]:
    prepared = diff.get("prepared")
    if isinstance(prepared, str):
        yield from _harmless(prepared)
        return
    before, after = diff.get("before"), diff.get("after")
    if "before" not in diff or "after" not in diff or before == after:
        return
    old, new = _harmless(_text(before)), _harmless(_text(after))
    if old == new:
        return
    yield f"--- {_header(diff.get('before_header'), place, 'before')}"
    yield f"+++ {_header(diff.get('after_header'), place, 'after')}"
    if len(old) * len(new) > WORK:
        yield f"(too long to compare line by line: {len(old)} and {len(new)} lines)"
        return
    yield from list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]


def _header(said: Any, place: str, word: str) -> str:
    """What a side is called. Ansible names a filled-in template after its temporary copy: another name for each node, and of no use."""
    name = str(said or "")
    if "/ansible-local-" in name:
        name = place or name.rpartition("/")[2]
    return clean(name or word, 300)


def _text(value: Any) -> str:
    """As Ansible's own callback: what is no text is shown as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    import json

    return json.dumps(value, indent=4, sort_keys=True, default=str)


def _harmless(text: str) -> list[str]:
    return [clean(line[:_WIDTH].expandtabs(8), _WIDTH) for line in text.removesuffix("\n").split("\n")] if text else []
