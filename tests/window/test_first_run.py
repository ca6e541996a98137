"""From an empty computer to the first backup, as a customer does it: with the mouse, and with the keyboard alone."""
from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from server.extensions import db
from server.models import Account
from server.services.fleet import set_up_codes
from tests.parts.house import PASSWORD, House
from tests.parts.ports import free_port
from tests.parts.trees import plant
from tests.window.conftest import Open


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The own folder of somebody who has documents, pictures and mail."""
    home = tmp_path / "people/priya"
    for folder in ("Documents/Letters", "Pictures", ".thunderbird/profile", "Games"):
        (home / folder).mkdir(parents=True)
    (home / "Documents/Letters/Bank.odt").write_bytes(os.urandom(30_000))
    (home / "Pictures/Garden.jpg").write_bytes(os.urandom(70_000))
    (home / ".thunderbird/profile/Inbox").write_bytes(os.urandom(20_000))
    plant(home / "Games")
    monkeypatch.setenv("HOME", str(home))
    return home


def test_it_leads_from_the_sign_in_to_a_first_backup_with_the_mouse(
    house: House, open_window: Open, person: Path,
) -> None:
    computer = house.computer(house.sell("priya"), enrolled=False)
    hand = open_window(computer)
    hand.fill("Portal address", house.address)
    hand.fill("User name", "priya")
    hand.fill("Password", "not it")
    hand.photograph("first-run-1-sign-in")
    hand.click("Sign in")
    hand.wait_for("The user name or password isn't right.")
    assert hand.sees("IBS-1101")
    hand.photograph("first-run-2-wrong-password")
    hand.fill("Password", PASSWORD)
    hand.click("Sign in")
    hand.wait_for("Keep the recovery code")
    assert not any(PASSWORD in file.read_text(errors="replace") for file in computer.home.glob("*.*"))
    hand.photograph("first-run-3-recovery-code")
    hand.click("I have kept it: printed, written down, or saved on another device")
    hand.click("Go on")
    hand.wait_for("3 folders: 3 files, 120 kB of 500 MB")
    hand.photograph("first-run-4-folders")
    hand.click_row(hand.window.page._tree, "Pictures of priya", part="image")
    hand.wait_for("2 folders: 2 files, 50 kB of 500 MB")
    hand.click("Go on")
    hand.wait_for("Every day")
    hand.photograph("first-run-5-when")
    hand.click("Start the first backup")
    hand.wait_for("Your files are protected")
    hand.wait(lambda: not hand.window.runner.running)
    hand.photograph("first-run-6-home")
    assert hand.sees("2 files, 50 kB new")
    assert hand.sees("Next backup")
    assert computer("folder", "list", "--json").json["folders"] == [
        str(person / ".thunderbird"), str(person / "Documents")]
    assert computer("schedule", "show", "--json").json["words"].startswith("Every day")
    restored = computer.folder / "restored"
    assert computer("restore", "--snapshot", "1", "--to", restored).code == 0
    letter = person / "Documents/Letters/Bank.odt"
    assert (restored / letter.relative_to("/")).read_bytes() == letter.read_bytes()


def test_it_can_be_done_by_the_keyboard_alone_with_a_set_up_code(
    house: House, open_window: Open, person: Path,
) -> None:
    computer = house.computer(house.sell("priya"), enrolled=False)
    with house.portal():
        account = db.session.scalars(select(Account).where(Account.user_name == "priya")).one()
        code = set_up_codes.create_code(account, datetime.now(UTC), actor="tech")[1]
    computer.home.mkdir(parents=True)
    (computer.home / "portal.txt").write_text(house.address + "\n")
    hand = open_window(computer)
    hand.press("alt+c", "alt+o")
    hand.type("WRONG-1")
    hand.press("Return")
    hand.wait_for("This set-up code isn't right, was used already, or has expired.")
    hand.press("ctrl+a")
    hand.type(code)
    hand.press("Return")
    hand.wait_for("Keep the recovery code")
    hand.press("alt+c")
    assert "Recovery code" in hand.window.clipboard_get()
    hand.press("alt+k", "alt+o")
    hand.wait_for("3 folders: 3 files, 120 kB")
    hand.press("alt+a")
    hand.type(str(person / "Games"))
    hand.press("Return")
    hand.wait_for("4 folders")
    hand.press("alt+o")
    hand.wait_for("Every day")
    hand.press("alt+t", "ctrl+a")
    hand.type("7 o'clock")
    hand.press("alt+s")
    hand.wait_for("Write the time as 18:00.")
    hand.press("ctrl+a")
    hand.type("07:30")
    hand.press("Tab", "Tab", "Return")
    hand.wait_for("Your files are protected")
    assert str(person / "Games") in computer("folder", "list", "--json").json["folders"]
    assert "07:30" in computer("schedule", "show", "--json").json["at"]


def test_it_says_what_is_missing_and_what_cannot_be_reached(open_window: Open, tmp_path: Path) -> None:
    hand = open_window(tmp_path / "home")
    hand.click("Sign in")
    assert hand.sees("Enter the portal's address")
    assert hand.sees("Enter the user name of your account.")
    hand.fill("Portal address", f"127.0.0.1:{free_port()}")
    hand.fill("User name", "priya")
    hand.fill("Password", "something")
    hand.click("Sign in")
    hand.wait_for("Can't reach the portal")
    assert hand.sees("IBS-2201")
    assert not (tmp_path / "home/identity.xml").exists()
    hand.photograph("first-run-unreachable")


def test_it_shows_what_is_sent_about_the_computer(open_window: Open, tmp_path: Path) -> None:
    hand = open_window(tmp_path / "home")
    hand.click("What is sent")
    hand.wait_for("Processor")
    assert hand.sees("Neither file names nor contents are among it.")
    hand.photograph("first-run-hardware")
