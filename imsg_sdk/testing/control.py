"""The line to the sandbox: a child of its own that is asked nothing but ``sandbox.…``.

It is not greeted, so that no fault of the sandbox strikes the hand that holds it.
"""

from __future__ import annotations

import threading
from concurrent.futures import TimeoutError as Late
from typing import Any

from imsg_sdk.errors import BackendExited, ClientClosed, RequestTimeout
from imsg_sdk.rpc.backends import Backend
from imsg_sdk.rpc.connection import Connection
from imsg_sdk.rpc.protocol import decode_result
from imsg_sdk.rpc.transport import ProcessTransport

__all__ = ["Control"]


class Control:
    """Asks the sandbox, over a child that is started when it is needed and again where it ended.

    Parameters
    ----------
    backend
        How to start it.
    timeout_s
        Longest wait for one answer.
    """

    def __init__(self, backend: Backend, *, timeout_s: float) -> None:
        self._backend = backend
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_closed = False

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask and return the answer.

        Raises
        ------
        RemoteError
            The sandbox refuses: an option is wrong, or what it is about is not there.
        """
        connection = self._opened()
        pending = connection.request(method, params)
        try:
            return decode_result(pending.result(self._timeout_s))
        except Late:
            connection.forget(pending)
            raise RequestTimeout(
                f"the sandbox did not answer {method} within {self._timeout_s:g} s",
                hint="does a child hold the world's file, or does much happen at once? give timeout_s",
            ) from None

    def _opened(self) -> Connection:
        with self._lock:
            if self._is_closed:
                raise ClientClosed("this sandbox is closed", hint="make a new one")
            if self._connection is None or not self._connection.is_open:
                transport = ProcessTransport(
                    self._backend.argv("rpc"), env=self._backend.env, folder=self._backend.folder
                )
                self._connection = Connection(transport, name="the sandbox")
                self._connection.start()
            return self._connection

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(BackendExited("the sandbox was closed"))
