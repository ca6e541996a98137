"""The migrations make exactly the tables that the models describe, on every database."""
from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, MetaData, inspect

from server.extensions import db
from server.models import Computer, CustomerDay, FleetDay, Model, Subscription

FIRST = datetime(2026, 6, 1, 18, 0, 0, 250_000)


def test_it_makes_the_tables_that_the_models_describe(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_it_can_be_undone_and_done_again(app: Flask) -> None:
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    upgrade()
    assert set(Model.metadata.tables) < set(inspect(db.engine).get_table_names())


def test_it_keeps_the_large_tables_in_the_order_of_their_keys(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        sql = db.session.connection().exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'"
        )
        assert {"version", "chunk", "pack", "content_segment"} <= {row[0] for row in sql}
    else:
        rows = db.session.connection().exec_driver_sql("SHOW TABLE STATUS")
        assert {(row.Engine, row.Collation) for row in rows if row.Name in Model.metadata.tables} == {
            ("InnoDB", "utf8mb4_bin")
        }


def fill_first_tables(connection: Connection) -> None:
    """A customer with a computer and two runs, as the first tables knew them."""
    tables = MetaData()
    tables.reflect(connection)

    def add(table: str, **values: Any) -> None:
        connection.execute(tables.tables[table].insert().values(**values))

    add("plan", id=1, name="Gold", quota=5, computers=3, days=365, keep_days=90, grace_days=7, active=True)
    add("customer", id=1, number=42, name="Alice", email="alice@example.com", created_at=FIRST)
    add("subscription", id=1, customer_id=1, plan_id=1, valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 28),
        quota=5, suspended=False, created_at=FIRST)
    add("storage", id=1, name="bundled", kind="gateway", host="", port=21, user="", password_sealed=b"", base="",
        tls=True, profile="{}", findings="[]", is_default=True)
    add("account", id=1, customer_id=1, user_name="alice", email="", is_owner=True, subscription_id=1,
        accepts_backups=True, accept_changed_by="", accept_reason="", mail_on_completion="every",
        password_hash="x", created_at=FIRST, failed_sign_ins=0)
    add("vault", id=1, uuid="v", storage_id=1, computer_id="c", key_version=1, wrapped_portal=b"", stored_bytes=9,
        wrapped_recovery=b"", recovery_key_sealed=b"", pack_size=1, created_at=FIRST, next_node=1, last_run_no=2)
    add("computer", id="c", account_id=1, customer_id=1, subscription_id=1, vault_id=1, name="PC",
        windows_names=False, token_hash=bytes(32), state="active", client_version="1", enrolled_at=FIRST)
    for number, state, skipped, ended in ((1, "committed", 3, FIRST), (2, "failed", 0, FIRST + timedelta(days=1))):
        add("run", vault_id=1, run_no=number, uuid=str(number), state=state, automatic=True, opened_at=ended,
            seen_at=ended, finished_at=ended, lease_hash=bytes(32), lease_until=ended, hardware_hash=bytes(32),
            parent_run=0, first_chunk=1, checkpoint=False, manifest_bytes=0, batches=0, files=1, bytes=1,
            read_bytes=1, stored=9, skipped=skipped, code="", sentence="")


def test_a_portal_of_the_first_tables_keeps_its_people_and_learns_their_states(app: Flask) -> None:
    """Its computer had a snapshot with a skipped file on 1 June, and a failed run the day after."""
    db.session.commit()
    downgrade(revision="0001")
    with db.engine.begin() as connection:
        fill_first_tables(connection)
    upgrade()
    computer, subscription = db.session.get_one(Computer, "c"), db.session.get_one(Subscription, 1)
    assert (computer.last_run_state, computer.previous_run_state) == ("failed", "committed")
    assert (computer.last_skipped, computer.restore_points, computer.folders) == (3, 1, [])
    assert computer.last_commit_at is not None
    assert computer.last_commit_at.replace(tzinfo=None) == FIRST
    assert computer.late_at == computer.last_commit_at + timedelta(days=7)
    assert computer.overdue_at == computer.last_commit_at + timedelta(days=8)
    assert subscription.grace_until == date(2027, 1, 4)
    assert subscription.plan.remind_days == 7
    assert subscription.stored_bytes == computer.vault.stored_bytes == 9
    for days in (db.session.query(FleetDay), db.session.query(CustomerDay).filter_by(customer_id=1)):
        assert [(day.day, day.completed, day.warnings, day.failed, day.stored) for day in days] == [
            (date(2026, 6, 1), 0, 1, 0, 9), (date(2026, 6, 2), 0, 0, 1, 0)]
