"""From what a user gave to what a gateway runs on: settings out of any form, a program out of any client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from imsg_sdk.config import ClientConfig, Config, GatewayConfig, load_config
from imsg_sdk.gateway.live.observing import ObservingProgram
from imsg_sdk.gateway.live.ports import Program
from imsg_sdk.gateway.rehearsal import ConfigLike

if TYPE_CHECKING:
    from imsg_sdk.client.base import BaseClient

__all__ = ["program_over", "read_settings"]


def read_settings(config: ConfigLike | None, account: str | None, settings: dict[str, Any]) -> Config:
    """Return the settings, with keywords over whatever else was given."""
    if isinstance(config, GatewayConfig):
        config = Config(client=ClientConfig(), gateway=config)
    if isinstance(config, Config):
        if not settings:
            return config
        given = load_config({}, environ={}, **settings)
        return msgspec.structs.replace(
            config,
            client=_over(config.client, given.client, settings),
            gateway=_over(config.gateway, given.gateway, settings),
        )
    return load_config(config, account=account, **settings)


def _over(part: Any, given: Any, settings: dict[str, Any]) -> Any:
    names = [name for name in settings if name in part.__struct_fields__]
    return msgspec.structs.replace(part, **{name: getattr(given, name) for name in names})


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
