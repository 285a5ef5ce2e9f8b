"""What several people write in English.  Data only; :mod:`imsg_sdk.sandbox.history.script` explains the form."""

from __future__ import annotations

__all__ = ["GROUP"]

GROUP = """
@dinner
a: Who's in for dinner at mine on {day}?
b: Me!
c: Me too. What shall I bring?
a: {dish}? I'm making {food} 😋
b: I'll do {dish2}
c: Can't wait ## love

@dinner
a: Table for {n} at {place}, {day} {time}. Who's coming?
b: 🙋
c: 🙋🏽‍♀️
d: Depends. Is {A} choosing the wine
a: Yes
d: Then I'm bringing my own ## laugh

@dinner
a: Are we splitting it or is it one bill each?
b: {price} each, I've done the maths
c: {B} has never done the maths in their life
b: {price2} each. I've redone the maths ## laugh

@boat
a: Right. {boat}, {day}, harbour wall at 8:15. Who's crew?
b: Aye
c: Aye aye
d: What do I wear
a: Things you don't mind losing
b: Weather says sunny, 12 knots, so {A} will say "breezy" and we'll all get soaked ## laugh
c: I'm doing sandwiches. Any allergies?
d: Only to getting up at seven
a: {D} is in charge of the anchor then. No talking required ## laugh
d: ⚓️ ## love

@boat
a: Everyone home and dry?
b: Home. Not dry
c: I have found a crab in my bag ## photo wow
d: Its name is Kevin now ## laugh
a: Best crew ever. Same again next month? ## love

@boat
a: Whoever has the bailer please own up
b: It's a saucepan, and it's mine, and I want it back

@match
a: {team} won {score}!!! ⚽ ## fireworks love
b: I can't believe that last minute
c: Worst referee in the world, best day of the year ## laugh

@match
a: Where are we watching on {day}?
b: Mine. I've got the big screen and the small sofa
c: I'll bring {dish}
d: I'll bring the pessimism
a: 2–0 to {team}, you heard it here first
d: We'll lose 3–0 and it'll rain ## laugh

@match
a: Five-a-side {day} at {time}, we're one short
b: I can do it if somebody lends me boots
c: Size?
b: 43
c: I've got 42 and a shoehorn ## laugh

@cat
a: Has anyone in the street seen {cat}? Grey, very fluffy, answers to nothing
b: Not here but I'll look in the garage
c: There was a grey tail going round our bins at six!
a: That's the one
b: Not in the garage. But we did find {B}'s old bike ## laugh
c: Got her!! She's eating our dog's dinner and the dog is letting it happen ## photo love
a: Running over. THANK YOU 😭 ## love

@family
a: Good morning everyone ☀️
b: Morning Mum
c: Morning! Why are we up
a: I've been up since five. I've made jam ## photo love

@family
a: Christmas. Who is where and when
b: It's {day}, Mum
a: I know what day it is. Who is where and when
c: We can do the 24th to the 26th
d: 25th for us, and {D} will bring {dish}
b: I'll sleep on the sofa, as is tradition
a: Lovely. Your father is going to make a spreadsheet
c: Please stop him ## laugh

@family
a: Grandma's asking how to "send the little yellow face"
b: Tell her to press the smiley
a: She's sent me forty aubergines ## laugh
c: Frame it

@family
a: Does anyone have the recipe for the lemon cake?
b: Mum has it
c: Mum says {A} has it
a: I absolutely do not have it
b: So the recipe is in the wild now
c: Found it! Back of an envelope: 3 eggs, 200 sugar, 200 butter, 200 flour, "2 lemons, be brave" ## love

@family
a: Dad has discovered voice messages ## voice
b: It's four minutes long
c: The first two are the dog
b: The last two are also the dog ## laugh

@family
a: First day of school 🎒 ## photo love
b: Look at that little face!! ❤️
c: That bag is bigger than the child ## laugh

@school
a: Is it tomorrow they need the cardboard boxes?
b: Yes. And something "from nature"
c: It's nine at night
b: I have pine cones. How many do you need?
c: All of them. Thank you {B} ## love

@school
a: Whose turn is it to drive on {day}?
b: Mine. Pick-up 7:50 at {street}
c: You're a hero. I'll do the week after

@school
a: Lost: one blue jumper, name inside says somebody else's name
b: That's ours. We have yours ## laugh

@work
a: Who broke the build
b: It was like that when I got here
c: {B} you were the first one here
b: It was like that when I got here ## laugh

@work
a: {meeting} is moved to {time}
b: Today?
a: Today
c: I have {meeting2} at {time}
a: Everyone has {meeting2} at {time}. Nobody goes
c: 👀 ## laugh

@work
a: Lunch? Going to {place}
b: Yes
c: Yes, give me five
d: Can someone bring me back {snack}? Stuck on a call
c: Got you ## love

@work
a: Does anyone have {doc} in a version that opens?
b: Shared just now
c: There's a {n} page appendix about chairs
b: That's the good part ## laugh

@trip
a: So: {city} or {city2}?
b: {city}. I want to eat things on a hill
c: {city2} has the trains
d: {city} also has trains
c: But not the same trains
a: I'm starting a poll before this turns into last year ## poll

@trip
a: Booked!!! {city}, {n} nights, one bathroom ## confetti wow
b: How many of us are there
a: {n2}
b: One bathroom
c: We'll need a timetable. I'm happy to make a timetable
d: Nobody doubts it ## laugh

@trip
a: Packing list please, keep it short
b: Socks
c: Sun cream, cards, {B}'s map even though we have phones
b: You'll thank the map
d: We did in fact thank the map ## love

@film
a: Film night {day}. Vote: {film} or {film2}
b: {film}
c: {film}
d: {film2}, and I accept my fate
a: Democracy! Doors {time}, bring {dish} ## like

@book
a: Has everyone finished {book}?
b: Yes
c: I've finished looking at it
d: I read the first half twice ## laugh
a: See you at {time} then, we'll discuss {C}'s feelings about the cover

@book
a: Next month: {book} or something short?
b: Something short
c: Something short
a: {book} it is ## laugh

@music
a: Rehearsal {day} {time}. Please bring your own stand
b: And the {instrument}?
a: And, regrettably, the {instrument} ## laugh

@music
a: That was our best one yet!! ## love
b: Even the bridge?
c: Nobody noticed the bridge
d: My mum noticed the bridge ## laugh

@garden
a: Allotment rota: who's watering this week?
b: I can do Mon–Wed
c: Thu–Sat. Is the hose fixed?
a: It's "directional" now
b: {C} be ready to be wet
c: The courgettes are the size of {dog} ## photo wow

@run
a: Sunday long run, {km}, bridge at 8
b: In
c: In if there's cake
a: There's cake
d: In ## like

@party
a: Happy birthday {B}!!! 🎂🎉 ## balloons love
c: Happy birthday {B}! 🥳
d: HAPPY BIRTHDAY 🎈🎈🎈
b: Thank you all ❤️❤️ party at mine {day}, no presents, I mean it
c: I've already wrapped it ## laugh

@party
a: New year, same us. Mine from {time}?
b: Fireworks from the roof?
a: If {B} promises not to "help" this time
b: One hedge. ONE hedge ## laugh
c: We'll bring {dish}
d: And a bucket of water ## laugh

@game
a: Board games {day}?
b: Only if we don't play the trains one
c: What's wrong with the trains one
b: {C} has won it eleven times in a row
c: Skill 🚂 ## laugh

@photo
a: Found this while clearing out the attic ## photo wow
b: OH MY GOD my hair
c: That jumper should be in a museum
b: It's still in my wardrobe ## laugh

@photo
a: Photos from {day}! ## photo love
b: Love the third one
c: Please delete the fourth
d: Framing the fourth ## laugh

@link
a: Anyone up for this? ## link
b: Yes!
c: Count me in

@link
a: Saw this and thought of all of you ## link
b: Rude but accurate ## laugh

@news
a: We have news 💍 ## heart love
b: WHAT
c: AAAAAA ❤️❤️❤️
d: I'm screaming in a library ## laugh
b: Tell us everything. When, how, did {A} cry
a: On {street}, in the rain, and yes

@help
a: Does anybody have a ladder?
b: Ladder yes, courage no
c: I have both. {time}?
a: Bless you {C} ## love

@help
a: Wifi's down again, is it just us?
b: Same here
c: It's the whole of {street}. Someone dug through something
b: The digger looks very sorry ## photo laugh

@hi
a: Good morning all ☀️

@hi
a: Who's awake?
b: Define awake

@ok
a: Sounds good to me ## like

@ok
a: 😂😂

@ok
a: I'm in!

@ok
a: Can't make it this time, sorry all. Have fun! ## love

@ok
a: Running {min} minutes late, start without me
b: We already have ## laugh

@ok
a: {B} are you bringing the {thing}?
b: It's by the door so I can't forget it
a: And?
b: I forgot it ## laugh

@ok
a: @{B} your turn to choose

@ok
a: Thank you everyone ❤️ ## love
"""
