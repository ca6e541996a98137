"""Fixtures that any test may ask for."""
import os
from collections.abc import Iterator

import pytest

from tests.parts.databases import empty_sqlite, mariadb, shared_mariadb
from tests.parts.ftp_servers import ftp_server, start_ftp

__all__ = ["empty_sqlite", "ftp_server", "mariadb", "shared_mariadb", "start_ftp"]


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The commands close their files to others for the whole process, which here goes on with the next test."""
    usual = os.umask(0o022)
    yield
    os.umask(usual)
