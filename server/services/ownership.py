"""Which computers a person may know of."""
from __future__ import annotations

from server.extensions import db
from server.models import Account, Computer, Staff


def find_computer(person: Account | Staff, computer_id: str) -> Computer | None:
    """The computer, if `person` may know of it: staff of all, an owner of the customer's, an account of its own."""
    computer = db.session.get(Computer, computer_id)
    if computer is None or isinstance(person, Staff):
        return computer
    if person.is_owner:
        return computer if computer.customer_id == person.customer_id else None
    return computer if computer.account_id == person.id else None

