"""The portal under test: a data directory of its own, on SQLite and on MariaDB."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from server.app import create_app
from server.config import Config, create_data
from server.extensions import db, limiter
from server.services.signing_in import sign_in
from tests.parts.api_computer import ApiComputer, enrol_computer
from tests.parts.compiled_templates import COMPILED
from tests.parts.databases import copy_sqlite, empty_tables
from tests.parts.portal_world import PortalWorld


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with every table and no row; the test runs on each kind."""
    if request.param == "sqlite":
        return copy_sqlite(request.getfixturevalue("empty_sqlite"), tmp_path)
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
    app.jinja_env.bytecode_cache = COMPILED
    limiter.reset()
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            empty_tables()
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
