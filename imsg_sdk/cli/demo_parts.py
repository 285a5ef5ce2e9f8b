"""The parts of the demo: each a few lines of pandas, and a way to show what came out."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from imsg_sdk.cli import reading, rows, terminal
from imsg_sdk.cli.terminal import Cells, Style, safe

if TYPE_CHECKING:
    import pandas as pd

ZONE: Final = UTC
"""The demo looks the same everywhere."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW: Final = 11
_WORDS: Final = ("train", "dinner", "coffee", "birthday", "weekend", "tomorrow", "home", "the", "e")
_SHOWN_COLUMNS: Final = ("rowid", "chat_name", "sender", "is_from_me", "text", "created_at", "service", "n_reactions")

Facts = dict[str, Any]
Names = dict[str, str]


def named(text: str | None, names: Names) -> str:
    """Return the name of a handle, else what was given."""
    return names.get(text or "", text or "")


def with_groups(names: Names, chats: pd.DataFrame) -> Names:
    """Add a name for every group that has none: the first names of its people."""
    found = dict(names)
    for chat in rows.rows_of(chats[chats["is_group"] & (chats["name"] == chats["identifier"])]):
        people = [named(handle, names).split(" ")[0] for handle in chat["participants"]]
        found[chat["identifier"]] = ", ".join(people)
    return found


def plain(messages: pd.DataFrame, names: Names) -> list[Facts]:
    """Return messages as a person reads them."""
    return [
        {
            "created_at": rows.local_time(row["created_at"], zone=ZONE),
            "chat": named(row["chat_name"], names),
            "from": rows.who(row, names),
            "text": rows.said(row, names),
        }
        for row in rows.rows_of(messages)
    ]


def top_chats(chats: pd.DataFrame, messages: pd.DataFrame, names: Names) -> list[Facts]:
    """Return the chats with the most messages."""
    counts = messages.groupby("chat_id").size()
    mine = messages[messages["is_from_me"]].groupby("chat_id").size()
    last = messages.groupby("chat_id")["created_at"].max()
    busiest = chats.set_index("chat_id").loc[counts.nlargest(7).index].reset_index()
    return [
        {
            "chat_id": chat["chat_id"],
            "chat": named(chat["name"], names),
            "people": chat["n_participants"],
            "service": chat["service"],
            "messages": int(counts[chat["chat_id"]]),
            "from_me": int(mine.get(chat["chat_id"], 0)),
            "last_message_at": rows.local_time(last[chat["chat_id"]], zone=ZONE),
        }
        for chat in rows.rows_of(busiest)
    ]


def conversation(messages: pd.DataFrame, reactions: pd.DataFrame, names: Names) -> Facts:
    """Return a stretch of talk in which much goes on: tapbacks, replies, several people."""
    talk = messages.sort_values(["chat_id", "created_at"], kind="stable").reset_index(drop=True)
    life = (
        3 * talk["n_reactions"].fillna(0).astype("int64")
        + 2 * talk["thread_originator_guid"].notna()
        + 2 * talk["is_edited"].fillna(False).astype("int64")
        + talk["text"].str.len().fillna(0).clip(upper=60).astype("int64") / 60
        - 20 * (talk["chat_id"] != talk["chat_id"].shift())
        - 6 * (talk["created_at"].diff().dt.total_seconds() > 7200)
        + 2 * talk["is_group"].fillna(False).astype("int64")
    )
    last = int(life.rolling(min(_WINDOW, len(talk))).sum().fillna(-1e9).idxmax())
    stretch = talk.iloc[max(last - _WINDOW + 1, 0) : last + 1]
    stretch = stretch[stretch["chat_id"] == stretch["chat_id"].iloc[-1]]
    quoted = messages.set_index("guid")["text"].to_dict()
    tapped = reactions[reactions["message_rowid"].isin(stretch["rowid"])]
    by_message: dict[int, list[Facts]] = {}
    for row in rows.rows_of(tapped):
        by_message.setdefault(row["message_rowid"], []).append(row)
    lines = [
        {
            "created_at": rows.local_time(row["created_at"], zone=ZONE),
            "from": rows.who(row, names),
            "text": rows.said({**row, "thread_originator_guid": None}, names),
            "reply_to": quoted.get(row["thread_originator_guid"]),
            "tapbacks": [
                {"emoji": tap["emoji"] or "⧉", "from": rows.who(tap, names)} for tap in by_message.get(row["rowid"], [])
            ],
        }
        for row in rows.rows_of(stretch)
    ]
    chat = rows.rows_of(stretch.tail(1))[0]
    return {"chat_id": chat["chat_id"], "chat": named(chat["chat_name"], names), "messages": lines}


