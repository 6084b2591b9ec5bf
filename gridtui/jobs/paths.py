"""Paths of this machine in a specification: made absolute where a job is submitted, because whoever dispatches is somewhere else. Reads nothing but the current folder."""

from __future__ import annotations

import os
from dataclasses import replace

from ..errors import UsageError
from ..model import clean
from .model import Spec


def absolute(spec: Spec) -> Spec:
    """The same with absolute paths of inputs and of `into`: relative ones are of the current folder, `~` is the home.

    Raises UsageError for what can be no path.
    """
    inputs = tuple(replace(one, path=_absolute(one.path, f"the path of the input {one.name}")) for one in spec.inputs)
    into = _absolute(spec.into, "the folder for outputs") if spec.into else ""
    return spec if (inputs, into) == (spec.inputs, spec.into) else replace(spec, inputs=inputs, into=into)


def _absolute(path: str, what: str) -> str:
    if not path.strip() or "\0" in path:
        raise UsageError(f"{clean(what, 200)} is empty or holds a NUL character")
    whole = os.path.expanduser(path)
    if whole.startswith("~"):
        raise UsageError(f"{clean(what, 200)} is {clean(path, 200)}, and there is no such home")
    try:
        return whole if os.path.isabs(whole) else os.path.join(os.getcwd(), whole)  # `..` may follow a link: left alone
    except FileNotFoundError:
        raise UsageError(
            f"{clean(what, 200)} is relative, and the current folder is gone", hint="name it from / on"
        ) from None
