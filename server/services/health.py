"""Is a computer protected? One pure function of stored facts and the portal's clock."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

EXPECTED = timedelta(days=7)
"""How often a backup is expected while no schedule is known."""
GRACE = timedelta(days=1)
PAUSED, NOT_SET_UP, FAILED, OVERDUE, WARNINGS, LATE, PROTECTED = (
    "Paused", "Not set up", "Failed", "Overdue", "Warnings", "Late", "Protected")
WORST_FIRST = (FAILED, OVERDUE, WARNINGS, LATE, NOT_SET_UP, PROTECTED, PAUSED)
RESULTS = {
    "open": "Running",
    "committed": "Completed",
    "failed": "Failed",
    "full": "Storage full",
    "refused": "Refused",
    "cancelled": "Cancelled",
    "abandoned": "Interrupted",
}


@dataclass(frozen=True)
class Facts:
    """What the state of a computer follows from. `finished` are the states of its last ended runs, newest first."""

    accepts_backups: bool
    stage: str
    active: bool
    last_commit: datetime | None
    last_skipped: int
    finished: tuple[str, ...]


def state_of(facts: Facts, now: datetime) -> str:
    """The computer's state: the two gates first, then the worst of the rest."""
    if not facts.accepts_backups or not facts.active or facts.stage in {"not begun", "expired", "suspended"}:
        return PAUSED
    if facts.finished[:1] in {("failed",), ("full",)} or facts.finished[:2] == ("abandoned", "abandoned"):
        return FAILED
    if facts.last_commit is None:
        return NOT_SET_UP
    age = now - facts.last_commit
    if age > EXPECTED + GRACE:
        return OVERDUE
    if facts.last_skipped:
        return WARNINGS
    return LATE if age > EXPECTED else PROTECTED


def result_of(state: str, skipped: int) -> str:
    """A run's result in the words of the pages."""
    return "Completed with warnings" if state == "committed" and skipped else RESULTS[state]
