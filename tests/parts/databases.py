"""Databases for the tests: a MariaDB for the whole session, and SQLite files that hold every table and no row."""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import Engine, event, text

from server.app import create_app
from server.config import Config, create_data
from server.extensions import db
from server.models import Model
from tests.parts.mariadb import MariaDb, running_mariadb


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A MariaDB server for the whole session."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_mariadb(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a MariaDB database that holds every table; tests take turns and empty it first."""
    address = mariadb.new_database()
    make_tables(create_data(tmp_path_factory.mktemp("mariadb-data") / "data", address))
    return address


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds every table and no row; copy_sqlite makes more of them."""
    folder = tmp_path_factory.mktemp("sqlite")
    config = create_data(folder / "data", f"sqlite:///{folder}/empty.sqlite")
    make_tables(config)
    return folder / "empty.sqlite"


def copy_sqlite(empty: Path, folder: Path) -> str:
    """The address of a copy in `folder`; one that is there already is forgotten."""
    for old in folder.glob("catalogue.sqlite*"):  # whoever has it open still keeps that one
        old.unlink()
    shutil.copy(empty, folder / "catalogue.sqlite")
    return f"sqlite:///{folder}/catalogue.sqlite"


def make_tables(config: Config) -> None:
    """Bring a portal's database up to date, as “ibs-server upgrade” does."""
    app = create_app(config)
    with app.app_context():
        upgrade()
        with db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":  # what lies in the log beside the file would not be copied
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        db.engine.dispose()


def do_not_wait_for_the_disk(engine: Engine) -> None:
    """Let SQLite commit without it: what a power cut would leave is nobody's question here."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))


def empty_tables() -> None:
    """Remove every row; needs an application context on MariaDB."""
    with db.engine.begin() as connection:
        tables = Model.metadata.sorted_tables
        filled = connection.scalars(text(
            " UNION ALL ".join(f"(SELECT '{table.name}' FROM `{table.name}` LIMIT 1)" for table in tables))).all()
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
        for table in tables:
            if table.name in filled:
                connection.execute(table.delete())
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 1"))
