"""Polls: what rows of the poll app say, and how they belong together."""

from __future__ import annotations

import json
import plistlib
from base64 import b64encode
from urllib.parse import quote

import pytest
from msgspec import UNSET

from imsg_sdk.chatdb.polls import decode_poll

BALLOON = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls"


def archive(url: str) -> bytes:
    """Return a keyed archive with the one key URL."""
    objects = [
        "$null",
        {"NS.keys": [plistlib.UID(2)], "NS.objects": [plistlib.UID(3)]},
        "URL",
        {"NS.relative": plistlib.UID(4)},
        url,
    ]
    return plistlib.dumps(
        {"$archiver": "NSKeyedArchiver", "$version": 100_000, "$top": {"root": plistlib.UID(1)}, "$objects": objects},
        fmt=plistlib.FMT_BINARY,
    )


def percent(content) -> bytes:
    return archive("data:," + quote(json.dumps(content)))


def base64(content) -> bytes:
    return archive("data:," + b64encode(json.dumps(content).encode()).decode())


def poll_of(*options, title="", creator="a@b.org"):
    item = {
        "title": title,
        "creatorHandle": creator,
        "orderedPollOptions": [{"optionIdentifier": f"O{number}", "text": text} for number, text in enumerate(options)],
    }
    return {"version": 1, "item": item}


def vote_of(*votes):
    return {"version": 1, "item": {"votes": [dict(vote) for vote in votes]}}


def events(store):
    return [message.poll for message in store.after(0).messages if message.poll is not UNSET]


@pytest.mark.parametrize(
    "wrap", [percent, base64, lambda content: json.dumps(content).encode(), lambda content: plistlib.dumps(content)]
)
def test_a_poll_is_read_in_every_wrapping(db, open_store, wrap):
    payload = wrap(poll_of("Red", "Blue", title="Colour?"))
    db.message("￼", balloon_bundle_id=BALLOON, payload_data=payload)
    (poll,) = events(open_store(db))
    metadata = poll.pop("metadata")
    assert poll == {
        "kind": "created",
        "event": "imessage.poll.created",
        "poll_guid": "G1",
        "question": "Colour?",
        "options": [{"id": "O0", "text": "Red"}, {"id": "O1", "text": "Blue"}],
        "creator": "a@b.org",
        "participants": ["a@b.org"],
    }
    assert (metadata["bundle_id"], metadata["payload_bytes"]) == (BALLOON, len(payload))


def test_metadata_tells_of_the_url(db, open_store):
    payload = archive("Poll://Host.example:80/x?b=1&a=2&b=3")
    db.message("x", balloon_bundle_id=BALLOON, payload_data=payload, message_summary_info=b"abc")
    assert events(open_store(db))[0]["metadata"] == {
        "bundle_id": BALLOON,
        "associated_message_type": 0,
        "payload_bytes": len(payload),
        "summary_bytes": 3,
        "url_scheme": "Poll",
        "url_host": "Host.example",
        "query_keys": ["a", "b"],
    }


def test_a_missing_question_is_that_of_the_earliest_plain_answer(db, open_store):
    db.message("￼", balloon_bundle_id=BALLOON, payload_data=percent(poll_of("Red", "Blue")))
    db.message("late", reply_to_guid="G1", at=500)
    db.message("tapback", reply_to_guid="G1", associated_message_type=2000, at=100)
    db.message("in thread", reply_to_guid="G1", thread_originator_guid="G1", at=101)
    db.message("  Colour? \n", reply_to_guid="p:0/G1", at=200)
    assert events(open_store(db))[0]["question"] == "Colour?"


