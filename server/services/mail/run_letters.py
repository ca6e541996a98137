"""What an account is told of its runs: after each, only of problems, or a summary every Monday."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, Run
from server.models.runs import COMMITTED, OPEN
from server.services.files.restore_points import zone_of
from server.services.fleet.health import result_of
from server.services.house.branding import Branding
from server.services.mail import outbox
from server.services.mail.letters import Fact, Letter, write
from server.words import count, size, took

EVERY, PROBLEMS, WEEKLY = "every", "problems", "weekly"
SUMMARY_WEEKDAY, SUMMARY_HOUR = 0, 8
"""Monday at 8, where the customer is."""
WEEK = timedelta(days=7)
BLOCK = 200
FORGOTTEN_AFTER = timedelta(days=3)
"""A portal whose background work was away for longer does not begin with old news."""
LOOKS = {"committed": "ok", "refused": "neutral", "cancelled": "neutral", "abandoned": "warn"}
SAFE = "Everything backed up before is safe and can be restored."
WHY = "You get this because e-mail after each run is on for the account {account}. Switch it off under My details."


def queue_for_runs(brand: Branding, now: datetime) -> int:
    """Put letters about the runs that ended since the last turn into the outbox; how many.

    Each run is settled in one transaction with its letter, so that a crash loses and repeats nothing.
    """
    ended = db.session.execute(
        select(Run, Computer).join(Computer, Computer.vault_id == Run.vault_id)
        .where(Run.told.is_(False), Run.finished_at.is_not(None)).order_by(Run.finished_at).limit(BLOCK)
        .options(defer(Run.commit), joinedload(Computer.account).joinedload(Account.customer))).all()
    queued = 0
    for run, computer in ended:
        account = computer.account
        if run.finished_at and now - run.finished_at < FORGOTTEN_AFTER and is_wanted(run, account):
            compose = partial(letter_about, run, computer, brand, zone_of(account.customer))
            queued += outbox.queue(f"run:{run.vault_id}:{run.run_no}", account.email, compose, now,
                                   customer=account.customer_id)
        run.told = True
        db.session.commit()
    return queued


def is_wanted(run: Run, account: Account) -> bool:
    """Whether an account wants to be told of a run that ended. What a person cancelled is no news to anybody."""
    if account.closed or run.state == "cancelled":
        return False
    fine = run.state == COMMITTED and not run.skipped
    return account.mail_on_completion == EVERY or (account.mail_on_completion == PROBLEMS and not fine)


def letter_about(run: Run, computer: Computer, brand: Branding, zone: tzinfo) -> Letter:
    """What there is to tell of one ended run; the subject carries state, computer and time."""
    assert run.finished_at is not None  # the run has ended
    ended = run.finished_at.astimezone(zone)
    result = result_of(run.state, run.skipped)
    facts = [
        Fact("Computer", computer.name),
        Fact("Started", f"{run.opened_at.astimezone(zone):%d %b %Y, %H:%M}"),
        Fact("Took", took((run.finished_at - run.opened_at).total_seconds())),
    ]
    if run.state == COMMITTED:
        facts += [Fact("Protected", f"{count(run.files, 'file')}, {size(run.bytes)}"), Fact("New", size(run.stored))]
    return write(
        f"{result} – {computer.name}, {ended.day} {ended:%b %H:%M}", brand, _sentences(run), facts=facts,
        link=("Open the portal", brand.address) if brand.address else None,
        look="warn" if run.state == COMMITTED and run.skipped else LOOKS.get(run.state, "error"),
        footer=WHY.format(account=computer.account.user_name),
    )  # fmt: skip


def queue_summaries(brand: Branding, now: datetime) -> int:
    """Put the weekly summaries that are due into the outbox; how many."""
    wanted = db.session.execute(
        select(Account, Customer).join(Customer, Customer.id == Account.customer_id)
        .where(Account.mail_on_completion == WEEKLY, Account.closed.is_(False))).all()
    queued = 0
    for account, customer in wanted:
        local = now.astimezone(zone_of(customer))
        if local.weekday() == SUMMARY_WEEKDAY and local.hour >= SUMMARY_HOUR:
            year, week, _ = local.isocalendar()
            key = f"weekly:{account.id}:{year}-{week}"
            queued += outbox.queue(key, account.email, partial(_summary, account, brand, now, zone_of(customer)), now,
                                   customer=customer.id)
            db.session.commit()
    return queued


def _sentences(run: Run) -> list[str]:
    if run.state == COMMITTED and not run.skipped:
        return ["The backup is complete, and everything in it can be restored."]
    if run.state == COMMITTED:
        files = count(run.skipped, "file")
        return [f"Backed up, but {files} could not be read. The activity log of the computer names them; they are "
                "tried again at the next backup. " + SAFE]
    told = run.sentence or f"The backup ended before it was complete: {result_of(run.state, 0).lower()}."
    return [told, SAFE]


def _summary(account: Account, brand: Branding, now: datetime, zone: tzinfo) -> Letter:
    computers = db.session.scalars(
        select(Computer).where(Computer.account_id == account.id, Computer.state != "retired").order_by(Computer.name)
    ).all()
    runs = db.session.execute(
        select(Run.vault_id, Run.state, Run.skipped)
        .where(Run.vault_id.in_([one.vault_id for one in computers]), Run.finished_at > now - WEEK, Run.state != OPEN)
    ).all()
    facts = [Fact(one.name, _week_of([(state, skipped) for vault, state, skipped in runs if vault == one.vault_id],
                                     one, zone)) for one in computers]
    good = [state for _, state, _ in runs if state == COMMITTED]
    bad = len(runs) - len(good)
    subject = f"Backups of the last week – {account.user_name}, {now.astimezone(zone).day} {now.astimezone(zone):%b}"
    told = f"{count(len(good), 'backup')} completed{f', {bad} did not' if bad else ''}."
    return write(subject, brand, [told if runs else "No computer made a backup."], facts=facts,
                 link=("Open the portal", brand.address) if brand.address else None,
                 look="warn" if bad or not runs else "ok", footer=WHY.format(account=account.user_name))


def _week_of(runs: Sequence[tuple[str, int]], computer: Computer, zone: tzinfo) -> str:
    completed = sum(state == COMMITTED for state, _ in runs)
    last = computer.last_commit_at.astimezone(zone) if computer.last_commit_at else None
    newest = f"last backup {last.day} {last:%b, %H:%M}" if last else "no backup yet"
    return f"{completed} of {count(len(runs), 'run')} completed, {newest}"
