"""The first words with a child: which generation, version and methods it has."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from imsg_sdk.errors import ImsgError, InvalidParams, MethodNotFound, RemoteError, StartupTimeout
from imsg_sdk.rpc.backends import Backend
from imsg_sdk.rpc.commands import IsUnwanted, run_command
from imsg_sdk.rpc.connection import Connection
from imsg_sdk.rpc.profiles import NEWEST_KNOWN, Generation, Profile, Version, parse_version
from imsg_sdk.rpc.protocol import UNREADABLE, decode_result

__all__ = ["Session", "shake_hands"]

log = logging.getLogger("imsg_sdk.rpc.handshake")


class Session(msgspec.Struct, frozen=True, eq=False):
    """A child that answers, what it is, and what it said of itself (empty for a legacy program)."""

    connection: Connection
    profile: Profile
    introduction: dict[str, Any] = {}


def shake_hands(connection: Connection, backend: Backend, *, timeout_s: float, known: Session | None) -> Session:
    """Ask a fresh child what it is.  Blocks; runs in the pool's start thread.

    Parameters
    ----------
    connection
        Started, nothing asked yet.
    backend
        How the child was started.
    timeout_s
        For the first answer.
    known
        An earlier session of the same program; saves asking an old one for its version again.

    Raises
    ------
    StartupTimeout
        No answer in time.
    BackendExited
        It ended instead.
    ProtocolError
        It prints something else.
    """
    pending = connection.request("initialize", {})
    try:
        introduction = decode_result(pending.result(timeout_s))
    except TimeoutError:
        raise connection.garbage_error() or StartupTimeout(
            f"{backend.name} did not answer within {timeout_s:g} s",
            hint="a permission dialog may be open on the Mac, or the database be locked; "
            "raise startup_timeout_s if it is only slow",
        ) from None
    except (MethodNotFound, InvalidParams):
        introduction = None
    except RemoteError as error:
        # A legacy program that cannot open its database answers everything with one and the same error.
        log.info("the program answers initialize with error %d", error.code)
        introduction = None
    if isinstance(introduction, dict):
        profile = _introduced(introduction, backend)
    elif known is not None and known.profile.generation is Generation.LEGACY:
        profile = known.profile
    else:
        profile = _legacy_profile(backend, timeout_s, lambda: not connection.is_open)
    connection.max_outstanding = profile.max_outstanding
    log.info("%s speaks %s, version %s", backend.name, profile.generation, profile.version)
    return Session(connection, profile, introduction if isinstance(introduction, dict) else {})


def _introduced(introduction: dict[str, Any], backend: Backend) -> Profile:
    methods = introduction.get("supported_methods")
    return Profile(
        generation=Generation.V1,
        version=_known_version(parse_version(str(introduction.get("version", ""))), backend),
        methods=frozenset(map(str, methods)) if isinstance(methods, list) else None,
        extended=bool(introduction.get("extended")) and backend.is_ours,
    )


def _legacy_profile(backend: Backend, timeout_s: float, is_unwanted: IsUnwanted) -> Profile:
    """Ask an old program through its commands: ``status`` came with 0.6, its version with 0.9."""
    extended = "--extended" in backend.options
    status: dict[str, Any] = {}
    for line in _output_lines(backend, ["status", "--json"], timeout_s, is_unwanted):
        try:
            decoded = msgspec.json.decode(line)
        except UNREADABLE:
            continue
        status = decoded if isinstance(decoded, dict) else status
    version = parse_version(str(status.get("version", "")))
    if version is None:
        for line in _output_lines(backend, ["--version"], timeout_s, is_unwanted):
            version = version or parse_version(line.decode("ascii", "replace"))
    methods = status.get("rpc_methods")
    return Profile(
        generation=Generation.LEGACY,
        version=version,
        methods=frozenset(map(str, methods)) if isinstance(methods, list) else None,
        extended=extended and backend.is_ours,
    )


def _output_lines(
    backend: Backend, arguments: list[str], timeout_s: float, is_unwanted: IsUnwanted
) -> tuple[bytes, ...]:
    argv = backend.bare_argv(*arguments, *(backend.options if backend.is_ours else ()))
    try:
        return run_command(argv, timeout_s=timeout_s, env=backend.env, is_unwanted=is_unwanted).lines
    except ImsgError:
        return ()


def _known_version(version: Version | None, backend: Backend) -> Version | None:
    """Our own server speaks what it says it is; its own version is this package's."""
    return NEWEST_KNOWN if backend.is_ours else version
