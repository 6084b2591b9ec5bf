"""What su says before a command begins: hostile words of a node that was never seen before."""

from __future__ import annotations

import time

from gridtui.exec.sudo import Stage
from gridtui.provision.root import SuTalk


def test_su_that_talks_without_end_costs_neither_memory_nor_time() -> None:
    talk = SuTalk()
    began = time.process_time()
    for _ in range(4000):
        assert talk.feed(b"x" * 8192) == b""
    assert time.process_time() - began < 4
    assert len(talk.said) <= 1 << 16
    assert talk.stage is Stage.WAITING


def test_su_is_understood_in_any_pieces() -> None:
    talk = SuTalk()
    mark = talk.command("id").partition("printf %s ")[2].split()[0]
    for byte in b"a word of the day\nPassword: ":
        assert talk.feed(bytes([byte])) == b""
    assert talk.stage.name == "ASKED"
    talk.stage = Stage.ANSWERED
    rest = b"".join(talk.feed(bytes([byte])) for byte in f"\n{mark}the command's".encode())
    assert (talk.stage, rest) == (Stage.STARTED, b"the command's")
