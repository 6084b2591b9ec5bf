"""Log in to a machine for the first time, with a password if need be, and put your key there. A plain script: no event loop.

python first_contact.py root@198.51.100.7
"""

import sys
from getpass import getpass

from gridtui.errors import HostKeyUnknown, SshError
from gridtui.provision import Password, authorize, connect, known, pin, show


def main(target: str) -> int:
    # Who is it? A person compares what the machine shows with what stands on its console.
    if not known(target):
        shown = show(target)
        answer = input(f"{shown.where} shows the {shown.kind} host key {shown.fingerprint}. Is that right? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise HostKeyUnknown("nobody vouched for it")
        pin(shown, target)
    # The password is asked for only if your key does not open.
    with connect(target, password=Password(lambda: getpass(f"password of {target}: "))) as node:
        added = authorize(node)
        print("your key was put there" if added else "your key is there")
        print(node.run("id -un; uname -sr").stdout.decode(), end="")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except SshError as error:
        sys.exit(f"first_contact: {error}")
