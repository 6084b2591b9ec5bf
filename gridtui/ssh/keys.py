"""The keys that logins offer: files, certificates, the agent. Owns secrets, in memory, for the life of the pool.

A key file is read once for all nodes and its passphrase asked for once. Knows nothing of hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from ..model import clean

Ask = Callable[[str], Awaitable[str | None]]

DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")
"""Tried when no IdentityFile is named. ssh tries the same, RSA first."""

AGENT = 20.0
"""Seconds for an agent to list its keys: a forwarded one whose connection died takes the question and never answers."""

TRIES = 3
"""Passphrases asked for before a key is left aside."""


@dataclass(slots=True)
class Offer:
    """What one login offers, in order."""

    pairs: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """What was offered, for people: `~/.ssh/id_ed25519`, `agent: work laptop`."""
    left_out: list[str] = field(default_factory=list)
    """What was not, and why."""

    def add(self, name: str, *pairs: asyncssh.SSHKeyPair) -> None:
        self.pairs += pairs
        self.names.append(name)


@dataclass(slots=True)
class _File:
    """One identity file, read."""

    stamp: tuple[int, int]
    public: asyncssh.SSHKey | None = None
    private: asyncssh.SSHKey | None = None
    encrypted: bytes | None = None
    certificates: list[asyncssh.SSHCertificate] = field(default_factory=list)
    problem: str = ""


class Keyring:
    """All keys of one pool. `ask` gets the question for a passphrase; None as its answer leaves the key aside."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask
        self._files: dict[Path, _File] = {}
        self._locks: dict[Path, asyncio.Lock] = {}
        self._agents: dict[str, asyncssh.SSHAgentClient] = {}

    async def offer(
        self,
        identities: Sequence[Path] | None,
        *,
        certificates: Sequence[Path] = (),
        only: bool = False,
        agent: str | None = None,
    ) -> Offer:
        """The key pairs for a login, in ssh's order: named identities (from the agent where it has them), the agent's other keys.

        `only` (IdentitiesOnly) leaves the agent's other keys out. Key pairs are fresh copies: a login changes them.
        """
        offer = Offer()
        held = await self._agent_keys(agent, offer)
        extra = [certificate for path in certificates for certificate in _certificates(path, offer)]
        for path in identities if identities is not None else _defaults():
            await self._identity(path, held, extra, offer, named=identities is not None)
        if not only:
            for pair in held.values():
                offer.add(f"agent: {clean(pair.get_comment_bytes() or b'', 80) or 'a key'}", copy.copy(pair))
        return offer

    async def close(self) -> None:
        """Forget all secrets and leave the agents."""
        self._files.clear()
        agents, self._agents = self._agents, {}
        for agent in agents.values():
            agent.close()
            with contextlib.suppress(OSError):
                await agent.wait_closed()

    async def _agent_keys(self, path: str | None, offer: Offer) -> dict[bytes, asyncssh.SSHKeyPair]:
        if not path:
            return {}
        agent = self._agents.setdefault(path, asyncssh.SSHAgentClient(path))
        try:
            async with asyncio.timeout(AGENT):
                pairs = await agent.get_keys()
        except (OSError, ValueError, asyncssh.Error) as error:
            # begin anew next time: an answer that nobody waited for would be taken for that to the next question
            if self._agents.get(path) is agent:
                del self._agents[path]
            agent.close()
            offer.left_out.append(f"the agent at {path} ({clean(str(error), 80) or 'no answer'})")
            return {}
        return {pair.public_data: pair for pair in pairs}

    async def _identity(
        self,
        path: Path,
        held: dict[bytes, asyncssh.SSHKeyPair],
        extra: list[asyncssh.SSHCertificate],
        offer: Offer,
        *,
        named: bool,
    ) -> None:
        file = self._read(path)
        if file.public is None and file.private is None and file.encrypted is None:
            if named or file.problem != "no such file":
                offer.left_out.append(f"{path} ({file.problem or 'no key in it'})")
            return
        public = file.private or file.public
        if public is not None:
            in_agent = held.pop(public.public_data, None)
            wanted = [*file.certificates, *(cert for cert in extra if cert.key.public_data == public.public_data)]
            from_agent = [held.pop(cert.public_data) for cert in wanted if cert.public_data in held]
            if in_agent is not None:
                pairs = [copy.copy(pair) for pair in from_agent]
                for cert in wanted:
                    pair = copy.copy(in_agent)
                    pair.set_certificate(cert)
                    pairs.append(pair)
                offer.add(f"{path} (agent)", *pairs, copy.copy(in_agent))
                return
        if file.private is None and file.encrypted is not None:
            await self._unlock(path, file)
        if file.private is None:
            offer.left_out.append(f"{path} ({file.problem or 'only the public half, and not in the agent'})")
            return
        certs = [*file.certificates, *(cert for cert in extra if cert.key.public_data == file.private.public_data)]
        pairs = [pair for cert in certs for pair in asyncssh.load_keypairs([(file.private, cert)])[:1]]
        offer.add(str(path), *pairs, *asyncssh.load_keypairs([file.private]))

    def _read(self, path: Path) -> _File:
        try:
            seen = path.stat()
            stamp = (seen.st_mtime_ns, seen.st_size)
        except OSError:
            stamp = (0, 0)
        if (file := self._files.get(path)) and file.stamp == stamp:
            return file
        file = _File(stamp)
        self._files[path] = file
        file.public = _public(path.with_name(path.name + ".pub")) or _public(path)
        file.certificates = _certificates(path.with_name(path.name + "-cert.pub"), None)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            file.problem = "no such file"
            return file
        except OSError as error:
            file.problem = error.strerror or "cannot be read"
            return file
        if stamp[1] > 1 << 20:
            file.problem = "too large for a key"
            return file
        if file.public is None or b"PRIVATE KEY" in data:
            try:
                file.private = asyncssh.import_private_key(data)
            except asyncssh.KeyImportError as error:
                # asyncssh says it only in words: `Passphrase must be specified to import encrypted private keys`
                if str(error).startswith("Passphrase"):
                    file.encrypted = data
                    file.problem = "encrypted: put it into an agent with ssh-add"
                else:
                    file.problem = clean(str(error), 100)
        return file

    async def _unlock(self, path: Path, file: _File) -> None:
        """Ask for a passphrase, once for all who wait for it."""
        if self._ask is None:
            return
        async with self._locks.setdefault(path, asyncio.Lock()):
            question = f"Passphrase for {path}: "
            for _ in range(TRIES):
                if file.private is not None or file.encrypted is None:
                    return
                answer = await self._ask(question)
                if answer is None:
                    file.encrypted, file.problem = None, "encrypted, and no passphrase was given"
                    return
                try:
                    # the key derivation takes up to a second of CPU: not in the loop that serves every other node
                    file.private = await asyncio.to_thread(asyncssh.import_private_key, file.encrypted, answer)
                except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
                    if "bcrypt" in str(error):
                        file.encrypted, file.problem = (
                            None,
                            "encrypted: use an agent, or install the Python package bcrypt",
                        )
                        return
                    question = f"That was wrong. Passphrase for {path}: "
            if file.private is None:
                file.encrypted, file.problem = None, f"encrypted, and {TRIES} passphrases were wrong"


def _defaults() -> list[Path]:
    folder = Path("~/.ssh").expanduser()
    return [folder / name for name in DEFAULTS]


def _public(path: Path) -> asyncssh.SSHKey | None:
    """A public key; also the readable half of an encrypted private key."""
    try:
        return asyncssh.read_public_key(path)
    except (OSError, ValueError):
        return None


def _certificates(path: Path, offer: Offer | None) -> list[asyncssh.SSHCertificate]:
    try:
        return [cert for cert in asyncssh.load_certificates(str(path)) if not cert.is_x509]
    except (OSError, ValueError) as error:
        if offer is not None:
            offer.left_out.append(f"{path} ({clean(str(error), 80)})")
        return []
