"""What the templates need besides their data: words for sizes and times, addresses of assets, the navigation."""
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, current_app, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from server.models import Account, Staff
from server.paths import address_of, readable
from server.services.restore_points import zone_of

UNITS = ("KB", "MB", "GB", "TB", "PB", "EB")


class Page(NamedTuple):
    """One page of a long list, as the templates name it."""

    rows: Sequence[Any]
    page: int
    pages: int


class Place(NamedTuple):
    """One entry of the navigation."""

    endpoint: str
    label: str
    icon: str
    current: bool


def equip(app: Flask) -> None:
    """Make the words below known to the templates of `app`."""
    app.jinja_env.filters.update(size=size, count=count, readable=readable, address=address_of, moment=moment, day=day)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(surroundings)


def surroundings() -> dict[str, Any]:
    """What every page can name: who is signed in, the portal's name, the reader's zone and the places to go."""
    person = _person()
    return {
        "asset": asset,
        "portal_name": current_app.config["IBS"].portal_name,
        "person": person,
        "person_name": _name_of(person),
        "person_role": _role_of(person),
        "places": places(person),
        "zone": reader_zone(person),
        "now": datetime.now(UTC),
    }


def places(person: Account | Staff | None) -> list[Place]:
    """Where this person can go from every page."""
    where = request.blueprint or ""
    if isinstance(person, Staff):
        return [Place("overview.index", "Overview", "speedometer2", where in {"overview", "files"})]
    return [
        Place("home.index", "Home", "house", where == "home"),
        Place("files.computers", "Files", "folder2-open", where == "files"),
    ]


def reader_zone(person: Account | Staff | None) -> tzinfo:
    """The zone in which times are shown to this person."""
    return zone_of(person.customer if isinstance(person, Account) else None)


def page_of(rows: Sequence[Any], asked: int, length: int) -> Page:
    """Page `asked` of `rows`, `length` to each; the nearest one when there is no such page."""
    pages = max(1, -(-len(rows) // length))
    page = min(max(asked, 1), pages)
    return Page(rows[(page - 1) * length : page * length], page, pages)


def _person() -> Account | Staff | None:
    try:
        return current_user._get_current_object() if current_user.is_authenticated else None
    except SQLAlchemyError:  # the page that tells of a failing database must not fail itself
        return None


def _name_of(person: Account | Staff | None) -> str:
    if isinstance(person, Account):
        return person.user_name
    return (person.name or person.email) if person else ""


def _role_of(person: Account | Staff | None) -> str:
    if isinstance(person, Account):
        return f"{person.customer.name} · {person.customer.label}"
    return person.role.capitalize() if person else ""


def asset(name: str) -> str:
    """The address of a file below static/, with the version that lets browsers keep it for ever."""
    return url_for("static", filename=name, v=_version(str(current_app.static_folder), name))


@lru_cache
def _version(folder: str, name: str) -> str:
    return hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:12]


def size(number: int) -> str:
    """Bytes in the words of the pages: 512 bytes, 3.2 GB."""
    if number < 1000:
        return count(number, "byte")
    value = float(number)
    for unit in UNITS:
        value /= 1000
        if value < 999.5 or unit == UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def count(number: int, word: str) -> str:
    """A number with its noun: 1 file, 2,148 files."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def day(moment_: datetime, zone: tzinfo, now: datetime) -> str:
    """Today, yesterday, or the date; the year is named when it is another one."""
    date, today = moment_.astimezone(zone).date(), now.astimezone(zone).date()
    if date == today:
        return "today"
    if date == today - timedelta(days=1):
        return "yesterday"
    return f"{date.day} {date:%b}" if date.year == today.year else f"{date.day} {date:%b %Y}"


def moment(moment_: datetime, zone: tzinfo, now: datetime) -> str:
    """A day and its time: today at 09:14, 3 Nov at 18:00, 31 Dec 2025 at 07:30."""
    return f"{day(moment_, zone, now)} at {moment_.astimezone(zone):%H:%M}"
