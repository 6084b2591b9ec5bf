"""Runs the text that starts a job on this machine, by keeper.sh, within whatever shell."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.sh")


@dataclass(frozen=True, slots=True)
class Told:
    """What keeper.sh told."""

    exit: int
    said: frozenset[str]
    refused: str
    cpu: float | None
    out: str


def keep(
    folder: Path,
    launcher: str,
    command: str,
    *,
    driver: str = "",
    shell: str = "sh",
    path: Path | None = None,
    levels: str = "limits ulimit\n",
) -> Told:
    """Run `command` as a job in `folder`; `path` has programs that stand in for the node's."""
    job = folder / "spool" / "job"
    (job / "work").mkdir(parents=True)
    (folder / "levels").write_text(levels)
    for name, text in (("cmd", command), ("launcher", launcher), ("driver", driver)):
        (job / name).write_text(text)
    search = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    done = subprocess.run(
        [*shell.split(), str(KEEPER), str(job), f"gridtui-{folder.name}"],
        env={"PATH": f"{path}:{search}" if path else search, "HOME": str(folder), "SSH_CONNECTION": "somebody"},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
        text=True,
    )
    told, _, out = done.stdout.partition("out\n")
    words = {name: rest for name, _, rest in (line.partition(" ") for line in told.splitlines())}
    return Told(
        exit=int(words["exit"]),
        said=frozenset(words["said"].split()),
        refused=words.get("refused", ""),
        cpu=float(words["cpu"]) if "cpu" in words else None,
        out=out,
    )
