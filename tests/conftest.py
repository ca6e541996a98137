"""Fixtures that any test may ask for."""
from tests.parts.databases import empty_sqlite, mariadb, shared_mariadb
from tests.parts.ftp_servers import ftp_server, start_ftp

__all__ = ["empty_sqlite", "ftp_server", "mariadb", "shared_mariadb", "start_ftp"]
