"""Is a computer protected? The database says so by the portal's clock, on every database alike."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.extensions import db
from server.models import Computer, CustomerDay, FleetDay
from server.services.fleet import health, uptime
from server.services.fleet.computers import whole_computers
from tests.parts.api_computer import ApiComputer
from tests.parts.portal_world import PortalWorld, days_ago

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEKS_AGO = {"last_commit_at": NOW - 14 * DAY, "late_at": NOW - 7 * DAY, "overdue_at": NOW - 6 * DAY}


def state_of(computer: Computer, now: datetime) -> str:
    """What the database says."""
    db.session.flush()
    query = whole_computers(health.state_at(now), health.rank_at(now)).where(
        Computer.id == computer.id)
    _, state, rank = db.session.execute(query).one()
    assert health.WORST_FIRST[rank] == state
    return str(state)


@pytest.fixture
def computer(world: PortalWorld) -> Computer:
    """Alice's computer, which has never run, on a plan that holds in all of 2026."""
    found = world.computer(world.owner, "FRONT").computer
    found.subscription.valid_from, found.subscription.valid_until = date(2026, 1, 1), date(2026, 12, 31)
    found.enrolled_at = NOW - 5 * DAY
    return found


@pytest.mark.parametrize(("facts", "state"), [
    ({"last_commit_at": NOW - DAY}, "Protected"),
    ({"last_commit_at": NOW - 7 * DAY}, "Protected"),
    ({"last_commit_at": NOW - 7 * DAY - HOUR}, "Late"),
    ({"last_commit_at": NOW - 8 * DAY - HOUR}, "Overdue"),
    ({"last_commit_at": NOW - 25 * HOUR, "longest_gap": 86_400}, "Late"),
    ({"last_commit_at": NOW - 36 * HOUR - HOUR, "longest_gap": 86_400}, "Overdue"),
    ({"last_commit_at": NOW - 3 * HOUR - HOUR, "longest_gap": 3_600}, "Overdue"),
    ({"last_commit_at": NOW, "last_skipped": 3}, "Warnings"),
    ({"last_commit_at": NOW - 7 * DAY - HOUR, "last_skipped": 3}, "Warnings"),
    ({}, "Not set up"),
    ({"last_run_state": "failed"}, "Failed"),
    ({"last_commit_at": NOW, "last_run_state": "full"}, "Failed"),
    ({"last_commit_at": NOW, "last_run_state": "abandoned", "previous_run_state": "committed"}, "Protected"),
    ({"last_commit_at": NOW, "last_run_state": "abandoned", "previous_run_state": "abandoned"}, "Failed"),
    ({"last_commit_at": NOW, "last_run_state": "refused"}, "Protected"),
    ({"last_commit_at": NOW, "state": "paused"}, "Paused"),
    ({"last_commit_at": NOW, "state": "paused", "paused_until": NOW + DAY}, "Paused"),
    ({"last_commit_at": NOW, "state": "paused", "paused_until": NOW - DAY}, "Protected"),
    ({"last_run_state": "failed", "state": "retired"}, "Retired"),
    ({"last_commit_at": NOW, "awaits_approval": True}, "Protected"),
])
def test_the_state_of_a_computer_is_the_worst_that_holds(
    computer: Computer, facts: dict[str, Any], state: str
) -> None:
    for name, value in facts.items():
        setattr(computer, name, value)
    health.expect_next(computer, computer.subscription.plan)
    assert state_of(computer, NOW) == state
    told = health.describe(computer, state, NOW)
    assert told.state == state
    assert bool(told.reason) == (state != "Protected")


@pytest.mark.parametrize(("changes", "state"), [
    ({"valid_until": date(2026, 11, 21)}, "Paused"),
    ({"valid_until": date(2026, 11, 22)}, "Failed"),
    ({"valid_from": date(2026, 11, 23)}, "Paused"),
    ({"suspended": True}, "Paused"),
])
def test_no_backups_are_expected_while_the_subscription_allows_none(
    computer: Computer, changes: dict[str, Any], state: str
) -> None:
    computer.last_run_state = "failed"
    for name, value in changes.items():
        setattr(computer.subscription, name, value)
    assert state_of(computer, NOW) == state


def test_the_days_of_grace_still_count(computer: Computer) -> None:
    computer.subscription.plan.grace_days = 7
    db.session.flush()
    computer.subscription.valid_until = date(2026, 11, 16)
    computer.last_run_state = "failed"
    assert state_of(computer, NOW) == "Failed"
    assert state_of(computer, NOW + 2 * DAY) == "Paused"


def test_a_switched_off_account_says_who_and_why(computer: Computer) -> None:
    account = computer.account
    account.accepts_backups, account.accept_changed_by, account.accept_changed_at = False, "priya", NOW - DAY
    account.accept_reason = "moving"
    computer.last_run_state = "failed"
    assert state_of(computer, NOW) == "Paused"
    told = health.describe(computer, "Paused", NOW)
    assert told.since == NOW - DAY
    assert told.reason == "Backups of alice.front were switched off by priya (“moving”)."


def test_it_says_since_when_and_how_often_a_backup_is_expected(computer: Computer) -> None:
    computer.last_commit_at, computer.longest_gap = NOW - 4 * DAY, 86_400
    computer.last_seen_at = NOW - 2 * DAY
    health.expect_next(computer, computer.subscription.plan)
    told = health.describe(computer, state_of(computer, NOW), NOW)
    assert told == health.Health("Overdue", NOW - 4 * DAY + 36 * HOUR, "No completed backup for 4 days "
                                 "(expected daily). Last seen 2 days ago.")


