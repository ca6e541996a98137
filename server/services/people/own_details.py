"""What a customer's own page shows of its sign-ins."""
from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from server.extensions import db
from server.models import Account, Computer


class OwnAccount(NamedTuple):
    """A sign-in, and how many restore points its computers have; they stay whatever is switched."""

    account: Account
    points: int


def accounts_of(account: Account) -> list[OwnAccount]:
    """The sign-ins over which `account` may decide: the owner over all, others over their own. Oneself comes first."""
    points = func.coalesce(func.sum(Computer.restore_points), 0)
    query = select(Account, points).outerjoin(Computer, Computer.account_id == Account.id).group_by(Account.id)
    if account.is_owner:
        query = query.where(Account.customer_id == account.customer_id)
    else:
        query = query.where(Account.id == account.id)
    rows = db.session.execute(query.order_by(Account.id != account.id, Account.user_name)).all()
    return [OwnAccount(one, int(number)) for one, number in rows]
