"""Fixtures that any test may ask for, and which tests stay together when several workers share a run."""
import os
import re
from collections.abc import Iterator

import pytest

from tests.parts.databases import empty_sqlite, mariadb, shared_mariadb
from tests.parts.ftp_servers import ftp_server, start_ftp

__all__ = ["empty_sqlite", "ftp_server", "mariadb", "shared_mariadb", "start_ftp"]

COSTLY = ("running_portal",)
"""Fixtures of a whole session that take seconds to make: the tests that ask for one go to the same worker."""
LONG_SECONDS = 1800
"""What a long test may take; pyproject.toml says it for the others."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests by the costly fixtures that they ask for, and give the long ones time."""
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
        for fixture in COSTLY:
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(fixture))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Call tests by their own names: workers add “@group”, under which --last-failed would not find them again."""
    report.nodeid = re.sub(r"@\w+$", "", report.nodeid)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The commands close their files to others for the whole process, which here goes on with the next test."""
    usual = os.umask(0o022)
    yield
    os.umask(usual)
