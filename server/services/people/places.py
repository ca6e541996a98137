"""Countries and their time zones, as the database of time zones lists them."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

USUAL_ZONES = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "FM": "Pacific/Pohnpei",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""Where most people live by another zone than the one that the database lists first."""
UTC = "UTC"
LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fi": "Finnish", "fr": "French", "gu": "Gujarati",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "kn": "Kannada", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ml": "Malayalam",
    "mr": "Marathi", "ms": "Malay", "nb": "Norwegian", "nl": "Dutch", "pa": "Punjabi", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""Languages that a customer may prefer, by their tags of ISO 639-1."""


@cache
def countries() -> Mapping[str, str]:
    """The countries of ISO 3166 by their two letters, in the order of their names."""
    found = {code: name for code, name, *_ in _rows("iso3166.tab")}
    return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))


@cache
def zones() -> Mapping[str, list[str]]:
    """The time zones of each country, by its two letters."""
    found: dict[str, list[str]] = {}
    for code, _, zone, *_ in _rows("zone.tab"):
        found.setdefault(code, []).append(zone)
    return found


@cache
def zone_names() -> tuple[str, ...]:
    """Every zone that can be chosen, UTC first."""
    return (UTC, *sorted({zone for names in zones().values() for zone in names}))


def usual_zone(country: str) -> str:
    """The time zone in which most people of a country live; UTC where nobody does."""
    known = zones().get(country)
    return USUAL_ZONES.get(country) or (known[0] if known else UTC)


def find_country(text: str) -> str | None:
    """The two letters of a country that is named by them or by its name, in any case."""
    if text.upper() in countries():
        return text.upper()
    return _by_name().get(text.casefold())


@cache
def _by_name() -> Mapping[str, str]:
    return {name.casefold(): code for code, name in countries().items()}


def _rows(name: str) -> Iterator[list[str]]:
    for line in (files("tzdata.zoneinfo") / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")
