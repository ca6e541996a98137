"""storage add: registering an FTP server as a storage. Without “add” the bundled storage is served."""
from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.commands import values
from server.commands.portal import Say, add_data_argument, opened_portal
from server.services.storage import storages
from vault.address import parse_address
from vault.errors import StorageUnsuitable


def add_arguments(verbs: Any) -> None:
    """The words of “storage add”; `verbs` are those of “storage”."""
    add = verbs.add_parser("add", help="register an FTP server", description=(
        "Examine an FTP server for about a minute and register it as a storage. A server that can't keep backups "
        "safe is refused."))
    add_data_argument(add)
    add.add_argument("name", metavar="NAME", help="what the portal calls it")
    add.add_argument("url", metavar="URL", help="ftps://user@host:port/base")
    add.add_argument("--password-stdin", required=True, action="store_true",
                     help="read the storage's password from standard input")
    add.add_argument("--no-tls", action="store_true", help="speak plain FTP, for a trusted network only")
    trust = add.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=Path, metavar="FILE", help="trust certificates signed by this one (PEM)")
    trust.add_argument("--pin", type=values.fingerprint, metavar="SHA256", help="trust this certificate alone")
    add.add_argument("--idle-seconds", type=values.count, default=60, metavar="N",
                     help="how long an idle connection must survive (otherwise 60)")
    add.add_argument("--default", action="store_true", help="new vaults go here")
    add.set_defaults(run=add_storage)


def add_storage(options: argparse.Namespace, say: Say) -> None:
    """Examine and register a server; its findings are printed as they are."""
    address = parse_address(options.url, values.read_password(), tls=False if options.no_tls else None,
                            pin=options.pin, ca=_read_certificate(options.ca))
    with opened_portal(options) as (_, config):
        storages.check_name(options.name)
        say(f"Examining {address.host}; this takes a little more than {options.idle_seconds} seconds.")
        storage = storages.add_storage(options.name, address, config, datetime.now(UTC), default=options.default,
                                       idle_seconds=options.idle_seconds, tell=say)
        kind = "the default storage" if storage.is_default else "a storage"
        say(f"{storage.name} is registered as {kind}.")


def _read_certificate(file: Path | None) -> str | None:
    try:
        return file.read_text("ascii") if file else None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageUnsuitable(reason=f"the certificate {file} can't be read") from error
