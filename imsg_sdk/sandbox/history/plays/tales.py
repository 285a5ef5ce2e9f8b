"""Longer stories in English, for two and for several.  Data only; ``script`` explains the form."""

from __future__ import annotations

__all__ = ["GROUP_TALES", "TALES"]

TALES = """
@cat
a: Don't panic
b: I'm panicking
a: {cat} got out through the bathroom window
b: The bathroom window is on the second floor
a: There's a drainpipe. There are footprints on the drainpipe
b: Have you tried the tuna
a: I'm standing in {street} with an open tin of tuna and four cats, none of them ours
b: Which four
a: The ginger from number {n}, the two from the bakery, and one I've never seen before who has a tie
b: A tie?
a: Markings. It looks like a tie ## photo
b: He looks like he's here about the mortgage ## laugh
a: Wait
b: What
a: {cat} is sitting behind me. Has been the whole time, I think
b: Bring the tuna in. And the bank manager can stay for dinner ## love

@boat
a: Confession time
b: Oh no
a: I bought the boat
b: WHICH boat
a: {boat}. The green one with the hole
b: You bought the one WITH the hole?
a: It was cheaper with the hole
b: I need to sit down
a: It's a small hole. Wilf says it's "mostly cosmetic"
b: Does Wilf know what cosmetic means
a: It comes with oars, an anchor and a family of ducks
b: The ducks are included?
a: The ducks were very much included
b: When can I see it ## laugh
a: {day}, {time}, bring a bucket ## love

@work
a: So I had the interview
b: AND?
a: They asked where I see myself in five years
b: What did you say
a: I panicked and said "a lighthouse"
b: A LIGHTHOUSE
a: I meant somewhere quiet, to think. They wrote it down
b: Did they laugh?
a: One of them did. The other one said she'd like that too
b: That's either very good or very bad
a: They just rang. I start on the first ## confetti
b: !!!!!! ## love
a: There's a picture of a lighthouse in the office. I'm choosing to take it as a sign

@recipe
a: How do you save a soup
b: From what
a: Salt
b: How much salt
a: The lid came off
b: Potato. Put a raw potato in, take it out after twenty minutes
a: It's been twenty minutes. Now I have a salty soup and a salty potato
b: More water, more carrots, and a second pot
a: I now have three pots and guests in {min} minutes
b: What are you going to do
a: Call it a tasting menu ## laugh
b: How did it go??
a: They asked for the recipe ## wow

@trip
a: We're in the wrong {city}
b: What do you mean the wrong {city}
a: There are two. This is the small one. It has one hotel and it's closed
b: How did you manage that
a: The train was going to {city}, so we got on it!
b: Where are you sleeping?
a: The lady from the bakery has taken us in. She doesn't speak any language we speak
b: What language does she speak
a: Cake
b: That sounds like the right {city} to me
a: Honestly? Best evening of the whole trip ## photo love

@garden
a: The heron's back
b: On the pond?
a: On the car
b: What does it want
a: It's looking through the windscreen. I think it wants to drive
b: Take the keys with you
a: I've been in the house for an hour. I have a dentist's appointment at {time}
b: Have you tried asking it to leave
a: I said "excuse me"
b: And
a: It said something back that I won't repeat ## laugh
b: Rebook the dentist. You live with a heron now

@family
a: Dad's locked in the bathroom
b: Is he all right?
a: He's fine, the handle came off. He's doing the crossword
b: Have you got a screwdriver?
a: It's in the bathroom. He was mending the handle
b: 😂😂😂
a: He wants to know a seven-letter word for "stuck"
b: TRAPPED
a: He says it fits
b: The handle or the word
a: The word. I'm going to get the ladder ## laugh

@music
a: Concert update: I came in two bars early
b: Did anyone notice?
a: I was the only one playing
b: Oh
a: It was very quiet. I played my two bars and then I played them again in the right place
b: Like an echo
a: The conductor said "interesting"
b: The programme says it was a world première, so who can tell ## laugh
a: That is the kindest thing anyone has ever said to me ❤️

@home
a: I think we have a ghost
b: What kind
a: The kind that eats crisps
b: That's the mouse
a: The mouse opened the packet with SCISSORS?
b: Ah
a: …
b: I was hungry at 3 am and I didn't want to wake you
a: So you ate them in the wardrobe
b: It's the quietest room ## laugh

@football
a: They've put me in goal
b: You? Why?
a: I'm tall and I said yes to something I didn't hear
b: How's it going
a: It's half-time. 6–0
b: To us?
a: No {B}, not to us
b: Do you want me to come and stand behind the net and shout
a: Yes please
b: On my way 🧣
a: We lost 7–6!!! Best match of my LIFE ## fireworks love
"""

