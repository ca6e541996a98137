"""Windows without Windows: what the client asks of it, and what it makes of the answers, over a fake of its calls."""
from __future__ import annotations

import contextlib
import ntpath
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.names import path_of
from client.system.kinds import ELSEWHERE, ELSEWHERE_FOLDER, FILE, FOLDER, JUNCTION, LINK, NOTHING, UNKNOWN_LINK
from client.system.sources import split_path
from client.system.windows import calls as windows_calls
from client.system.windows import default_home, display, files, paths, power, powershell, secrets
from client.system.windows.files import ContentElsewhere, classify
from tests.parts.fake_windows import FakeWindows, windows_error

NAMES = st.text(st.characters(codec=None, exclude_characters="\\/\0:"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."})


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    """A Windows with a drive C: and a folder in it."""
    (tmp_path / "files/C/data").mkdir(parents=True)
    return FakeWindows(tmp_path / "files")


# --- paths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("plain", "long"), [
    ("C:\\", "\\\\?\\C:\\"),
    ("C:\\data\\CON", "\\\\?\\C:\\data\\CON"),
    ("C:\\data\\ends with a dot.", "\\\\?\\C:\\data\\ends with a dot."),
    ("\\\\nas\\photos\\2024 ", "\\\\?\\UNC\\nas\\photos\\2024 "),
    ("\\\\?\\C:\\data", "\\\\?\\C:\\data"),
    ("\\\\?\\GLOBALROOT\\Device\\X\\", "\\\\?\\GLOBALROOT\\Device\\X\\"),
])
def test_a_path_is_told_to_the_system_at_any_length_and_letter_by_letter(plain: str, long: str) -> None:
    assert paths.extend(plain) == long
    assert paths.extend(long) == long


@given(st.lists(NAMES, min_size=1, max_size=8))
def test_every_path_comes_back_from_its_long_form(names: list[str]) -> None:
    for root in ("C:\\", "\\\\server\\share\\"):
        path = root + "\\".join(names)
        assert paths.shorten(paths.extend(path)) == path
        assert paths.extend(path).endswith("\\" + names[-1])


@pytest.mark.parametrize(("typed", "meant"), [
    ("c:/Users/alice/../bob/", "C:\\Users\\bob"),
    ("C:\\data\\CON", "C:\\data\\CON"),
    ("C:\\data\\dot.", "C:\\data\\dot."),
    ("C:\\data\\space ", "C:\\data\\space "),
    ("\\\\?\\C:\\data\\", "C:\\data"),
    ("\\\\?\\UNC\\nas\\photos", "\\\\nas\\photos"),
    ("\\\\nas\\photos\\", "\\\\nas\\photos\\"),
    ("D:\\", "D:\\"),
    ("letters", "C:\\here\\letters"),
    ("\\data", "C:\\data"),
    ("D:data", "D:\\there\\data"),
])
def test_a_path_is_normalised_as_it_was_meant_and_once(typed: str, meant: str) -> None:
    standing = {"letters": "C:\\here\\letters", "\\data": "C:\\data", "D:data": "D:\\there\\data"}
    assert paths.normalise(typed, standing.__getitem__) == meant
    assert paths.normalise(meant, standing.__getitem__) == meant


def test_a_folder_is_always_spelt_as_the_disk_spells_it() -> None:
    disk = {"\\\\?\\C:\\": ["Users", "data", "DATA"], "\\\\?\\C:\\Users": ["Alice", "Straße"],
            "\\\\?\\C:\\Users\\Alice": ["Docs"]}

    def listed(folder: str) -> list[str]:
        try:
            return disk[folder]
        except KeyError:
            raise windows_error(5, "Access is denied") from None

    assert paths.spell_as_on_disk("C:\\users\\ALICE\\docs", listed) == "C:\\Users\\Alice\\Docs"
    assert paths.spell_as_on_disk("C:\\DATA", listed) == "C:\\DATA"
    assert paths.spell_as_on_disk("C:\\Data", listed) == "C:\\Data"
    assert paths.spell_as_on_disk("C:\\USERS\\straße\\x", listed) == "C:\\Users\\Straße\\x"
    assert paths.spell_as_on_disk("C:\\", listed) == "C:\\"


