"""What goes out: texts and files, checked before anything is sent.

A text is cut into messages by the rules of the gateway; a file is a message of its own.  Looks at files, sends
nothing.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from typing import Any, Final

from imsg_sdk.errors import SendRefused

__all__ = ["MAX_FILE_MB", "check_file", "check_params", "check_text", "cut", "for_all"]

MAX_FILE_MB: Final = 16.0
"""What ``mediaMaxMb`` is where nothing is set."""

_MB = 1024 * 1024
_LOOKS_BLANK = frozenset("\u2800\u3164\uffa0\ufffc")
_INVISIBLE = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
_TARGETS = ("to", "chat_id", "chat_guid", "chat_identifier")
_TEXT_KEYS = frozenset((*_TARGETS[:1], *_TARGETS[2:], "text", "file", "service", "region", "transport", "reply_to"))
_LONGEST_NAME_BYTES = 255


def check_text(text: object, *, target: str = "") -> str:
    """Return `text` if it is a text that shows something.

    Raises
    ------
    SendRefused
        It is something else, blank, or holds what cannot be sent.
    """
    if not isinstance(text, str):
        raise SendRefused(f"the text is {_kind(text)}, not text", target=target, hint="give a str")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise SendRefused(
            "the text holds a character that cannot be sent", target=target, hint="no NUL, no half of a surrogate pair"
        )
    if all(char in _LOOKS_BLANK or unicodedata.category(char) in _INVISIBLE for char in text):
        raise SendRefused("the text is blank", target=target, hint="give at least one character that can be seen")
    return str(text)


def cut(text: str, *, limit: int, mode: str) -> list[str]:
    """Return the messages that a text goes out as."""
    if text.isascii() and len(text) <= limit and mode != "newline":
        return [text]
    from imsg_sdk.chunking import chunk  # brings `regex`, which short texts do without

    return [piece for piece in chunk(text, limit, mode) if piece.strip()]


def check_file(file: object, *, max_mb: float = MAX_FILE_MB, host: str | None = None) -> str:
    """Return the whole path of a file if it can be sent.

    Raises
    ------
    SendRefused
        There is none, it is not a regular file, it is empty or too big, or has a name that Messages cannot show.
    """
    if not isinstance(file, str | os.PathLike) or isinstance(file, bytes):
        raise _refused(f"the file is {_kind(file)}, not a path", "give text or a Path")
    path = os.fspath(file)
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise _refused("the path of the file is empty or cannot be one", "give the path of a file")
    if "://" in path and not path.startswith("file://"):
        raise _refused("the file is an address on the net, not a path", "download it first")
    if host is not None:
        raise _refused(
            "Messages runs on another machine, where this file is not",
            "copy it there, then send its path with client.call('send', …)",
        )
    path = os.path.realpath(os.path.expanduser(path.removeprefix("file://")))  # noqa: PTH111 - text in, text out
    size = _size(path)
    if size > max_mb * _MB:
        raise _refused(
            f"the file is too big: {size / _MB:.2f} MB, at most {max_mb:g} MB",
            "send a link, or raise mediaMaxMb in the settings",
        )
    _check_name(path)
    return path


def _refused(text: str, hint: str) -> SendRefused:
    return SendRefused(text, hint=hint)


def _size(path: str) -> int:
    try:
        status = os.stat(path)  # noqa: PTH116 - a path is text here
    except OSError as error:
        raise _refused(f"there is no file at that path: {error.strerror}", "check the path") from None
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        raise _refused(
            "the path is a folder" if is_folder else "the path is no regular file",
            "pack it into a .zip first" if is_folder else "copy its content into a file",
        )
    if not os.access(path, os.R_OK):
        raise _refused("the file cannot be read", "check its permissions")
    if status.st_size == 0:
        raise _refused("the file is empty", "Messages sends no empty files")
    return status.st_size


def _check_name(path: str) -> None:
    name = os.path.basename(path)  # noqa: PTH119
    if ":" in name or any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise _refused("the name of the file holds a character that Messages does not take", "rename the file")
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME_BYTES:
        raise _refused("the name of the file is too long", "rename the file")


def check_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the params of one ``send`` if they name one target and hold something to send.

    Raises
    ------
    SendRefused
        They do not.
    """
    given = [key for key in _TARGETS if params.get(key) is not None]
    if len(given) != 1:
        raise SendRefused(f"a send names {len(given)} targets", hint=f"give one of {', '.join(_TARGETS)}")
    chat_id = params.get("chat_id")
    if chat_id is not None and (type(chat_id) is not int or not 0 < chat_id < 2**63):
        raise SendRefused("chat_id of a send is no chat id", hint="it is a whole number above 0")
    for key in _TEXT_KEYS & params.keys():
        if not isinstance(params[key], str):
            raise SendRefused(f"{key} of a send is {_kind(params[key])}, not text", hint="leave out what is not given")
    if not params.get(given[0]):
        raise SendRefused(f"{given[0]} of a send is empty", hint="name the target")
    kept = {key: value for key, value in params.items() if value is not None and not (key == "file" and value == "")}
    if "text" in kept and ("file" not in kept or kept["text"]):
        kept["text"] = check_text(kept["text"])
    if "text" not in kept and "file" not in kept:
        raise SendRefused("a send holds neither text nor file", hint="give one of them")
    if not kept.get("text"):
        kept.pop("text", None)
    return kept


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def for_all(params: dict[str, Any], target: str) -> dict[str, Any]:
    """Return the params of a ``send`` to several people whom AppleScript would take for one: by the bridge only.

    Raises
    ------
    SendRefused
        AppleScript is asked for.
    """
    if params.get("transport") == "applescript":
        raise SendRefused(
            "by AppleScript only one of the people in this thread would get it",
            target=target,
            hint="leave transport out; such a thread needs the bridge",
        )
    return {**params, "transport": "bridge"}
