"""The only authorisation gates: what a view asks before it shows or does anything.

What is missing and what belongs to somebody else are told alike (404); what is known and not allowed is 403.
"""
from __future__ import annotations

import time
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TypeVar
from urllib.parse import urlsplit

from flask import current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from protocol.errors import NotFound, TokenRejected
from protocol.messages import LEASE_HEADER, TOKEN_HEADER
from server.database import begin_reading
from server.extensions import db, login_manager
from server.models import Account, BrowserSession, Computer, Customer, Run, Staff, Subscription
from server.services.backup import leases
from server.services.files import catalogue
from server.services.fleet import enrolment, restore_tokens
from server.services.house.refusals import NotPermitted
from server.services.people import ownership
from server.services.people.ownership import ADMINISTRATOR
from server.services.signing_in import browser_sessions, sessions

Record = TypeVar("Record")
SEAL = "seal"
"""Where a browser's session keeps what ties it to the password it was begun with."""
BROWSER, HALF = "browser", "half"
"""Where it keeps the browser's key, and whose second step is awaited."""
HALF_SECONDS = 300
SETTING_UP = {"auth.two_step", "auth.turn_on", "auth.spare_codes"}
"""What is open to staff who must have a second step and have none."""


# --- computers ----------------------------------------------------------------------------------------------------


def computer_from_token(*, reads: bool = False) -> Computer:
    """The computer whose token is presented; with `reads`, of a person signed in there, too. Raises TokenRejected."""
    scheme, _, token = request.headers.get(TOKEN_HEADER, "").partition(" ")
    computer = enrolment.find_by_token(token.strip()) if scheme.lower() == "bearer" else None
    if computer is None and reads:
        computer = restore_tokens.find_by_token(token.strip(), current_app.config["IBS"], datetime.now(UTC))
    if computer is None:
        raise TokenRejected
    return computer


def presented_lease() -> str:
    """The lease in the request's header; empty without one."""
    return request.headers.get(LEASE_HEADER, "")


def run_from_lease(computer: Computer, number: int, *, exclusive: bool = False) -> Run:
    """The computer's run of this number, held by the lease that the request presents; see leases.run_of_lease.

    Raises NotFound, LeaseLost.
    """
    return leases.run_of_lease(computer.vault_id, number, presented_lease(), exclusive=exclusive)


# --- people in a browser ------------------------------------------------------------------------------------------


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


def require_sign_in() -> ResponseReturnValue | None:
    """Before every view of a blueprint: who is not signed in goes to that page, and from there on to this one.

    Staff who must have a second step and have none go to the page that sets it up, and nowhere else.
    """
    someone = person()
    if someone is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("auth.sign_in_form", next=None if wanted == "/" else wanted))
    if lacks_second_step(someone) and request.endpoint not in SETTING_UP:
        return redirect(url_for("auth.two_step"))
    return None


def lacks_second_step(someone: Account | Staff) -> bool:
    """Whether this person has to set up two-step sign-in before anything else."""
    return isinstance(someone, Staff) and not someone.totp_sealed and browser().rules.staff_need_second_step


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


def browser() -> browser_sessions.Found:
    """This browser's sign-in; only for who is signed in."""
    found: browser_sessions.Found = g.browser
    return found


def browser_key() -> str:
    """By what this browser is known; empty when nobody is signed in."""
    return str(session.get(BROWSER, ""))


def begin_half_session(person: Account | Staff) -> None:
    """Remember that the password of `person` was right. That opens nothing but the page for the second step.

    Who used this browser before is signed out: a copy of that cookie is worth nothing then.
    """
    _end_browser()
    session[HALF] = {"person": person.get_id(), SEAL: _seal(person), "until": time.time() + HALF_SECONDS}


def _end_browser() -> None:
    """End the sign-in of this browser, if it has one; nothing of its session stays."""
    if browser_key():
        browser_sessions.end_key(browser_key(), datetime.now(UTC))
    session.clear()


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


