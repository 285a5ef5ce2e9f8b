"""Many messages: planned as a whole, sent one by one, remembered in a ledger.

Everything that can be checked is checked before the first message goes out.  A row that was sent, or may have
been, is never sent again, in this run or any later one with the same ledger; it is reported instead.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from imsg_sdk.addressing import lookup_key
from imsg_sdk.arguments import refused
from imsg_sdk.client.composing import SendOptions, check_ability, compose, read_service, requests
from imsg_sdk.client.core import Progress
from imsg_sdk.client.plan import Pause, Plan
from imsg_sdk.client.send_ledger import ATTEMPTING, Memory, SendLedger
from imsg_sdk.client.sending import Attempt, Sender
from imsg_sdk.client.whom import Addressee, find_addressee, is_direct, written
from imsg_sdk.errors import (
    AddressError,
    ImsgError,
    InvalidParams,
    SendError,
    SendFailed,
    SendRefused,
    SendUncertain,
    UsageError,
)
from imsg_sdk.models import Chat, SendResult, SendRow, SendState

__all__ = ["BulkOptions", "carry_out", "plan_many", "read_rows", "rehearse", "send_many"]

_LONGEST_PAUSE_S = 0.5
_LONGEST_NAME = 20
"""Of a column; where there is no line of names, the names are somebody's message."""


class BulkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages are sent."""

    per_minute: float | None = 20
    """Most messages a minute; None does not wait."""
    max_failures: int = 3
    """After so many rows in a row that did not succeed, the rest is left alone."""
    send: SendOptions = SendOptions()
    region: str = "US"

    def __post_init__(self) -> None:
        rate = self.per_minute
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0):
            raise refused("per_minute must be a number above 0 or None", hint="per_minute=20")
        if isinstance(self.max_failures, bool) or not isinstance(self.max_failures, int) or self.max_failures < 1:
            raise refused("max_failures must be a whole number above 0", hint="max_failures=3")


class Planned(msgspec.Struct):
    """One row: whom it goes to, in which parts, or why it cannot be sent."""

    row: SendRow
    sends: list[dict[str, Any]] = []
    chat_guid: str | None = None
    recipient: str = ""
    content: str = ""
    was_tried: bool = False
    """Whether a part of it was given to the program in this run."""

    def __repr__(self) -> str:
        return f"<Planned {self.row!r}, {len(self.sends)} parts>"

    @property
    def has_failed(self) -> bool:
        """Whether it was tried and is not known to have gone out."""
        return self.was_tried and self.row.state in (SendState.FAILED, SendState.UNCERTAIN)

    def tell(self, state: SendState, **values: Any) -> None:
        """Change what is known of the row."""
        self.row = msgspec.structs.replace(self.row, state=state, **values)

    def refuse(self, error: ImsgError, state: SendState = SendState.REFUSED) -> None:
        """Say why it is not sent."""
        problem = f"{error.message} → {error.hint}" if error.hint else error.message
        safe = not isinstance(error, SendError) or error.retry_safe or isinstance(error, SendRefused)
        self.tell(state, problem=problem, is_retry_safe=safe)


def read_rows(source: Any, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of a frame, or of any list of mappings, under our names.

    Parameters
    ----------
    source
        A DataFrame, or an iterable of mappings.
    columns
        Our name -> the column of `source`; ``target`` and ``text`` or ``file`` must be there.
    """
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        plain = source.astype(object).where(source.notna(), None)
        names, rows = {str(name) for name in source.columns}, plain.to_dict("records")
    elif isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable):
        raise refused("the messages must be a table: a frame, or a list of dicts", hint="columns: target, text, file")
    else:
        rows = list(source)
        if not all(isinstance(row, Mapping) for row in rows):
            raise refused("each message must be a dict", hint="{'target': 7, 'text': 'hello'}")
        names = {str(name) for row in rows for name in row}
    if columns["target"] not in names or not {columns["text"], columns["file"]} & names:
        found = ", ".join(name[:_LONGEST_NAME] for name in sorted(names)[:12]) or "none"
        raise refused(
            f"needed are the columns {columns['target']!r}, and {columns['text']!r} or {columns['file']!r}; "
            f"there are: {found}",
            hint="name yours: send_many(frame, target='phone', text='message')",
        )
    return [{ours: _given(row.get(theirs)) for ours, theirs in columns.items()} for row in rows]


