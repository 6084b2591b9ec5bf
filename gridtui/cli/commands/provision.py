"""`gridtui provision`: bare machines become grid nodes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, as_json, run, selecting, verb
from ..passphrases import asking as passphrases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...fleet import Fleet
    from ...provision import Password, Plan, Shown

_LONGEST = 1024
"""Bytes of a password that is read from a file descriptor."""


@verb("provision", short_help="Bare machines become grid nodes.")
@selecting
@click.option("-k", "--ask-password", is_flag=True, help="Ask for the password of the first login, once for all nodes.")
@click.option(
    "--password-fd", type=click.IntRange(0), metavar="N", help="Read that password from file descriptor N, one line."
)
@click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for sudo's or su's password, where it is another one.")
@click.option("--become-password-fd", type=click.IntRange(0), metavar="N", help="Read that one from file descriptor N.")
@click.option(
    "--become-method",
    type=click.Choice(("auto", "sudo", "su")),
    default="auto",
    show_default=True,
    help="How a login that is not root becomes root; auto: sudo where it is installed.",
)
@click.option("-u", "--user", metavar="U", help="Who logs in first: root, or an administrator of the new machine.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="The key to install and to use.")
@click.option(
    "--host-keys",
    type=click.Choice(("strict", "accept-new")),
    help="`accept-new`: pin the keys of nodes that were never seen, without asking.",
)
@click.option(
    "--fingerprints",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Host keys that are known to be right: `NODE SHA256:...`, one a line.",
)
@click.option(
    "--profile", type=click.Path(path_type=Path), metavar="FILE", help="Which playbooks and variables a group gets."
)
@click.option(
    "--fanout", type=click.IntRange(1, 256), metavar="N", help="Nodes at once before the playbooks.  [default: 16]"
)
@click.option("--again", is_flag=True, help="Run the playbooks anew, also where they went through before.")
@click.option("--dry-run", is_flag=True, help="Change nothing: say what would be done on each node.")
@click.option("--yes", is_flag=True, help="Do not ask, however many nodes.")
@as_json
def command(context: Context, where: str, leave: str, as_json: bool, yes: bool, **values: Any) -> int:
    """Make grid nodes of bare machines: first contact, the key, Python, the grid user, then the playbooks of their profile, then a check.

    What is done already is not done again: after a failure, or when it was stopped, the same command goes on from there.

    Exits with 0 when all are ready, 1 when it failed somewhere, 2 wrong usage, 3 nothing selected, 4 a node could not be reached, 130 interrupted.
    """
    from dataclasses import replace

    settings_host_keys = values["host_keys"]
    fleet = context.fleet(ask=passphrases())
    if settings_host_keys:
        ssh = replace(fleet.settings.ssh, host_keys=settings_host_keys)
        fleet.settings = replace(fleet.settings, ssh=ssh)
    if not values["dry_run"]:
        fleet.allow_changes()
    return run(_provision(fleet, where, leave, as_json, yes, context.verbosity, values))


async def _provision(
    fleet: Fleet, where: str, leave: str, as_json: bool, yes: bool, verbosity: int, values: dict[str, Any]
) -> int:
    from ... import provision
    from .. import asking, provisions

    names = await fleet.choose(where, leave)
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    terminal = asking.terminal()
    dry = values["dry_run"]
    many = len(names) > fleet.settings.guard.confirm_above and not dry
    if many and not yes and terminal and not asking.confirm(f"Provision {len(names)} nodes ({fleet.fold(names)})?"):
        output.note("nothing was done")
        return exits.INTERRUPTED
    plan = await _plan(values, terminal)

    board = provisions.Board(names)
    stop = provision.Stop()

    async def vouch(shown: Sequence[Shown]) -> bool:
        board.clear()
        provisions.host_keys(shown)
        return asking.confirm(
            f"Are these the right keys, all {len(shown)} of them?" if len(shown) > 1 else "Is this the right key?"
        )

    asked = Interrupts(stop, "the step that goes on is the last one", board.clear)
    began, start = time.time(), time.monotonic()
    try:
        outcomes = await fleet.provision(
            plan,
            names=names,
            told=board.told,
            ended=board.ended,
            vouch=vouch if terminal else None,
            stop=stop,
        )
    finally:
        board.clear()
    seconds = time.monotonic() - start
    if as_json:
        provisions.document(outcomes, began, seconds, dry_run=dry)
    elif dry:
        provisions.planned(outcomes)
    key = str(values["key"].expanduser().absolute()).removesuffix(".pub") if values["key"] else ""
    provisions.summary(outcomes, fleet.nodes, key, seconds, fleet.fold, verbosity)
    if stop.count:
        return asked.status
    results = outcomes.values()
    if any(one.status is provision.Ending.UNREACHABLE for one in results):
        return exits.UNREACHABLE
    return exits.OK if all(one.ok for one in results) else exits.FAILED


async def _plan(values: dict[str, Any], terminal: bool) -> Plan:
    """The plan, with the passwords asked for now: nobody should have to wait for a question."""
    from ... import provision

    password = await _secret("password of the first login", values["ask_password"], values["password_fd"], terminal)
    become = await _secret("sudo's or su's password", values["ask_become_pass"], values["become_password_fd"], terminal)
    return provision.Plan(
        user=values["user"],
        key=values["key"],
        password=password or provision.Password(),
        become=become,
        become_method=values["become_method"],
        fingerprints=values["fingerprints"],
        profile=values["profile"],
        dry_run=values["dry_run"],
        again=values["again"],
        fanout=values["fanout"] or provision.FANOUT,
    )


async def _secret(what: str, ask: bool, descriptor: int | None, terminal: bool) -> Password | None:
    """A password from the terminal or a file descriptor; None where none was asked for. Raises UsageError."""
    from ...provision import Password
    from .. import asking

    if descriptor is not None:
        text = _read(descriptor)
    elif not ask:
        return None
    elif not terminal:
        raise UsageError(f"there is no terminal to ask for the {what} on", hint="scripts give it with --password-fd")
    else:
        text = await asking.secret(f"{what}, for all nodes") or ""
    if not text:
        raise UsageError(f"the {what} is empty")
    return Password(text, f"the {what}")


def _read(descriptor: int) -> str:
    try:
        data = b""
        while b"\n" not in data and len(data) <= _LONGEST and (piece := os.read(descriptor, _LONGEST)):
            data += piece
        os.close(descriptor)  # what is started later must not inherit it
    except OSError as error:
        raise UsageError(f"file descriptor {descriptor} cannot be read: {(error.strerror or '').lower()}") from None
    return data.partition(b"\n")[0].decode("utf-8", "surrogateescape").rstrip("\r")
