"""Which keys a login offers: files, certificates, a real ssh-agent, passphrases. Against a real sshd."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gridtui.errors import LoginError
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool, keys

from .conftest import MakeSshd
from .openssh import Agent, Sshd, certify, keygen, public


class Person:
    """Answers questions, and remembers them."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    async def __call__(self, question: str) -> str | None:
        self.questions.append(question)
        await asyncio.sleep(0)
        return self.answers.pop(0)


def bare(sshd: Sshd, name: str = "node", **options: str) -> Node:
    """The node without a key of its own."""
    return Node(name, sshd.address, port=sshd.port, user=sshd.user, ssh_options=options)


def settings(sshd: Sshd, home: Path, config: str) -> Ssh:
    (home / ".ssh" / "config").write_text(config)
    return Ssh(known_hosts=str(sshd.known_hosts))


async def test_default_identities_are_tried(make_sshd: MakeSshd, home: Path) -> None:
    sshd = make_sshd(identity=keygen(home / ".ssh" / "id_ecdsa", "ecdsa"))
    async with Pool(sshd.settings()) as pool:
        await pool.connect(bare(sshd))


async def test_an_agent_serves(make_sshd: MakeSshd, agent: Agent, home: Path) -> None:
    sshd = make_sshd()
    agent.add(sshd.identity)
    config = settings(sshd, home, f"IdentityAgent {agent.socket}\n")
    async with Pool(config) as pool:
        await asyncio.gather(*(pool.connect(bare(sshd, f"n{number}")) for number in range(4)))


