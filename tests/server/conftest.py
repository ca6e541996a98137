"""The portal under test: a data directory of its own, on SQLite and on MariaDB."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.app import create_app
from server.config import Config, create_data
from server.extensions import db, limiter
from tests.parts import passwords
from tests.parts.api_computer import ApiComputer, enrol_computer
from tests.parts.compiled_templates import COMPILED
from tests.parts.databases import copy_sqlite, do_not_wait_for_the_disk, empty_tables
from tests.parts.portal_world import PortalWorld


@pytest.fixture(scope="session")
def portals() -> dict[str, tuple[Flask, dict[str, Any], dict[str, Any]]]:
    """For each address of a database its portal, and the settings and extensions that it began with; see `app`."""
    return {}


@pytest.fixture(scope="session")
def sqlite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test finds its own SQLite file, under one address for all."""
    return tmp_path_factory.mktemp("database")


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, sqlite_folder: Path) -> str:
    """The address of a database with every table and no row; the test runs on each kind."""
    if request.param == "sqlite":
        return copy_sqlite(request.getfixturevalue("empty_sqlite"), sqlite_folder)
    address: str = request.getfixturevalue("shared_mariadb")
    return address


@pytest.fixture
def config(database: str, tmp_path: Path) -> Config:
    """A portal's data directory on that database."""
    return create_data(tmp_path / "portal", database)


@pytest.fixture
def app(config: Config, portals: dict[str, tuple[Flask, dict[str, Any], dict[str, Any]]]) -> Iterator[Flask]:
    """The portal; its application context is entered, so that services can be called.

    Its routes and the statements of its pages are compiled once for all tests, which costs more than most of them; its
    data directory, keys and rows are each test's own.
    """
    if config.database_url not in portals:
        made = create_app(config)
        made.testing = True
        made.jinja_env.bytecode_cache = COMPILED
        with made.app_context():
            do_not_wait_for_the_disk(db.engine)
        portals[config.database_url] = made, dict(made.config), dict(made.extensions)
    app, settings, extensions = portals[config.database_url]
    app.config.clear()
    app.config.update(settings, IBS=config, SECRET_KEY=config.secrets.session)
    app.extensions.clear()
    app.extensions.update(extensions)
    app.test_client_class = None
    limiter.reset()
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            empty_tables()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def cheap_passwords() -> Iterator[None]:
    """Argon2 with the least effort."""
    with passwords.cheap_passwords():
        yield


@pytest.fixture
def world(app: Flask, config: Config, cheap_passwords: None) -> PortalWorld:
    """People and their subscriptions."""
    return PortalWorld(config, datetime.now(UTC))


@pytest.fixture
def desk(app: Flask, world: PortalWorld, config: Config) -> ApiComputer:
    """Alice's computer, newly enrolled through the client API."""
    return enrol_computer(app.test_client(), config, "alice.front")
