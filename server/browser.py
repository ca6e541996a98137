"""Who this browser belongs to: signed in, half signed in, or nobody any more."""
from __future__ import annotations

import time
from datetime import UTC, datetime
from hmac import compare_digest
from urllib.parse import urlsplit

from flask import current_app, g, request, session, url_for
from flask_login import login_user, logout_user

from server.database import begin_reading
from server.extensions import db, login_manager
from server.models import Account, BrowserSession, Staff
from server.services.signing_in import browser_sessions, sessions

SEAL = "seal"
"""Where a browser's session keeps what ties it to the password it was begun with."""
BROWSER, HALF = "browser", "half"
"""Where it keeps the browser's key, and whose second step is awaited."""
HALF_SECONDS = 300


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_person(key: str) -> Account | Staff | None:
    """Whose session this is; None when it ended, or when that sign-in is gone, closed or got a new password since."""
    if request.method in {"GET", "HEAD"}:
        begin_reading(db.session())
    now = datetime.now(UTC)
    found = browser_sessions.find(browser_key(), key, now)
    if found is None or found.person.closed or not compare_digest(_seal(found.person), str(session.get(SEAL, ""))):
        return None
    g.browser = found
    if "HX-Request" not in request.headers and browser_sessions.is_to_be_noted(found.session, now):
        _note_seen(found.session, now)
    return found.person


def begin_session(person: Account | Staff, key: str) -> None:
    """Make `person` the one whom this browser belongs to, known by `key`; nothing of an earlier session stays."""
    _end_browser()
    login_user(person)
    session.permanent = True
    session[BROWSER] = key
    session[SEAL] = _seal(person)


def end_session() -> None:
    """Forget who used this browser; a copy of its cookie is worth nothing then."""
    logout_user()
    _end_browser()


def keep_session(person: Account | Staff) -> None:
    """Let this session go on although `person` has a new password."""
    session[SEAL] = _seal(person)


def signed_in() -> browser_sessions.Found:
    """This browser's sign-in; only for who is signed in."""
    sign_in: browser_sessions.Found = g.browser
    return sign_in


def browser_key() -> str:
    """By what this browser is known; empty when nobody is signed in."""
    return str(session.get(BROWSER, ""))


def begin_half_session(person: Account | Staff) -> None:
    """Remember that the password of `person` was right. That opens nothing but the page for the second step.

    Who used this browser before is signed out: a copy of that cookie is worth nothing then.
    """
    _end_browser()
    session[HALF] = {"person": person.get_id(), SEAL: _seal(person), "until": time.time() + HALF_SECONDS}


def half_signed_in() -> Account | Staff | None:
    """Whose second step is awaited in this browser; None when nobody's is, or it took too long."""
    half = session.get(HALF)
    if not isinstance(half, dict) or time.time() > half["until"]:
        return None
    person = sessions.find_person(half["person"])
    known = person is not None and not person.closed and compare_digest(_seal(person), half[SEAL])
    return person if known else None


def next_page(wanted: str | None) -> str:
    """The address to go to after signing in: `wanted` if it lies in this portal, else the first page."""
    first = url_for("home.index")
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return first
    return wanted if wanted.isprintable() and not urlsplit(wanted).netloc else first


def _end_browser() -> None:
    """End the sign-in of this browser, if it has one; nothing of its session stays."""
    if browser_key():
        browser_sessions.end_key(browser_key(), datetime.now(UTC))
    session.clear()


def _seal(someone: Account | Staff) -> str:
    return sessions.seal_of(someone, current_app.config["IBS"].secrets.session)


def _note_seen(seen: BrowserSession, now: datetime) -> None:
    """A page that is only read notes it in a transaction of its own, and reads on in a new one."""
    db.session.commit()
    browser_sessions.note_seen(seen, now)
    if request.method in {"GET", "HEAD"}:
        begin_reading(db.session())
