"""The portal under test: a data directory of its own, on SQLite and on MariaDB."""
from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from server.app import create_app
from server.config import Config, create_data
from server.extensions import db, limiter
from server.models import Model
from server.services import sign_in
from tests.parts.api_computer import ApiComputer, enrol_computer
from tests.parts.mariadb import MariaDb, running_mariadb
from tests.parts.portal_world import PortalWorld


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A MariaDB server for the whole session."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds every table and no row."""
    folder = tmp_path_factory.mktemp("sqlite")
    config = create_data(folder / "data", f"sqlite:///{folder}/empty.sqlite")
    _make_tables(config)
    return folder / "empty.sqlite"


@pytest.fixture(scope="session")
def shared_mariadb(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a MariaDB database that holds every table; tests take turns and empty it first."""
    address = mariadb.new_database()
    _make_tables(create_data(tmp_path_factory.mktemp("mariadb-data") / "data", address))
    return address


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with every table and no row; the test runs on each kind."""
    if request.param == "sqlite":
        return _fresh_sqlite(request.getfixturevalue("empty_sqlite"), tmp_path)
    address: str = request.getfixturevalue("shared_mariadb")
    return address


@pytest.fixture
def config(database: str, tmp_path: Path) -> Config:
    """A portal's data directory on that database."""
    return create_data(tmp_path / "portal", database)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The portal; its application context is entered, so that services can be called."""
    app = create_app(config)
    app.testing = True
    limiter.reset()
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            _empty_tables()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the least effort: what a password costs is not what the pages' tests are about."""
    monkeypatch.setattr(sign_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    sign_in._hash_of_nobody.cache_clear()


@pytest.fixture
def world(app: Flask, config: Config, cheap_passwords: None) -> PortalWorld:
    """People and their subscriptions."""
    return PortalWorld(config, datetime.now(UTC))


@pytest.fixture
def desk(app: Flask, world: PortalWorld, config: Config) -> ApiComputer:
    """Alice's computer, newly enrolled through the client API."""
    return enrol_computer(app.test_client(), config, "alice.front")


def _fresh_sqlite(empty: Path, folder: Path) -> str:
    shutil.copy(empty, folder / "catalogue.sqlite")
    return f"sqlite:///{folder}/catalogue.sqlite"


def _make_tables(config: Config) -> None:
    app = create_app(config)
    with app.app_context():
        upgrade()
        with db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":  # what lies in the log beside the file would not be copied
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        db.engine.dispose()


def _empty_tables() -> None:
    with db.engine.begin() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
        for table in Model.metadata.sorted_tables:
            connection.execute(table.delete())
        connection.execute(text("SET FOREIGN_KEY_CHECKS = 1"))
