"""What computers tell of themselves between runs, and what people ask of them."""
from __future__ import annotations

import secrets
from datetime import UTC, datetime

import msgspec

from protocol import messages
from server.extensions import db
from server.models import Computer, RestoreReport
from server.services.fleet import health
from server.services.fleet.computer_changes import is_asked
from server.services.house import audit
from server.words import count


def receive_schedule(computer: Computer, report: messages.ScheduleReport, now: datetime) -> None:
    """Keep when the computer means to back up and what it protects; from now on it is judged by that."""
    computer.schedule = report.schedule
    computer.longest_gap = report.longest_gap
    computer.next_run_at = _aware(report.next_run_at)
    computer.folders = msgspec.to_builtins(report.folders)
    computer.last_seen_at = now
    health.expect_next(computer, computer.subscription.plan)
    db.session.commit()


def wishes_of(computer: Computer) -> messages.Wishes:
    """What the computer is to do. A wish for a backup lasts until one that was made later is complete."""
    asked = is_asked(computer)
    return messages.Wishes(
        backup_asked_at=computer.backup_asked_at if asked else None,
        backup_asked_by=computer.backup_asked_by if asked else "", accepts_backups=computer.account.accepts_backups,
    )  # fmt: skip


def receive_restore(computer: Computer, report: messages.RestoreReport, now: datetime) -> None:
    """Keep how a restore ended; the customer reads of it under Activity."""
    db.session.add(RestoreReport(computer_id=computer.id, at=now, run_no=report.snapshot, files=report.files,
                                 bytes=report.bytes, problems=report.problems))
    computer.last_seen_at = now
    failed = f", {report.problems:,} did not come back" if report.problems else ""
    audit.record(computer.name, "restored files", f"{count(report.files, 'file')}{failed}", now=now,
                 customer=computer.customer_id, account=computer.account_id)
    db.session.commit()


def receive_sign_out(computer: Computer, address: str, now: datetime) -> None:
    """The computer at `address` is no account's any more: its token opens nothing from now on. What it backed up stays.
    """
    computer.token_hash = secrets.token_bytes(len(computer.token_hash))  # the hash of a token that nobody has
    computer.last_seen_at = now
    audit.record(computer.name, "signed a computer out", computer.name, address=address, now=now,
                 customer=computer.customer_id, account=computer.account_id)
    db.session.commit()


def _aware(moment: datetime | None) -> datetime | None:
    """A moment without a zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
