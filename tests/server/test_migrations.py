"""The migrations make exactly the tables that the models describe, on every database."""
from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from server.extensions import db
from server.models import Model


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
