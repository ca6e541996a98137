"""Suggested folders: what most people want protected, found for everybody on the computer."""
from __future__ import annotations

from pathlib import Path

import pytest

from client.computer.suggestions import homes_of_people, suggest_folders


def make(person: Path, *folders: str) -> Path:
    """A person's own folder with these in it."""
    for folder in folders:
        (person / folder).mkdir(parents=True)
    return person


def test_it_suggests_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    anna = make(tmp_path / "anna", "Desktop", "Pictures", ".thunderbird", "Downloads")
    (anna / "Documents").write_text("a file that is called like a folder")
    assert [(found.title, found.path) for found in suggest_folders([anna])] == [
        ("Desktop", str(anna / "Desktop")), ("Pictures", str(anna / "Pictures")),
        ("Mail of Thunderbird", str(anna / ".thunderbird")),
    ]


def test_it_knows_the_folders_of_a_desktop_in_another_language(tmp_path: Path) -> None:
    bernd = make(tmp_path / "bernd", ".config", "Schreibtisch", "Meine Dokumente")
    (bernd / ".config/user-dirs.dirs").write_text(
        '# made by the desktop\nXDG_DESKTOP_DIR="$HOME/Schreibtisch"\nXDG_DOCUMENTS_DIR="$HOME/Meine Dokumente/"\n'
        'XDG_PICTURES_DIR="$HOME/"\nXDG_MUSIC_DIR="$HOME/Musik"\n')
    assert [found.path for found in suggest_folders([bernd])] == [
        str(bernd / "Schreibtisch"), str(bernd / "Meine Dokumente")]


def test_it_follows_folders_that_onedrive_moved(tmp_path: Path) -> None:
    carol = make(tmp_path / "carol", "OneDrive - Rivers Dental/Documents", "Desktop",
                 "AppData/Local/Microsoft/Outlook", "AppData/Roaming/Thunderbird/Profiles")
    assert [(found.title, found.path.removeprefix(f"{carol}/")) for found in suggest_folders([carol])] == [
        ("Desktop", "Desktop"), ("Documents", "OneDrive - Rivers Dental/Documents"),
        ("Mail of Thunderbird", "AppData/Roaming/Thunderbird/Profiles"),
        ("Mail of Outlook", "AppData/Local/Microsoft/Outlook"),
    ]


def test_a_folder_that_two_names_lead_to_is_suggested_once(tmp_path: Path) -> None:
    dora = make(tmp_path / "dora", "Documents")
    (tmp_path / "copy").symlink_to(dora)
    (dora / "Desktop").symlink_to(dora / "Documents")
    assert [found.person for found in suggest_folders([dora, tmp_path / "copy"])] == ["dora"]


def test_it_finds_everybody_but_the_systems_own(tmp_path: Path) -> None:
    for name in ("anna", "bernd", "Public", "Default User", "lost+found"):
        (tmp_path / name).mkdir()
    assert [home.name for home in homes_of_people(tmp_path)] == ["anna", "bernd"]


def test_this_computers_own_people_have_folders() -> None:
    assert Path.home() in homes_of_people()


@pytest.mark.parametrize("gone", ["nowhere", "file"])
def test_people_who_are_not_there_have_none(tmp_path: Path, gone: str) -> None:
    (tmp_path / "file").touch()
    assert suggest_folders([tmp_path / gone]) == []
    assert homes_of_people(tmp_path / gone) == []
