"""What the templates need besides their data: who reads, where to go, the reseller's look, addresses of assets."""
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from server import words
from server.models import Account, Staff
from server.paths import address_of, readable
from server.services.files.restore_points import zone_of
from server.services.house.branding import Branding, read_branding
from server.submissions import new_token


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


ADMINISTRATOR = (
    ("overview.index", "Overview", "speedometer2", {"overview"}),
    ("customers.index", "Customers", "people", {"customers", "accounts", "subscriptions", "setup"}),
    ("computers.index", "Computers", "pc-display", {"computers", "files"}),
    ("runs.index", "Runs", "arrow-repeat", {"runs"}),
    ("storages.index", "Storage", "hdd-stack", {"storages"}),
    ("plans.index", "Plans", "box-seam", {"plans"}),
    ("staff.index", "Staff", "person-badge", {"staff"}),
    ("reports.index", "Reports", "bar-chart", {"reports"}),
    ("audit.index", "Audit log", "journal-text", {"audit"}),
    ("settings.index", "Settings", "gear", {"settings"}),
)
IMPLEMENTOR = (
    ("overview.index", "Overview", "speedometer2", {"overview"}),
    ("customers.index", "My customers", "people", {"customers", "accounts", "subscriptions", "setup"}),
    ("computers.index", "Computers", "pc-display", {"computers"}),
    ("runs.index", "Runs", "arrow-repeat", {"runs"}),
)
CUSTOMER = (
    ("home.index", "Home", "house", {"home"}),
    ("files.computers", "Files", "folder2-open", {"files"}),
    ("activity.index", "Activity", "clock-history", {"activity"}),
    ("my_plan.index", "My plan", "award", {"my_plan"}),
    ("details.index", "My details", "person-vcard", {"details"}),
)
HELP = ("help.index", "Help", "question-circle", {"help"})
"""Help comes last for everybody, so that it stands in the same place."""


def equip(app: Flask) -> None:
    """Make the words of server.words and those below known to the templates of `app`."""
    app.jinja_env.filters.update(words.FILTERS, readable=readable, address=address_of)
    app.jinja_env.globals.update(asset=asset, new_token=new_token, page_address=page_address, has_page=has_page)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(surroundings)


def surroundings() -> dict[str, Any]:
    """What every page can name: who is signed in, the reseller's look, the reader's zone and the places to go."""
    person, brand = _person(), brand_of_portal()
    return {
        "brand": brand,
        "portal_name": brand.name,
        "person": person,
        "person_name": _name_of(person),
        "person_role": _role_of(person),
        "person_label": person.customer.label if isinstance(person, Account) else "",
        "places": places(person),
        "zone": reader_zone(person),
        "now": datetime.now(UTC),
        **sign_in_times(),
    }


def sign_in_times() -> dict[str, int]:
    """In how many seconds this sign-in ends if nothing else is opened, and how many it lasts from then on."""
    browser = g.get("browser")
    if browser is None:
        return {}
    return {"sign_in_left": int((browser.ends_at() - datetime.now(UTC)).total_seconds()),
            "sign_in_lasts": browser.rules.hours * 3600}


def brand_of_portal() -> Branding:
    """The reseller's name and look; the page that tells of a failing database must not fail itself."""
    name = current_app.config["IBS"].portal_name
    try:
        return read_branding(name)
    except SQLAlchemyError:
        return Branding(name)


def places(person: Account | Staff | None) -> list[Place]:
    """Where this person can go from every page, as far as this portal has those pages."""
    if isinstance(person, Staff):
        known = (*(ADMINISTRATOR if person.role == "administrator" else IMPLEMENTOR), HELP)
    else:
        known = (*CUSTOMER, HELP)
    where = request.blueprint or ""
    return [Place(endpoint, label, icon, where in rooms) for endpoint, label, icon, rooms in known
            if endpoint in current_app.view_functions]


def reader_zone(person: Account | Staff | None) -> tzinfo:
    """The zone in which times are shown to this person."""
    return zone_of(person.customer if isinstance(person, Account) else person)


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
        return str(person.customer.name)
    return person.role.capitalize() if person else ""


def asset(name: str) -> str:
    """The address of a file below static/, with the version that lets browsers keep it for ever."""
    return _address(request.script_root, str(current_app.static_folder), name)


def has_page(endpoint: str) -> bool:
    """Whether this portal has a page of that name."""
    return endpoint in current_app.view_functions


@lru_cache
def _address(root: str, folder: str, name: str) -> str:
    """Made once for each place where the portal is mounted, as a page can hold hundreds of icons."""
    version = hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:12]
    return url_for("static", filename=name, v=version)


def page_address(**changes: object) -> str:
    """The address of this page with its filter, some of it changed; None takes a word out of it."""
    query: dict[str, Any] = request.args.to_dict(flat=False)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = [str(value)]
    return url_for(request.endpoint or "home.index", **(request.view_args or {}), **query)
