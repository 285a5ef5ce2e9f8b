"""The history that the demo and the notebooks show: a small circle of people with a boat, a cat and a football team."""

from __future__ import annotations

import os
from collections.abc import Callable

from imsg_sdk.sandbox.dice import Dice
from imsg_sdk.sandbox.history.chats import ChatSpec
from imsg_sdk.sandbox.history.generate import Summary, Truth, generate
from imsg_sdk.sandbox.people import Person, owner

__all__ = ["MESSAGES", "SEED", "SYSTEM", "circle", "demo", "languages"]

SEED, MESSAGES, SYSTEM = 1, 4000, "tahoe"

# key: name, language, country, phone, mail, manner of writing
_PEOPLE = {
    "nora": ("Nora Finch", "en", "gb", "+447700900118", "nora.finch@example.com", 0),
    "tom": ("Tom Okafor", "en", "gb", "+447700900364", "tom.okafor@example.org", 1),
    "mum": ("Mum", "en", "gb", None, "margaret.marlowe@example.org", 0),
    "dad": ("Dad", "en", "gb", "+447700900737", "len.marlowe@example.org", 2),
    "jo": ("Jo Marlowe", "en", "ie", "+353209112204", "jo.marlowe@example.com", 3),
    "priya": ("Priya Rahman", "en", "us", "+12065550137", "priya.rahman@example.com", 2),
    "wilf": ("Wilf Hobbs", "en", "gb", None, "wilf@example.net", 0),
    "ida": ("Ida Lindqvist", "sv", "se", "+46701740642", "ida.lindqvist@example.com", 0),
    "carlotta": ("Carlotta Serra", "it", "it", None, "carlotta.serra@example.com", 0),
    "hannes": ("Hannes Köhler", "de", "de", "+493023125450", "hannes.koehler@example.org", 0),
    "sakura": ("さくら", "ja", "jp", None, "sakura@example.com", 0),
    "layla": ("ليلى", "ar", "eg", None, "layla@example.net", 0),
    "desmond": ("Desmond Pike", "en", "us", "+14155550122", "desmond.pike@example.net", 1),
    "zadie": ("Zadie Bell", "en", "gb", "+447700900491", "zadie.bell@example.org", 2),
    "sam": ("Sam Wren", "en", "au", "+61491570156", "sam.wren@example.com", 0),
}

# name, people, topics, weight; a name of "-" is none.
_GROUPS = (
    ("Sunday lunch", "mum dad jo nora", "family recipe garden photo", 150),
    ("Boat crew ⛵️", "tom wilf zadie ida", "boat trip dinner help", 120),
    ("Mill Lane neighbours 🏡", "nora wilf desmond sam zadie", "cat help school garden", 70),
    ("Five-a-side ⚽️", "tom desmond sam hannes", "match run ok", 60),
    ("Team lunch", "priya zadie desmond", "work dinner", 45),
    ("Book club (we read half)", "nora priya ida", "book film", 30),
    ("-", "tom carlotta", "trip", 14),
)
_DIRECT = (
    ("nora", "home cat dinner shopping thanks photo", 210),
    ("tom", "boat football music plan", 105),
    ("mum", "family garden ill", 70),
    ("priya", "work coffee film", 50),
    ("jo", "family music trip", 40),
    ("carlotta", "", 26),
    ("hannes", "", 16),
    ("ida", "", 12),
    ("sakura", "", 10),
    ("layla", "", 9),
)


def _machine(kind: str, address: str, name: str, weight: int, service: str = "SMS") -> ChatSpec:
    person = Person(name, "en", "gb", None, address, "")
    return ChatSpec(kind, [person], service, address=address, weight=weight)


def circle(seed: int) -> list[ChatSpec]:
    """Return the chats of the demo."""
    dice = Dice(seed, "circle")
    people = {
        key: Person(name, language, country, phone, mail, dice.guid(), manner)
        for key, (name, language, country, phone, mail, manner) in _PEOPLE.items()
    }
    chats = [
        ChatSpec("talk", [people[key]], topics=frozenset(topics.split()), weight=weight)
        for key, topics, weight in _DIRECT
    ]
    chats += [
        ChatSpec(
            "group",
            [people[key] for key in members.split()],
            name=None if name == "-" else name,
            topics=frozenset(topics.split()),
            weight=weight,
        )
        for name, members, topics, weight in _GROUPS
    ]
    tom, wilf = people["tom"], people["wilf"]
    chats += [
        ChatSpec("talk", [tom], address=tom.email, twin=1, weight=6),
        ChatSpec("talk", [people["desmond"]], "SMS", weight=14),
        ChatSpec("talk", [people["sam"]], "RCS", weight=12),
        ChatSpec("talk", [wilf], topics=frozenset({"boat", "garden"}), weight=12),
        ChatSpec("notes", [owner()], weight=9),
        _machine("code", "262966", "Sign-in codes", 8),
        _machine("parcel", "Parcelo", "Parcelo", 8),
        _machine("clinic", "+442079460018", "Mill Lane Dental", 4),
        _machine("shop", "urn:biz:0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9", "Corner Cycles", 4, "iMessage"),
    ]
    return chats


def languages() -> dict[str, str]:
    """Return the languages of the people of the demo, by their names."""
    return {name: language for name, language, *_ in _PEOPLE.values()}


def demo(
    path: str | os.PathLike[str],
    *,
    seed: int = SEED,
    messages: int = MESSAGES,
    attachments_dir: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    truth: Callable[[Truth], None] | None = None,
) -> Summary:
    """Write the demo's history; parameters as in :func:`imsg_sdk.sandbox.history.generate.generate`."""
    return generate(
        path,
        seed=seed,
        messages=messages,
        system=SYSTEM,
        chats=circle(seed),
        attachments_dir=attachments_dir,
        force=force,
        progress=progress,
        truth=truth,
    )
