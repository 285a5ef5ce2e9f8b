"""Words for the gaps in English plays.  Data only; :mod:`imsg_sdk.sandbox.history.script` explains the form."""

from __future__ import annotations

__all__ = ["WORDS"]

WORDS = {
    "day": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
    "time": "6|6:30|7|half seven|7:45|8|8:15|half eight|noon|12:30|quarter past one|4ish|9 sharp",
    "place": "the Blue Door|Café Lumen|the Anchor|Mario's|the Lantern|Noodle Bar 88|the Old Bakery|Nonna's|"
    "the Crooked Spoon|Tandoor House|the Garden Room|the Harbour Kitchen|Little Saigon|the Fig Tree",
    "food": "mushroom risotto|pumpkin soup|fish pie|lentil dal|pad thai|roast chicken|shakshuka|leek tart|"
    "aubergine parmigiana|chickpea curry|pancakes|ramen|gnocchi|a very large paella",
    "dish": "olives|a salad|bread|the good cheese|dessert|lemons|wine|ice cream|candles|a pie|hummus|those crisps",
    "cat": "Biscuit|Pickles|Mr Whiskers|Olive|Tofu|Marmalade|Pepper|Luna|Noodle|Captain",
    "dog": "Waffles|Bruno|Daisy|Otis|Mango|Hector|Pippa|Moose",
    "n": "2|3|4|5|6|7|8|9",
    "min": "5|10|15|20|25|40",
    "city": "Lisbon|Edinburgh|Copenhagen|Bologna|Kyoto|Marseille|Ghent|Porto|Ljubljana|Bergen|Naples|Valencia",
    "team": "Rovers|United|the Gulls|City|Athletic|the Wanderers",
    "score": "1–0|2–1|3–2|0–0|4–1|2–2|5–4",
    "thing": "umbrella|blue scarf|phone charger|keys|library book|bike pump|drill|tent|sunglasses|casserole dish",
    "film": "the one about the lighthouse|the new space thing|the heist one|the octopus documentary|"
    "the Italian comedy|that three-hour western",
    "book": "the one about the bees|Middlemarch|the Norwegian crime thing|the lighthouse keepers|the whale book again",
    "instrument": "cello|trombone|ukulele|piano|drums|accordion",
    "plant": "tomatoes|the fig|the lemon tree|sunflowers|courgettes|the sad basil|the monstera",
    "weather": "raining sideways|foggy|so windy|hailing|suspiciously sunny|boiling|minus four",
    "street": "Mill Lane|Harbour Street|Station Road|the canal path|Orchard Close|Fisher's Row",
    "price": "£12|£18.50|£25|£40|£7.20|£63",
    "boat": "Second Wind|Marigold|Dotty|the Slow Kettle|Albatross|Patience",
    "ill": "a stinking cold|a migraine|the flu, I think|a sore throat|that bug everyone has",
    "snack": "crumpets|a flapjack|toast|dumplings|a sausage roll|leftover curry|one (1) grape",
    "meeting": "the budget review|the stand-up|the client call|the retro|the all-hands|the roadmap thing",
    "doc": "the slides|the contract|the spreadsheet|the draft|the invoice|the minutes",
    "km": "5k|8k|10k|a half marathon|3k, slowly",
    "age": "4|7|30|40|50|65|18|90",
}
