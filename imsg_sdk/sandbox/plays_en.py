"""What people write in English.  Data only; :mod:`imsg_sdk.sandbox.script` explains the form."""

from __future__ import annotations

WORDS = {
    "day": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|the day after tomorrow|next week",
    "time": "6|6:30|7|half seven|7:45|8|8:15|half eight|noon|12:30|a quarter past one",
    "place": "the Blue Door|Café Lumen|the Anchor|Mario's|the Lantern|Noodle Bar 88|the Old Bakery|Nonna's|"
    "the Crooked Spoon|Tandoor House|the Garden Room|the Harbour Kitchen",
    "food": "mushroom risotto|pumpkin soup|fish pie|lentil dal|pad thai|roast chicken|shakshuka|leek tart|"
    "aubergine parmigiana|chickpea curry|pancakes|ramen",
    "dish": "olives|a salad|bread|the good cheese|dessert|lemons|wine|ice cream|candles|a pie",
    "cat": "Biscuit|Pickles|Mr Whiskers|Olive|Tofu|Marmalade|Pepper|Luna|Noodle|Captain",
    "n": "2|3|4|5|6|7|8|9",
    "min": "5|10|15|20|25|40",
    "city": "Lisbon|Edinburgh|Copenhagen|Bologna|Kyoto|Marseille|Ghent|Porto|Ljubljana|Bergen",
    "team": "Rovers|United|the Gulls|City|Athletic|the Wanderers",
    "score": "1–0|2–1|3–2|0–0|4–1|2–2",
    "thing": "umbrella|blue scarf|phone charger|keys|library book|bike pump|drill|tent|sunglasses",
    "film": "the one about the lighthouse|the new space thing|the heist one|the octopus documentary|the Italian comedy",
}

SCRIPTS = {
    "talk": """
@dinner
a: Dinner on {day}?
b: Yes please. Where?
a: {place} at {time}?
b: Perfect, I'll book a table
a: Tell them we want the window ## love
b: Booked. See you there 🎉 ## like

@late
a: Running {min} minutes late, sorry!
b: No worries, I've got a book ## love

@cat
a: Have you seen {cat}? She hasn't come home since last night
b: Oh no. Did you look in the shed?
a: Shed, attic, under every car in the street
b: I'm coming over with a torch
a: FOUND HER. In the neighbour's airing cupboard 🙈 ## laugh
b: Of course she was

@ok
a: Home safe?
b: Just got in 🙂

@thing
a: Did I leave my {thing} at yours?
b: Yes! It's on the hall table
a: Bless you. I'll fetch it {day}

@thanks
a: Thank you for today ❤️ ## love

@film
a: Fancy {film} tonight?
b: What time?
a: {time}
b: I'm in

@hm
a: Hmm, let me think about it
""",
    "group": """
@dinner
a: Who's in for dinner at mine on {day}?
b: Me!
c: Me too. What shall I bring?
a: {dish}? I'm making {food} 😋
b: I'll do {dish2} ## like
c: Can't wait

@match
a: {team} won {score}!!! ⚽ ## love
b: I can't believe that last minute
c: Worst referee in the world, best day of the year ## laugh

@hi
a: Good morning all ☀️
""",
    "code": """
@code
b: Your code is {n}{n2}{n3}{n4}{n5}{n6}. Never share it with anyone.
""",
}