def hours(messages: pd.DataFrame) -> dict[str, list[int]]:
    """Return for every weekday the number of messages in each hour."""
    when = messages["created_at"].dropna().dt
    counts = when.hour.groupby([when.day_of_week, when.hour]).size()
    return {name: [int(counts.get((day, hour), 0)) for hour in range(24)] for day, name in enumerate(_DAYS)}


def people(messages: pd.DataFrame, names: Names) -> list[Facts]:
    """Return who writes most, and how much the owner writes in their direct chats."""
    received = messages["sender"].value_counts().head(7)
    own = messages[messages["is_from_me"] & ~messages["is_group"].fillna(True).astype(bool)]
    sent = own["chat_identifier"].value_counts()
    return [
        {"person": named(handle, names), "received": int(count), "sent": int(sent.get(handle, 0))}
        for handle, count in received.items()
        if count
    ]


def tapbacks(reactions: pd.DataFrame, messages: pd.DataFrame) -> list[Facts]:
    """Return each kind of tapback, how often it was given and got."""
    own = set(messages.loc[messages["is_from_me"], "rowid"])
    on_mine = reactions["message_rowid"].isin(own)
    kinds = reactions["type"].value_counts()
    return [
        {
            "type": kind,
            "emoji": next(iter(reactions.loc[reactions["type"] == kind, "emoji"].dropna()), "⧉"),
            "count": int(count),
            "by_me": int((reactions["is_from_me"] & (reactions["type"] == kind)).sum()),
            "on_my_messages": int((on_mine & (reactions["type"] == kind)).sum()),
        }
        for kind, count in kinds.items()
        if count
    ]


def word_to_look_for(messages: pd.DataFrame) -> str:
    """Return a word that occurs."""
    text = messages["text"].dropna().str.casefold()
    return next((word for word in _WORDS if text.str.contains(word, regex=False).any()), _WORDS[-1])


def columns(messages: pd.DataFrame) -> list[Facts]:
    """Return a few columns with their types and meanings."""
    from imsg_sdk.columns import MESSAGES

    return [
        {"column": name, "dtype": str(messages[name].dtype), "meaning": MESSAGES[name].doc} for name in _SHOWN_COLUMNS
    ]


