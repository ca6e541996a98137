"""The page Folders with mouse and keys: choose in a tree, stop backing up, leave out by pattern and see how much."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.parts.house import Computer, House
from tests.window.conftest import Open


@pytest.fixture
def computer(house: House, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer with a backup of one folder; its person's own folder holds another one."""
    made = house.computer(house.sell("priya"))
    (made.source / "letter.odt").write_bytes(b"x" * 1_000)
    (made.source / "~letter.tmp").write_bytes(b"x" * 300)
    own = made.folder / "own"
    (own / "Music/Live").mkdir(parents=True)
    (own / "Music/Live/song.mp3").write_bytes(b"x" * 70_000)
    monkeypatch.setenv("HOME", str(own))
    made.must_back_up()
    return made


def protected(computer: Computer) -> list[str]:
    """What the settings say."""
    found: list[str] = computer("folder", "list", "--json").json["folders"]
    return found


def test_a_folder_is_ticked_in_the_tree_and_kept(computer: Computer, open_window: Open) -> None:
    hand = open_window(computer)
    hand.press("alt+f")
    hand.wait_for("2 files, 1.3 kB")
    hand.click("Choose folders…")
    hand.wait_for("own (your own folder)")
    tree = hand.window.page._tree  # type: ignore[union-attr]
    hand.click_row(tree, "own (your own folder)", part="indicator")
    hand.wait_for("Music")
    hand.click_row(tree, "Music", part="image")
    hand.wait_for("2 folders: 3 files, 71 kB of 500 MB")
    hand.photograph("folders-tree")
    hand.click("Save")
    hand.wait_for("Not backed up yet")
    assert str(computer.folder / "own/Music") in protected(computer)
    hand.press("alt+h")
    hand.click("Back up now")
    hand.wait(lambda: hand.sees("3 files"))
    hand.press("alt+f")
    hand.wait_for("1 file, 70 kB")


def test_removing_says_what_it_means_and_asks_first(computer: Computer, open_window: Open) -> None:
    hand = open_window(computer)
    hand.press("alt+f")
    table = hand.window.page._table  # type: ignore[union-attr]
    hand.click_row(table, "source")
    hand.click("Remove")
    hand.wait_for("Stop backing up “source”?")
    assert hand.sees("Earlier copies are kept as long as your plan keeps backups")
    hand.photograph("folders-remove")
    assert hand.cut_off() == []
    hand.click("Keep")
    assert protected(computer) == [str(computer.source)]
    hand.click_row(table, "source")
    hand.press("Delete")
    hand.wait_for("Stop backing up “source”?")
    hand.click("Stop backing it up")
    hand.wait_for("No folders chosen. Nothing is being backed up.")
    assert protected(computer) == []
    assert computer.snapshots() == [1]


def test_a_folder_that_is_gone_is_said_and_never_dropped(computer: Computer, open_window: Open) -> None:
    shutil.move(computer.source, computer.folder / "unplugged")
    hand = open_window(computer)
    hand.press("alt+f")
    hand.wait_for("Not found since")
    assert hand.sees("wasn't found. Plug the drive in, or remove it from the list. Earlier copies are kept. (IBS-4102)")
    assert protected(computer) == [str(computer.source)]
    shutil.move(computer.folder / "unplugged", computer.source)
    hand.press("F5")
    hand.wait_for("Backed up")


def test_a_pattern_is_counted_while_it_is_typed(computer: Computer, open_window: Open) -> None:
    hand = open_window(computer)
    hand.press("alt+f")
    hand.wait_for("Nothing is left out.")
    hand.press("alt+t")
    hand.type("*.tmp")
    hand.wait_for("“*.tmp” would leave out: 1 file, 300 bytes")
    hand.photograph("folders-pattern")
    hand.press("Return")
    hand.wait_for("Back up again")
    assert computer("exclude", "list", "--json").json["excludes"] == ["*.tmp"]
    hand.press("alt+t")
    hand.type("*")
    hand.press("Return")
    hand.wait_for("This would leave out everything.")
    hand.click("Back up again")
    hand.wait_for("Nothing is left out.")
    assert computer("exclude", "list", "--json").json["excludes"] == []


def test_a_path_that_is_none_is_refused_in_its_field(computer: Computer, open_window: Open, tmp_path: Path) -> None:
    hand = open_window(computer)
    hand.window.show("pick")
    hand.wait_for("This computer (/)")
    hand.fill("Another folder", str(tmp_path / "nowhere"))
    hand.press("Return")
    hand.wait_for("nowhere isn't a folder on this computer.")
    hand.fill("Another folder", str(computer.folder / "own"))
    hand.press("Return")
    hand.wait_for("2 folders")
    hand.click("Back")
    hand.wait_for("Each of these is backed up")
    assert protected(computer) == [str(computer.source)]
