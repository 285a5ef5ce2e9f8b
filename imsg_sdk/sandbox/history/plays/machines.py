"""What machines write, and notes to oneself.  Data only; :mod:`imsg_sdk.sandbox.history.script` explains the form."""

from __future__ import annotations

__all__ = ["MACHINES"]

MACHINES = {
    "notes": """
@note
a: {buy|get|order}: {plant}, {dish}, {light bulbs|stamps|a kettle|bird seed|socks}

@note
a: {ring|write to|thank} {Mum|the landlord|the vet|Aunt Pearl|the bank} {before|on|by} {day}

@note
a: quote for the boat: {price}, {day}, ask about the hole

@note
a: {film} – {n} stars, would watch again

@note
a: run {km}, {weather}, legs {fine|gone|complaining}

@note
a: {cat} vet {day} {time}

@note
a: https://recipes.example.com/lemon-cake/{n}{n2}{n3}

@note
a: what was that song in {place}? ask {Tom|Nora|Priya}

@note
a: measurements: shelf {n}{n2} × {n3}{n4} cm, wall {n5}{n6}

@note
a: milk, lemons, bin bags, the nice bread

@note
a: Passport renewal!! before {day}

@note
a: parked on {street}, level {n}, by the pillar with the duck

@note
a: present for Dad: spirit level (he said it twice)

@note
a: wifi at the cottage: it's on the back of the biscuit tin

@note
a: book for later: {book}

@note
a: idea: a calendar of herons

@note
a: dentist {day} {time}
""",
    "code": """
@code
b: Your sign-in code is {n}{n2}{n3}{n4}{n5}{n6}. Never share it with anyone.

@code
b: {n}{n2}{n3}-{n4}{n5}{n6} is your verification code. It is valid for 10 minutes.
""",
    "parcel": """
@parcel
b: Your parcel is out for delivery today between {8:00 and 10|9:30 and 11|12:00 and 14|15:15 and 17}:00. Track it: https://track.example.com/{n3}{n4}{n5}{n6}

@parcel
b: Sorry we missed you. Your parcel is with your neighbour on {street}.

@parcel
b: Delivered! Your parcel was left {in the safe place: behind the bins|with a neighbour on <street>|at the front door}.

@parcel
b: Your parcel {n}{n2}{n3}{n4} has {left our depot|arrived at your local depot|been delayed by weather|cleared customs}.

@parcel
b: Parcelo: rate your delivery of {day} from 1 to 5. Reply STOP to opt out.
a: 5
b: Thank you! Your driver will be pleased.
""",
    "bank": """
@bank
b: Card ending 0{n}{n2}{n3}: {price} spent at {place}. Not you? Reply STOP to freeze the card.

@bank
b: Your balance is below £50. This is an automatic message.

@bank
b: A payment of {price} to Corner Cycles is waiting for you. Reply YES to approve.
a: YES
b: Thank you. The payment was approved.
""",
    "clinic": """
@clinic
b: Reminder: your appointment at Mill Lane Dental is on {day} at {time}. Reply YES to confirm or NO to cancel.
a: YES
b: Thank you, see you then.

@clinic
b: It has been six months since your last check-up. Call us or book online: https://dental.example.org/book
""",
    "shop": """
@shop
b: Hello, this is Corner Cycles. Your bike is ready to collect, we are open until 6 today.
a: Great, I'll come by at {time}
b: Perfect! The front brake was the culprit, {price} in all.

@shop
b: Hi! Your order is on its way 🚲 Anything else we can help with?
a: No, thank you!
b: You're welcome. Have a lovely day.
""",
    "promo": """
@promo
b: FLASH SALE 🔥 20% off everything until {day}! https://shop.example.net/{n}{n2}{n3} Text STOP to opt out

@promo
b: We miss you! Here is a free {snack} with your next order at {place}.
""",
    "junk": """
@junk
b: Congratulations!!! You have won a {price} gift card. Claim now: https://prize.example.net/{n}{n2}{n3}{n4}

@junk
b: Hi Mum, I dropped my phone, this is my new number. Can you transfer {price} today?

@junk
b: Dear customer your package is on hold, pay fee {price} at https://post.example.net/{n}{n2}{n3}
""",
}
