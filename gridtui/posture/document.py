"""An `Answer` as JSON and back. Owns the written form: a dataclass is an object of its fields, what could not be seen an object of one word."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..model import Unsupported
from .answer import Absent, Answer


def to_json(answer: Answer) -> dict[str, Any]:
    """Values that `json` can write."""
    written: dict[str, Any] = _write(answer)
    return written


def from_json(document: object) -> Answer | None:
    """The answer again; None for what is none, a damaged or an older one: the node is then asked as if for the first time."""
    try:
        answer = _read(Answer, document)
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    return answer if isinstance(answer, Answer) else None


def _write(value: Any) -> Any:
    if isinstance(value, Unsupported):
        return {"unsupported": value.why}
    if isinstance(value, Absent):
        return {"absent": value.why}
    if is_dataclass(value):
        return {item.name: _write(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _either(get_args(kind), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(value)
        return tuple(_read(get_args(kind)[0], item) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict) or not all(isinstance(text, str) for pair in value.items() for text in pair):
            raise TypeError(value)
        return MappingProxyType(dict(value))
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise TypeError(value)
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], item) for name, item in value.items()})
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise TypeError(value)
    return value


def _either(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind, word in ((Unsupported, "unsupported"), (Absent, "absent")):
        if kind in kinds and isinstance(value, dict) and value.keys() == {word}:
            return kind(_read(str, value[word]))
    if value is None and types.NoneType in kinds:
        return None
    (rest,) = (kind for kind in kinds if kind not in (Unsupported, Absent, types.NoneType))
    return _read(rest, value)
