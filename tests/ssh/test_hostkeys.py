"""Host keys: the files as ssh-keygen sees them, verdicts as tables, and logins to a real sshd."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import HostKeyChanged, HostKeyError, HostKeyUnknown
from gridtui.settings import Ssh
from gridtui.ssh import Pool, hostkeys
from gridtui.ssh.hostkeys import Trust, label, parse, pin

from .conftest import MakeSshd
from .openssh import Sshd, certify, keygen, public

KEYS = {
    kind: asyncssh.generate_private_key(kind).convert_to_public() for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256")
}
OTHER = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
KEY = KEYS["ssh-ed25519"]
# The keys are new in each process, so tests are named by their place in the table and not by their words.


def line(name: str, key: asyncssh.SSHKey = KEY, marker: str = "") -> str:
    return f"{marker} {name} {key.export_public_key().decode()}".strip() + "\n"


def trust(text: str, tmp_path: Path, host: str = "node", port: int = 22, **values: bool) -> Trust:
    file = tmp_path / "known_hosts"
    file.write_text(text)
    return Trust(host, port, [file], pins=file, **values)


@pytest.mark.parametrize(
    ("text", "host", "port", "trusted"),
    [
        (line("node"), "node", 22, True),
        (line("NODE"), "node", 22, True),
        (line("a,node,b"), "node", 22, True),
        (line("n*e"), "node", 22, True),
        (line("no?e,!node"), "node", 22, False),
        (line("[a-z]ode"), "node", 22, False),
        (line(hostkeys.hashed("node")), "node", 22, True),
        (line(hostkeys.hashed("other")), "node", 22, False),
        (line("[node]:2222"), "node", 2222, True),
        (line("[node]:2222"), "node", 22, False),
        (line(hostkeys.hashed("[node]:2222")), "node", 2222, True),
        (line("node"), "node", 2222, True),  # ssh, too, falls back to the entry without a port
        (line("[node]:2222", OTHER) + line("node"), "node", 2222, False),
        (
            "# comment\n\nnode\nnode ssh-ed25519\nnode ssh-ed25519 AAAA\n@odd node x y\n" + line("node"),
            "node",
            22,
            True,
        ),
        ("node\tssh-ed25519\t" + KEY.export_public_key().decode().split()[1] + "\n", "node", 22, True),
        (line("node") + line("node", KEY, "@revoked"), "node", 22, False),
        (line("*", KEY, "@revoked") + line("node"), "node", 22, False),
        (line("node", KEY, "@cert-authority"), "node", 22, False),
        ("|1|broken|hash ssh-ed25519 AAAA\n", "node", 22, False),
        ("", "node", 22, False),
    ],
    ids=count(),
)
def test_trust(text: str, host: str, port: int, trusted: bool, tmp_path: Path) -> None:
    verdict = trust(text, tmp_path, host, port)
    assert verdict.key(KEY) is trusted
    assert (verdict.error is None) is trusted


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", HostKeyUnknown, "is not in known_hosts"),
        (line("node", OTHER), HostKeyChanged, "has CHANGED"),
        (line("node", KEYS["ecdsa-sha2-nistp256"]), HostKeyChanged, "known is ECDSA"),
        (line("[node]:22", OTHER), HostKeyUnknown, "is not in known_hosts"),
        (line("node", KEY, "@revoked"), HostKeyChanged, "REVOKED"),
        (line("node", OTHER, "@cert-authority"), HostKeyUnknown, "a certificate is expected"),
    ],
    ids=count(),
)
def test_unknown_and_changed_are_told_apart(text: str, kind: type[HostKeyError], says: str, tmp_path: Path) -> None:
    verdict = trust(text, tmp_path)
    assert not verdict.key(KEY)
    assert type(verdict.error) is kind
    assert says in str(verdict.error)
    assert verdict.error.fingerprint == KEY.get_fingerprint()


def test_a_changed_key_names_both_fingerprints_and_the_line(tmp_path: Path) -> None:
    verdict = trust("# one\n\n" + line("node", OTHER), tmp_path)
    verdict.key(KEY)
    text = str(verdict.error)
    assert KEY.get_fingerprint() in text
    assert OTHER.get_fingerprint() in text
    assert f"{tmp_path}/known_hosts:3" in text


@pytest.mark.parametrize(
    ("text", "port", "pinned"),
    [
        ("", 22, True),
        ("", 2222, True),
        (line("node", OTHER), 22, False),
        (line("node", KEYS["ecdsa-sha2-nistp256"]), 22, False),
        (line("node", OTHER), 2222, True),  # another server on the same host
        (line("node", OTHER, "@cert-authority"), 22, False),
        (line("node", KEY, "@revoked"), 22, False),
        ("other ssh-ed25519 AAAA", 22, True),  # no newline at its end
    ],
    ids=count(),
)
def test_accept_new_pins_only_what_is_new(text: str, port: int, pinned: bool, tmp_path: Path) -> None:
    verdict = trust(text, tmp_path, port=port, accept_new=True)
    assert verdict.key(KEY) is pinned
    file = tmp_path / "known_hosts"
    after = file.read_text()
    assert after.startswith(text)
    assert after[len(text) :].strip() == (line(label("node", port)).strip() if pinned else "")
    assert bool(verdict.pinned) is pinned
    if pinned:
        assert trust(after, tmp_path, port=port).key(KEY)


def test_a_tab_behind_a_marker_revokes_too(tmp_path: Path) -> None:
    found = parse("@revoked\tnode ssh-ed25519 AAAA\n@cert-authority\t*.example\tssh-ed25519 AAAA\n", tmp_path / "k")
    assert [entry.marker for entry in found.find("node")] == ["revoked"]
    assert [entry.marker for entry in found.find("a.example")] == ["cert-authority"]


def test_pinning_makes_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    assert pin(file, "node", KEY, hash_names=True)
    assert not pin(file, "node", KEY, hash_names=True)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.read_text().startswith("|1|")
    assert Trust("node", 22, [file]).key(KEY)
    with pytest.raises(HostKeyChanged, match="meanwhile"):
        pin(file, "node", OTHER)


def test_pins_of_many_writers_never_tear(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    foreign = "".join(f"foreign{number} {public_line(OTHER)}\n" for number in range(200))
    appender = subprocess.Popen(
        ["sh", "-c", 'while read -r line; do printf "%s\\n" "$line" >> "$0"; done', str(file)], stdin=subprocess.PIPE
    )
    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(pin, file, f"node{number % 50}", KEY) for number in range(400)]
        appender.communicate(foreign.encode())
        added = sum(job.result() for job in work)
    # A blank line is what keeps a pin apart from a line of another writer that was seen half written.
    lines = [line for line in file.read_text().splitlines() if line]
    assert added == 50
    assert sorted(lines) == sorted([f"node{number} {public_line(KEY)}" for number in range(50)] + foreign.splitlines())


def public_line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def test_a_file_that_cannot_be_written_pins_nothing(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    verdict = Trust("node", 22, [], pins=tmp_path / "in the way" / "known_hosts", accept_new=True)
    assert not verdict.key(KEY)
    assert "cannot be pinned" in str(verdict.error)


NAMES = st.text("ab.*?!1", min_size=1, max_size=6)


@given(st.lists(NAMES, min_size=1, max_size=3), st.text("ab.1", min_size=1, max_size=5))
def test_patterns_match_as_ssh_keygen_finds(names: list[str], host: str) -> None:
    # ssh-keygen -F knows no patterns but exact names; so hold the pattern list against its own rule, spelled out
    def matches(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(matches(pattern[1:], text[at:]) for at in range(len(text) + 1))
        return bool(text) and pattern[0] in ("?", text[0]) and matches(pattern[1:], text[1:])

    patterns = [name for name in names if name.strip("!")]
    found = any(matches(name, host) for name in patterns if name[0] != "!")
    veto = any(matches(name[1:], host) for name in patterns if name[0] == "!")
    known = parse(line(",".join(patterns)), Path("k")) if patterns else parse("", Path("k"))
    assert bool(known.find(host)) is (found and not veto)


def test_names_are_found_as_ssh_keygen_finds_them(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    names = ["node", "[node]:2222", "10.0.0.1", "[::1]:22", "fe80::1"]
    file.write_text("".join(line(name) for name in names))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "node" not in file.read_text()
    for name in [*names, "other", "[node]:22"]:
        theirs = subprocess.run(["ssh-keygen", "-F", name, "-f", str(file)], capture_output=True, check=False)
        assert bool(parse(file.read_text(), file).find(name)) is (theirs.returncode == 0), name


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    assert hostkeys.read(file) is None
    file.write_text(line("node"))
    first = hostkeys.read(file)
    assert first is hostkeys.read(file)
    file.write_text(line("node") + line("more"))
    assert hostkeys.read(file) is not first


def test_algorithms_of_known_keys_come_first(tmp_path: Path) -> None:
    assert trust(line("node", KEYS["ecdsa-sha2-nistp256"]), tmp_path).algorithms()[0] == "ecdsa-sha2-nistp256"
    assert trust("", tmp_path).algorithms()[0] == "ssh-ed25519"
    first = trust(line("*", KEY, "@cert-authority"), tmp_path).algorithms()
    assert "-cert-v01@" in first[0]
    assert "ssh-ed25519" in first


# real servers


async def login(sshd: Sshd, **values: str) -> None:
    async with Pool(sshd.settings(**values)) as pool:
        await (await pool.connect(sshd.node())).run("true")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_the_known_one_of_several_host_keys_is_asked_for(make_sshd: MakeSshd, kind: str) -> None:
    sshd = make_sshd(host_key_types=("rsa", "ecdsa", "ed25519"))
    sshd.known_hosts.write_text(sshd.known_hosts_line(sshd.folder / f"ssh_host_{kind}_key"))
    await login(sshd)


async def test_an_unknown_host_is_refused_before_any_key_is_shown(shared: Sshd, tmp_path: Path) -> None:
    logins = shared.logins()
    with pytest.raises(HostKeyUnknown, match=r"SHA256:.*accept-new") as caught:
        await login(shared, known_hosts=str(tmp_path / "none"))
    assert caught.value.layer == "login"
    assert not caught.value.retry
    assert shared.logins() == logins


async def test_accept_new_pins_once_and_says_so(shared: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "pins"
    settings = shared.settings(known_hosts=str(file), host_keys="accept-new")
    notes: list[tuple[str, str]] = []
    for _ in range(2):
        async with Pool(settings, note=lambda *said: notes.append(said)) as pool:
            await pool.connect(shared.node())
    assert file.read_text() == shared.known_hosts_line()
    assert [name for name, _ in notes] == ["node"]
    assert "pinned the new host key SHA256:" in notes[0][1]
    await login(shared, known_hosts=str(file))


async def test_a_changed_host_key_is_an_alarm_even_with_accept_new(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    for key in sshd.host_keys:
        key.unlink()
        keygen(key)
    sshd.restart()
    before = sshd.known_hosts.read_text()
    notes: list[tuple[str, str]] = []
    settings = sshd.settings(host_keys="accept-new")
    async with Pool(settings, note=lambda *said: notes.append(said)) as pool:
        with pytest.raises(HostKeyChanged, match="has CHANGED"):
            await pool.connect(sshd.node())
    assert sshd.known_hosts.read_text() == before
    assert "ALARM" in notes[0][1]
    assert sshd.logins() == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["-n", "127.0.0.1"], None),
        (["-n", "elsewhere"], HostKeyError),
        (["-n", "127.0.0.1", "-V", "20200101:20200102"], HostKeyError),
    ],
)
async def test_host_certificates(
    make_sshd: MakeSshd, tmp_path: Path, options: list[str], error: type[HostKeyError] | None
) -> None:
    authority = keygen(tmp_path / "authority")
    sshd = make_sshd(start=False)
    certificate = certify(authority, sshd.host_keys[0], "-h", *options)
    sshd.options.append(f"HostCertificate {certificate}")
    sshd.start()
    sshd.known_hosts.write_text(f"@cert-authority 127.* {public(authority)}\n")
    if error:
        with pytest.raises(error, match="does not hold"):
            await login(sshd)
        return
    await login(sshd)
    sshd.known_hosts.write_text(f"@cert-authority 127.* {public(keygen(tmp_path / 'other'))}\n")
    with pytest.raises(HostKeyChanged, match="not the known authority"):
        await login(sshd)
    text = f"@cert-authority * {public(authority)}\n"
    sshd.known_hosts.write_text(text + f"@revoked * {public(sshd.host_keys[0])}\n")
    with pytest.raises(HostKeyChanged, match=r"REVOKED \(.*known_hosts:2\)"):
        await login(sshd)


async def test_a_revoked_host_key_is_refused(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    with sshd.known_hosts.open("a") as stream:
        stream.write(f"@revoked * {public(sshd.host_keys[0])}\n")
    with pytest.raises(HostKeyChanged, match="REVOKED"):
        await login(sshd)


async def test_hashed_names_and_several_files_of_ssh_config(shared: Sshd, home: Path, tmp_path: Path) -> None:
    (tmp_path / "hashed").write_text(line(hostkeys.hashed("other")) + hashed_line(shared))
    (home / ".ssh" / "config").write_text(f"UserKnownHostsFile {tmp_path}/missing {tmp_path}/hashed\n")
    async with Pool(Ssh()) as pool:
        await pool.connect(shared.node())


async def test_the_alias_is_what_is_looked_up(shared: Sshd, home: Path) -> None:
    key = " ".join(public(shared.host_keys[0]).split()[:2])
    (home / ".ssh" / "known_hosts").write_text(f"the-alias {key}\n")
    (home / ".ssh" / "config").write_text("HostKeyAlias the-alias\n")
    async with Pool(Ssh()) as pool:
        await pool.connect(shared.node())


def hashed_line(sshd: Sshd) -> str:
    name, key = sshd.known_hosts_line().split(" ", 1)
    return f"{hostkeys.hashed(name)} {key}"
