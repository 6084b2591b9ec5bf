"""Whether a run needs Ansible to gather facts: the dearest task of most plays, and many plays use none. Owns that judgement, and is careful.

The text of all that a run may read is looked through: playbooks, the roles that they name, templates, variables. Anything that may be a fact, or
that could use one unseen (plugins, modules of collections), means yes. A play that says `gather_facts: true` gathers in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..model import Node
from . import material

MOST = 4 << 20
"""Bytes of text above which the answer is yes without reading on."""

_MAGIC = (
    "host port user connection become become_\\w+ ssh_\\w+ scp_\\w+ sftp_\\w+ python_interpreter pipelining shell_\\w+ check_mode diff_mode"
    " play_\\w+ playbook_python run_tags skip_tags version limit forks inventory_sources verbosity role_\\w+ parent_role_\\w+"
    " dependent_role_names search_path loop loop_var index_var failed_task failed_result config_file collection_name managed"
)
_FACT = re.compile(
    rf"\bansible_(?!(?:{_MAGIC.replace(' ', '|')})\b)\w+"
    r"|facts?\b|\bhostvars\b|\bvars\s*\[|lookup\(\s*['\"]vars|\bquery\(\s*['\"]vars|\bgather_subset\b"
    r"|\b(?:setup|package|service|yum|dnf|reboot|group_by)\s*:"
    r"|^\s*-?\s*(?!ansible\.)[a-z_]\w*\.[a-z_]\w*\.[a-z_]\w*\s*:"
    r"|\b(?:import_playbook|collections)\s*:",
    re.M,
)
_PLUGINS = (
    "library",
    "module_utils",
    *(f"{kind}_plugins" for kind in ("action", "filter", "lookup", "test", "vars", "strategy")),
)


def needed(playbooks: Sequence[Path], nodes: Iterable[Node]) -> bool:
    """Whether facts may be used."""
    if any("{{" in text and _FACT.search(text) for node in nodes for text in map(str, node.vars.values())):
        return True
    if any((playbook.parent / name).is_dir() for playbook in playbooks for name in _PLUGINS):
        return True
    left = MOST
    for path in material.files(playbooks):
        if path.parent.name in _PLUGINS:
            return True
        if "files" in path.parts[-3:-1]:
            continue  # copied as they are
        text = material.read(path)
        left -= len(text)
        if left < 0 or _FACT.search(text):
            return True
    return False
