"""Variables that must not be shown. Owns which names are secret, and the mask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..model import Node
from .yaml_text import Vaulted

MASK = "********"
_SECRET = re.compile(
    r"pass(words?|wds?|phrases?|code)?($|_)|secret|token|credential|api_?key|access_?key|private_key($|_(?!file|path))"
    r"|(^|_)(pw|pin|psk|privkey)$|(encryption|shared|auth|pre_?shared)_key($|_(?!file|path))|^vault_",
    re.IGNORECASE,
)


def public_vars(node: Node) -> dict[str, Any]:
    """The node's variables as they may be printed: passwords, tokens and keys masked at every depth, vaulted values as `<vault>`.

    A secret inside a value of an innocent name is not known to be one.
    """
    return {name: _public(name, value) for name, value in node.vars.items()}


def is_secret(name: str) -> bool:
    """Whether a variable of that name is never shown."""
    return bool(_SECRET.search(name))


def _public(name: str, value: Any) -> Any:
    if isinstance(value, Vaulted):
        return str(value)
    if isinstance(value, Mapping):
        # A mapping under a secret name may hold anything under any name.
        secret = is_secret(name)
        return {str(key): MASK if secret else _public(str(key), item) for key, item in value.items()}
    if isinstance(value, str) and "PRIVATE KEY-----" in value:
        return MASK  # PEM, under whatever name
    if is_secret(name) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, list | tuple):
        return [_public(name, item) for item in value]
    return value
