"""The table of keys: every setting, its names, how it is read and what it means.

Reading, ``describe()`` and the documentation are made from :data:`KEYS`.  A reader takes a value and the path it
stands at and gives the value for the field, or raises :class:`ConfigError` naming that path.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from imsg_sdk.addressing import AllowEntry, Service, checked_region, parse_allow_entry
from imsg_sdk.config.settings import (
    ChunkMode,
    DmPolicy,
    Durability,
    GroupConfig,
    GroupPolicy,
    ReactionMode,
    SendTransport,
    SessionScope,
)
from imsg_sdk.errors import AddressError, ConfigError

Reader = Callable[[Any, str], Any]


def _wrong(path: str, expected: str, value: object) -> ConfigError:
    got = {dict: "an object", list: "a list", str: "text", type(None): "null"}.get(type(value), str(value).lower())
    return ConfigError(f"{path} must be {expected}, not {got}", path=path, hint=f"write {expected} or leave {path} out")


def _flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "true or false", value)
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, "text", value)
    return value


def _filled_or(default: str | None) -> Reader:
    """Read trimmed text; blank counts as not given."""
    return lambda value, path: _text(value, path).strip() or default


def _region(value: Any, path: str) -> str:
    """Read a country that there is; it stays as written, since that is what the reference sends on."""
    text = _text(value, path).strip() or "US"
    try:
        checked_region(text)
        return text
    except AddressError as error:
        raise ConfigError(f"{path}: {error.message}", path=path, hint=error.hint) from None


def _db_path(value: Any, path: str) -> str | None:
    text = _text(os.fspath(value) if isinstance(value, os.PathLike) else value, path).strip()
    return text or None


def _number(expected: str, accepts: Callable[[float], bool], scale: float = 1) -> Reader:
    def read(value: Any, path: str) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not accepts(value):
            raise _wrong(path, expected, value)
        return float(value) * scale if scale != 1 else value

    return read


_positive = _number("a number above 0", lambda value: value > 0)
_from_zero = _number("a number from 0 on", lambda value: value >= 0)


def _whole(expected: str, least: int, most: int | None = None) -> Reader:
    def read(value: Any, path: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise _wrong(path, expected, value)
        return value if most is None else min(value, most)

    return read


def _no_choice(path: str, names: list[str], value: object) -> ConfigError:
    error = _wrong(path, " or ".join(f'"{name}"' for name in names), value)
    if not isinstance(value, str):
        return error
    near = nearest(value, names)
    message = f"{error.message.removesuffix('text')}{value[:40]!r}"
    hint = error.hint if near is None else f'did you mean "{near}"?'
    return ConfigError(message, path=path, suggestion=near, hint=hint)


def _choice(kind: type[StrEnum]) -> Reader:
    names = [str(member) for member in kind]

    def read(value: Any, path: str) -> StrEnum:
        if not isinstance(value, str) or value not in names:
            raise _no_choice(path, names, value)
        return kind(value)

    return read


def _allow_list(value: Any, path: str) -> tuple[AllowEntry, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(path, "a list of handles and chats", value)
    entries = []
    for index, entry in enumerate(value):
        try:
            entries.append(parse_allow_entry(entry))
        except AddressError as error:
            place = f"{path}[{index}]"
            raise ConfigError(f"{place}: {error.message}", path=place, hint=error.hint) from None
    return tuple(entries)


def _texts(value: Any, path: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(path, "a list of texts", value)
    return tuple(_text(entry, f"{path}[{index}]") for index, entry in enumerate(value))


def _roots(value: Any, path: str) -> tuple[str, ...]:
    roots = _texts(value, path)
    for index, root in enumerate(roots):
        if not root.startswith("/"):
            raise _wrong(f"{path}[{index}]", "an absolute path", root)
    return roots


_HOST = re.compile(r"(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?(?:[A-Za-z0-9._][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])")


def _host(value: Any, path: str) -> str:
    if not _HOST.fullmatch(_text(value, path)):
        raise _wrong(path, "host or user@host", value)
    return str(value)


_PASSED_ON = frozenset({"systemPrompt", "tools", "toolsBySender"})


def _groups(value: Any, path: str) -> dict[str, GroupConfig]:
    groups = {}
    for name, settings in read_object(value, path).items():
        place = f"{path}.{name}"
        extra = dict(read_object(settings, place))
        for key in extra:
            if key != "requireMention" and key not in _PASSED_ON:
                raise unknown_key(place, key, ["requireMention", *_PASSED_ON])
        mention = extra.pop("requireMention", None) if "requireMention" in extra else ...
        require = None if mention is ... else _flag(mention, f"{place}.requireMention")
        groups[str(name)] = GroupConfig(require_mention=require, extra=extra)
    return groups


def read_object(value: Any, path: str) -> Mapping[str, Any]:
    """Read an object of any names."""
    if not isinstance(value, Mapping):
        raise _wrong(path, "an object", value)
    return value


def unknown_key(parent: str, name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a name that does not exist in the object at `parent`."""
    path = f"{parent}.{name}" if parent else name
    names = sorted(known)
    suggestion = nearest(name, names)
    hint = f"did you mean {suggestion}?" if suggestion else f"known here: {', '.join(names)}"
    return ConfigError(f"unknown key {path}", path=path, suggestion=suggestion, hint=hint)


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be."""
    import difflib  # only a mistake needs it

    by_folded = {_folded(each): each for each in known}
    close = difflib.get_close_matches(_folded(name), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


class Key(msgspec.Struct, frozen=True):
    """One setting: field and keyword, name in the file, reader, meaning.

    ``instead`` are other places in the file, read in this order after the first.  ``keyword`` reads the keyword where
    that has another unit than the file.
    """

    field: str
    file: str
    read: Reader
    doc: str
    instead: tuple[str, ...] = ()
    keyword: Reader | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Return where the file may say it, the first that does wins."""
        return (self.file, *self.instead) if self.file else ()

    def take(self, value: Any, path: str) -> Any:
        """Read the value of a keyword."""
        return (self.keyword or self.read)(value, path)

    @property
    def name(self) -> str:
        """Return the name to show: that in the file, or the keyword where the file has none."""
        return self.file or self.field