@pytest.mark.parametrize(("path", "steps"), [
    ("C:\\Users\\Alice ", [("C", "C:\\"), ("Users", "C:\\Users"), ("Alice ", "C:\\Users\\Alice ")]),
    ("d:\\", [("D", "d:\\")]),
    ("\\\\nas\\photos\\CON", [("nas", "\\\\nas\\photos\\"), ("photos", "\\\\nas\\photos\\"),
                              ("CON", "\\\\nas\\photos\\CON")]),
])
def test_a_path_falls_into_steps_from_its_drive_or_share_and_comes_back(
    path: str, steps: list[tuple[str, str]],
) -> None:
    found = list(split_path(path, ntpath))
    assert found == steps
    assert [paths.extend(place) for _, place in found] == [paths.extend(place) for _, place in steps]
    back = path_of([paths.encode_name(name) for name, _ in found], windows=True)
    assert ntpath.normcase(back) == ntpath.normcase(path)


# --- kinds of entries ------------------------------------------------------------------------------------------------


def entry(attributes: int, tag: int = 0) -> SimpleNamespace:
    """What a listing says of an entry."""
    return SimpleNamespace(st_file_attributes=attributes, st_reparse_tag=tag)


@pytest.mark.parametrize(("attributes", "tag", "kind"), [
    (0x20, 0, FILE),
    (0x10, 0, FOLDER),
    (0x420, 0xA000000C, LINK),
    (0x410, 0xA000000C, LINK),
    (0x2416, 0xA0000003, JUNCTION),  # the junction “Application Data”
    (0x410, 0xA0000003, JUNCTION),  # a volume mounted in a folder
    (0x400620, 0x9000601A, ELSEWHERE),
    (0x501620, 0x9000601A, ELSEWHERE),  # OneDrive: offline, sparse, reparse, unpinned, recall on data access
    (0x1020, 0, ELSEWHERE),
    (0x40410, 0x9000301A, ELSEWHERE_FOLDER),
    (0x400410, 0x9000601A, ELSEWHERE_FOLDER),
    (0x420, 0x9000601A, FILE),  # OneDrive, on this disk
    (0x80420, 0x9000601A, FILE),  # and always kept there
    (0x410, 0x9000601A, FOLDER),
    (0x420, 0x80000013, FILE),  # deduplicated
    (0x420, 0x80000017, FILE),  # compressed by the system
    (0x420, 0x8000001B, NOTHING),  # the alias of a store app
    (0x420, 0x80000023, NOTHING),  # a socket
    (0x420, 0xA000001D, UNKNOWN_LINK),  # a link of the Linux subsystem
])
def test_f19_each_kind_of_entry_is_told_by_what_the_listing_says(attributes: int, tag: int, kind: int) -> None:
    assert classify(entry(attributes, tag)) == kind


def test_a_volume_in_a_folder_is_told_from_a_junction_by_its_target() -> None:
    assert files.is_other_volume("C:\\disk", lambda path: "\\\\?\\Volume{6c3b3a6e-0000-0000-0000-100000000000}\\")
    assert not files.is_other_volume("C:\\Documents and Settings", lambda path: "\\\\?\\C:\\Users")

    def refuse(path: str) -> str:
        raise windows_error(5, "Access is denied", path)

    assert not files.is_other_volume("C:\\secret", refuse)


def test_what_windows_keeps_for_itself_is_passed_over_at_the_root_of_a_volume_only() -> None:
    assert "PAGEFILE.SYS" in files.names_of_system("C:\\")
    assert files.names_of_system("C:\\Users") == files.names_of_system("\\\\nas\\share") == frozenset()


def test_where_content_lies_is_no_change_of_a_file() -> None:
    def status(attributes: int) -> os.stat_result:
        return SimpleNamespace(st_size=5, st_mtime_ns=7, st_file_attributes=attributes)  # type: ignore[return-value]

    assert files.describe_status(status(0x80420)) == files.describe_status(status(0x20)) == (5, 7, 0x20, 0, 0)
    assert files.describe_status(status(0x21)) != files.describe_status(status(0x20))


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_file_is_opened_so_that_others_may_write_rename_and_delete_it(windows: FakeWindows) -> None:
    (windows.files / "C/data/letter").write_bytes(b"Dear")
    file = files.open_source("C:\\data\\letter", windows)
    assert os.read(file, 10) == b"Dear"
    os.close(file)
    path, access, share, flags = windows.opened[0]
    assert path == "\\\\?\\C:\\data\\letter"
    assert access == 0x80000000
    assert share == 1 | 2 | 4
    assert flags == 0x08000000 | 0x02000000


@pytest.mark.parametrize("number", [362, 381, 389, 395, 404, 426])
def test_f19_a_file_that_only_its_cloud_could_bring_is_told_from_one_that_failed(
    windows: FakeWindows, number: int,
) -> None:
    windows.failures["\\\\?\\C:\\data\\photo"] = windows_error(number, "The cloud operation was unsuccessful")
    with pytest.raises(ContentElsewhere) as raised:
        files.open_source("C:\\data\\photo", windows)
    assert files.is_elsewhere(raised.value)
    assert not files.is_elsewhere(windows_error(32, "in use"))


