"""What both clients are: settings, a pool of children, and an end.

A client is a thin handle: no thread refers to it, so one that nobody holds is collected and its children end.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import msgspec

from imsg_sdk.client.core import Core
from imsg_sdk.client.pool import Limits, Pool
from imsg_sdk.client.sandboxed import PrivateSandbox
from imsg_sdk.errors import UsageError
from imsg_sdk.rpc.backends import Backend, imsg_backend, our_server, refuse_windows, ssh_backend

if TYPE_CHECKING:
    from imsg_sdk.client.composing import SendOptions
    from imsg_sdk.client.sending import Sender
    from imsg_sdk.config import ClientConfig, Config

    ConfigLike = ClientConfig | Config | Mapping[str, Any] | str | os.PathLike[str]

__all__ = ["BaseClient"]


class BaseClient:
    """Constructor, alternative constructors and end of both clients."""

    _core: Core

    def __init__(
        self,
        config: ConfigLike | None = None,
        *,
        cli_path: str | os.PathLike[str] | Sequence[str] | None = None,
        db_path: str | os.PathLike[str] | None = None,
        region: str | None = None,
        startup_timeout_s: float | None = None,
        read_timeout_s: float | None = None,
        send_timeout_s: float | None = None,
        close_timeout_s: float | None = None,
        max_line_bytes: int | None = None,
    ) -> None:
        refuse_windows()
        program = None if cli_path is None or isinstance(cli_path, str | os.PathLike) else _words(cli_path, "cli_path")
        whole = _settings(
            config,
            cli_path=None if cli_path is None or program else _path(cli_path, "cli_path"),
            db_path=None if db_path is None else _path(db_path, "db_path"),
            region=region,
            startup_timeout_s=startup_timeout_s,
            read_timeout_s=read_timeout_s,
            send_timeout_s=send_timeout_s,
            close_timeout_s=close_timeout_s,
            max_line_bytes=max_line_bytes,
        )
        settings = whole.client
        if settings.remote_host is not None and program is None:
            backend = ssh_backend(settings.remote_host, cli_path=settings.cli_path, db_path=settings.db_path)
        else:
            backend = imsg_backend(program or settings.cli_path, settings.db_path)
        self._begin(backend, whole, None)

    def _begin(self, backend: Backend, whole: Config, sandbox: PrivateSandbox | None) -> None:
        settings = whole.client
        limits = Limits(
            startup_timeout_s=settings.startup_timeout_s,
            close_timeout_s=settings.close_timeout_s,
            max_line_bytes=settings.max_line_bytes,
        )
        pool = Pool(backend, limits, prepare=None if sandbox is None else sandbox.make)
        self._config, self._gateway_config = settings, whole.gateway
        self._sandbox = sandbox
        self._core = Core(
            pool,
            region=settings.region,
            read_timeout_s=settings.read_timeout_s,
            startup_timeout_s=settings.startup_timeout_s + (0.0 if sandbox is None else sandbox.timeout_s),
        )
        self._finalizer = weakref.finalize(self, _let_go, pool, sandbox)
        self._sends: tuple[Sender, SendOptions] | None = None
        self._sends_lock = threading.Lock()

    @classmethod
    def _over(
        cls, backend: Backend, config: ConfigLike | None, sandbox: PrivateSandbox | None = None, **overrides: Any
    ) -> Self:
        client = cls.__new__(cls)
        client._begin(backend, _settings(config, **overrides), sandbox)
        return client

    @classmethod
    def from_chat_db(
        cls, path: str | os.PathLike[str], config: ConfigLike | None = None, *, dialect: str = "v1", **settings: Any
    ) -> Self:
        """Return a client of this package's own server over a database file.

        Works wherever Python runs on a Unix system, without a Mac and without ``imsg``.  The file is opened
        read-only.  It shows more than ``imsg`` does: edits, effects, services, delivery, hidden rows.

        Parameters
        ----------
        path
            A ``chat.db``, with its ``-wal`` beside it if there is one.
        config
            As for the class.
        dialect
            ``"v1"`` or ``"legacy"``: the generation of ``imsg`` that the server speaks as.
        settings
            Keywords of the class, such as ``read_timeout_s``.

        Examples
        --------
        >>> with IMessageClient.from_chat_db("chat.db") as client:  # doctest: +SKIP
        ...     client.messages(limit=None)
        """
        refuse_windows()
        backend = our_server(_path(path, "path"), dialect=dialect)
        return cls._over(backend, config, **settings)

    @classmethod
    def sandbox(
        cls,
        *,
        seed: int = 1,
        messages: int = 4000,
        preset: str | None = "demo",
        people: Sequence[Mapping[str, Any]] | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        history: str | os.PathLike[str] | None = None,
        clock: str = "real",
        bridge: bool = True,
        dialect: str = "v1",
        version: str | None = None,
        config: ConfigLike | None = None,
        **settings: Any,
    ) -> Self:
        """Return a client of a make-believe Messages: a history, and people in it who answer.

        It is made when first needed and removed at the end.  What is sent is written into its database, delivered
        and read; people answer after a while.

        Parameters
        ----------
        seed
            The same arguments give the same history, but for the dates of messages that wait to be sent, which are
            in the days to come; with the virtual clock, and the same requests, the same rows also after it.
        messages
            How many rows to make before, tapbacks included.
        preset
            ``"demo"`` is the history that ``imsg-sdk demo`` shows: few people, good stories.  ``None`` invents
            as many people as the number of messages asks for, ``"empty"`` begins with nothing.
        people
            Who answers, and how: a list as the page on testing describes it, or a JSON file.  ``None`` lets everybody
            answer in a friendly way, ``[]`` nobody.
        history
            A ``chat.db`` to begin with instead; it is copied.
        clock
            ``"real"`` time goes by itself; ``"virtual"`` time moves only when told to, by
            ``client.call("sandbox.advance", {"seconds": 60})``.
        bridge
            Whether everything can be done, or only plain sending, as without the helper in Messages.
        dialect
            ``"v1"`` or ``"legacy"``: the generation of ``imsg`` that it speaks as.
        version
            A version of that generation, such as ``"0.9.0"``, with what that one has and nothing else.
        config
            As for the class.
        settings
            Keywords of the class.

        Examples
        --------
        >>> with IMessageClient.sandbox(seed=7) as client:  # doctest: +SKIP
        ...     client.chats()
        """
        refuse_windows()
        sandbox = PrivateSandbox(
            seed=seed, messages=messages, preset=preset, people=people, history=history, clock=clock, bridge=bridge
        )
        backend = our_server(
            sandbox.path, dialect=dialect, folder=sandbox.folder, module="imsg_sdk.sandbox", version=version
        )
        return cls._over(backend, config, sandbox, **settings)

    @classmethod
    def over_ssh(
        cls,
        host: str,
        *,
        cli_path: str = "imsg",
        db_path: str | None = None,
        ssh: Sequence[str] | None = None,
        config: ConfigLike | None = None,
        **settings: Any,
    ) -> Self:
        """Return a client of an ``imsg`` on another machine, over ssh.

        Parameters
        ----------
        host
            ``host`` or ``user@host``; keys must be set up, since nobody can type a password.
        cli_path
            The program on that machine; a full path if a login without terminal does not find it.
        db_path
            The database on that machine, if not the program's own choice.
        ssh
            The command to use and its options, as a list; plain ``ssh`` if not given.
        config, settings
            As for the class.
        """
        refuse_windows()
        command = ("ssh",) if ssh is None else _words(ssh, "ssh")
        backend = ssh_backend(host, cli_path=cli_path, db_path=db_path, ssh=command)
        return cls._over(backend, config, **settings)

    @property
    def config(self) -> ClientConfig:
        """Return the settings in force."""
        return self._config

    @property
    def _sending(self) -> tuple[Sender, SendOptions]:
        """Return what sends, and how where a call does not say; made by the first call that needs it."""
        with self._sends_lock:
            return self._make_sending()

    def _make_sending(self) -> tuple[Sender, SendOptions]:
        if self._sends is None:
            from imsg_sdk.client.composing import SendOptions
            from imsg_sdk.client.sending import Sender

            config, gateway = self._config, self._gateway_config
            sender = Sender(self._core, send_timeout_s=config.send_timeout_s, settle_timeout_s=config.settle_timeout_s)
            self._sends = (
                sender,
                SendOptions(
                    chunk_limit=gateway.text_chunk_limit,
                    chunk_mode=str(gateway.chunk_mode),
                    max_file_mb=gateway.media_max_mb,
                    service=config.service,
                    transport=None if gateway.send_transport is None else str(gateway.send_transport),
                ),
            )
        return self._sends

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._core.pool.is_closed

    def _close(self) -> None:
        self._core.pool.close()
        self._finalizer()

    def __reduce__(self) -> Any:
        raise TypeError("a client holds child processes and cannot be pickled: make one in each process")

    def __repr__(self) -> str:
        pool = self._core.pool
        if pool.is_closed:
            state = "closed"
        elif pool.latest is None:
            state = "not connected"
        else:
            n = pool.n_children
            state = f"{n} child{'' if n == 1 else 'ren'}"
        return f"<{type(self).__name__} of {_shown(pool)}, {state}>"


def _shown(pool: Pool) -> str:
    if pool.latest is None:
        return pool.backend.name
    profile = pool.latest.profile
    version = ".".join(map(str, profile.version)) if profile.version and not pool.backend.is_ours else ""
    return " ".join(filter(None, (pool.backend.name, version, f"({profile.generation})")))


def _settings(config: ConfigLike | None, **overrides: Any) -> Config:
    # Here and not above, since reading settings costs a fifth of what importing the client does.
    from imsg_sdk.config import ClientConfig, Config, load_config

    given = {name: value for name, value in overrides.items() if value is not None}
    if isinstance(config, ClientConfig):
        config = Config(client=config)
    if isinstance(config, Config):
        checked = load_config({}, environ={}, **given)
        client = msgspec.structs.replace(config.client, **{name: getattr(checked.client, name) for name in given})
        return msgspec.structs.replace(config, client=client)
    if config is not None and not isinstance(config, str | Mapping):
        config = _path(config, "config")
    return load_config(config, **given)


def _path(value: Any, name: str) -> str:
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise UsageError(f"{name} must be a path, not {type(value).__name__}", hint="give text or a Path") from None
    if not text or "\0" in text:
        raise UsageError(f"{name} is empty or holds NUL", hint="give the path of a file")
    return text


def _words(value: Any, name: str) -> tuple[str, ...]:
    """Return the beginning of a command line, which is a list: a text would have to be guessed apart."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise UsageError(f"{name} must be a list of texts", hint=f"{name}=['program', '--option']")
    words = tuple(value)
    if not words or not all(isinstance(word, str) and word and "\0" not in word for word in words):
        raise UsageError(f"{name} must be a list of texts that are not empty", hint=f"{name}=['program', '--option']")
    return words


def _let_go(pool: Pool, sandbox: PrivateSandbox | None) -> None:
    pool.abandon()
    if sandbox is not None:
        sandbox.remove()
