"""What a test wants to know of what was sent, said so that a failure explains itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from imsg_sdk.addressing import normalize_handle
from imsg_sdk.errors import ImsgError
from imsg_sdk.testing.sandbox import Sandbox, Sent

if TYPE_CHECKING:
    from imsg_sdk.gateway.gateway import Gateway

__all__ = ["assert_nothing_sent", "assert_sent"]

_LATEST = 5
_ARRIVED = ("observed", "accepted")


def assert_sent(
    sandbox: Sandbox,
    *,
    to: str | None = None,
    text: str | None = None,
    containing: str | None = None,
    file: str | None = None,
    chat_id: int | None = None,
    times: int | None = 1,
    since: int = 0,
) -> Sent:
    """Fail unless such a message was sent, exactly so often; return the last of them.

    Parameters
    ----------
    sandbox
        Where it was sent.
    to
        An address that it went to, in any spelling.
    text, containing
        All of its text, or part of it.
    file
        The end of the path of its file.
    chat_id
        The chat it went to.
    times
        How often; None for at least once.
    since
        Only what was sent after the one of this id.
    """
    sent = sandbox.sent(since)
    found = [one for one in sent if _fits(one, to, text, containing, file, chat_id)]
    if not found or (times is not None and len(found) != times):
        wanted = {"to": to, "text": text, "containing": containing, "file": file, "chat_id": chat_id}
        asked = ", ".join(f"{name}={value!r}" for name, value in wanted.items() if value is not None) or "anything"
        often = "at least once" if times is None else "once" if times == 1 else f"{times} times"
        raise AssertionError(
            f"{asked} was to be sent {often} and was sent {_count(found)}; {_listed(sent)}{_why(sandbox)}"
        )
    return found[-1]


def assert_nothing_sent(sandbox: Sandbox, *, to: str | None = None, since: int = 0) -> None:
    """Fail if anything was sent, or anything to `to`."""
    found = [one for one in sandbox.sent(since) if _fits(one, to, None, None, None, None)]
    if found:
        whom = "" if to is None else f" to {to}"
        raise AssertionError(f"nothing was to be sent{whom}; {_listed(found)}{_why(sandbox)}")


def _fits(
    one: Sent, to: str | None, text: str | None, containing: str | None, file: str | None, chat_id: int | None
) -> bool:
    if to is not None and normalize_handle(to) not in map(normalize_handle, one.recipients):
        return False
    if text is not None and one.text != text:
        return False
    if containing is not None and containing not in (one.text or ""):
        return False
    if file is not None and not (one.file or "").endswith(file):
        return False
    return chat_id is None or one.chat_id == chat_id


def _count(found: list[Any]) -> str:
    return {0: "never", 1: "once"}.get(len(found), f"{len(found)} times")


def _listed(sent: Iterable[Sent]) -> str:
    lines = [
        f"  to {', '.join(one.recipients) or '?'}: {one.text if one.text is not None else one.file!r}" for one in sent
    ]
    return "what was sent:\n" + "\n".join(lines) if lines else "nothing was sent"


def _why(sandbox: Sandbox) -> str:
    """Return what the gateways of a test made of the latest messages."""
    lines: list[str] = []
    for gateway in sandbox.gateways:
        with contextlib.suppress(ImsgError):  # without its state there is nothing to tell
            lines.extend(_told(gateway))
    return "\nwhat the gateway made of it:\n" + "\n".join(lines) if lines else ""


def _told(gateway: Gateway) -> Iterable[str]:
    for row in gateway.decisions(limit=_LATEST).to_dict("records"):
        yield f"  message {row['message_rowid']}: {_outcome(row)}"
    for row in gateway.outbox(limit=_LATEST).to_dict("records"):
        if row["state"] not in _ARRIVED:
            yield f"  an answer to chat {row['chat_id']}: {row['state']}{_detail(row['detail'])}"


def _outcome(row: dict[str, Any]) -> str:
    if isinstance(row["error"], str) and row["error"]:
        return f"the handler failed: {row['error']}"
    if row["state"] != "finished":
        return f"{row['state']}, not yet handled (gateway.drain() waits for it)"
    if isinstance(row["reason"], str):
        return f"dropped, {row['reason']}{_detail(row['detail'])}"
    return "handled"


def _detail(value: object) -> str:
    return f" ({value})" if isinstance(value, str) and value else ""