def person() -> Account | Staff | None:
    """Who is signed in, if anybody."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def actor() -> str:
    """The name under which the one who is signed in appears in the audit trail."""
    someone = person()
    return sessions.name_of(someone) if someone else ""


def customer_account() -> Account:
    """The signed-in account of a customer. Raises NotPermitted for staff."""
    someone = person()
    if not isinstance(someone, Account):
        raise NotPermitted
    return someone


def staff_member() -> Staff:
    """The signed-in member of staff; for a customer there is no such page. Raises NotFound."""
    someone = person()
    if not isinstance(someone, Staff):
        raise NotFound(what="such page")
    return someone


def administrator() -> Staff:
    """The signed-in administrator. Raises NotPermitted for an implementor, NotFound for a customer."""
    someone = staff_member()
    if someone.role != ADMINISTRATOR:
        raise NotPermitted
    return someone


def is_administrator() -> bool:
    """Whether an administrator is signed in, for pages that show more to them."""
    someone = person()
    return isinstance(someone, Staff) and someone.role == ADMINISTRATOR


def customer_for_staff(label: str) -> Customer:
    """The customer of that number, as C-000042: an administrator's any, an implementor's assigned ones.

    Raises NotFound, also for customers, who have no such page.
    """
    return _found(ownership.find_customer(staff_member(), label), "customer")


def account_for_staff(account_id: int) -> Account:
    """The account, if its customer is one whom this member of staff serves. Raises NotFound."""
    return _found(ownership.find_account(staff_member(), account_id), "account")


def subscription_for_staff(subscription_id: int) -> Subscription:
    """The subscription, if its customer is one whom this member of staff serves. Raises NotFound."""
    return _found(ownership.find_subscription(staff_member(), subscription_id), "subscription")


def computer_for_staff(computer_id: str) -> Computer:
    """The computer, if its customer is one whom this member of staff serves. Raises NotFound."""
    return _found(ownership.find_computer(staff_member(), computer_id), "computer")


def own_account(account_id: int) -> Account:
    """An account over which the signed-in one may decide: the owner over all of the customer's, others over theirs.

    Raises NotFound, NotPermitted for staff.
    """
    return _found(ownership.find_account(customer_account(), account_id), "account")


def own_subscription(subscription_id: int) -> Subscription:
    """A subscription that the signed-in account may see: the owner all, others the one they belong to.

    Raises NotFound, NotPermitted for staff.
    """
    return _found(ownership.find_subscription(customer_account(), subscription_id), "subscription")


def own_customer() -> Customer:
    """The customer whose owner is signed in. Raises NotPermitted for its other accounts and for staff."""
    account = customer_account()
    if not account.is_owner:
        raise NotPermitted
    return account.customer


def own_computer(computer_id: str) -> Computer:
    """A computer that the signed-in account may see. Raises NotFound, NotPermitted for staff."""
    return _found(ownership.find_computer(customer_account(), computer_id), "computer")


def computer_for_files(computer_id: str) -> Computer:
    """The computer, if the one who is signed in may see its files.

    Raises NotFound when there is none or it is another customer's, NotPermitted for an implementor, who sees states
    and counts but never names or contents. Validity, quota and the account's switch are not asked: what was backed up
    can always be restored.
    """
    someone = person()
    computer = _found(ownership.find_computer(someone, computer_id) if someone else None, "computer")
    if isinstance(someone, Staff) and someone.role != ADMINISTRATOR:
        raise NotPermitted
    return computer


def customer_for_files(label: str) -> Customer:
    """The customer of that number whose files the signed-in administrator may see.

    Raises NotFound, NotPermitted for an implementor who serves this customer.
    """
    customer = customer_for_staff(label)
    administrator()
    return customer


def restore_point_for(computer: Computer, number: int) -> Run:
    """The restore point of a computer that computer_for_files() gave. Raises NotFound."""
    return catalogue.find_snapshot(computer.vault_id, number)


def _found(record: Record | None, what: str) -> Record:
    if record is None:
        raise NotFound(what=f"such {what}")
    return record


def _seal(someone: Account | Staff) -> str:
    return sessions.seal_of(someone, current_app.config["IBS"].secrets.session)


def _note_seen(seen: BrowserSession, now: datetime) -> None:
    """A page that is only read notes it in a transaction of its own, and reads on in a new one."""
    db.session.commit()
    browser_sessions.note_seen(seen, now)
    if request.method in {"GET", "HEAD"}:
        begin_reading(db.session())
