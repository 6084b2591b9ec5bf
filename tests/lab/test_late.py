"""A controller that is slower than the window: nothing that would lock it out takes effect when nobody is there any more to take it back."""

from __future__ import annotations

import pytest

from .lab import Lab
from .plays import play

pytestmark = pytest.mark.timeout(180)

WINDOW = 1
"""Seconds: over before the tasks between arming and taking effect are done, on a slow link."""


def test_sshd_reads_nothing_after_the_window(lab: Lab) -> None:
    before = lab.run("node1", ["sh", "-c", "sshd -T; cat /etc/ssh/sshd_config; ls /etc/ssh/sshd_config.d"]).stdout
    # Each module of a task is some 100 kB: a second, on this link.
    lab.slow("1mbit")
    try:
        late = play(
            lab,
            "ssh",
            hosts="node1",
            well=False,
            gridtui_window=WINDOW,
            ansible_ssh_timeout=5,
            ssh_settings={"AllowUsers": "nobody-at-all"},
        )
        lab.slow(None)
        assert late.failed["node1"] == 1 and "was over: not done" in late.said, late.said
        assert lab.ssh("node1", "id -un").strip() == "root"
        after = lab.run("node1", ["sh", "-c", "sshd -T; cat /etc/ssh/sshd_config; ls /etc/ssh/sshd_config.d"]).stdout
        assert after == before
    finally:
        lab.slow(None)
        play(lab, "ssh", hosts="node1", gridtui_undo=True)
