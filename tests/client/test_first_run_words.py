"""The first run, the choice of folders and the page Folders in words, without a display."""
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client.computer.measure import measure_folder
from client.computer.places import places_below
from client.gui.presenters.first_run import (
    check_sign_in,
    check_time,
    complete_address,
    describe_sum,
    enrol_words,
    outermost,
    schedule_words,
    write_sheet,
)
from client.gui.presenters.folders import (
    check_pattern,
    describe_folders,
    describe_left_out,
    describe_missing,
    describe_uncounted,
    removal_question,
)
from client.gui.presenters.problems import describe_problem
from client.gui.presenters.selection import box_of, place_name, toggle

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD = {"address": "https://backup.example.com", "user": "priya", "password": "secret", "code": ""}


@pytest.mark.parametrize(("typed", "address"), [
    ("backup.example.com", "https://backup.example.com"), (" https://backup.example.com/ ", "https://backup.example.com"),
    ("127.0.0.1:8080", "http://127.0.0.1:8080"), ("localhost", "http://localhost"), ("http://10.0.0.1", "http://10.0.0.1"),
    ("127.evil.example", "https://127.evil.example"), ("", ""),
])
def test_it_completes_an_address_as_people_type_it(typed: str, address: str) -> None:
    assert complete_address(typed) == address


def test_it_finds_what_is_missing_before_anything_is_sent() -> None:
    assert check_sign_in(**GOOD, by_code=False) == {}
    assert set(check_sign_in("", "", "", "", by_code=False)) == {"address", "user", "password"}
    assert set(check_sign_in("a b", "", "", " ", by_code=True)) == {"address", "code"}


def test_it_puts_no_secret_into_the_command() -> None:
    assert enrol_words("backup.example.com", " priya ", by_code=False) == [
        "enrol", "https://backup.example.com", "--user", "priya", "--password-stdin", "--json"]
    assert enrol_words("localhost", "", by_code=True, authority="/ca.pem", again=True) == [
        "enrol", "http://localhost", "--code-stdin", "--ca", "/ca.pem", "--again", "--json"]


def test_the_recovery_sheet_holds_all_that_a_recovery_needs_and_fits_on_paper() -> None:
    sheet = write_sheet({"recovery_code": "AAAA-BBBB", "vault": "v-1", "customer_number": "C-000042",
                         "account": "priya", "computer": "c-1", "plan": "Gold"}, "https://backup.example.com", NOW)
    for part in ("AAAA-BBBB", "v-1", "C-000042", "https://backup.example.com", "23 November 2026"):
        assert part in sheet
    assert max(map(len, sheet.splitlines())) <= 72


@pytest.mark.parametrize(("measured", "quota", "state", "text"), [
    ({}, 10**9, "neutral", "No folder is chosen yet."),
    ({"/a": {"files": 3, "bytes": 10**8}}, 10**9, "ok", "1 folder: 3 files, 100 MB of 1.0 GB"),
    ({"/a": {"files": 3, "bytes": 10**8}, "/b": None}, 10**9, "ok",
     "2 folders: at least 3 files, 100 MB (counting…) of 1.0 GB"),
    ({"/a": {"files": 3, "bytes": 9 * 10**8}}, 10**9, "warn", "Not much room is left"),
    ({"/a": {"files": 3, "bytes": 2 * 10**9, "complete": False}}, 10**9, "error", "at least 3 files, 2.0 GB"),
    ({"/a": {"files": 1, "bytes": 5}}, 0, "ok", "1 folder: 1 file, 5 bytes"),
])
def test_it_adds_up_what_is_ticked(measured: dict[str, Any], quota: int, state: str, text: str) -> None:
    view = describe_sum(measured, 0, quota)
    assert view.state == state
    assert text in view.text


def test_it_words_a_schedule_as_a_command() -> None:
    assert schedule_words("daily", "18:00", catch_up=True) == [
        "schedule", "set", "daily", "--at", "18:00", "--catch-up", "--json"]
    assert schedule_words("workdays", "7:30", catch_up=False)[2:5] == ["weekly", "--days", "mon,tue,wed,thu,fri"]
    assert "--all-day" in schedule_words("hourly", "", catch_up=True)
    assert schedule_words("off", "", catch_up=True) == ["schedule", "off", "--json"]
    assert [bool(check_time(text)) for text in ("18:00", "7:30", "24:00", "7 o'clock", "")] == [
        False, False, True, True, True]


def test_a_click_ticks_a_folder_with_all_below_it() -> None:
    chosen, said = toggle("/home/p/Documents/Letters", frozenset())
    assert (box_of("/home/p/Documents/Letters", chosen), box_of("/home/p/Documents", chosen)) == ("on", "part")
    assert not said
    chosen, _ = toggle("/home/p/Documents", chosen)
    assert chosen == {"/home/p/Documents"}
    assert box_of("/home/p/Documents/Letters/2026", chosen) == "on"
    kept, said = toggle("/home/p/Documents/Letters", chosen)
    assert kept == chosen
    assert "is part of “Documents”" in said
    assert toggle("/home/p/Documents", chosen)[0] == frozenset()
    assert box_of("/home/p/Documents2", chosen) == "off"


