"""Short exchanges in English, with many ways to say the same.  Data only; ``script`` tells how."""

from __future__ import annotations

__all__ = ["SMALL_TALK"]

SMALL_TALK = """
@ok
a: {On my way|Leaving now|Just left|Setting off|In the car|On the bus|Coming|Nearly there}{!|| 🚲| 🏃🏽‍♀️| now|, <B>}

@ok
a: {Home|Back|In|Landed|Made it}{ safe|| at last| and dry| and starving}{ 🙂||!| 😴| ❤️}

@ok
a: {Good morning|Morning|Hello hello|Wakey wakey}{ ☀️|!|| 🐦|, <B>}
b: {Morning|Is it though|Good morning|Mmmf|Already on my second coffee}{ ☕️||!| 😴}

@ok
a: {Night night|Sleep well|Good night|Off to bed}{ 🌙|| x| 😴|!}
b: {You too|Sweet dreams|Night|See you tomorrow}{ x||!| ❤️}

@ok
a: {Thank you|Thanks|Cheers|Thanks a million|You're a star}{ so much|||!| 🙏| ❤️| ✨}

@ok
a: {Sounds good|Perfect|Great|Lovely|Deal|Done|Works for me|Brilliant}{!|| 👍| 👌🏼| 😊|, see you then}

@ok
a: {Haha|Ha|😂|🤣|I'm crying|Stop it|I can't}{!||, brilliant| 😂|…}

@ok
a: {Can you|Could you} {ring me|call me|ring Mum|text <B>'s sister} {later|tonight|soon}?
b: {Sure|Of course|Will do|Give me <min>|In a meeting, in <min>?}

@ok
a: {Still OK for|Are we on for|Did we say} {day}{, <time>||?}?
b: {Yes|Yep|Of course|Absolutely}{!|| 👍|, can't wait|, in the diary}

@ok
a: {Sorry|So sorry|Oops|Apologies}{, |: }{fell asleep|left my phone behind|only just saw|was on the train|phone died}
b: {No worries|No problem|All good|Don't be silly}{!|| 😊| x}

@ok
a: {What are you up to|What's the plan|Any plans|Doing anything nice} {tonight|on <day>|later}?
b: {Nothing|Washing|Not much|Lying on the floor|Absolutely nothing}{. You?||, why?| 😌}
a: {Same|Come over|Walk by the river?|Want company?|<place>?}
b: {Go on then|Yes please|Give me half an hour|Twist my arm}{!|| 🙂}

@ok
a: {Did you eat|Have you eaten|Are you hungry}?
b: {I had|Only|Does it count if it was} {snack}
a: {That's not dinner|Good|And that's it?|Living the dream}{ 😄||.}

@weather
a: {It's|Why is it|Now it's|I can't believe it's} {weather}{ again||!}
b: {Here too|Not here|Same|Blue sky here}{, bring a coat|| 🌧️| ☀️| 🌈}

@work
a: {Busy|Mad|Quiet|Long} day{ here||. You?|!}
b: {Same|Tell me about it|Three meetings about <doc>|I've been in <meeting> since ten}

@work
a: {Did you get|Have you seen|Could you check} {doc}{ yet||?}?
b: {Got it|Looking now|In five minutes|Somewhere under the other thing}{, thanks|||!}

@home
a: {We're out of|Can you get|We need} {milk|bread|coffee|onions|bin bags|light bulbs|cat food}{!||, please| 🙏}
b: {On it|Will do|Already in the basket|Got it}{ 👍||!}

@home
a: {Have you seen|Where did you put|Do you know where I left} the {thing}?
b: {Kitchen|Under the sofa|On the stairs|You're wearing it|In the car|In the fridge, don't ask}{ I think|||?}
a: {Found it|Thank you|Of course it is|How}{!|| 😂| 🙈}

@family
a: {Give|Send} {my love|a hug|a kiss} to {everyone|Mum|Dad|the little one|Grandma}{ ❤️||!| 🤗}
b: {Will do|Done|They say hello back|She says you should ring more}{ ❤️||!| 😄}

@photo
a: {Look at this|Look!|Guess where I am|Exhibit A|This made me think of you} ## photo
b: {Gorgeous|Wow|Stunning|Is that <city>?|I want to be there|Ha!}{ 😍||!|! 🤩} ## love

@food
a: I'm {making|craving|dreaming of|having} {food}{ tonight|| 😋|!}
b: {Jealous|Save me some|Again?|Recipe please|I'm on my way}{!||}

@film
a: {Just watched|Have you seen|You have to see} {film}
b: {And|Any good|No spoilers|Yes}{?!||!}
a: {Loved it|Cried twice|I fell asleep|Nine out of ten|Two hours too long}{ 🍿||!}

@shopping
a: {This one|Blue|The left one|The big one} or {the other|green|the right one|the small one}? ## photo
b: {The first|The second|Neither|Both|Yes}{!|| 😄}

@trip
a: {Bags packed|Passport found|Checked in|At the gate}{ ✈️||!| 🧳}
b: {Have the best time|Bon voyage|Send pictures|Bring back cheese}{!|| ❤️| 🌍} ## love

@cat
a: {cat} {is asleep in the sink|has knocked over <plant>|is staring at the wall again|wants breakfast, at five}
b: {Of course|Iconic|Give <cat> a scratch from me|Who's in charge there}{ 🐈||?| 😹} ## laugh

@dog
a: {dog} {has rolled in something|met a swan|is scared of the new bin|got into the compost}
b: {Oh no|Poor <dog>|Poor bin|Not again}{ 🐶|| 😂|!} ## laugh

@run
a: {5k done|Ran to the bridge and back|Personal best|Legs gone}{ 🏃🏿‍♂️||!| 💪🏽}
b: {Machine|Show-off|Well done|In that weather?}{!|| 👏🏽} ## like

@call
a: {Missed your call|Just saw you rang|You called?}{, everything OK||?}
b: {Pocket|Yes, just wanted to say hi|All fine|Nothing urgent}{!|| 😄| ❤️}

@luck
a: {Good luck|Fingers crossed|Thinking of you|Break a leg} {today|for <day>|this afternoon}{ 🍀||!| 🤞🏼} ## love
b: {Thank you|I'll need it|Eek|Butterflies}{!|| 🦋| 😬}
"""
