"""Background work: it happens by itself, and what fails once is tried again."""
from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from huey import SqliteHuey

from server.config import Config
from server.extensions import db
from server.jobs import create_queue, never_twice_at_once, run_job
from server.models import Storage
from server.services.fleet import uptime
from server.services.storage import storages
from tests.parts.api_computer import ApiComputer


@pytest.fixture
def queue(app: Flask) -> SqliteHuey:
    """A queue that does at once what is put into it."""
    return create_queue(app, immediate=True)


def test_it_settles_a_run_whose_computer_is_gone(desk: ApiComputer, queue: SqliteHuey) -> None:
    desk.open_run()
    queue.settle_runs()
    assert fresh_state(desk) == "open"
    desk.let_lease_lapse()
    queue.settle_runs()
    assert fresh_state(desk) == "abandoned"


def fresh_state(desk: ApiComputer) -> str:
    """The run's state as it stands in the database."""
    db.session.rollback()
    return desk.run().state


def test_it_gives_a_sign_of_life(queue: SqliteHuey) -> None:
    now = datetime.now(UTC)
    assert uptime.worker_stopped(now + timedelta(days=1)) is None
    db.session.rollback()
    queue.note_life()
    stopped = uptime.worker_stopped(now + timedelta(days=2))
    assert stopped is not None
    assert abs(stopped - now) < timedelta(minutes=1)


def test_it_examines_storages_whose_week_is_over(app: Flask, config: Config, queue: SqliteHuey) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8)
    password = storages.seal_password(config.secrets.kek, "gone", "secret")
    db.session.add(Storage(name="gone", kind=storages.FTP, host="127.0.0.1", port=1, user="u", tls=False,
                           password_sealed=password, checked_at=long_ago))
    db.session.commit()
    queue.check_storages()
    gone = db.session.query(Storage).one()
    db.session.refresh(gone)
    assert gone.checked_at is not None
    assert gone.checked_at > long_ago
    assert "Can't reach the storage" in gone.findings[0]["sentence"]


def test_what_fails_is_logged_and_ends_nothing(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def break_down() -> None:
        raise RuntimeError("the disk is on fire")

    with caplog.at_level(logging.ERROR):
        run_job(app, "burn", break_down)
    assert "“burn” failed" in caplog.text
    assert "the disk is on fire" in caplog.text


def test_every_minute_and_every_hour_it_has_work(queue: SqliteHuey) -> None:
    def due(moment: datetime) -> set[str]:
        return {task.name for task in queue.read_periodic(moment)}

    each_minute = {"note_life", "count_contents", "settle_runs", "check_storages"}
    assert due(datetime(2026, 11, 22, 12, 0)) >= each_minute
    assert due(datetime(2026, 11, 22, 12, 7)) >= each_minute | {"note_levels"}
    assert "note_levels" not in due(datetime(2026, 11, 22, 12, 8))
    assert "forget_drafts" in due(datetime(2026, 11, 22, 12, 11))


def test_a_turn_is_left_out_while_the_last_one_is_still_at_work() -> None:
    started, finish, turns = threading.Event(), threading.Event(), []

    def work() -> None:
        turns.append(1)
        started.set()
        finish.wait(10)

    turn = never_twice_at_once(work)
    first = threading.Thread(target=turn)
    first.start()
    assert started.wait(10)
    turn()
    finish.set()
    first.join()
    turn()
    assert turns == [1, 1]
