"""The client for scripts and notebooks: blocking calls, collections as DataFrames.

pandas is imported when the first frame is built.  A call blocks the thread that makes it, in a running event
loop too; nothing here nests, patches or borrows a loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from imsg_sdk.client.plan import run
from imsg_sdk.client.sync_actions import SyncActions
from imsg_sdk.client.sync_reading import SyncReading
from imsg_sdk.client.sync_watching import SyncWatching

if TYPE_CHECKING:
    from imsg_sdk.client.doctor import Probe, Report

__all__ = ["IMessageClient"]


class IMessageClient(SyncReading, SyncWatching, SyncActions):
    """Apple Messages through a child process, as DataFrames.

    The child is started by the first call that needs it.  Use the client in ``with``, or call :meth:`close`;
    a client that is forgotten, or whose process dies, takes its children with it.

    Parameters
    ----------
    config
        Settings, a path to a settings file, or its content; the keywords win over it.
    cli_path
        The program: a name on PATH, a path, or a list with arguments to go before its own.
    db_path
        The database, if not the program's own choice.
    region
        Country that phone numbers without a country code belong to.
    startup_timeout_s
        Longest wait for the child's first answer.
    read_timeout_s
        Longest wait for one answer to a reading request.
    send_timeout_s
        Longest wait for the answer to a send or an action; what is not answered then may have gone out.
    close_timeout_s
        Longest wait for the child to leave by itself, and again after it was told to.
    max_line_bytes
        Longest line taken from the child; beyond it the child is ended.

    Raises
    ------
    ConfigError
        A setting is invalid.
    UsageError
        This is Windows.

    Examples
    --------
    >>> from imsg_sdk import IMessageClient
    >>> with IMessageClient.sandbox(seed=7) as client:  # doctest: +SKIP
    ...     client.messages(limit=3)
    """

    def connect(self) -> Self:
        """Start the child now rather than at the first call; calling it again does nothing.

        Raises
        ------
        BackendNotFound
            There is no such program, or it is not ``imsg``.
        BackendExited
            It ended at once.
        StartupTimeout
            It did not answer.
        """
        run(self._core.session())
        return self

    def close(self) -> None:
        """End the children: end of input, then TERM, then KILL.  Calling it again does nothing."""
        self._close()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def probe(self) -> Probe:
        """Return what the program is and can do: version, generation, methods, database and bridge."""
        from imsg_sdk.client.doctor import probe

        return run(probe(self._core))

    def doctor(self) -> Report:
        """Check step by step what is needed, with the remedy for each step that fails; raises nothing.

        Returns
        -------
        Report
            One step each for program, genuineness, start, version, protocol, database and bridge.
        """
        from imsg_sdk.client.doctor import examine

        return run(examine(self._core))

    def call(self, method: str, params: dict[str, Any] | None = None, *, timeout_s: float | None = None) -> Any:
        """Send any request as it is and return its result as plain objects: the way round this class.

        Parameters
        ----------
        method
            Name of the method on the wire.
        params
            Its keys, unchecked.
        timeout_s
            Longest wait; ``None`` takes ``read_timeout_s``.
        """
        return run(self._core.call(method, params, timeout_s=timeout_s))
