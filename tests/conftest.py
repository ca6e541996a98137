"""Fixtures that any test may ask for, and rules for all of them."""
from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.parts.databases import empty_sqlite, mariadb, shared_mariadb
from tests.parts.ftp_servers import ftp_server, start_ftp
from tests.parts.workers import pytest_xdist_make_scheduler

__all__ = ["empty_sqlite", "ftp_server", "mariadb", "pytest_xdist_make_scheduler", "shared_mariadb", "start_ftp"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")  # beside other tests an example may take seconds

LONG_SECONDS = 1800
"""What a long test may take; pyproject.toml says it for the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long tests time."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The commands close their files to others for the whole process, which here goes on with the next test."""
    usual = os.umask(0o022)
    yield
    os.umask(usual)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a screen, one for each worker; its windows share nothing."""
    from tests.parts.chromium import chromium  # takes long, and few tests need it

    with chromium() as started:
        yield started
