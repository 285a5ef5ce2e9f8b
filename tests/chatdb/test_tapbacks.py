"""Tapbacks and link previews: which rows fold away, and into what."""

from __future__ import annotations

from typing import Any

import pytest

NS = 10**9
URL = "com.apple.messages.URLBalloonProvider"


def tap(db: Any, target: str, kind: int, **values: Any) -> int:
    return db.message(text="a sentence", associated_message_guid=target, associated_message_type=kind, **values)


def standing(db: Any) -> list[tuple[Any, ...]]:
    return [
        (row["message_rowid"], row["type"], row["emoji"], row["part"], row["is_from_me"])
        for row in db.read("reactions")
    ]


@pytest.mark.parametrize(
    ("kind", "name", "emoji"),
    [
        (2000, "love", "❤️"),
        (2001, "like", "👍"),
        (2002, "dislike", "👎"),
        (2003, "laugh", "😂"),
        (2004, "emphasis", "‼️"),
        (2005, "question", "❓"),
        (2006, "custom", "🎉"),
        (2007, "sticker", None),
        (1000, "sticker", None),
    ],
)
def test_every_kind_of_tapback_folds_into_its_message(db: Any, kind: int, name: str, emoji: str | None) -> None:
    target = db.message(guid="T", text="hi")
    row = tap(db, "p:0/T", kind, handle_id=1, associated_message_emoji="🎉" if kind == 2006 else None)
    assert [message["rowid"] for message in db.read()] == [target]
    (reaction,) = db.read("reactions")
    assert (reaction["rowid"], reaction["type"], reaction["emoji"]) == (row, name, emoji)
    assert (reaction["sender"], reaction["is_from_me"]) == ("+15550100", False)
    assert db.one(target)["n_reactions"] == 1


@pytest.mark.parametrize(
    ("association", "part"), [("p:0/T", 0), ("p:12/T", 12), ("bp:T", 0), ("T", 0), ("p:x/T", 0), ("q/r/T", 0)]
)
def test_an_association_names_guid_and_part(db: Any, association: str, part: int) -> None:
    target = db.message(guid="T", text="hi")
    tap(db, association, 2001)
    assert standing(db) == [(target, "like", "👍", part, False)]


def test_a_new_kind_replaces_the_old_of_that_person_and_part(db: Any) -> None:
    target = db.message(guid="T", text="hi")
    tap(db, "p:0/T", 2000, handle_id=1)
    tap(db, "p:0/T", 2003, handle_id=1)
    tap(db, "p:1/T", 2001, handle_id=1)
    tap(db, "p:0/T", 2002, is_from_me=1)
    assert standing(db) == [
        (target, "laugh", "😂", 0, False),
        (target, "like", "👍", 1, False),
        (target, "dislike", "👎", 0, True),
    ]
    assert db.one(target)["n_reactions"] == 3


def test_the_newest_row_decides_by_date_and_not_by_arrival(db: Any) -> None:
    db.message(guid="T", text="hi")
    tap(db, "p:0/T", 3000, handle_id=1, date=800_000_000 * NS)
    tap(db, "p:0/T", 2000, handle_id=1, date=750_000_000 * NS)
    assert standing(db) == []


def test_one_person_is_one_person_over_several_services(db: Any) -> None:
    sms = db.handle("+15550100", "SMS")
    target = db.message(guid="T", text="hi")
    tap(db, "p:0/T", 2000, handle_id=1)
    tap(db, "p:0/T", 2001, handle_id=sms)
    assert standing(db) == [(target, "like", "👍", 0, False)]


def test_stickers_add_up_until_that_person_removes_them(db: Any) -> None:
    target = db.message(guid="T", text="hi")
    tap(db, "p:0/T", 1000, handle_id=1)
    tap(db, "p:0/T", 2007, handle_id=1)
    tap(db, "p:0/T", 2000, handle_id=1)
    tap(db, "p:0/T", 2007, is_from_me=1)
    assert [row[1] for row in standing(db)] == ["sticker", "sticker", "love", "sticker"]
    tap(db, "p:0/T", 3007, handle_id=1)
    assert standing(db) == [(target, "love", "❤️", 0, False), (target, "sticker", None, 0, True)]


def test_removals_without_an_add_and_tapbacks_on_nothing_have_no_row(db: Any) -> None:
    db.message(guid="T", text="hi")
    tap(db, "p:0/T", 3002, handle_id=1)
    tap(db, "p:0/GONE", 2000)
    tap(db, "", 2000)
    assert standing(db) == []
    assert len(db.read()) == 1