def _given(value: Any) -> Any:
    """Return a cell, None where it is empty: NaN, which is not equal to itself, or nothing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    return None if isinstance(value, float) and value != value else value


def plan_many(sender: Sender, rows: Sequence[Mapping[str, Any]], options: BulkOptions) -> Plan[list[Planned]]:
    """Find out for each row whom it goes to and what goes out, and refuse those that cannot be meant."""
    sender.core.pool.check()
    chats = yield from sender.core.chats()
    planned: list[Planned] = []
    for number, row in enumerate(rows):
        plan = Planned(SendRow(row=number, state=SendState.PLANNED))
        try:
            _fill(plan, row, chats, options, sender.core.pool.backend.host)
        except (AddressError, InvalidParams, SendRefused) as error:
            plan.refuse(error)
        planned.append(plan)
        if number % 200 == 199:
            yield Pause(0)  # an event loop has other things to do
    _refuse_repeats(planned)
    return planned


def _fill(plan: Planned, row: Mapping[str, Any], chats: Sequence[Chat], options: BulkOptions, host: str | None) -> None:
    target = row["target"]
    if isinstance(target, float) and target.is_integer():
        target = int(target)  # a column of ids in which one is missing
    plan.row = msgspec.structs.replace(plan.row, target=written(target))
    service = read_service(row.get("service") or None)
    to = find_addressee(target, chats, region=options.region, service=service)
    plan.row = msgspec.structs.replace(
        plan.row,
        recipient=to.params.get("to") or (to.chat.identifier or to.chat.guid if to.chat is not None else None),
        chat_id=None if to.chat is None else to.chat.chat_id,
        chat_name=None if to.chat is None else to.chat.name,
        is_group=to.chat is not None and not is_direct(to.chat),
        n_people=1 if to.chat is None else max(len(to.chat.participants), 1),
    )
    parts = compose(row.get("text"), row.get("file"), options.send, host=host)
    plan.sends = requests(to, parts, options.send, region=options.region)
    plan.chat_guid = None if to.chat is None else to.chat.guid
    plan.recipient = _recipient(to, options.region)
    plan.content = _content(row.get("text") or "", parts)
    plan.row = msgspec.structs.replace(plan.row, n_parts=len(parts), n_characters=len(row.get("text") or ""))


def _recipient(to: Addressee, region: str) -> str:
    """Return who it is, whether there is a chat with them by now or not."""
    if to.chat is None:
        return f"person:{lookup_key(to.params['to'], region=region)}" if "to" in to.params else f"{to.params}"
    chat = to.chat
    if is_direct(chat):
        return f"person:{lookup_key(chat.identifier or chat.participants[0], region=region)}"
    return f"chat:{chat.identifier or (chat.guid or '').rpartition(';')[2]}"


def _content(text: str, parts: list[dict[str, str]]) -> str:
    """Return the digest of what is sent, into however many parts the settings of the day cut it."""
    digest = hashlib.sha256(f"{len(text)}\0{text}".encode())
    for part in parts:
        if "file" in part:
            with open(part["file"], "rb") as file:  # noqa: PTH123 - paths are text here
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _refuse_repeats(planned: list[Planned]) -> None:
    first: dict[tuple[str, str], int] = {}
    for plan in planned:
        if plan.row.state is not SendState.PLANNED:
            continue
        earlier = first.setdefault((plan.recipient, plan.content), plan.row.row)
        if earlier != plan.row.row:
            plan.tell(SendState.SKIPPED, problem=f"row {earlier} says the same to the same", is_retry_safe=True)


# ---- sending ---------------------------------------------------------------------------------------------------------


def send_many(
    sender: Sender,
    planned: list[Planned],
    ledger: SendLedger,
    options: BulkOptions,
    progress: Progress | None = None,
) -> Plan[list[SendRow]]:
    """Send the rows of a plan that can be sent, in order, and return what became of each."""
    try:
        yield from _send_rows(sender, planned, ledger, options, progress)
    except BaseException as error:
        n_sent = sum(plan.row.state in (SendState.OBSERVED, SendState.ACCEPTED) for plan in planned)
        error.add_note(
            f"{n_sent} of {len(planned)} messages were sent; the same list with the same ledger goes on from there"
        )
        raise
    return [plan.row for plan in planned]


def _send_rows(
    sender: Sender,
    planned: list[Planned],
    ledger: SendLedger,
    options: BulkOptions,
    progress: Progress | None,
) -> Plan[None]:
    pace = _Pace(options.per_minute)
    failures = 0
    for number, plan in enumerate(planned):
        if plan.row.state is SendState.PLANNED:
            if failures >= options.max_failures:
                plan.tell(SendState.SKIPPED, problem=f"the {failures} rows before it failed", is_retry_safe=True)
            else:
                yield from _send_row(sender, plan, ledger, options, pace)
                failures = failures + 1 if plan.has_failed else failures if not plan.was_tried else 0
        if progress is not None:
            progress(number + 1, len(planned))


def _send_row(sender: Sender, plan: Planned, ledger: SendLedger, options: BulkOptions, pace: _Pace) -> Plan[None]:
    key = ledger.key(plan.recipient, plan.content)
    known = ledger.recall(key)
    if any(memory.of != len(plan.sends) for memory in known.values()):
        plan.tell(SendState.UNCERTAIN, problem="an earlier run cut this text into other parts → look into the chat")
        return
    results: list[SendState] = []
    was_sent = bool(known)
    for part, params in enumerate(plan.sends):
        memory = known.get(part)
        try:
            if memory is None or memory.may_be_sent:
                was_sent = False
                plan.was_tried = True
                yield from pace.wait()
                memory = Memory(key, part, len(plan.sends), ATTEMPTING)
                memory = yield from _send_part(sender, params, plan.chat_guid, ledger, memory, options)
            elif memory.state not in (SendState.OBSERVED, SendState.ACCEPTED):
                memory = yield from _settle_part(sender, params, ledger, memory)
        except SendError as error:
            state = SendState.REFUSED if isinstance(error, SendRefused) and not part else _state_of(error)
            plan.refuse(error, state)
            if part:
                plan.tell(state, is_retry_safe=error.retry_safe, problem=f"part {part + 1}: {plan.row.problem}")
            return
        results.append(SendState(memory.state))
        plan.row = msgspec.structs.replace(
            plan.row, guid=memory.guid, rowid=memory.rowid, chat_id=memory.chat_id or plan.row.chat_id
        )
    state = SendState.OBSERVED if set(results) == {SendState.OBSERVED} else SendState.ACCEPTED
    plan.tell(state, was_sent_before=was_sent, is_retry_safe=False)


def _state_of(error: SendError) -> SendState:
    return SendState.UNCERTAIN if isinstance(error, SendUncertain) else SendState.FAILED


def _send_part(
    sender: Sender,
    params: dict[str, Any],
    chat_guid: str | None,
    ledger: SendLedger,
    memory: Memory,
    options: BulkOptions,
) -> Plan[Memory]:
    def attempting(attempt: Attempt) -> None:
        nonlocal memory
        memory = msgspec.structs.replace(memory, before=attempt.before_rowid, attempt=attempt.attempt_id)
        ledger.note(memory)

    try:
        result = yield from sender.deliver(
            params,
            chat_guid=chat_guid,
            attempt_id=str(uuid.uuid4()),
            max_file_mb=options.send.max_file_mb,
            attempting=attempting,
        )
    except SendError as error:
        last = error.sent[-1] if error.sent else None
        is_safe = error.retry_safe or isinstance(error, SendRefused)
        guid = last.guid if isinstance(last, SendResult) else None
        ledger.note(msgspec.structs.replace(memory, state=str(_state_of(error)), safe=is_safe, guid=guid))
        raise
    memory = _with(memory, result)
    ledger.note(memory)
    return memory


def _with(memory: Memory, result: SendResult) -> Memory:
    return msgspec.structs.replace(
        memory, state=str(result.state), guid=result.guid, rowid=result.rowid, chat_id=result.chat_id, safe=False
    )


def _settle_part(sender: Sender, params: dict[str, Any], ledger: SendLedger, memory: Memory) -> Plan[Memory]:
    """Find out what became of a part that an earlier run may have sent; it is not sent again.

    Raises
    ------
    SendUncertain
        It cannot be found out.
    """
    if memory.state == SendState.FAILED:
        raise SendFailed("an earlier run could not send it", hint="look into the chat; it is not sent again")
    if memory.before is not None:
        # What an earlier run has looked for in vain is looked for once more only.
        result = yield from sender.settle(
            params,
            after_rowid=memory.before,
            attempt_id=memory.attempt,
            claimed=ledger.guids,
            for_s=None if memory.state == ATTEMPTING else 0.0,
        )
        if result is not None:
            memory = _with(memory, result)
            ledger.note(memory)
            return memory
    raise SendUncertain(
        "an earlier run was sending it when it ended" if memory.state == ATTEMPTING else "an earlier run left it open",
        hint="look into the chat; it is not sent again",
    )


class _Pace:
    """At most so many messages a minute, evenly."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval_s = 0.0 if per_minute is None else 60.0 / per_minute
        self._next: float | None = None

    def wait(self) -> Plan[None]:
        """Wait for the turn of the next message."""
        now = time.monotonic()
        while self._next is not None and now < self._next:
            yield Pause(min(self._next - now, _LONGEST_PAUSE_S))
            now = time.monotonic()
        self._next = now + self._interval_s


