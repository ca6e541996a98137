"""Whether a backup may be made: switch, validity, computers and space, before a run and in the middle of it."""
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from protocol import messages
from protocol.errors import (
    BackupsSwitchedOff,
    ComputerPaused,
    QuotaReached,
    SignInFailed,
    SubscriptionExpired,
    SubscriptionMissing,
    SubscriptionNotBegun,
    SubscriptionSuspended,
    TooManyAttempts,
    TooManyComputers,
)
from server.config import Config
from server.extensions import db
from server.models import AuditEvent, Hardware, Plan, Subscription
from server.services.people import accounts, customers
from server.services.selling import plans
from server.services.signing_in.sign_in import LOCKED_FOR, sign_in_account
from tests.parts.api_computer import ApiComputer, chunk_ids, enrol_computer
from tests.parts.portal_world import PASSWORD, PortalWorld

TODAY = datetime.now(UTC).date()


def change_subscription(desk: ApiComputer, **changes: object) -> Subscription:
    """Alter the computer's subscription as staff would."""
    subscription = desk.computer.subscription
    for name, value in changes.items():
        setattr(subscription, name, value)
    db.session.commit()
    return subscription


def give_grace(plan: Plan, days: int) -> None:
    """Edit the plan's days of grace as staff would."""
    terms = replace(plans.terms_of(plan), grace_days=days)
    plans.edit_plan(plan, terms, plan.version, datetime.now(UTC), actor="admin")


def test_it_makes_no_backup_of_an_account_that_rejects_them(desk: ApiComputer) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    account = desk.computer.account
    accounts.switch_backups(account, False, datetime.now(UTC), actor="alice.front", reason="moving house")
    with pytest.raises(BackupsSwitchedOff) as refusal:
        desk.open_run()
    assert "alice.front" in refusal.value.sentence
    assert "moving house" in refusal.value.sentence
    assert desk.names(1) == [(b"a",)]
    assert desk.ask("POST", "/restores", messages.RestoreAccess).vault == desk.enrolled.vault
    accounts.switch_backups(account, True, datetime.now(UTC), actor="alice.front")
    assert desk.open_run().number == 2


def test_it_stops_a_running_backup_within_one_pack_when_the_switch_is_turned(desk: ApiComputer) -> None:
    desk.open_run()
    desk.store_pack(chunk_ids("a"))
    accounts.switch_backups(desk.computer.account, False, datetime.now(UTC), actor="alice.front")
    with pytest.raises(BackupsSwitchedOff):
        desk.store_pack(chunk_ids("b"))
    desk.end("refused")
    accounts.switch_backups(desk.computer.account, True, datetime.now(UTC), actor="alice.front")
    desk.open_run()
    assert desk.lookup(chunk_ids("a", "b")).numbers == (1, 2)  # nothing that was stored is sent again


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"valid_from": TODAY + timedelta(days=1)}, SubscriptionNotBegun),
        ({"valid_from": TODAY - timedelta(days=9), "valid_until": TODAY - timedelta(days=1)}, SubscriptionExpired),
        ({"suspended": True}, SubscriptionSuspended),
    ],
    ids=["not begun", "expired", "suspended"],
)
def test_it_makes_backups_only_while_the_subscription_holds(
    desk: ApiComputer, change: dict[str, object], refusal: type[Exception]
) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    desk.open_run()
    change_subscription(desk, **change)
    with pytest.raises(refusal):
        desk.store_pack(chunk_ids("b"))
    desk.end("refused")
    with pytest.raises(refusal):
        desk.open_run()
    assert desk.names(1) == [(b"a",)]
    assert desk.ask("POST", "/restores", messages.RestoreAccess).vault == desk.enrolled.vault


def test_it_goes_on_through_the_days_of_grace(desk: ApiComputer) -> None:
    subscription = change_subscription(
        desk, valid_from=TODAY - timedelta(days=9), valid_until=TODAY - timedelta(days=2)
    )
    give_grace(subscription.plan, 2)
    assert desk.open_run().number == 1
    desk.end()
    give_grace(subscription.plan, 1)
    with pytest.raises(SubscriptionExpired):
        desk.open_run()


