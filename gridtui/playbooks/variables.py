"""Variables as people type them: `name=value`. Owns how they are read; pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UsageError


def read(pairs: Iterable[str]) -> dict[str, object]:
    """Each `name=value`; the value is YAML, as in an inventory. Raises UsageError."""
    import yaml

    found: dict[str, object] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.isidentifier():
            raise UsageError(f"{pair!r} is no variable", hint="write name=value")
        try:
            found[name] = yaml.safe_load(value) if value else ""
        except yaml.YAMLError:
            raise UsageError(f"the value of {name} is not valid YAML", hint=f"quote it: {name}='\"a: b\"'") from None
    return found