def rehearse(
    sender: Sender, rows: Sequence[Mapping[str, Any]], ledger: Any, options: BulkOptions
) -> Plan[list[SendRow]]:
    """Return what would be sent, without sending; a ledger that is there says what was sent before."""
    planned = yield from plan_many(sender, rows, options)
    if ledger is not None and os.path.exists(os.path.expanduser(ledger)):  # noqa: PTH110, PTH111 - a path as text
        with SendLedger(ledger) as memory:
            for plan in planned:
                known = memory.recall(memory.key(plan.recipient, plan.content)) if plan.sends else {}
                if plan.row.state is SendState.PLANNED and any(not part.may_be_sent for part in known.values()):
                    plan.tell(SendState.SKIPPED, was_sent_before=True, problem="an earlier run sent it, or may have")
    for plan in planned:
        if plan.row.state is SendState.PLANNED:
            try:
                yield from check_ability(sender, plan.sends, "")
            except SendRefused as error:
                plan.refuse(error)
    return [plan.row for plan in planned]


def carry_out(
    sender: Sender,
    rows: Sequence[Mapping[str, Any]],
    ledger: Any,
    options: BulkOptions,
    progress: Progress | None = None,
) -> Plan[list[SendRow]]:
    """Send a list; the ledger is held until the end."""
    with SendLedger(checked_ledger(ledger)) as memory:
        planned = yield from plan_many(sender, rows, options)
        return (yield from send_many(sender, planned, memory, options, progress))


def checked_ledger(ledger: Any) -> Any:
    """Return the path of a ledger, which a run that sends must have."""
    if ledger is None:
        raise UsageError(
            "a run that sends needs a ledger, a file that remembers who got what",
            hint="send_many(frame, dry_run=False, ledger='invitations.ledger'); once more, it goes on where it ended",
        )
    return ledger