@pytest.mark.parametrize("state", ["paused", "retired"])
def test_it_makes_no_backup_of_a_computer_that_is_put_away(desk: ApiComputer, state: str) -> None:
    desk.computer.state = state
    db.session.commit()
    with pytest.raises(ComputerPaused):
        desk.open_run()


def test_it_opens_no_run_when_nothing_is_left_of_the_quota(desk: ApiComputer, app: Flask) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    change_subscription(desk, quota=100)
    with pytest.raises(QuotaReached):
        desk.open_run()
    second = enrol_computer(app.test_client(), desk.config, "alice.back", "laptop")
    with pytest.raises(QuotaReached):  # the quota is the subscription's, not each computer's
        second.open_run()
    change_subscription(desk, quota=101)
    assert desk.open_run().number == 2


def test_it_stops_a_run_at_the_quota_and_keeps_what_was_stored(desk: ApiComputer) -> None:
    change_subscription(desk, quota=250)
    desk.open_run()
    desk.store_pack(chunk_ids("a", "b"))
    with pytest.raises(QuotaReached):
        desk.store_pack(chunk_ids("c"))
    desk.end("full")
    assert desk.run().state == "full"
    change_subscription(desk, quota=1000)
    desk.open_run()
    known = desk.lookup(chunk_ids("a", "b", "c", "d"))
    assert known.numbers == (1, 2, 3, 0)
    assert [adopted.pack.number for adopted in known.adopted] == [1, 2]


def test_it_tells_a_stranger_nothing_about_who_has_an_account(app: Flask, world: PortalWorld, config: Config) -> None:
    sentences = []
    for user, password in (("alice.front", "wrong password"), ("nobody", "wrong password"), ("", "")):
        with pytest.raises(SignInFailed) as refusal:
            sign_in_account(user, password, datetime.now(UTC))
        sentences.append(refusal.value.explain())
    assert len(set(sentences)) == 1


def test_it_closes_a_sign_in_after_ten_wrong_passwords(app: Flask, world: PortalWorld) -> None:
    now = datetime.now(UTC)
    for _ in range(10):
        with pytest.raises(SignInFailed):
            sign_in_account("alice.front", "wrong password", now)
    with pytest.raises(TooManyAttempts):
        sign_in_account("alice.front", PASSWORD, now)
    assert sign_in_account("alice.front", PASSWORD, now + LOCKED_FOR).user_name == "alice.front"


def test_it_enrols_no_more_computers_than_the_plan_has(app: Flask, desk: ApiComputer, config: Config) -> None:
    db.session.query(Plan).update({"computers": 2})
    db.session.commit()
    enrol_computer(app.test_client(), config, "alice.back", "laptop")
    with pytest.raises(TooManyComputers):
        enrol_computer(app.test_client(), config, "alice.back", "third")
    desk.computer.state = "retired"
    db.session.commit()
    assert enrol_computer(app.test_client(), config, " ALICE.back ", "third").enrolled.account == "alice.back"


def test_it_enrols_nothing_without_a_subscription(app: Flask, world: PortalWorld, config: Config) -> None:
    carol = customers.create_customer("Carol", "carol@example.com", datetime.now(UTC))
    accounts.create_account(carol, "carol", PASSWORD, datetime.now(UTC))
    with pytest.raises(SubscriptionMissing):
        enrol_computer(app.test_client(), config, "carol")


def test_it_keeps_a_hardware_report_when_it_differs_from_the_last(desk: ApiComputer) -> None:
    for processor in ("one", "one", "two"):
        report = messages.HardwareReport(host_name="desk", system="Linux", processor=processor)
        desk.ask("PUT", "/hardware", messages.Done, report)
    assert db.session.query(Hardware).filter_by(computer_id=desk.enrolled.computer).count() == 3
    assert "enrolled a computer" in [event.action for event in db.session.query(AuditEvent)]


def test_it_keeps_no_secret_of_a_computer(desk: ApiComputer) -> None:
    kept = repr([
        [getattr(row, column.name) for column in row.__table__.columns]
        for row in (desk.computer, desk.vault, desk.computer.account)
    ])
    vault_key = desk.open_run().vault_key
    for secret in (desk.enrolled.token, desk.enrolled.recovery_code, PASSWORD, repr(vault_key)[2:-1], desk.lease):
        assert secret not in kept
