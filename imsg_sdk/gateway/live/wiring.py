"""From what a user gave to what a gateway runs on: settings out of any form, a program out of any client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from imsg_sdk.config import ClientConfig, Config, GatewayConfig, load_config
from imsg_sdk.config.load import checked
from imsg_sdk.errors import GatewayError, UsageError
from imsg_sdk.gateway.handlers import check_signature
from imsg_sdk.gateway.live.observing import ObservingProgram
from imsg_sdk.gateway.live.ports import Program
from imsg_sdk.gateway.rehearsal import ConfigLike
from imsg_sdk.models import Message

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["check_use", "not_done", "program_over", "read_settings", "record_of", "remove_folder"]


def check_use(handler: object, mode: str, client: object = None, *, run_handlers: bool) -> None:
    """Raise where a gateway is asked for that cannot be meant.

    Raises
    ------
    UsageError
        It names what would be right.
    """
    if handler is not None:
        check_signature(handler, "context")
    if mode not in ("live", "observe"):
        raise UsageError(f"mode is {mode!r}", hint="give 'live' or 'observe'")
    if isinstance(client, type) or not (client is None or hasattr(client, "close")):
        what = f"the class {client.__name__}" if isinstance(client, type) else f"of type {type(client).__name__}"
        raise UsageError(f"client is {what}", hint="give an IMessageClient(), an AsyncIMessageClient(), or nothing")
    if run_handlers and mode == "live":
        raise UsageError("run_handlers is for mode observe", hint="in mode live handlers run anyway")


def read_settings(config: ConfigLike | None, account: str | None, settings: dict[str, Any]) -> Config:
    """Return the settings, with keywords over whatever else was given."""
    if isinstance(config, GatewayConfig):
        config = Config(client=ClientConfig(), gateway=config)
    if isinstance(config, Config):
        if account is not None and account != config.account:
            raise UsageError(
                f"these settings are those of account {config.account}", hint="give account= to load_config"
            )
        given = load_config({}, environ={}, **settings)
        return checked(
            msgspec.structs.replace(
                config,
                client=_over(config.client, given.client, settings),
                gateway=_over(config.gateway, given.gateway, settings),
            )
        )
    return load_config(config, account=account, **settings)


def _over(part: Any, given: Any, settings: dict[str, Any]) -> Any:
    names = [name for name in settings if name in part.__struct_fields__]
    return msgspec.structs.replace(part, **{name: getattr(given, name) for name in names})


def record_of(row: Mapping[str, Any]) -> Message:
    """Return the record of a row of a frame, of messages or of decisions; what is NA is left out."""
    known: dict[str, Any] = {"rowid": int(row.get("rowid", row.get("message_rowid", 0)))}
    for name, form in _COLUMNS.items():
        value = row.get(name)
        if value is not None and (isinstance(value, str) or str(value) not in ("nan", "<NA>")):
            known[name] = form(value)
    return Message(**known)


_COLUMNS: Final[dict[str, Callable[[Any], Any]]] = {
    "guid": str,
    "chat_id": int,
    "chat_identifier": str,
    "chat_name": str,
    "sender": str,
    "text": str,
    "is_group": bool,
    "is_from_me": bool,
    "n_attachments": int,
}


def program_over(client: BaseClient | Program | None, config: Config, *, is_live: bool) -> Program:
    """Return the program of a client, one made from the settings if none is given; an observer's cannot send."""
    program = _program(client, config)
    return program if is_live else ObservingProgram(program)


def _program(client: BaseClient | Program | None, config: Config) -> Program:
    from imsg_sdk.client.base import BaseClient
    from imsg_sdk.client.embedding import ClientProgram

    if client is not None and not isinstance(client, BaseClient):
        return client
    owns = client is None
    if client is None:
        from imsg_sdk.client.aio import AsyncIMessageClient

        client = AsyncIMessageClient(config.client)
    return ClientProgram(client, max_file_mb=config.gateway.media_max_mb, owns_client=owns)


def not_done(timeout_s: float, awaited: int | None) -> GatewayError:
    """Return the error of a wait that was not over in time."""
    if awaited is not None:
        return GatewayError(
            f"row {awaited} has not arrived within {timeout_s:g} s", hint="is it a row of the database that is watched?"
        )
    return GatewayError(
        f"there was still work after {timeout_s:g} s", hint="status() says what waits; give a longer timeout_s"
    )


def remove_folder(folder: str, owner_pid: int) -> None:
    """Remove a folder, in the process that made it."""
    if os.getpid() == owner_pid:  # a fork has the name only
        shutil.rmtree(folder, ignore_errors=True)
