"""What people do who have no script of their own: they read, type a while, and answer as friends do.  Data only."""

from __future__ import annotations

from typing import Any, Final

from imsg_sdk.sandbox.world.accounts import takes_imessage

__all__ = ["REACTIONS", "SMALL_TALK", "answers", "script"]

REACTIONS: Final = ("love", "like", "laugh", "emphasize", "question", "🎉")

SMALL_TALK: Final = (
    "Anyone up for a walk later?",
    "The kettle is on",
    "Did you see the moon tonight?",
    "Running ten minutes late, sorry",
    "I left my umbrella at yours, I think",
    "The cat has learned to open the fridge",
    "What was the name of that café again?",
    "Home safe",
    "Can somebody bring bread?",
    "It is snowing here!",
    "Remind me to tell you about the goat",
    "Good news: they had the blue one",
)

_PHRASES: Final[dict[str, dict[str, list[str]]]] = {
    "en": {
        "hello": ["Hi!", "Hello you", "Hey, how are things?", "Hi there 👋"],
        "thanks": ["Any time", "My pleasure", "No trouble at all"],
        "night": ["Good night 🌙", "Night night", "Sleep well"],
        "question": [
            "Yes, I think so",
            "Let me check and tell you",
            "Not sure. What do you think?",
            "Give me a minute",
        ],
        "love": ["You too ❤️", "Aw"],
        "rest": ["Sounds good", "Ok!", "Lovely", "Got it", "Ha, typical", "Tell me more later", "Good to know"],
        "typo": ["Soudns good"],
        "mended": ["Sounds good"],
    },
    "de": {
        "hello": ["Hallo!", "Hi, wie geht's?"],
        "thanks": ["Gern geschehen", "Nichts zu danken"],
        "night": ["Gute Nacht 🌙", "Schlaf gut"],
        "question": ["Ja, ich glaube schon", "Ich schau mal nach", "Weiß nicht, was meinst du?"],
        "love": ["Ich dich auch ❤️"],
        "rest": ["Klingt gut", "Alles klar", "Schön", "Haha, typisch"],
        "typo": ["Kilngt gut"],
        "mended": ["Klingt gut"],
    },
    "it": {
        "hello": ["Ciao!", "Ehi, come va?"],
        "thanks": ["Figurati", "Di niente"],
        "night": ["Buonanotte 🌙", "Dormi bene"],
        "question": ["Sì, credo di sì", "Fammi controllare", "Non so, tu che dici?"],
        "love": ["Anch'io ❤️"],
        "rest": ["Va bene", "Perfetto", "Che bello", "Ho capito"],
        "typo": ["Va beme"],
        "mended": ["Va bene"],
    },
    "sv": {
        "hello": ["Hej!", "Hej, hur är läget?"],
        "thanks": ["Varsågod", "Ingen orsak"],
        "night": ["God natt 🌙", "Sov gott"],
        "question": ["Ja, jag tror det", "Jag ska kolla", "Vet inte, vad tycker du?"],
        "love": ["Detsamma ❤️"],
        "rest": ["Låter bra", "Okej!", "Vad kul", "Toppen"],
        "typo": ["Låter bar"],
        "mended": ["Låter bra"],
    },
    "ja": {
        "hello": ["こんにちは!", "やっほー"],
        "thanks": ["どういたしまして", "いえいえ"],
        "night": ["おやすみ🌙"],
        "question": ["うん、たぶん", "ちょっと確認するね", "どうかな?"],
        "love": ["私も❤️"],
        "rest": ["いいね", "了解!", "わかった"],
        "typo": ["いいえね"],
        "mended": ["いいね"],
    },
    "ar": {
        "hello": ["أهلا!", "مرحبا، كيف الحال؟"],
        "thanks": ["عفوا", "على الرحب"],
        "night": ["تصبح على خير 🌙"],
        "question": ["نعم، أظن ذلك", "سأتأكد وأخبرك"],
        "love": ["وأنا أيضا ❤️"],
        "rest": ["تمام", "حسنا", "رائع"],
        "typo": ["تماا"],
        "mended": ["تمام"],
    },
}

_HELLO: Final = r"^\W*(hi|hello|hey|hiya|morning|good (morning|afternoon|evening)|hallo|moin|ciao|hej|hola|salut)\b"
_THANKS: Final = r"\b(thanks?|thank you|cheers|danke|grazie|tack|gracias|merci)\b"
_NIGHT: Final = r"\b(good ?night|night night|gute nacht|buonanotte|god natt)\b"
_LOVE: Final = r"(\blove you\b|\bmiss you\b|❤|😘)"

_READS: Final[list[dict[str, Any]]] = [{"wait": [0.8, 3.0]}, {"read": True}, {"type": [1.0, 3.5]}]


def answers(address: str) -> bool:
    """Return whether somebody writes from an address, and not a machine."""
    return (takes_imessage(address) or len(address) > 8) and not address.startswith("urn:")


def script(language: str) -> list[dict[str, Any]]:
    """Return the rules of a friend who writes in a language; English where there are no words for it."""
    say = _PHRASES.get(language, _PHRASES["en"])
    direct: list[dict[str, Any]] = [
        {"matches": _HELLO, "do": [*_READS, {"say": say["hello"]}]},
        {"matches": _NIGHT, "do": [*_READS, {"say": say["night"]}]},
        {"matches": _THANKS, "chance": 0.5, "do": [{"wait": [0.8, 3.0]}, {"read": True}, {"react": ["love", "like"]}]},
        {"matches": _THANKS, "do": [*_READS, {"say": say["thanks"]}]},
        {"matches": _LOVE, "do": [*_READS, {"react": "love"}, {"say": say["love"]}]},
        {"matches": r"\?\W*$", "do": [*_READS, {"say": say["question"]}]},
        {"chance": 0.08, "do": [*_READS, {"say": say["typo"]}, {"wait": [2, 5]}, {"edit": say["mended"]}]},
        {"chance": 0.03, "do": [*_READS, {"say": say["rest"]}, {"wait": [2, 6]}, {"unsend": True}]},
        {"chance": 0.2, "do": [{"wait": [0.8, 4.0]}, {"read": True}, {"react": ["like", "love", "laugh"]}]},
        {"do": [*_READS, {"say": say["rest"]}]},
    ]
    return [
        *({"place": "direct", **rule} for rule in direct),
        {"place": "group", "matches": _HELLO, "chance": 0.5, "do": [{"wait": [2, 12]}, {"say": say["hello"]}]},
        {"place": "group", "matches": r"\?\W*$", "chance": 0.6, "do": [{"wait": [3, 15]}, {"say": say["question"]}]},
        {"place": "group", "chance": 0.25, "do": [{"wait": [1, 15]}, {"react": ["like", "love", "laugh"]}]},
        {"place": "group", "chance": 0.3, "do": [{"wait": [3, 20]}, {"say": say["rest"]}]},
    ]
