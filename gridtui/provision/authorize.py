"""The controller's key in a login's authorized_keys, idempotently: what is there stays. Owns that one change, over a contact."""

from __future__ import annotations

from ..errors import Evidence, ShellError, UsageError
from ..model import clean
from ..ssh import quote
from . import bare
from .connection import Contact
from .key import Key


def authorize(contact: Contact, key: Key | None = None) -> bool:
    """Let `key` (the controller's own, unless another is given) log in as the contact's user. Whether it was added.

    Makes ~/.ssh and authorized_keys with the modes that sshd wants, and takes the right to write them from others. Raises UsageError
    when there is no key, ShellError when it could not be written, ConnectionLost.
    """
    key = key or contact.key
    if key is None:
        raise UsageError("there is no key to put there", hint="make one with `ssh-keygen -t ed25519`")
    done = contact.run(
        f"exec /bin/sh -c {quote(bare.AUTHORIZE)}", input=key.public.encode() + b"\n", timeout=30.0, limit=65536
    )
    if done.exit_status:
        why = bare.last_line(done.stderr) or f"exit status {done.exit_status}"
        raise ShellError(
            f"{contact.where}: the key could not be put into ~/.ssh/authorized_keys: {why}",
            evidence=Evidence(exit_status=done.exit_status, stderr=clean(done.stderr[-2000:])),
        )
    return done.stdout.strip().endswith(b"added")
