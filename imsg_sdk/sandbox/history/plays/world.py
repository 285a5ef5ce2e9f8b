"""What people write in other languages.  Data only; :mod:`imsg_sdk.sandbox.history.script` explains the form."""

from __future__ import annotations

__all__ = ["SCRIPTS", "WORDS"]

WORDS: dict[str, dict[str, str]] = {
    "it": {
        "day": "lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|domani",
        "time": "alle sette|alle otto|alle otto e mezza|all'una|a mezzogiorno",
        "food": "le lasagne|il risotto ai funghi|gli gnocchi|la parmigiana|le orecchiette",
        "place": "da Mario|alla Lanterna|in piazza|al solito bar|dal Gatto Nero",
    },
    "de": {
        "day": "Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag",
        "time": "um sieben|um acht|gegen halb neun|mittags|um Viertel nach eins",
        "food": "Käsespätzle|Kürbissuppe|Pflaumenkuchen|Kartoffelsalat|Grünkohl",
        "place": "im Blauen Bock|am Hafen|bei Oma|im Café Größenwahn|unterm Apfelbaum",
    },
    "fr": {
        "day": "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche",
        "time": "à sept heures|à huit heures|vers midi|à vingt heures trente",
        "food": "une tarte aux poireaux|une ratatouille|des crêpes|un gratin|une soupe à l'oignon",
        "place": "au Petit Marché|chez Odile|au bord du canal|au Chat Noir",
    },
    "es": {
        "day": "el lunes|el martes|el miércoles|el jueves|el viernes|el sábado|el domingo",
        "time": "a las siete|a las nueve|a las dos y media|al mediodía",
        "food": "la paella|las croquetas|la tortilla|el gazpacho|el cocido",
        "place": "en la plaza|donde siempre|en casa de Nuria|en el puerto",
    },
    "sv": {
        "day": "på måndag|på tisdag|på onsdag|på torsdag|på fredag|på lördag|på söndag",
        "time": "klockan sju|vid åtta|halv nio|till lunch",
        "food": "kanelbullar|ärtsoppa|köttbullar|smörgåstårta|lax",
        "place": "på bryggan|hos mormor|på Café Blå|vid sjön",
    },
}

