"""What the computers of a subscription have stored: kept with it, in the transaction that changes it."""
from __future__ import annotations

from sqlalchemy import select, update

from server.extensions import db
from server.models import Computer, Subscription, Vault


def used_bytes(subscription_id: int) -> int:
    """What all computers of a subscription have stored."""
    return db.session.scalar(select(Subscription.stored_bytes).where(Subscription.id == subscription_id)) or 0


def note_stored(vault_id: int, size: int) -> None:
    """Count `size` more bytes in a vault and in the subscription that its computer belongs to.

    The vault's row is taken first and held, so that the computer can't move between the two.
    """
    db.session.execute(
        update(Vault).where(Vault.id == vault_id).values(stored_bytes=Vault.stored_bytes + size))
    owner = select(Computer.subscription_id).where(Computer.vault_id == vault_id).scalar_subquery()
    _add(owner, size)


def hold_stored(computer: Computer) -> int:
    """What the computer has stored; it stays so until the end of the transaction.

    Whoever moves a computer asks this first of all: a run, too, holds its vault before it holds its computer.
    """
    return db.session.scalars(
        select(Vault.stored_bytes).where(Vault.id == computer.vault_id).with_for_update()).one()


def hold_subscriptions(*subscriptions: Subscription) -> None:
    """Hold their rows in the order of their ids, so that two moves in opposite directions wait for each other."""
    db.session.execute(
        select(Subscription.id).where(Subscription.id.in_([one.id for one in subscriptions]))
        .order_by(Subscription.id).with_for_update())


def move_stored(source: Subscription, target: Subscription, stored: int) -> None:
    """Let `stored` bytes count for another subscription; hold_stored and hold_subscriptions come before."""
    _add(source.id, -stored)
    _add(target.id, stored)


def _add(subscription_id: object, size: int) -> None:
    db.session.execute(
        update(Subscription).where(Subscription.id == subscription_id)
        .values(stored_bytes=Subscription.stored_bytes + size).execution_options(synchronize_session=False))
