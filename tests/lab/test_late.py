"""A controller that is slower than the window: nothing that would lock it out takes effect when nobody is there any more to take it back."""

from __future__ import annotations

import pytest

from .lab import Lab
from .plays import play

pytestmark = pytest.mark.timeout(180)

WINDOW = 1
"""Seconds: over before the tasks between arming and taking effect are done."""


def test_sshd_reads_nothing_after_the_window(lab: Lab) -> None:
    before = lab.run("node1", ["sh", "-c", "sshd -T; cat /etc/ssh/sshd_config; ls /etc/ssh/sshd_config.d"]).stdout
    late = play(
        lab,
        "ssh",
        hosts="node1",
        well=False,
        gridtui_window=WINDOW,
        ansible_ssh_timeout=5,
        ssh_settings={"AllowUsers": "nobody-at-all"},
    )
    try:
        assert late.failed["node1"] == 1 and "was over: not done" in late.said, late.said
        assert lab.ssh("node1", "id -un").strip() == "root"
        after = lab.run("node1", ["sh", "-c", "sshd -T; cat /etc/ssh/sshd_config; ls /etc/ssh/sshd_config.d"]).stdout
        assert after == before
    finally:
        play(lab, "ssh", hosts="node1", gridtui_undo=True)
