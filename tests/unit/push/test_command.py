"""The words for rsync, the quoting of `--rsh`, and the text for the node's shell."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.model import Node
from gridtui.push import Direction, Options, Plan, command
from gridtui.push.packages import how_to_install
from gridtui.settings import Ssh
from gridtui.ssh import system

LOCKS = Path(f"/tmp/.gridtui-{os.getuid()}")
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(WORD, min_size=1, max_size=5))
def test_rsync_splits_rsh_into_the_same_words(words: list[str]) -> None:
    """The rule of rsync(1), `--rsh`: blanks split, quotes keep together, a doubled quote is one."""
    found, text, position = [], system.rsh(words), 0
    while position < len(text):
        assert text[position] == "'"
        word, position = "", position + 1
        while True:
            if text[position] == "'" and text[position + 1 : position + 2] == "'":
                word, position = word + "'", position + 2
            elif text[position] == "'":
                break
            else:
                word, position = word + text[position], position + 1
        found.append(word)
        position += 1
        assert text[position : position + 1] in ("", " ")
        position += 1
    assert found == words


def test_the_real_rsync_splits_it_so(tmp_path: Path) -> None:
    words = ["a b", "it's", '"', "''", " ", "\\", "$x", "é"]
    script = tmp_path / "show it"
    script.write_text('#!/bin/sh\nprintf "<%s>" "$@" >&2\nexit 1\n')
    script.chmod(0o700)
    done = subprocess.run(
        ["rsync", f"--rsh={system.rsh([str(script), *words])}", "x:", str(tmp_path)], capture_output=True
    )
    shown = "".join(f"<{word}>" for word in words)
    assert done.stderr.decode().startswith(f"{shown}<x>")


@pytest.mark.parametrize(("text", "rate"), [(1, 1), (2048, 2), (10_000_000, 9765)])
def test_a_rate_is_kibibytes_and_never_none(text: int, rate: int) -> None:
    assert f"--bwlimit={rate}" in command.options(Plan(("a",), "/b", options=Options(rate=text)))


def test_names_are_no_options_hosts_or_urls() -> None:
    node = Node("n", "fe80::1")
    words = command.words(Plan(("-x", "host:y", "rsync://z", "/abs"), "-dest"), node, ["ssh"])
    assert words[words.index("--") + 1 :] == ["./-x", "./host:y", "./rsync://z", "/abs", "[fe80::1]:./-dest"]
    pulled = command.words(Plan(("-x", "/y"), "a:b", Direction.PULL), node, ["ssh"])
    assert pulled[pulled.index("--") + 1 :] == ["[fe80::1]:./-x", ":/y", "./a:b/n/"]


@pytest.mark.parametrize(
    ("node", "folder"), [("web1", "./out/web1"), ("..", "./out/_.."), ("a/../b", "./out/a∕..∕b"), ("-n", "./out/-n")]
)
def test_a_nodes_name_leads_nowhere_else(node: str, folder: str) -> None:
    assert command.folder(Plan(("x",), "out", Direction.PULL), node) == folder


def test_the_smaller_rate_counts() -> None:
    plan = Plan(("a",), "/b", options=Options(rate=1 << 20))
    assert command.words(plan, Node("n", "h"), ["ssh"], 1 << 30).count("--bwlimit=1024") == 1
    assert "--bwlimit=512" in command.words(plan, Node("n", "h"), ["ssh"], 1 << 19)


def test_only_a_real_push_takes_the_lock_of_the_place() -> None:
    assert command.lock_name("/b") in command.at_node(Plan(("a",), "/b/"))
    assert "/tmp/" not in command.at_node(Plan(("a",), "/b", options=Options(dry_run=True))).split("gridtui-push", 2)[2]
    assert command.lock_name("~/b") == command.lock_name("./b/")


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
def test_the_text_for_the_node_runs_in_any_shell(shell: str, tmp_path: Path) -> None:
    text = command.at_node(Plan(("a",), str(tmp_path))) + " --version"
    try:
        done = subprocess.run([*shell.split(), "-c", text], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"{shell} is not installed")
    assert done.returncode == 0, done
    assert done.stdout.startswith("rsync ")
    assert not (LOCKS / command.lock_name(str(tmp_path))).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder needs root")
def test_a_lock_in_another_users_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    name = f"{tmp_path.parent.name}-{tmp_path.name}"
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {name}\n")
    (tmp_path / "id").chmod(0o755)
    folder = Path(f"/tmp/.gridtui-{name}")
    folder.mkdir()
    try:
        os.chown(folder, 65534, 65534)
        with open(folder / command.lock_name(str(tmp_path)), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = command.at_node(Plan(("a",), str(tmp_path))) + " --version"
            env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
            assert subprocess.run(["sh", "-c", text], capture_output=True, env=env).returncode == 0
            os.chown(folder, 0, 0)
            held = subprocess.run(["sh", "-c", text], capture_output=True, env=env)
            assert (held.returncode, held.stderr.split()) == (75, [command.BUSY.encode()])
    finally:
        shutil.rmtree(folder)


def test_what_would_change_rsyncs_ways_is_left_out() -> None:
    given = {
        "RSYNC_RSH": "x",
        "RSYNC_PARTIAL_DIR": "y",
        "LANG": "de_DE",
        "LC_TIME": "z",
        "PATH": "p",
        "SSH_AUTH_SOCK": "s",
    }
    assert command.environment(given) == {"PATH": "p", "SSH_AUTH_SOCK": "s", "LC_ALL": "C.UTF-8"}


def test_the_packages_command() -> None:
    assert "apt-get install rsync" in how_to_install("debian")
    assert "apk add rsync" in how_to_install('"alpine"')
    assert how_to_install("frobnix") == "install the package rsync (frobnix)"
    assert how_to_install("\x1b[31m") == how_to_install("") == "install the package rsync"


@pytest.mark.parametrize(
    ("settings", "node", "words"),
    [
        (Ssh(config="none"), Node("n", "h"), ["-F", "none"]),
        (Ssh(known_hosts="/a b/k%h"), Node("n", "h"), ["-o", 'UserKnownHostsFile="/a b/k%%h"']),
        (Ssh(host_keys="accept-new", config="none"), Node("n", "h"), ["-o", "StrictHostKeyChecking=accept-new"]),
        (
            Ssh(host_keys="accept-new", config="none"),
            Node("n", "h", ssh_options={"stricthostkeychecking": "yes"}),
            ["-o", "StrictHostKeyChecking=yes"],
        ),
        (
            Ssh(config="none"),
            Node("n", "h", ssh_options={"stricthostkeychecking": "no"}),
            ["-o", "StrictHostKeyChecking=yes"],
        ),
        (Ssh(config="none"), Node("n", "h", port=7, user="u"), ["-p", "7", "-l", "u"]),
        (Ssh(config="none"), Node("n", "h", ssh_options={"proxyjump": "j"}), ["-o", "proxyjump=j"]),
        (Ssh(config="none"), Node("n", "h", identity="/i d"), ["-o", 'IdentityFile="/i d"']),
    ],
)
def test_ssh_is_told_what_the_pool_does(settings: Ssh, node: Node, words: list[str]) -> None:
    found = system.words(node, settings)
    assert any(found[start : start + len(words)] == words for start in range(len(found)))
    assert found.index(f"StrictHostKeyChecking={'accept-new' if 'accept-new' in words[-1] else 'yes'}") < len(found)


def test_an_option_cannot_smuggle_in_another() -> None:
    node = Node("n", "h", ssh_options={"user": "x\nProxyCommand evil", "host": "*", "match": "all"})
    assert not [
        word
        for word in system.words(node, Ssh(config="none"))
        if "evil" in word or word.startswith(("host=", "match="))
    ]


def test_ssh_itself_takes_every_word(tmp_path: Path) -> None:
    node = Node(
        "n",
        "h.example",
        port=7,
        user="u",
        identity=str(tmp_path / 'i "d" %h'),
        ssh_options={"proxycommand": "nc %h 'a b'"},
    )
    words = system.words(node, Ssh(config="none", known_hosts=str(tmp_path / "k h")), tmp_path / "c %h")
    said = subprocess.run([*words, "-G", "h.example"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert f"controlpath {tmp_path}/c %h" in said
    assert f"userknownhostsfile {tmp_path}/k h" in said
    assert "proxycommand nc %h 'a b'" in said
    assert "stricthostkeychecking true" in said
