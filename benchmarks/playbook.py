"""A playbook of ten tasks on four OpenSSH nodes: `gridtui playbook run` against `ansible-playbook` as it comes, and against pyinfra.

    python -m benchmarks.playbook [--nodes 4] [--runs 3] [--peers PYTHON]

Three states: `first` (everything changes), `again` (nothing does), and the same where the play needs facts of the nodes. `ansible-playbook` has its defaults:
five forks, no pipelining, facts for every play. `--peers` names the Python of an environment with ansible-core, mitogen and pyinfra: then gridtui
runs with mitogen's strategy too (offered, not depended on), and pyinfra makes the same changes.

All nodes are logins of one sshd on this machine: the modules run on the very cores that the controllers run on, so a wall is mostly the modules' work.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import measure
from benchmarks.openssh import Farm, farm

BIN = Path(sys.executable).parent
AIM = 0.4
"""Of stock Ansible's wall."""

_PLAY = """\
- name: Ten tasks
  hosts: all
  vars:
    place: "{place}/{{{{ inventory_hostname }}}}"
  tasks:
    - name: A folder
      ansible.builtin.file: {{path: "{{{{ place }}}}", state: directory, mode: "0755"}}
    - name: A folder within
      ansible.builtin.file: {{path: "{{{{ place }}}}/conf.d", state: directory, mode: "0750"}}
    - name: A file
      ansible.builtin.copy: {{content: "a = 1\\n", dest: "{{{{ place }}}}/a.conf", mode: "0644"}}
    - name: A template
      ansible.builtin.template: {{src: b.j2, dest: "{{{{ place }}}}/conf.d/b.conf", mode: "0644"}}
    - name: A line
      ansible.builtin.lineinfile: {{path: "{{{{ place }}}}/a.conf", line: "c = 2"}}
    - name: A block
      ansible.builtin.blockinfile: {{path: "{{{{ place }}}}/a.conf", block: "d = 3\\ne = 4"}}
    - name: A link
      ansible.builtin.file: {{src: "{{{{ place }}}}/a.conf", dest: "{{{{ place }}}}/link", state: link}}
    - name: A command
      ansible.builtin.command: {{cmd: "touch {{{{ place }}}}/made", creates: "{{{{ place }}}}/made"}}
    - name: A look
      ansible.builtin.stat: {{path: "{{{{ place }}}}/made"}}
      register: seen
    - name: Another file
      ansible.builtin.copy: {{content: "f = 5\\n", dest: "{{{{ place }}}}/f.conf", mode: "0600"}}
      when: seen.stat.exists
"""
_TEMPLATE = {"": "for {{ inventory_hostname }}\n", " with facts": "for {{ ansible_facts.hostname }}\n"}

_DEPLOY = """\
from pyinfra import host
from pyinfra.operations import files, server
place = f"{place}/{{host.name}}"
files.directory(path=place, mode="755")
files.directory(path=f"{{place}}/conf.d", mode="750")
files.put(src="a.conf", dest=f"{{place}}/a.conf", mode="644")
files.template(src="b.pyinfra.j2", dest=f"{{place}}/conf.d/b.conf", mode="644", name_of_host=host.name)
files.line(path=f"{{place}}/a.conf", line="c = 2")
files.block(path=f"{{place}}/a.conf", content="d = 3\\ne = 4")
files.link(path=f"{{place}}/link", target=f"{{place}}/a.conf")
server.shell(commands=[f"test -e {{place}}/made || touch {{place}}/made"])
server.shell(commands=[f"stat {{place}}/made"])
files.put(src="f.conf", dest=f"{{place}}/f.conf", mode="600")
"""


def ways(work: Farm, folder: Path, target: Path, peers: Path | None) -> dict[str, Callable[[], measure.Cost]]:
    """All that are installed here, each as one run."""
    play = folder / "play.yml"
    play.write_text(_PLAY.format(place=target))
    (folder / "a.conf").write_text("a = 1\n")
    (folder / "f.conf").write_text("f = 5\n")
    (folder / "b.pyinfra.j2").write_text("for {{ name_of_host }}\n")
    (folder / "deploy.py").write_text(_DEPLOY.format(place=target))
    stock = {**work.environment, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp")}
    # Masters of another run would spare this one its logins.
    words: list[str | Path] = ["playbook", "run", play, "--yes"]

    def cold(*argv: str | Path, env: dict[str, str], cwd: Path | None = None) -> measure.Cost:
        cost = measure.command(*argv, env=env, cwd=cwd)
        for socket in (folder / "cp").glob("*"):
            measure.command("ssh", "-O", "exit", "-o", f"ControlPath={socket}", "none", expect=None)
        return cost

    found: dict[str, Callable[[], measure.Cost]] = {
        "ansible-playbook": lambda: cold(BIN / "ansible-playbook", "-i", work.inventory, play, env=stock),
        "gridtui": lambda: cold(BIN / "gridtui", "-i", work.inventory, *words, env=work.environment),
    }
    if peers:
        plugins = next(peers.parent.parent.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy"), None)
        if plugins:
            mitogen = {
                **work.environment,
                "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
            }
            found["gridtui, mitogen_linear"] = lambda: cold(
                BIN / "gridtui", "-i", work.inventory, *words, "--strategy", "mitogen_linear", env=mitogen
            )
        if (peers.parent / "pyinfra").exists():
            hosts = folder / "hosts.py"
            config = {
                "ssh_config_file": str(work.ssh_config),
                "ssh_known_hosts_file": str(folder.parent / "farm" / "known_hosts"),
            }
            hosts.write_text(f"all = [(f'n{{i}}', {config!r}) for i in range(1, {work.count + 1})]\n")
            found["pyinfra"] = lambda: cold(
                peers.parent / "pyinfra", "-y", hosts, "deploy.py", env=work.environment, cwd=folder
            )
    return found


def _median(costs: list[measure.Cost]) -> measure.Cost:
    waiting = iter(costs)
    return measure.median(lambda: next(waiting), len(costs))


def main() -> int:
    """All of it; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="of an environment with ansible-core, mitogen and pyinfra"
    )
    options = parser.parse_args()
    print(f"playbook; {measure.machine()}")
    met = True
    with (
        tempfile.TemporaryDirectory(prefix="gt-") as name,
        farm(Path(name) / "farm", options.nodes, "Subsystem sftp internal-sftp") as work,
    ):
        for facts, template in _TEMPLATE.items():
            folder, target = Path(name) / f"play{len(facts)}", Path(name) / "target"
            folder.mkdir()
            (folder / "b.j2").write_text(template)
            for state in ("first", "again"):
                costs: dict[str, list[measure.Cost]] = {}
                for _ in range(options.runs):  # in turn, so that what else runs here meets all of them
                    for way, run in ways(work, folder, target, options.peers).items():
                        if state == "first":
                            shutil.rmtree(target, ignore_errors=True)
                        target.mkdir(exist_ok=True)
                        costs.setdefault(way, []).append(run())
                middle = {way: _median(seen) for way, seen in costs.items()}
                measure.table(f"{state}{facts}, {options.nodes} nodes", middle, against="ansible-playbook")
                met &= measure.aim("wall against stock", middle["gridtui"].wall / middle["ansible-playbook"].wall, AIM)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
