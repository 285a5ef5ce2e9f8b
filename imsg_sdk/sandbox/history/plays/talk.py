"""What two people write in English.  Data only; :mod:`imsg_sdk.sandbox.history.script` explains the form."""

from __future__ import annotations

__all__ = ["TALK"]

TALK = """
@dinner
a: Dinner on {day}?
b: Yes please. Where?
a: {place} at {time}?
b: Perfect, I'll book a table
a: Tell them we want the window
b: Booked. See you there 🎉 ## like

@dinner
a: I'm making {food}. There's far too much of it
b: Is that an invitation
a: It's a plea
b: On my way. I'll bring {dish} ## laugh

@dinner
a: What was the name of that place you liked?
b: {place}! On {street}
a: That's the one. Is it easy to get a table?
b: Not on a {day}. Ring before {time}
a: They had one left, by the kitchen door
b: Best seat in the house. You get to hear the shouting ## laugh

@late
a: Running {min} minutes late, sorry!
b: No worries, I've got a book ## love

@late
a: Train's stuck outside the station. Again
b: How long?
a: They say {min} minutes, so an hour
b: I'll order you a drink and then drink it

@cat
a: Have you seen {cat}? Hasn't come home since last night
b: Oh no. Did you look in the shed?
a: Shed, attic, under every car in {street}
b: I'm coming over with a torch
a: Thank you 😿 ## love
b: Any sign?
a: FOUND. In the neighbours' airing cupboard, asleep on their towels ## wow
b: Of course 🙈
a: They'd been calling it Gerald ## laugh

@cat
a: {cat} brought me a present
b: Dead or alive?
a: It was a whole slice of pizza ## laugh
b: From where??
a: I'm choosing not to ask ## photo

@cat
a: {cat} is sitting on my keyboard so this message may be shorttttttttt
b: Tell {cat} I said hello ## love

@dog
a: {dog} ate my left shoe
b: Only the left?
a: The right one was apparently not good enough ## laugh

@dog
a: Could you walk {dog} on {day}? I'm stuck at work till {time}
b: With pleasure. Same key place?
a: Under the pot with {plant}
b: We did the long round by the river. One very tired dog ## photo
a: You're the best ❤️ ## love

@boat
a: The forecast for {day} is perfect. Shall we take {boat} out?
b: YES. What time do we have to be at the harbour?
a: High water's just after nine, so 8:15
b: I'll do sandwiches. Is the engine fixed?
a: "Fixed"
b: I don't like the quotation marks
a: Bring the oars ## laugh
b: 😅

@boat
a: Still finding sand in everything I own
b: Worth it though
a: Best day of the summer ## love
b: That seal! It followed us the whole way round the point ## photo
a: It wanted your sandwich
b: It GOT my sandwich ## laugh

@boat
a: Did you tie {boat} up with the long line?
b: …I tied it up with *a* line
a: It's currently visiting the other side of the harbour
b: Putting my boots on ## laugh

@work
a: Do you have five minutes before {meeting}?
b: I have four
a: Then I'll talk fast. They moved the deadline to {day}
b: Moved it closer or further?
a: Guess
b: I'll put the kettle on

@work
a: Can you send me {doc} again? I can't find it anywhere
b: Sent. It was in the folder called "final_FINAL_2" ## laugh
a: Naturally

@work
a: How did {meeting} go?
b: Long. We agreed to meet again to decide when to meet
a: Progress! ## laugh

@work
a: I got the job!!! ## confetti love
b: NO WAY. Congratulations!!! 🎉🎉🎉
a: Start on the first. I have to buy shoes
b: Drinks on {day}. I'm paying ## love

@work
a: Am I on mute
b: You're texting me from the same call
a: But am I
b: Yes ## laugh

@film
a: Fancy {film} tonight?
b: What time?
a: {time}, then home in time for bed like proper adults
b: I'm in

@film
a: Well that was three hours of my life
b: I loved it??
a: You cried at the horse
b: Everybody cried at the horse ## laugh

@book
a: Finished {book}. I need somebody to talk to about the ending
b: DON'T. I'm on page 200
a: Read faster
b: Done. What. WHAT ## wow
a: I KNOW

@thing
a: Did I leave my {thing} at yours?
b: Yes! It's on the hall table
a: Bless you. I'll fetch it on {day} ## like

@thing
a: Do you still have my {thing}?
b: Define "still" ## laugh

@thanks
a: Thank you for today ❤️ ## love

@thanks
a: Just wanted to say I'm glad you exist
b: 🥹 right back at you ## love

@home
a: Home safe?
b: Just got in 🙂

@home
a: The boiler's making the noise again
b: The sad whale or the angry kettle?
a: Sad whale
b: Bleed the radiator in the hall. Key's in the drawer with the batteries
a: It worked! You're a wizard ## like
b: I watched one video ## laugh

@recipe
a: How long did you roast the squash for?
b: 40 minutes at 200, turn once. Then the tahini
a: And the lemon goes on before or after?
b: After! Always after
a: It was ridiculously good ## love photo

@recipe
a: What's a substitute for buttermilk
b: Milk and a squeeze of lemon, wait ten minutes
a: And a substitute for eggs
b: What are you making?
a: I'm no longer sure ## laugh

@recipe
a: Mum's soup, as dictated: two onions, a leek, {n} carrots, the stock from Sunday, "enough" barley
b: How much is enough
a: She said you'd know
b: I don't know
a: She said in that case make toast ## laugh

@garden
a: Something is eating {plant}
b: Slugs. Go out with a torch after ten
a: There are HUNDREDS
b: Welcome to gardening ## laugh

@garden
a: First tomato of the year 🍅 ## photo love
b: Just the one?
a: Just the one. We're sharing it

@family
a: Have you rung Grandma?
b: Tonight, promise. Did she get the parcel?
a: She did. She's wearing the scarf indoors
b: 🥰 ## love

@family
a: Mum wants to know if you're coming for Sunday lunch
b: What is it?
a: {food}
b: Then yes
a: She says bring {dish} and a haircut ## laugh

@family
a: It's Dad's birthday on {day}. What do we get someone who wants nothing?
b: He wants a spirit level. He's mentioned it twice
a: A spirit level it is 😂
b: And cake. I'll do the lemon one
a: He'll be {age}, can you believe it
b: Don't tell him I said this but he's aged better than the kitchen ## laugh

@family
a: Little one took three steps today!! ## balloons love
b: WHAT. Video immediately
a: Sending ## photo
b: I'm crying in a car park ## love

@family
a: Lost a tooth. Demanding the tooth fairy pay by card ## laugh
b: Inflation

@football
a: Are you watching this
b: I can't look
a: {team} {score} with ten to go
b: Tell me when it's over
a: It's over. You can come out now
b: AND???
a: We're going up!!! ## fireworks love

@football
a: Tickets for {team} on {day}, want one?
b: Are they any good this season?
a: No
b: I'm in ## laugh

@run
a: Did {km} this morning
b: In this weather? It's {weather}
a: That's why I was fast ## laugh

@run
a: Are we still running on {day}?
b: I was hoping you'd forgotten
a: {time}, by the bridge
b: Fine. But we're getting breakfast after

@trip
a: I'm looking at flights to {city}
b: For when??
a: Long weekend in May. Are you free?
b: For {city} I'm always free
a: There's one at 6 in the morning for {price}
b: There's a reason it's {price}
a: So that's a yes?
b: That's a yes ✈️ ## love

@trip
a: We made it! {city} is unreal {🇮🇹|🇵🇹|🇯🇵|🇪🇸|🇫🇷} ## photo love
b: Jealous. What have you eaten?
a: Everything. I'm writing this lying down
b: Bring me something that won't melt

@trip
a: Did you pack the adaptor?
b: I packed an adaptor
a: For which country
b: Let's find out together ## laugh

@trip
a: Which gate?
b: B{n}. They've just changed it
a: Running
b: They're boarding families and people with opinions. You have ten minutes

@ill
a: I've got {ill}. Can't make it tonight, so sorry
b: Oh no, poor you! Don't worry at all
a: I feel like an old sock
b: I'm leaving soup on your step. Don't answer the door ## love
a: You're an angel ❤️

@ill
a: How are you feeling?
b: Like a person again. I ate {snack}
a: Excellent. Tomorrow the world

@music
a: I've taken up the {instrument}
b: Do your neighbours know?
a: They know
b: How's it going?
a: I can play "Hot Cross Buns" and a second, different "Hot Cross Buns" ## laugh

@music
a: Spare ticket for the concert on {day}. Yours if you want it
b: Who's playing?
a: A string quartet in a swimming pool
b: With water?
a: I didn't ask
b: I'm coming ## like

@shopping
a: At the shop. Need anything?
b: Milk, lemons, the nice bread
a: They're out of the nice bread
b: Then the second nicest
a: Got you {dish} as consolation ## love

@shopping
a: Is {price} a lot for a lamp
b: Is it a nice lamp?
a: It's shaped like a heron
b: Then no ## laugh

@street
a: There's a queue all the way down {street}
b: For what?
a: Nobody in it knows

@weather
a: It's {weather} here
b: Here too! Are we still on for {day}?
a: I have a coat and no fear
b: See you at {time}

@secret
a: Can you keep a secret
b: No
a: OK never mind ## laugh

@plan
a: Are you about on {day}?
b: Should be. What's up?
a: Need to move a sofa. Not far
b: How not far
a: Up some stairs
b: How many stairs
a: There'll be pizza
b: I'll be there at {time} ## like

@plan
a: Shall we say {time}?
b: Make it half an hour later and you've got a deal
a: Done

@plan
a: Can we move {day} to {day2}?
b: Sure. Same time?
a: Same time, same table, same me
b: Different shirt I hope ## laugh

@party
a: Happy birthday!!! 🎂 ## balloons love
b: Thank you!! Are you coming later?
a: Wouldn't miss it. What can I bring?
b: Just yourself. And {dish}

@party
a: What are you going as on {day}?
b: A lighthouse
a: How
b: Cardboard and conviction ## laugh photo

@photo
a: Look who I bumped into ## photo
b: No!! Say hello from me ## love

@photo
a: Sunset from the kitchen just now ## photo love

@link
a: This is exactly what I was telling you about ## link
b: Ha, brilliant. Sending it to everyone

@link
a: Have you seen this? ## link
b: I've been laughing for ten minutes

@voice
a: Too long to type, here ## voice
b: Listening on the bus, everyone can hear my face ## laugh

@parcel
a: Did my parcel come to you by any chance?
b: There's a box for "the occupier". It's ticking
a: It's a kitchen timer
b: I've already evacuated the hall ## laugh

@key
a: I've locked myself out
b: Again?
a: The door did it this time
b: Coming with the spare. {min} minutes

@exam
a: Results on {day}. I feel sick
b: Whatever happens we're getting chips
a: I PASSED ## confetti wow
b: I KNEW IT. Chips!!! ## love

@move
a: We got the flat 🏡 ## love wow
b: THE flat? With the bath?
a: With the bath!
b: I'm bringing a plant and staying for a week

@quiz
a: Quick: capital of Mongolia
b: Ulaanbaatar. Are you at a quiz?
a: No
b: Put the phone away ## laugh

@coffee
a: Coffee?
b: Always

@coffee
a: I'm outside with two coffees
b: Two for you or one each
a: Come and find out

@yes
a: Yes!

@ok
a: Perfect, see you then ## like

@ok
a: On my way 🚲

@ok
a: 😂😂😂

@ok
a: Hmm, let me think about it

@ok
a: Call me when you can?

@ok
a: ❤️

@ok
a: Did you see my message about {day}?
b: Sorry, yes! All good

@ok
a: Sleep well 🌙
b: You too x

@ok
a: Good luck today!! 🍀 ## love
b: Thanks, I'll need it

@ok
a: Can you talk?
b: Give me {min}

@ok
a: Never mind, found it

@ok
a: No rush at all

@ok
a: I'll let you know by {day}

@ok
a: {place}, {time}. Don't be late
b: I'm never late
a: Ha! ## laugh
"""
