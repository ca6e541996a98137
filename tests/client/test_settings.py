"""What the client remembers, and what happens when people or accidents change it."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from client.errors import (
    FolderUnknown,
    HomeUnusable,
    NotEnrolled,
    NotListed,
    PatternUnusable,
    SettingsInvalid,
    StoreDamaged,
    StoreNewer,
)
from client.schedules import schedule
from client.schedules.limits import SpeedLimit
from client.schedules.schedule import Schedule
from client.store import documents, settings
from client.store.settings import Identity, Journal, Settings

IDENTITY = Identity(
    portal="https://portal.example", ca="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    computer="6e0d", vault="0f3a", account="alice", customer_number="C-000042", token="t0ken", windows_names=False,
)
FIRST_VERSION = Path(__file__).parents[1] / "data" / "client-1"
"""A store as version 0.1 wrote it."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return settings.choose_home(str(tmp_path / "home"))


@pytest.fixture
def documents_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Documents"
    (folder / "inner").mkdir(parents=True)
    return folder


def test_settings_come_back_as_they_were_saved(home: Path, documents_folder: Path) -> None:
    strange = documents_folder / os.fsdecode(b"caf\xe9\x01\n & <more> \xff")
    strange.mkdir()
    kept = Settings(
        home, always_hash=("*.hc",), rehash_seconds=0,
        schedule=Schedule(
            schedule.WEEKLY, time(7, 30), (0, 6), on_battery=False, since=datetime(2026, 11, 23, tzinfo=UTC),
        ),
        limits=(SpeedLimit(500_000, time(8), time(18)), SpeedLimit(2_000_000)),
    )
    kept = settings.add_folder(kept, str(strange))
    kept = settings.add_exclude(kept, "*.tmp & ü")
    settings.save_settings(kept)
    assert settings.load_settings(home, pytest.fail) == kept
    assert kept.folders == (str(strange),)


def test_no_settings_mean_no_folders(home: Path) -> None:
    assert settings.load_settings(home, pytest.fail) == Settings(home)


def test_a_folder_inside_a_protected_one_is_part_of_it(home: Path, documents_folder: Path) -> None:
    inner = settings.add_folder(Settings(home), str(documents_folder / "inner"))
    both = settings.add_folder(inner, str(documents_folder))
    assert both.folders == (str(documents_folder),)
    assert settings.add_folder(both, str(documents_folder / "inner")) == both


def test_neighbours_with_a_common_beginning_are_both_protected(home: Path, tmp_path: Path) -> None:
    kept = Settings(home)
    for name in ("a b", "a", "a-b"):
        (tmp_path / name).mkdir()
        kept = settings.add_folder(kept, str(tmp_path / name))
    assert kept.folders == tuple(str(tmp_path / name) for name in ("a", "a b", "a-b"))


