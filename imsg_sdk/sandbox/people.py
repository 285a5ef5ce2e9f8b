"""A cast of people who do not exist: names, addresses nobody owns, and the services they use.

Telephone numbers come from the ranges that regulators keep free for fiction; mail addresses end in the domains
reserved for examples.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from imsg_sdk.sandbox.dice import Dice

__all__ = ["Person", "cast", "owner"]


class Person(msgspec.Struct):
    """Somebody to write with."""

    name: str
    language: str
    country: str
    phone: str | None
    email: str
    person_id: str
    manner: int = 0
    """How the person writes: 0 as it comes, 1 in lower case, 2 without full stops, 3 loud."""

    @property
    def address(self) -> str:
        """Phone number if there is one, else the mail address."""
        return self.phone or self.email

    @property
    def first_name(self) -> str:
        """The name that friends use."""
        return self.name.split(" ", 1)[0]

    def phrase(self, text: str) -> str:
        """Return a text as this person types it."""
        if self.manner == 1:
            return text if text.isupper() else text[0].lower() + text[1:]
        if self.manner == 2:
            return text.removesuffix("!").removesuffix(".")
        if self.manner == 3 and text.endswith("!"):
            return text + "!!"
        return text


_FIRST_NAMES = {
    "en": "Ada Alfie Amara Beatrix Callum Chloe Daniel Desmond Edith Elliot Esme Farah Fergus Freya George Grace "
    "Hamish Harriet Imogen Isaac Ivy Jasper Joan Kezia Leo Lydia Maeve Malik Martha Mina Nadia Ned Niamh Olive Oscar "
    "Pearl Percy Priya Quentin Rosa Rowan Rufus Saoirse Sidney Sofia Tariq Theo Tilly Una Victor Wilf Winnie Zadie",
    "it": "Alba Bruno Carlotta Dario Elena Fabio Ginevra Ivo Lorenzo Marta Nives Ottavio Pia Renzo Silvia Tosca",
    "de": "Anke Bodo Clara Dörte Emil Frieda Greta Hannes Ines Jürgen Käthe Lukas Merle Ole Paula Rike Sönke Ute",
    "fr": "Amélie Bastien Chloé Didier Éloïse Félix Gaëlle Hugo Inès Jules Léa Margaux Noé Océane Rémi Solène",
    "es": "Alma Bruno Carmen Diego Elvira Fermín Gala Íñigo Jimena Lola Mateo Nuria Paco Rocío Sancho Tomás",
    "sv": "Alva Björn Ebba Folke Greta Håkan Ida Kalle Linnéa Maja Nils Ragnar Sigrid Tuva Åsa Östen",
    "ja": "春香 健太 美咲 大輔 さくら 翔太 由美 直樹",
    "ar": "ليلى عمر نور يوسف سلمى كريم هدى زياد",
    "he": "נועה איתן תמר יונתן שירה אורי מאיה דניאל",
    "ru": "Аня Борис Вера Глеб Даша Егор Катя Лёва",
    "hi": "आरव दीया ईशान काव्या मीरा नील पूजा रोहन",
    "zh": "小明 美玲 建国 雅婷 志强 丽华 子轩 雨桐",
    "ko": "지우 민준 서연 하준 수아 도윤 예린 현우",
    "el": "Ελένη Νίκος Σοφία Γιώργος Δάφνη Πέτρος",
}
_LAST_NAMES = {
    "en": "Abara Ashworth Bell Birch Byrne Carver Chowdhury Croft Dale Fenwick Finch Gallagher Hale Hart Hobbs Iqbal "
    "Kerr Larkin Lowe Marsh Moss Nightingale Okafor Ormerod Pike Quill Rahman Reed Sharpe Sparrow Swift Thorne "
    "Vale Wainwright Whitlock Wren Yardley",
    "it": "Bellini Conti Ferraris Galli Lucchesi Marini Neri Orsini Pavan Rinaldi Serra Tosi",
    "de": "Albers Brandt Clasen Dietz Ehlers Fuchs Groß Hinrichs Jansen Köhler Lüders Möller",
    "fr": "Aubert Besson Carré Delmas Fournier Girard Lemoine Marchand Noël Perrin Rousseau Vidal",
    "es": "Aguilar Benítez Campos Durán Escudero Fuentes Gálvez Ibáñez Luna Muñoz Prieto Robles",
    "sv": "Ahlgren Berglund Dahl Ekström Forsberg Hedlund Lindqvist Nyström Sjöberg Öberg",
}
_LATIN = {
    "ja": "Hana Kenta Misaki Daisuke Sakura Shota Yumi Naoki",
    "ar": "Layla Omar Nour Youssef Salma Karim Huda Ziad",
    "he": "Noa Eitan Tamar Yonatan Shira Uri Maya Daniel",
    "ru": "Anya Boris Vera Gleb Dasha Egor Katya Lyova",
    "hi": "Aarav Diya Ishaan Kavya Meera Neel Pooja Rohan",
    "zh": "Xiaoming Meiling Jianguo Yating Zhiqiang Lihua Zixuan Yutong",
    "ko": "Jiwoo Minjun Seoyeon Hajun Sua Doyun Yerin Hyunwoo",
    "el": "Eleni Nikos Sofia Giorgos Dafni Petros",
}
_COUNTRIES = {"it": "it", "de": "de", "fr": "fr", "es": "es", "sv": "se", "ja": "jp", "ar": "eg", "he": "il"}
_COUNTRIES |= {"ru": "kz", "hi": "in", "zh": "sg", "ko": "kr", "el": "gr"}

_LANGUAGES = ("en", "en", "en", "en", "it", "de", "fr", "es", "ja", "sv", "ar", "hi", "ru", "he", "zh", "ko", "el")
_HOMES = ("gb", "us", "gb", "ie", "gb", "us", "au", "gb")
_AREA_CODES = (202, 206, 212, 303, 312, 404, 415, 503, 512, 602, 612, 617, 702, 713, 718, 808, 816, 901, 907, 919)
_AUSTRALIAN = (156, 157, 158, 159, 110)


def _numbers(country: str) -> Iterator[str]:
    """Count through the numbers that a country keeps for fiction, scattered a little."""
    if country == "gb":
        yield from (f"+447700900{(n * 373 + 118) % 1000:03d}" for n in range(1000))
    elif country == "us":
        for n in range(len(_AREA_CODES) * 100):
            area = _AREA_CODES[n % len(_AREA_CODES)]
            yield f"+1{area}55501{(n // len(_AREA_CODES) * 37 + n * 13) % 100:02d}"
    elif country == "ie":
        yield from (f"+3532091{(n * 3731 + 204) % 10000:05d}" for n in range(10000))
    elif country == "au":
        yield from (f"+61491570{n:03d}" for n in _AUSTRALIAN)
    elif country == "fr":
        yield from (f"+3363998{(n * 3731 + 1204) % 10000:04d}" for n in range(10000))
    elif country == "de":
        yield from (f"+493023125{(n * 373 + 77) % 1000:03d}" for n in range(1000))
    elif country == "se":
        yield from (f"+46701740{605 + (n * 37) % 95}" for n in range(95))


def owner() -> Person:
    """Return the person whose database it is."""
    return Person("Robin Marlowe", "en", "gb", "+447700900001", "robin.marlowe@example.com", "owner")


def cast(count: int, seed: int) -> list[Person]:
    """Return `count` people, the same for the same seed; those who write most come first."""
    dice = Dice(seed, "people")
    numbers = {country: _numbers(country) for country in ("gb", "us", "ie", "au", "fr", "de", "se")}
    taken = {owner().phone, owner().email}
    return [_person(index, dice, numbers, taken) for index in range(count)]


def _person(index: int, dice: Dice, numbers: dict[str, Iterator[str]], taken: set[str | None]) -> Person:
    language = "en" if index % 2 == 0 or index < 4 else _LANGUAGES[index // 2 % len(_LANGUAGES)]
    first = dice.pick(_FIRST_NAMES[language].split())
    last = dice.pick(_LAST_NAMES.get(language, _LAST_NAMES["en"]).split())
    latin = first
    if language in _LATIN:
        latin = _LATIN[language].split()[_FIRST_NAMES[language].split().index(first)]
    country = _COUNTRIES.get(language) or dice.pick(_HOMES)
    phone = None
    if country in numbers and (index < 4 or dice.random() < 0.85):
        phone = next((number for number in numbers[country] if number not in taken), None)
    name = f"{first} {last}" if latin == first else first
    email = _email(latin, last, index, taken)
    taken |= {phone, email}
    return Person(name, language, country, phone, email, dice.guid(), manner=dice.pick((0, 0, 0, 1, 2, 2, 3)))


def _email(first: str, last: str, index: int, taken: set[str | None]) -> str:
    plain = f"{first}.{last}".lower()
    for accented, letter in zip("äáåàâçéèêëíîïñóôöøúüûß", "aaaaaceeeeiiinoooouuus", strict=True):
        plain = plain.replace(accented, letter)
    domain = ("example.com", "example.org", "example.net")[index % 3]
    email = f"{plain}@{domain}"
    return email if email not in taken else f"{plain}{index}@{domain}"
