"""F19, shadow copies: none of ours is left behind, none of others is touched, and no refusal ever stops a run."""
from __future__ import annotations

import contextlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from client.events import Event, Notice
from client.run.sources import open_sources
from client.store.settings import Settings
from client.system.windows.shadow_copies import ATTEMPTS, PAUSE, ShadowCopies, remove_leftovers
from tests.parts.fake_windows import FakeWindows

STRANGER = "{11111111-2222-3333-4444-555555555555}"


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    """A Windows that has a shadow copy of somebody else, such as a restore point of the system."""
    return FakeWindows(tmp_path / "files", copies={STRANGER: "C:\\"}, drives={"C:\\": 3, "D:\\": 3, "E:\\": 2})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The client's store; its name needs quoting."""
    home = tmp_path / "Pam & Sam's \u2019store\u2019"
    home.mkdir()
    return home


@pytest.fixture
def pauses() -> list[float]:
    """How long it was waited."""
    return []


@pytest.fixture
def copies(home: Path, windows: FakeWindows, pauses: list[float]) -> ShadowCopies:
    """The copies of one run."""
    return ShadowCopies(home, windows, pauses.append)


def records(home: Path) -> list[Path]:
    return sorted(home.glob("shadow-copy-*.xml"))


def test_f19_files_are_read_from_the_copy_and_none_of_ours_remains(
    copies: ShadowCopies, windows: FakeWindows, home: Path,
) -> None:
    copies.protect(("C:\\Users\\Alice", "C:\\data", "D:\\"))
    assert sorted(windows.copies.values()) == ["C:\\", "C:\\", "D:\\"]
    assert copies.complete
    device = "\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy"
    assert copies.read_at("C:\\Users\\Alice\\a. ") == device + "2\\Users\\Alice\\a. "
    assert copies.read_at("c:\\DATA") == device + "2\\DATA"
    assert copies.read_at("D:\\") == device + "3\\"
    assert copies.read_at("\\\\nas\\share\\x") == "\\\\?\\UNC\\nas\\share\\x"
    assert [ElementTree.parse(record).getroot().get("volume") for record in records(home)] == ["C:\\", "D:\\"]
    copies.close()
    assert windows.copies == {STRANGER: "C:\\"}
    assert records(home) == []
    assert copies.read_at("C:\\data") == "\\\\?\\C:\\data"


def test_f19_a_volume_in_a_folder_has_a_copy_of_its_own(copies: ShadowCopies, windows: FakeWindows) -> None:
    windows.drives["C:\\mounted disks & more\\"] = 3
    copies.protect(("C:\\mounted disks & more\\photos", "C:\\data"))
    assert copies.read_at("C:\\mounted disks & more\\photos").endswith("Copy2\\photos")
    assert copies.read_at("C:\\data").endswith("Copy3\\data")


def test_f19_what_an_interrupted_run_left_is_removed_by_the_next_one(
    copies: ShadowCopies, windows: FakeWindows, home: Path,
) -> None:
    copies.protect(("C:\\data",))
    assert len(windows.copies) == 2  # and here the power fails
    again = ShadowCopies(home, windows)
    again.protect(("C:\\data",))
    assert len(windows.copies) == 2
    again.close()
    assert windows.copies == {STRANGER: "C:\\"}


def test_f19_the_record_is_there_before_the_copy_is_used_even_when_the_client_never_hears_of_it(
    copies: ShadowCopies, windows: FakeWindows, home: Path,
) -> None:
    windows.creations = [{"hang": True}]
    copies.protect(("C:\\data",))
    assert "longer than 180 s" in copies.problems["C:\\"]
    assert windows.copies == {STRANGER: "C:\\"}
    assert records(home) == []


def test_f19_a_copy_that_cannot_be_removed_stays_on_record_until_it_can(
    copies: ShadowCopies, windows: FakeWindows, home: Path,
) -> None:
    copies.protect(("C:\\data",))
    windows.answers["undeletable"] = ""
    copies.close()
    assert len(windows.copies) == 2
    assert len(records(home)) == 1
    assert remove_leftovers(home, windows) == 1
    del windows.answers["undeletable"]
    assert remove_leftovers(home, windows) == 0
    assert windows.copies == {STRANGER: "C:\\"}


def test_f19_a_copy_whose_device_is_not_told_is_removed_and_files_are_read_live(
    copies: ShadowCopies, windows: FakeWindows, home: Path,
) -> None:
    windows.creations = [{"device": ""}]
    copies.protect(("C:\\data",))
    assert copies.problems == {"C:\\": "the system did not tell where it is"}
    assert not copies.complete
    assert copies.read_at("C:\\data\\x") == "\\\\?\\C:\\data\\x"
    assert windows.copies == {STRANGER: "C:\\"}
    assert records(home) == []


@pytest.mark.parametrize("refusal", [
    {"code": 6}, {"code": -1, "error": "Insufficient storage", "result": -2147212513},
])
def test_f19_without_room_no_further_copy_is_tried_in_this_run(
    copies: ShadowCopies, windows: FakeWindows, refusal: dict[str, object],
) -> None:
    windows.creations = [refusal]
    copies.protect(("C:\\data", "D:\\more"))
    assert copies.problems == dict.fromkeys(["C:\\", "D:\\"], "there is no room for it")
    assert sum("-Command" in command for command in windows.commands) == 1


