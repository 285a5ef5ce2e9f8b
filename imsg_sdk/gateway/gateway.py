"""The gateway as people use it: settings, handlers, start and stop, and what can be seen of it.

A thin handle.  What runs holds no reference to it, so that one that nobody holds any more is stopped.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import weakref
from concurrent.futures import CancelledError
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from imsg_sdk._time import Clock, SystemClock
from imsg_sdk.config import Config
from imsg_sdk.errors import ConfigError, GatewayAlreadyRunning, GatewayError, HandlerError, UsageError
from imsg_sdk.gateway.facts import gather_facts
from imsg_sdk.gateway.handlers import HandlerFunction, Handlers, check_signature, name_of
from imsg_sdk.gateway.inbound import MessageLike, read_message
from imsg_sdk.gateway.live.loop import Conduct
from imsg_sdk.gateway.live.ports import Program
from imsg_sdk.gateway.live.runner import Place, Runner
from imsg_sdk.gateway.live.status import GatewayState, GatewayStatus, Tally
from imsg_sdk.gateway.live.thread import LoopThread, check_no_loop, start_beside, stop_forgotten, wait_for
from imsg_sdk.gateway.live.wiring import check_use, not_done, program_over, read_settings, record_of, remove_folder
from imsg_sdk.gateway.policy import Explanation, Policy, explain
from imsg_sdk.gateway.rehearsal import ConfigLike
from imsg_sdk.gateway.state import PairingStore, StateReader, state_folder

if TYPE_CHECKING:
    import pandas as pd

    from imsg_sdk.arguments import TimeLike
    from imsg_sdk.client.base import BaseClient
    from imsg_sdk.gateway.dashboard import Dashboard

__all__ = ["Gateway"]

_STOP_S: Final = 10.0
_SLICE_S: Final = 0.2


class Gateway:
    """Answers messages by your function, under your rules, in the background of whatever program it is made in.

    Parameters
    ----------
    config
        The settings: a file, its content, or typed; None takes the file that ``IMSG_SDK_CONFIG`` names, if any.
    client
        The client to watch and send through; it stays yours and is not closed.  None makes one from the settings.
    handler
        Gets a :class:`~imsg_sdk.gateway.Context` where no registered function takes the message, and returns or
        yields replies: a text, a path, a payload object, a list of these, or nothing.  Or :class:`Handlers`.
    mode
        ``"live"``, or ``"observe"``: decides and notes everything, sends nothing.
    run_handlers
        Let handlers run in mode observe, too; what they say is noted and not sent.
    account
        Which of ``accounts`` in the settings.
    state_dir
        Folder of journal, outbox and pairing; None takes a place of the platform, and for a sandbox one that goes
        with it.
    clock
        Where "now" comes from.
    policy
        Rules compiled elsewhere, such as with other control commands; in place of those in `config`.
    settings
        Settings by their keywords, such as ``allow_from=["+15551234567"]``; they win over `config`.

    Raises
    ------
    ConfigError
        A setting is unknown or invalid.

    Examples
    --------
    >>> gateway = Gateway({"imessage": {"allowFrom": ["+15551234567"]}})  # doctest: +SKIP
    >>> @gateway.on_message(text=r"^hi")
    ... def greet(context):
    ...     return "Hello!"
    >>> gateway.run()  # doctest: +SKIP
    """

    def __init__(
        self,
        config: ConfigLike | None = None,
        *,
        client: BaseClient | Program | None = None,
        handler: HandlerFunction | Handlers | None = None,
        mode: str = "live",
        run_handlers: bool = False,
        account: str | None = None,
        state_dir: str | os.PathLike[str] | None = None,
        clock: Clock | None = None,
        policy: Policy | None = None,
        **settings: Any,
    ) -> None:
        check_use(handler, mode, client, run_handlers=run_handlers)
        read = read_settings(config, account, settings)
        self._config = read if policy is None else msgspec.structs.replace(read, gateway=policy.config)
        self._client = client
        self._clock = clock or SystemClock()
        self._place = Place(folder=Path(), account=self._config.account)
        self._state_dir = state_dir
        self._own_folder: str | None = None
        self.handlers = handler if isinstance(handler, Handlers) else Handlers()
        self._conduct = Conduct(
            policy=policy or Policy(self._config.gateway),
            client=self._config.client,
            handlers=self.handlers,
            fallback=None if isinstance(handler, Handlers) else handler,
            is_live=mode == "live",
            runs_handlers=mode == "live" or run_handlers,
            notes=self._config.warnings,
        )
        self._tally = Tally()
        self._thread: LoopThread | None = None
        self._launching = threading.Lock()
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._dashboard: Dashboard | None = None

    def __repr__(self) -> str:
        return f"<Gateway {self._config.account}, {self.status().state}, mode {self.mode}>"

    def __reduce__(self) -> Any:
        raise TypeError("a gateway holds a thread and cannot be pickled: make one in each process")

    @property
    def mode(self) -> str:
        """Return ``live`` or ``observe``."""
        return "live" if self._conduct.is_live else "observe"

    @property
    def config(self) -> Config:
        """Return the settings in force."""
        return self._config

    @property
    def policy(self) -> Policy:
        """Return the rules in force, compiled."""
        return self._conduct.policy

    # Handlers.

    def on_message(self, function: Any = None, **filters: Any) -> Any:
        """Register a function for the messages that every given filter admits; use it as a decorator.

        The first that was registered and whose filters hold gets the message.  Running a notebook cell again
        replaces its function, while the gateway runs.

        Parameters
        ----------
        function
            ``def`` or ``async def``, or a generator of either kind, when used without arguments.
        filters
            ``is_group``, ``chat_id``, ``sender``, ``text``, ``where``, ``name``; see :meth:`Handlers.message`.
        """
        return self.handlers.message(function, **filters)

    def on_reaction(self, function: HandlerFunction) -> HandlerFunction:
        """Register a function that is told of tapbacks; what it returns is not sent.

        It needs ``reaction_notifications`` to be ``"own"`` (on messages of this gateway) or ``"all"``.
        """
        check_signature(function, "context")
        self._conduct.reaction_handlers[name_of(function)] = function
        return function

    def middleware(self, function: Any) -> Any:
        """Register a function that is called around every handler: ``function(context, call_next)``."""
        return self.handlers.middleware(function)

    # Life.

    def start(self) -> None:
        """Begin to watch and answer, in the background; return when nothing that comes from now on is missed.

        Calling it again does nothing.  In a notebook or at a prompt, a gateway that is made again takes the place of
        the one before, which is stopped.

        Raises
        ------
        GatewayAlreadyRunning
            Another gateway runs on this state, or on this Messages database.
        JournalError
            The state cannot be read or written, or belongs to another database.
        TransportError, RequestError
            The program cannot be used.
        """
        if self._thread is not None:
            self._thread.check()
            if self._thread.runner.is_stopping and not self._thread.is_current:
                self._thread.wait(_STOP_S)  # a handler has stopped it a moment ago
        if self._is_over():
            with self._launching:  # of several threads that ask, one does it
                if self._is_over():
                    self._launch()

    def _is_over(self) -> bool:
        return self._thread is None or self._thread.is_over

    def _launch(self) -> None:
        try:
            self._start()
        except GatewayAlreadyRunning:
            if self._thread is None or not stop_forgotten(self._thread, _STOP_S):
                raise
            self._start()

    def _start(self) -> None:
        if not self._config.gateway.enabled:
            raise ConfigError("the gateway is switched off", path="imessage.enabled", hint="leave imessage.enabled out")
        self._place = msgspec.structs.replace(self._place, folder=self._folder())
        program = program_over(self._client, self._config, is_live=self._conduct.is_live)
        runner = Runner(self._conduct, self._place, program, self._clock, self._tally)
        thread = self._thread = LoopThread(runner, program.close)
        # Also at the end of the interpreter, where it is bounded.
        self._finalizer = weakref.finalize(self, thread.stop, _STOP_S / 2)
        try:
            while not thread.ready.done():
                thread.wait_ready(_SLICE_S)
            thread.ready.result()
        except BaseException:
            self.stop()
            raise

    def run(self) -> None:
        """Start, and block until :meth:`stop` is called elsewhere or this is interrupted; then stop.

        An async program uses :meth:`serve` instead; here it is told so by a ``UsageError``.
        """
        check_no_loop()
        try:
            self.start()
            assert self._thread is not None
            self._thread.wait(None)
            self._thread.over.result()
        finally:
            self.stop()

    async def serve(self) -> None:
        """Start, and wait until stopped; for a task of an async program.  Cancelling it stops the gateway."""
        try:
            await start_beside(self.start, self.stop)
            thread = self._running()
            while not thread.is_over:
                await asyncio.sleep(_SLICE_S)
            thread.over.result()
        finally:
            await asyncio.shield(asyncio.to_thread(self.stop))

    def stop(self, timeout_s: float = _STOP_S) -> None:
        """Stop; handlers that run get half of the time to end, what waits is handled after the next start.

        Raises
        ------
        GatewayError
            It did not stop in time.
        """
        if self._thread is None:
            return
        if not self._thread.stop(timeout_s):
            raise GatewayError(
                f"the gateway did not stop within {timeout_s:g} s",
                hint="an async def handler blocks its loop: use def for what blocks",
            )
        if self._finalizer is not None and self._thread.is_over:  # not when a handler asked
            self._finalizer.detach()
        if self._dashboard is not None:
            self._dashboard.update()  # at once, since this gateway may be let go of before its next look

    def drain(self, timeout_s: float = 30.0, *, through: object = None) -> None:
        """Wait until everything that has arrived is handled and answered.

        Parameters
        ----------
        timeout_s
            Longest wait.
        through
            A row that must have arrived first: its number, or a record of it.

        Raises
        ------
        GatewayError
            It was not done in time, or the gateway does not run, or stopped meanwhile.
        """
        thread = self._running()
        if thread.is_current:
            raise UsageError("a handler cannot wait for itself", hint="drain from outside of the gateway")
        future = thread.submit(thread.runner.drain(through))
        if future is None:
            raise GatewayError("the gateway has stopped", hint="start it, and drain it then")
        try:
            wait_for(future, timeout_s)
        except CancelledError:
            thread.over.exception(timeout_s)
            thread.over.result()
            raise GatewayError("the gateway was stopped meanwhile", hint="start it, and drain it then") from None
        except TimeoutError:
            future.cancel()
            raise not_done(timeout_s, thread.runner.awaited) from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await start_beside(self.start, self.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(asyncio.to_thread(self.stop))

    # What can be seen.

    def status(self) -> GatewayStatus:
        """Return what the gateway is doing, without waiting; from any thread."""
        if self._thread is None:
            state, warnings = GatewayState.STOPPED, self._conduct.warnings
            return GatewayStatus(state=state, mode=self.mode, account=self._config.account, warnings=warnings)
        return self._thread.runner.status()

    @property
    def errors(self) -> tuple[HandlerError, ...]:
        """Return what handlers raised lately, the last one last; ``raise gateway.errors[-1]`` shows where."""
        return tuple(self._tally.errors.copy())

    def decisions(self, *, since: TimeLike | None = None, limit: int | None = None) -> pd.DataFrame:
        """Return every message that arrived and what became of it.

        Parameters
        ----------
        since
            Only what arrived at that time or later; an aware datetime, ISO 8601 text, or an age such as ``"2h"``.
        limit
            Only so many, the latest.

        Returns
        -------
        pandas.DataFrame
            One row per inbound row, oldest first, with the columns of :data:`imsg_sdk.columns.DECISIONS`.
        """
        from imsg_sdk.gateway.state.frames import decisions_frame

        return decisions_frame(self._reader(), since=since, limit=limit, now=self._clock.now())

    def outbox(self, *, since: TimeLike | None = None, limit: int | None = None) -> pd.DataFrame:
        """Return every chunk that was to be sent and what became of it.

        Parameters
        ----------
        since
            Only what was planned at that time or later, as for :meth:`decisions`.
        limit
            Only so many, the latest.

        Returns
        -------
        pandas.DataFrame
            One row per chunk, oldest first, with the columns of :data:`imsg_sdk.columns.OUTBOX`.
        """
        from imsg_sdk.gateway.state.frames import outbox_frame

        return outbox_frame(self._reader(), since=since, limit=limit, now=self._clock.now())

    def pairing(self) -> pd.DataFrame:
        """Return who waits for approval, and who has it.

        Returns
        -------
        pandas.DataFrame
            One row per person, with the columns of :data:`imsg_sdk.columns.PAIRING`.
        """
        from imsg_sdk.gateway.state.frames import pairing_frame

        return pairing_frame(self._reader(), self._clock.now())

    def approve(self, code: str) -> str:
        """Let in the person who was told a pairing code; return their handle.

        It holds from their next message on, also while the gateway runs.

        Parameters
        ----------
        code
            The code, in any case.

        Raises
        ------
        GatewayError
            Nobody waits with this code.
        """
        with self._pairing_store() as store:
            request = store.approve(code)
        if request is None:
            raise GatewayError("nobody waits with this code", hint="it lives for an hour: pairing() shows who waits")
        return request.handle

    def revoke(self, handle: str) -> bool:
        """Take the approval of a person back; tell whether there was one.

        Parameters
        ----------
        handle
            Their number or address, in any spelling.
        """
        with self._pairing_store() as store:
            return store.revoke(handle)

    def erase(self, handle: str) -> int:
        """Remove everything a person wrote, and their handle, from what is kept; return from how many places.

        What they wrote and was not handled yet will not be, and nothing more is sent to them because of it.

        Parameters
        ----------
        handle
            Their number or address, in any spelling.
        """
        from imsg_sdk.gateway.state import erase_beside

        return erase_beside(self._folder(), self._config.account, handle, self._clock)

    def dashboard(self, *, interval_s: float = 0.5) -> Dashboard:
        """Show state, rates, and the last decisions and sends, and keep them up to date.

        In a notebook it is one panel in this cell; running the cell again replaces it.  Elsewhere its text is the
        state at the moment it is asked for.

        Parameters
        ----------
        interval_s
            Time between two looks, at least a tenth of a second.
        """
        from imsg_sdk.gateway.dashboard import Dashboard

        if self._dashboard is not None:
            self._dashboard.close()
        self._dashboard = Dashboard(self, interval_s=interval_s)
        return self._dashboard.show()

    def explain(self, message: MessageLike | int | pd.Series) -> Explanation:
        """Return what the rules say of a message, rule by rule, and which setting would admit it.

        Age, echoes, repeats and rates belong to the moment and are left out.

        Parameters
        ----------
        message
            A record, an object as programs send it, the row of a message that arrived, or a row of
            :meth:`decisions` or of a frame of messages.
        """
        record = read_message(self._record(message))
        return explain(record, self.policy, gather_facts(record, self.policy))

    # Inside.

    def _running(self) -> LoopThread:
        if self._thread is not None:
            self._thread.check()
            if not self._thread.is_over:
                return self._thread
            self._thread.over.result()  # what it failed with
        raise GatewayError("the gateway does not run", hint="call start() first")

    def _record(self, message: MessageLike | int | pd.Series) -> MessageLike:
        if isinstance(message, int | Integral):  # those of a frame are no int
            rows = [row for row in self._reader().decisions() if row.message_rowid == message]
            if not rows:
                raise GatewayError(f"row {message} has not arrived here", hint="explain takes any message record, too")
            return record_of(msgspec.structs.asdict(rows[-1]))
        return record_of(message.to_dict()) if hasattr(message, "to_dict") else message

    def _reader(self) -> StateReader:
        return StateReader(self._folder(), self._config.account)

    def _pairing_store(self) -> PairingStore:
        return PairingStore.open(self._folder(), account=self._config.account, clock=self._clock)

    def _folder(self) -> Path:
        from imsg_sdk.client.embedding import is_make_believe

        if self._state_dir is None and is_make_believe(self._client):
            if self._own_folder is None:
                self._own_folder = tempfile.mkdtemp(prefix="imsg-gateway-")
                # Called last: the finalizers of an object run in the opposite order, and the thread's comes later.
                weakref.finalize(self, remove_folder, self._own_folder, os.getpid())
            return state_folder(self._own_folder)
        return state_folder(self._state_dir)
