"""Fixtures that any test may ask for."""
from tests.parts.ftp_servers import ftp_server, start_ftp

__all__ = ["ftp_server", "start_ftp"]
