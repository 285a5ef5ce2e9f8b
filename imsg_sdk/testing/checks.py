"""What a test wants to know of what was sent, said so that a failure explains itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imsg_sdk.addressing import normalize_handle
from imsg_sdk.testing.sandbox import Sandbox, Sent

__all__ = ["assert_nothing_sent", "assert_sent"]


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
        raise AssertionError(f"{asked} was to be sent {often} and was sent {_count(found)}; {_listed(sent)}")
    return found[-1]


def assert_nothing_sent(sandbox: Sandbox, *, to: str | None = None, since: int = 0) -> None:
    """Fail if anything was sent, or anything to `to`."""
    found = [one for one in sandbox.sent(since) if _fits(one, to, None, None, None, None)]
    if found:
        whom = "" if to is None else f" to {to}"
        raise AssertionError(f"nothing was to be sent{whom}; {_listed(found)}")


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