GROUP_TALES = """
@boat
a: Slight problem
b: Define slight
a: The tide
c: What about it
a: It's gone out
b: It does that
a: With us on the sandbank
d: How long until it comes back?
a: Six hours
b: We've got {n} sandwiches and a melon
c: And a pack of cards
d: And the flask
a: Actually this is fine
b: A man in a kayak just asked if we need help
c: We asked if he has mustard
d: HE HAS MUSTARD ## wow
a: Best shipwreck I've ever been in ## photo love

@cat
a: Neighbours, a very large tortoise is walking down {street}
b: Towards or away from the shop?
a: Towards. At his age
c: That's Gladys!! She's ours! How did she get out
a: I think she left on Tuesday
d: She's past number {n} now. I've given her a strawberry
c: I'm running
b: You have time ## laugh
c: Got her. She'd made it as far as the post box. Thank you everyone 🐢❤️ ## love
a: Where was she going?
c: We'll never know, but she seemed sure ## laugh

@dinner
a: What does everyone eat these days, just so I know
b: Everything
c: No meat
d: No nuts!
b: Also no aubergine
a: You said everything
b: Everything that's food
c: I can do dairy, but dairy can't do me
a: So: potatoes
d: I love potatoes
b: Who doesn't love potatoes
a: Five kinds of potatoes, {day}, {time}. Dress code: beige ## laugh
c: Honestly the best invitation I've ever had ## love

@work
a: Whoever is microwaving fish: we know
b: It's not fish
a: What is it then
b: It's lunch
c: It's got a face
b: It HAD a face
d: I've opened the window. A gull came in
a: A gull came IN?
d: It's on the printer. It's printing ## laugh
c: Somebody check the minutes of {meeting}, I think the gull just approved them ## wow
a: Best decision we've had all year

@trip
a: Roll call. Tickets?
b: Yes
c: Yes
d: On my phone
a: Passports?
b: Yes
c: Yes
d: …
a: {D}.
d: I know exactly where it is
b: Where
d: In the safe place
c: And where is the safe place
d: I'll know it when I see it
a: Train goes in {min} minutes
d: FOUND IT. It was in the freezer
b: Of course it was ## laugh
a: Run ## laugh

@family
a: Who taught Grandma to use stickers
b: Not me
c: Not me
d: She asked and I thought, what harm can it do
a: She's sent {n}{n2} since breakfast
b: The dancing prawn is quite good
c: The dancing prawn is the best thing in this group
a: She says she's only getting started
d: I regret nothing 🦐 ## laugh

@book
a: Be honest, who has read it
b: I've read the back
c: I've read the beginning and the end, and I've made up the middle
d: I listened to it at double speed while hoovering
a: So what happens
d: It's very loud and everyone's in a hurry ## laugh
b: In my version there's a twist
c: In my version there's a horse
a: There IS a horse!
c: I knew it ## wow

@party
a: The cake fell
b: How far
a: All the way
c: Is any of it all right?
a: The candle
d: I've got trifle. Trifle is just cake that fell on purpose
b: Bring custard
c: And spoons
a: I love you all. Party saved ## heart love
"""
