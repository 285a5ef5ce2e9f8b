"""Tapbacks: rows about another row, one for each person and part."""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.world.accounts import Chat, Member
from imsg_sdk.sandbox.world.ledger import Row
from imsg_sdk.sandbox.world.world import Draft, Post, World

__all__ = ["TAPBACKS", "tapback"]

_EMOJI_TAPBACK: Final = 2006

TAPBACKS: Final = {
    "love": (2000, "Loved", "Removed a heart from"),
    "like": (2001, "Liked", "Removed a like from"),
    "dislike": (2002, "Disliked", "Removed a dislike from"),
    "laugh": (2003, "Laughed at", "Removed a laugh from"),
    "emphasize": (2004, "Emphasized", "Removed an exclamation from"),
    "question": (2005, "Questioned", "Removed a question mark from"),
}


def tapback(world: World, chat: Chat, member: Member | None, row: Row, reaction: str, *, part: int = 0) -> Post:
    """Let somebody react to a message, or take that back (``remove-`` in front).

    Messages keeps one tapback of a person on a part: a new one replaces the old row, and taking it back leaves only
    the row of the removal.
    """
    name = reaction.removeprefix("remove-")
    removes = name != reaction
    kind, added, removed = TAPBACKS.get(name, (_EMOJI_TAPBACK, f"Reacted {name} to", f"Removed {name} from"))
    text = world.text_of(row)
    about = f"bp:{row['guid']}" if row.get("balloon_bundle_id") == archive.URL_BALLOON else f"p:{part}/{row['guid']}"
    fields: dict[str, Any] = {
        "associated_message_guid": about,
        "associated_message_type": kind + 1000 if removes else kind,
        "associated_message_range_length": body.utf16_length(text),
        "message_summary_info": archive.reaction_summary(text[:120]),
    }
    if kind == _EMOJI_TAPBACK:
        fields["associated_message_emoji"] = name
    with world.turn() as turn, world.ledger.transaction():
        guid = turn.dice.guid()
        _drop_earlier(world, about, member, but=guid)
        words = f"{removed if removes else added} “{text}”"
        post = world.write(chat, member, Draft(words, guid=guid, fields=fields))
    return post


def _drop_earlier(world: World, about: str, member: Member | None, *, but: str) -> None:
    whose = "ifnull(is_from_me, 0) = 1" if member is None else "ifnull(is_from_me, 0) = 0 AND handle_id = ?"
    rows = world.ledger.rows(
        "SELECT ROWID AS id FROM message WHERE associated_message_guid = ? AND guid != ?"
        f" AND associated_message_type BETWEEN 2000 AND 2006 AND {whose}",
        (about, but) if member is None else (about, but, member.handle_id),
    )
    for row in rows:
        world.ledger.execute("DELETE FROM chat_message_join WHERE message_id = ?", (row["id"],))
        world.ledger.execute("DELETE FROM message WHERE ROWID = ?", (row["id"],))
