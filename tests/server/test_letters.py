"""Letters: which account is told of which run, and what customers and the reseller are told without one."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from server.extensions import db
from server.models import Account, Mail, Run
from server.services.house.branding import Branding
from server.services.mail import alarms, run_letters
from server.services.mail.alarms import step_of
from server.services.mail.delivery import MailSettings
from server.services.people import accounts
from tests.parts.portal_world import BackedUp, PortalWorld

BRAND = Branding("Northwind IT", address="https://backup.example.com")
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def desk(world: PortalWorld) -> BackedUp:
    """A computer of Alice's."""
    world.alice.time_zone = "Europe/Berlin"
    db.session.commit()
    return world.computer(world.owner, "PC-FRONT")


def ended(desk: BackedUp, state: str, when: datetime, skipped: int = 0) -> None:
    """A run that ended so."""
    if state == "committed":
        desk.store({(b"letter.txt",): b"Dear Bob"}, when, skipped=skipped)
    else:
        desk.end(state, when, "The storage was full.")


def told(now: datetime) -> list[Mail]:
    """What a turn of the worker puts into the outbox."""
    known = {mail.id for mail in db.session.query(Mail)}
    run_letters.queue_for_runs(BRAND, now)
    return [mail for mail in db.session.query(Mail).order_by(Mail.id) if mail.id not in known]


@pytest.mark.parametrize(("choice", "state", "skipped", "expected"), [
    ("every", "committed", 0, "Completed – PC-FRONT, 22 Nov 09:14"),
    ("every", "committed", 3, "Completed with warnings – PC-FRONT, 22 Nov 09:14"),
    ("every", "failed", 0, "Failed – PC-FRONT, 22 Nov 09:14"), ("every", "cancelled", 0, ""),
    ("problems", "committed", 0, ""), ("problems", "committed", 1, "Completed with warnings – PC-FRONT, 22 Nov 09:14"),
    ("problems", "full", 0, "Storage full – PC-FRONT, 22 Nov 09:14"),
    ("problems", "abandoned", 0, "Interrupted – PC-FRONT, 22 Nov 09:14"),
    ("weekly", "failed", 0, ""), ("off", "failed", 0, ""),
])
def test_an_account_is_told_of_the_runs_that_it_wants_to_hear_of(
    app: Flask, world: PortalWorld, desk: BackedUp, choice: str, state: str, skipped: int, expected: str
) -> None:
    accounts.switch_mail(world.owner, choice, world.now, actor="alice.front")
    when = datetime(2026, 11, 22, 8, 14, tzinfo=UTC)
    ended(desk, state, when, skipped)
    letters = told(when + timedelta(seconds=30))
    assert [mail.subject for mail in letters] == ([expected] if expected else [])
    assert {mail.recipient for mail in letters} <= {"alice@example.com"}
    assert told(when + timedelta(minutes=1)) == []


def test_a_letter_says_whether_the_files_are_safe(app: Flask, desk: BackedUp) -> None:
    ended(desk, "failed", MONDAY)
    (letter,) = told(MONDAY)
    for part in (letter.text.decode(), letter.html.decode()):
        for words in ("The storage was full.", "can be restored", "https://backup.example.com", "Northwind IT",
                      "My details"):
            assert words in part


def test_old_news_and_closed_accounts_are_not_told(app: Flask, world: PortalWorld, desk: BackedUp) -> None:
    ended(desk, "failed", MONDAY)
    assert told(MONDAY + timedelta(days=3)) == []
    ended(desk, "failed", MONDAY)
    world.owner.closed = True
    db.session.commit()
    assert told(MONDAY) == []
    assert db.session.query(Run).filter_by(told=False).count() == 0


