"""What people do to a computer: pause, resume, retire, move, rename it, and ask it for a backup.

Its history and its restore points stay in every case. Each change names the version of the record that was shown;
`actor` is the name for the audit trail.
"""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from sqlalchemy import select

from protocol.errors import NotFound, Refusal
from server.extensions import db
from server.models import Computer, Subscription
from server.services.fleet import health
from server.services.fleet.enrolment import check_place
from server.services.fleet.health import ACTIVE, GONE, HELD
from server.services.house import audit
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version, note_change
from server.services.selling.stored import hold_stored, hold_subscriptions, move_stored
from server.services.selling.subscriptions import check_backup_allowed

NAME_LENGTH = 255
RENAMED = "renamed a computer"
FARTHEST_YEAR = 2200


class ComputerRetired(Refusal):
    """The computer {computer} is retired. Nothing was changed; its restore points are safe."""

    code = "IBS-1331"
    hint = "Take it back into use first."
    status = 409


def pause(computer: Computer, until: date | None, version: int | None, actor: str, now: datetime, *, address: str = ""
          ) -> None:
    """Expect no backups until the beginning (UTC) of the day `until`, or until somebody resumes it.

    Raises ValueRefused for a day that is not to come, ComputerRetired, EditedMeanwhile.
    """
    check_version(computer, version)
    if computer.state == GONE:
        raise ComputerRetired(computer=computer.name)
    if until is not None and not now.date() < until <= date(FARTHEST_YEAR, 1, 1):
        raise ValueRefused(field="day", reason="it must lie in the future")
    moment = datetime.combine(until, time(), UTC) if until else None
    _set_state(computer, HELD, moment, actor, now)
    detail = f"until {until}" if until else "until somebody resumes it"
    _record(computer, "paused a computer", actor, now, address, detail)
    db.session.commit()


def resume(computer: Computer, version: int | None, actor: str, now: datetime, *, address: str = "") -> None:
    """Expect backups again; a retired computer takes a place of its plan. Raises TooManyComputers, EditedMeanwhile."""
    check_version(computer, version)
    if computer.state == GONE:
        check_place(computer.subscription)
    was = computer.state
    _set_state(computer, ACTIVE, None, actor, now)
    deed = "took a computer back into use" if was == GONE else "resumed a computer"
    _record(computer, deed, actor, now, address)
    db.session.commit()


def retire(computer: Computer, version: int | None, actor: str, now: datetime, *, address: str = "") -> None:
    """Expect no backups ever again; its place in the plan is free. Raises EditedMeanwhile."""
    check_version(computer, version)
    _set_state(computer, GONE, None, actor, now)
    _record(computer, "retired a computer", actor, now, address)
    db.session.commit()


def move(computer: Computer, subscription_id: int, version: int | None, actor: str, now: datetime, *,
         address: str = "") -> None:
    """Let the computer belong to another subscription of the same customer; its vault stays where it is.

    Raises NotFound for another customer's, TooManyComputers, EditedMeanwhile.
    """
    stored = hold_stored(computer)
    check_version(computer, version)
    target = db.session.get(Subscription, subscription_id)
    if target is None or target.customer_id != computer.customer_id:
        raise NotFound(what="such subscription")
    if target.id == computer.subscription_id:
        db.session.rollback()
        return
    before = computer.subscription
    hold_subscriptions(before, target)
    if computer.state != GONE:
        check_place(target)
    move_stored(before, target, stored)
    computer.subscription = target
    health.expect_next(computer, target.plan)
    note_change(computer, actor, now)
    audit.record(
        actor, "moved a computer", computer.name, address=address, now=now, customer=computer.customer_id,
        account=computer.account_id, before={"subscription": before.id, "plan": before.plan.name},
        after={"subscription": target.id, "plan": target.plan.name})
    db.session.commit()


def rename(computer: Computer, name: str, version: int | None, actor: str, now: datetime, *, address: str = "") -> None:
    """Call the computer `name` in the portal. Raises ValueRefused, EditedMeanwhile."""
    check_version(computer, version)
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise ValueRefused(field="name", reason=f"it needs 1 to {NAME_LENGTH} characters")
    before, computer.name = computer.name, name
    note_change(computer, actor, now)
    audit.record(actor, RENAMED, name, detail=computer.id, address=address, now=now, customer=computer.customer_id,
                 account=computer.account_id, before={"name": before}, after={"name": name})
    db.session.commit()


def ask_backup(computer: Computer, actor: str, now: datetime, *, address: str = "") -> None:
    """Ask the computer for a backup; it learns so when it next asks the portal.

    Raises what check_backup_allowed raises when none would be taken.
    """
    check_backup_allowed(computer, now)
    computer.backup_asked_by, computer.backup_asked_at = actor[:255], now
    _record(computer, "asked for a backup", actor, now, address)
    db.session.commit()


def is_asked(computer: Computer) -> bool:
    """Whether somebody asked for a backup that has not been made yet."""
    asked, made = computer.backup_asked_at, computer.last_commit_at
    return asked is not None and (made is None or made < asked)


def homes_of(computer: Computer) -> Sequence[Subscription]:
    """The customer's subscriptions, the newest first."""
    return db.session.scalars(
        select(Subscription).where(Subscription.customer_id == computer.customer_id)
        .order_by(Subscription.id.desc())).all()


def _set_state(computer: Computer, state: str, until: datetime | None, actor: str, now: datetime) -> None:
    computer.state, computer.paused_until = state, until
    computer.state_changed_by, computer.state_changed_at = actor[:255], now
    note_change(computer, actor, now)


def _record(computer: Computer, deed: str, actor: str, now: datetime, address: str, detail: str = "") -> None:
    audit.record(actor, deed, computer.name, detail=detail, address=address, now=now, customer=computer.customer_id,
                 account=computer.account_id)
