"""What people do to a message that stands: tapbacks, replies, edits, taking it back, effects, mentions, styles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.database import Attachment
from imsg_sdk.sandbox.dice import Weighted
from imsg_sdk.sandbox.history.media import STICKER
from imsg_sdk.sandbox.schema import BIG_SUR, SEQUOIA, SIERRA, VENTURA

if TYPE_CHECKING:
    from imsg_sdk.sandbox.history.conversation import Contact, Conversation, Row
    from imsg_sdk.sandbox.history.script import Line

__all__ = ["react", "touch"]

SECOND = 1_000_000_000

STICKER_PLACED = 1000
LOVE, LIKE, DISLIKE, LAUGH, EMPHASIS, QUESTION, EMOJI, STICKER_BACK = range(2000, 2008)
_VERBS = {
    LOVE: ("Loved", "Removed a heart from"),
    LIKE: ("Liked", "Removed a like from"),
    DISLIKE: ("Disliked", "Removed a dislike from"),
    LAUGH: ("Laughed at", "Removed a laugh from"),
    EMPHASIS: ("Emphasized", "Removed an exclamation from"),
    QUESTION: ("Questioned", "Removed a question mark from"),
}
_TAPBACKS = Weighted(
    [
        (LOVE, 340),
        (LIKE, 270),
        (LAUGH, 180),
        (EMPHASIS, 70),
        (EMOJI, 60),
        (DISLIKE, 30),
        (QUESTION, 30),
        (STICKER_BACK, 5),
        (STICKER_PLACED, 3),
    ]
)
_HINTED = {"love": LOVE, "like": LIKE, "laugh": LAUGH, "wow": EMPHASIS, "what": QUESTION, "no": DISLIKE}
_EMOJI = (
    "🎉",
    "🔥",
    "🙏",
    "😮",
    "🥳",
    "👏🏽",
    "🫶",
    "😢",
    "🍝",
    "🐈",
    "👀",
    "💯",
    "🏳️‍🌈",
    "🇮🇹",
    "👨‍👩‍👧",
    "❤️‍🔥",
    "👍🏿",
)

_SEND = "com.apple.MobileSMS.expressivesend."
_SCREEN = "com.apple.messages.effect.CK"
_EFFECTS = {
    "slam": _SEND + "impact",
    "loud": _SEND + "loud",
    "gentle": _SEND + "gentle",
    "ink": _SEND + "invisibleink",
    "confetti": _SCREEN + "ConfettiEffect",
    "echo": _SCREEN + "EchoEffect",
    "fireworks": _SCREEN + "FireworksEffect",
    "balloons": _SCREEN + "HappyBirthdayEffect",
    "heart": _SCREEN + "HeartEffect",
    "lasers": _SCREEN + "LasersEffect",
    "star": _SCREEN + "ShootingStarEffect",
    "sparkles": _SCREEN + "SparklesEffect",
    "spotlight": _SCREEN + "SpotlightEffect",
}

_REPLY, _EDIT, _UNSEND, _EFFECT, _STYLE, _DOWNGRADE = 0.08, 0.09, 0.093, 0.095, 0.098, 0.1


def touch(chat: Conversation, row: Row, line: Line, names: Sequence[str], cast: Sequence[Contact | None]) -> None:
    """Do to a message just said what happens to some messages."""
    if chat.service != "iMessage":
        return
    roll = chat.dice.random()
    for hint in line.hints:
        if hint in _EFFECTS and chat.system.has(SIERRA) and chat.dice.chance(0.25):
            row.message.expressive_send_style_id = _EFFECTS[hint]
        elif hint == "edit":
            roll = _REPLY
        elif hint == "reply":
            roll = 0.0
        elif hint == "unsend":
            roll = _EDIT
    if line.named and chat.is_group and chat.system.has(BIG_SUR):
        _mention(chat, row, line, names, cast)
    elif roll < _REPLY:
        _reply(chat, row)
    elif roll < _EDIT:
        _edit(chat, row)
    elif roll < _UNSEND:
        _unsend(chat, row)
    elif roll < _EFFECT:
        if chat.system.has(SIERRA):
            row.message.expressive_send_style_id = chat.dice.pick(tuple(_EFFECTS.values()))
    elif roll < _STYLE:
        _style(chat, row)
    elif roll < _DOWNGRADE and row.message.is_from_me and not row.message.error:
        row.message.service = "SMS"
        row.message.was_downgraded = 1
        row.message.is_delivered = row.message.date_delivered = row.message.is_read = row.message.date_read = 0


def _reply(chat: Conversation, row: Row) -> None:
    if not chat.system.has(BIG_SUR):
        return
    # Within one play, so that the answer fits; to the line just before nobody needs to reply inline.
    earlier = [other for other in list(chat.recent)[:-2] if other.text and other.order >= chat.play_began]
    if not earlier:
        return
    origin = chat.dice.pick(earlier).message
    root = origin.thread_originator_guid
    row.message.thread_originator_guid = root or origin.guid
    row.message.thread_originator_part = (
        origin.thread_originator_part if root else f"0:0:{_length_of(chat, origin.guid)}"
    )


def _length_of(chat: Conversation, guid: str) -> int:
    return next((body.utf16_length(row.text or "") for row in chat.recent if row.message.guid == guid), 0)


def _edit(chat: Conversation, row: Row) -> None:
    text = row.text
    if not chat.system.has(VENTURA) or not text or len(text) < 6:
        return
    dice, message = chat.dice, row.message
    versions = [_typo(text, dice.between(1, len(text) - 3))]
    if dice.chance(0.15):
        versions.append(text.rstrip(".!") + " …")
    versions.append(text)
    date = row.date
    stamped = []
    for version in versions:
        stamped.append((date / SECOND, body.plain(version)))
        date += dice.between(5, 150) * SECOND
    message.date_edited = int(stamped[-1][0] * SECOND)
    message.message_summary_info = archive.edit_summary({0: stamped}, [body.utf16_length(versions[0])])
    message.attributed_body = body.plain(text)
    message.text = None if dice.chance(0.7) else text
    row.kind = "edited"


def _typo(text: str, place: int) -> str:
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return swapped if swapped != text else text[:place] + text[place + 1 :]


def _unsend(chat: Conversation, row: Row) -> None:
    if not chat.system.has(VENTURA):
        return
    message = row.message
    moment = row.date + chat.dice.between(4, 110) * SECOND
    message.message_summary_info = archive.edit_summary({}, [body.utf16_length(row.text or "")], [0])
    message.text = message.attributed_body = row.text = None
    message.date_edited = moment
    message.date_retracted = moment if chat.dice.chance(0.7) else 0
    message.is_empty = 1
    row.kind = "unsent"


def _style(chat: Conversation, row: Row) -> None:
    text = row.text
    if not chat.system.has(SEQUOIA) or not text or " " not in text:
        return
    dice = chat.dice
    words = text.split(" ")
    place = dice.between(0, len(words) - 1)
    before, word, after = " ".join(words[:place]), words[place], " ".join(words[place + 1 :])
    before, after = before + " " if place else "", " " + after if place + 1 < len(words) else ""
    if not word:
        return
    look: dict[str, body.Value] = {
        body.STYLES[dice.pick(("bold", "bold", "bold", "bold", "italic", "strikethrough"))]: 1
    }
    if dice.chance(0.3):
        look = {body.EFFECT: dice.pick((4, 5, 6, 8, 9, 10, 11, 12))}
    chat.write(row.message, text, body.stretches((before, {}), (word, look), (after, {})))


def _mention(chat: Conversation, row: Row, line: Line, names: Sequence[str], cast: Sequence[Contact | None]) -> None:
    role = chat.dice.pick(line.named)
    person, name, text = cast[role], names[role], row.text or ""
    before, found, after = text.partition(name)
    if person is None or not found:
        return
    runs = body.stretches((before, {}), (name, {body.MENTION: person.address}), (after, {}))
    chat.write(row.message, text, runs)


def react(
    chat: Conversation, row: Row, speaker: Contact | None, hints: Collection[str], *, eagerness: float = 1.0
) -> None:
    """Let somebody react to a message, now and then."""
    if chat.service != "iMessage" or not chat.system.has(SIERRA) or row.kind == "unsent":
        return
    dice = chat.dice
    kind = next((_HINTED[hint] for hint in hints if hint in _HINTED), 0)
    if kind:
        if dice.random() > 0.3:
            return
    elif dice.random() > (0.13 if chat.is_group else 0.065) * eagerness:
        return
    kind = kind or _TAPBACKS.pick(dice)
    reactor = chat.listener(speaker)
    moment = row.date + dice.between(3, 600) * SECOND + dice.bits(30)
    roll = dice.random()
    if roll < 0.015 and kind in _VERBS:
        # Messages mostly deletes the row of a tapback that is taken back, and keeps only the removal.
        if roll < 0.005:
            tapback(chat, row, reactor, kind, moment)
        tapback(chat, row, reactor, kind + 1000, moment + dice.between(2, 90) * SECOND)
        return
    tapback(chat, row, reactor, kind, moment)
    if roll < 0.035:
        tapback(chat, row, reactor, _TAPBACKS.pick(dice), moment + dice.between(2, 900) * SECOND)
    elif chat.is_group and roll < 0.25:
        other = chat.listener(reactor)
        if other is not speaker:
            tapback(chat, row, other, kind, moment + dice.between(2, 900) * SECOND)


def tapback(chat: Conversation, target: Row, reactor: Contact | None, kind: int, date: int) -> None:
    """Add the row of one tapback, if there is room for it."""
    if chat.room < 1:
        return
    dice = chat.dice
    if kind in (EMOJI, STICKER_BACK) and not chat.system.has(SEQUOIA):
        kind = LOVE
    quoted = _quoted(target)
    message = chat.message(reactor, date)
    attachments: list[Attachment] | None = None
    if kind == EMOJI:
        message.associated_message_emoji = emoji = dice.pick(_EMOJI)
        text = f"Reacted {emoji} to {quoted}"
    elif kind in (STICKER_BACK, STICKER_PLACED):
        text = f"Reacted with a sticker to {quoted}"
        sticker = chat.setting.shelf.attachment(STICKER, 0, date, outgoing=reactor is None, dice=dice)
        sticker.is_sticker = 1
        attachments = [sticker]
    else:
        text = f"{_VERBS[kind % 1000 + 2000][kind >= 3000]} {quoted}"
    message.associated_message_type = kind
    prefix = "bp:" if target.kind == "link" else "p:0/"
    message.associated_message_guid = prefix + target.message.guid
    message.associated_message_range_length = body.utf16_length(target.text or "")
    message.message_summary_info = archive.reaction_summary((target.text or "")[:120])
    chat.write(message, text)
    chat.add(message, text, attachments, kind="tapback")


def _quoted(target: Row) -> str:
    if target.attachments and target.kind != "link":
        return "an image"
    text = target.text or ""
    return f"“{text[:200]}…”" if len(text) > 200 else f"“{text}”"
