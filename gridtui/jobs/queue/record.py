"""A `Spec` as JSON and back: what is stored of a submission. Pure.

JSON is ASCII with escapes, so that names of files that are no UTF-8 (surrogates) come back as they were.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from ..model import Hours, Idle, Input, Level, Mount, Needs, Sandbox, Spec

_PLAIN = tuple(
    item.name for item in fields(Spec) if item.name not in {"labels", "env", "needs", "sandbox", "inputs", "idle"}
)


def to_json(spec: Spec) -> str:
    """One line of JSON."""
    document: dict[str, Any] = {name: getattr(spec, name) for name in _PLAIN}
    document |= {
        "labels": dict(spec.labels),
        "env": dict(spec.env),
        "needs": _flat(spec.needs),
        "sandbox": {**_flat(spec.sandbox), "mounts": [_flat(one) for one in spec.sandbox.mounts]},
        "inputs": [_flat(one) for one in spec.inputs],
        "idle": _idle(spec.idle) if spec.idle else None,
    }
    return json.dumps(document, separators=(",", ":"))


def _flat(value: Any) -> dict[str, Any]:
    """The fields of one value. `dataclasses.asdict` copies them deeply, which takes longer than the whole submission."""
    return {item.name: getattr(value, item.name) for item in fields(value)}


def _idle(idle: Idle) -> dict[str, Any]:
    return {**_flat(idle), "hours": _flat(idle.hours) if idle.hours else None}


def from_json(text: str) -> Spec:
    """The Spec that was stored. What a newer version added is passed over; what is missing has its default."""
    document = json.loads(text)
    values = {name: document[name] for name in _PLAIN if name in document}
    values["outputs"] = tuple(values.get("outputs", ()))
    sandbox = dict(document["sandbox"])
    for name in ("least", "most"):
        sandbox[name] = Level(sandbox[name])
    sandbox["mounts"] = tuple(Mount(**mount) for mount in sandbox["mounts"])
    idle = document["idle"]
    if idle is not None:
        hours = idle["hours"]
        idle = replace(Idle(**{**idle, "hours": None}), hours=Hours(**hours) if hours else None)
    return Spec(
        **values,
        labels=MappingProxyType(document["labels"]),
        env=MappingProxyType(document["env"]),
        needs=Needs(**document["needs"]),
        sandbox=Sandbox(**sandbox),
        inputs=tuple(Input(**one) for one in document["inputs"]),
        idle=idle,
    )
