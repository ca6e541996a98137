"""What every command needs: the data directory's settings and the portal's application."""
from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from server.app import create_app
from server.config import Config, load_config
from server.extensions import db
from vault.errors import BackupError

Say = Callable[[str], object]


class DatabaseUnusable(BackupError):
    """The portal's database can't be used: {reason}."""

    code = "IBS-9107"
    hint = "Check that it runs, and the setting “database” in server.toml."


class SchemaOutdated(BackupError):
    """The portal's database was made by another version of this program. Nothing was started or changed."""

    code = "IBS-9108"
    hint = "Make a backup of the database, then run “ibs-server upgrade”."


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """--data is accepted before and after the command's name; server.cli falls back on IBS_DATA."""
    parser.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR",
                        help="the portal's data directory (otherwise IBS_DATA)")


@contextlib.contextmanager
def opened_portal(options: argparse.Namespace, *, check: bool = True) -> Iterator[tuple[Flask, Config]]:
    """The application and its settings, inside its context; unless told otherwise the database must be up to date.

    Raises DataMissing, KeyMissing, SettingInvalid, DatabaseUnusable, SchemaOutdated.
    """
    config = load_config(options.data)
    with database_errors_explained():
        app = create_app(config)
        with app.app_context():
            try:
                if check:
                    check_schema()
                yield app, config
            finally:
                db.session.remove()
                db.engine.dispose()  # who goes on to serve opens connections anew


@contextlib.contextmanager
def database_errors_explained() -> Iterator[None]:
    """Turn what the database driver reports into DatabaseUnusable."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseUnusable(reason=str(error.orig)) from error
    except SQLAlchemyError as error:
        raise DatabaseUnusable(reason=str(error).splitlines()[0]) from error


def check_schema() -> None:
    """Raises SchemaOutdated unless every migration of this version, and no other, has been applied."""
    wanted = set(ScriptDirectory(current_app.extensions["migrate"].directory).get_heads())
    with db.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    if wanted != present:
        raise SchemaOutdated