KEYS: Final[tuple[Key, ...]] = (
    Key("cli_path", "imessage.cliPath", _filled_or("imsg"), "Program to start; a name on PATH or a path."),
    Key("db_path", "imessage.dbPath", _db_path, "Messages database, instead of the program's own choice."),
    Key("region", "imessage.region", _region, "Country that numbers without a country code belong to."),
    Key("service", "imessage.service", _choice(Service), "How a handle written without a service is reached."),
    Key("remote_host", "imessage.remoteHost", _host, "Mac that runs the program, as host or user@host."),
    Key(
        "startup_timeout_s",
        "imessage.probeTimeoutMs",
        _number("a number above 0", lambda value: value > 0, 0.001),
        "Longest wait for the first answer; milliseconds in the file, seconds as keyword.",
        keyword=_positive,
    ),
    Key("read_timeout_s", "", _positive, "Longest wait for one answer, in seconds."),
    Key("send_timeout_s", "", _positive, "Longest wait for the answer to a send or an action, in seconds."),
    Key("settle_timeout_s", "", _positive, "Longest look for a message whose sending was not confirmed, in seconds."),
    Key("close_timeout_s", "", _positive, "Longest wait for the program to end by itself, in seconds."),
    Key("max_line_bytes", "", _whole("a whole number above 0", 1), "Longest line taken from the program."),
    Key("enabled", "imessage.enabled", _flag, "Off only when false."),
    Key("name", "imessage.name", _text, "Label of the account."),
    Key("dm_policy", "imessage.dmPolicy", _choice(DmPolicy), "Who is answered in direct messages."),
    Key("allow_from", "imessage.allowFrom", _allow_list, 'People and chats that are answered; "*" is everyone.'),
    Key("group_policy", "imessage.groupPolicy", _choice(GroupPolicy), "Who is answered in groups."),
    Key(
        "group_allow_from",
        "imessage.groupAllowFrom",
        _allow_list,
        "People and chats that are answered in groups; not set: those of allowFrom, without its *.",
    ),
    Key("groups", "imessage.groups", _groups, "Groups that are answered, by chat id or *, and their requireMention."),
    Key(
        "mention_patterns",
        "messages.groupChat.mentionPatterns",
        _texts,
        "Regular expressions that count as being addressed in a group.",
        ("routing.groupChat.mentionPatterns",),
    ),
    Key("identity_name", "identity.name", _text, "Name that counts as a mention where no patterns are set."),
    Key("include_attachments", "imessage.includeAttachments", _flag, "Give handlers the attachments."),
    Key("media_max_mb", "imessage.mediaMaxMb", _positive, "Largest file that is sent, in MiB."),
    Key("attachment_roots", "imessage.attachmentRoots", _roots, "Folders that attachments may lie in."),
    Key("remote_attachment_roots", "imessage.remoteAttachmentRoots", _roots, "The same, on the remote Mac."),
    Key(
        "text_chunk_limit", "imessage.textChunkLimit", _whole("a whole number above 0", 1), "Longest text sent at once."
    ),
    Key(
        "chunk_mode",
        "imessage.chunkMode",
        _choice(ChunkMode),
        "Where longer texts are cut.",
        ("imessage.streaming.chunkMode",),
    ),
    Key(
        "response_prefix",
        "imessage.responsePrefix",
        _text,
        "Put before every reply.",
        ("messages.responsePrefix",),
    ),
    Key(
        "history_limit",
        "imessage.historyLimit",
        _whole("a whole number from 0 on", 0, 200),
        "Unanswered group messages given along as context; 200 at most.",
        ("messages.groupChat.historyLimit",),
    ),
    Key("reaction_notifications", "imessage.reactionNotifications", _choice(ReactionMode), "Tapbacks reported."),
    Key(
        "send_transport",
        "imessage.sendTransport",
        _choice(SendTransport),
        "How the program sends, where it can choose.",
    ),
    Key("send_read_receipts", "imessage.sendReadReceipts", _flag, "Mark accepted chats read, where that is possible."),
    Key(
        "debounce_ms",
        "messages.inbound.byChannel.imessage",
        _whole("a whole number of milliseconds from 0 on", 0),
        "Wait for more of the same person before answering; 0 is off.",
        ("messages.inbound.debounceMs",),
    ),
    Key("session_scope", "session.scope", _choice(SessionScope), "One conversation per sender, or one for all."),
    Key("use_access_groups", "commands.useAccessGroups", _flag, "Control commands only from people who are listed."),
    Key("send_typing", "imessage.sendTyping", _flag, "Show that an answer is being written, where that is possible."),
    Key(
        "handler_timeout_s",
        "imessage.limits.handlerTimeoutSeconds",
        _positive,
        "Longest run of a handler over one message, in seconds; what it said before is sent.",
    ),
    Key(
        "handler_threads",
        "imessage.limits.handlerThreads",
        _whole("a whole number above 0", 1, 256),
        "Handlers written with def that run at once; 256 at most.",
    ),
    Key(
        "queued_messages",
        "imessage.limits.queuedMessages",
        _whole("a whole number above 0", 1),
        "Messages waiting for handlers, in all chats, before no more are read.",
    ),
    Key(
        "queued_per_chat",
        "imessage.limits.queuedPerChat",
        _whole("a whole number above 0", 1),
        "Messages of one chat waiting for handlers; more are dropped as rate_limited.",
    ),
    Key(
        "burst",
        "imessage.limits.burst",
        _whole("a whole number from 0 on", 0),
        "Messages of one chat answered at once before the rate counts; 0 sets no limit.",
    ),
    Key(
        "per_minute", "imessage.limits.perMinute", _from_zero, "Messages of one chat answered in a minute, after that."
    ),
    Key(
        "loop_echoes",
        "imessage.limits.loopEchoes",
        _whole("a whole number above 0", 1),
        "Echoes within a minute that stop the answers in a chat.",
    ),
    Key("max_age_s", "imessage.limits.maxAgeSeconds", _positive, "Oldest message that is answered, in seconds."),
    Key(
        "max_replayed_age_s",
        "imessage.limits.maxReplayedAgeSeconds",
        _positive,
        "The same for messages made up for after a pause, and for replies left over from before it.",
    ),
    Key(
        "keep_text_days",
        "imessage.limits.keepTextDays",
        _from_zero,
        "How long the journal keeps handled texts, in days.",
    ),
    Key(
        "durability", "imessage.durability", _choice(Durability), "What the journal survives: full includes power loss."
    ),
)
"""Every setting there is, in the order of :meth:`Config.describe`."""

IGNORED: Final = frozenset(
    f"imessage.{name}"
    for name in (
        "actions", "blockStreaming", "capabilities", "catchup", "configWrites", "contextVisibility", "defaultTo",
        "dmHistoryLimit", "dms", "healthMonitor", "heartbeat", "markdown", "streaming.block",
    )
) | {
    "routing.groupChat.historyLimit", "routing.groupChat.requireMention", "routing.queue",
    "messages.messagePrefix", "messages.ackReaction", "messages.ackReactionScope",
    "session.mainKey", "session.store", "session.resetTriggers", "session.dmScope", "session.groupScope",
}  # fmt: skip
"""Keys of the reference that load and do nothing here."""
