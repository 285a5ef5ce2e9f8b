"""What works and what does not, step by step, each failure with its remedy."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread
from typing import Any

import msgspec

from imsg_sdk.client.core import Core
from imsg_sdk.client.plan import Plan, Wait
from imsg_sdk.errors import ImsgError, PermissionDenied, RequestError, StartupTimeout
from imsg_sdk.rpc.backends import locate, prove
from imsg_sdk.rpc.faults import FULL_DISK_ACCESS
from imsg_sdk.rpc.handshake import Session
from imsg_sdk.rpc.profiles import NEWEST_KNOWN, Generation

__all__ = ["Probe", "Report", "Step", "examine", "probe"]

OK, FAILED, WARNING, SKIPPED = "ok", "failed", "warning", "skipped"
_MARKS = {OK: "✓", FAILED: "✗", WARNING: "!", SKIPPED: "–"}
_LAUNCH = "only needed for tapbacks, edits and other changes: run `imsg launch` on the Mac (it asks to switch off SIP)"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What one program says it is and can do.  None where it does not say."""

    program: str
    version: str | None
    generation: str
    is_extended: bool
    methods: tuple[str, ...] | None
    database_ready: bool | None
    database_error: str | None
    features: dict[str, bool]
    bridge_ready: bool | None
    bridge_error: str | None
    contacts_available: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain objects."""
        return dict(msgspec.to_builtins(self))


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One check.  ``state`` is ok, failed, warning or skipped."""

    name: str
    state: str
    detail: str
    remedy: str = ""
    seconds: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """The checks in order."""

    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Whether no step failed."""
        return all(step.state != FAILED for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain objects."""
        return {"ok": self.ok, "steps": [dict(msgspec.to_builtins(step)) for step in self.steps]}

    def __repr__(self) -> str:
        width = max((len(step.name) for step in self.steps), default=0)
        lines = []
        for step in self.steps:
            lines.append(f"{_MARKS[step.state]} {step.name:<{width}}  {step.detail}")
            if step.remedy:
                lines.append(f"  {'':<{width}}  → {step.remedy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        rows = "".join(
            f"<tr><td>{_MARKS[step.state]}</td><td style='text-align:left'>{html.escape(step.name)}</td>"
            f"<td style='text-align:left'>{html.escape(step.detail)}"
            f"{f'<br><i>→ {html.escape(step.remedy)}</i>' if step.remedy else ''}</td></tr>"
            for step in self.steps
        )
        return f"<table><tbody>{rows}</tbody></table>"


def probe(core: Core) -> Plan[Probe]:
    """Return what the program says of itself now."""
    session = yield from core.session()
    introduction = session.introduction
    if session.profile.generation is Generation.V1:
        introduction = yield from core.call("initialize")
    return _probe_of(core, session, introduction)


def _probe_of(core: Core, session: Session, introduction: dict[str, Any]) -> Probe:
    profile = session.profile
    database, bridge = _part(introduction, "database"), _part(introduction, "bridge")
    contacts = _part(introduction, "contacts")
    methods = introduction.get("methods") or sorted(profile.methods or ())
    features = _part(database, "features")
    return Probe(
        program=core.pool.backend.name,
        version=str(introduction["version"]) if "version" in introduction else _dotted(profile.version),
        generation=str(profile.generation),
        is_extended=profile.extended,
        methods=tuple(map(str, methods)) or None,
        database_ready=_flag(database, "ready"),
        database_error=_optional_text(database.get("error")),
        features={str(name): value is True for name, value in features.items()},
        bridge_ready=_flag(bridge, "ready"),
        bridge_error=_optional_text(bridge.get("error")),
        contacts_available=_flag(contacts, "available"),
    )


def _part(tree: dict[str, Any], name: str) -> dict[str, Any]:
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def _flag(tree: dict[str, Any], name: str) -> bool | None:
    value = tree.get(name)
    return value if isinstance(value, bool) else None


def _optional_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _dotted(version: tuple[int, ...] | None) -> str | None:
    return None if version is None else ".".join(map(str, version))


# ---- doctor -------------------------------------------------------------------------------------------------------


def examine(core: Core) -> Plan[Report]:
    """Run every check in order; a check that cannot be made after a failure is skipped."""
    steps: list[Step] = []
    for check in (_check_program, _check_start, _check_version, _check_database, _check_bridge):
        if any(step.state == FAILED for step in steps):
            names = _STEPS_OF[check.__name__]
            steps += [Step(name=name, state=SKIPPED, detail="not checked") for name in names]
            continue
        steps += yield from check(core)
    return Report(tuple(steps))


_STEPS_OF = {
    "_check_program": ("program", "genuine"),
    "_check_start": ("start",),
    "_check_version": ("version", "protocol"),
    "_check_database": ("database",),
    "_check_bridge": ("bridge",),
}


