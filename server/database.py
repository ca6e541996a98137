"""How the portal talks to its database: addresses, isolation, and SQLite as a server needs it."""
from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.orm import Session

from server.sql import SQLITE_FUNCTIONS

LOCK_WAIT_SECONDS = 30
READ_ONLY = "read_only"


def database_address(text: str) -> str:
    """The address as SQLAlchemy is to see it: mysql:// and mariadb:// both mean MySQL through PyMySQL."""
    address = make_url(text)
    if address.get_backend_name() in {"mysql", "mariadb"}:
        query = {"charset": "utf8mb4", **address.query}
        address = address.set(drivername="mysql+pymysql", query=query)
    return address.render_as_string(hide_password=False)


def engine_options(address: str) -> dict[str, Any]:
    """The engine's settings for `address` (see database_address)."""
    if address.startswith("sqlite"):
        return {"connect_args": {"timeout": LOCK_WAIT_SECONDS}}
    return {"isolation_level": "READ COMMITTED", "pool_pre_ping": True, "pool_recycle": 1800, "pool_size": 10}


def prepare_engine(engine: Engine) -> None:
    """Give SQLite the functions of server.sql, write-ahead logging, foreign keys, and transactions that lock at once.

    A transaction that reads first and writes later fails at once in SQLite when another one wrote in between; one
    that takes the lock at its beginning waits for its turn. Readers say so with begin_reading.
    """
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={LOCK_WAIT_SECONDS * 1000}"):
            connection.execute(f"PRAGMA {pragma}")
        for name, function in SQLITE_FUNCTIONS.items():
            connection.create_function(name, 1, function, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _lower(text: Any) -> Any:
    """SQLite's own lower() knows the letters of English only; MySQL's knows those of all languages."""
    return text.lower() if isinstance(text, str) else text


def begin_reading(session: Session) -> None:
    """Begin a transaction that only reads, unless one is under way; for requests that change nothing."""
    if not session.in_transaction():
        session.connection(execution_options={READ_ONLY: True})