def test_an_emoji_is_found_in_the_sentence_where_the_column_is_empty(db: Any, body: Any) -> None:
    db.message(guid="T", text="hi")
    db.message(
        text=None, attributedBody=body("Reacted 🦞 to “hi”"), associated_message_guid="T", associated_message_type=2006
    )
    db.message(text="Reagierte", associated_message_guid="T", associated_message_type=2006, is_from_me=1)
    assert [row["emoji"] for row in db.read("reactions")] == ["🦞", None]


def test_tapback_rows_come_when_asked_for(db: Any) -> None:
    db.message(guid="T", text="hi")
    row = tap(db, "p:0/T", 2000)
    rows = db.read(include=["reactions"])
    assert [(message["rowid"], message["kind"]) for message in rows][1] == (row, "reaction")


def preview(db: Any, text_row: dict[str, Any], preview_row: dict[str, Any], gap_us: int = 1_000_000) -> tuple[int, int]:
    date = 750_000_000 * NS
    first = db.message(**({"text": "look https://example.com/a", "date": date} | text_row))
    second = db.message(
        **({"text": "https://example.com/a", "date": date + gap_us * 1000, "balloon_bundle_id": URL} | preview_row)
    )
    return first, second


def test_a_preview_folds_into_the_text_it_was_made_from(db: Any) -> None:
    first, second = preview(db, {}, {"guid": "P"})
    db.attachment(second, filename="~/x.pluginPayloadAttachment")
    tap(db, "bp:P", 2000)
    (row,) = db.read()
    assert (row["rowid"], row["kind"], row["url_preview_guid"]) == (first, "message", "P")
    assert (row["n_reactions"], row["n_attachments"]) == (1, 1)
    assert [child["message_rowid"] for child in db.read("reactions") + db.read("attachments")] == [first, first]


@pytest.mark.parametrize(
    ("text_row", "preview_row", "gap_us"),
    [
        ({}, {}, 5_001_000),
        ({}, {}, -1000),
        ({}, {"is_from_me": 1}, 1000),
        ({"handle_id": 1}, {"handle_id": 2}, 1000),
        ({"balloon_bundle_id": "other"}, {}, 1000),
        ({"text": "nothing like it"}, {}, 1000),
        ({}, {"text": None}, 1000),
        ({"text": "see ftp://example.com"}, {"text": "ftp://example.com"}, 1000),
        ({"date": None}, {}, 1000),
    ],
)
def test_a_preview_that_does_not_fit_stays_a_row(
    db: Any, text_row: dict[str, Any], preview_row: dict[str, Any], gap_us: int
) -> None:
    db.handle("+15550199")
    preview(db, text_row, preview_row, gap_us)
    assert [row["url_preview_guid"] for row in db.read()] == [None, None]


def test_tapbacks_and_previews_between_do_not_matter_and_other_rows_do(db: Any) -> None:
    date = 750_000_000 * NS
    text = {"text": "https://a.example and www.b.example", "date": date}
    links = [
        {"text": link, "balloon_bundle_id": URL, "date": date + NS} for link in ("HTTPS://A.example", "www.b.example/")
    ]
    first = db.message(guid="T", **text)
    tap(db, "p:0/T", 2000)
    for number, link in enumerate(links):
        db.message(guid=f"P{number}", **link)
    assert [(row["rowid"], row["url_preview_guid"]) for row in db.read()] == [(first, "P1")]
    db.message(text="something else", date=date)
    late = db.message(**links[0])
    assert db.one(late)["kind"] == "link"


def test_a_preview_that_does_not_fit_cuts_off_the_later_ones(db: Any) -> None:
    preview(db, {}, {"text": "https://elsewhere.example"})
    db.message(text="https://example.com/a", balloon_bundle_id=URL, date=750_000_001 * NS)
    assert [row["kind"] for row in db.read()] == ["message", "link", "link"]


def test_a_preview_in_two_chats_folds_only_if_it_does_in_both(db: Any) -> None:
    other = db.chat("+15550199")
    preview(db, {}, {"chat": (1, other)})
    assert len(db.read()) == 2
    preview(db, {"chat": (1, other)}, {"chat": (1, other)})
    assert len(db.read()) == 3


def test_a_join_row_to_nothing_between_text_and_preview_does_not_part_them(db: Any) -> None:
    date = 750_000_000 * NS
    db.message(text="https://example.com/a", date=date)
    db.insert("chat_message_join", chat_id=1, message_id=2)
    db.message(ROWID=3, text="https://example.com/a", date=date + NS, balloon_bundle_id=URL)
    assert [row["rowid"] for row in db.read()] == [1]
