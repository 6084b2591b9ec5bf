"""Jobs on real nodes at every level: one hardened by the shipped playbooks, as the grid user, and one as root. What each level keeps and what not.

The tables here and the table in docs/JOB_SANDBOX.md say the same.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gridtui.jobs.model import Level, Mount, Needs, Sandbox

from .lab import Lab
from .plays import ROOT, play
from .sandboxes import IMAGE, MAKE_IMAGE, Place

pytestmark = pytest.mark.timeout(240)

# What stands on a node beside the job: a service on loopback, on an abstract socket and on one in /run, a file of somebody's in /tmp, a
# setuid program, another job's folder, and a process of the login with a secret in its environment.
SERVICE = r"""
import os, socket, sys
os.chdir("/")
sockets = []
for family, address in ((socket.AF_INET, ("127.0.0.1", 7007)), (socket.AF_UNIX, "\0lab-abstract"), (socket.AF_UNIX, "/run/lab.sock")):
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(address)
    one.listen(64)
    sockets.append(one)
os.chmod("/run/lab.sock", 0o777)
if os.fork() == 0:
    os.setsid()
    for descriptor in range(3):
        os.close(descriptor)
    while True:
        import time
        time.sleep(60)
"""
FURNISH = r"""
cp /usr/bin/id /usr/local/bin/lab-id && chmod 4755 /usr/local/bin/lab-id
echo secret | tee /tmp/lab-others >/dev/shm/lab-others && chmod 666 /tmp/lab-others /dev/shm/lab-others
mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200
python3 -c "$1"
"""
# A lab node mounts its cgroups read-only, and root's podman cannot lay one overlay over another: real nodes are not like that.
REAL = r"""
for mount in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "${mount%/}" 2>/dev/null; done
systemctl daemon-reexec
mkdir -p /etc/containers
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' >/etc/containers/storage.conf
"""


OTHER = "0abcdef0.9999.-.1"
"""Another job on the node."""


@pytest.fixture(scope="module")
def places(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """The login `grid` of a hardened node, and root of another, both with all that the playbooks install."""
    books = tmp_path_factory.mktemp("plays") / "both.yml"
    lines = (f"- ansible.builtin.import_playbook: {ROOT}/playbooks/{name}.yml\n" for name in ("base", "sandbox"))
    books.write_text("".join(lines))
    grid, root = Place(lab, "node1", "grid"), Place(lab, "node2", "root")
    play(lab, books, hosts="node1,node2")
    root.sh(REAL)
    with ThreadPoolExecutor() as hands:
        list(hands.map(furnish, (grid, root)))
    return {"grid": grid, "root": root}


def furnish(place: Place) -> None:
    """All that is on a node beside jobs, and what the probe finds there."""
    place.lab.run(place.node, ["sh", "-c", FURNISH, "furnish", SERVICE])
    place.put(f"{place.spool}/{OTHER}", {"work/secret": b"another job's"})
    place.login(MAKE_IMAGE)
    place.probe()


EVERYWHERE = [
    ("grid", Level.PLAIN),
    ("grid", Level.BWRAP),
    ("grid", Level.CONTAINER),
    ("root", Level.PLAIN),
    ("root", Level.BWRAP),
    ("root", Level.SYSTEMD),
    ("root", Level.CONTAINER),
]
each = pytest.mark.parametrize(("who", "level"), EVERYWHERE, ids=lambda value: getattr(value, "word", value))


def test_what_a_node_offers_is_what_really_runs_there(places: dict[str, Place]) -> None:
    assert places["grid"].offered.levels == {Level.PLAIN, Level.BWRAP, Level.CONTAINER}
    assert places["grid"].offered.limits == "scope", "the grid user lingers, so that its systemd can be asked"
    assert places["root"].offered.levels == set(Level)
    assert places["root"].offered.held == {"memory", "tasks", "cpu"}


ALL, OPEN = "plain bwrap systemd container", "plain"
# What is tried, and the levels at which it works: for the grid user, and for root.
WORKS = {
    "write work": (ALL, ALL),
    "write tmp": (ALL, ALL),
    "write shm": (ALL, ALL),
    # At systemd, what is written there is in memory, seen by nobody else, and gone with the job.
    "write home": (OPEN, "plain systemd"),
    "write etc": ("", OPEN),
    "write usr": ("", OPEN),
    "write report": (OPEN, OPEN),
    "write cmd": (OPEN, OPEN),
    "write other job": (OPEN, OPEN),
    "read other job": (OPEN, OPEN),
    "read ssh keys": (OPEN, OPEN),
    "read others' tmp": (OPEN, OPEN),
    "write others' tmp": (OPEN, OPEN),
    "read others' shm": (OPEN, OPEN),
    "write others' shm": (OPEN, OPEN),
    "read shadow": ("", OPEN),
    "see processes": (OPEN, OPEN),
    "read environment": (OPEN, OPEN),
    "proc root": (OPEN, OPEN),
    "signal": (OPEN, OPEN),
    "ptrace": (OPEN, OPEN),
    # root is root already.
    "setuid": (OPEN, ""),
    "loopback": (OPEN, OPEN),
    "other node": (OPEN, OPEN),
    "abstract socket": (OPEN, OPEN),
    "socket in run": (OPEN, OPEN),
    "system bus": (OPEN, OPEN),
    "cgroup": ("", OPEN),
    "mount": ("", OPEN),
    "raise limits": ("", OPEN),
}


def facts(place: Place) -> dict[str, object]:
    victim = "env SECRET=x setsid sh -c 'while sleep 600; do :; done' lab-victim"
    return {
        "home": place.home,
        "victim": int(place.login(f"{victim} >/dev/null 2>&1 </dev/null & echo $!")),
        "port": 7007,
        "address": place.lab.node("node2" if place.node == "node1" else "node1").address,
        "abstract": "lab-abstract",
        "path": "/run/lab.sock",
        "setuid": "/usr/local/bin/lab-id",
        "other": f"{place.spool}/{OTHER}",
    }


@each
def test_what_a_job_can_do_to_others(places: dict[str, Place], who: str, level: Level) -> None:
    place = places[who]
    ran = place.run(level, "try", facts=facts(place))
    assert (ran.exit, ran.began, ran.oom, ran.refused) == (0, True, False, ""), ran
    did = ran.answer
    works = {name: level.word in levels[who == "root"].split() for name, levels in WORKS.items()}
    assert {name: did[name] for name in works} == works
    assert did["gpus"] == "-1", "no GPU was asked for"
    assert did["devices"] == []
    assert did["fds"] == 3, "nothing of the keeper's is open in a job"
    if level > Level.PLAIN:
        assert did["environment"] == []
        assert did["home"] == f"{place.last}/work"
        # Nothing of what was tried stands on the node; and what was written is there.
        stains = place.sh(
            "ls -d /etc/lab-stain /usr/lab-stain /root/lab-stain /home/*/lab-stain /tmp/mine /dev/shm/mine 2>/dev/null; cat /tmp/lab-others /dev/shm/lab-others"
        )
        assert stains == "secret\nsecret\n"
        assert place.sh(f"cat {place.last}/work/mine") == "x"
        # At bwrap, root's jobs have one folder for temporary files and for what they share.
        twice = who == "root" and level is Level.BWRAP
        assert place.sh(f"cat {place.last}/tmp/mine") == ("xx" if twice else "x")
        assert place.sh(f"cat {place.last}/report") == ""
        assert did["uid"] == (0 if level is Level.CONTAINER else 1000) if who == "grid" else did["uid"] >= 61184
    else:
        place.sh("rm -f /etc/lab-stain /usr/lab-stain /root/lab-stain /home/*/lab-stain /tmp/mine /dev/shm/mine")
        place.sh(f"printf secret >{place.spool}/{OTHER}/work/secret; echo secret >/tmp/lab-others")
    if level is Level.CONTAINER:
        assert did["volume"], "the image's volume was there"
        assert place.login("podman volume ls --quiet; podman ps --all --quiet") == ""
    assert ran.cpu is not None and 0 < ran.cpu < 60
    if place.offered.held:
        assert ran.memory is not None and 1 << 20 < ran.memory < 1 << 30


DRIVE = r"""
until_file work/ticks
size() { set -- $(wc -c <"$1") && echo $1; }
freeze
sleep 0.2
before=$(size work/ticks)
sleep 0.5
[ "$before" = "$(size work/ticks)" ] && echo frozen >events
weight low
thaw
rounds=0
while [ "$before" = "$(size work/ticks)" ] && [ $rounds -lt 200 ]; do
    sleep 0.05
    rounds=$((rounds + 1))