def test_a_vote_takes_texts_from_the_poll_and_its_updates(db, open_store):
    db.message("￼", balloon_bundle_id=BALLOON, payload_data=percent(poll_of("Red", "Blue", title="?")))
    update = {
        "item": {
            "orderedPollOptions": [
                {"optionIdentifier": "O9", "text": "Green"},
                {"optionIdentifier": "O0", "text": "Rot"},
            ]
        }
    }
    db.message(
        "u",
        balloon_bundle_id=BALLOON,
        associated_message_type=2,
        associated_message_guid="G1",
        payload_data=percent(update),
    )
    votes = vote_of(
        {"voteOptionIdentifier": "O9", "participantHandle": "b@x.org", "serverVoteTime": 799.5},
        {"voteOptionIdentifier": "O0", "removed": True},
        {"voteOptionIdentifier": "gone", "eventType": "word"},
    )
    db.message("v", associated_message_type=4000, associated_message_guid="p:0/G2", payload_data=percent(votes))
    _, updated, vote = events(open_store(db))
    assert (updated["kind"], updated["original_guid"], updated["poll_guid"]) == ("created", "G1", "G2")
    assert (vote["kind"], vote["poll_guid"], vote["original_guid"]) == ("vote", "G1", "G1")
    assert vote["votes"] == [
        {
            "option_id": "O9",
            "option_text": "Green",
            "participant": "b@x.org",
            "event_type": "selected",
            "server_time": "799.5",
        },
        {"option_id": "O0", "option_text": "Red", "participant": "+15550001", "event_type": "removed"},
        {"option_id": "gone", "participant": "+15550001", "event_type": "word"},
    ]
    assert vote["vote"] == vote["votes"][0]
    assert vote["participants"] == ["+15550001", "b@x.org"]


def test_an_empty_vote_list_is_a_vote_without_votes(db, open_store):
    db.message("v", associated_message_type=4000, associated_message_guid="G9", payload_data=percent(vote_of()))
    (vote,) = events(open_store(db))
    assert (vote["kind"], vote["event"], vote["poll_guid"]) == ("vote", "imessage.poll.voted", "G9")
    assert "vote" not in vote
    assert "votes" not in vote


def test_a_vote_row_without_any_evidence_is_no_poll(db, open_store):
    db.message("v", associated_message_type=4000, associated_message_guid="G9", payload_data=b"nothing")
    db.message("v", associated_message_type=4000, associated_message_guid="G9")
    db.message(
        "v", associated_message_type=4000, associated_message_guid="G9", payload_data=archive("x://poll.example/")
    )
    (unknown,) = events(open_store(db))
    assert (unknown["kind"], unknown["original_guid"]) == ("unknown", "G9")


@pytest.mark.parametrize("payload", [None, b"", b"not readable", b"\xff\x00", b"bplist00 broken", b"[1, 2", b"{}"])
def test_a_poll_row_that_cannot_be_read_is_unknown(db, open_store, payload):
    db.message("￼", balloon_bundle_id=BALLOON, payload_data=payload)
    (poll,) = events(open_store(db))
    metadata = poll.pop("metadata")
    assert poll == {"kind": "unknown", "event": "imessage.poll.unknown", "poll_guid": "G1"}
    assert metadata.get("payload_bytes") == (len(payload) or None if payload else None)


@pytest.mark.parametrize(
    ("balloon", "is_poll"),
    [
        ("com.apple.messages.Polls", True),
        (BALLOON, True),
        ("com.example.Polls", False),
        ("xcom.apple.messages.Polls", False),
    ],
)
def test_the_app_is_told_by_its_id(db, open_store, balloon, is_poll):
    db.message("￼", balloon_bundle_id=balloon, payload_data=percent(poll_of("A", "B", title="?")))
    assert bool(events(open_store(db))) is is_poll


def test_options_without_text_are_dropped_and_those_without_id_use_it(db, open_store):
    item = {
        "title": " ",
        "options": ["Red", " ", {"text": "Blue"}, {"identifier": "x"}, {"id": 7, "label": "Green"}, "Red"],
    }
    db.message("x", balloon_bundle_id=BALLOON, payload_data=json.dumps(item).encode())
    assert events(open_store(db))[0]["options"] == [
        {"id": "Red", "text": "Red"},
        {"id": "Blue", "text": "Blue"},
        {"id": "7", "text": "Green"},
    ]


def test_facts_for_a_vote(db, open_store):
    db.message("￼", balloon_bundle_id=BALLOON, payload_data=percent(poll_of("Red", "Blue", title="?")))
    for at, option in ((100, "O0"), (200, "O1")):
        vote = percent(vote_of({"voteOptionIdentifier": option}))
        db.message(
            "v", associated_message_type=4000, associated_message_guid="p:0/G1", is_from_me=1, at=at, payload_data=vote
        )
    other = percent(vote_of({"voteOptionIdentifier": "O0"}))
    db.message("v", associated_message_type=4000, associated_message_guid="G1", at=300, payload_data=other)
    store = open_store(db)
    facts = store.poll("p:0/G1")
    assert (facts.guid, facts.options, facts.selected) == ("G1", (("O0", "Red"), ("O1", "Blue")), ("O1",))
    assert store.poll("nope") is None


