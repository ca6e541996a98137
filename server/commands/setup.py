"""init and upgrade: making a portal, and bringing its database up to date."""
from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

import flask_migrate

from server.commands import values
from server.commands.portal import Say, add_data_argument, opened_portal
from server.config import SETTINGS_FILE, create_data
from server.services.people import staff
from server.services.storage import storages


def add_arguments(commands: Any) -> None:
    """The words of both commands."""
    init = commands.add_parser("init", help="make a new portal", description=(
        "Make a new portal in the data directory: settings, keys, certificate, database, administrator, and the "
        "bundled storage as the default one."))
    add_data_argument(init)
    init.add_argument("--database", metavar="URL",
                      help="mysql://user:password@host/name or mariadb://… (otherwise SQLite in the data directory)")
    init.add_argument("--admin", required=True, metavar="EMAIL", help="the administrator's e-mail address")
    init.add_argument("--password-stdin", required=True, action="store_true",
                      help="read the administrator's password from standard input")
    init.set_defaults(run=init_portal)
    upgrade = commands.add_parser("upgrade", help="bring the database up to date", description=(
        "Bring the portal's database up to date after an upgrade of the program. Make a backup of it first."))
    add_data_argument(upgrade)
    upgrade.set_defaults(run=upgrade_portal)


def init_portal(options: argparse.Namespace, say: Say) -> None:
    """Make a portal; when a step fails, the next attempt begins anew and keeps the keys that were made."""
    data = options.data.absolute()
    password = values.read_password()
    create_data(data, options.database)
    now = datetime.now(UTC)
    try:
        with opened_portal(options, check=False) as (_, config):
            flask_migrate.upgrade()
            person = staff.create_staff(options.admin, password, "administrator", now)
            storages.register_gateway(config, now)
            email = person.email
    except BaseException:
        (data / SETTINGS_FILE).unlink(missing_ok=True)
        raise
    say(f"The portal in {data} is ready; {email} signs in as its administrator.")
    say("Keep a copy of its keys folder in a safe place: without it no backup on this portal can be read.")
    say(f"Start it with: ibs-server --data {data} run")


def upgrade_portal(options: argparse.Namespace, say: Say) -> None:
    """Apply the migrations that are missing."""
    with opened_portal(options, check=False):
        flask_migrate.upgrade()
    say("The database is up to date.")
