"""Simple Jinja references in the few variables that gridtui itself needs. Owns which are understood.

Understood: `{{ name }}`, `{{ name.key }}`, `{{ name['key'] }}`, each with `| default('text')` behind it, and `{{ lookup('env', 'NAME') }}`;
alone or inside text. All else needs Ansible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_EXPRESSION = re.compile(
    r"""\s*
    (?: lookup\(\s*['"](?:ansible\.builtin\.)?env['"]\s*,\s*['"](?P<env>\w+)['"]\s*\)
      | (?P<name>[A-Za-z_]\w*) (?P<path>(?:\.[A-Za-z_]\w* | \[\s*(?:'[^']*'|"[^"]*")\s*\])*) )
    \s* (?: \|\s*(?:default|d)\(\s*(?P<default>'[^']*'|"[^"]*"|\d+)\s*(?:,\s*[Tt]rue\s*)?\) \s* )?
    """,
    re.VERBOSE,
)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[\s*['\"]([^'\"]*)['\"]\s*\]")
_DEPTH = 10


class TemplateError(ValueError):
    """A template that only Ansible can fill in; the text says why."""


def has(value: Any) -> bool:
    """Whether `value` is text with a template in it."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def fill(value: Any, variables: Mapping[str, Any], depth: int = 0) -> Any:
    """`value` with its references filled in from `variables`; a lone reference keeps its type. Raises TemplateError."""
    if not has(value):
        return value
    if depth > _DEPTH:
        raise TemplateError("its templates refer to one another without end")
    if "{%" in value or "{#" in value:
        raise TemplateError("only Ansible can run its template")
    if match := _REFERENCE.fullmatch(value.strip()):
        return _look_up(match[1], variables, depth)
    return _REFERENCE.sub(lambda found: str(_look_up(found[1], variables, depth)), value)


def _look_up(expression: str, variables: Mapping[str, Any], depth: int) -> Any:
    match = _EXPRESSION.fullmatch(expression)
    if not match:
        raise TemplateError(f"only Ansible can work out `{{{{{expression}}}}}`")
    found: Any = None
    if match["env"]:
        found = os.environ.get(match["env"])
    else:
        found = variables.get(match["name"])
        for step in _STEP.finditer(match["path"] or ""):
            found = found.get(step[1] or step[2]) if isinstance(found, Mapping) else None
    if found is None or found == "":
        if match["default"] is None:
            what = f"variable {match['name']}{match['path'] or ''}" if match["name"] else f"${match['env']}"
            raise TemplateError(f"{what} is not set")
        return match["default"].strip("'\"")
    return fill(found, variables, depth + 1)
