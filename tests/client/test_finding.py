"""Finding files to restore by command: by name over all snapshots, their versions, and what a restore would do."""
from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from client.names import path_of, steps_of
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")


@pytest.fixture
def twice(protected: Client, source: Path) -> Client:
    """Backed up twice: one letter has changed, one file is gone."""
    assert protected("backup").code == 0
    (source / "letters" / "one.txt").write_text("another one\n")
    (source / "big.bin").unlink()
    assert protected("backup").code == 0
    return protected


def test_it_finds_files_by_a_part_of_their_names_be_they_gone(twice: Client, source: Path) -> None:
    found = twice("find", "BIG", "--json").json
    assert found["more"] == ""
    assert [(one["path"], one["size"], one["versions"], one["snapshot"], one["still"]) for one in found["found"]] == [
        (str(source / "big.bin"), 700_000, 1, 1, False),
    ]
    assert "1 version" in twice("find", "big").said
    assert "Nothing of that name" in twice("find", "no such name").complained
    assert "IBS-5102" not in twice("find", "x").complained
    assert twice("find", "x").code != 0


def test_a_name_that_no_text_can_spell_is_found_and_restored_by_what_the_answer_says(
    twice: Client, source: Path, tmp_path: Path,
) -> None:
    found = twice("find", "caf", "--json").json["found"]
    assert len(found) == 1
    path = found[0]["path"]
    assert os.fsencode(path) == os.fsencode(source) + b"/letters/caf\xe9\x1b[31m\n.txt"
    assert "\x1b" not in twice("find", "caf").said
    restored = twice("restore", "--to", str(tmp_path / "back"), path, "--json")
    assert restored.json["files"] == 1
    assert (tmp_path / "back" / path.lstrip("/")).read_bytes() == b"two\n"


def test_the_versions_of_a_file_lead_to_the_newest_snapshots_with_them(twice: Client, source: Path) -> None:
    path = str(source / "letters" / "one.txt")
    versions = twice("versions", path, "--json").json
    assert (versions["total"], versions["pages"]) == (2, 1)
    assert [(one["snapshot"], one["size"], one["still"]) for one in versions["versions"]] == [
        (2, 12, True), (1, 4, False),
    ]
    assert len(twice("versions", path).said.splitlines()) == 2
    assert "IBS-" in twice("versions", str(source / "never there")).complained


def test_another_computer_finds_nothing_of_it(
    twice: Client, running_portal: RunningPortal, make_client: Callable[[str], Client],
) -> None:
    other = make_client("other")
    assert other.enrol(running_portal).code == 0
    assert other("find", "one.txt", "--json").json["found"] == []


def test_a_dry_run_tells_what_is_in_the_way_and_what_is_newer(twice: Client, source: Path, tmp_path: Path) -> None:
    letters = str(source / "letters")
    plan = twice("restore", "--dry-run", "--snapshot", "1", "--in-place", "--json").json
    assert plan == {"snapshot": 1, "files": 3, "bytes": 700_008, "existing": 2, "newer": 1}
    plan = twice("restore", "--dry-run", "--to", str(tmp_path / "new"), letters, "--json").json
    assert (plan["files"], plan["existing"], plan["newer"]) == (2, 0, 0)
    assert not (tmp_path / "new").exists()
    assert "2 files" in twice("restore", "--dry-run", "--to", str(tmp_path / "new"), letters).said


def test_files_go_back_to_where_they_were_and_what_is_there_stays_unless_told_otherwise(
    twice: Client, source: Path,
) -> None:
    restored = twice("restore", "--snapshot", "1", "--in-place", "--json")
    assert restored.code == 3
    assert (source / "big.bin").stat().st_size == 700_000
    assert (source / "letters" / "one.txt").read_text() == "another one\n"
    restored = twice("restore", "--snapshot", "1", "--in-place", "--overwrite", str(source / "letters"), "--json")
    assert restored.code == 0
    assert (source / "letters" / "one.txt").read_text() == "one\n"


def test_a_long_choice_comes_by_standard_input(twice: Client, source: Path, tmp_path: Path) -> None:
    paths = [str(source / "letters" / "one.txt"), str(source / "big.bin")]
    restored = twice("restore", "--snapshot", "1", "--to", str(tmp_path / "back"), "--paths-from-stdin", "--json",
                     words=json.dumps(paths) + "\n")
    assert restored.json["files"] == 2
    for unusable in ("{}\n", "[]\n", '[""]\n', ""):
        refused = twice("restore", "--to", str(tmp_path / "other"), "--paths-from-stdin", words=unusable)
        assert "(IBS-4207)" in refused.complained, unusable
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("path", ["/", "/home", "/home/alice/a b.txt"])
def test_paths_and_steps_say_the_same(path: str) -> None:
    assert path_of(steps_of(path)) == path


def test_windows_paths_begin_with_their_drive_or_share() -> None:
    assert path_of([b"C", b"Users", b"a.txt"], windows=True) == "C:\\Users\\a.txt"
    assert path_of([b"C"], windows=True) == "C:\\"
    assert path_of([b"server", b"share", b"a.txt"], windows=True) == "\\\\server\\share\\a.txt"