def test_a_relative_folder_is_kept_as_the_place_it_means(
    home: Path, documents_folder: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(documents_folder / "inner")
    assert settings.add_folder(Settings(home), "..").folders == (str(documents_folder),)


def test_a_file_or_a_place_that_is_not_there_is_no_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for wrong in ("file", "missing"):
        with pytest.raises(FolderUnknown, match=wrong):
            settings.add_folder(Settings(home), str(tmp_path / wrong))


def test_what_is_not_listed_cannot_be_removed(home: Path, documents_folder: Path) -> None:
    kept = settings.add_folder(Settings(home), str(documents_folder))
    with pytest.raises(NotListed):
        settings.remove_folder(kept, str(documents_folder / "inner"))
    with pytest.raises(NotListed):
        settings.remove_exclude(kept, "*.tmp")
    assert settings.remove_folder(kept, str(documents_folder)) == Settings(home)
    assert settings.remove_exclude(settings.add_exclude(kept, "*.tmp"), "*.tmp") == kept


@pytest.mark.parametrize("pattern", ["", "  ", "a\nb", "a\0b"])
def test_a_pattern_that_can_match_nothing_is_refused(home: Path, pattern: str) -> None:
    with pytest.raises(PatternUnusable):
        settings.add_exclude(Settings(home), pattern)


@pytest.mark.parametrize(("edited", "reason"), [
    (b"<settings><colour>red</colour></settings>", "colour"),
    (b"<settings rehash-seconds='-1'/>", "-1"),
    (b"<settings rehash-seconds='soon'/>", "soon"),
    (b"<settings><folder path='relative/folder'/></settings>", "absolute"),
    (b"<settings><folder/></settings>", "usable path"),
    (b"<settings><folder pathb64='***'/></settings>", r"\*\*\*"),
    (b"<settings version='2'><schedule plan='monthly'/></settings>", "monthly"),
    (b"<settings version='2'><schedule plan='daily' at='25:00'/></settings>", "25:00"),
    (b"<settings version='2'><schedule plan='weekly' days=''/></settings>", "needs a day"),
    (b"<settings version='2'><speed-limit bytes-per-second='5'/></settings>", "10000"),
    (b"<settings version='two'/>", "two"),
    (b"<settings version='0'/>", "no version"),
])
def test_an_edit_that_does_not_fit_the_description_is_named_and_kept(home: Path, edited: bytes, reason: str) -> None:
    (home / "settings.xml").write_bytes(edited)
    with pytest.raises(SettingsInvalid, match=reason):
        settings.load_settings(home, pytest.fail)
    assert (home / "settings.xml").read_bytes() == edited


def test_an_edit_that_fits_is_used(home: Path, documents_folder: Path) -> None:
    (home / "settings.xml").write_text(f"<settings><folder path='{documents_folder}/inner/..'/></settings>")
    assert settings.load_settings(home, pytest.fail).folders == (str(documents_folder),)


def test_settings_of_the_first_version_are_read_and_written_as_of_today(home: Path) -> None:
    shutil.copy(FIRST_VERSION / "settings.xml", home)
    kept = settings.load_settings(home, pytest.fail)
    assert kept.folders == ("/home/alice/Documents", os.fsdecode(b"/home/alice/caf\xe9"))
    assert kept.excludes == ("*.tmp",)
    assert kept.schedule == Schedule(schedule.OFF)
    assert (home / "settings.xml").read_bytes() == (FIRST_VERSION / "settings.xml").read_bytes()
    settings.save_settings(kept)
    assert 'version="2"' in (home / "settings.xml").read_text()
    assert settings.load_settings(home, pytest.fail) == kept


def test_the_other_documents_of_the_first_version_are_read(home: Path) -> None:
    for name in ("identity.xml", "run.xml", "hardware.xml"):
        shutil.copy(FIRST_VERSION / name, home)
    found = settings.load_identity(home, pytest.fail)
    assert (found.computer, found.token) == ("6e0d8f1c-57a1-4b52-9a43-0c6f3f0a7b11", "t0ken-of-the-first-version")
    assert settings.load_journal(home, pytest.fail) == Journal(4, b"\x07" * 32, 5, "uuid-5", "lease-5")
    assert [step.tag for step in documents.parse((home / "hardware.xml").read_bytes())] == ["adapter", "disk"]


def test_settings_of_a_newer_client_are_left_as_they_are(home: Path) -> None:
    newer = b"<settings version='99'><folder path='/home'/><weather/></settings>"
    (home / "settings.xml").write_bytes(newer)
    with pytest.raises(StoreNewer, match="newer version"):
        settings.load_settings(home, pytest.fail)
    assert (home / "settings.xml").read_bytes() == newer


def test_descriptions_are_checked_only_after_somebody_else_changed_a_file(home: Path, documents_folder: Path) -> None:
    settings.save_settings(settings.add_folder(Settings(home), str(documents_folder)))
    settings.save_identity(home, IDENTITY)
    script = (
        "import sys\nfrom pathlib import Path\nfrom client.store import settings\nhome = Path(sys.argv[1])\n"
        "settings.load_settings(home, print), settings.load_identity(home, print)\nprint('xmlschema' in sys.modules)\n"
    )

    def checked() -> bool:
        done = subprocess.run([sys.executable, "-c", script, str(home)], capture_output=True, text=True, check=True)
        return done.stdout.strip() == "True"

    assert not checked()
    with (home / "settings.xml").open("a") as file:
        file.write("<!-- a comment of the administrator -->\n")
    assert checked()
    assert not checked()


def test_the_identity_comes_back_and_never_shows_its_token(home: Path) -> None:
    settings.save_identity(home, IDENTITY)
    assert settings.load_identity(home, pytest.fail) == IDENTITY
    assert "t0ken" not in repr(IDENTITY)
    assert (home / "identity.xml").stat().st_mode & 0o077 == 0


def test_what_the_client_writes_fits_its_own_descriptions(home: Path, documents_folder: Path) -> None:
    settings.save_settings(settings.add_exclude(settings.add_folder(Settings(home), str(documents_folder)), "\x85*"))
    settings.save_identity(home, IDENTITY)
    for name in ("settings", "identity"):
        root = documents.parse((home / f"{name}.xml").read_bytes())
        assert list(documents.load_schema(name).iter_errors(root)) == []


def test_a_computer_that_is_not_enrolled_is_told_how(home: Path) -> None:
    with pytest.raises(NotEnrolled) as caught:
        settings.load_identity(home, pytest.fail)
    assert "enrol" in caught.value.hint


def test_a_token_that_cannot_be_opened_is_explained(home: Path) -> None:
    settings.save_identity(home, IDENTITY)
    text = (home / "identity.xml").read_text()
    (home / "identity.xml").write_text(text.replace("<token>", "<token>gICA"))
    with pytest.raises(StoreDamaged, match="token"):
        settings.load_identity(home, pytest.fail)


@pytest.mark.parametrize("journal", [
    Journal(), Journal(4, b"\x07" * 32), Journal(4, b"\x07" * 32, 5, "uuid-5", "lease-5"),
    Journal(None, None, 1, "u", "l"), Journal(4, b"\x07" * 32, 5, "uuid-5", "lease-5", "uuid-6"),
])
def test_the_journal_comes_back(home: Path, journal: Journal) -> None:
    settings.save_journal(home, journal)
    assert settings.load_journal(home, pytest.fail) == journal


@pytest.mark.parametrize("damaged", [b"<run", b"<run last-commit='x'/>", b"<run last-commit-hash='zz'/>"])
def test_a_damaged_journal_stops_no_backup(home: Path, damaged: bytes) -> None:
    (home / "run.xml").write_bytes(damaged)
    told: list[str] = []
    assert settings.load_journal(home, told.append) == Journal()
    assert len(told) == 1


def test_the_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    made = settings.choose_home(str(tmp_path / "a" / "b"))
    assert made.stat().st_mode & 0o077 == 0


def test_the_home_is_taken_from_the_environment_when_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IBS_HOME", str(tmp_path / "from environment"))
    assert settings.choose_home(None) == tmp_path / "from environment"
    assert settings.choose_home(str(tmp_path / "given")) == tmp_path / "given"


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="home"):
        settings.choose_home(str(tmp_path / "file" / "home"))


def test_settings_that_somebody_edited_are_read_by_those_who_can_note_nothing_down(home: Path) -> None:
    settings.save_settings(Settings(home, folders=("/home/alice",)))
    file = home / settings.SETTINGS
    file.write_text(file.read_text().replace("alice", "bob"))
    (home / "checked.xml.new").mkdir()  # as another process writes it, or where only root may
    assert settings.load_settings(home, pytest.fail).folders == ("/home/bob",)