class View:
    """Show the parts in a style and width."""

    def __init__(self, style: Style, total: int) -> None:
        self.style = style
        self.total = total

    def section(self, title: str, code: str, lines: list[str]) -> list[str]:
        """Return a section with its title and the line of Python that gives it."""
        space = " " * max(self.total - terminal.width(safe(title)) - len(code), 2)
        return ["", self.style.bold(self.style.blue(safe(title))) + space + self.style.dim(code), "", *lines]

    def _table(self, *cells: Cells) -> list[str]:
        return [f"  {line}" for line in terminal.table(cells, style=self.style, total=self.total - 2)]

    def chats(self, chats: list[Facts]) -> list[str]:
        """Show the busiest chats."""
        return self._table(
            Cells("id", [str(chat["chat_id"]) for chat in chats], right=True),
            Cells("chat", [chat["chat"] for chat in chats], stretch=True),
            Cells("people", [str(chat["people"]) for chat in chats], right=True),
            Cells("service", [chat["service"] or "" for chat in chats]),
            Cells("messages", [f"{chat['messages']:,}" for chat in chats], right=True),
            Cells("by me", [f"{chat['from_me'] / chat['messages']:.0%}" for chat in chats], right=True),
            Cells("last message", [chat["last_message_at"] for chat in chats]),
        )

    def conversation(self, talk: Facts) -> list[str]:
        """Show a stretch of talk: others at the left, oneself at the right, tapbacks below."""
        lines: list[str] = []
        before = ("", "")
        for message in talk["messages"]:
            here = (message["from"], message["created_at"][:10])
            if here[1] != before[1]:
                lines.append(self.style.dim(f"  {here[1]}"))
            lines += self._bubble(message, named=here != before)
            before = here
        return lines

    def _bubble(self, message: Facts, *, named: bool) -> list[str]:
        own, room = message["from"] == "me", self.total * 6 // 10
        bubble = [(line, self.style.green if own else str) for line in terminal.wrap(message["text"], room)]
        if message["reply_to"]:
            quote = terminal.fit(safe(message["reply_to"]), room - 4)
            bubble.insert(0, (f"↩ {quote}", self.style.dim))
        if named:
            bubble.insert(0, (f"{safe(message['from'])} {message['created_at'][11:]}", self.style.dim))
        if message["tapbacks"]:
            taps = "  ".join(f"{tap['emoji']} {safe(tap['from'].split(' ')[0])}" for tap in message["tapbacks"])
            bubble.append((terminal.fit(taps, room), self.style.yellow))
        indents = [self.total - 2 - terminal.width(line) if own else 4 for line, _ in bubble]
        return [" " * indent + paint(line) for indent, (line, paint) in zip(indents, bubble, strict=True)]

    def hours(self, days: dict[str, list[int]]) -> list[str]:
        """Show the week by the hour."""
        most = max((max(counts) for counts in days.values()), default=0)
        busiest = max(days, key=lambda day: max(days[day]))
        lines = [
            f"  {day}  {''.join(terminal.shade(count, most) * 2 for count in counts)}  {sum(counts):>6,}"
            for day, counts in days.items()
        ]
        axis = "".join(f"{hour:<6}" for hour in range(0, 24, 3))
        total = [sum(counts[hour] for counts in days.values()) for hour in range(24)]
        lines += [
            "       " + "".join(block * 2 for block in terminal.spark(total)),
            self.style.dim(f"       {axis}"),
            f"       busiest: {busiest}, {days[busiest].index(most)} to {days[busiest].index(most) + 1} o'clock",
        ]
        return lines

    def people(self, people: list[Facts]) -> list[str]:
        """Show who writes most."""
        most = max((person["received"] for person in people), default=0)
        bars = [terminal.bar(person["received"], most, min(30, self.total - 52)) for person in people]
        return self._table(
            Cells("person", [person["person"] for person in people], most=24),
            Cells("they wrote", [f"{person['received']:,}" for person in people], right=True),
            Cells("I wrote them", [f"{person['sent']:,}" for person in people], right=True),
            Cells("", bars),
        )

    def tapbacks(self, kinds: list[Facts]) -> list[str]:
        """Show the tapbacks by kind."""
        most = max((kind["count"] for kind in kinds), default=0)
        return self._table(
            Cells("", [kind["emoji"] for kind in kinds]),
            Cells("tapback", [kind["type"] for kind in kinds]),
            Cells("all", [f"{kind['count']:,}" for kind in kinds], right=True),
            Cells("by me", [f"{kind['by_me']:,}" for kind in kinds], right=True),
            Cells("on mine", [f"{kind['on_my_messages']:,}" for kind in kinds], right=True),
            Cells("", [terminal.bar(kind["count"], most, min(30, self.total - 40)) for kind in kinds]),
        )

    def hits(self, search: Facts) -> list[str]:
        """Show what was found."""
        lines = []
        for hit in search["hits"]:
            head = f"  {hit['created_at']}  {terminal.pad(safe(hit['from']), 16)}  "
            room = self.total - terminal.width(head)
            lines.append(self.style.dim(head) + reading.marked(hit["text"], search["text"], room, self.style))
        return lines

    def columns(self, columns: list[Facts]) -> list[str]:
        """Show a few columns and what they mean."""
        return self._table(
            Cells("column", [column["column"] for column in columns]),
            Cells("dtype", [column["dtype"] for column in columns]),
            Cells("meaning", [column["meaning"] for column in columns], most=10_000, stretch=True),
        )
