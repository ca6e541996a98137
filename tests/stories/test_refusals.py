"""The portal says no: each refusal has a sentence and a code, ends in its own exit code, and costs no earlier file."""
from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.parts.clock import moved_clock
from tests.parts.ftp_servers import FtpServer
from tests.parts.house import MB, Computer, Ended, House
from tests.parts.trees import Picture, change, noise, picture, plant, write

REFUSED, FAILED = 4, 1


@pytest.fixture
def computer(house: House) -> Computer:
    """A computer with one snapshot of a small folder."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    write(computer.source / "letter.txt", "Dear Anna,\n", mtime_ns=10**18)
    computer.must_back_up()
    return computer


@pytest.fixture
def before(computer: Computer) -> Picture:
    """What that snapshot holds."""
    return picture(computer.source)


def add_much(computer: Computer) -> None:
    """Files that fill four packs."""
    for number in range(16):
        write(computer.source / f"film {number:02}", noise(480_000, number))


def must_be_safe(computer: Computer, before: Picture) -> None:
    """The first snapshot is the only one, comes back whole, and is there for the customer's browser."""
    assert computer.snapshots() == [1]
    assert picture(computer.must_restore(1)) == before
    download = f"/files/{computer.id}/1/download/"
    assert list(computer.house.browser("alice").get(download).zip.values()) == [b"Dear Anna,\n"]


def must_go_on(computer: Computer) -> Ended:
    """The next backup works, and its snapshot holds everything."""
    ended = computer.back_up()
    assert ended.code == 0, ended
    assert picture(computer.must_restore(ended.json["snapshot"])) == picture(computer.source)
    return ended


def test_a_wrong_password_enrols_nobody_and_leaves_who_is_enrolled(computer: Computer, before: Picture) -> None:
    stranger = computer.house.computer("alice", enrolled=False)
    stranger.enrol("guessed").must_say(REFUSED, "IBS-1101")
    assert not (stranger.home / "identity.xml").exists()
    computer.enrol("guessed", "--again").must_say(REFUSED, "IBS-1101")
    must_be_safe(computer, before)
    must_go_on(computer)


@pytest.mark.parametrize(("changes", "code"), [
    ({"valid_until": -1, "valid_from": -10}, "IBS-1202"),
    ({"valid_from": 2, "valid_until": 9}, "IBS-1206"),
    ({"suspended": True}, "IBS-1209"),
])
def test_a_subscription_that_is_not_valid_stops_backups_and_never_restores(
    computer: Computer, before: Picture, changes: dict[str, int | bool], code: str,
) -> None:
    today = datetime.now(UTC).date()
    computer.house.change_subscription("alice", **{
        name: value if isinstance(value, bool) else today + timedelta(days=value) for name, value in changes.items()
    })
    add_much(computer)
    stored = len(computer.packs())
    computer.back_up().must_say(REFUSED, code)
    assert len(computer.packs()) == stored
    must_be_safe(computer, before)


def test_a_subscription_that_ends_during_a_backup_stops_it(computer: Computer, before: Picture) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    add_much(computer)
    computer.house.at_request("/packs", lambda: computer.house.change_subscription(
        "alice", valid_from=yesterday, valid_until=yesterday))
    computer.back_up().must_say(REFUSED, "IBS-1202")
    must_be_safe(computer, before)


def test_an_account_that_rejects_backups_is_told_by_whom_and_why(computer: Computer, before: Picture) -> None:
    computer.house.switch("alice", False, "moving to a new PC")
    ended = computer.back_up()
    ended.must_say(REFUSED, "IBS-1201")
    assert "priya.front" in ended.complained
    assert "moving to a new PC" in ended.complained
    must_be_safe(computer, before)
    computer.house.switch("alice", True)
    must_go_on(computer)


def test_an_account_that_rejects_backups_stops_a_running_one_within_a_pack(
    computer: Computer, before: Picture,
) -> None:
    add_much(computer)
    stored = len(computer.packs())
    computer.house.at_request("/packs", lambda: computer.house.switch("alice", False), number=2)
    computer.back_up().must_say(REFUSED, "IBS-1201")
    assert len(computer.packs()) <= stored + 4  # two that were told, and those that were under way meanwhile
    assert computer.runs()[-1] == (2, "refused", "IBS-1201")
    must_be_safe(computer, before)
    computer.house.switch("alice", True)
    ended = must_go_on(computer)
    assert ended.json["stored"] < 16 * 480_000  # what was stored before the stop is used


