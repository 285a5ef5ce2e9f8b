"""What people write in other languages.  Data only; :mod:`imsg_sdk.sandbox.script` explains the form."""

from __future__ import annotations

LANGUAGES = ("it",)

WORDS: dict[str, dict[str, str]] = {
    "it": {"day": "lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica"},
}

SCRIPTS: dict[str, dict[str, str]] = {
    "it": {
        "talk": """
@cena
a: Ci vediamo {day} sera?
b: Volentieri! A che ora?
a: Alle otto da me 🍝
b: Porto il dolce ## love
"""
    },
}
