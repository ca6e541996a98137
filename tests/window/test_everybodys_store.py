"""The client installed for everybody: who may not read the computer's token signs in on the restore page."""
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.parts.house import PASSWORD, Computer, House
from tests.parts.trees import write
from tests.window.conftest import Open

STRANGER = 65534


@pytest.fixture
def everybodys(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer with a backup, whose store is another user's; the window's commands have no power over that."""
    computer = house.computer()
    write(computer.source / "letter.txt", "Dear Anna")
    computer.must_back_up()
    for place in (computer.home, *computer.home.rglob("*")):
        os.chown(place, STRANGER, STRANGER)
        place.chmod(0o755 if place.is_dir() else 0o600 if place.name.startswith("identity") else 0o644)
    powerless = write(tmp_path / "python", f'#!/bin/sh\nexec setpriv --bounding-set -all {sys.executable} "$@"\n',
                      mode=0o755)
    monkeypatch.setattr(sys, "executable", str(powerless))
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "person/state"))
    (tmp_path / "person").mkdir()
    return computer


def test_a_person_signs_in_and_restores(everybodys: Computer, open_window: Open, tmp_path: Path) -> None:
    hand = open_window(everybodys)
    hand.click("Restore")
    hand.wait_for("This computer is backed up for all its users.")
    hand.click("Sign in")
    assert hand.sees("Enter the user name of the account.")
    hand.fill("User name", everybodys.user)
    hand.fill("Password", "not it")
    hand.press("Return")
    hand.wait_for("IBS-1101")
    hand.photograph("everybody-sign-in")
    hand.fill("Password", PASSWORD)
    hand.press("Return")
    hand.wait_for("letter.txt")
    hand.click("Tick all")
    hand.wait_for("1 file, 9 bytes chosen")
    hand.click("Restore…")
    hand.wait_for("None of these files is there yet")
    hand.click("Restore 1 file")
    hand.wait_for("1 of 1 file restored and checked.")
    (restored,) = (tmp_path / "person").glob("Restored */**/letter.txt")
    assert restored.read_text() == "Dear Anna"
    assert hand.cut_off() == []
