"""A customer's activity: backups, sign-ins, downloads and changes, in plain words, newest first."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, null, or_, select, true, union_all

from server.extensions import db
from server.models import Account, AuditEvent, Computer, Run
from server.services.backup.run_list import load_runs
from server.services.files.doors import computers_of
from server.services.fleet.health import result_of
from server.services.people.own_plans import ASKED
from server.words import count, size

ROWS_PER_PAGE = 50
SIGN_INS, DOWNLOADS = "signed in%", "downloaded%"
KINDS = {"": "Everything", "backups": "Backups", "sign-ins": "Sign-ins", "downloads": "Downloads", "changes": "Changes"}
"""The filter's choices, in words."""
WORDS = {
    "signed in to the portal": "signed in",
    "downloaded": "downloaded from",
    "accepts backups": "switched backups on for",
    "rejects backups": "switched backups off for",
    "changed e-mail after runs": "changed the e-mails after runs of",
    "enrolled a computer": "set up the computer",
    "added an account": "added the account",
    "closed an account": "closed the account",
    "reopened an account": "reopened the account",
    "made a password link": "asked for a password link for",
    "set a password by link": "set a new password for",
    "changed the password": "changed the password of",
    "switched two-step sign-in on": "switched two-step sign-in on for",
    "switched two-step sign-in off": "switched two-step sign-in off for",
    "made new spare codes": "made new spare codes for",
    "ended a sign-in": "ended the sign-in of",
    "ended all other sign-ins": "ended all other sign-ins of",
    "made a set-up code": "made a set-up code for",
    "restored files": "restored",
    "signed a computer out": "signed out the computer",
    "asked for a backup": "asked for a backup of",
    "paused a computer": "paused the computer",
    "resumed a computer": "resumed the computer",
    "retired a computer": "retired the computer",
    "moved a computer": "moved the computer to another plan:",
    "renamed a computer": "renamed a computer to",
    "changed a registration": "changed the contact details of",
    "added a subscription": "added a plan for",
    "renewed a subscription": "renewed the plan",
    "moved a subscription's last day": "changed the last day of the plan",
    "suspended a subscription": "suspended the plan",
    "resumed a subscription": "resumed the plan",
    "changed a subscription's plan": "changed the plan",
    "granted a quota": "changed the space of the plan",
    "chose a subscription's storage": "chose the storage of the plan",
    "added a customer": "registered you as",
    ASKED: "asked for a change of the plan",
}
"""How the customer reads the deeds that the audit trail names more shortly; others stand as they are."""
TOLD = {"downloaded", "rejects backups", "changed e-mail after runs", "paused a computer", ASKED}
"""Deeds whose details are meant for the customer, too."""


class Line(NamedTuple):
    """One line: when, who ("" for the reseller), what was done, to what, and more of it; `run` names a run's result."""

    at: datetime
    actor: str
    words: str
    what: str
    detail: str
    run: str = ""


class ActivityPage(NamedTuple):
    """One page, newest first."""

    rows: Sequence[Line]
    page: int
    pages: int
    total: int


def read_activity(account: Account, kind: str, page: int) -> ActivityPage:
    """That page of what concerns `account`: the owner reads of all of the customer's accounts, others of their own.

    The nearest page when there is no such one; an unknown `kind` is everything.
    """
    kind = kind if kind in KINDS else ""
    vaults = {row.vault_id: row.name for row in db.session.execute(
        select(Computer.vault_id, Computer.name).where(computers_of(account)))}
    both = union_all(_deeds(account, kind), _runs(list(vaults), kind)).subquery()
    total = db.session.scalar(select(func.count()).select_from(both)) or 0
    pages = max(1, -(-total // ROWS_PER_PAGE))
    page = min(max(page, 1), pages)
    keys = db.session.execute(
        select(both.c.number, both.c.vault_id).order_by(both.c.at.desc(), both.c.number.desc())
        .limit(ROWS_PER_PAGE).offset((page - 1) * ROWS_PER_PAGE)).all()
    names = set(db.session.scalars(select(Account.user_name).where(Account.customer_id == account.customer_id)))
    deeds = {event.id: event for event in db.session.scalars(
        select(AuditEvent).where(AuditEvent.id.in_([number for number, vault in keys if vault is None])))}
    runs = load_runs((vault, number) for number, vault in keys if vault is not None)
    rows = [_deed(deeds[number], names) if vault is None else _ran(runs[vault, number], vaults[vault])
            for number, vault in keys]
    return ActivityPage(rows, page, pages, total)


def _deeds(account: Account, kind: str) -> Select[*tuple[Any, ...]]:
    own = or_(AuditEvent.account_id == account.id, AuditEvent.actor == account.user_name)
    of_kind: dict[str, ColumnElement[bool]] = {
        "backups": false(),
        "sign-ins": AuditEvent.action.like(SIGN_INS),
        "downloads": AuditEvent.action.like(DOWNLOADS),
        "changes": and_(AuditEvent.action.not_like(SIGN_INS), AuditEvent.action.not_like(DOWNLOADS)),
    }
    columns: tuple[Any, ...] = (AuditEvent.at.label("at"), AuditEvent.id.label("number"), null().label("vault_id"))
    return select(*columns).where(
        AuditEvent.customer_id == account.customer_id, true() if account.is_owner else own, of_kind.get(kind, true()))


def _runs(vaults: Sequence[int], kind: str) -> Select[*tuple[Any, ...]]:
    columns: tuple[Any, ...] = (Run.opened_at, Run.run_no, Run.vault_id)
    return select(*columns).where(Run.vault_id.in_(vaults), true() if kind in {"", "backups"} else false())


def _deed(event: AuditEvent, names: set[str]) -> Line:
    actor = event.actor if event.actor in names else ""
    return Line(event.at, actor, WORDS.get(event.action, event.action), event.object,
                event.detail if event.action in TOLD else "")


def _ran(run: Run, name: str) -> Line:
    kept = f"{count(run.files, 'file')}, {size(run.bytes)}" if run.files else ""
    result = result_of(run.state, run.skipped)
    how = "automatic backup" if run.automatic else "backup asked for by hand"
    return Line(run.opened_at, name, how, "", run.sentence or kept, result)
