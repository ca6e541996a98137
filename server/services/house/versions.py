"""Two people editing the same record: the second is told, and nothing of the first's is lost."""
from __future__ import annotations

from datetime import datetime

from protocol.errors import Refusal
from server.extensions import db
from server.models.base import Versioned


class EditedMeanwhile(Refusal):
    """{who} changed this meanwhile, on {when}. Your changes were not saved, and nothing was lost."""

    code = "IBS-1307"
    hint = "Compare both, then save again if yours is right."
    status = 409

    def __init__(self, who: str, at: datetime | None) -> None:
        """`who` saved first, `at` that time."""
        self.who, self.at = who or "Somebody", at
        super().__init__(who=self.who, when=f"{at.day} {at:%B at %H:%M} UTC" if at else "an unknown day")


def check_version(record: Versioned, version: int | None) -> None:
    """Hold `record` for the running transaction, with its newest values, if it is still the `version` that was shown.

    Raises EditedMeanwhile; the record then shows what stands now.
    """
    db.session.refresh(record, with_for_update=True)
    if record.version != version:
        raise EditedMeanwhile(record.changed_by, record.changed_at)


def note_change(record: Versioned, actor: str, now: datetime) -> None:
    """Count a change of `record` by `actor`; the caller commits it together with the change itself."""
    record.version += 1
    record.changed_by, record.changed_at = actor[:255], now
