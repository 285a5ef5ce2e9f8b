"""What people send besides plain lines: pictures, links, voice, apps, polls, and what happens to a group."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.dice import Weighted
from imsg_sdk.sandbox.history import touches
from imsg_sdk.sandbox.history.media import AUDIO, JPEG, PLUGIN
from imsg_sdk.sandbox.history.plays.props import APPS, CAPTIONS, GROUP_TITLES, LETTERS, LINKS, POLLS, TRANSCRIPTS
from imsg_sdk.sandbox.schema import SIERRA, SONOMA, TAHOE, VENTURA, YOSEMITE

if TYPE_CHECKING:
    from imsg_sdk.sandbox.database import Attachment
    from imsg_sdk.sandbox.history.conversation import Contact, Conversation, Row

__all__ = ["act", "echo", "scheduled"]

SECOND = 1_000_000_000
SLOT = "\ufffc"

# What follows a play, when anything does.
_ACTS = Weighted(
    [
        ("photo", 900),
        ("link", 420),
        ("letter", 560),
        ("voice", 50),
        ("app", 50),
        ("event", 45),
        ("sms tapback", 20),
        ("poll", 12),
        ("sketch", 6),
        ("location", 6),
    ]
)
_ACT_SHARE = 0.66


def act(chat: Conversation, speaker: Contact | None, date: int, hints: Collection[str], *, at_end: bool) -> int:
    """Let the speaker do more than talk: on a hint, or now and then at the end of a play; return the date reached."""
    dice = chat.dice
    what = next((hint for hint in hints if hint in ("photo", "link", "voice", "poll", "letter")), "")
    if what:
        what = what if dice.random() < 0.8 else ""
    elif at_end and dice.random() < _ACT_SHARE:
        what = _ACTS.pick(dice)
    if not what or chat.room < 1:
        return date
    date += dice.between(2, 25) * SECOND + dice.bits(29)
    if what == "photo":
        _photo(chat, speaker, date)
    elif what == "link":
        _link(chat, speaker, date)
    elif what == "letter":
        _letter(chat, speaker, date)
    elif what == "sms tapback":
        _android_tapback(chat, speaker, date)
    elif chat.service == "iMessage":
        _RARE[what](chat, speaker, date)
    return date


def _photo(chat: Conversation, speaker: Contact | None, date: int) -> None:
    dice = chat.dice
    count = 1 if dice.random() < 0.8 else dice.pick((2, 2, 2, 3, 3, 4, 5, 6))
    shelf = chat.setting.shelf
    kind = shelf.picture_or_so(dice)
    caption = dice.pick(CAPTIONS) if dice.random() < 0.25 and chat.language == "en" else ""
    message = chat.message(speaker, date)
    files = [shelf.attachment(kind, n, date, outgoing=speaker is None, dice=dice) for n in range(count)]
    text = SLOT * count + caption
    chat.write(message, text, _slots(files) + body.stretches((caption, {}), part=count))
    message.part_count = count + bool(caption)
    row = chat.add(message, text, files)
    if caption and dice.random() < 0.02 and chat.system.has(VENTURA):
        _unsend_caption(chat, row, files)
    touches.react(chat, row, speaker, (), eagerness=2.5)


def _slots(files: list[Attachment]) -> list[body.Run]:
    return [(1, {body.FILE: file.guid, body.PART: part}) for part, file in enumerate(files)]


def _unsend_caption(chat: Conversation, row: Row, files: list[Attachment]) -> None:
    """Take back the last part only: the pictures stay."""
    message, count = row.message, len(files)
    lengths = [1] * count + [body.utf16_length((row.text or "")[count:])]
    message.message_summary_info = archive.edit_summary({}, lengths, [count])
    message.date_edited = message.date_retracted = row.date + chat.dice.between(5, 100) * SECOND
    row.text = SLOT * count
    chat.write(message, row.text, _slots(files))
    row.kind = "partly unsent"


def _link(chat: Conversation, speaker: Contact | None, date: int) -> None:
    dice = chat.dice
    url, title, summary, site, comment = (part.strip() for part in dice.pick(LINKS).split("|"))
    comment = comment if chat.language == "en" else ""
    url = f"{url}{dice.between(100, 99999)}"
    two_rows = dice.random() < 0.6 and chat.room >= 2
    can_preview = chat.service == "iMessage" and chat.system.has(SIERRA)
    text = f"{comment} {url}" if (two_rows or not can_preview) and comment and dice.random() < 0.6 else url
    before, _, _ = text.partition(url)
    runs = body.stretches((before, {}), (url, {body.LINK: body.Url(url)}))
    message = chat.message(speaker, date)
    chat.write(message, text, runs)
    if not can_preview:
        chat.add(message, text)
        return
    if two_rows:
        chat.recent.append(chat.add(message, text))
        date += dice.bits(31)
        message = chat.message(speaker, date)
        chat.write(message, url, body.stretches((url, {body.LINK: body.Url(url)})))
    message.balloon_bundle_id = archive.URL_BALLOON
    icon = dice.bits(8 * 900).to_bytes(900, "big")
    message.payload_data = archive.link(url, title, summary, site, icon)
    images = [
        chat.setting.shelf.attachment(PLUGIN, 0, date, outgoing=speaker is None, dice=dice)
        for _ in range(dice.between(1, 2))
    ]
    for image in images:
        image.hide_attachment = 1
    row = chat.add(message, url, images, kind="link")
    touches.react(chat, row, speaker, ())


def _letter(chat: Conversation, speaker: Contact | None, date: int) -> None:
    """Write at length, in English: a few sentences, or some pages once in a long while."""
    dice = chat.dice
    if chat.language != "en":
        return
    roll = dice.random()
    sentences = dice.between(1, 2) if roll < 0.6 else dice.between(3, 9) if roll < 0.994 else dice.between(40, 130)
    paragraphs = []
    while sentences > 0:
        size = min(sentences, dice.between(2, 5))
        paragraphs.append(" ".join(dice.sample(LETTERS, size)))
        sentences -= size
    chat.say(speaker, "\n\n".join(paragraphs), date)


def _android_tapback(chat: Conversation, speaker: Contact | None, date: int) -> None:
    """Over SMS a tapback from the other side is a plain message that says so."""
    if chat.service == "iMessage" or not chat.recent or speaker is None:
        return
    chat.say(speaker, f"{chat.dice.pick(('Loved', 'Liked', 'Laughed at'))} “{chat.recent[-1].text}”", date)


def _voice(chat: Conversation, speaker: Contact | None, date: int) -> None:
    dice = chat.dice
    message = chat.message(speaker, date)
    file = chat.setting.shelf.attachment(AUDIO, 0, date, outgoing=speaker is None, dice=dice)
    words = dice.pick(TRANSCRIPTS) if chat.system.has(SONOMA) and chat.language == "en" and dice.random() < 0.8 else ""
    look: dict[str, body.Value] = {body.FILE: file.guid}
    if words:
        look[body.TRANSCRIPTION] = words
        file.user_info = archive.user_info(audio_transcription=words, uti_type=AUDIO.uti, name=file.transfer_name)
    chat.write(message, SLOT, body.stretches((SLOT, look)))
    message.is_audio_message = message.is_expirable = 1
    message.expire_state = dice.pick((0, 1, 3))
    if message.is_read:
        message.is_played, message.date_played = 1, message.date_read + 9 * SECOND
    row = chat.add(message, words or SLOT, [file], kind="voice")
    if dice.random() < 0.2 and chat.room and chat.system.has(YOSEMITE):
        _happening(chat, speaker, date + 60 * SECOND, item_type=5, associated_message_guid=row.message.guid)


def _app(chat: Conversation, speaker: Contact | None, date: int) -> None:
    if not chat.system.has(SIERRA):
        return
    dice = chat.dice
    bundle, name, caption, subcaption = (part.strip() for part in dice.pick(APPS).split("|"))
    message = chat.message(speaker, date)
    chat.write(message, "\ufffd", body.stretches(("\ufffd", {})))
    message.balloon_bundle_id = archive.EXTENSION + bundle
    address = f"https://app.example.com/{name.lower().replace(' ', '-')}?n={dice.between(1, 9999)}"
    subcaption = subcaption.replace("#", str(dice.between(4, 60)))
    message.payload_data = archive.app(name, address, caption, subcaption, dice.guid())
    chat.add(message, "\ufffd", kind="app")


def _sketch(chat: Conversation, speaker: Contact | None, date: int) -> None:
    if not chat.system.has(SIERRA):
        return
    name = chat.dice.pick(("Handwriting.HandwritingProvider", "DigitalTouchBalloonProvider"))
    message = chat.message(speaker, date)
    message.balloon_bundle_id = f"com.apple.{name}"
    message.payload_data = b"\x08\x01\x12\x10" + chat.dice.bits(128).to_bytes(16, "big")
    chat.add(message, None, kind="app")


def _poll(chat: Conversation, speaker: Contact | None, date: int) -> None:
    """Ask a group: the poll, the question as a line of its own, an option added, votes, one of them taken back."""
    if not chat.is_group or not chat.system.has(TAHOE) or chat.room < 4:
        return
    dice = chat.dice
    question, *answers = (part.strip() for part in dice.pick(POLLS).split("|"))
    options = [(dice.guid(), answer) for answer in answers]
    asker = _address(chat, speaker)
    titled = dice.chance(0.5)
    guid = _balloon(chat, speaker, date, "poll", archive.poll(question if titled else "", options, asker))
    if not titled:
        message = chat.message(speaker, date + SECOND)
        chat.write(message, question)
        message.reply_to_guid = guid
        chat.add(message, question)
    voters = dice.sample(chat.everyone(), 8)
    for turn, voter in enumerate(voters):
        date += dice.between(20, 900) * SECOND
        if turn == 1 and dice.chance(0.4):
            extra = (dice.guid(), "Something else?")
            payload = archive.poll("", [extra], _address(chat, voter))
            _balloon(chat, voter, date, "poll_update", payload, about=guid, kind=2)
            options.append(extra)
        choice = dice.pick(options)[0]
        _vote(chat, voter, date + SECOND, guid, [choice])
        if dice.chance(0.1):
            _vote(chat, voter, date + 90 * SECOND, guid, [])


def _vote(chat: Conversation, voter: Contact | None, date: int, poll: str, choice: list[str]) -> None:
    payload = archive.poll_votes(choice, _address(chat, voter))
    _balloon(chat, voter, date, "poll_vote", payload, about=poll, kind=4000)


def _balloon(
    chat: Conversation,
    speaker: Contact | None,
    date: int,
    name: str,
    payload: bytes,
    *,
    about: str | None = None,
    kind: int = 0,
) -> str:
    if chat.room < 1:
        return ""
    message = chat.message(speaker, date)
    chat.write(message, "\ufffd", body.stretches(("\ufffd", {})))
    message.balloon_bundle_id = archive.POLLS_APP
    message.payload_data = payload
    message.associated_message_guid = about
    message.associated_message_type = kind
    chat.add(message, "\ufffd", kind=name)
    return message.guid


def _address(chat: Conversation, speaker: Contact | None) -> str:
    return speaker.address if speaker else chat.caller


def _event(chat: Conversation, speaker: Contact | None, date: int) -> None:
    if not chat.is_group or not chat.system.has(YOSEMITE):
        return
    dice = chat.dice
    member = dice.pick(chat.members)
    roll = dice.random()
    if roll < 0.3:
        _happening(chat, speaker, date, item_type=2, group_title=dice.pick(GROUP_TITLES))
    elif roll < 0.5 and member is not speaker:
        _happening(chat, speaker, date, item_type=1, other_handle=member.handle_id)
    elif roll < 0.62 and chat.former and chat.former is not speaker:
        _happening(chat, speaker, date, item_type=1, group_action_type=1, other_handle=chat.former.handle_id)
    elif roll < 0.72 and chat.former:
        _happening(chat, chat.former, date, item_type=3)
    elif roll < 0.9:
        photo = chat.setting.shelf.attachment(JPEG, 0, date, outgoing=speaker is None, dice=dice)
        _happening(chat, speaker, date, [photo], item_type=3, group_action_type=1)
    elif chat.system.has(TAHOE):
        _happening(chat, speaker, date, item_type=3, group_action_type=dice.pick((4, 6)))
    else:
        _happening(chat, speaker, date, item_type=3, group_action_type=2)


def _location(chat: Conversation, speaker: Contact | None, date: int) -> None:
    if chat.system.has(YOSEMITE):
        _happening(chat, speaker, date, item_type=4, share_status=chat.dice.bits(1), share_direction=int(bool(speaker)))


def _happening(
    chat: Conversation,
    speaker: Contact | None,
    date: int,
    attachments: list[Attachment] | None = None,
    **fields: int | str | None,
) -> None:
    message = chat.message(speaker, date)
    message.part_count = None
    for name, value in fields.items():
        setattr(message, name, value)
    chat.add(message, None, attachments, kind="event")


def echo(chat: Conversation, row: Row) -> None:
    """Add the copy that comes back when people write to themselves."""
    if chat.room < 1 or chat.dice.random() < 0.4:
        return
    message = chat.message(chat.members[0], row.date + chat.dice.bits(29))
    message.text, message.attributed_body = row.message.text, row.message.attributed_body
    chat.add(message, row.text)


def scheduled(chat: Conversation, text: str, date: int) -> None:
    """Add a message that waits to be sent at `date`."""
    row = chat.say(None, text, date)
    message = row.message
    message.schedule_type, message.schedule_state = 2, 2
    message.is_sent = message.is_delivered = message.date_delivered = message.is_read = message.date_read = 0
    message.error = 0
    row.kind = "scheduled"


_RARE = {
    "voice": _voice,
    "app": _app,
    "event": _event,
    "poll": _poll,
    "sketch": _sketch,
    "location": _location,
}