def test_deep_and_circular_payloads_end():
    deep = ("[" * 5000 + "]" * 5000).encode()
    loop = plistlib.dumps(
        {
            "$top": {"root": plistlib.UID(1)},
            "$objects": ["$null", {"NS.objects": [plistlib.UID(1), plistlib.UID(2)]}, {"a": plistlib.UID(1)}],
        },
        fmt=plistlib.FMT_BINARY,
    )
    for payload in (deep, loop, json.dumps({"title": float("1e308")}).encode()):
        poll = decode_poll(
            balloon=BALLOON, payload=payload, summary=b"", associated_type=0, associated_guid="", guid="G", sender=""
        )
        assert poll is not None


def decoded(payload, summary=b"", **columns):
    row = {"balloon": BALLOON, "associated_type": 0, "associated_guid": "", "guid": "G", "sender": "me"} | columns
    return decode_poll(payload=payload, summary=summary, **row)


def test_facts_are_found_inside_data_and_queries_and_the_summary():
    inner = json.dumps({"question": "Where?", "choices": ["Here", "There"]})
    nested = plistlib.dumps({"blob": inner.encode()}, fmt=plistlib.FMT_BINARY)
    query = archive("https://host.example/?p=" + quote(inner) + "&flag")
    for payload, summary in ((nested, b""), (query, b""), (b"", nested)):
        poll = decoded(payload, summary)
        assert (poll.kind, poll.question, list(poll.options)) == ("created", "Where?", ["Here", "There"])


def test_people_are_sorted_and_distinct():
    poll = decoded(
        json.dumps({"title": "?", "participants": [" b ", "", 5], "sub": {"participantHandles": ["a", "b"]}}).encode()
    )
    assert poll.participants == ["a", "b", "me"]


def test_a_single_vote_object_counts_and_numbers_are_words():
    content = {"voteOptionIdentifier": 7, "participant": True, "isRemoved": 0, "timestamp": 1.0}
    poll = decoded(json.dumps(content).encode(), associated_type=4000, balloon="")
    (vote,) = poll.votes
    assert (vote.option_id, vote.participant, vote.event_type, vote.server_time) == ("7", "1", "selected", "1")


def test_the_same_vote_twice_counts_once():
    content = [
        {"votes": [{"optionId": "A"}, {"optionId": "A"}, {"optionId": ""}, "no object"]},
        {"responses": [{"optionId": "A"}]},
    ]
    assert len(decoded(json.dumps(content).encode()).votes) == 1


@pytest.mark.parametrize(
    "url", ["http://[broken", "data:,%zz", "data:,%ff", "data:,", "data:nothing", "data:,AAAAA", "x:" + "y" * 70_000]
)
def test_urls_that_lead_nowhere_are_harmless(url):
    assert decoded(archive(url)).kind == "unknown"


def test_a_relative_url_is_joined_with_its_base():
    objects = [
        "$null",
        {"NS.base": plistlib.UID(2), "NS.relative": plistlib.UID(3)},
        {"NS.relative": plistlib.UID(4)},
        "/x?k=1",
    ]
    payload = plistlib.dumps(
        {"$top": {"other": plistlib.UID(1)}, "$objects": [*objects, "poll://host.example"]}, fmt=plistlib.FMT_BINARY
    )
    assert decoded(payload).metadata["url_host"] == "host.example"


def test_an_archive_without_a_root_or_with_wild_references_is_harmless():
    for top, objects in (({}, ["$null"]), ({"root": plistlib.UID(9)}, ["$null"]), ({"root": 5}, ["$null", "x"])):
        payload = plistlib.dumps({"$top": top, "$objects": objects}, fmt=plistlib.FMT_BINARY)
        assert decoded(payload).kind == "unknown"


def test_a_vote_for_a_guid_that_only_looks_alike_selects_nothing(db, open_store):
    db.message("￼", guid="P_1", balloon_bundle_id=BALLOON, payload_data=percent(poll_of("Red", title="?")))
    vote = percent(vote_of({"voteOptionIdentifier": "O0"}))
    db.message("v", associated_message_type=4000, associated_message_guid="p:0/PX1", is_from_me=1, payload_data=vote)
    assert open_store(db).poll("P_1").selected == ()
