"""Every page, empty, full and in trouble, in every size from a phone's upwards: no text is cut off."""
from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts.house import Computer, House
from tests.window.conftest import Open, OpenScreen

SIZES = ((360, 480), (640, 480), (900, 600))
RESOLUTIONS = (96, 120, 192)
Prepare = Callable[[House], Computer]


def signed_out(house: House) -> Computer:
    """Nothing was done yet."""
    return house.computer(house.sell("priya"), enrolled=False)


def empty(house: House) -> Computer:
    """Signed in, no folder chosen."""
    computer = house.computer(house.sell("priya"))
    assert computer("folder", "remove", computer.source).code == 0
    return computer


def full(house: House) -> Computer:
    """Two backups, the second with a file that could not be read and a folder that is gone; patterns."""
    computer = house.computer(house.sell("priya"))
    (computer.source / "Invoices 2026").mkdir()
    for number in range(30):
        (computer.source / "Invoices 2026" / f"Invoice {number:04}.pdf").write_bytes(bytes([number]) * 40_000)
    drive = computer.folder / "drive/Photographs of the garden in all seasons"
    drive.mkdir(parents=True)
    (drive / "May.jpg").write_bytes(b"flower" * 9_000)
    assert computer("folder", "add", drive).code == 0
    assert computer("exclude", "add", "*.tmp", "*.iso").code == 0
    assert computer("schedule", "set", "daily", "--at", "18:00").code == 0
    computer.must_back_up()
    shutil.rmtree(drive)
    (computer.source / "Invoices 2026/Invoice 0001.pdf").write_bytes(b"changed")
    assert computer.back_up().code == 3
    return computer


def switched_off(house: House) -> Computer:
    """Somebody switched backups off in the portal."""
    computer = full(house)
    house.switch("priya", False, "moving to a new PC, and the old one must not be backed up any more until Friday")
    return computer


PAGES: list[tuple[str, Prepare, str, str]] = [
    ("sign-in", signed_out, "sign_in", "Sign this computer in"),
    ("choose", signed_out, "choose", "This computer (/)"),
    ("when", signed_out, "when", "Every day"),
    ("home-empty", empty, "home", "Nothing is being backed up"),
    ("folders-empty", empty, "folders", "No folders chosen."),
    ("home-full", full, "home", "A folder was not found"),
    ("home-off", switched_off, "home", "Backups are switched off"),
    ("folders-full", full, "folders", "Not found since"),
    ("pick", full, "pick", "This computer (/)"),
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "prepare", "page", "sign"), PAGES, ids=[name for name, *_ in PAGES])
def test_it_shows_each_page_whole_in_every_size(
    name: str, prepare: Prepare, page: str, sign: str, house: House, open_window: Open, screens: OpenScreen,
) -> None:
    computer = prepare(house)
    for dpi in RESOLUTIONS:
        hand = open_window(computer, on=screens(dpi))
        hand.window.show(page)
        hand.wait_for(sign)
        for width, height in SIZES:
            hand.resize(width, height)
            hand.photograph(f"{name}-{width}x{height}-{dpi * 100 // 96}")
            assert hand.cut_off() == [], f"{width}x{height} at {dpi} dpi"
        hand.window.close()


def test_it_shows_long_errors_and_long_names_whole(house: House, open_window: Open, tmp_path: Path) -> None:
    hand = open_window(empty(house))
    for width, height in SIZES:
        hand.resize(width, height)
        hand.window.tell_problem(
            "Can't reach the portal https://backup.a-reseller-with-a-long-name.example.com: the name is not known. "
            "Your earlier backups are safe.", "Check the network. The next backup tries again.", "IBS-2201",
            button="Choose a certificate file…", command=lambda: None)
        hand.photograph(f"error-{width}x{height}")
        assert hand.cut_off() == []
