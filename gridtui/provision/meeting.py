"""Who vouches for host keys that nobody knows yet: a list, a setting, or a person who sees all of them at once. Owns that decision.

A changed key is never asked about: the login refuses it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..errors import HostKeyUnknown, SshError
from ..settings import Ssh
from . import fingerprints
from .contact import Jumps, Shown, known, pin, show
from .errand import Errand
from .fingerprints import Fingerprints
from .model import CONTACT, Vouch

Each = Callable[[Sequence[Errand], Callable[[Errand], None]], Awaitable[None]]
"""Does something for each node in threads."""


async def meet(
    errands: Sequence[Errand], ssh: Ssh, jumps: Jumps, list_: Fingerprints, vouch: Vouch | None, each: Each
) -> None:
    """Pin the keys that somebody vouches for; nodes whose keys are wrong, or that were turned down, are settled.

    Where there is neither a list nor a person the login does what the settings say, and says which key it refused.
    """
    accept = ssh.host_keys == "accept-new"
    if not list_ and (accept or not vouch):
        return
    shown: dict[str, Shown] = {}

    def look(errand: Errand) -> None:
        if not known(errand.node, settings=ssh):
            shown[errand.node.name] = show(errand.node, settings=ssh, jumps=jumps)

    await each(errands, look)
    by_name = {errand.node.name: errand for errand in errands}
    asked: list[Shown] = []
    for name, one in shown.items():
        errand = by_name[name]
        right = fingerprints.right_for(one, list_, errand.node.address)
        if not right:
            asked.append(one)
        elif one.fingerprint.rstrip("=") in right:
            _pin(errand, one, ssh)
        else:
            errand.fail(CONTACT, _wrong(one, right))
    if not asked or accept or not vouch:
        return
    sure = await vouch(asked)
    for one in asked:
        if sure:
            _pin(by_name[one.node], one, ssh)
        else:
            text = f"{one.where}: nobody vouched for its {one.kind} host key {one.fingerprint}"
            by_name[one.node].fail(CONTACT, HostKeyUnknown(text, fingerprint=one.fingerprint))


def _pin(errand: Errand, one: Shown, ssh: Ssh) -> None:
    try:
        pin(one, errand.node, settings=ssh)
        errand.fingerprint = one.fingerprint
    except SshError as error:
        errand.fail(CONTACT, error)


def _wrong(one: Shown, right: frozenset[str]) -> HostKeyUnknown:
    return HostKeyUnknown(
        f"ALARM: {one.where} shows the {one.kind} host key {one.fingerprint}, and the list has {', '.join(sorted(right))}",
        fingerprint=one.fingerprint,
        hint="another machine answers there, or the list lacks this type of key",
    )
