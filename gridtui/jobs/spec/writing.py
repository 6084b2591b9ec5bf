"""A submission as YAML that `document` reads back as the same: what `job show --yaml` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model import clean
from ..model import After, Idle, Level, Needs, Sandbox, Spec
from . import amounts, numbering, words


def spell(spec: Spec, *, array: Sequence[int] = (), each: Sequence[str] = (), after: Sequence[After] = ()) -> str:
    """One job's description."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    description = dict(_fields(spec, array, each, after))

    def written(*, unicode: bool) -> str:
        return yaml.dump(
            description, Dumper=Dumper, sort_keys=False, allow_unicode=unicode, width=120, default_flow_style=False
        )

    found = written(unicode=True)
    # Bidirectional overrides and their like are printable to YAML: escape all then.
    harmless = all(clean(line, len(line)) == line for line in found.replace("\t", "").split("\n"))
    return found if harmless else written(unicode=False)


def _fields(spec: Spec, array: Sequence[int], each: Sequence[str], after: Sequence[After]) -> Mapping[str, Any]:
    plain, needs = Spec("true"), spec.needs
    found: dict[str, Any] = {
        "name": spec.name,
        "run": spec.command,
        "array": numbering.spell_indices(array) if array and not each else "",
        "each": list(each),
        "after": [numbering.spell_after(one) for one in after],
        "where": spec.where,
        "cpus": _number(needs.cpus) if needs.cpus != Needs().cpus else "",
        "memory": amounts.spell_size(needs.memory) if needs.memory else "",
        "gpus": needs.gpus or "",
        "gpu-memory": amounts.spell_size(needs.gpu_memory) if needs.gpu_memory else "",
        "disk": amounts.spell_size(needs.disk) if needs.disk else "",
        "wall": amounts.spell_span(needs.wall) if needs.wall else "",
        "retries": spec.retries or "",
        "priority": spec.priority or "",
        "labels": dict(spec.labels),
        "env": dict(spec.env),
        "inputs": [f"{one.path}:{one.name}" for one in spec.inputs],
        "outputs": list(spec.outputs),
        "into": spec.into,
        **_sandbox(spec.sandbox),
        "idle": _idle(spec.idle) if spec.idle else "",
        "pack": spec.pack or "",
        "output-limit": amounts.spell_size(spec.output_limit) if spec.output_limit != plain.output_limit else "",
    }
    return {key: value for key, value in found.items() if value not in ("", [], {})}


def _sandbox(sandbox: Sandbox) -> Mapping[str, Any]:
    level = words.spell_sandbox(sandbox.least, sandbox.most)
    implied = (sandbox.least, sandbox.most) == (Level.PLAIN, Level.CONTAINER) or bool(sandbox.image)
    return {
        "sandbox": "" if implied else level,
        "network": sandbox.network or "",
        "image": sandbox.image,
        "mounts": [words.spell_mount(one) for one in sandbox.mounts],
    }


def _idle(idle: Idle) -> Any:
    plain = Idle()
    found: dict[str, Any] = {}
    for name in ("after", "freeze", "evict", "grace"):
        if getattr(idle, name) != getattr(plain, name):
            found[name] = amounts.spell_span(getattr(idle, name))
    if idle.load != plain.load:
        found["load"] = _number(idle.load)
    if idle.hours:
        found["hours"] = amounts.spell_hours(idle.hours)
    if idle.battery:
        found["battery"] = True
    return found or True


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
