"""The runner on real systemd nodes: over a real sshd, as root and as a plain user, through the end of sessions, reboots, full disks and owners."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gridtui.jobs import sandbox
from gridtui.jobs.model import Cause, Idle, JobId, Key, Level, Order, Phase, Report, Spec
from gridtui.jobs.runner import Runner
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool, quote

from .lab import Lab

pytestmark = pytest.mark.timeout(240)

QUEUE = "1ab00001"
NODE = "node1"
SHELLS = {"root": "/bin/sh", "grid": "busybox sh"}
numbers = itertools.count(1)


def order(command: str, **values: object) -> Order:
    return Order(Key(QUEUE, JobId(next(numbers)), 1), Spec(command, **values), node=NODE)  # type: ignore[arg-type]


def home(user: str) -> str:
    return f"{'/root' if user == 'root' else '/home/grid'}/.local/state/gridtui/jobs"


@asynccontextmanager
async def talking(lab: Lab, user: str, *, shell: str = "/bin/sh", name: str = NODE) -> AsyncIterator[Runner]:
    """A controller of its own, with a login of its own."""
    node = Node(name, lab.node(name).address, user=user, identity=str(lab.key))
    async with Pool(Ssh(config="none", known_hosts=str(lab.known_hosts), keepalive=1)) as pool:
        runner = await Runner.open(await pool.connect(node), name, queue=QUEUE, shell=shell)
        try:
            yield runner
        finally:
            await runner.close()


async def start(runner: Runner, wanted: Order) -> Report:
    return await runner.start(wanted, sandbox.shell(wanted, wanted.level))


async def ended(runner: Runner, key: Key, seconds: float = 60) -> Report:
    async with asyncio.timeout(seconds):
        async for report in runner.reports():
            if report.key == key and report.phase in (Phase.ENDED, Phase.LOST):
                return report
    raise AssertionError("closed")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        for _ in itertools.count():
            if await condition():
                return
            await asyncio.sleep(0.2)


def sh(lab: Lab, command: str, name: str = NODE) -> str:
    return lab.run(name, ["sh", "-c", command], check=False).stdout.strip()


def living(lab: Lab, mark: str) -> bool:
    """Whether the job that sleeps for so odd a time does."""
    return bool(sh(lab, f"pgrep -fx 'sleep {mark}'"))


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:
    clean(lab)
    yield
    clean(lab)


def clean(lab: Lab) -> None:
    sh(lab, "pkill -9 -f '[r]unner-'; pkill -9 -x sleep; umount -l /home/grid/.local/state/gridtui")
    sh(lab, "rm -rf /root/.local/state/gridtui /home/grid/.local/state/gridtui")


@pytest.mark.parametrize("user", ["root", "grid"])
async def test_a_job_outlives_the_session_the_server_and_the_controller(lab: Lab, user: str) -> None:
    mark = "4711.5" if user == "root" else "4712.5"
    wanted = order(f'echo "I am $(id -un) on $GRIDTUI_NODE"; sleep {mark}; echo "slept: $?"; exit 4')
    async with talking(lab, user, shell=SHELLS[user]) as runner:
        assert runner.greeting.home == home(user) and "plain\n" in runner.greeting.levels
        assert runner.greeting.free and not runner.greeting.closed and not runner.greeting.fleeting
        assert (await start(runner, wanted)).phase is Phase.RUNNING
        await until(lambda: asyncio.to_thread(living, lab, mark))
        assert await runner.read(wanted.key, 0, 100) == f"I am {user} on node1\n".encode()
    assert living(lab, mark)
    sh(lab, "systemctl restart ssh")
    assert living(lab, mark)
    async with talking(lab, user, shell=SHELLS[user]) as runner:
        [report] = await runner.poll()
        assert (report.key, report.phase) == (wanted.key, Phase.RUNNING)
        assert (await start(runner, wanted)).phase is Phase.RUNNING
        assert sh(lab, f"pgrep -fxc 'sleep {mark}'") == "1"
        sh(lab, f"pkill -fx 'sleep {mark}'")
        report = await ended(runner, wanted.key)
        assert (report.exit, report.cause) == (4, Cause.EXIT)
        assert report.tail.startswith(f"I am {user} on node1\n".encode()) and report.tail.endswith(b"slept: 143\n")
        await runner.forget([wanted.key])
        await until(lambda: asyncio.to_thread(lambda: sh(lab, f"ls {home(user)}/spool") == ""))
    if user == "root":  # nothing of it runs on once there is nothing to do: the pulse ends after ten seconds
        await until(lambda: asyncio.to_thread(lambda: sh(lab, "pgrep -f '[r]unner-'") == ""))


async def test_a_node_that_stands_still_a_reboot_and_a_power_cut(lab: Lab) -> None:
    one, two, three = order("sleep 2; echo on"), order("exec sleep 4713.5"), order("exec sleep 4714.5")
    async with talking(lab, "root") as runner:
        await start(runner, one)
        await asyncio.to_thread(lab.pause, NODE)
        await asyncio.sleep(3)
        await asyncio.to_thread(lab.unpause, NODE)
    async with talking(lab, "root") as runner:
        [report] = [report for report in await runner.poll([one.key]) if report.phase is Phase.ENDED] or [
            await ended(runner, one.key)
        ]
        assert (report.exit, report.tail) == (0, b"on\n")
        await start(runner, two)
        levels = sandbox.parse(runner.greeting.levels).levels
        others = [
            replace(order("sleep 60; echo end"), level=level)
            for level in (Level.BWRAP, Level.SYSTEMD)
            if level in levels
        ]
        polite = order("trap 'exit 0' TERM; sleep 60 & wait")
        for each in (*others, polite):
            await start(runner, each)
        await until(lambda: asyncio.to_thread(living, lab, "4713.5"))
        keys = [two.key, polite.key, *(each.key for each in others)]
    await asyncio.to_thread(lab.restart, NODE)
    async with talking(lab, "root") as runner:
        # An orderly stop ends jobs in its own order, and what they make of it is no result: they gave way, or are lost.
        for report in await runner.poll(keys):
            assert report.phase is Phase.LOST or report.cause is Cause.EVICTED, report
        assert (await start(runner, two)).phase in (Phase.LOST, Phase.ENDED)
        await start(runner, three)
        await until(lambda: asyncio.to_thread(living, lab, "4714.5"))
        await asyncio.to_thread(lab.stop, NODE)
    await asyncio.to_thread(lab.start, NODE)
    async with talking(lab, "root") as runner:
        assert [report.phase for report in await runner.poll([three.key])] == [Phase.LOST]
        await runner.forget([*keys, three.key, one.key])
        await until(lambda: asyncio.to_thread(lambda: sh(lab, f"ls {home('root')}/spool") == ""))


async def test_a_full_disk(lab: Lab) -> None:
    """A job that fills it: ended, told of, and the node goes on. A full one: refused in words."""
    folder = "/home/grid/.local/state/gridtui"
    sh(
        lab,
        f"install -d -o grid -g grid /home/grid/.local /home/grid/.local/state {folder} && mount -t tmpfs -o size=2m,uid=$(id -u grid),mode=700 none {folder}",
    )
    async with talking(lab, "grid") as runner:
        loud = order("head -c 3000000 /dev/zero; echo survived >&2; exit 0")
        await start(runner, loud)
        report = await ended(runner, loud.key)
        assert (report.phase, report.cause, report.why) == (Phase.ENDED, Cause.DISK, "no space left for its output")
        assert report.output < 3_000_000 + 100 and await runner.read(loud.key, 0, 10) == bytes(10)
        for _ in range(2):
            report = await start(runner, order("true"))
            report = report if report.phase is Phase.ENDED else await ended(runner, report.key)
            assert report.cause is Cause.REFUSED and "space" in report.why, report
        await runner.forget([loud.key])
        await until(lambda: asyncio.to_thread(lambda: sh(lab, f"ls {folder}/jobs/spool") == ""))
        filler = order("head -c 3000000 /dev/zero >fill 2>/dev/null; status=$?; rm fill; echo status $status")
        await start(runner, filler)
        report = await ended(runner, filler.key)
        assert (report.cause, report.exit) == (Cause.EXIT, 0) and report.tail.endswith(b"status 1\n")


async def test_an_owner_who_comes_back(lab: Lab) -> None:
    """Somebody types at a real terminal: the job freezes; she leaves: it goes on; she says no: it is ended."""
    idle = Idle(after=5, load=1000, battery=True, freeze=0, evict=600, grace=1)
    wanted = order("while :; do date +%s >beat; sleep 0.2; done", idle=idle)
    async with talking(lab, "grid") as runner, asyncio.timeout(150):
        while (first := await start(runner, wanted)).phase is not Phase.RUNNING:
            assert first.why == "somebody is working there"
            await asyncio.sleep(1)
        told = runner.reports()
        words = [
            "ssh",
            "-tt",
            "-F",
            str(lab.ssh_config),
            "node2" if NODE == "node2" else NODE,
            "stty -echo; exec cat >/dev/null",
        ]
        person = await asyncio.create_subprocess_exec(*words, stdin=-1, stdout=-3, stderr=-3)
        assert person.stdin is not None
        try:
            typing = asyncio.create_task(typed(person.stdin))
            assert (await anext(told)).phase is Phase.FROZEN
            typing.cancel()
        finally:
            person.kill()
            await person.wait()
        assert (await anext(told)).phase is Phase.RUNNING
        sh(lab, "mkdir -p /etc/gridtui && echo exams >/etc/gridtui/no-idle-jobs")
        try:
            report = await anext(told)
            assert (report.phase, report.cause) == (Phase.ENDED, Cause.EVICTED) and "exams" in report.why
            assert "exams" in (await runner.beat()).idle_closed
        finally:
            sh(lab, "rm -rf /etc/gridtui")


async def typed(stdin: asyncio.StreamWriter) -> None:
    for _ in itertools.count():
        stdin.write(b"x\n")
        await asyncio.sleep(1)


async def test_where_logind_ends_what_a_login_leaves(lab: Lab) -> None:
    """KillUserProcesses: with a scope of the user's own manager a job goes on; where none can be had, that is said."""
    sh(
        lab,
        "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install dbus-user-session libpam-systemd",
        "node2",
    )
    sh(
        lab,
        "mkdir -p /etc/systemd/logind.conf.d; printf '[Login]\\nKillUserProcesses=yes\\n' >/etc/systemd/logind.conf.d/kill.conf; systemctl restart systemd-logind",
        "node2",
    )
    try:
        async with talking(lab, "grid", name="node2") as runner:
            assert "KillUserProcesses" in runner.greeting.fleeting
        sh(lab, "loginctl enable-linger grid; systemctl start user@$(id -u grid)", "node2")
        wanted = order("sleep 4715.5; exit 3")
        async with talking(lab, "grid", name="node2") as runner:
            assert runner.greeting.fleeting == ""
            await start(runner, wanted)
            await until(lambda: asyncio.to_thread(lambda: sh(lab, "pgrep -fx 'sleep 4715.5'", "node2") != ""))
        await until(
            lambda: asyncio.to_thread(lambda: "grid" not in sh(lab, "loginctl list-sessions --no-legend", "node2"))
        )
        assert sh(lab, "pgrep -fx 'sleep 4715.5'", "node2")
        async with talking(lab, "grid", name="node2") as runner:
            assert [report.phase for report in await runner.poll([wanted.key])] == [Phase.RUNNING]
            sh(lab, "pkill -fx 'sleep 4715.5'", "node2")
            assert (await ended(runner, wanted.key)).exit == 3
    finally:
        sh(
            lab,
            f"loginctl disable-linger grid; rm -r /etc/systemd/logind.conf.d; systemctl restart systemd-logind; {quote('rm')} -rf /home/grid/.local/state/gridtui",
            "node2",
        )
        sh(lab, "DEBIAN_FRONTEND=noninteractive apt-get -q -y purge dbus-user-session libpam-systemd", "node2")
