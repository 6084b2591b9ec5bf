"""What is another way than before: two answers of one node side by side. Pure.

Both are judged by today's table, so that a new version of gridtui is no drift. What was unknown then or is now is none either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..model import Unsupported, clean
from .answer import Accounts, Answer, Automatic, Clock, Detection, Firewall, Mandatory, Sshd
from .findings import assess
from .model import Change, Drift, Port

_LONG = 200


def drift(node: str, before: Answer, after: Answer, accepted: Collection[str] = ()) -> Drift:
    """From `before` to `after`."""
    then, now = assess(node, before, accepted), assess(node, after, accepted)
    had, has = {finding.id for finding in then.findings}, {finding.id for finding in now.findings}
    opened, closed = _ports(before, after)
    old, new = dict(settings(before)), dict(settings(after))
    return Drift(
        before.time,
        # Only what was seen to be right before has appeared, and only what is seen to be right now was mended.
        tuple(finding for finding in now.findings if finding.id not in had and finding.id in then.passed),
        tuple(finding for finding in then.findings if finding.id not in has and finding.id in now.passed),
        opened,
        closed,
        tuple(Change(name, old[name], new[name]) for name in new if name in old and old[name] != new[name]),
    )


def _ports(before: Answer, after: Answer) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    if isinstance(before.ports, Unsupported) or isinstance(after.ports, Unsupported):
        return (), ()

    def listed(ports: tuple[Port, ...]) -> dict[tuple[str, str, int], Port]:
        # By the socket: which process it is may be told to root alone.
        return {(port.protocol, port.address, port.port): port for port in ports if not port.fleeting}

    old, new = listed(before.ports), listed(after.ports)
    opened = tuple(port for key, port in new.items() if key not in old)
    return opened, tuple(port for key, port in old.items() if key not in new)


def settings(answer: Answer) -> Iterator[tuple[str, str]]:
    """What is set on the node, name by name, as far as it is known: what drift is told of."""
    if isinstance(answer.sshd, Sshd):
        for name, value in answer.sshd.settings.items():
            if name not in ("port", "listenaddress"):  # the ports tell
                yield f"sshd.{name}", clean(value, _LONG)
    if not isinstance(answer.sysctls, Unsupported):
        yield from ((f"sysctl.{name}", value) for name, value in answer.sysctls.items())
    if isinstance(answer.firewall, Firewall):
        yield "firewall", answer.firewall.by
    if isinstance(answer.automatic, Automatic):
        yield "updates.automatic", "on" if answer.automatic.on else "off"
    if isinstance(answer.accounts, Accounts):
        yield "accounts.uid0", " ".join(answer.accounts.roots)
        if answer.accounts.shadow:
            yield "accounts.empty-password", " ".join(answer.accounts.empty)
    if not isinstance(answer.sudo, Unsupported):
        yield "sudo.everything", clean("; ".join(answer.sudo), _LONG)
    if not isinstance(answer.writable, Unsupported):
        yield "writable", clean(" ".join(answer.writable), _LONG)
    if isinstance(answer.mandatory, Mandatory):
        yield "mandatory", f"{answer.mandatory.kind} {answer.mandatory.mode}".strip()
    if isinstance(answer.clock, Clock):
        yield "clock", "synchronised" if answer.clock.synchronised else "free"
    if isinstance(answer.detection, Detection):
        yield (
            "detection",
            f"there {answer.detection.baseline} {answer.detection.audit}" if answer.detection.there else "none",
        )