def _check_program(core: Core) -> Plan[list[Step]]:
    backend = core.pool.backend
    if backend.is_ours:
        return [
            Step(name="program", state=OK, detail="the server of this package"),
            Step(name="genuine", state=OK, detail="no other program is involved"),
        ]
    begun = time.monotonic()
    try:
        located = locate(backend)
    except ImsgError as error:
        return [_failed("program", error, begun), Step(name="genuine", state=SKIPPED, detail="not checked")]
    where = f"on {backend.host}" if backend.host else _tilde(located.program[0])
    found = Step(name="program", state=OK, detail=f"{os.path.basename(located.program[0])} {where}")  # noqa: PTH119
    begun = time.monotonic()
    try:
        timeout_s = core.pool.limits.startup_timeout_s
        yield _in_thread(lambda: prove(located, timeout_s=timeout_s, is_unwanted=lambda: core.pool.is_closed), core)
    except ImsgError as error:
        return [found, _failed("genuine", error, begun)]
    return [found, Step(name="genuine", state=OK, detail="it is imsg", seconds=time.monotonic() - begun)]


def _check_start(core: Core) -> Plan[list[Step]]:
    begun = time.monotonic()
    try:
        yield from core.session()
    except ImsgError as error:
        return [_failed("start", error, begun)]
    return [Step(name="start", state=OK, detail="it answers", seconds=time.monotonic() - begun)]


def _check_version(core: Core) -> Plan[list[Step]]:
    session = yield from core.session()
    profile = session.profile
    version = _dotted(profile.version)
    if version is None:
        first = Step(
            name="version",
            state=WARNING,
            detail="the program does not tell",
            remedy="it is used as the oldest one known; update imsg",
        )
    elif profile.is_newer_than_known:
        known = _dotted(NEWEST_KNOWN)
        first = Step(
            name="version",
            state=WARNING,
            detail=f"{version}, newer than {known}",
            remedy="what is known of it is used; update imsg-sdk",
        )
    elif not (profile.has_fast_history or profile.extended):
        first = Step(
            name="version",
            state=WARNING,
            detail=version,
            remedy="histories are read through its command, slowly; imsg 0.13.2 and later are faster",
        )
    else:
        first = Step(name="version", state=OK, detail=version)
    more = ", with the columns of this package" if profile.extended else ""
    return [first, Step(name="protocol", state=OK, detail=f"{profile.generation}{more}")]


def _check_database(core: Core) -> Plan[list[Step]]:
    begun = time.monotonic()
    try:
        yield from core.ask("chats.list", limit=1)
    except ImsgError as error:
        on_a_mac = sys.platform == "darwin" or core.pool.backend.host is not None
        access = _who_needs_access(core) if on_a_mac else ""
        if not (access and isinstance(error, PermissionDenied)):
            access = ". ".join(filter(None, (error.hint, access)))
        return [_failed("database", error, begun, remedy=access)]
    return [Step(name="database", state=OK, detail="it can be read", seconds=time.monotonic() - begun)]


def _check_bridge(core: Core) -> Plan[list[Step]]:
    try:
        found = yield from probe(core)
    except RequestError as error:
        return [Step(name="bridge", state=SKIPPED, detail=error.message)]
    if core.pool.backend.is_ours and "send" not in (found.methods or ("send",)):
        return [Step(name="bridge", state=SKIPPED, detail="our own server reads only")]
    if found.bridge_ready is None:
        return [Step(name="bridge", state=SKIPPED, detail="this version does not tell")]
    if found.bridge_ready:
        return [Step(name="bridge", state=OK, detail="it runs")]
    remedy = "bridge=True gives the sandbox one" if core.pool.backend.is_ours else _LAUNCH
    return [Step(name="bridge", state=WARNING, detail="it does not run", remedy=remedy)]


def _who_needs_access(core: Core) -> str:
    """Name the process that macOS asks for Full Disk Access: the one that started all others."""
    if core.pool.backend.host is not None:
        return "grant Full Disk Access on that Mac to sshd-keygen-wrapper (Remote Login, allow full disk access)"
    app = os.environ.get("TERM_PROGRAM") or os.environ.get("__CFBundleIdentifier")  # noqa: SIM112 - Apple's spelling
    return f"{FULL_DISK_ACCESS}; here that seems to be {app}" if app else FULL_DISK_ACCESS


def _failed(name: str, error: ImsgError, begun: float, *, remedy: str | None = None) -> Step:
    return Step(
        name=name,
        state=FAILED,
        detail=error.message,
        remedy=error.hint if remedy is None else remedy,
        seconds=time.monotonic() - begun,
    )


def _in_thread(work: Callable[[], object], core: Core) -> Wait:
    """Wait for blocking work done in a thread of its own; it is bounded by itself."""
    future: Future[None] = Future()

    def settle() -> None:
        with suppress(InvalidStateError):  # its caller gave up
            try:
                work()
            except ImsgError as error:
                future.set_exception(error)
            else:
                future.set_result(None)

    Thread(target=settle, name="imsg-doctor", daemon=True).start()
    bound = 2 * core.pool.limits.startup_timeout_s + 5
    return Wait(
        future,
        bound,
        expired=lambda: StartupTimeout("the check took too long", hint="raise startup_timeout_s if it is only slow"),
        forget=lambda: None,
    )


def _tilde(path: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111 - text in, text out
    return f"at ~{path[len(home) :]}" if home != "/" and path.startswith(home + "/") else f"at {path}"
