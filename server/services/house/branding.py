"""How the reseller is seen on pages, in e-mails and on sheets: name, logo, colour, and whom to ask."""
from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select

from server.extensions import db
from server.models import Preference
from server.services.house import preferences
from server.services.house.refusals import ValueRefused

TOPIC = "branding"
COLOUR = re.compile(r"#[0-9a-f]{6}")
LARGEST_LOGO = 200_000
SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
"""How the pictures begin that may be a logo. Drawings (SVG) may hold scripts and are refused."""
_LOOK = select(Preference.values, Preference.version, Preference.data_type).where(Preference.topic == TOPIC)
"""Made once, as every page asks it."""


@dataclass(frozen=True)
class Branding:
    """The reseller's look; `colour` is #rrggbb or empty, `logo` the version of the logo, 0 without one.

    `address` is where people open the portal, for links in e-mails: https://backup.example.com, without a slash.
    """

    name: str
    colour: str = ""
    support_email: str = ""
    support_phone: str = ""
    support_hours: str = ""
    currency: str = "EUR"
    address: str = ""
    logo: int = 0

    @property
    def support(self) -> str:
        """Whom to ask, in one line; the name alone as long as nothing else is known."""
        ways = ", ".join(way for way in (self.support_phone, self.support_email) if way)
        hours = f" ({self.support_hours})" if self.support_hours else ""
        return f"{self.name}: {ways}{hours}" if ways else self.name


def read_branding(otherwise: str) -> Branding:
    """The look that was set; `otherwise` is the name as long as none was."""
    row = db.session.execute(_LOOK).one_or_none()
    if row is None:
        return Branding(otherwise)
    known = {name: str(value) for name, value in row[0].items() if name in Branding.__dataclass_fields__}
    return Branding(**{"name": otherwise, **known}, logo=row[1] if row[2] else 0)


def read_logo() -> tuple[bytes, str] | None:
    """The logo and its type; None without one."""
    record = db.session.get(Preference, TOPIC)
    return (record.data, record.data_type) if record and record.data_type else None


def change_branding(branding: Branding, version: int | None, now: datetime, *, actor: str, address: str = "",
                    logo: bytes | None = None) -> None:
    """Set the look. `logo` is a PNG or JPEG of at most 200 kB; empty bytes remove the old one, None keeps it.

    Raises ValueRefused, EditedMeanwhile.
    """
    if not branding.name.strip():
        raise ValueRefused(field="name", reason="it needs at least one character")
    if branding.colour and not COLOUR.fullmatch(branding.colour):
        raise ValueRefused(field="colour", reason="it must read like #175cd3")
    values = {name: value for name, value in asdict(branding).items() if name != "logo"}
    picture = None if logo is None else (logo, type_of(logo) if logo else "")
    preferences.change(TOPIC, values, version, now, actor=actor, address=address, picture=picture)


def type_of(picture: bytes) -> str:
    """What kind of picture this is, by its first bytes. Raises ValueRefused for anything but a small PNG or JPEG."""
    if len(picture) > LARGEST_LOGO:
        raise ValueRefused(field="logo", reason="it may have 200 kB at most")
    for beginning, kind in SIGNATURES:
        if picture.startswith(beginning):
            return kind
    raise ValueRefused(field="logo", reason="it must be a PNG or JPEG picture")
