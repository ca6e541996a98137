"""What is known of a customer: its fields, and the one set of rules that forms and imported files are held to."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.services.house.hidden_signs import hidden_sign
from server.services.people import places
from server.services.people.contacts import EMAIL

KINDS = {"company": "Company", "person": "Person"}
PHONE = re.compile(r"\+?[0-9 ()/.\-]*(?:(?:ext\.?|x|#) ?[0-9]{1,6})?")
LEAST_DIGITS = 4


@dataclass(frozen=True)
class Entry:
    """A field of the registration: how it is called, how long it may be, and what to say when it must not be empty."""

    label: str
    longest: int
    required: str = ""


FIELDS: Mapping[str, Entry] = {
    "kind": Entry("Kind", 10),
    "name": Entry("Name or company", 255, "Enter the name of the person or company."),
    "contact": Entry("Contact person", 255),
    "registration": Entry("Registration or tax number", 100),
    "email": Entry("E-mail", 255, "Enter an e-mail address."),
    "phone": Entry("Telephone", 50),
    "mobile": Entry("Mobile", 50),
    "street": Entry("Street", 255),
    "city": Entry("City", 255),
    "postcode": Entry("Postcode", 20),
    "state": Entry("State or region", 255),
    "country": Entry("Country", 100, "Choose a country."),
    "time_zone": Entry("Time zone", 64),
    "language": Entry("Language", 10),
    "notes": Entry("Notes", 4000),
}
"""The fields by the names of Customer's columns, in the order in which they are asked and written to files."""
CONTACT_FIELDS = ("contact", "email", "phone", "mobile", "street", "city", "postcode", "state", "country",
                  "time_zone", "language")
"""What customers may change themselves."""


@dataclass
class Checked:
    """The values as they are to be stored, and what is wrong with others, by field."""

    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def check(values: Mapping[str, str | None]) -> Checked:
    """Hold the fields that are given to the rules; those that are missing are not looked at.

    The country may be given by its name; an empty time zone becomes the country's usual one.
    """
    found = Checked()
    for name, value in values.items():
        text = (value or "").replace("\r\n", "\n").strip()
        problem, text = _checked(name, text)
        if problem:
            found.problems[name] = problem
        else:
            found.values[name] = text
    if "time_zone" in found.values and not found.values["time_zone"]:
        found.values["time_zone"] = places.usual_zone(found.values.get("country", ""))
    return found


def _checked(name: str, text: str) -> tuple[str, str]:
    """What is wrong with a field's text ("" for nothing), and the text as it is to be stored."""
    entry = FIELDS[name]
    if not text:
        return entry.required, {"kind": "company", "language": "en"}.get(name, "")
    if len(text) > entry.longest:
        return f"That is too long: {entry.longest} characters are the most.", text
    hidden = hidden_sign(text, "\n\t" if name == "notes" else "")
    if hidden:
        return f"Remove the invisible character U+{ord(hidden):04X}.", text
    if name == "email":
        return "" if EMAIL.fullmatch(text) else "Write it like name@example.com.", text
    if name in {"phone", "mobile"}:
        digits = sum(sign.isdigit() for sign in text)
        known = PHONE.fullmatch(text) and digits >= LEAST_DIGITS
        return "" if known else "Write it like +44 20 7946 0018: digits, spaces, brackets and dashes.", text
    if name == "kind":
        return "" if text.casefold() in KINDS else "It is company or person.", text.casefold()
    if name == "country":
        return ("" if places.find_country(text) else "There is no such country; two letters of ISO 3166 do too.",
                places.find_country(text) or text)
    if name == "time_zone":
        return "" if text in places.zone_names() else "There is no such time zone; write it like Europe/Berlin.", text
    if name == "language":
        return "" if text.lower() in places.LANGUAGES else "Write it with two letters, as en or de.", text.lower()
    return "", text
