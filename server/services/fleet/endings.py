"""What the portal notes when a run ends: the facts that its computer's state follows from, and the days' counts."""
from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, update

from server.extensions import db
from server.models import Computer, CustomerDay, FleetDay, Run
from server.models.runs import ABANDONED, COMMITTED
from server.services.fleet import health

FAILURES = ("failed", "full")


def note_end(run: Run) -> None:
    """Bring a run's computer and its day up to date with its end, `run.state` at `run.finished_at`.

    Belongs to the transaction that ends the run, in which no other run of the same vault can end.
    """
    assert run.finished_at is not None  # whoever ends a run says when
    computer = db.session.scalars(
        select(Computer).where(Computer.vault_id == run.vault_id).with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    computer.previous_run_state, computer.last_run_state = computer.last_run_state, run.state
    computer.last_run_at = run.finished_at
    interrupted = (computer.last_run_state, computer.previous_run_state) == (ABANDONED, ABANDONED)
    failing = run.state in FAILURES or interrupted
    computer.failed_since = (computer.failed_since or run.finished_at) if failing else None
    if run.state == COMMITTED:
        computer.last_commit_at, computer.last_skipped = run.finished_at, run.skipped
        computer.warned_since = (computer.warned_since or run.finished_at) if run.skipped else None
        computer.restore_points += 1
        health.expect_next(computer, computer.subscription.plan)
    day = run.finished_at.date()
    _count(run, CustomerDay, customer_id=computer.customer_id, day=day)
    _count(run, FleetDay, day=day)


def _count(run: Run, days: type[CustomerDay | FleetDay], **key: object) -> None:
    """Count a run among those of its customer, or of all computers, on its day (UTC)."""
    column = _column(run)
    counted = update(days).filter_by(**key).values({
        column: getattr(days, column) + 1,
        "stored": days.stored + (run.stored if run.state == COMMITTED else 0),
    }).execution_options(synchronize_session=False)
    if not cast(CursorResult[Any], db.session.execute(counted)).rowcount:
        # Two computers may be the first of a day at the same moment; one of them then finds the other's row.
        first = insert(days).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
        db.session.execute(first.values(**key, completed=0, warnings=0, failed=0, other=0, stored=0))
        db.session.execute(counted)


def _column(run: Run) -> str:
    if run.state == COMMITTED:
        return "warnings" if run.skipped else "completed"
    return "failed" if run.state in FAILURES else "other"
