"""Restoring as on Windows: by paths instead of handles, at any length, with the attributes that files had."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.restores import target
from client.restores.target import Target

DAY = 86_400 * 10**9


@pytest.fixture
def attributes(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A system without handles of folders, and what it was asked to set; a read-only file can't be replaced there."""
    found: dict[str, int] = {}
    replace = os.replace

    def replace_writable(source: str, place: str, **how: object) -> None:
        if found.get(str(place), 0) & 1:
            raise PermissionError(13, "Access is denied", place)
        replace(source, place)

    monkeypatch.setattr(target, "_HANDLES", False)
    monkeypatch.setattr(target, "set_attributes", found.__setitem__)
    monkeypatch.setattr(target.os, "replace", replace_writable)
    return found


def write(into: Target, name: bytes, content: bytes, bits: int) -> None:
    into.write(into.folder((b"docs",)), name, content, DAY, bits)


def test_files_and_folders_get_their_times_and_attributes_back(tmp_path: Path, attributes: dict[str, int]) -> None:
    into = Target(tmp_path / "back", modes=False)
    into.describe_folder((b"docs",), 2 * DAY, 0x12)
    write(into, b"desktop.ini", b"[x]", 0x26)
    into.finish_folders()
    assert attributes == {str(tmp_path / "back/docs/desktop.ini"): 0x26, str(tmp_path / "back/docs"): 0x12}
    assert (tmp_path / "back/docs/desktop.ini").read_bytes() == b"[x]"
    assert (tmp_path / "back/docs/desktop.ini").stat().st_mtime_ns == DAY
    assert (tmp_path / "back/docs").stat().st_mtime_ns == 2 * DAY
    assert os.listdir(tmp_path / "back/docs") == ["desktop.ini"]


def test_a_read_only_file_is_replaced_when_that_is_wanted_and_only_then(
    tmp_path: Path, attributes: dict[str, int],
) -> None:
    write(Target(tmp_path, modes=False), b"contract", b"one", 0x21)
    with pytest.raises(FileExistsError):
        write(Target(tmp_path, modes=False), b"contract", b"two", 0x21)
    assert (tmp_path / "docs/contract").read_bytes() == b"one"
    write(Target(tmp_path, modes=False, overwrite=True), b"contract", b"two", 0x21)
    assert (tmp_path / "docs/contract").read_bytes() == b"two"
    assert attributes[str(tmp_path / "docs/contract")] == 0x21
    assert os.listdir(tmp_path / "docs") == ["contract"]


def test_a_link_to_a_folder_is_made_as_one(
    tmp_path: Path, attributes: dict[str, int], monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: dict[str, bool] = {}
    symlink = os.symlink

    def note(destination: str, place: str, target_is_directory: bool = False, **how: object) -> None:
        made[destination] = target_is_directory
        symlink(destination, place)

    monkeypatch.setattr(target.os, "symlink", note)
    into = Target(tmp_path, modes=False)
    into.link(into.folder(()), b"Application Data", b"C:\\Users\\a\\AppData", DAY, 0x16)
    into.link(into.folder(()), b"notes", b"notes.txt", DAY, 0x20)
    assert made == {"C:\\Users\\a\\AppData": True, "notes.txt": False}
    assert os.readlink(tmp_path / "notes") == "notes.txt"


def test_what_came_from_linux_keeps_the_new_places_attributes(tmp_path: Path, attributes: dict[str, int]) -> None:
    into = Target(tmp_path / "back", modes=True)
    into.describe_folder((b"docs",), DAY, 0o755)
    write(into, b"letter", b"Dear", 0o644)
    into.finish_folders()
    assert attributes == {}


def test_every_path_is_told_to_the_system_in_its_long_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def extend(path: str) -> str:
        seen.append(path)
        return path

    monkeypatch.setattr(target, "_HANDLES", False)
    monkeypatch.setattr(target, "read_live", extend)
    into = Target(tmp_path / "back")
    assert seen == [str(tmp_path / "back")]
    assert into.folder((b"a",) * 40).path == str(tmp_path / "back") + "/a" * 40
