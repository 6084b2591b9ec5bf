"""What happens to a user's authorized_keys: our line comes and goes, everything else stays as it is, byte for byte."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .shell import keys

LINE = 'restrict,command="exec /bin/sh /tmp/x/take.1",from="198.18.0.11",expiry-time="20990101000000" ssh-ed25519 AAAA'
ADD = f"add_key '{LINE}' gridtui-peers:abc.1"
REMOVE = "take_out_key gridtui-peers:abc\\\\.1"

lines = st.lists(
    st.one_of(
        st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ").replace(b"\0", b" ")),
        st.sampled_from(
            [
                b"",
                b"# gridtui-peers: not ours",
                b"ssh-ed25519 AAAA me@gridtui-peers:abc.10",
                b"ssh-rsa AAAA gridtui-peers:abd.1",
                b'command="echo \\"$HOME\\"" ssh-rsa AAAA x',
                "ssh-rsa AAAA gärtner".encode(),
                b"ssh-rsa AAAA \xff\xfe",
            ]
        ),
    ),
    max_size=6,
).map(b"\n".join)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return tmp_path


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines, st.booleans())
def test_the_users_lines_survive_byte_for_byte(text: bytes, ended: bool) -> None:
    before = text + (b"\n" if ended and text else b"")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / ".ssh").mkdir(mode=0o700)
        file = home / ".ssh" / "authorized_keys"
        file.write_bytes(before)
        done = keys(home, f"{ADD} || exit 1; cp {file} {home}/seen; {REMOVE}")
        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == before
        seen = (home / "seen").read_bytes()
        assert seen.startswith(before)
        assert seen.splitlines()[-1].startswith(LINE.encode())
        assert os.listdir(home / ".ssh") == ["authorized_keys"]


def test_mode_and_link_stay(home: Path) -> None:
    real = home / "dotfiles keys"
    real.write_text("ssh-rsa AAAA me\n")
    real.chmod(0o640)
    link = home / ".ssh" / "authorized_keys"
    link.symlink_to(real)
    assert keys(home, f"{ADD}; {REMOVE}").returncode == 0
    assert link.is_symlink()
    assert real.read_text() == "ssh-rsa AAAA me\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_what_was_not_there_is_not_left_there(tmp_path: Path) -> None:
    done = keys(
        tmp_path,
        f"{ADD} || exit 1; stat -c %a .ssh .ssh/authorized_keys; {REMOVE}".replace(".ssh", '"$HOME"/.ssh'),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"700\n600\n"
    assert not (tmp_path / ".ssh").exists()


def test_a_line_that_was_added_meanwhile_stays(home: Path) -> None:
    file = home / ".ssh" / "authorized_keys"
    file.write_text("ssh-rsa AAAA one")
    keys(home, f"{ADD}; echo 'ssh-rsa AAAA two' >>{file}; {REMOVE}")
    assert file.read_text() == "ssh-rsa AAAA one\nssh-rsa AAAA two\n"


def test_many_at_once_leave_only_the_users(home: Path) -> None:
    file = home / ".ssh" / "authorized_keys"
    file.write_text("ssh-rsa AAAA me\n")
    each = "add_key '{line}' gridtui-peers:run{n}.1; sleep 0.0{n}; take_out_key gridtui-peers:run{n}\\\\.1"
    jobs = " ".join(f"( {each.format(line=LINE, n=n)} ) &" for n in range(8))
    done = keys(home, f"{jobs} wait")
    assert done.returncode == 0, done.stderr
    assert file.read_text() == "ssh-rsa AAAA me\n"
    assert os.listdir(home / ".ssh") == ["authorized_keys"]


def test_what_a_crash_left_goes_when_its_time_is_over(home: Path) -> None:
    file = home / ".ssh" / "authorized_keys"
    old, new = LINE.replace("2099", "2020"), LINE
    file.write_text(
        f"ssh-rsa AAAA me\n{old} gridtui-peers:dead.1+\n{new} gridtui-peers:live.1\n{old} somebody-else\nssh-rsa AAAA last\n"
    )
    keys(home, "sweep_keys")
    assert file.read_text() == f"ssh-rsa AAAA me\n{new} gridtui-peers:live.1\n{old} somebody-else\nssh-rsa AAAA last\n"


def test_one_run_takes_out_all_of_its_own(home: Path) -> None:
    file = home / ".ssh" / "authorized_keys"
    file.write_text("ssh-rsa AAAA me\n")
    keys(
        home,
        f"add_key '{LINE}' gridtui-peers:abc.1; add_key '{LINE}' gridtui-peers:abc.12; add_key '{LINE}' gridtui-peers:xyz.1;"
        " take_out_key 'gridtui-peers:abc\\.[0-9]*'",
    )
    assert file.read_text() == f"ssh-rsa AAAA me\n{LINE} gridtui-peers:xyz.1\n"


def test_busybox_can_do_it_too(home: Path) -> None:
    file = home / ".ssh" / "authorized_keys"
    file.write_text("ssh-rsa AAAA me")
    try:
        done = keys(home, f"{ADD}; {REMOVE}", shell="busybox-sh")
    except FileNotFoundError:
        busybox = subprocess.run(["sh", "-c", "command -v busybox"], capture_output=True, check=False).stdout
        if not busybox:
            pytest.skip("no busybox here")
        (home / "bin").mkdir()
        shell = home / "bin" / "sh"
        shell.symlink_to(busybox.decode().strip())
        done = keys(home, f"{ADD}; {REMOVE}", shell=str(shell))
    assert done.returncode == 0, done.stderr
    assert file.read_text() == "ssh-rsa AAAA me"


def test_old_folders_go_and_nothing_that_is_only_called_alike(home: Path) -> None:
    base = home / "base"
    for name in (
        ".gridtui-peers-a1B2c3D4",
        ".gridtui-peers-notes-of-mine",
        "gridtui-peers-a1B2c3D4",
        "gridtui-peers-data",
    ):
        (base / name).mkdir(parents=True)
        os.utime(base / name, (1_600_000_000, 1_600_000_000))
    (base / ".gridtui-peers-fresh123").mkdir()
    (base / ".gridtui-peers-a-file00").write_text("")
    os.utime(base / ".gridtui-peers-a-file00", (1_600_000_000, 1_600_000_000))
    done = keys(home, f"base='{base}'; sweep_folders")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(base)) == [
        ".gridtui-peers-a-file00",
        ".gridtui-peers-fresh123",
        ".gridtui-peers-notes-of-mine",
        "gridtui-peers-a1B2c3D4",
        "gridtui-peers-data",
    ]
