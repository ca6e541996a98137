"""Home, as a customer meets it: a backup by a click, one paused and cancelled, one that the portal does not want."""
from __future__ import annotations

import os
import time

from tests.parts.house import Computer, House
from tests.parts.window import Hand
from tests.window.conftest import Open

MB = 1_000_000


def computer_with_files(house: House, number: int = 30, size: int = 20_000) -> Computer:
    """A computer of priya's with so many files in the protected folder."""
    computer = house.computer(house.sell("priya"))
    for one in range(number):
        (computer.source / f"Invoice {one:04}.pdf").write_bytes(os.urandom(size))
    return computer


def wait_until_over(hand: Hand) -> None:
    """Until no backup runs any more."""
    hand.wait(lambda: not hand.window.runner.running, "the end of the backup")


def test_a_click_backs_up_and_the_page_shows_what_came_of_it(house: House, open_window: Open) -> None:
    computer = computer_with_files(house)
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    hand.photograph("home-1-new")
    hand.click("Back up now")
    hand.wait_for("Your files are protected")
    wait_until_over(hand)
    hand.wait_for("30 files")
    hand.photograph("home-2-done")
    assert hand.sees("Backup completed: 30 files")
    assert computer.snapshots() == [1]


def test_a_backup_is_paused_goes_on_and_is_cancelled(house: House, open_window: Open) -> None:
    computer = computer_with_files(house, 12, 4 * MB)
    assert computer("schedule", "set", "--limit", "1500K").code == 0
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    hand.click("Back up now")
    hand.wait_for("/s")
    hand.photograph("home-3-running")
    hand.click("Pause")
    hand.wait_for("Paused. Nothing is read or sent until you go on.")
    assert hand.sees("Five minutes after this window is closed it goes on by itself.")
    hand.photograph("home-4-paused")
    assert hand.cut_off() == []
    hand.click("Go on")
    hand.wait_for("Backing up")
    hand.press("alt+c")
    wait_until_over(hand)
    hand.wait_for("The first backup was cancelled; what was stored is used by the next one.")
    hand.photograph("home-5-cancelled")
    assert [state for _, state, _ in computer.runs()] == ["cancelled"]


def test_it_follows_a_backup_that_somebody_else_started(house: House, open_window: Open) -> None:
    computer = computer_with_files(house, 10, 2 * MB)
    assert computer("schedule", "set", "--limit", "2M").code == 0
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    with computer.start("backup", "--automatic") as process:
        hand.wait_for("Backing up now")
        hand.wait_for("sent")
        process.wait(60)
    hand.wait_for("Your files are protected")


def test_it_notices_a_backup_that_began_and_ended_while_nobody_looked(house: House, open_window: Open) -> None:
    """A window at rest looks once a second, and a small backup takes less."""
    computer = computer_with_files(house)
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    hand.wait(lambda: not hand.window.runner.busy)
    computer.must_back_up()
    hand.wait_for("Your files are protected")
    assert hand.sees("Backup completed: 30 files")
    hand.click("Folders")
    hand.wait_for("30 files")
    (computer.source / "one more.txt").write_text("Dear Bob")
    hand.wait(lambda: not hand.window.runner.busy)
    computer.must_back_up()
    hand.wait_for("31 files")


def test_it_says_who_switched_backups_off_and_what_to_do(house: House, open_window: Open) -> None:
    computer = computer_with_files(house)
    computer.must_back_up()
    house.switch("priya", False, "moving to a new PC")
    hand = open_window(computer)
    hand.wait_for("Backups are switched off")
    assert hand.sees("Switched off by priya.front today at")
    assert hand.sees("(“moving to a new PC”). Your 1 restore point can be restored.")
    house.switch("priya", True)
    hand.press("F5")
    hand.wait_for("Your files are protected")


def test_a_failure_is_told_with_its_code_and_the_next_step(house: House, open_window: Open) -> None:
    computer = computer_with_files(house)
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    house.stop_portal()
    hand.click("Back up now")
    hand.wait_for("The last backup failed", 60)
    wait_until_over(hand)
    hand.photograph("home-6-failed")
    assert hand.sees("IBS-2201")
    hand.wait_for("The portal can't be reached now.")
    assert hand.cut_off() == []
    house.start_portal()
    hand.click("Back up now")
    hand.wait_for("Your files are protected")


def test_without_folders_it_leads_to_choosing_them(house: House, open_window: Open) -> None:
    computer = house.computer()
    assert computer("folder", "remove", computer.source).code == 0
    hand = open_window(computer)
    hand.wait_for("Nothing is being backed up")
    hand.click("Choose folders")
    hand.wait_for("No folders chosen. Nothing is being backed up.")


def test_it_answers_at_once_while_a_backup_runs(house: House, open_window: Open) -> None:
    computer = computer_with_files(house, 2_000, 300)
    hand = open_window(computer)
    hand.wait_for("Not backed up yet")
    hand.window.runner.start("backup")
    waits: list[float] = []
    while len(waits) < 40 or hand.window.runner.running:
        began = time.monotonic()
        hand.window.after(0, lambda began=began: waits.append(time.monotonic() - began))  # type: ignore[misc]
        hand.rest(0.05)
        assert len(waits) < 2_000
    assert sorted(waits)[len(waits) * 9 // 10] <= 0.05