done
[ "$before" = "$(size work/ticks)" ] || echo thawed >>events
weight normal
signal TERM
until_file work/heard
[ -s work/heard ] && echo heard >>events
kill -0 "$pid" && echo goes on >>events
signal KILL
"""


@each
def test_a_job_that_does_not_want_to_end(places: dict[str, Place], who: str, level: Level) -> None:
    """It hears SIGTERM and goes on; its child has another session, no parent and an empty environment. Both are stopped, go on, and are ended."""
    place = places[who]
    ran = place.run(level, "hold", driver=DRIVE)
    assert place.sh(f"cat {place.last}/events").splitlines() == ["frozen", "thawed", "heard", "goes on"], ran
    assert ran.exit == 137 and ran.began and not ran.oom, ran
    mark = place.last.rsplit("/", 1)[1].split(".")[1]
    assert place.sh(f"pgrep -f 'attacks.py (hold|tick) lab-{mark}$' || true") == ""
    assert place.sh(f"find /sys/fs/cgroup -name '*{place.last.rsplit('/', 1)[1]}*'") == ""
    assert place.sh("systemctl list-units --all --plain --no-legend 'gridtui-0abcdef0*'") == ""


@each
def test_a_job_that_wants_everything(places: dict[str, Place], who: str, level: Level) -> None:
    """1 GiB where it asked for 128 MiB, and as many processes as it gets."""
    place = places[who]
    ate = place.run(level, "eat", needs=Needs(memory=128 << 20))
    if place.offered.held or level is Level.SYSTEMD:
        assert ate.oom and ate.began and ate.exit == 137, ate
    else:
        # What ulimit can do: the process is told that there is no more.
        assert (ate.exit, ate.oom, "not enough" in ate.out) == (9, False, True), ate

    driver = "until_file out\nsignal KILL\n"
    bombed = place.run(level, "bomb", needs=Needs(cpus=1), driver=driver)
    children = int(bombed.out.split()[0])
    login = int(place.sh("ls -d /proc/[0-9]* | wc -l"))
    assert 100 < children < 768 + login, bombed
    assert bombed.exit == 137
    assert place.sh("pgrep -fc 'attacks.py [b]omb' || true").strip() == "0"


def test_what_was_asked_for_is_there(places: dict[str, Place]) -> None:
    """The network, mounts, GPUs; and what is not there is said to be the order's fault or the node's, not the job's."""
    grid, root = places["grid"], places["root"]
    grid.sh("mkdir -p '/opt/lab data: 1' && echo fine >'/opt/lab data: 1/file' && chmod 777 '/opt/lab data: 1'")
    root.sh("mkdir -p '/opt/lab data: 1' && echo fine >'/opt/lab data: 1/file' && chmod 777 '/opt/lab data: 1'")
    root.sh("mknod -m 666 /dev/nvidiactl c 1 3; mknod -m 666 /dev/nvidia0 c 1 3; mknod -m 666 /dev/nvidia1 c 1 3")
    look = """python3 -c "
import glob, os, socket
print(open('/data/file').read().strip(), os.access('/data/file', os.W_OK), os.access('/opt/lab data: 1', os.W_OK), sorted(map(os.path.basename, glob.glob('/dev/nvidia*'))), os.environ['CUDA_VISIBLE_DEVICES'], flush=True)
socket.create_connection(('127.0.0.1', 7007), 2)
print('connected')
" """
    mounts = (Mount("/opt/lab data: 1", "/data"), Mount("/opt/lab data: 1", writable=True))
    box = Sandbox(network=True, image=IMAGE, mounts=mounts)
    try:
        for place, levels in (
            (grid, (Level.BWRAP, Level.CONTAINER)),
            (root, (Level.BWRAP, Level.SYSTEMD, Level.CONTAINER)),
        ):
            for level in levels:
                gpus = (1,) if place is root else ()
                seen = place.run(level, "", box=box, gpus=gpus, command=look)
                wanted = "['nvidia1', 'nvidiactl'] 1" if gpus else "[] -1"
                # A container has a loopback of its own, even with the network.
                assert seen.out.splitlines()[0] == f"fine False True {wanted}", (level, seen)
                assert level is Level.CONTAINER or "connected" in seen.out, (level, seen)
    finally:
        for place in (grid, root):
            # Where a mount's place is new, systemd makes an empty folder for it, which stays.
            place.sh("rm -rf '/opt/lab data: 1' /dev/nvidia*; ! [ -e /data ] || rmdir /data")

    for place, level in ((grid, Level.BWRAP), (root, Level.SYSTEMD), (grid, Level.CONTAINER)):
        missing = place.run(level, "try", box=Sandbox(image=IMAGE, mounts=(Mount("/no/such/folder"),)))
        assert (missing.began, missing.refused) == (False, "no /no/such/folder here"), (level, missing)
    absent = grid.run(Level.CONTAINER, "try", box=Sandbox(image="localhost/no-such-image"))
    assert not absent.began and absent.refused.startswith("the image localhost/no-such-image"), absent