def test_f19_a_file_that_left_for_the_cloud_after_it_was_listed_is_closed_unread(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch,
) -> None:
    (windows.files / "C/data/photo").write_bytes(b"pixels")
    seen = []

    def fstat(file: int) -> SimpleNamespace:
        seen.append(file)
        return SimpleNamespace(st_file_attributes=0x400620)

    monkeypatch.setattr(files.os, "fstat", fstat)
    with pytest.raises(ContentElsewhere):
        files.open_source("C:\\data\\photo", windows)
    monkeypatch.undo()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(seen[0])


def test_a_locked_file_is_explained_in_words() -> None:
    assert files.explain_failure(windows_error(32, "The process cannot access")) == (
        "another program has it open and lets nobody else read it")
    assert files.explain_failure(windows_error(33, "locked")).startswith("another program")
    assert files.explain_failure(windows_error(5, "Access is denied")) == "this account may not read it"
    assert files.explain_failure(windows_error(1920, "The file cannot be accessed")) == "The file cannot be accessed"
    assert files.explain_failure(PermissionError(13, "Permission denied")) == "Permission denied"


def test_the_right_to_read_everything_is_used_where_there_is_one(windows: FakeWindows) -> None:
    assert files.read_everything(windows)
    windows.privileges.clear()
    assert not files.read_everything(windows)


def test_a_restored_file_gets_the_attributes_that_it_had(windows: FakeWindows) -> None:
    files.set_attributes("C:\\data\\desktop.ini", 0x26, windows)
    files.set_attributes("C:\\data\\compressed and plain", 0x800, windows)
    files.set_attributes("C:\\data\\a folder", 0x13, windows)
    assert windows.attributes == {
        "\\\\?\\C:\\data\\desktop.ini": 0x26, "\\\\?\\C:\\data\\compressed and plain": 0x80,
        "\\\\?\\C:\\data\\a folder": 0x3,
    }


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_the_token_is_sealed_for_the_machine_and_with_a_secret_of_ours(windows: FakeWindows) -> None:
    sealed = secrets.protect_secret(b"token", windows)
    assert b"token" not in sealed
    assert sealed.startswith(b"DPAPI 4 ")
    assert secrets.reveal_secret(sealed, windows) == b"token"
    with pytest.raises(OSError, match="not valid"):
        secrets.reveal_secret(b"sealed elsewhere", windows)


def granted(command: list[str]) -> list[str]:
    return [word for word in command if ":" in word and not word.startswith("/") and word.endswith(("F", "X", "AD)"))]


