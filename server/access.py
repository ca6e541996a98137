"""The only authorisation gates: what a view asks before it shows or does anything.

What is missing and what belongs to somebody else are told alike (404); what is known and not allowed is 403.
"""
from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from protocol.errors import NotFound, TokenRejected
from protocol.messages import LEASE_HEADER, TOKEN_HEADER
from server import browser
from server.models import Account, Computer, Customer, Run, Staff, Subscription
from server.services.backup import leases
from server.services.files import catalogue
from server.services.fleet import enrolment, restore_tokens
from server.services.house.refusals import NotPermitted
from server.services.people import ownership
from server.services.people.ownership import ADMINISTRATOR
from server.services.signing_in import sessions

Record = TypeVar("Record")
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
    return isinstance(someone, Staff) and not someone.totp_sealed and browser.signed_in().rules.staff_need_second_step


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
