"""Restoring with the command, from a real portal and its storage: what comes back is what was there."""
from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.commands.restore import read_moment
from client.restores.restore import choose_snapshot, outermost
from client.restores.target import Target, fold, safe_name
from client.system.windows.paths import decode_name as windows_decode_name
from protocol.messages import Snapshot
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal
from tests.client.test_recover import found
from vault.errors import SnapshotMissing

pytestmark = pytest.mark.xdist_group("running_portal")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a large file, links, and odd names."""
    folder = tmp_path / "documents"
    (folder / "photos" / "empty").mkdir(parents=True)
    (folder / "letter").write_text("Dear Bob\n")
    (folder / "letter").chmod(0o640)
    (folder / "photos" / "sea.jpg").write_bytes(os.urandom(3_000_000))
    (folder / "photos" / "link").symlink_to("../letter")
    (folder / "a").mkdir()
    (folder / "a" / "inside").write_text("in a")
    (folder / "a b").write_text("beside a/")
    Path(os.fsdecode(os.fsencode(folder) + b"/odd \xff\n\x01 ")).write_text("odd")
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789), follow_symlinks=False)
    (folder / "photos").chmod(0o750)
    return folder


@pytest.fixture
def backed_up(client: Client, running_portal: RunningPortal, source: Path) -> Client:
    """A computer with two snapshots of `source`."""
    assert client.enrol(running_portal).code == 0
    assert client("folder", "add", str(source)).code == 0
    assert client("backup").code == 0
    return client


def at(target: Path, path: Path) -> Path:
    """Where a restore to `target` puts what lay at `path`."""
    return target / path.relative_to("/")


def test_both_snapshots_come_back_as_they_were(backed_up: Client, source: Path, tmp_path: Path) -> None:
    before = found(source)
    (source / "letter").write_text("Dear Carol\n")
    (source / "a b").unlink()
    (source / "new").write_text("new")
    after = found(source)
    assert backed_up("backup").code == 0
    numbers = [snapshot["number"] for snapshot in backed_up("snapshots", "--json").json]
    for number, tree in zip(numbers, (before, after), strict=True):
        ended = backed_up("restore", "--snapshot", str(number), "--to", str(tmp_path / f"to {number}"), "--json")
        assert ended.code == 0, ended.complained
        assert found(at(tmp_path / f"to {number}", source)) == tree
        assert ended.json["files"] == sum(item.kind == 1 for item in tree.values())
        assert ended.json["bytes"] == sum(len(item.content) for item in tree.values() if item.kind == 1)


def test_only_what_is_named_comes_back(backed_up: Client, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "part"
    ended = backed_up("restore", "--to", str(target), str(source / "photos"), str(source / "a" / "inside"))
    assert ended.code == 0, ended.complained
    tree = {path: item for path, item in found(source).items() if path[0] == b"photos" or path == (b"a", b"inside")}
    restored = found(at(target, source))
    del restored[(b"a",)]  # the way to a file that was named, not part of what was
    assert restored == tree


def test_a_path_that_is_not_there_restores_nothing(backed_up: Client, source: Path, tmp_path: Path) -> None:
    for path in (source / "missing", source / "letter" / "below", Path("/nowhere/at/all")):
        ended = backed_up("restore", "--to", str(tmp_path / "none"), str(source / "a"), str(path))
        assert ended.code == 1
        assert "IBS-4205" in ended.complained
    assert not (tmp_path / "none").exists()


def test_what_is_there_stays_and_the_exit_code_says_so(backed_up: Client, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    at(target, source).mkdir(parents=True)
    (at(target, source) / "letter").write_text("mine")
    ended = backed_up("restore", "--to", str(target))
    assert ended.code == 3
    assert "IBS-4201" in ended.complained
    assert (at(target, source) / "letter").read_text() == "mine"
    assert (at(target, source) / "a b").read_text() == "beside a/"
    assert backed_up("restore", "--to", str(target), "--overwrite").code == 0
    assert (at(target, source) / "letter").read_text() == "Dear Bob\n"


def test_a_flipped_byte_in_a_pack_costs_its_file_alone(
    backed_up: Client, running_portal: RunningPortal, source: Path, tmp_path: Path
) -> None:
    packs = sorted(running_portal.data.rglob("*.ibp"), key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(packs[-1].read_bytes())
    content[len(content) // 2] ^= 1  # within the picture, which is nearly all of it
    packs[-1].write_bytes(content)
    ended = backed_up("restore", "--to", str(tmp_path / "target"))
    assert ended.code == 3
    assert "photos/sea.jpg" in ended.complained
    assert "IBS-5201" in ended.complained
    intact = {path: item for path, item in found(source).items() if path[-1] != b"sea.jpg"}
    assert found(at(tmp_path / "target", source)) == intact


def test_there_is_no_such_snapshot(backed_up: Client, tmp_path: Path) -> None:
    for which in (["--snapshot", "99"], ["--date", "2001-01-01"]):
        ended = backed_up("restore", *which, "--to", str(tmp_path / "none"))
        assert ended.code == 1
        assert "IBS-5302" in ended.complained
    assert not (tmp_path / "none").exists()


def test_recover_brings_back_the_same_without_the_portal(
    make_client: Callable[[str], Client], running_portal: RunningPortal, source: Path, tmp_path: Path
) -> None:
    client = make_client("home")
    code = client.enrol(running_portal, "--json").json["recovery_code"]
    client("folder", "add", str(source))
    assert client("backup").code == 0
    before = found(source)
    (source / "a" / "inside").unlink()
    (source / "a").rmdir()
    (source / "a").write_text("a file where a folder was")
    (source / "a b").unlink()
    (source / "a b").mkdir()
    (source / "a b" / "inside").write_text("a folder where a file was")
    (source / "letter").write_text("Dear Carol\n")
    assert client("backup").code == 0
    after = found(source)

    folder = max(running_portal.data.glob("storage/*/ibs-vault.json"), key=lambda path: path.stat().st_mtime).parent
    stranger = make_client("another computer")
    words = ("recover", str(folder.parent), folder.name)
    wrong = stranger(*words, "--to", str(tmp_path / "wrong"), words="\n0000-0000-0000-0000-0000-0000-0000\n")
    assert wrong.code == 1
    assert "IBS-5301" in wrong.complained
    assert not (tmp_path / "wrong").exists()
    for number, tree in enumerate((before, after), 1):
        target = tmp_path / f"recovered {number}"
        ended = stranger(*words, "--to", str(target), "--snapshot", str(number), words=f"\n{code}\n")
        assert ended.code == 0, ended.complained
        assert "fingerprint" in ended.complained
        assert found(at(target, source)) == tree


def snapshot(number: int, day: int) -> Snapshot:
    return Snapshot(number=number, finished_at=datetime(2026, 3, day, tzinfo=UTC), files=1, bytes=1, stored=1,
                    commit_hash=bytes(32))


def test_the_newest_by_a_date_is_chosen() -> None:
    known = [snapshot(1, 1), snapshot(2, 5), snapshot(5, 9)]
    assert choose_snapshot(known, None, None).number == 5
    assert choose_snapshot(known, 2, None).number == 2
    assert choose_snapshot(known, None, datetime(2026, 3, 8, tzinfo=UTC)).number == 2
    for number, date in ((3, None), (None, datetime(2026, 2, 1, tzinfo=UTC))):
        with pytest.raises(SnapshotMissing):
            choose_snapshot(known, number, date)
    with pytest.raises(SnapshotMissing, match="no snapshot yet"):
        choose_snapshot([], None, None)


@pytest.mark.parametrize("zone", ["UTC", "America/Lima", "Asia/Tokyo"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_an_end_of_the_calendar_is_a_time_or_told_in_words(
    day: str, zone: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        said = str(read_moment(day).tzinfo)
    except argparse.ArgumentTypeError as error:
        said = str(error)
    monkeypatch.undo()
    time.tzset()
    assert said in {"UTC", "-05", "JST", "LMT", f"'{day}' is too far away; no backup can be of that time"}


def test_paths_inside_others_are_asked_for_once() -> None:
    assert outermost([(b"a", b"b"), (b"a",), (b"a b",), (b"a",)]) == [(b"a",), (b"a b",)]
    assert outermost([(b"a",), ()]) == []


def test_every_name_can_be_compared_even_one_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fold("\u212a.txt".encode()) == b"k.txt"  # the sign for kelvin
    assert fold(b"\xff.TXT") == fold(b"\xff.txt")
    monkeypatch.setattr("client.restores.target.decode_name", windows_decode_name)
    alone = "\ud83d.TXT".encode("utf-8", "surrogatepass")  # half a character, which Windows allows in names
    assert fold(alone) == fold(alone.lower())


def test_names_that_a_system_cannot_hold_are_changed_and_stay_different() -> None:
    for name in (b"plain", b"with space", "ümläut 🙂".encode(), b"\xff\x01", b"x" * 255, b"con", b"a:b"):
        assert safe_name(name, windows=False) == name
    changed = [safe_name(name, windows=False) for name in (b"a/b", b"a\0b", b"..", b".", b"", b"x" * 256, b"x" * 257)]
    assert len(set(changed)) == len(changed)
    assert all(len(name) <= 255 and b"/" not in name and b"\0" not in name for name in changed)
    names = [b"CON", b"con.txt", b"lpt1", b"a:b", b"a?b", b"end.", b"end ", b"tab\t", b"back\\slash", b"aux"]
    changed = [safe_name(name, windows=True) for name in names]
    assert len(set(changed)) == len(changed)
    assert all(before != after for before, after in zip(names, changed, strict=True))
    assert safe_name(b"C", windows=True) == b"C"
    assert safe_name(b"console", windows=True) == b"console"


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_names_that_a_disk_takes_for_one_do_not_replace_each_other(tmp_path: Path, *, overwrite: bool) -> None:
    target = Target(tmp_path / "stick", overwrite=overwrite)
    folder = target.folder((b"letters",))
    assert not folder.holds(b"Anna.txt")
    assert not folder.holds(b"anna.txt")
    target.write(folder, b"anna.txt", b"small", 0, 0o644)
    os.link(tmp_path / "stick/letters/anna.txt", tmp_path / "stick/letters/Anna.txt")  # as such a disk shows it
    with pytest.raises(FileExistsError):
        target.write(folder, b"Anna.txt", b"capital", 0, 0o644)
    assert (tmp_path / "stick/letters/anna.txt").read_bytes() == b"small"
    target.write(folder, b"Bob.txt", b"nobody else", 0, 0o644)
