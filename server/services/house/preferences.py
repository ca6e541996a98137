"""What the reseller sets on the portal's own pages, kept by topic."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.extensions import db
from server.models import Preference
from server.services.house import audit
from server.services.house.versions import check_version, note_change

SECRET = "sealed"
"""A value whose name ends so is never written into the audit trail."""


def read(topic: str) -> Mapping[str, Any]:
    """What was set for a topic; nothing as long as nothing was."""
    record = db.session.get(Preference, topic)
    return record.values if record else {}


def record_of(topic: str) -> Preference:
    """The record of a topic, for a form; a new one in no database yet when nothing was set."""
    return db.session.get(Preference, topic) or Preference(topic=topic, values={}, data=b"", data_type="", version=0)


def change(topic: str, values: Mapping[str, Any], version: int | None, now: datetime, *, actor: str, address: str = "",
           picture: tuple[bytes, str] | None = None) -> None:
    """Set a topic's values; `picture` is a new picture with its type, empty bytes take the old one away.

    Raises EditedMeanwhile when `version` is not the one that stands.
    """
    record = db.session.get(Preference, topic)
    if record is None:
        record = Preference(topic=topic, values={}, data=b"", data_type="", version=0)
        db.session.add(record)
        db.session.flush()
    check_version(record, version or 0)
    before = {name: value for name, value in record.values.items() if values.get(name) != value}
    after = {name: value for name, value in values.items() if record.values.get(name) != value}
    record.values = dict(values)
    if picture is not None:
        record.data, record.data_type = picture
        after["picture"] = f"{len(picture[0])} bytes"
    note_change(record, actor, now)
    audit.record(actor, "changed settings", topic, address=address, now=now, before=_shown(before), after=_shown(after))
    db.session.commit()


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "(secret)" if name.endswith(SECRET) else value for name, value in values.items()}