async def test_the_agent_of_the_environment_serves(
    make_sshd: MakeSshd, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = make_sshd()
    agent.add(sshd.identity)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
    async with Pool(sshd.settings()) as pool:
        await pool.connect(bare(sshd))


async def test_identities_only_keeps_the_agents_other_keys_back(
    make_sshd: MakeSshd, agent: Agent, home: Path, tmp_path: Path
) -> None:
    sshd = make_sshd()
    others = [keygen(tmp_path / f"other{number}") for number in range(6)]
    agent.add(*others, sshd.identity)
    only_public = home / ".ssh" / "chosen"
    (home / ".ssh" / "chosen.pub").write_text(public(sshd.identity) + "\n")  # ssh, too, finds the agent's key by this
    config = f"IdentityAgent {agent.socket}\nIdentityFile {only_public}\nIdentitiesOnly yes\n"
    async with Pool(settings(sshd, home, config)) as pool:
        await pool.connect(bare(sshd))
    assert "Failed publickey" not in sshd.log()


async def test_too_many_keys_of_an_agent_are_told(
    make_sshd: MakeSshd, agent: Agent, home: Path, tmp_path: Path
) -> None:
    sshd = make_sshd()
    agent.add(*(keygen(tmp_path / f"other{number}") for number in range(7)))
    async with Pool(settings(sshd, home, f"IdentityAgent {agent.socket}\n")) as pool:
        with pytest.raises(LoginError, match=r"Too many authentication failures.*IdentitiesOnly"):
            await pool.connect(bare(sshd))


async def test_a_dead_agent_is_named(make_sshd: MakeSshd, home: Path, tmp_path: Path) -> None:
    sshd = make_sshd()
    async with Pool(settings(sshd, home, f"IdentityAgent {tmp_path}/nobody\n")) as pool:
        with pytest.raises(LoginError, match=r"no key to offer; left out the agent at .*/nobody"):
            await pool.connect(bare(sshd))


async def test_an_agent_that_never_answers_holds_no_login_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "AGENT", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        ring = keys.Keyring()
        offer = await asyncio.wait_for(ring.offer((), agent=str(tmp_path / "silent")), 10)
        await ring.close()
    assert offer.left_out == [f"the agent at {tmp_path}/silent (no answer)"]


async def test_a_passphrase_is_asked_for_once_for_all(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd(identity=keygen(tmp_path / "locked", passphrase="secret words"))
    person = Person("wrong", "secret words")
    async with Pool(sshd.settings(), ask=person) as pool:
        await asyncio.gather(*(pool.connect(sshd.node(f"n{number}")) for number in range(5)))
    assert person.questions == [
        f"Passphrase for {sshd.identity}: ",
        f"That was wrong. Passphrase for {sshd.identity}: ",
    ]


@pytest.mark.parametrize(
    ("answers", "says"), [((None,), "no passphrase was given"), (("a", "b", "c"), "3 passphrases were wrong")]
)
async def test_a_key_that_stays_locked_is_left_aside(
    make_sshd: MakeSshd, tmp_path: Path, answers: tuple[str | None, ...], says: str
) -> None:
    sshd = make_sshd(identity=keygen(tmp_path / "locked", passphrase="secret words"))
    person = Person(*answers)
    async with Pool(sshd.settings(), ask=person) as pool:
        for name in ("a", "b"):
            with pytest.raises(LoginError, match=says):
                await pool.connect(sshd.node(name))
    assert person.answers == []


async def test_without_anybody_to_ask_the_hint_is_an_agent(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd(identity=keygen(tmp_path / "locked", passphrase="secret words"))
    async with Pool(sshd.settings()) as pool:
        with pytest.raises(LoginError, match="encrypted: put it into an agent with ssh-add"):
            await pool.connect(sshd.node())


async def test_an_encrypted_key_in_the_agent_needs_no_passphrase(
    make_sshd: MakeSshd, agent: Agent, home: Path, tmp_path: Path
) -> None:
    plain = keygen(tmp_path / "key")
    agent.add(plain)
    locked = keygen(tmp_path / "other", passphrase="secret words")
    sshd = make_sshd(identity=plain)
    (tmp_path / "locked.pub").write_text(public(plain))
    (tmp_path / "locked").write_bytes(locked.read_bytes())
    config = f"IdentityAgent {agent.socket}\nIdentityFile {tmp_path}/locked\n"
    person = Person()
    async with Pool(settings(sshd, home, config), ask=person) as pool:
        await pool.connect(bare(sshd))
    assert person.questions == []


@pytest.mark.parametrize("where", ["beside", "CertificateFile", "agent", "agent and file"])
async def test_user_certificates(make_sshd: MakeSshd, agent: Agent, home: Path, tmp_path: Path, where: str) -> None:
    authority, key = keygen(tmp_path / "authority"), keygen(tmp_path / "key")
    sshd = make_sshd(options=[f"TrustedUserCAKeys {authority}.pub"])
    certificate = certify(authority, key, "-n", sshd.user)
    config = f"IdentityFile {key}\n"
    if where == "agent":
        agent.add(key)  # takes the certificate that lies beside it, too
        config = f"IdentityAgent {agent.socket}\n"
    elif where != "beside":
        certificate = certificate.rename(tmp_path / "elsewhere.pub")
        config += f"CertificateFile {certificate}\n"
        if where == "agent and file":
            agent.add(key)
            config += f"IdentityAgent {agent.socket}\n"
    async with Pool(settings(sshd, home, config)) as pool:
        await pool.connect(bare(sshd))
    assert "-CERT" in sshd.log()


async def test_a_refusal_names_user_keys_and_what_else_is_taken(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd(options=["KbdInteractiveAuthentication yes", "PasswordAuthentication yes"])
    node = Node("n", sshd.address, port=sshd.port, user=sshd.user, identity=str(keygen(tmp_path / "stranger")))
    async with Pool(sshd.settings()) as pool:
        with pytest.raises(LoginError) as caught:
            await pool.connect(node)
    text = str(caught.value)
    assert text.startswith(f"permission denied for {sshd.user}@127.0.0.1:{sshd.port}: offered {tmp_path}/stranger; ")
    assert "password" in text
    assert caught.value.evidence.node == "n"


async def test_a_missing_named_key_is_told(shared: Sshd, tmp_path: Path) -> None:
    node = Node("n", shared.address, port=shared.port, user=shared.user, identity=str(tmp_path / "none"))
    async with Pool(shared.settings()) as pool:
        with pytest.raises(LoginError, match=r"left out .*/none \(no such file\)"):
            await pool.connect(node)


async def test_a_new_key_file_is_read_anew(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd()
    key = tmp_path / "later"
    node = Node("n", sshd.address, port=sshd.port, user=sshd.user, identity=str(key))
    async with Pool(sshd.settings()) as pool:
        with pytest.raises(LoginError):
            await pool.connect(node)
        sshd.authorize(keygen(key))
        with pytest.raises(LoginError):
            await pool.connect(node)
        pool.forget(node)
        await pool.connect(node)