def test_the_weekly_summary_comes_on_monday_morning_where_the_customer_is(
    app: Flask, world: PortalWorld, desk: BackedUp
) -> None:
    accounts.switch_mail(world.owner, "weekly", world.now, actor="alice.front")
    for days in (3, 2, 1):
        ended(desk, "committed", MONDAY - timedelta(days=days))
    ended(desk, "failed", MONDAY - timedelta(hours=20))
    early = datetime(2026, 11, 23, 6, 59, tzinfo=UTC)  # 07:59 in Berlin
    moments = (early, early + timedelta(minutes=1), early + timedelta(hours=5), early + timedelta(days=1))
    assert [run_letters.queue_summaries(BRAND, moment) for moment in moments] == [0, 1, 0, 0]
    text = db.session.query(Mail).one().text.decode()
    assert "3 backups completed, 1 did not" in text
    assert "PC-FRONT: 3 of 4 runs completed, last backup 22 Nov, 13:00" in text
    assert run_letters.queue_summaries(BRAND, early + timedelta(days=7, minutes=1)) == 1


def test_an_overdue_backup_is_told_once_until_there_is_a_new_one(app: Flask, desk: BackedUp) -> None:
    settings = MailSettings(reseller="us@example.com", alarms=True)
    ended(desk, "committed", MONDAY)
    assert alarms.queue_overdue(BRAND, settings, MONDAY + timedelta(days=7)) == 0
    late = MONDAY + timedelta(days=9)
    assert [alarms.queue_overdue(BRAND, settings, late + timedelta(days=number)) for number in range(3)] == [2, 0, 0]
    assert {mail.recipient for mail in db.session.query(Mail)} == {"alice@example.com", "us@example.com"}
    assert "no backup for 9 days" in db.session.query(Mail).first().subject  # type: ignore[union-attr]
    ended(desk, "committed", late)
    assert alarms.queue_overdue(BRAND, MailSettings(), late + timedelta(days=9)) == 1


def test_a_customer_who_rejects_backups_gets_no_alarm(app: Flask, world: PortalWorld, desk: BackedUp) -> None:
    ended(desk, "committed", MONDAY)
    accounts.switch_backups(world.owner, False, MONDAY, actor="alice.front")
    assert alarms.queue_overdue(BRAND, MailSettings(), MONDAY + timedelta(days=30)) == 0


@pytest.mark.parametrize(("today", "step"), [
    (date(2026, 12, 1), "30"), (date(2026, 12, 24), "7"), (date(2026, 12, 30), "1"), (date(2026, 12, 31), "1"),
    (date(2027, 1, 1), "ended"), (date(2027, 1, 14), "ended"), (date(2027, 1, 15), "out of grace"),
])
def test_a_subscription_comes_to_its_end_step_by_step(today: date, step: str) -> None:
    assert step_of(date(2026, 12, 31), date(2027, 1, 14), today) == step


def test_customers_are_reminded_once_at_each_step_and_again_after_a_renewal(app: Flask, world: PortalWorld) -> None:
    subscription = world.subscriptions[world.alice.id]
    for other in world.subscriptions.values():
        other.suspended = other is not subscription
    subscription.plan.grace_days = 14
    subscription.valid_from, subscription.valid_until = date(2026, 1, 1), date(2026, 12, 31)
    db.session.commit()
    days = [datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=number) for number in range(60)]
    reminded = [moment.date() for moment in days if alarms.queue_reminders(BRAND, moment)]
    assert reminded == [date(2026, 12, 1), date(2026, 12, 24), date(2026, 12, 30), date(2027, 1, 1), date(2027, 1, 15)]
    assert [mail.subject for mail in db.session.query(Mail).order_by(Mail.id)] == [
        "Your Gold plan is valid until 31 December 2026", "Your Gold plan is valid until 31 December 2026",
        "Your Gold plan is valid until 31 December 2026", "Your Gold plan expired on 31 December 2026",
        "Backups have stopped – your Gold plan expired"]
    assert all("can be restored" in mail.text.decode() for mail in db.session.query(Mail))
    subscription.valid_until = date(2027, 3, 10)
    db.session.commit()
    assert alarms.queue_reminders(BRAND, datetime(2027, 2, 20, tzinfo=UTC)) == 1


def test_long_forgotten_subscriptions_are_left_in_peace(app: Flask, world: PortalWorld) -> None:
    for subscription in world.subscriptions.values():
        subscription.valid_from, subscription.valid_until = date(2020, 1, 1), date(2020, 12, 31)
    db.session.commit()
    assert alarms.queue_reminders(BRAND, MONDAY) == 0
    assert db.session.query(Account).count() == 3
