"""How ansible-playbook is called: which program, with which words and which environment. Owns what of gridtui's settings reaches Ansible.

What the user's environment says of Ansible stands above our defaults, and what the inventory says of a node above both, but for host
keys: those are always checked. Starts nothing.
"""

from __future__ import annotations

import configparser
import math
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import UsageError
from ..settings import Ssh
from ..ssh.quote import quote
from ..ssh.system import path_word

MARK = "LC_GRIDTUI_RUN"
"""A variable of each login of a run, with the run's id: what is left of it on a node is found by that. Begins with LC_ because sshd takes
these from its clients where nothing else is taken (AcceptEnv, in Debian's, Ubuntu's, Fedora's and SUSE's sshd_config)."""
ALIVE, ALIVE_COUNT = 5, 4
"""Seconds of silence after which a node is asked whether it lives, and unanswered questions after which it is given up: 20 s."""
FORKS_PER_CORE = 8
"""Workers of Ansible at once, for each core: each is a process of some 60 MB that mostly waits for its node."""
LEAST_FORKS = 16

_SECRET = ("PASS", "TOKEN", "SECRET", "VAULT", "KEY")


def program() -> str:
    """ansible-playbook beside the Python that runs us, else on the path. Raises UsageError."""
    beside = Path(sys.executable).parent / "ansible-playbook"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("ansible-playbook")
    if not found:
        raise UsageError("ansible-playbook is not installed", hint="install ansible-core: `pip install ansible-core`")
    return found


def forks(nodes: int, wanted: int = 0) -> int:
    """Nodes at once: `wanted`, else as many as there are, bounded by what this machine's cores can feed."""
    if wanted:
        return wanted
    cores = len(os.sched_getaffinity(0))
    return max(1, min(nodes, max(LEAST_FORKS, cores * FORKS_PER_CORE)))


def configured() -> frozenset[str]:
    """The keys that the user's ansible.cfg sets: the one that Ansible would read. Variables would stand above them, so we leave them alone."""
    named = os.environ.get("ANSIBLE_CONFIG", "")
    for place in (named, "ansible.cfg", "~/.ansible.cfg", "/etc/ansible/ansible.cfg"):
        path = Path(place).expanduser() / ("ansible.cfg" if place and Path(place).is_dir() else "")
        if not place or not path.is_file():
            continue
        parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
        try:
            parser.read_string(path.read_text("utf-8", "replace"))
        except configparser.Error:
            return frozenset()  # Ansible will say what is wrong with it
        return frozenset(key for section in parser.sections() for key in parser.options(section))
    return frozenset()


def environment(folder: Path, run: str, ssh: Ssh, *, strategy: str = "", facts: bool = True) -> dict[str, str]:
    """The variables for one run, on top of the user's: `folder` is its scratch folder, short enough for sockets.

    `facts`: whether plays that do not say so gather facts.
    """
    theirs = configured()
    defaults = {
        # one ssh execution a task, through a connection that stays; facts once a run, and where they are used
        "ANSIBLE_PIPELINING": ("pipelining", "True"),
        "ANSIBLE_GATHERING": ("gathering", "smart" if facts else "explicit"),
        "ANSIBLE_INTERNAL_POLL_INTERVAL": ("internal_poll_interval", "0.005"),
        "ANSIBLE_PYTHON_INTERPRETER": ("interpreter_python", "auto_silent"),
        "ANSIBLE_DEPRECATION_WARNINGS": ("deprecation_warnings", "False"),
        "ANSIBLE_LOCALHOST_WARNING": ("localhost_warning", "False"),
    }
    user = {name: value for name, value in os.environ.items() if name.startswith("ANSIBLE_")}
    ours = {
        **{name: value for name, (key, value) in defaults.items() if key not in theirs},
        **user,
        # where things lie, who is trusted and what is shown is ours to say
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "s"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "t"),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_SSH_ARGS": ssh_words(run, ssh, user.get("ANSIBLE_SSH_ARGS", "")),
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_FORCE_COLOR": "False",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
        "ANSIBLE_KEEP_REMOTE_FILES": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        # Ansible starts in a UTF-8 locale alone, and its words are read
        "LC_ALL": "C.UTF-8",
    }
    if strategy:
        ours["ANSIBLE_STRATEGY"] = strategy
    return ours


def ssh_words(run: str, ssh: Ssh, more: str = "") -> str:
    """The value of ANSIBLE_SSH_ARGS. It stands before what the inventory says, and of an option the first value wins (ssh(1))."""
    options = {
        "ControlMaster": "auto",
        "ControlPersist": "60s",
        "StrictHostKeyChecking": "accept-new" if ssh.host_keys == "accept-new" else "yes",
        "UpdateHostKeys": "no",
        "ServerAliveInterval": str(ALIVE),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "ConnectTimeout": str(math.ceil(ssh.connect_timeout)),
        "SetEnv": f"{MARK}={run}",
    }
    words: list[str] = []
    if ssh.config:
        words += ["-F", "none" if ssh.config == "none" else str(Path(ssh.config).expanduser())]
    if ssh.known_hosts:
        options["UserKnownHostsFile"] = path_word(Path(ssh.known_hosts).expanduser())
    words += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return " ".join([*(quote(word) for word in words), *([more] if more else [])])


def words(
    ansible: str,
    playbooks: Sequence[Path],
    sources: Sequence[str],
    limit: Path,
    variables: Path,
    *,
    forks: int,
    check: bool = False,
    diff: bool = False,
    tags: Sequence[str] = (),
    password: Path | None = None,
) -> list[str]:
    """ansible-playbook's argument list. `limit` is a file of names, `variables` one of JSON, `password` a pipe."""
    list_ = [ansible, *(part for source in sources for part in ("-i", source))]
    list_ += ["--limit", f"@{limit}", "--forks", str(forks), "--extra-vars", f"@{variables}"]
    if check:
        list_.append("--check")
    if diff:
        list_.append("--diff")
    if tags:
        list_ += ["--tags", ",".join(tags)]
    if password:
        list_ += ["--become-password-file", str(password)]
    return [*list_, *map(str, playbooks)]


def sources(paths: Sequence[Path]) -> list[str]:
    """The inventory as Ansible's `-i` takes it: the very files, or this machine alone where there are none."""
    return [os.path.abspath(path) for path in paths] or ["localhost,"]


def public(environment: Mapping[str, str]) -> dict[str, str]:
    """What of the environment is kept with a run: our own choices, none of the user's secrets."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith("ANSIBLE_")
        and (name == "ANSIBLE_HOST_KEY_CHECKING" or not any(word in name for word in _SECRET))
    }