def test_drives_and_roots_are_ticked_like_any_folder() -> None:
    assert box_of("C:\\Users", frozenset({"C:\\"})) == "on"
    assert box_of("/", frozenset({"/home"})) == "part"
    assert outermost(["/", "/home"]) == ["/"]
    assert outermost(["C:\\a\\b", "C:\\a", "D:\\"]) == ["C:\\a", "D:\\"]
    assert place_name({"path": "/", "name": "/", "kind": "drive"}) == "This computer (/)"


def test_it_says_of_each_folder_how_it_is() -> None:
    overview = {"last_done": {"ended": "2026-11-23T09:14:00Z"}, "folders": [
        {"path": "/a", "files": 18, "bytes": 42_000_000, "missing_since": None},
        {"path": "E:\\Photos", "files": 3, "bytes": 10, "missing_since": "2026-11-20T10:00:00Z"},
        {"path": "/new", "files": 0, "bytes": 0, "missing_since": None},
    ]}
    lines = describe_folders(overview, NOW)
    assert [(line.name, line.state) for line in lines] == [("/new", "neutral"), ("Photos (E:)", "warn"), ("/a", "ok")]
    assert lines[1].word.startswith("Not found since 20 Nov at")
    assert (lines[2].content, lines[0].known) == ("18 files, 42 MB", False)
    assert "“E:\\Photos” wasn't found. Plug the drive in" in describe_missing(lines)
    assert describe_missing(lines[2:]) == ""
    assert describe_uncounted({"path": "/new", "files": 0, "found": True}).word == "Nothing in it"
    assert describe_uncounted({"path": "/new", "files": 4, "found": True}).word == "Not backed up yet"
    assert describe_uncounted({"path": "/new", "files": 0, "found": False}).state == "warn"


def test_it_says_what_removing_means_for_earlier_copies() -> None:
    question, consequence = removal_question(["/home/p/Documents"])
    assert question == "Stop backing up “Documents”?"
    assert "Earlier copies are kept as long as your plan keeps backups" in consequence
    assert "The files on this computer stay as they are." in consequence
    assert removal_question(["/a", "/b"])[0] == "Stop backing up 2 folders?"


def test_it_counts_what_a_pattern_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "cache/deep").mkdir(parents=True)
    (tmp_path / "cache/deep/one.bin").write_bytes(b"x" * 100)
    (tmp_path / "letter.odt").write_bytes(b"x" * 10)
    (tmp_path / "~letter.tmp").write_bytes(b"x" * 5)
    (tmp_path / "link").symlink_to(tmp_path / "cache")
    found = measure_folder(str(tmp_path), ("*.tmp", "cache"))
    assert (found.files, found.bytes, found.left_out_files, found.left_out_bytes) == (1, 10, 2, 105)
    assert describe_left_out(vars(found) | {"files": 2, "bytes": 105}, ["*.tmp"]) == "2 files, 105 bytes"
    assert describe_left_out({"files": 2, "bytes": 5, "complete": False}, ["x"]) == "At least 2 files, 5 bytes"
    assert describe_left_out({"files": 0, "bytes": 0}, ["x"]) == "Nothing in your folders fits now."
    assert describe_left_out(None, ["x"]) == "Counting…"
    assert [bool(check_pattern(text, ["*.bak"])) for text in ("*.tmp", "*.bak", " ", "*", "*.*")] == [
        False, True, True, True, True]


def test_a_look_at_a_slow_drive_ends_and_says_so(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/file").write_bytes(b"12")
    ticks = iter(range(1_000))
    found = measure_folder(str(tmp_path), seconds=3, clock=lambda: float(next(ticks)))
    assert not found.complete
    assert found.files < 5
    assert not measure_folder(str(tmp_path / "gone")).found


def test_it_lists_folders_to_choose_without_hidden_ones_and_links(tmp_path: Path) -> None:
    for name in ("beta", "Alpha/inside", ".hidden", "$Recycle"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "beta")
    (tmp_path / "file").write_text("x")
    assert [(place.name, place.deeper) for place in places_below(str(tmp_path))] == [("Alpha", True), ("beta", False)]
    assert places_below(str(tmp_path / "gone")) == []


def test_a_hint_that_names_a_command_has_one_for_the_window() -> None:
    found = describe_problem("No folder is protected.", "Choose one with “ibs-client folder add”.", "IBS-4103")
    assert (found.hint, found.button, found.page) == ("Choose one under Folders.", "Choose folders", "folders")
    there = describe_problem("Can't reach it. Your earlier backups are safe.", "The next backup tries again.",
                             "IBS-2201", signing_in=True)
    assert there.sentence == "Can't reach it."
    assert there.hint.startswith("Check the address")
