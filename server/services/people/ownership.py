"""Which customers, accounts, subscriptions and computers a person may know of."""
from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, Staff, Subscription

ADMINISTRATOR, IMPLEMENTOR = "administrator", "implementor"
ABOUT_FILES = "IBS-4"
"""How the codes of sentences begin that name files or folders of the computer."""
UNNAMED = "Some of its files or folders kept the backup from being complete. The computer's activity log names them."
LABEL = re.compile(r"C-([0-9]{6,9})", re.ASCII)


class AnyOf(NamedTuple):
    """Whoever of the staff has this role, for a statement that is made once: `person` is the parameter of their id."""

    role: str
    id: Any = bindparam("person", type_=Integer())


def served_by(person: Staff | AnyOf) -> ColumnElement[bool]:
    """The condition on Customer under which this member of staff serves it: administrators all, others the assigned."""
    return true() if person.role == ADMINISTRATOR else Customer.implementor_id == person.id


def serves(person: Staff | AnyOf, customer_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The condition on a column of customers' ids under which `person` may know of them."""
    if person.role == ADMINISTRATOR:
        return true()
    return customer_id.in_(select(Customer.id).where(served_by(person)))


def sentence_for(person: Account | Staff, code: str, sentence: str) -> str:
    """What a run said of its end, as `person` may read it: implementors are told no names of files or folders."""
    hidden = isinstance(person, Staff) and person.role != ADMINISTRATOR and code.startswith(ABOUT_FILES)
    return UNNAMED if hidden and sentence else sentence


def find_customer(person: Staff, label: str) -> Customer | None:
    """The customer with that number (as C-000042), if `person` may know of it."""
    number = LABEL.fullmatch(label)
    if number is None:
        return None
    found: Customer | None = db.session.scalar(
        select(Customer).where(Customer.number == int(number[1]), served_by(person)))
    return found


def find_account(person: Account | Staff, account_id: int) -> Account | None:
    """The account, if `person` may know of it: staff of customers they serve, an owner of all, others of their own."""
    account = db.session.get(Account, account_id)
    if account is None:
        return None
    if isinstance(person, Staff):
        return account if _serves(person, account.customer_id) else None
    same = account.customer_id == person.customer_id if person.is_owner else account.id == person.id
    return account if same else None


def find_subscription(person: Account | Staff, subscription_id: int) -> Subscription | None:
    """The subscription, if `person` may know of it: an account other than the owner knows of the one it belongs to."""
    whole = [joinedload(Subscription.plan), joinedload(Subscription.customer)]
    subscription = db.session.get(Subscription, subscription_id, options=whole)
    if subscription is None:
        return None
    if isinstance(person, Staff):
        return subscription if _serves(person, subscription.customer_id) else None
    if person.is_owner:
        return subscription if subscription.customer_id == person.customer_id else None
    return subscription if subscription.id == person.subscription_id else None


def find_computer(person: Account | Staff, computer_id: str) -> Computer | None:
    """The computer, if `person` may know of it: staff of customers they serve, an owner of the customer's, an account
    of its own."""
    computer = db.session.get(Computer, computer_id)
    if computer is None:
        return None
    if isinstance(person, Staff):
        return computer if _serves(person, computer.customer_id) else None
    if person.is_owner:
        return computer if computer.customer_id == person.customer_id else None
    return computer if computer.account_id == person.id else None


def _serves(person: Staff, customer_id: int) -> bool:
    if person.role == ADMINISTRATOR:
        return True
    customer = db.session.get(Customer, customer_id)
    return customer is not None and customer.implementor_id == person.id
