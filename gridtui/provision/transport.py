"""paramiko's transport, asking for the authentication service once and waiting for no answer for ever. Owns these two corrections.

RFC 4252 wants one SSH_MSG_SERVICE_REQUEST a connection; paramiko's older class sends one for each try, which strict servers take for an
attack, and its newer one waits without end, and may miss an answer that comes at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko import Message, auth_handler, common, transport

_Base: Any = transport.ServiceRequestingTransport  # newer than the stubs
_Handler: Any = auth_handler.AuthOnlyHandler

_LOOK = 0.005


class _Asking(_Handler):  # type: ignore[misc]
    """The client's half of authentication."""

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[Message], None] | None = None
    ) -> Any:
        """One try, to its answer. The event is there before the answer can be."""
        self.auth_method, self.username = method, username
        message = Message()
        message.add_byte(common.cMSG_USERAUTH_REQUEST)
        for text in (username, "ssh-connection", method):
            message.add_string(text)
        if finish_message:
            finish_message(message)
        self.auth_event = event = threading.Event()
        with self.transport.lock:
            self.transport._send_message(message)
        return self.wait_for_response(event)


class Transport(_Base):  # type: ignore[misc]
    """A client's transport. `auth_timeout` bounds the wait for the service, too."""

    def get_auth_handler(self) -> Any:
        return _Asking(self)

    def ensure_session(self) -> None:
        """Ask for the authentication service, once. Raises SSHException, EOFError, TimeoutError."""
        if self._service_userauth_accepted:
            return
        if not self.active or not self.initial_kex_done:
            raise paramiko.SSHException("there is no session to authenticate")
        self.auth_handler = self.get_auth_handler()  # a banner may come before the service is granted
        message = Message()
        message.add_byte(common.cMSG_SERVICE_REQUEST)
        message.add_string("ssh-userauth")
        self._send_message(message)
        until = time.monotonic() + self.auth_timeout
        while not self._service_userauth_accepted:
            if not self.is_active():
                raise self.get_exception() or EOFError()
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(_LOOK)
