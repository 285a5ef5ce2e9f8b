"""``providers.status``: what the reference's command reports of a gateway, from its state folder and a probe.

It needs no running gateway: the lease says whether one runs, the state file what it said last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from imsg_sdk._time import Clock, to_us
from imsg_sdk.config import Config
from imsg_sdk.errors import BackendNotFound, GatewayError, ImsgError
from imsg_sdk.gateway.state import StateReader, read_lease

__all__ = ["METHODS", "call", "probe", "providers_status"]

_DEFAULT_PROBE_MS: Final = 10_000
_LEAST_PROBE_MS: Final = 1_000
_NAMES: Final = frozenset({"probe", "timeoutMs"})


def call(
    method: str, params: Any, config: Config, folder: Path, clock: Clock, *, probe: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    """Answer one of the gateway's methods.

    Raises
    ------
    GatewayError
        The method is unknown, or its parameters are wrong.
    """
    if method not in METHODS:
        raise GatewayError(f"unknown method: {method}", hint=f"known: {', '.join(METHODS)}")
    wanted = _checked(method, params)
    return providers_status(config, folder, clock, **wanted, probing=probe)


METHODS: Final = ("providers.status", "channels.status")
"""Names of what can be called; the second is what later versions of the reference call the first."""


def _checked(method: str, params: Any) -> dict[str, Any]:
    details = []
    if not isinstance(params, Mapping):
        details.append("must be object")
        params = {}
    details += [f"unexpected property '{name}'" for name in params if name not in _NAMES]
    timeout_ms = params.get("timeoutMs", _DEFAULT_PROBE_MS)
    if not isinstance(params.get("probe", False), bool):
        details.append("/probe must be boolean")
    if not isinstance(timeout_ms, int) or isinstance(timeout_ms, bool) or timeout_ms < 0:
        details.append("/timeoutMs must be integer >= 0")
    if details:
        raise GatewayError(f"invalid {method} params: {'; '.join(details)}", hint='such as {"probe": true}')
    return {"with_probe": params.get("probe", False), "timeout_s": max(timeout_ms, _LEAST_PROBE_MS) / 1000}


def providers_status(
    config: Config,
    folder: Path,
    clock: Clock,
    *,
    with_probe: bool = False,
    timeout_s: float = _DEFAULT_PROBE_MS / 1000,
    probing: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    """Return the object that ``providers.status`` prints: ``ts`` and one object for iMessage.

    Parameters
    ----------
    config, folder
        Settings and state folder of the gateway.
    clock
        Where "now" comes from.
    with_probe
        Start the program and ask it something.
    timeout_s
        Longest wait of the probe.
    probing
        What probes, such as :func:`probe`.
    """
    is_configured = config.is_configured and config.gateway.enabled
    lease = read_lease(folder, config.account)
    said = StateReader(folder, config.account).status() or {}
    # What a process that was killed said last is true no more.
    was_cut_short = lease is None and said.get("state") not in (None, "stopped", "failed")
    error = said.get("last_error") or ("the process ended without a stop" if was_cut_short else None)
    status: dict[str, Any] = {
        "configured": is_configured,
        "running": lease is not None,
        "lastStartAt": _ms(said.get("started_at")),
        "lastStopAt": None if lease is not None else _ms(said.get("stopped_at")),
        "lastError": error if said else _not_running(config),
        "cliPath": said.get("cli_path"),
        "dbPath": said.get("db_path"),
    }
    last_probe_at = None
    if with_probe and is_configured:
        status["probe"] = probing(config, timeout_s=timeout_s)
        last_probe_at = to_us(clock.now()) // 1000
    status["lastProbeAt"] = last_probe_at
    return {"ts": to_us(clock.now()) // 1000, "imessage": status}


def _not_running(config: Config) -> str | None:
    if not config.is_configured:
        return "not configured"
    return None if config.gateway.enabled else "disabled"


def _ms(text: str | None) -> int | None:
    return None if text is None else to_us(datetime.fromisoformat(text)) // 1000


def probe(config: Config, *, timeout_s: float) -> dict[str, Any]:
    """Start the program that the settings name, ask it for one chat, and end it."""
    from imsg_sdk.client.sync import IMessageClient

    try:
        client = IMessageClient(config.client, startup_timeout_s=timeout_s)
        try:
            client.call("chats.list", {"limit": 1}, timeout_s=timeout_s)
        finally:
            client.close()
    except BackendNotFound:
        return {"ok": False, "error": f"imsg not found ({config.client.cli_path})"}
    except ImsgError as error:
        return {"ok": False, "error": f"Error: {error.message}"}
    return {"ok": True}