def test_the_store_belongs_to_the_system_the_administrators_and_its_maker(
    windows: FakeWindows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows.answers["icacls"] = ""
    for user, domain, names in (
        ("alice", "", ["alice"]), ("alice", "FIRM", ["FIRM\\alice"]), ("SYSTEM", "PC", []), ("PC-FRONT$", "FIRM", []),
    ):
        monkeypatch.setenv("USERNAME", user)
        monkeypatch.setenv("USERDOMAIN", domain)
        secrets.protect_file(tmp_path, windows)
        command = windows.commands.pop()
        assert command[0].endswith("\\System32\\icacls.exe")
        assert command[1:3] == [str(tmp_path), "/inheritance:r"]
        assert granted(command) == [f"{name}:(OI)(CI)F" for name in ("*S-1-5-18", "*S-1-5-32-544", *names)]
    (tmp_path / "settings.xml").write_text("")
    secrets.protect_file(tmp_path / "settings.xml", windows)
    assert windows.commands == []


def test_the_token_of_the_whole_computer_is_nobodys_but_the_systems(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows.answers["icacls"] = ""
    monkeypatch.setenv("USERNAME", "alice")
    monkeypatch.setenv("ProgramData", "C:\\ProgramData")
    secrets.protect_token(Path("C:\\programdata\\IBS\\identity.xml"), windows)
    assert granted(windows.commands[-1]) == ["*S-1-5-18:F", "*S-1-5-32-544:F"]
    secrets.protect_token(Path("C:\\Users\\alice\\AppData\\Local\\IBS\\identity.xml"), windows)
    assert granted(windows.commands[-1]) == ["*S-1-5-18:F", "*S-1-5-32-544:F", "alice:F"]


def test_a_folder_for_requests_may_be_written_by_every_user_and_an_access_list_that_fails_is_told(
    windows: FakeWindows, tmp_path: Path,
) -> None:
    with pytest.raises(PermissionError, match="access list could not be set: ERROR"):
        secrets.open_to_users(tmp_path, calls=windows)
    windows.answers["icacls"] = ""
    secrets.open_to_users(tmp_path, calls=windows)
    assert windows.commands[-1][2:] == ["/grant", "*S-1-5-32-545:(OI)(CI)RX", "/Q"]
    secrets.open_to_users(tmp_path, write=True, calls=windows)
    assert windows.commands[-1][3] == "*S-1-5-32-545:(OI)(CI)M"
    windows.commands.clear()
    secrets.share_store(tmp_path, tmp_path / "requests", windows)
    assert [(command[1], command[3]) for command in windows.commands] == [
        (str(tmp_path), "*S-1-5-32-545:(OI)(CI)RX"), (str(tmp_path / "requests"), "*S-1-5-32-545:(OI)(CI)M"),
    ]
    assert (tmp_path / "requests").is_dir()


def test_the_store_lies_where_its_installation_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ProgramData", str(tmp_path / "shared"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "own"))
    assert default_home() == tmp_path / "own" / "IBS"
    (tmp_path / "shared" / "IBS").mkdir(parents=True)
    assert default_home() == tmp_path / "shared" / "IBS"


# --- sleep, the screen -----------------------------------------------------------------------------------------------


def test_one_thread_asks_to_stay_awake_as_long_as_the_run_lives(windows: FakeWindows) -> None:
    with contextlib.suppress(ZeroDivisionError), power.stay_awake(windows):
        while not windows.states:
            time.sleep(0.01)
        assert windows.states[0][1] == 0x80000001
        raise ZeroDivisionError
    assert [state for _, state in windows.states] == [0x80000001, 0x80000000]
    assert len({thread for thread, _ in windows.states}) == 1


def test_the_screen_tells_its_scale_and_contrast(windows: FakeWindows) -> None:
    assert (display.display_scale(windows), display.high_contrast(windows)) == (1.0, False)
    windows.dpi, windows.contrast = 192, True
    assert (display.display_scale(windows), display.high_contrast(windows)) == (2.0, True)
    windows.dpi = 0
    display.make_dpi_aware(windows)


# --- PowerShell ------------------------------------------------------------------------------------------------------


def test_a_script_reaches_powershell_in_clear_and_whole() -> None:
    script = "Write-Output \"€ $($x) 'C:\\' `n & del *\""
    command = powershell.command_for(script)
    assert command[-2] == "-Command"
    assert command[-1].endswith(script)
    assert ntpath.isabs(command[0])
    assert as_a_program_reads_it(subprocess.list2cmdline(command)) == command


def as_a_program_reads_it(line: str) -> list[str]:
    """The words of a command line as every program built with Microsoft's compiler takes them apart."""
    words, word, quoted, place = [], "", False, 0
    while place < len(line):
        backslashes = len(line[place:]) - len(line[place:].lstrip("\\"))
        after = line[place + backslashes:place + backslashes + 1]
        if backslashes and after == '"':
            word += "\\" * (backslashes // 2)
            place += backslashes
            if backslashes % 2:
                word, place = word + '"', place + 1
        elif backslashes:
            word, place = word + "\\" * backslashes, place + backslashes
        elif after == '"':
            quoted, place = not quoted, place + 1
        elif after == " " and not quoted:
            words, word, place = [*words, word], "", place + 1
        else:
            word, place = word + after, place + 1
    return [*words, word]


@given(st.text(max_size=30))
def test_a_literal_never_ends_before_its_end(text: str) -> None:
    inner = powershell.quoted(text)[1:-1]
    quotes = "'\u2018\u2019\u201a\u201b"
    place, read = 0, ""
    while place < len(inner):  # as PowerShell's own reader does
        if inner[place] in quotes:
            assert inner[place + 1:place + 2] in set(quotes)
            place += 1
        read += inner[place]
        place += 1
    assert read == text


@pytest.mark.parametrize("output", [b"", b"\r\n", b"Access denied.", b"\xff\xfe\x00", b"[1]", b"null", b"3"])
def test_an_answer_that_is_none_is_empty(output: bytes) -> None:
    assert powershell.read_answer(output) == {}


def test_an_answer_is_found_behind_the_greeting_of_a_module() -> None:
    output = b"\xef\xbb\xbfWARNING: The names of some imported commands\r\n{\"left\":0}\r\n\r\n"
    assert powershell.read_answer(output) == {"left": 0}
    assert powershell.records([{"a": 1}, None, "x"]) == powershell.records({"a": 1}) == [{"a": 1}]


def test_windows_itself_is_asked_on_windows_only() -> None:
    assert sys.platform != "win32"
    with pytest.raises(OSError, match="Windows only"):
        windows_calls.native()
