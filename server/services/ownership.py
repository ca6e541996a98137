"""Which computers and restore points a person may see."""
from __future__ import annotations

from sqlalchemy import select

from server.extensions import db
from server.models import Account, Computer, Run, Staff
from server.models.runs import COMMITTED


def find_computer(person: Account | Staff, computer_id: str) -> Computer | None:
    """The computer, if `person` may know of it: staff of all, an owner of the customer's, an account of its own."""
    computer = db.session.get(Computer, computer_id)
    if computer is None or isinstance(person, Staff):
        return computer
    if person.is_owner:
        return computer if computer.customer_id == person.customer_id else None
    return computer if computer.account_id == person.id else None


def restore_points(computer: Computer) -> list[Run]:
    """The computer's committed runs, oldest first."""
    return list(db.session.scalars(
        select(Run).where(Run.vault_id == computer.vault_id, Run.state == COMMITTED).order_by(Run.run_no)))


def find_restore_point(computer: Computer, number: int) -> Run | None:
    """The committed run of this number."""
    run = db.session.get(Run, (computer.vault_id, number))
    return run if run is not None and run.state == COMMITTED else None