SCRIPTS: dict[str, dict[str, str]] = {
    "it": {
        "talk": """
@cena
a: Ci vediamo {day}?
b: Volentieri! A che ora?
a: {time}, {place} 🍝
b: Perfetto, porto il dolce ## love

@cena
a: Ho fatto {food}, ce n'è per un esercito
b: Arrivo. Sono un esercito ## laugh

@gatto
a: Hai visto il gatto?
b: È sul tetto e ci giudica
a: Come sempre 😹 ## laugh

@treno
a: Il treno è in ritardo di quaranta minuti
b: Solo?
a: Per ora ## laugh

@mare
a: Domani mare?
b: Se non piove
a: Pioverà
b: Allora mare lo stesso 🌊 ## like

@nonna
a: La nonna chiede se mangi abbastanza
b: Dille di sì
a: Ha detto che non ci crede e ti manda {food} ## love

@ok
a: Arrivo!

@ok
a: Perché no? 😄

@ok
a: Buonanotte 🌙
b: A domani ❤️

@foto
a: Guarda che tramonto ## photo love
"""
    },
    "de": {
        "talk": """
@essen
a: Essen wir {day} zusammen?
b: Gern! {time} {place}?
a: Abgemacht. Ich bringe {food} mit
b: Dann komme ich sogar pünktlich ## laugh

@bahn
a: Zug fällt aus
b: Schon wieder?
a: Diesmal »wegen Möwen«
b: Nimm das Fahrrad ## laugh

@garten
a: Die Zucchini sind jetzt größer als der Hund
b: Welcher Hund?
a: Genau ## laugh photo

@boot
a: Samstag segeln? Wind Stärke drei, Sonne
b: Bin dabei! ⛵️ ## like

@ok
a: Alles klar 👍

@ok
a: Bin gleich da

@ok
a: Schöne Grüße aus der Straßenbahn
b: Grüß zurück! ## love

@ok
a: Übermorgen wäre großartig
"""
    },
    "fr": {
        "talk": """
@diner
a: On dîne ensemble {day} ?
b: Avec plaisir ! {time}, {place} ?
a: Parfait. J'apporte {food}
b: Et moi le fromage 🧀 ## love

@chat
a: Le chat a mangé le gâteau
b: Tout ?
a: Il a laissé la bougie ## laugh

@metro
a: Je suis coincé dans le métro…
b: Encore ? Je t'attends au café ☕️

@mer
a: L'été prochain, la Bretagne ?
b: Sous la pluie ?
a: Évidemment ## laugh

@ok
a: À tout à l'heure !

@ok
a: Ça marche 👌 ## like

@ok
a: Bonne nuit ✨
"""
    },
    "es": {
        "talk": """
@cena
a: ¿Cenamos {day}?
b: ¡Claro! ¿{time}?
a: {place}. Yo llevo {food}
b: ¡Qué ganas! ## love

@perro
a: El perro se ha comido mis gafas 🤓
b: ¿Y ve mejor?
a: Muchísimo ## laugh

@futbol
a: ¡¡¡GOOOL!!! ⚽️ ## fireworks wow
b: ¡No me lo creo!
a: Mañana no trabajo ## laugh

@ok
a: ¡Voy!

@ok
a: Mañana te cuento, que es largo
b: Siempre es largo 😂

@ok
a: ¿Dónde estás?
b: Ya llego, cinco minutitos
"""
    },
    "sv": {
        "talk": """
@fika
a: Fika {day}?
b: Alltid! {time} {place}
a: Jag bakar {food}
b: Då kommer jag i god tid ☕️ ## love

@sno
a: Det snöar igen ❄️
b: Det är april
a: Säg det till snön ## laugh

@ok
a: På väg!

@ok
a: Åh, vad roligt! ## like

@ok
a: Sov gott 🌙
"""
    },
    "ja": {
        "talk": """
@ご飯
a: 土曜日、晩ご飯どう？
b: いいね！何時にする？
a: 七時に駅前で🍜
b: 了解です😊 ## love

@猫
a: 猫がまたキーボードの上で寝てる
b: 仕事にならないね（笑） ## laugh photo

@電車
a: 電車が五分遅れてます。ごめん！
b: 大丈夫、待ってるよ

@ok
a: おはよう☀️

@ok
a: ありがとう！助かった🙏 ## like

@ok
a: おやすみなさい🌙
"""
    },
    "zh": {
        "talk": """
@吃饭
a: 周末一起吃火锅吗？
b: 好啊！几点？
a: 晚上七点，老地方🍲
b: 不见不散 ## love

@猫
a: 我家猫又把花瓶推下去了
b: 它是故意的😹 ## laugh

@ok
a: 到家了吗？
b: 刚到，放心吧

@ok
a: 收到👌

@ok
a: 晚安🌙
"""
    },
    "ko": {
        "talk": """
@저녁
a: 토요일에 저녁 같이 먹을래?
b: 좋아! 몇 시에?
a: 일곱 시, 역 앞에서 🍜
b: 알았어 😊 ## love

@고양이
a: 고양이가 또 내 의자를 차지했어
b: 이제 고양이 의자야 ㅋㅋㅋ ## laugh

@ok
a: 지금 가는 중!

@ok
a: 고마워 🙏 ## like
"""
    },
    "ar": {
        "talk": """
@عشاء
a: نتعشى معًا يوم الجمعة؟
b: بكل سرور! متى؟
a: الساعة 8 عند البحر 🌊
b: ممتاز، سأحضر الحلوى ❤️ ## love

@قط
a: القط نائم على اللابتوب مرة أخرى
b: هو المدير الآن 😹 ## laugh

@ok
a: وصلت البيت؟
b: نعم الحمد لله

@ok
a: تصبح على خير 🌙
"""
    },
    "he": {
        "talk": """
@ארוחה
a: ארוחת ערב ביום שישי?
b: בטח! באיזו שעה?
a: ב־8 אצלי 🍽️
b: מביא קינוח ## love

@חתול
a: החתול שוב ישן על ה-keyboard שלי
b: 😹 הוא עובד קשה ממך ## laugh

@ok
a: הגעת הביתה?
b: כן, הכול בסדר

@ok
a: לילה טוב 🌙
"""
    },
    "ru": {
        "talk": """
@ужин
a: Поужинаем в пятницу?
b: Давай! Во сколько?
a: В семь, у меня. Будут пельмени 🥟
b: Уже еду ## laugh

@кот
a: Кот опять сидит на клавиатуре
b: Передай ему привет 😹 ## laugh

@ok
a: Ты дома?
b: Только что зашёл

@ok
a: Спокойной ночи 🌙

@ok
a: Спасибо тебе огромное! ## love
"""
    },
    "hi": {
        "talk": """
@खाना
a: शनिवार को खाने पर मिलें?
b: ज़रूर! कितने बजे?
a: सात बजे, मेरे घर 🍛
b: मैं मिठाई लाऊँगी ## love

@ok
a: घर पहुँच गए?
b: हाँ, अभी अभी

@ok
a: शुभ रात्रि 🌙

@बारिश
a: यहाँ बहुत बारिश हो रही है ☔️
b: चाय और पकौड़े? ## like
"""
    },
    "el": {
        "talk": """
@φαγητό
a: Πάμε για φαγητό το Σάββατο;
b: Ναι! Τι ώρα;
a: Στις εννιά, στο λιμάνι 🐟
b: Τέλεια ## love

@γάτα
a: Η γάτα κοιμάται πάλι στο πληκτρολόγιο
b: Δουλεύει πιο πολύ από σένα 😹 ## laugh

@ok
a: Έρχομαι!

@ok
a: Καληνύχτα 🌙
"""
    },
}
