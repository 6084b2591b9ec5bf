"""Two answers side by side: what is new, what is mended, and what is neither."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gridtui import posture
from gridtui.model import Unsupported
from gridtui.posture import Answer, Port
from gridtui.posture.answer import NEEDS_ROOT, Detection, Firewall, Reboot, Sshd, Updates

from .test_findings import GOOD, SSH_PORT, SSHD, SYSCTLS, WEB, sshd


def drift(before: Answer, after: Answer, *accepted: str) -> posture.Drift:
    return posture.drift("n", before, after, accepted)


def test_nothing_changed() -> None:
    found = drift(GOOD, replace(GOOD, time=2000.0))
    assert not found and found.worse == () and found.before == 1000.0


def test_a_port_that_was_opened_and_closed() -> None:
    after = replace(GOOD, ports=(SSH_PORT, WEB), firewall=Firewall(False, False))
    found = drift(replace(GOOD, firewall=Firewall(False, False)), after)
    assert found.opened == (WEB,)
    assert [finding.id for finding in found.appeared] == ["ports-unfiltered", "services-exposed"]
    assert found.worse == (
        "services besides SSH are open to the network, and no firewall is there",
        "a service that the network reaches may do everything",
        "tcp *:80 (nginx) opened",
    )
    back = drift(after, replace(GOOD, firewall=Firewall(False, False)))
    assert back.closed == (WEB,) and [finding.id for finding in back.mended] == ["ports-unfiltered", "services-exposed"]
    assert back.worse == () and back


@pytest.mark.parametrize(
    "port",
    [Port("udp", "0.0.0.0", 41641, True), Port("udp", "::", 60000, True)],
)
def test_ports_of_clients_are_no_drift(port: Port) -> None:
    assert not drift(GOOD, replace(GOOD, ports=(SSH_PORT, port)))


def test_a_loopback_port_is_told_and_is_not_worse() -> None:
    found = drift(GOOD, replace(GOOD, ports=(SSH_PORT, Port("tcp", "127.0.0.1", 8005, False))))
    assert found.opened and found.worse == ()


def test_the_name_of_a_program_that_root_alone_sees_is_no_drift() -> None:
    assert not drift(replace(GOOD, ports=(replace(SSH_PORT, process="", unit=""),)), GOOD)


def test_a_setting_that_was_changed() -> None:
    found = drift(
        GOOD, replace(GOOD, sshd=sshd(x11forwarding="yes"), sysctls={**SYSCTLS, "kernel.dmesg_restrict": "0"})
    )
    assert [str(change) for change in found.changed] == [
        "sshd.x11forwarding: no → yes",
        "sysctl.kernel.dmesg_restrict: 1 → 0",
    ]
    assert {finding.id for finding in found.appeared} == {"ssh-x11", "kernel-leaks"}


def test_a_firewall_that_went() -> None:
    found = drift(GOOD, replace(GOOD, firewall=Firewall(False, False)))
    assert [str(change) for change in found.changed] == ["firewall: nft inet gridtui → nothing"]
    assert found.worse == ("no firewall drops what is not let in",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (replace(GOOD, firewall=Unsupported(NEEDS_ROOT)), replace(GOOD, firewall=Firewall(False, False))),
        (GOOD, replace(GOOD, firewall=Unsupported(NEEDS_ROOT))),
        (replace(GOOD, firewall=Firewall(False, False)), replace(GOOD, firewall=Unsupported(NEEDS_ROOT))),
        (GOOD, replace(GOOD, ports=Unsupported("gone"))),
        (replace(GOOD, ports=Unsupported("gone")), GOOD),
        (GOOD, replace(GOOD, sshd=Sshd({"port": "22"}, False))),
        (replace(GOOD, sshd=Sshd({"port": "22"}, False)), replace(GOOD, sshd=Sshd({**SSHD, "x11forwarding": "yes"}, True))),
    ],
)  # fmt: skip
def test_what_was_or_is_unknown_is_no_drift(before: Answer, after: Answer) -> None:
    assert not drift(before, after)


def test_what_comes_with_time_is_told_and_is_not_worse() -> None:
    after = replace(GOOD, updates=Updates("apt", ("openssl",), 0, 9 * 86400.0), reboot=Reboot(True, "asked for"))
    found = drift(GOOD, after)
    assert {finding.id for finding in found.appeared} == {"updates-security", "updates-lists", "reboot-due"}
    assert found.worse == ()


def test_what_is_accepted_is_not_worse() -> None:
    assert drift(GOOD, replace(GOOD, sshd=sshd(x11forwarding="yes")), "ssh-x11").worse == ()


def test_detection_that_went() -> None:
    found = drift(GOOD, replace(GOOD, detection=Detection(False)))
    assert [str(change) for change in found.changed] == ["detection: there ok running → none"]
