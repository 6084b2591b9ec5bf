"""The text that starts a job: every shell reads it, and what an order says arrives as it was written."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gridtui.jobs import sandbox
from gridtui.jobs.model import JobId, Key, Level, Mount, Needs, Order, Sandbox, Spec
from gridtui.jobs.sandbox import limits

from .trying import keep

SHELLS = [shell for shell in ("dash", "bash --posix", "busybox sh", "mksh") if shutil.which(shell.split()[0])]
shells = pytest.mark.parametrize("shell", SHELLS)
ECHO = "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n"


def order(needs: Needs = Needs(), box: Sandbox = Sandbox(), gpus: tuple[int, ...] = ()) -> Order:  # noqa: B008 - both are frozen
    return Order(Key("0abcdef0", JobId(1, 2), 3), Spec("true", needs=needs, sandbox=box), gpus=gpus)


@shells
def test_every_shell_reads_all_of_it(shell: str) -> None:
    mounts = (Mount("/it's; a $(touch /tmp/x) `mount`", '/"in"\\side', writable=True),)
    for level in Level:
        text = sandbox.shell(order(Needs(memory=1 << 30), Sandbox(image="a'b", mounts=mounts), (0, 3)), level)
        assert len(text) < 20_000
        assert "\n#" not in text, "comments stay here"
        subprocess.run([*shell.split(), "-n"], input=text.encode(), check=True)
    subprocess.run([*shell.split(), "-n"], input=sandbox.PROBE, check=True)


@pytest.mark.parametrize(
    ("needs", "values"),
    [
        (Needs(), {"box_cpus": 100, "box_memory": 0, "box_tasks": 768, "box_disk": 0}),
        (Needs(cpus=0.001), {"box_cpus": 1, "box_memory": 0, "box_tasks": 768, "box_disk": 0}),
        (
            Needs(cpus=2.5, memory=1 << 31, disk=1025),
            {"box_cpus": 250, "box_memory": 1 << 31, "box_tasks": 1280, "box_disk": 2},
        ),
        (Needs(cpus=0), {"box_cpus": 0, "box_memory": 0, "box_tasks": 512, "box_disk": 0}),
    ],
)
def test_limits_in_numbers(needs: Needs, values: dict[str, int]) -> None:
    assert limits.values(needs) == values


PATHS = st.text(alphabet=st.sampled_from("ab/ :,;'\"$`\\\n*=-"), min_size=1, max_size=20).map(lambda text: f"/{text}")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inside=PATHS, writable=st.booleans())
@example(inside="/a b:c,d\"e'f\\g", writable=True)
@example(inside='/data,readonly,"x"', writable=False)
@example(inside="/a\n: mounts\nb", writable=False)
def test_a_mount_arrives_as_it_was_written(
    inside: str, writable: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mount")
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bwrap", "podman"):
        (programs / name).write_text(ECHO)
        (programs / name).chmod(0o755)
    source = folder / "a, \"b\" 'c'"
    source.mkdir()
    box = Sandbox(image="image", mounts=(Mount(str(source), inside, writable),))
    levels = "limits ulimit\nengine podman\n"

    # A place that is not there is asked for only where it can be made.
    text = sandbox.shell(order(box=box), Level.BWRAP) + "box_place() { :; }\n"
    words = keep(folder / "bwrap", text, "true", path=programs, levels=levels).out.split("\0")
    at = words.index(str(source))
    assert words[at - 1 : at + 2] == ["--bind" if writable else "--ro-bind", str(source), inside]

    text = sandbox.shell(order(box=box), Level.CONTAINER)
    words = keep(folder / "container", text, "true", path=programs, levels=levels).out.split("\0")
    (fields,) = csv.reader([words[words.index("--mount") + 1].replace("\n", "\x01")])
    wanted = ["type=bind", f"source={source}", f"destination={inside}", *([] if writable else ["readonly"])]
    assert [field.replace("\x01", "\n") for field in fields] == wanted


@shells
def test_a_plain_job_from_start_to_end(shell: str, tmp_path: Path) -> None:
    text = sandbox.shell(order(), Level.PLAIN)
    own = "gridtui: no sandbox's number"
    for status in (0, 1, 69, 70, 125, 255):
        told = keep(tmp_path / f"exit-{status}", text, f"echo {own!r}; exit {status}", shell=shell)
        assert (told.exit, told.said, told.refused) == (status, frozenset({"began"}), ""), told
        assert own in told.out
    told = keep(tmp_path / "signal", text, "kill -s TERM $$", shell=shell)
    assert told.exit == 143
    told = keep(
        tmp_path / "where",
        text,
        'pwd; echo $TMPDIR; [ -t 0 ]; read x; echo "$x|$CUDA_VISIBLE_DEVICES"; set -o | grep -c noglob.*on',
        shell=shell,
    )
    job = tmp_path / "where" / "spool" / "job"
    assert told.out.splitlines()[:4] == [f"{job}/work", f"{job}/tmp", "|-1", "0"]


@shells
def test_what_a_plain_job_leaves_behind_is_ended(shell: str, tmp_path: Path) -> None:
    """A child in a session of its own that ignores SIGTERM, one that lost its mark, and one that forks on."""
    command = """
    sleep 600 & echo $! >a
    setsid sh -c 'trap "" TERM; echo $$ >b; while :; do sleep 1; done' &
    env -i sh -c 'echo $$ >c; while :; do sleep 1; done' &
    while ! [ -s a ] || ! [ -s b ] || ! [ -s c ]; do :; done
    """
    told = keep(tmp_path, sandbox.shell(order(), Level.PLAIN), command, shell=shell)
    assert told.exit == 0 and "began" in told.said
    work = tmp_path / "spool" / "job" / "work"
    for name in "abc":
        process = int((work / name).read_text())
        assert not alive(process), name


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@shells
def test_a_plain_job_is_stopped_and_goes_on(shell: str, tmp_path: Path) -> None:
    command = "trap 'echo heard >heard' TERM; while :; do echo >>ticks; sleep 0.02; done"
    driver = """
    until_file work/ticks
    state() { read -r line </proc/$pid/stat; line=${line##*') '}; echo "${line%% *}"; }
    freeze
    until [ "$(state)" = T ]; do :; done
    weight low
    thaw
    until [ "$(state)" != T ]; do :; done
    signal TERM
    until_file work/heard
    signal KILL
    """
    told = keep(tmp_path, sandbox.shell(order(), Level.PLAIN), command, driver=driver, shell=shell)
    assert told.exit == 137 and told.said == {"began"}


def test_a_level_that_fails_to_start_is_not_the_jobs_failure(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bwrap", "podman", "systemd-run"):
        (programs / name).write_text("#!/bin/sh\necho no namespaces today >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    for level in (Level.BWRAP, Level.SYSTEMD, Level.CONTAINER):
        text = sandbox.shell(order(box=Sandbox(image="image")), level)
        told = keep(tmp_path / level.word, text, "true", path=programs, levels="limits ulimit\nengine podman\n")
        assert "began" not in told.said and not told.refused and told.exit not in (0, 69)
        assert "no namespaces today" in told.out
    box = Sandbox(mounts=(Mount("/no/such/folder"),))
    for level in (Level.BWRAP, Level.SYSTEMD, Level.CONTAINER):
        told = keep(
            tmp_path / f"{level.word}-mount",
            sandbox.shell(order(box=box), level),
            "true",
            path=programs,
            levels="engine podman\n",
        )
        assert (told.said, told.refused) == (frozenset(), "no /no/such/folder here")


@pytest.mark.parametrize(("end", "exit", "began"), [("status 143", 143, True), ("cpu 1", 70, False)])
def test_an_end_that_systemd_does_not_tell_is_no_success(end: str, exit: int, began: bool, tmp_path: Path) -> None:
    """The bus was started anew, or the node goes down: systemd-run says 0 then."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemd-run").write_text(f"#!/bin/sh\necho began >&0\necho '{end}' >../box.end\nexit 0\n")
    (programs / "systemd-run").chmod(0o755)
    told = keep(tmp_path, sandbox.shell(order(), Level.SYSTEMD), "true", path=programs)
    assert (told.exit, "began" in told.said) == (exit, began)
    assert began or "systemd does not tell how the job ended (0)" in told.out


def test_nothing_of_a_container_stays(tmp_path: Path) -> None:
    """An image may ask for volumes, which engines keep unless they are told not to."""
    programs = tmp_path / "bin"
    programs.mkdir()
    podman = programs / "podman"
    podman.write_text(f'#!/bin/sh\ncase $* in *run*) echo began >&3 ;; *) echo "$*" >>{tmp_path}/told ;; esac\n')
    podman.chmod(0o755)
    text = sandbox.shell(order(box=Sandbox(image="image")), Level.CONTAINER)
    assert "began" in keep(tmp_path, text, "true", path=programs, levels="limits ulimit\nengine podman\n").said
    assert set((tmp_path / "told").read_text().splitlines()) == {
        f"rm --force --volumes --time 0 gridtui-{tmp_path.name}"
    }


def test_gpus_are_named_by_what_does_not_change(tmp_path: Path) -> None:
    """As the kernel's module tells: sorted by bus, as nvidia-smi numbers them; minors are another order."""
    for bus, minor, uuid in (("0000:81:00.0", 0, "GPU-b"), ("0000:01:00.0", 1, "GPU-a")):
        folder = tmp_path / "gpus" / bus
        folder.mkdir(parents=True)
        (folder / "information").write_text(
            f"Model: \t\t NVIDIA H200\nIRQ:   \t\t 255\nGPU UUID: \t {uuid}\nBus Location: \t {bus}\nDevice Minor: \t {minor}\n"
        )
    text = f"box_nvidia='{tmp_path}/gpus'\n" + sandbox.shell(order(gpus=(1,)), Level.PLAIN)
    command = 'echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER $ROCR_VISIBLE_DEVICES"'
    assert keep(tmp_path / "one", text, command).out == "GPU-b PCI_BUS_ID 1\n"
    # Where the module tells nothing, the numbers have to do.
    assert (
        keep(tmp_path / "two", "box_nvidia=/none\n" + sandbox.shell(order(gpus=(0, 1)), Level.PLAIN), command).out
        == "0,1 PCI_BUS_ID 0,1\n"
    )


def test_limits_are_written_where_a_cgroup_of_version_2_has_them(tmp_path: Path) -> None:
    """The files of a kernel with the one hierarchy, as far as they can be had without it."""
    group = tmp_path / "cgroup" / "gridtui" / f"gridtui-{tmp_path.name}"
    group.mkdir(parents=True)
    for folder in (group, group.parent, group.parent.parent):
        for name in (
            "cgroup.procs",
            "cgroup.subtree_control",
            "memory.max",
            "memory.swap.max",
            "memory.oom.group",
            "pids.max",
            "cpu.max",
        ):
            (folder / name).touch()
    (group / "cpu.stat").write_text("usage_usec 1234567\nuser_usec 1\nsystem_usec 2\n")
    (group / "memory.peak").write_text("7654321\n")
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n")
    text = f"box_mount='{tmp_path}/cgroup'\n" + sandbox.shell(order(Needs(cpus=1.5, memory=1 << 28)), Level.PLAIN)
    if not any(line.startswith("0::") for line in Path("/proc/self/cgroup").read_text().splitlines()):
        pytest.skip("this kernel has no cgroups of version 2")
    told = keep(tmp_path, text, "ulimit -d; exit 137", levels="limits tree\n", driver="sweep() { :; }\n")
    assert (told.exit, told.said, told.cpu) == (137, frozenset({"began", "oom"}), 1.234567)
    assert told.out == "unlimited\n", "what the kernel holds is not held twice"
    wrote = {
        name: (group / name).read_text()
        for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max", "cgroup.procs")
    }
    assert wrote == {
        "memory.max": "268435456\n",
        "memory.swap.max": "0\n",
        "pids.max": "1024\n",
        "cpu.max": "150000 100000\n",
        "cgroup.procs": "0\n",
    }


def test_a_scope_that_another_keeper_just_asked_for_is_waited_for(tmp_path: Path) -> None:
    """systemd knows its name before its cgroup is there, and makes no second one of that name."""
    if not any(line.startswith("0::") for line in Path("/proc/self/cgroup").read_text().splitlines()):
        pytest.skip("this kernel has no cgroups of version 2")
    scope = tmp_path / "cgroup" / "grid.slice" / "gridtui-jobs.scope"
    programs = tmp_path / "bin"
    for folder in (programs, scope.parent):
        folder.mkdir(parents=True)
    (tmp_path / "cgroup" / "cgroup.procs").touch()
    busctl = programs / "busctl"
    busctl.write_text(
        f"""#!/bin/sh
mkdir {tmp_path}/asked 2>/dev/null && {{
    exec >/dev/null
    (sleep 0.3; mkdir -p {scope}/gridtui-{tmp_path.name}; cd {scope}; : >gridtui-{tmp_path.name}/cgroup.procs; : >cgroup.procs) 2>/dev/null &
}}
echo 'Call failed: Unit gridtui-jobs.scope was already loaded or has a fragment file.' >&2
exit 1
"""
    )
    busctl.chmod(0o755)
    text = f"uid=0 box_mount='{tmp_path}/cgroup'\n" + sandbox.shell(order(), Level.PLAIN)
    told = keep(tmp_path, text, "exit 3", path=programs, levels="limits scope\n", driver="sweep() { :; }\n")
    assert (told.exit, told.said) == (3, frozenset({"began"})), told.out
    assert (scope / f"gridtui-{tmp_path.name}" / "cgroup.procs").read_text() == "0\n"


def test_without_a_cgroup_ulimit_has_what_it_can(tmp_path: Path) -> None:
    text = sandbox.shell(order(Needs(memory=1 << 28, disk=1 << 20)), Level.PLAIN)
    told = keep(
        tmp_path, text, "ulimit -d; ulimit -c; ulimit -f; ulimit -p", shell="dash" if shutil.which("dash") else "sh"
    )
    data, core, size, tasks = told.out.split()
    assert (data, core, size) == ("262144", "0", "2048")
    assert 768 < int(tasks) < 768 + 20_000
    assert os.path.isdir(tmp_path / "spool" / "job" / "tmp")
