"""From what a handler returns to the ``send`` requests it means, in order.

The target is that of the message being answered; nothing a handler returns can change it.  Media stays a path or an
address here: fetching and measuring it is the delivery's business.  Pure.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from imsg_sdk.addressing import Service, Target
from imsg_sdk.chunking import DEFAULT_LIMIT, chunk
from imsg_sdk.config.settings import ChunkMode, ClientConfig, GatewayConfig, SendTransport
from imsg_sdk.errors import HandlerError
from imsg_sdk.text import collapse, trim, trim_end, trim_start

__all__ = ["MOST_REPLIES", "Reply", "ReplySettings", "normalize_reply", "plan_replies", "plan_reply", "read_replies"]

NO_REPLY: Final = "NO_REPLY"
HEARTBEAT: Final = "HEARTBEAT_OK"
MOST_REPLIES: Final = 100
"""Replies to one message; a handler that goes on and on is stopped there."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: a text, files, or both; the first file carries the text as its caption."""

    text: str = ""
    media: tuple[str, ...] = ()
    """Paths or addresses."""
    has_media: bool = False
    """Media was meant, even if a list without entries hides it."""

    def __repr__(self) -> str:
        return f"<Reply, {len(self.text)} characters, {len(self.media)} files>"


class ReplySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What shapes the answers of one gateway."""

    prefix: str = ""
    chunk_limit: int = DEFAULT_LIMIT
    chunk_mode: ChunkMode = ChunkMode.LENGTH
    service: Service = Service.AUTO
    region: str = "US"
    transport: SendTransport | None = None

    @classmethod
    def from_config(cls, gateway: GatewayConfig, client: ClientConfig | None = None) -> ReplySettings:
        """Take them from the settings."""
        client = client or ClientConfig()
        return cls(
            prefix=gateway.response_prefix or "",
            chunk_limit=gateway.text_chunk_limit,
            chunk_mode=gateway.chunk_mode,
            service=client.service,
            region=client.region,
            transport=gateway.send_transport,
        )


def read_replies(result: object) -> Iterator[Reply]:
    """Read what a handler returned: nothing, a text, a path, a payload object, a :class:`Reply`, or several.

    A payload object has the keys ``text``, ``mediaUrl`` and ``mediaUrls``; others mean nothing.  A list of media,
    even an empty one, hides a single one.

    Raises
    ------
    HandlerError
        It is something else, or cannot be written down; the text names its type.
    """
    match result:
        case None:
            return
        case str():
            yield _checked(Reply(text=result))
        case Reply():
            yield _checked(result)
        case os.PathLike():
            yield _checked(Reply(media=(os.fspath(result),), has_media=True))
        case Mapping():
            yield _checked(_read_payload(result))
        case list() | tuple():
            for each in result:
                yield from read_replies(each)
        case _:
            raise HandlerError(
                f"a handler returned {type(result).__name__}",
                hint="return None, text, a path, a Reply, a payload object such as {'text': …}, or a list of these",
            )


def _checked(reply: Reply) -> Reply:
    """Return a reply that holds what it should: behind this, nothing may fail because of what a handler gave."""
    text, media = reply.text, reply.media
    if not isinstance(text, str):
        raise HandlerError(f"the text of a reply is {type(text).__name__}", hint="give a str")
    if not isinstance(media, list | tuple) or not all(isinstance(each, str) for each in media):
        raise HandlerError("the media of a reply are not texts", hint="give paths or addresses as str")
    try:
        "".join((text, *media)).encode()
    except UnicodeEncodeError:
        raise HandlerError(
            "a reply holds half of a character", hint="text.encode('utf-8', 'replace').decode() makes it whole"
        ) from None
    return reply


def _read_payload(payload: Mapping[str, Any]) -> Reply:
    text, single, several = payload.get("text"), payload.get("mediaUrl"), payload.get("mediaUrls")
    if not isinstance(text, str | None) or not isinstance(single, str | None):
        raise HandlerError("text or mediaUrl of a reply is not text", hint="leave the key out where there is none")
    if several is not None and not (
        isinstance(several, list | tuple) and all(isinstance(each, str) for each in several)
    ):
        raise HandlerError("mediaUrls of a reply is not a list of texts", hint="leave the key out where there is none")
    media = tuple(several) if several is not None else (single,) if single else ()
    return Reply(text=text or "", media=media, has_media=bool(single or several))


def normalize_reply(reply: Reply, prefix: str = "") -> Reply | None:
    """Return the reply as it is delivered, None where nothing is to be sent.

    The tokens ``NO_REPLY`` and ``HEARTBEAT_OK`` are how agents say nothing.
    """
    has_media = reply.has_media or bool(reply.media)
    text = reply.text
    if not has_media and trim(text) in ("", NO_REPLY):
        return None
    if not trim(text):
        text = ""
    if HEARTBEAT in text:
        text = _without_heartbeat(text)
        if not text and not has_media:
            return None
    if prefix and text and not text.startswith(prefix):
        text = f"{prefix} {text}"
    return msgspec.structs.replace(reply, text=text)


def _without_heartbeat(text: str) -> str:
    text = trim(text)
    stripped = False
    while text.startswith(HEARTBEAT) or text.endswith(HEARTBEAT):
        stripped = True
        text = (
            trim_start(text.removeprefix(HEARTBEAT))
            if text.startswith(HEARTBEAT)
            else trim_end(text.removesuffix(HEARTBEAT))
        )
    return collapse(text) if stripped else text


def plan_replies(replies: Iterable[Reply], target: Target, settings: ReplySettings) -> list[list[dict[str, Any]]]:
    """Return, for each reply that is to be sent at all, the parameters of its ``send`` requests in order.

    If one send of a reply fails, the rest of that reply is not sent; the next reply is.
    """
    plans = []
    for reply in replies:
        normal = normalize_reply(reply, settings.prefix)
        if normal is not None and (plan := plan_reply(normal, target, settings)):
            plans.append(plan)
    return plans


def plan_reply(reply: Reply, target: Target, settings: ReplySettings) -> list[dict[str, Any]]:
    """Return the parameters of the ``send`` requests of one normalised reply.

    A text is cut into chunks, a caption is not.  Each file is a send of its own; only the first has the caption.
    """
    if not reply.media:
        pieces = chunk(reply.text, settings.chunk_limit, settings.chunk_mode)
        return [_send(target, settings, text=piece) for piece in pieces if trim(piece)]
    sends = []
    for index, media in enumerate(reply.media):
        file = trim(media).removeprefix("file://")
        caption = reply.text if index == 0 else ""
        if file or trim(caption):
            sends.append(_send(target, settings, text=caption, file=file))
    return sends


def _send(target: Target, settings: ReplySettings, *, text: str = "", file: str = "") -> dict[str, Any]:
    params: dict[str, Any] = {}
    if trim(text):
        params["text"] = text
    params["service"] = str(_service(target, settings))
    params["region"] = settings.region
    if settings.transport is not None:
        params["transport"] = str(settings.transport)
    if file:
        params["file"] = file
    key = "to" if target.handle is not None else str(target.kind)
    params[key] = target.handle if target.handle is not None else getattr(target, target.kind)
    return params


def _service(target: Target, settings: ReplySettings) -> Service:
    return target.service if target.service is not None else settings.service