def test_f16_a_full_quota_ends_the_run_on_the_bundled_storage(house: House) -> None:
    computer = house.computer(house.sell("alice", quota=5 * MB))
    computer.use_small_packs()
    write(computer.source / "letter.txt", "Dear Anna,\n", mtime_ns=10**18)
    computer.must_back_up()
    before = picture(computer.source)
    add_much(computer)
    ended = computer.back_up()
    ended.must_say(FAILED, "IBS-3002")
    assert "quota" in ended.complained
    assert computer.runs()[-1] == (2, "full", "IBS-3002")
    assert not list(house.config.storage_folder.rglob("*.part"))
    assert not any((house.config.storage_folder / ".incoming").iterdir())
    must_be_safe(computer, before)
    house.change_subscription("alice", quota=50 * MB)
    time.sleep(1.1)  # the storage asks the portal again after a second
    assert must_go_on(computer).json["stored"] < 16 * 480_000


def test_f16_a_full_quota_ends_the_run_on_a_registered_server(
    house: House, start_ftp: Callable[..., FtpServer],
) -> None:
    house.use_storage(start_ftp("pyftpdlib", tls=False).address("/backups"))
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    write(computer.source / "letter.txt", "Dear Anna,\n", mtime_ns=10**18)
    computer.must_back_up()
    before = picture(computer.source)
    add_much(computer)
    house.change_subscription("alice", quota=5 * MB)
    computer.back_up().must_say(FAILED, "IBS-3001")
    computer.back_up().must_say(FAILED, "IBS-3001")  # nothing is left, so nothing is begun
    must_be_safe(computer, before)
    house.change_subscription("alice", quota=50 * MB)
    assert must_go_on(computer).json["stored"] < 16 * 480_000


def clone_of(computer: Computer) -> Computer:
    """A computer with a copy of this one's disk, and with hardware of its own."""
    clone = computer.house.computer(computer.user, enrolled=False)
    clone.folder.rmdir() if not any(clone.folder.iterdir()) else shutil.rmtree(clone.folder)
    shutil.copytree(computer.folder, clone.folder, symlinks=True)
    report = clone.home / "hardware.xml"
    text = report.read_text()
    assert 'memory="' in text
    report.write_text(text.replace('memory="', 'memory="9'))
    return clone


def test_f24_a_copied_disk_is_told_to_enrol_and_the_first_computer_goes_on(computer: Computer) -> None:
    clone = clone_of(computer)
    write(computer.source / "mine", "of the first computer")
    met: list[Ended] = []
    computer.house.at_request("/commit", lambda: met.append(clone.run_apart("backup")))
    computer.must_back_up()
    met[0].must_say(REFUSED, "IBS-1207")
    assert "enrol this computer again" in met[0].complained
    assert picture(computer.must_restore(2)) == picture(computer.source)
    assert clone.enrol("correct horse battery", "--again").code == 0
    assert clone.vault != computer.vault
    assert clone("folder", "remove", computer.source).code == 0
    assert clone("folder", "add", clone.source).code == 0
    must_go_on(clone)
    must_go_on(computer)


@pytest.mark.parametrize("ahead", [timedelta(days=366), timedelta(days=-366), timedelta(hours=2), timedelta(hours=-2)],
                         ids=["next year", "last year", "two hours early", "two hours late"])
def test_f11_a_wrong_clock_loses_nothing_and_dates_nothing(house: House, tmp_path: Path, ahead: timedelta) -> None:
    computer = house.computer()
    plant(computer.source)
    wrong = moved_clock(tmp_path, ahead)
    began = datetime.now(UTC)
    first = computer.run_apart("backup", "--json", **wrong)
    assert first.code == 0, first
    before = picture(computer.source)
    change(computer.source)
    assert computer.run_apart("backup", "--json", **wrong).code == 0
    shown = computer("snapshots", "--json").json
    assert [snapshot["number"] for snapshot in shown] == [1, 2]
    for snapshot in shown:  # the portal's clock alone dates them
        assert began <= datetime.fromisoformat(snapshot["finished_at"]) <= datetime.now(UTC)
    write(computer.source / "after", "the clock was set")
    computer.must_back_up()
    assert picture(computer.must_restore(1)) == before
    assert picture(computer.must_restore(3)) == picture(computer.source)


def test_f10_a_run_whose_computer_is_silent_gives_way_after_its_lease(computer: Computer, before: Picture) -> None:
    write(computer.source / "more", noise(100_000))
    dying = computer.start("backup", "--events")
    computer.house.at_request("/packs", dying.kill)
    dying.communicate()
    assert dying.returncode == -9
    (computer.home / "run.xml").unlink()  # the disk was set back: nobody can prove whose run that was
    ended = computer.back_up()
    ended.must_say(REFUSED, "IBS-5101")
    assert "ten minutes" in ended.complained
    computer.let_lease_lapse()
    must_go_on(computer)
    assert picture(computer.must_restore(1)) == before
