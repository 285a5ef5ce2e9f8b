"""Who is meant: handles, send targets and allow entries.

The grammar is that of the reference gateway.  Text is read, compared and redacted here and nowhere else.
No I/O in this file; a sender is never parsed as a target; ``phonenumbers`` is imported on first use.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from imsg_sdk.errors import AddressError
from imsg_sdk.text import SPACE, trim

__all__ = [
    "AllowEntry",
    "AllowKind",
    "Handle",
    "HandleKind",
    "Service",
    "Target",
    "TargetKind",
    "TargetLike",
    "checked_region",
    "format_chat_target",
    "is_allowed",
    "lookup_key",
    "normalize_handle",
    "parse_allow_entry",
    "parse_target",
    "same_person",
]

_SPACES = re.compile(f"[{SPACE}]+")
_PREFIX = re.compile(
    r"(?P<chat_id>chat_id:|chatid:|chat:)|(?P<chat_guid>chat_guid:|chatguid:|guid:)"
    r"|(?P<chat_identifier>chat_identifier:|chatidentifier:|chatident:)|(?P<group>group:)"
    r"|(?P<service>imessage:|sms:|auto:)",
    re.IGNORECASE | re.ASCII,
)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DIGIT = re.compile(r"[0-9]")
_NOT_DIALLED = re.compile(r"[^0-9+]")
_MAX_ROWID = 2**63 - 1
_SHORT_CODE_DIGITS = 6
_BETWEEN_ENTRIES = re.compile(r"[,;|\n]")


class Service(StrEnum):
    """How a message to a handle goes out."""

    IMESSAGE = "imessage"
    SMS = "sms"
    AUTO = "auto"


class HandleKind(StrEnum):
    """What a handle looks like."""

    PHONE = "phone"
    EMAIL = "email"
    SHORT_CODE = "short_code"
    BUSINESS = "business"
    OTHER = "other"


class TargetKind(StrEnum):
    """What a target names."""

    CHAT_ID = "chat_id"
    CHAT_GUID = "chat_guid"
    CHAT_IDENTIFIER = "chat_identifier"
    HANDLE = "handle"


class AllowKind(StrEnum):
    """What an allow entry lets in."""

    ANYONE = "anyone"
    CHAT_ID = "chat_id"
    CHAT_GUID = "chat_guid"
    CHAT_IDENTIFIER = "chat_identifier"
    HANDLE = "handle"


def _looks_like_phone(text: str) -> bool:
    """Tell whether `text` holds a digit and, beside digits, only what people write between them."""
    if not any("0" <= char <= "9" for char in text):
        return False
    return all("0" <= char <= "9" or char == "+" or _is_separator(char) for char in text)


def _is_separator(char: str) -> bool:
    # Spaces, punctuation and invisible marks: Contacts wraps copied numbers in U+202A … U+202C.
    return unicodedata.category(char) in ("Cc", "Cf") or unicodedata.category(char)[0] in "ZP"


def _without_service(text: str) -> str:
    text = trim(text)
    while (match := _PREFIX.match(text)) and match["service"]:
        text = trim(text[match.end() :])
    return text


def _as_word(text: str) -> str:
    """Return a handle that is no number, without its spaces and its case."""
    return _SPACES.sub("", _without_service(text)).casefold()


def normalize_handle(text: str) -> str:
    """Return the form in which two spellings of one handle are equal; for comparing, never for sending.

    Service prefixes go, however many.  An e-mail address is lower-cased.  Anything else with a digit in it
    counts as a number, as in the reference gateway: ``+`` and its digits, so that ``tel:+1 555`` and ``+1555;ext``
    are ``+1555``, without any knowledge of countries (:func:`lookup_key` has that).  A handle without digits
    loses its spaces and its case, so that two different names never meet.
    """
    return _normal_form(text)


@functools.lru_cache(maxsize=8192)
def _normal_form(text: str) -> str:
    text = _without_service(text)
    if "@" in text:
        return text.lower()
    if not _DIGIT.search(text):
        return _as_word(text)
    digits = _NOT_DIALLED.sub("", text)
    return digits if digits.startswith("+") else f"+{digits}"


class Handle(msgspec.Struct, frozen=True):
    """The address of a person: as written, as compared, and what it looks like.

    Two handles are equal when their normal forms are.  ``repr`` and ``str`` show the redacted form only.
    """

    raw: str

    @property
    def normalized(self) -> str:
        """Return the form used for comparing."""
        return normalize_handle(self.raw)

    @property
    def kind(self) -> HandleKind:
        """Return what the handle looks like."""
        text = self.normalized
        if "@" in text:
            return HandleKind.EMAIL
        word = _as_word(self.raw)
        if word.startswith("urn:biz:"):
            return HandleKind.BUSINESS
        if not _looks_like_phone(word.removeprefix("whatsapp:").removeprefix("tel:")):
            return HandleKind.OTHER
        is_short = len(text) - 1 <= _SHORT_CODE_DIGITS and "+" not in self.raw
        return HandleKind.SHORT_CODE if is_short else HandleKind.PHONE

    @property
    def redacted(self) -> str:
        """Return a form for logs and errors: enough to recognise one's own friends, too little to reach anybody."""
        text = self.normalized
        match self.kind:
            case HandleKind.EMAIL:
                domain = text.rpartition("@")[2]
                return f"{text[:1]}…@…{domain[domain.rfind('.') :] if '.' in domain else ''}"
            case HandleKind.PHONE:
                return f"{text[:3]}…{text[-2:]}" if len(text) > 8 else f"{text[:2]}…"
            case HandleKind.BUSINESS:
                return "urn:biz:…"
            case HandleKind.OTHER:
                return f"{_as_word(self.raw)[:2]}…"
        return f"{text[:2]}…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and self.normalized == other.normalized

    def __hash__(self) -> int:
        return hash(self.normalized)

    def __repr__(self) -> str:
        return f"<Handle {self.redacted}>"

    def __str__(self) -> str:
        return self.redacted


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes: exactly one of a chat id, a chat guid, a chat identifier or a handle.

    ``handle`` is kept exactly as written, since it is what gets dialled.  ``service`` belongs to handles; it is
    None where the writer named none, so that a configured default can apply.
    """

    chat_id: int | None = None
    chat_guid: str | None = None
    chat_identifier: str | None = None
    handle: str | None = None
    service: Service | None = None

    def __post_init__(self) -> None:
        named = [
            value for value in (self.chat_id, self.chat_guid, self.chat_identifier, self.handle) if value is not None
        ]
        if len(named) != 1:
            raise AddressError(
                f"a target names one chat or one handle, not {len(named)}",
                hint="give exactly one of chat_id, chat_guid, chat_identifier and handle",
            )
        if self.service is not None and self.handle is None:
            raise AddressError(
                "a service goes with a handle, not with a chat", hint="leave service out: a chat has its own"
            )

    @property
    def kind(self) -> TargetKind:
        """Return what the target names."""
        if self.chat_id is not None:
            return TargetKind.CHAT_ID
        if self.chat_guid is not None:
            return TargetKind.CHAT_GUID
        return TargetKind.CHAT_IDENTIFIER if self.chat_identifier is not None else TargetKind.HANDLE

    @property
    def redacted(self) -> str:
        """Return a form for logs and errors."""
        if self.chat_id is not None:
            return f"chat_id:{self.chat_id}"
        if self.handle is not None:
            prefix = f"{self.service}:" if self.service is not None else ""
            return prefix + Handle(self.handle).redacted
        return f"{self.kind}:…"  # guids and identifiers of direct chats hold the handle

    def to_text(self) -> str:
        """Return the target in the grammar that :func:`parse_target` reads."""
        if self.handle is not None:
            return f"{self.service}:{self.handle}" if self.service is not None else self.handle
        return f"{self.kind}:{getattr(self, self.kind)}"

    def __repr__(self) -> str:
        return f"<Target {self.redacted}>"

    def __str__(self) -> str:
        return self.redacted


TargetLike = int | str | Handle | Target


def parse_target(value: TargetLike) -> Target:
    """Read a target: a chat id, text in the grammar, a handle, or a target as it is.

    The grammar is ``chat_id:7``, ``chat_guid:…``, ``chat_identifier:…``, ``group:…`` (a chat id, else a guid),
    ``imessage:``, ``sms:`` or ``auto:`` before a handle, or a bare handle.  Prefixes are read in any case.

    Raises
    ------
    AddressError
        Blank, or a prefix without a usable value.
    """
    if isinstance(value, Target):
        return value
    if isinstance(value, Handle):
        return Target(handle=_required(trim(value.raw), "iMessage target is required"))
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise AddressError(f"a target is an int, text, a Handle or a Target, not {type(value).__name__}")
    if isinstance(value, int):
        return _chat_id_target(str(value))
    return _parse_target_text(trim(value))


def _parse_target_text(text: str) -> Target:
    _required(text, "iMessage target is required")
    match = _PREFIX.match(text)
    if match is None:
        return Target(handle=text)
    rest = trim(text[match.end() :])
    match match.lastgroup:
        case "chat_id":
            return _chat_id_target(rest)
        case "chat_guid":
            return Target(chat_guid=_required(rest, "chat_guid is required"))
        case "chat_identifier":
            return Target(chat_identifier=_required(rest, "chat_identifier is required"))
        case "group":
            _required(rest, "group target is required")
            return _chat_id_target(rest) if _INTEGER.match(rest) else Target(chat_guid=rest)
    prefix = match[0].lower()
    _required(rest, f"{prefix} target is required")
    inner = _PREFIX.match(rest)
    if inner and inner.lastgroup != "service":
        return _parse_target_text(rest)  # a chat has its own service
    return Target(handle=rest, service=Service(prefix[:-1]))


def _required(value: str, message: str) -> str:
    if not value:
        raise AddressError(message, hint="write chat_id:7, chat_guid:…, chat_identifier:… or a phone number or e-mail")
    return value


def _chat_id_target(value: str) -> Target:
    number = _read_rowid(value)
    if number is None:
        raise AddressError(f"Invalid chat_id: {value[:60]}", hint="a chat_id is a whole number; chats() lists them")
    return Target(chat_id=number)


def _read_rowid(value: str) -> int | None:
    match = _INTEGER.match(value)
    if match is None or len(match[0]) > 40:  # int() of endless digits is slow, and none is a row id
        return None
    number = int(match[0])
    return number if abs(number) <= _MAX_ROWID else None


def format_chat_target(chat_id: float | None) -> str:
    """Return ``chat_id:<n>``, or an empty text where there is no such chat (None, 0, NaN, infinity)."""
    if chat_id is None or not chat_id or not math.isfinite(chat_id):
        return ""
    return f"chat_id:{_number_text(chat_id)}"


def _number_text(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return re.sub(r"e([+-])0+", r"e\1", str(value))


class AllowEntry(msgspec.Struct, frozen=True):
    """One entry of an allow list, read once.  ``value`` is an int for chat ids, a normal form for handles."""

    kind: AllowKind
    value: int | str

    @property
    def redacted(self) -> str:
        """Return a form for logs and tables."""
        match self.kind:
            case AllowKind.ANYONE:
                return "*"
            case AllowKind.CHAT_ID:
                return f"chat_id:{self.value}"
            case AllowKind.HANDLE:
                return Handle(str(self.value)).redacted
        return f"{self.kind}:…"

    def __repr__(self) -> str:
        return f"<AllowEntry {self.redacted}>"


def parse_allow_entry(entry: str | float) -> AllowEntry:
    """Read one entry of an allow list.  A bare number is a phone number, never a chat id.

    Raises
    ------
    AddressError
        Blank, a chat prefix without a usable value, several people in one entry, or a domain without a name:
        such an entry would let nobody in, or the wrong one.
    """
    if isinstance(entry, bool) or not isinstance(entry, str | int | float):
        raise AddressError(f"an allow entry is text or a number, not {type(entry).__name__}")
    text = trim(entry if isinstance(entry, str) else _number_text(entry))
    if text == "*":
        return AllowEntry(AllowKind.ANYONE, "*")
    rest = _without_service(text)
    if not rest:
        shown = f"the entry {text[:60]!r}" if text else "a blank entry"
        raise AddressError(f"{shown} names nobody", hint="remove it, or write a phone number, an e-mail or chat_id:7")
    match = _PREFIX.match(rest)
    if match is None:
        return AllowEntry(AllowKind.HANDLE, normalize_handle(_one_handle(rest)))
    value = trim(rest[match.end() :])
    kind = match.lastgroup
    number = _read_rowid(value)
    if kind in ("chat_id", "group") and number is not None:
        return AllowEntry(AllowKind.CHAT_ID, number)
    if kind != "chat_id" and value:
        return AllowEntry(AllowKind.CHAT_GUID if kind == "group" else AllowKind(str(kind)), value)
    raise AddressError(
        f"the entry {text[:60]!r} names no chat",
        hint="write chat_id: and a whole number, or chat_guid: or chat_identifier: and the chat's own",
    )


def _one_handle(text: str) -> str:
    parts = [trim(part) for part in _BETWEEN_ENTRIES.split(text)]
    if sum("@" in part or len(_DIGIT.findall(part)) > _SHORT_CODE_DIGITS for part in parts) > 1:
        raise AddressError("an entry names several people", hint="make each of them an entry of its own")
    if "@" in text and not all(text.rpartition("@")[::2]):
        raise AddressError(
            f"the entry {text[:60]!r} names nobody: half of an e-mail address", hint="write the whole address"
        )
    return text


def is_allowed(
    entries: Iterable[AllowEntry],
    *,
    sender: str,
    chat_id: int | None = None,
    chat_guid: str | None = None,
    chat_identifier: str | None = None,
) -> bool:
    """Tell whether any entry lets in a message of `sender` in this chat.  No entries let nobody in."""
    handle = normalize_handle(sender)
    guid = trim(chat_guid or "")
    identifier = trim(chat_identifier or "")
    for entry in entries:
        match entry.kind:
            case AllowKind.ANYONE:
                return True
            case AllowKind.CHAT_ID:
                hit = chat_id is not None and entry.value == chat_id
            case AllowKind.CHAT_GUID:
                hit = bool(guid) and entry.value == guid
            case AllowKind.CHAT_IDENTIFIER:
                hit = bool(identifier) and entry.value == identifier
            case AllowKind.HANDLE:
                hit = bool(handle) and entry.value == handle
        if hit:
            return True
    return False


def checked_region(region: str) -> str:
    """Return a country in the spelling of the standard.

    Raises
    ------
    AddressError
        `region` is no country that has phone numbers.
    """
    name = region.strip().upper() if isinstance(region, str) else ""
    if name != "US":  # spares almost everyone the import
        import phonenumbers

        if name not in phonenumbers.SUPPORTED_REGIONS:
            raise AddressError(f"unknown region {str(region)[:20]!r}", hint="write two letters, such as US, GB or DE")
    return name


def lookup_key(handle: str, *, region: str = "US") -> str:
    """Return a key that is equal for all spellings of one number, national ones of `region` included.

    Parameters
    ----------
    handle
        A phone number or any other handle, as written.
    region
        Two-letter country that a number without a country code belongs to.

    Returns
    -------
    str
        E.164 where `handle` can be a phone number, the normal form of :func:`normalize_handle` for short codes
        and e-mail addresses; else the handle without its spaces and its case.

    Raises
    ------
    AddressError
        `region` is no country that has phone numbers.
    """
    import phonenumbers

    region = checked_region(region)
    kind = Handle(handle).kind
    # A word with digits is a number only to the gateway: BOB2 is not the short code 2.
    plain = _as_word(handle) if kind in (HandleKind.BUSINESS, HandleKind.OTHER) else normalize_handle(handle)
    if kind in (HandleKind.EMAIL, HandleKind.SHORT_CODE, HandleKind.BUSINESS):
        return plain
    # As written: the normal form puts a + before national numbers too, and drops what "(0)" tells.
    written = "".join(char for char in _without_service(handle) if unicodedata.category(char) != "Cf")
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return plain
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return plain
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def same_person(one: str, other: str, *, region: str = "US") -> bool:
    """Tell whether two handles reach the same person, phone numbers read with `region`."""
    return lookup_key(one, region=region) == lookup_key(other, region=region)
