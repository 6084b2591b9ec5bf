"""The lab by hand: `tests/lab/lab up`, `down`, `status`, `image`. See docs/LAB.md.

Standard output is data, standard error is narration; 1 when it did not work (or the lab is down), 2 for usage.
"""

from __future__ import annotations

import argparse
import sys

from . import image
from .docker import LabError
from .lab import Lab, narrate


def main() -> int:
    """Do what the command line says and give back the exit status."""
    parser = argparse.ArgumentParser(prog="tests/lab/lab", description="Real systemd nodes in Docker.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the nodes and print the inventory's path")
    up.add_argument("--nodes", type=int, default=3, metavar="N", help="how many (3)")
    commands.add_parser("down", help="remove nodes, network and keys; the image stays")
    commands.add_parser("status", help="each node, its address and its state")
    commands.add_parser("image", help="make the image if need be and print its name")
    options = parser.parse_args()
    lab = Lab(say=narrate)
    try:
        if options.command == "status":
            return _status(lab)
        with lab.lock():
            if options.command == "up":
                lab.up(options.nodes)
                sys.stdout.write(f"{lab.inventory}\n")
            elif options.command == "down":
                lab.down()
            else:
                _image(lab)
    except LabError as error:
        narrate(str(error))
        return 1
    return 0


def _status(lab: Lab) -> int:
    states = lab.states()
    for node in lab.nodes:
        sys.stdout.write(f"{node.name}\t{node.address}\t{states.get(node.name, 'gone')}\n")
    if lab.is_up():
        sys.stdout.write(f"inventory\t{lab.inventory}\n")
    return 0 if states and set(states.values()) == {"running"} else 1


def _image(lab: Lab) -> None:
    daemon = lab.daemon
    with daemon.held():
        ours = daemon.ensure()
        try:
            image.build(lab.recipe, narrate)
        finally:
            if ours:
                daemon.end()
    sys.stdout.write(f"{lab.recipe.tag}\n")


if __name__ == "__main__":
    sys.exit(main())
