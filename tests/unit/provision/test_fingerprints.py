"""Lists of known host keys: every form that people have them in, and errors that say where."""

from __future__ import annotations

import pytest

from gridtui.errors import UsageError
from gridtui.provision.connection import Shown
from gridtui.provision.fingerprints import parse, right_for

PRINT = "SHA256:SoGYnXS/La7qfyqc/LxEl2CFheMgAo96Vr/+UhG17fU"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKmbZ6U2DUJRD0sqe0Mz4ZXL65DBZ6erYz6ApmcRYlIk"


@pytest.mark.parametrize(
    "line",
    [
        f"new1 {PRINT}",
        f"NEW1   {PRINT}  # from the console",
        f"new1 256 {PRINT} root@new1 (ED25519)",
        f"new1 {KEY}",
        f"new1 {KEY} root@new1",
        f"198.51.100.7 {PRINT}",
        f"[198.51.100.7]:2222 {KEY}",
        f"other,new1 {PRINT}",
    ],
)
def test_forms(line: str) -> None:
    shown = Shown("new1", "root@198.51.100.7:2222", "[198.51.100.7]:2222", "ED25519", PRINT, KEY)
    assert right_for(shown, parse(f"# list\n\n{line}\n", "list"), "198.51.100.7") == {PRINT}


def test_a_node_may_have_many_lines_and_others_have_none() -> None:
    other = PRINT[:-1] + "V"
    found = parse(f"new1 {PRINT}\nnew1 {other}\n", "list")
    assert found["new1"] == {PRINT, other}
    shown = Shown("new2", "new2", "new2", "RSA", PRINT, KEY)
    assert right_for(shown, found, "new2") == frozenset()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("new1\n", "list:1:5:"),
        ("# x\n\n  new1 MD5:aa:bb\n", "list:3:7:"),
        ("new1 SHA256:short\n", "list:1:5:"),
        ("new1 ssh-ed25519 not*base64\n", "list:1:18:"),
    ],
)
def test_errors_say_where(text: str, where: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, "list")
    assert str(error.value).startswith(where)
