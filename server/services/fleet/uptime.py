"""Whether the portal itself was there: a sign of life each minute, and the last time that there was none."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from server.extensions import db
from server.models import Preference

TOPIC = "uptime"
SILENCE = timedelta(minutes=10)
"""A gap between two signs of life that counts as an outage."""
_NOTED = select(Preference.values).where(Preference.topic == TOPIC)


class Outage(NamedTuple):
    """The portal was not there from `began` to `ended`."""

    began: datetime
    ended: datetime


def note_seen(now: datetime, *, worker: bool = False) -> None:
    """Note that the portal is alive at `now`; `worker` when it is the background work that says so."""
    try:
        _note(now, worker)
    except IntegrityError:  # another part of the portal began at the same moment and noted it
        db.session.rollback()
        _note(now, worker)


def last_outage(now: datetime) -> Outage | None:
    """The last time that nobody heard of the portal, None when there was none so far.

    Whoever asks for several states at the same `now`, as one page does, makes one query of it.
    """
    values = _values(now)
    began, ended = _read(values.get("down")), _read(values.get("up"))
    return Outage(began, ended) if began and ended else None


def worker_stopped(now: datetime) -> datetime | None:
    """Since when nothing was heard of the background work, while it should be at work; None when all is well."""
    values = _values(now)
    seen = _read(values.get("worker"))
    return seen if seen is not None and now - seen > SILENCE else None


def _note(now: datetime, worker: bool) -> None:
    record = db.session.get(Preference, TOPIC, with_for_update=True, populate_existing=True)
    if record is None:
        record = Preference(topic=TOPIC, values={})
        db.session.add(record)
    values = dict(record.values)
    seen = _read(values.get("seen"))
    if seen is not None and now - seen > SILENCE:
        values |= {"down": seen.isoformat(), "up": now.isoformat()}
    values["seen"] = now.isoformat()
    if worker:
        values["worker"] = now.isoformat()
    record.values = values
    db.session.info.pop(TOPIC, None)
    db.session.commit()


def _values(now: datetime) -> dict[str, str]:
    noted: tuple[datetime, dict[str, str]] | None = db.session.info.get(TOPIC)
    if noted is None or noted[0] != now:
        found = db.session.scalar(_NOTED)
        noted = db.session.info[TOPIC] = (now, found or {})
    return noted[1]


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
