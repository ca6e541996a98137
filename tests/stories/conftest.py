"""The houses of the stories: a portal with database and storage, newly made for each test."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts.databases import copy_sqlite
from tests.parts.house import House

OpenHouse = Callable[..., House]


@pytest.fixture(scope="session")
def hardware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report of this machine's hardware is kept for all computers of the stories."""
    return tmp_path_factory.mktemp("hardware") / "hardware.xml"


@pytest.fixture
def open_house(request: pytest.FixtureRequest, tmp_path: Path, hardware: Path) -> Iterator[OpenHouse]:
    """Opens a house on "sqlite" or "mariadb"; it is closed with the test."""
    with contextlib.ExitStack() as until_the_end:

        def open_one(database: str = "sqlite") -> House:
            if database == "mariadb":
                address = request.getfixturevalue("shared_mariadb")
            else:
                address = copy_sqlite(request.getfixturevalue("empty_sqlite"), tmp_path)
            return until_the_end.enter_context(House(tmp_path, address, hardware).open())

        yield open_one


@pytest.fixture
def house(open_house: OpenHouse) -> House:
    """A house on SQLite with the bundled storage."""
    return open_house()
