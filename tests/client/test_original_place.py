"""Restoring to where everything was, where links lead to a protected folder: by the backup's way and no other."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.restores.original_place import OriginalPlace, on_the_way
from client.restores.target import write_fully
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")


@pytest.fixture
def anna(tmp_path: Path) -> Path:
    """A home as some systems have it: people leads to var/people by a link."""
    (tmp_path / "var/people/anna/letters").mkdir(parents=True)
    (tmp_path / "var/people/anna/letters/one.txt").write_text("Dear Bob")
    (tmp_path / "people").symlink_to("var/people")
    return tmp_path / "people/anna"


def restore(place: OriginalPlace, path: Path, content: bytes) -> None:
    *folder, name = (os.fsencode(part) for part in path.parts[1:])
    there = place.folder(tuple(folder))
    temporary, file = place.begin(there)
    write_fully(file, content)
    place.finish(there, temporary, file, name, 0, 0o644)


def test_a_home_behind_a_link_comes_back_to_where_it_was(
    client: Client, running_portal: RunningPortal, anna: Path, tmp_path: Path,
) -> None:
    assert client.enrol(running_portal).code == 0
    assert client("folder", "add", str(anna)).code == 0
    assert client("backup").code == 0
    (anna / "letters/one.txt").unlink()
    (anna / "letters").rmdir()
    ended = client("restore", "--in-place", "--json")
    assert ended.code == 0, ended.complained
    assert (tmp_path / "var/people/anna/letters/one.txt").read_text() == "Dear Bob"
    assert (tmp_path / "people").is_symlink()


def test_nothing_is_written_through_a_link_inside_a_protected_folder(
    client: Client, running_portal: RunningPortal, anna: Path, tmp_path: Path,
) -> None:
    assert client.enrol(running_portal).code == 0
    assert client("folder", "add", str(anna)).code == 0
    assert client("folder", "add", str(anna / "letters")).code == 0  # a part of the other one, whose links are kept
    assert client("backup").code == 0
    (anna / "letters").rename(anna / "moved")
    (tmp_path / "elsewhere").mkdir()
    (anna / "letters").symlink_to(tmp_path / "elsewhere")
    ended = client("restore", "--in-place")
    assert ended.code == 3
    assert "a link or a file is in the way of its folder" in ended.complained
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_is_followed_only_where_nobody_else_can_have_put_it(anna: Path, tmp_path: Path) -> None:
    restore(OriginalPlace(folders=[str(anna)]), anna / "two.txt", b"2")
    assert (tmp_path / "var/people/anna/two.txt").read_bytes() == b"2"
    for spoil, mend in (
        (lambda: os.chown(tmp_path / "people", 4711, 4711, follow_symlinks=False),
         lambda: os.chown(tmp_path / "people", 0, 0, follow_symlinks=False)),
        (lambda: tmp_path.chmod(0o777), lambda: tmp_path.chmod(0o700)),
    ):
        spoil()
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            restore(OriginalPlace(folders=[str(anna)]), anna / "three.txt", b"3")
        mend()
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        restore(OriginalPlace(folders=[]), anna / "three.txt", b"3")
    restore(OriginalPlace(folders=[str(anna)]), anna / "three.txt", b"3")


def test_links_that_lead_to_others_are_each_looked_at_and_an_endless_one_ends(anna: Path, tmp_path: Path) -> None:
    (tmp_path / "users").symlink_to(tmp_path / "people")
    place = OriginalPlace(folders=[str(tmp_path / "users/anna")])
    restore(place, tmp_path / "users/anna/four.txt", b"4")
    assert (tmp_path / "var/people/anna/four.txt").read_bytes() == b"4"
    os.chown(tmp_path / "people", 4711, 4711, follow_symlinks=False)
    place = OriginalPlace(folders=[str(tmp_path / "users/anna")])
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        restore(place, tmp_path / "users/anna/five.txt", b"5")
    (tmp_path / "round").symlink_to("about")
    (tmp_path / "about").symlink_to("round")
    with pytest.raises(OSError, match=r"Too many levels"):
        restore(OriginalPlace(folders=[str(tmp_path / "round")]), tmp_path / "round/six.txt", b"6")


def test_what_lies_inside_a_protected_folder_is_no_way_to_one() -> None:
    assert on_the_way(["/home/anna", "/home/anna/data/x"]) == {(b"home",), (b"home", b"anna")}
    assert on_the_way(["/"]) == frozenset()
