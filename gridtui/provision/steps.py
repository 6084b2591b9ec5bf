"""The steps of a bare node up to its first playbook, as data: each looks whether it is done, does it if not, and says which. Blocking.

A step is a function of a `Visit`, which is one node's errand and lives in one thread. It gives `Done`, or raises a GridtuiError; the table
`STEPS` is their order. Knows no other node.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..errors import Evidence, LoginError, ShellError, UsageError
from ..model import Node, clean
from ..settings import Ssh
from ..ssh import quote
from ..ssh.connection import Completed
from . import bare
from .authorize import authorize
from .contact import Contact, Jumps, connect
from .interview import EXPIRED
from .key import Key
from .model import CONTACT, KEY, PYTHON, ROOT, Plan
from .password import Password
from .root import Root, RootError

INSTALL = 900.0
"""Seconds for a package manager: a slow mirror, and another one's lock."""


class StepError(ShellError):
    """A step did not come through on a node that was reached."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a step ended. `text` is one line."""

    changed: bool = False
    text: str = ""


@dataclass(slots=True)
class Visit:
    """One node's errand: what is wanted, and what was found so far. Closed by `close`."""

    node: Node
    """With the user who logs in."""
    key: Key
    plan: Plan
    settings: Ssh
    jumps: Jumps
    say: Callable[[str], None] = lambda text: None
    """Told what a long step does meanwhile."""
    method: str = ""
    """How the login became root the last time."""
    contact: Contact | None = None
    root: Root | None = None
    found: bare.Found = field(default_factory=bare.Found)

    def again(self) -> Contact:
        """The contact; a new one, with the key, where it was lost. Raises SshError."""
        if self.contact is None or not self.contact.is_open:
            if self.contact:
                self.contact.close()
            self.contact = connect(self.node, key=self.key, settings=self.settings, jumps=self.jumps)
            if self.root:
                self.root.contact = self.contact
        return self.contact

    def close(self) -> None:
        """End the contact, and with it the lock on the node."""
        if self.contact:
            self.contact.close()


def contact(visit: Visit) -> Done:
    """Log in and look around."""
    made = visit.contact = connect(
        visit.node, password=visit.plan.password, key=visit.key, settings=visit.settings, jumps=visit.jumps
    )
    done = made.run(bare.LOOK_COMMAND, timeout=30.0, limit=65536)
    visit.found = bare.read(done.stdout)
    if visit.found.uid < 0:
        said = bare.last_line(done.stderr) or bare.last_line(done.stdout) or "it says nothing"
        if EXPIRED.search(clean(done.stderr, 2000)):
            raise LoginError(
                f"{made.where}: the password has expired",
                hint="log in once by hand and change it",
                evidence=_evidence(done),
            )
        raise StepError(f"{made.where}: the login has no usable shell: {said}", evidence=_evidence(done))
    how = f"as {visit.found.user or made.user} with the {made.way}" if made.way != "none" else "without any proof"
    return Done(text=f"{how}; pinned {made.pinned}" if made.pinned else how)


def key(visit: Visit) -> Done:
    """Put the controller's key there, and prove that it opens."""
    assert visit.contact
    if visit.contact.way == "key":
        return Done(text="it opened the door")
    if visit.plan.dry_run:
        return Done(True, f"would let {visit.key.fingerprint} in")
    if not visit.key.opens():
        raise UsageError(
            "the key is encrypted, and no agent holds it: nothing could log in with it",
            hint=f"ssh-add {visit.key.file or ''}".strip(),
        )
    try:
        added = authorize(visit.contact, visit.key)
    except ShellError as error:
        raise StepError(error.message, hint=error.hint, evidence=error.evidence) from None
    try:
        with connect(visit.node, password=Password(), key=visit.key, settings=visit.settings, jumps=visit.jumps):
            pass
    except LoginError as error:
        raise LoginError(
            f"{visit.contact.where}: the key is in ~/.ssh/authorized_keys and does not open: {error.message}",
            hint="sshd's AuthorizedKeysFile, StrictModes (who may write the home folder) or AllowUsers",
        ) from None
    return Done(added, f"{visit.key.fingerprint} may log in")


def root(visit: Visit) -> Done:
    """Find the way to root, see that the system can be written, and hold the node's lock."""
    assert visit.contact
    has, wanted = visit.found.has, visit.plan.become_method
    method = ""
    if visit.found.uid != 0:
        # the playbooks install sudo, which does not make a sudoer of whoever came through su
        usual = "su" if visit.method == "su" or "sudo" not in has else "sudo"
        method = usual if wanted == "auto" else wanted
        if method not in has:
            raise RootError(
                f"{visit.contact.where}: {method} is not installed there, so {visit.found.user} cannot become root",
                hint="--user root, or --become-method su with root's password",
            )
    secret = visit.plan.become or visit.plan.password
    if method == "su" and visit.plan.become is None:
        secret = Password(what="root's password")
    visit.root = Root(visit.contact, method, secret)
    if not visit.plan.dry_run:
        who = f"{getpass.getuser()} at {platform.node()}, process {os.getpid()}"
        visit.root.lock(bare.HOLD.replace("WHO", quote(clean(who, 150))))
    done = visit.root.run(bare.WRITABLE, timeout=30.0, limit=65536)
    _check(done, visit, "its system cannot be changed")
    return Done(text=f"through {method}" if method else "logged in as root")


def python(visit: Visit) -> Done:
    """Install Python where Ansible would find none: with the system's own package manager, without Ansible."""
    assert visit.contact
    assert visit.root
    if visit.found.usable_python:
        return Done(text=_version(visit.found))
    if visit.plan.dry_run:
        return Done(True, "would install python3")
    visit.say("installing python3")
    done = visit.root.run(bare.PYTHON, timeout=INSTALL, limit=1 << 18)
    _check(done, visit, "python3 could not be installed")
    visit.found = bare.read(visit.contact.run(bare.LOOK_COMMAND, timeout=30.0, limit=65536).stdout)
    if not visit.found.usable_python:
        least = ".".join(map(str, bare.LEAST_PYTHON))
        raise StepError(f"{visit.contact.where}: {_version(visit.found)}, and Ansible needs {least} or newer there")
    return Done(True, _version(visit.found))


STEPS: tuple[tuple[str, Callable[[Visit], Done]], ...] = (
    (CONTACT, contact),
    (KEY, key),
    (ROOT, root),
    (PYTHON, python),
)


def logging_in_as(node: Node, user: str | None) -> Node:
    """The node with the user who logs in first."""
    return replace(node, user=user) if user else node


def _version(found: bare.Found) -> str:
    return f"python {found.python[0]}.{found.python[1]}" if found.python else "no python3"


def _check(done: Completed, visit: Visit, what: str) -> None:
    if done.exit_status == 0:
        return
    assert visit.contact
    why = bare.last_line(done.stderr) or bare.last_line(done.stdout) or f"exit status {done.exit_status}"
    raise StepError(f"{visit.contact.where}: {what}: {why}", evidence=_evidence(done))


def _evidence(done: Completed) -> Evidence:
    return Evidence(exit_status=done.exit_status, stderr=clean(done.stderr[-2000:]))
