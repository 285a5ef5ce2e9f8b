"""Messages that wait to be sent: they go out when their time has come.

What Messages leaves in the schedule columns after that is not known; here the type stays and the state is cleared.
"""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk._time import apple_to_us, us_to_apple_ns
from imsg_sdk.sandbox.world.state import SECOND_US
from imsg_sdk.sandbox.world.world import Heard, Post, World

__all__ = ["plan", "send_scheduled"]

_DAY_US: Final = 86_400 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US
_FAR_US: Final = 30 * _DAY_US
"""Nobody schedules further ahead: such rows are of a history that was made, and wait for a world."""


def plan(world: World) -> None:
    """Let what waits in the database go out in the days to come."""
    if not world.ledger.has("message", "schedule_state"):
        return
    rows = world.ledger.rows(
        "SELECT ROWID AS rowid, guid, date FROM message WHERE schedule_type = 2 AND schedule_state != 0 ORDER BY ROWID"
    )
    with world.turn() as turn, world.ledger.transaction():
        for number, row in enumerate(rows):
            due = apple_to_us(row["date"]) or 0
            if due > turn.now_us + _FAR_US:
                later = turn.now_us + (1 + 2 * number) * _DAY_US + turn.dice.between(0, 720) * _MINUTE_US
                due = later // _MINUTE_US * _MINUTE_US
                _date(world, row["rowid"], us_to_apple_ns(due))
            if due > turn.now_us:
                world.state.enter(due, "scheduled", {"guid": row["guid"]}, is_background=True)


def send_scheduled(world: World, args: dict[str, Any]) -> dict[str, Any]:
    """Send a message that waited, unless it was taken back."""
    row = world.found(args["guid"])
    if not row.get("schedule_state"):
        return {}
    chat = world.chat(world.chats_of(row["rowid"])[0])
    with world.turn() as turn:
        now = turn.stamp_ns()
        _date(world, row["rowid"], now)
        world.ledger.update("message", row["rowid"], {"schedule_state": 0, "is_sent": 1})
        text = world.text_of(row)
        world.follow(Post(row["rowid"], row["guid"], chat, None, text, now, row["service"]))
        world.hearing(Heard("message", chat, None, text, row["guid"]))
    return {"rowid": row["rowid"]}


def _date(world: World, rowid: int, date_ns: int) -> None:
    world.ledger.update("message", rowid, {"date": date_ns})
    world.ledger.execute("UPDATE chat_message_join SET message_date = ? WHERE message_id = ?", (date_ns, rowid))
