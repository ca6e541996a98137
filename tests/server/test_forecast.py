"""Full in about N days: a straight line, said only when there is something to say."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Flask

from server.extensions import db
from server.models import Run, Storage, StorageDay
from server.services.selling import forecast
from tests.parts.portal_world import BackedUp, PortalWorld, let_hold

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GB = 10**9


def backup(computer: BackedUp, days_ago: float, stored: int) -> None:
    """A run that stored so much, so long ago."""
    number = computer.store({(b"a",): b"x"}, NOW - timedelta(days=days_ago))
    run = db.session.get_one(Run, (computer.vault.id, number))
    run.stored = stored
    let_hold(computer.vault, computer.vault.stored_bytes + stored)


def of_alice(world: PortalWorld, used: int) -> forecast.Forecast | None:
    return forecast.of_subscription(world.subscriptions[world.alice.id], used, NOW)


def test_steady_growth_is_carried_on() -> None:
    levels = [day * GB for day in range(11)]
    assert forecast.foretell(levels, 30 * GB, TODAY) == forecast.Forecast(20, TODAY + timedelta(days=20))
    assert forecast.foretell([*levels[:-1], 9 * GB + GB // 2], 10 * GB, TODAY) == forecast.Forecast(
        1, TODAY + timedelta(days=1))


def test_nothing_is_said_without_growth_in_the_first_week_when_it_is_full_or_lasts_for_ever() -> None:
    for levels, limit in (([5] * 30, 10), ([9, 8, 7, 6, 5, 4, 3, 2, 1], 10), ([0, 1, 2, 3, 4, 5, 6], 10),
                          ([1, 2, 3, 4, 5, 6, 7, 8, 9], 9), ([GB + day for day in range(30)], 10 * GB), ([], 10)):
        assert forecast.foretell(levels, limit, TODAY) is None


def test_a_first_backup_is_no_growth() -> None:
    added = {TODAY - timedelta(days=9): 40 * GB, TODAY: GB}
    assert forecast.levels_from(added, 41 * GB, TODAY, older=False) == [40 * GB] * 9 + [41 * GB]
    older = forecast.levels_from(added, 43 * GB, TODAY, older=True)
    assert older == [2 * GB] * 21 + [42 * GB] * 9 + [43 * GB]


def test_a_subscription_s_forecast_follows_from_the_runs_of_its_computers(app: Flask, world: PortalWorld) -> None:
    desk, laptop = world.computer(world.owner, "desk"), world.computer(world.second, "laptop")
    strange = world.computer(world.stranger, "strange")
    assert of_alice(world, 0) is None
    backup(desk, 12, 10 * GB)
    for days_ago in range(11, -1, -1):
        backup(desk, days_ago, GB // 2)
        backup(laptop, days_ago, GB // 2)
    backup(strange, 40, 100 * GB)
    assert of_alice(world, 22 * GB) == forecast.Forecast(28, TODAY + timedelta(days=28))
    hers, his = (world.subscriptions[person.id].id for person in (world.alice, world.bob))
    both = forecast.of_subscriptions(world.subscriptions.values(), {hers: 22 * GB}, NOW)
    assert both == {hers: of_alice(world, 22 * GB), his: None}


def test_each_storage_has_its_own(app: Flask, world: PortalWorld) -> None:
    storage = db.session.query(Storage).one()
    for days_ago in range(1, 11):
        if days_ago != 4:
            db.session.add(StorageDay(storage_id=storage.id, day=TODAY - timedelta(days=days_ago),
                                      used=(20 - days_ago) * GB))
    db.session.commit()
    rack = forecast.of_storage(storage.id, 30 * GB, 20 * GB, NOW)
    assert rack is not None
    assert 9 <= rack.days <= 11
    assert forecast.of_storage(storage.id, None, 20 * GB, NOW) is None


def test_the_level_of_a_day_is_noted_again_each_hour(app: Flask, world: PortalWorld) -> None:
    desk = world.computer(world.owner, "desk")
    for used in (5, 7):
        let_hold(desk.vault, used)
        forecast.note_levels(NOW)
    forecast.note_levels(NOW + timedelta(days=1))
    assert [(day.day, day.used) for day in db.session.query(StorageDay).order_by(StorageDay.day)] == [
        (TODAY, 7), (TODAY + timedelta(days=1), 7)]