def test_the_plan_says_how_late_a_backup_may_be(computer: Computer) -> None:
    plan = computer.subscription.plan
    computer.last_commit_at, plan.remind_days, plan.grace_hours = NOW, 2, 6
    health.expect_next(computer, plan)
    assert (computer.late_at, computer.overdue_at) == (NOW + 2 * DAY, NOW + 2 * DAY + 6 * HOUR)


# --- after an outage of the portal -----------------------------------------------------------------------------


def be_away(begin: datetime, end: datetime) -> None:
    """The portal was not there between the two moments."""
    uptime.note_seen(begin)
    uptime.note_seen(end)


def test_nobody_becomes_overdue_until_the_portal_was_up_for_the_grace(computer: Computer) -> None:
    computer.last_commit_at = NOW - 8 * DAY - 12 * HOUR
    health.expect_next(computer, computer.subscription.plan)
    assert state_of(computer, NOW) == "Overdue"
    be_away(NOW - 3 * DAY, NOW - HOUR)
    assert state_of(computer, NOW) == "Late"
    assert state_of(computer, NOW + 24 * HOUR) == "Overdue"


def test_who_was_overdue_before_the_outage_stays_overdue(computer: Computer) -> None:
    computer.last_commit_at = NOW - 12 * DAY
    health.expect_next(computer, computer.subscription.plan)
    be_away(NOW - 3 * DAY, NOW - HOUR)
    assert state_of(computer, NOW) == "Overdue"


def test_a_minute_of_silence_is_no_outage(app: Flask) -> None:
    be_away(NOW, NOW + timedelta(minutes=2))
    assert uptime.last_outage(NOW) is None
    uptime.note_seen(NOW + HOUR)
    assert uptime.last_outage(NOW + HOUR) == (NOW + timedelta(minutes=2), NOW + HOUR)


def test_it_knows_since_when_the_background_work_is_still(app: Flask) -> None:
    assert uptime.worker_stopped(NOW) is None
    uptime.note_seen(NOW, worker=True)
    uptime.note_seen(NOW + HOUR)
    assert uptime.worker_stopped(NOW + timedelta(minutes=9)) is None
    assert uptime.worker_stopped(NOW + HOUR) == NOW


# --- what is noted when runs end -------------------------------------------------------------------------------


def test_a_snapshot_is_noted_with_its_computer_in_the_same_moment(desk: ApiComputer) -> None:
    desk.back_up({b"a": bytes(16)})
    computer, run = desk.computer, desk.run()
    assert (computer.last_run_state, computer.restore_points, computer.last_skipped) == ("committed", 1, 0)
    assert computer.last_commit_at == computer.last_run_at == run.finished_at
    assert computer.late_at is not None
    assert run.finished_at is not None
    assert computer.late_at == run.finished_at + 7 * DAY
    assert state_of(computer, run.finished_at + HOUR) == "Protected"


def test_a_failed_run_is_noted_with_its_computer(desk: ApiComputer) -> None:
    desk.back_up({b"a": bytes(16)})
    desk.open_run()
    desk.end("failed")
    computer = desk.computer
    assert (computer.last_run_state, computer.previous_run_state) == ("failed", "committed")
    assert computer.restore_points == 1
    assert state_of(computer, datetime.now(UTC)) == "Failed"


def test_it_remembers_since_when_a_computer_fails_and_warns(world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for days, skipped in ((6, 0), (5, 2), (4, 1)):
        box.store({(b"a",): b"1"}, days_ago(days, NOW), skipped=skipped)
    for days in (3, 2):
        box.end("failed", days_ago(days, NOW))
    computer = box.computer
    assert computer.warned_since == days_ago(5, NOW)
    assert computer.failed_since == days_ago(3, NOW)
    assert computer.restore_points == 3
    box.store({(b"a",): b"1"}, days_ago(1, NOW))
    assert (computer.warned_since, computer.failed_since) == (None, None)


def test_runs_are_counted_by_day_and_result(world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"a",): b"1"}, days_ago(1, NOW))
    box.store({(b"a",): b"2"}, days_ago(1, NOW), skipped=1)
    box.end("full", days_ago(1, NOW))
    box.end("cancelled", NOW)
    world.computer(world.stranger, "BOBS").store({(b"a",): b"1"}, NOW)

    def counted(days: Iterable[CustomerDay | FleetDay]) -> dict[date, tuple[int, ...]]:
        return {day.day: (day.completed, day.warnings, day.failed, day.other) for day in days}

    yesterday, today = date(2026, 11, 21), date(2026, 11, 22)
    assert counted(db.session.query(FleetDay)) == {yesterday: (1, 1, 1, 0), today: (1, 0, 0, 1)}
    of_alice = db.session.query(CustomerDay).filter_by(customer_id=world.alice.id)
    assert counted(of_alice) == {yesterday: (1, 1, 1, 0), today: (0, 0, 0, 1)}


def test_a_commit_told_twice_is_counted_once(desk: ApiComputer) -> None:
    desk.back_up({b"a": bytes(16)})
    desk.commit(desk.run().commit)
    assert desk.computer.restore_points == 1
    db.session.expire_all()
    assert db.session.query(FleetDay).one().completed == 1