def test_a_sandbox_that_breaks_is_not_the_jobs_failure(places: dict[str, Place]) -> None:
    grid, root = places["grid"], places["root"]
    for place, level, program in (
        (grid, Level.BWRAP, "bwrap"),
        (root, Level.SYSTEMD, "systemd-run"),
        (grid, Level.CONTAINER, "podman"),
    ):
        # What the level stands on fails, after the node said that it works.
        place.sh(
            f"printf '#!/bin/sh\\necho broken on purpose >&2\\nexit 1\\n' >/usr/local/bin/{program} && chmod 755 /usr/local/bin/{program}"
        )
        try:
            broken = place.run(level, "try")
        finally:
            place.sh(f"rm /usr/local/bin/{program}")
        assert not broken.began and not broken.refused and broken.exit not in (0, 69), (level, broken)
        assert "broken on purpose" in broken.out
    # The job's own failures, whatever their number, are its own.
    for place, level in ((grid, Level.PLAIN), (grid, Level.BWRAP), (root, Level.SYSTEMD), (grid, Level.CONTAINER)):
        for status in (70, 125, 127):
            own = place.run(level, "", command=f"exit {status}")
            assert (own.exit, own.began, own.refused) == (status, True, ""), (level, own)
        killed = place.run(level, "", command="kill -s TERM $$")
        assert (killed.exit, killed.began) == (143, True), (level, killed)


