"""Screens for the tests of the window, and the houses of the stories for the portal behind it."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts.house import Computer
from tests.parts.window import Hand, Screen, opened, screen
from tests.stories.conftest import hardware, house, open_house

__all__ = ["hardware", "house", "open_house"]

Open = Callable[..., Hand]
OpenScreen = Callable[[int], Screen]


@pytest.fixture(scope="session")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenScreen]:
    """A screen of 1100 x 720 for each resolution. They stay until the end: Tk keeps its line to each X server that it
    ever knew, and ends the process when one is cut."""
    with contextlib.ExitStack() as until_the_end:
        made: dict[int, Screen] = {}

        def at(dpi: int) -> Screen:
            if dpi not in made:
                made[dpi] = until_the_end.enter_context(screen(tmp_path_factory.mktemp(f"screen{dpi}"), dpi=dpi))
            return made[dpi]

        yield at


@pytest.fixture
def a_screen(screens: OpenScreen) -> Screen:
    """The screen at 100 %."""
    return screens(96)


@pytest.fixture
def open_window(a_screen: Screen, tmp_path: Path) -> Iterator[Open]:
    """Opens the window of a computer, or of a store's folder, at 100 % or `on` another screen; it is closed with the
    test."""
    with contextlib.ExitStack() as until_the_end:

        def open_one(whose: Computer | Path, *, on: Screen | None = None, contrast: bool = False) -> Hand:
            home = whose if isinstance(whose, Path) else whose.home
            home.mkdir(parents=True, exist_ok=True)
            return until_the_end.enter_context(
                opened(home, on or a_screen, tmp_path / "pictures", contrast=contrast))

        yield open_one
