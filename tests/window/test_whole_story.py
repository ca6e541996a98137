"""A customer's whole story by hand: sign in, choose, back up, pause, cancel, go on, restore, compare every byte."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from server.extensions import db
from server.models import Pack
from tests.parts.ftp_servers import FtpServer
from tests.parts.house import PASSWORD, House
from tests.parts.trees import noise, picture, plant, write
from tests.parts.window import Hand
from tests.stories.conftest import OpenHouse
from tests.window.conftest import Open, OpenScreen

SIZE = 220_000_000
CHUNK = 10_000_000


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The own folder of somebody with odd names, and enough for a backup that can be watched."""
    home = tmp_path / "people/priya"
    plant(home / "Documents/Odd")
    for number in range(SIZE // CHUNK):
        write(home / f"Documents/Films/Film {number}.mp4", noise(CHUNK, number))
    write(home / "Pictures/Garden.jpg", noise(70_000))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return home


def button(hand: Hand, word: str) -> Any:
    """The button with this word, whether it can be pressed or not."""
    return next(widget for widget in hand.widgets if widget.winfo_class() == "TButton" and widget["text"] == word)


def sign_in(hand: Hand, house: House, user: str) -> None:
    """The first run, as far as the choice of the time."""
    hand.fill("Portal address", house.address)
    hand.fill("User name", user)
    hand.fill("Password", PASSWORD)
    hand.click("Sign in")
    hand.wait_for("Keep the recovery code")
    hand.click("I have kept it: printed, written down, or saved on another device")
    hand.click("Go on")
    hand.wait_for("2 folders: ")
    hand.click("Go on")
    hand.wait_for("Every day")


def registered(house: House) -> int:
    """The bytes of the packs that the portal knows to be stored."""
    with house.portal():
        return db.session.scalar(select(func.sum(Pack.size))) or 0


def watch_a_backup_pause_and_end(hand: Hand, house: House, stored: Callable[[], int], name: str) -> None:
    """Pause it in the middle, see that nothing is sent meanwhile, let it go on, then end it."""
    hand.wait(lambda: registered(house), "the first pack")
    hand.click("Pause")
    hand.wait_for("Paused. Nothing is read or sent until you go on.")
    hand.photograph(f"{name}-paused")
    hand.rest(0.5)
    before = stored()
    hand.rest(1.5)
    assert stored() == before
    hand.click("Go on")
    hand.wait(lambda: not hand.sees("Paused."), "the backup to go on")
    hand.click("Cancel")
    hand.wait(lambda: not hand.window.runner.running, "the end")
    hand.wait_for("cancelled")
    hand.photograph(f"{name}-cancelled")


def restore_everything(hand: Hand, name: str) -> None:
    """Tick all of the newest restore point and bring it back to a new folder."""
    hand.click("Restore")
    hand.wait_for("Documents")
    hand.click("Tick all")
    hand.wait_for(" chosen")
    hand.photograph(f"{name}-restore-chosen")
    hand.click("Restore…")
    hand.wait_for("None of these files is there yet")
    hand.photograph(f"{name}-restore-target")
    hand.click(next(text for text in hand.texts if text.startswith("Restore ") and text.endswith("files")))
    hand.wait_for("restored and checked.", 120)
    hand.photograph(f"{name}-restored")


@pytest.mark.parametrize(("percent", "kind"), [
    (100, "vsftpd"), pytest.param(200, "bundled", marks=pytest.mark.long)])
def test_from_the_sign_in_to_the_last_byte(
    percent: int, kind: str, open_house: OpenHouse, open_window: Open, screens: OpenScreen, person: Path,
    start_ftp: Callable[..., FtpServer],
) -> None:
    house = open_house()
    server = start_ftp(kind) if kind != "bundled" else None
    if server is not None:
        assert house.use_storage(server.address("/backups"))
    computer = house.computer(house.sell("priya"), enrolled=False)
    computer("schedule", "set", "--limit", "20M")  # so that there is time to pause, however fast the machine is
    hand = open_window(computer, on=screens(96 * percent // 100))
    sign_in(hand, house, "priya")
    hand.click("Start the first backup")

    def stored() -> int:
        if server is not None:
            return sum(server.files().values())
        return sum(path.stat().st_size for path in house.config.storage_folder.rglob("*") if path.is_file())

    watch_a_backup_pause_and_end(hand, house, stored, f"story-{percent}")
    kept = registered(house)
    hand.click("Back up now")
    hand.wait_for("Your files are protected", 120)
    hand.wait(lambda: not hand.window.runner.running)
    hand.photograph(f"story-{percent}-protected")
    again = computer("log", "--last", "1", "--brief", "--json").json["jobs"][0]
    assert (again["outcome"], again["skipped"]) == ("finished", 0)
    assert again["stored"] < SIZE + CHUNK / 2 - kept  # what was under way when it ended may be sent again
    assert [(state, code) for _, state, code in computer.runs()] == [("cancelled", ""), ("committed", "")]
    restore_everything(hand, f"story-{percent}")
    (restored,) = person.glob("Restored *")
    for folder in ("Documents", "Pictures"):
        original = person / folder
        assert picture(restored / original.relative_to("/")) == picture(original)
    assert hand.cut_off() == []
    hand.click("Activity")
    hand.wait_for("Cancelled")
    hand.photograph(f"story-{percent}-activity")
    assert hand.cut_off() == []


def test_backups_that_were_switched_off_say_by_whom_and_what_to_do(
    house: House, open_window: Open, person: Path,
) -> None:
    computer = house.computer()
    write(computer.source / "letter.txt", "Dear Anna")
    computer.must_back_up()
    house.switch(computer.user, False, "moving to a new PC")
    hand = open_window(computer)
    hand.wait_for("Backups are switched off")
    assert hand.sees("priya.front")
    assert hand.sees("moving to a new PC")
    hand.photograph("switched-off-home")
    with computer.start("backup", "--automatic") as refused:  # the scheduler does not know it yet
        hand.wait_for("IBS-1201")
        assert refused.wait(30) == 4
    assert hand.sees("My details")
    hand.photograph("switched-off-refused")
    hand.click("Activity")
    hand.wait_for("Refused")
    hand.click_row(hand.window.page._table, "Refused", double=True)  # type: ignore[union-attr]
    hand.wait_for("Save a copy…")
    assert hand.sees("priya.front")
    hand.photograph("switched-off-activity")
    hand.click("Restore")
    hand.wait_for("letter.txt")  # bringing back is never refused


def test_a_running_backup_ends_when_it_is_switched_off(house: House, open_window: Open) -> None:
    computer = house.computer()
    computer.use_small_packs()
    for number in range(6):
        write(computer.source / f"{number}.bin", noise(10_000_000, number))
    hand = open_window(computer)
    house.at_request("/packs", lambda: house.switch(computer.user, False, "lost laptop"), number=3)
    hand.click("Back up now")
    hand.wait_for("IBS-1201")
    assert hand.sees("lost laptop")
    hand.wait(lambda: not hand.window.runner.running)
    hand.photograph("switched-off-during")
    assert computer.runs()[-1][1:] == ("refused", "IBS-1201")


def test_a_window_follows_what_the_scheduler_started_and_starts_no_second_one(
    house: House, open_window: Open,
) -> None:
    computer = house.computer()
    write(computer.source / "film.bin", noise(80_000_000, 1))
    assert computer("schedule", "set", "--limit", "16M").code == 0  # so that it can be seen
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    with computer.start("backup", "--automatic", "--json") as scheduled:
        hand.wait_for("Backing up")
        hand.click("Pause")
        hand.wait_for("Paused.")
        assert button(hand, "Back up now").instate(["disabled"])
        second = computer.run_apart("backup", "--json")
        second.must_say(1, "IBS-9201")
        hand.photograph("scheduler-paused")
        hand.click("Go on")
        hand.wait_for("Your files are protected", 60)
        assert scheduled.wait(30) == 0
    assert computer.snapshots() == [1]


def test_a_backup_that_is_killed_is_seen_to_be_over(house: House, open_window: Open) -> None:
    computer = house.computer()
    write(computer.source / "film.bin", noise(80_000_000, 1))
    assert computer("schedule", "set", "--limit", "16M").code == 0  # so that it can be seen
    hand = open_window(computer)
    with computer.start("backup", "--automatic") as running:
        hand.wait_for("Backing up")
        running.kill()
        hand.wait(lambda: not hand.window.runner.running, "the end", 2)
        hand.wait_for("interrupted")
        hand.photograph("killed")
    hand.click("Back up now")
    hand.wait_for("Your files are protected", 60)


def test_files_that_are_there_are_counted_and_stay_until_somebody_says_otherwise(
    house: House, open_window: Open, person: Path,
) -> None:
    computer = house.computer()
    letter = write(computer.source / "letter.txt", "Dear Anna", mtime_ns=10**18)
    write(computer.source / "list.txt", "milk", mtime_ns=10**18)
    computer.must_back_up()
    letter.write_text("Dear Bob")
    (computer.source / "list.txt").unlink()
    hand = open_window(computer)
    hand.click("Restore")
    hand.wait_for("letter.txt")
    hand.click("Tick all")
    hand.wait_for("2 files, 13 bytes chosen")
    hand.click("Restore…")
    hand.click("To where they were")
    hand.wait_for("1 of 2 files exists there already.")
    hand.photograph("restore-in-the-way")
    hand.click("Restore 2 files")
    hand.wait_for("1 of 2 files restored and checked.")
    assert hand.sees("IBS-4201")
    hand.photograph("restore-left-alone")
    assert letter.read_text() == "Dear Bob"
    assert (computer.source / "list.txt").read_text() == "milk"
    hand.click("Back to the files")
    hand.wait_for("2 files, 13 bytes chosen")
    hand.click("Restore…")
    hand.click("To where they were")
    hand.click("Replace 2 files that exist already; 1 of them was changed after this backup")
    hand.click("Restore 2 files")
    hand.wait_for("2 of 2 files restored and checked.")
    assert letter.read_text() == "Dear Anna"


def test_a_file_is_found_by_its_name_and_brought_back_as_it_was_earlier(
    house: House, open_window: Open, person: Path,
) -> None:
    computer = house.computer()
    letter = write(computer.source / "deep/down/letter.txt", "first", mtime_ns=10**18)
    write(computer.source / "gone.txt", "gone")
    computer.must_back_up()
    write(letter, "second version", mtime_ns=11 * 10**17)
    (computer.source / "gone.txt").unlink()
    computer.must_back_up()
    hand = open_window(computer)
    hand.click("Restore")
    hand.wait_for("deep")
    hand.fill("Or look for a name", "LETTER")
    hand.press("Return")
    hand.wait_for("1 match for “LETTER”")
    files = hand.window.page._choice._files  # type: ignore[union-attr]
    hand.click_row(files.table, "letter.txt")
    hand.click("Versions")
    hand.wait_for("2 versions of “letter.txt”")
    hand.photograph("restore-versions")
    hand.click_row(files.table, "5 bytes")
    hand.click("Restore…")
    hand.wait_for("None of these files is there yet")
    hand.click("Restore 1 file")
    hand.wait_for("1 of 1 file restored and checked.")
    (restored,) = person.glob("Restored *")
    assert (restored / letter.relative_to("/")).read_text() == "first"
    hand.click("Back to the files")
    hand.fill("Or look for a name", "gone")
    hand.press("Return")
    hand.wait_for("1 match for “gone”")
    hand.photograph("restore-found")
    hand.fill("Or look for a name", "nothing like it")
    hand.press("Return")
    hand.wait_for("No file or folder matches “nothing like it”.")


def test_a_restore_can_be_cancelled_and_says_what_is_there(house: House, open_window: Open, person: Path) -> None:
    computer = house.computer()
    for number in range(20):
        write(computer.source / f"{number}.bin", noise(10_000_000, number))
    computer.must_back_up()
    hand = open_window(computer)
    hand.click("Restore")
    hand.wait_for("19.bin")
    hand.click("Tick all")
    hand.wait_for("20 files")
    hand.click("Restore…")
    hand.click("Restore 20 files")
    hand.wait(lambda: list(person.glob("Restored */**/*.bin")), "the first file")
    hand.click("Cancel")
    hand.wait_for("The restore was cancelled.")
    hand.photograph("restore-cancelled")
    for file in person.glob("Restored */**/*.bin"):
        assert file.read_bytes() == (computer.source / file.name).read_bytes()
