"""Background work: what the portal does without being asked, by huey with a queue in the data directory."""
from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from huey import SqliteHuey, crontab

from server.config import Config
from server.services import mail
from server.services.backup import settlement
from server.services.files import contents
from server.services.fleet import uptime
from server.services.house import submissions
from server.services.selling import forecast
from server.services.signing_in import browser_sessions
from server.services.storage import storage_checks, storage_drafts

WORKERS = 3
"""One may be busy for minutes with the examination of storages while the others do what is due each minute."""
QUEUE = "ibs-queue"

log = logging.getLogger("ibs.worker")


def create_queue(app: Flask, *, immediate: bool = False) -> SqliteHuey:
    """The queue of this portal with its periodic work; `immediate` runs what is queued at once, for tests.

    Its tasks are attributes of the queue: `note_life`, `count_contents`, `settle_runs`, `check_storages`,
    `send_mail`, `write_reminders`, `note_levels`, `forget_drafts`, `forget_forms`, `forget_sign_ins`.
    """
    config: Config = app.config["IBS"]
    queue = SqliteHuey("ibs", filename=str(config.queue_file), results=False, utc=True, immediate=immediate)

    def periodic(name: str, when: Callable[[datetime], bool], work: Callable[[], object]) -> None:
        task = never_twice_at_once(lambda: run_job(app, name, work))
        task.__name__ = name
        setattr(queue, name, queue.periodic_task(when)(task))

    periodic("note_life", crontab(minute="*"), lambda: uptime.note_seen(datetime.now(UTC), worker=True))
    periodic("count_contents", crontab(minute="*"), lambda: contents.count_due(datetime.now(UTC)))
    periodic("settle_runs", crontab(minute="*"), lambda: settlement.settle_expired(datetime.now(UTC), config))
    periodic("check_storages", crontab(minute="*"), lambda: storage_checks.check_asked_and_due(config))
    periodic("send_mail", crontab(minute="*"), lambda: mail.send_mail(config, datetime.now(UTC)))
    periodic("write_reminders", crontab(minute="*/15"), lambda: mail.write_reminders(config, datetime.now(UTC)))
    periodic("note_levels", crontab(minute="7"), lambda: forecast.note_levels(datetime.now(UTC)))
    periodic("forget_drafts", crontab(minute="11"), lambda: storage_drafts.forget_old_drafts(datetime.now(UTC)))
    periodic("forget_forms", crontab(minute="41", hour="3"), lambda: submissions.forget_old(datetime.now(UTC)))
    periodic("forget_sign_ins", crontab(minute="43", hour="3"), lambda: browser_sessions.forget_old(datetime.now(UTC)))
    return queue


def nudge(app: Flask, name: str) -> None:
    """Let the worker do one of the queue's tasks now instead of at its next turn."""
    if QUEUE not in app.extensions:
        app.extensions[QUEUE] = create_queue(app)
    getattr(app.extensions[QUEUE], name)()


def never_twice_at_once(work: Callable[[], object]) -> Callable[[], None]:
    """`work`, left out when its last turn is still under way."""
    turn = threading.Lock()

    def work_alone() -> None:
        if turn.acquire(blocking=False):
            try:
                work()
            finally:
                turn.release()

    return work_alone


def run_job(app: Flask, name: str, work: Callable[[], object]) -> None:
    """Do one piece of work in the application's context. What fails is logged; the next turn tries again."""
    with app.app_context():
        try:
            work()
        except Exception:
            log.exception("The background work “%s” failed; it is tried again at its next turn", name)


def work(queue: SqliteHuey) -> None:
    """Work until SIGTERM or SIGINT; begins with what may have been left over."""
    logging.getLogger("huey").setLevel(logging.WARNING)
    queue.note_life.call_local()  # before anything asks how long the portal was away
    queue.settle_runs()
    queue.create_consumer(workers=WORKERS, graceful_signal="TERM", shutdown_timeout=5, max_delay=5.0).run()