@pytest.mark.parametrize("refusal", [{"code": 9}, {"code": -1, "error": "In progress.", "result": 0x80042316}])
def test_f19_another_program_that_makes_one_is_waited_for(
    copies: ShadowCopies, windows: FakeWindows, pauses: list[float], refusal: dict[str, object],
) -> None:
    windows.creations = [refusal, refusal]
    copies.protect(("C:\\data",))
    assert copies.complete
    assert sum(pauses) == 2 * PAUSE
    copies.close()
    pauses.clear()
    windows.creations = [refusal] * 20
    copies.protect(("D:\\data",))
    assert copies.problems == {"D:\\": "another program is making one"}
    assert sum(pauses) == PAUSE * (ATTEMPTS - 1)


@pytest.mark.parametrize(("refusal", "words"), [
    ({"code": 4}, "this kind of volume does not support it"),
    ({"code": 11}, "no provider is registered"),
    ({"code": 77}, "the system answered 77"),
    ({"code": -1, "error": "Access is denied. ", "result": 0x80070005}, "Access is denied"),
])
def test_f19_any_other_refusal_costs_one_volume_its_copy_and_nothing_else(
    copies: ShadowCopies, windows: FakeWindows, refusal: dict[str, object], words: str,
) -> None:
    windows.creations = [refusal]
    copies.protect(("C:\\data", "D:\\more"))
    assert copies.problems == {"C:\\": words}
    assert copies.read_at("D:\\more").startswith("\\\\?\\GLOBALROOT\\")


def test_without_an_administrators_rights_nothing_is_tried(copies: ShadowCopies, windows: FakeWindows) -> None:
    windows.administrator = False
    copies.protect(("C:\\data",))
    assert windows.commands == []
    assert copies.problems == {"": "only an administrator's account may make shadow copies"}


def test_sticks_and_shares_are_read_as_they_lie(copies: ShadowCopies, windows: FakeWindows) -> None:
    copies.protect(("E:\\photos", "\\\\nas\\share"))
    assert copies.problems["E:\\"] == "it is not a fixed disk of this computer"
    assert "cannot find" in copies.problems["\\\\nas\\share"]
    assert windows.copies == {STRANGER: "C:\\"}


def test_a_record_that_was_cut_off_is_no_reason_to_remove_anything(windows: FakeWindows, home: Path) -> None:
    for number, text in enumerate(("", "<shadow-copy id='{1111", "<shadow-copy id='all of them'/>")):
        (home / f"shadow-copy-{number}.xml").write_text(text)
    assert remove_leftovers(home, windows) == 0
    assert windows.commands == []
    assert records(home) == []


# --- a run that reads from them ------------------------------------------------------------------------------------


def test_f19_a_run_from_shadow_copies_says_so_and_leaves_none_however_it_ends(
    windows: FakeWindows, home: Path, copies: ShadowCopies,
) -> None:
    events: list[Event] = []
    settings = Settings(home, ("C:\\data",))
    with contextlib.suppress(ZeroDivisionError), open_sources(settings, events.append, lambda _: copies) as sources:
        assert sources.consistency == "shadow copy"
        assert "ShadowCopy2" in sources.read_at("C:\\data\\x")
        raise ZeroDivisionError
    assert windows.copies == {STRANGER: "C:\\"}
    assert events == []


def test_f19_a_run_that_has_to_read_live_says_why_and_goes_on(
    windows: FakeWindows, home: Path, copies: ShadowCopies,
) -> None:
    events: list[Event] = []
    windows.creations = [{"device": ""}]
    with open_sources(Settings(home, ("C:\\data", "D:\\")), events.append, lambda _: copies) as sources:
        assert sources.consistency == "live"
        assert sources.read_at("C:\\data\\x") == "\\\\?\\C:\\data\\x"
        assert "ShadowCopy" in sources.read_at("D:\\x")
    assert [(type(event), event.code) for event in events if isinstance(event, Notice)] == [(Notice, "IBS-4112")]
    assert "C:\\: the system did not tell where it is" in events[0].text  # type: ignore[attr-defined]
    assert windows.copies == {STRANGER: "C:\\"}


def test_a_system_without_shadow_copies_reads_live_and_says_nothing(home: Path) -> None:
    events: list[Event] = []
    with open_sources(Settings(home, ("/home",)), events.append) as sources:
        assert (sources.consistency, sources.read_at("/home/x")) == ("live", "/home/x")
    assert events == []


def test_an_end_that_is_wanted_meanwhile_is_heard_after_each_step_and_each_second(
    copies: ShadowCopies, windows: FakeWindows, pauses: list[float],
) -> None:
    class Wanted(Exception):
        pass

    def end_after_one() -> None:
        if len(windows.copies) == 2:
            raise Wanted

    with pytest.raises(Wanted):
        copies.protect(("C:\\data", "D:\\"), end_after_one)
    assert sorted(windows.copies.values()) == ["C:\\", "C:\\"]  # no copy of D: was begun
    copies.close()
    assert windows.copies == {STRANGER: "C:\\"}
    windows.creations = [{"code": 9}] * ATTEMPTS

    def end_after_three_seconds() -> None:
        if sum(pauses) >= 3:
            raise Wanted

    with pytest.raises(Wanted):
        copies.protect(("C:\\data",), end_after_three_seconds)
    assert sum(pauses) == 3
