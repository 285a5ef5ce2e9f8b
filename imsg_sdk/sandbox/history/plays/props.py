"""What people send besides conversation: captions, links, letters, polls, group names.  Data only."""

from __future__ import annotations

__all__ = ["APPS", "CAPTIONS", "GROUP_TITLES", "LETTERS", "LINKS", "POLLS", "TRANSCRIPTS"]

CAPTIONS = (
    "Look at this!",
    "From this morning",
    "Guess where I am",
    "This one's for the wall",
    "Before and after",
    "The view from the top 🏔️",
    "He's asleep like this",
    "Dinner, slightly burnt",
    "Does this look straight to you?",
    "Spot the heron",
    "Old times",
    "It finally flowered 🌸",
    "For the insurance",
    "Which one?",
    "We made it!",
    "Exhibit A",
    "No caption needed",
    "👀",
    "❤️",
    "There was a seal in the harbour!",
)

# "address | title | summary | site | what the sender says"
LINKS = (
    "https://recipes.example.com/lemon-cake/|The bravest lemon cake|Three eggs, two lemons and no fear.|Recipes|This",
    "https://news.example.org/otters/|Otters return to the canal|Walkers report a family of five.|The Courier|Look!!",
    "https://maps.example.com/place/|The Harbour Kitchen|Seafood · open until 23:00|Maps|It's here:",
    "https://music.example.net/album/|Songs for a Slow Kettle|Album · 11 songs|Music|On repeat all week",
    "https://video.example.com/watch?v=|Man teaches goose to bow|2:14 · 4.1 million views|Video|",
    "https://tickets.example.org/e/|String quartet in a swimming pool|Friday 20:00 · bring a towel|Tickets|Shall we?",
    "https://homes.example.com/flat/|Two rooms, one enormous bath|Top floor, view of the harbour|Homes|Imagine",
    "https://trains.example.net/offer/|Night train to Bologna|From 49 in a couchette|Trains|Tempted",
    "https://shop.example.com/item/|Lamp in the shape of a heron|In stock, 62 cm, brass|Shop|",
    "https://weather.example.org/sea/|Inshore waters forecast|Variable 3 or less, smooth, good|Weather|For Saturday",
    "https://books.example.net/isbn/|The Lighthouse Keepers|A novel in five storms|Books|Next for the book club?",
    "https://photos.example.com/album/|Summer, in 214 pictures|Shared album|Photos|All of them are here:",
    "https://it.example.org/città/|Che cosa vedere a Bologna|Portici, torri e tortellini|Guida|",
    "https://example.com/日本/|京都の静かな庭|雨の日のための散歩道|散歩|",
)

GROUP_TITLES = (
    "Boat crew ⛵️",
    "Sunday lunch",
    "Film club",
    "The Usual Suspects",
    "Mill Lane neighbours 🏡",
    "Five-a-side ⚽️",
    "Cousins",
    "Book club (we read half)",
    "Allotment 🥕",
    "Ski trip ’26",
    "Team lunch",
    "Famiglia ❤️",
    "Quartet",
    "School run 🚗",
    "Running late club",
    "Game night 🎲",
    "Choir altos",
    "House share",
)

# "question | answers …"
POLLS = (
    "Where to for dinner?|The Blue Door|Nonna's|Noodle Bar 88",
    "Which weekend for the trip?|4–6 May|11–13 May|18–20 May",
    "Film on Friday?|The lighthouse one|The heist one|The octopus documentary",
    "What do we get Dad?|Spirit level|Cake|Both, obviously",
    "Boat on Saturday?|Yes, early|Yes, late|I get seasick",
    "Pizza topping for the vote|Mushroom|Olives|Pineapple 🍍",
)

TRANSCRIPTS = (
    "Hi, it's me, I'm just walking past the bakery and they have the almond ones, do you want one or two?",
    "So the short version is that the car is fine and I am fine and the hedge is less fine.",
    "Don't laugh but I think I've left the oven on, could you go and look, the key is under the pot.",
    "I'm on the train, there's a man with a parrot, and the parrot has a better seat than I do.",
    "Just calling to sing you happy birthday, and I won't, you're welcome.",
    "Listen to this. Did you hear it? That was an owl. In the middle of town!",
    "Tell everyone we're at the table by the window and that the bread is already gone.",
)

# "bundle | name | caption | subcaption"; a hash stands for a number.
APPS = (
    "EWFNLB79LQ:com.gamerdelights.gamepigeon.ext|GamePigeon|Your move.|8 Ball",
    "EWFNLB79LQ:com.gamerdelights.gamepigeon.ext|GamePigeon|Let's play Sea Battle!|Sea Battle",
    "EWFNLB79LQ:com.gamerdelights.gamepigeon.ext|GamePigeon|I won!|Mini Golf",
    "0000000000:com.apple.PassbookUIService.PeerPaymentMessagesExtension|Apple Cash|£# Payment|Thank you for dinner",
    "0000000000:com.apple.ActivityMessagesApp.MessagesExtension|Fitness|Closed all three rings|#0 minutes of exercise",
    "0000000000:com.apple.mobileslideshow.PhotosMessagesApp|Photos|# photos|From the weekend",
    "0000000000:com.apple.SafetyMonitorApp.SafetyMonitorMessages|Check In|Arrived home|",
    "0000000000:com.apple.findmy.FindMyMessagesApp|Find My|Shared a location|",
)

LETTERS = (
    "We left before it was properly light, with the thermos and the dog and nobody speaking.",
    "The harbour was flat as a plate and smelled of diesel and toast.",
    "By the time we rounded the point the wind had found us, and so had the seal.",
    "I know I said I would never own a boat, and I still say it, from the boat.",
    "Your aunt has taken up the accordion, and the neighbours have taken up walking.",
    "The new kitchen is finished apart from the sink, the floor and one of the walls.",
    "There is a heron that comes to the pond every morning and looks at us as if we owed it money.",
    "I have read the book you lent me twice, once for the story and once to find out who did it.",
    "On Thursday the power went and we played cards by candlelight, and nobody wanted it to come back.",
    "The children have built a shop in the hall and will sell you your own shoes.",
    "It rained for four days, and on the fifth it rained in a different direction.",
    "If you come in June the cherries will be ripe, and if you come in July we will have eaten them.",
    "The doctor says it is nothing, which is what I said, but she has a certificate.",
    "We had soup at the place with the blue door, and they remembered you, and asked about the hat.",
    "The train stopped in a field for an hour and by the end of it we all knew each other's names.",
    "I found the photograph from the beach, the one where everyone is looking at the wrong camera.",
    "Somebody has painted the bench by the canal yellow, and now everybody sits on it.",
    "Tell the little one that the owl is back, and that it has brought a friend.",
    "I am sending the recipe as I make it, which means that the amounts are a matter of opinion.",
    "They are closing the old cinema in the spring, so we went to see whatever was on, and it was dreadful.",
    "You would have laughed; I nearly did, and I was the one in the water.",
    "Write when you can, and if you cannot, send a picture of the cat.",
    "The garden is doing its best and so am I.",
    "The lighthouse is open on Sundays now, all hundred and forty steps of it.",
    "I have decided to learn Italian, or at least to order in it with confidence.",
    "There was a concert in the swimming pool, without water, and the echo played along half a bar behind.",
)
