"""What each level costs a job of `true`: wall time from start to end as the keeper sees it, and CPU of all that it takes. Prints a table.

GRIDTUI_LAB_NUMBER=N python -m tests.lab.sandbox_cost     # while the fixture of test_sandboxes, or somebody, has set the nodes up
"""

from __future__ import annotations

import statistics
import sys

from gridtui.jobs import sandbox
from gridtui.jobs.model import JobId, Key, Order, Sandbox, Spec

from .lab import Lab
from .sandboxes import IMAGE, Place

ROUNDS = 10
# One shell that keeps one job after the other, as the runner's does: what systemd is asked once a connection is asked once here.
KEEPER = r"""
cd "$1" || exit
umask 077
uid=$(id -u)
ticks() { read -r line </proc/stat; set -- $line; echo $(($2 + $3 + $4 + $7 + $8)); }
n=0
while [ $n -lt ROUNDS ]; do
    n=$((n + 1))
    unit=gridtui-cost-$$-$n job=$1/spool/$n work=$1/spool/$n/work levels=LEVELS
    mkdir -p "$work" "$job/tmp"
    echo true >"$job/cmd"
    read -r begun _ </proc/uptime
    begun=$(date +%s%N)
    . ./launcher
    (cd "$work" && launch) >"$job/out" 2>&1 </dev/null &
    pid=$!
    wait $pid || exit
    usage >"$job/usage"
    oom
    began || exit
    sweep
    echo $((($(date +%s%N) - begun) / 1000))
    unset box_v2 box_v1
done
times
rm -rf "$1"
"""


def main() -> None:
    lab = Lab()
    for place in (Place(lab, "node1", "grid"), Place(lab, "node2", "root")):
        levels = f"{place.spool}/../levels"
        offered = sandbox.parse(place.sh(f"cat {levels}")).levels
        for level in sorted(offered):
            order = Order(Key("0abcdef0", JobId(1), 1), Spec("true", sandbox=Sandbox(image=IMAGE)), level=level)
            folder = f"{place.home}/.local/state/gridtui/jobs/cost"
            keeper = KEEPER.replace("ROUNDS", str(ROUNDS)).replace("LEVELS", levels)
            place.put(folder, {"launcher": sandbox.shell(order, level).encode(), "keeper": keeper.encode()})
            *walls, _own, children = place.login(f"sh {folder}/keeper {folder}").splitlines()
            cpu = sum(
                float(minutes) * 60 + float(seconds.rstrip("s"))
                for minutes, _, seconds in (word.partition("m") for word in children.split())
            )
            wall = statistics.median(map(int, walls)) / 1000
            sys.stdout.write(
                f"{place.user:5} {level.word:10} {wall:7.0f} ms wall {cpu / ROUNDS * 1000:6.0f} ms CPU of the keeper's children\n"
            )


if __name__ == "__main__":
    main()