def test_where_systemd_gives_no_scope_cgroups_of_our_own_hold(places: dict[str, Place]) -> None:
    """As root on a node with another init."""
    root = places["root"]
    levels = f"{root.spool}/../levels"
    root.sh(f"cp -p {levels} {levels}.kept && sed -i 's/^limits .*/limits tree/' {levels}")
    try:
        for level in (Level.PLAIN, Level.BWRAP):
            ran = root.run(level, "hold", driver=DRIVE)
            assert root.sh(f"cat {root.last}/events").splitlines() == ["frozen", "thawed", "heard", "goes on"], ran
            assert root.sh("pgrep -f 'attacks.py ([h]old|[t]ick)' || true") == ""
            ate = root.run(level, "eat", needs=Needs(memory=128 << 20))
            assert ate.oom and ate.exit == 137, ate
            assert ate.memory is not None and 100 << 20 < ate.memory <= 128 << 20
    finally:
        root.sh(
            f"mv {levels}.kept {levels}; find /sys/fs/cgroup -depth -type d -path '*/gridtui*' -exec rmdir {{}} + || true"
        )


def test_where_there_is_no_cgroup_the_rest_still_holds(places: dict[str, Place]) -> None:
    """As on a node without systemd and with cgroups that cannot be written: ulimits, and the job's processes found one by one."""
    grid = places["grid"]
    levels = f"{grid.spool}/../levels"
    grid.sh(f"cp -p {levels} {levels}.kept && sed -i 's/^limits .*/limits ulimit/' {levels}")
    try:
        for level in (Level.PLAIN, Level.BWRAP):
            ran = grid.run(level, "hold", driver=DRIVE)
            # What plain cannot know of without a cgroup is who left its session, its parents and its environment behind.
            stopped = [] if level is Level.PLAIN else ["frozen"]
            assert grid.sh(f"cat {grid.last}/events").splitlines() == [*stopped, "thawed", "heard", "goes on"], ran
            assert ran.exit == 137 and ran.began
            left = grid.sh("pgrep -f 'attacks.py ([h]old|[t]ick)' || true").split()
            assert bool(left) == (level is Level.PLAIN), (level, left)
            grid.sh("pkill -9 -f 'attacks.py [t]ick' || true")
            ate = grid.run(level, "eat", needs=Needs(memory=128 << 20))
            assert (ate.exit, "not enough" in ate.out) == (9, True), ate
        assert ate.cpu is not None, "bubblewrap's job is measured inside"
    finally:
        grid.sh(f"mv {levels}.kept {levels}")
