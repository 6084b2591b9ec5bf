"""Which layer a failure belongs to, from what the login and the echoes say together."""

from __future__ import annotations

import pytest

from gridtui.errors import ConnectError, LoginError, ResolveError, SshError
from gridtui.model import Layer, PingMethod
from gridtui.monitor.measured import failed_layer


def refusal() -> SshError:
    error = ConnectError("refused")
    error.__cause__ = ConnectionRefusedError()
    return error


@pytest.mark.parametrize(
    ("error", "method", "lost", "layer"),
    [
        (ConnectError("no answer"), PingMethod.ICMP, True, Layer.ICMP),
        (ConnectError("no answer"), PingMethod.RAW, True, Layer.ICMP),
        (ConnectError("no answer"), PingMethod.RAW, False, Layer.TCP),
        # Nothing is known of ICMP.
        (ConnectError("no answer"), PingMethod.TCP, True, Layer.TCP),
        (ConnectError("no answer"), PingMethod.SSH, True, Layer.TCP),
        # A firewall drops echoes, and sshd is stopped: the node is there.
        (refusal(), PingMethod.RAW, True, Layer.TCP),
        (LoginError("refused"), PingMethod.RAW, True, Layer.LOGIN),
        (ResolveError("no such host"), PingMethod.RAW, False, Layer.ICMP),
    ],
)
def test_the_first_layer_that_failed(error: SshError, method: PingMethod, lost: bool, layer: Layer) -> None:
    assert failed_layer(error, method, lost) is layer
