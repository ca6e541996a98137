"""Folders as they are on real computers: missing, empty, unreadable, alive, oddly named, full of loops and pipes."""
from __future__ import annotations

import os
import random
import shutil
import stat
import threading
from pathlib import Path

import pytest

from tests.parts.house import Computer, Ended, House
from tests.parts.trees import ODD_NAMES, files_of, noise, picture, plant, write
from tests.stories.conftest import OpenHouse

DONE, FAILED, SKIPPED = 0, 1, 3


@pytest.fixture
def computer(house: House) -> Computer:
    """A computer with one snapshot of a person's folder."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    plant(computer.source)
    computer.must_back_up()
    return computer


def test_a_protected_folder_that_is_missing_keeps_its_earlier_copies(computer: Computer) -> None:
    before = picture(computer.source)
    computer.source.rename(computer.folder / "elsewhere")
    ended = computer.back_up()
    assert ended.code == SKIPPED
    assert "IBS-4102" in computer("log").said
    assert picture(computer.must_restore(ended.json["snapshot"])) == before
    (computer.folder / "elsewhere").rename(computer.source)
    assert picture(computer.must_restore(computer.must_back_up())) == before


def test_a_protected_folder_that_is_empty_is_backed_up_as_such(computer: Computer) -> None:
    before = picture(computer.source)
    shutil.rmtree(computer.source)
    computer.source.mkdir()
    assert computer.must_back_up() == 2
    assert list(computer.must_restore(2).iterdir()) == []
    assert picture(computer.must_restore(1)) == before


def back_up_without_privileges(computer: Computer) -> Ended:
    """As a person whom permissions bind: root reads everything unless it gives that up."""
    import subprocess

    words = computer.command("backup", "--json")
    if os.geteuid() == 0:
        words = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def test_what_may_not_be_read_is_named_and_keeps_its_last_copy(computer: Computer) -> None:
    before = picture(computer.source)
    write(computer.source / "private", "changed, and closed", mode=0)
    write(computer.source / "new and closed", "nobody reads this", mode=0)
    (computer.source / "letters").chmod(0)
    ended = back_up_without_privileges(computer)
    (computer.source / "letters").chmod(0o755)
    assert ended.code == SKIPPED, ended
    assert ended.json["skipped"] == 3
    log = computer("log").said
    for name in ("private", "new and closed", "letters"):
        assert f"skipped {computer.source / name}: Permission denied (IBS-4101)" in log
    after = picture(computer.must_restore(2))
    assert after[b"private"] == before[b"private"]
    assert b"new and closed" not in after
    for path in files_of(before):
        if path.startswith(b"letters/"):
            assert after[path] == before[path]


def test_files_that_vanish_or_change_before_they_are_read_are_taken_as_they_are_then(computer: Computer) -> None:
    for number in range(40):
        write(computer.source / f"film {number:02}", noise(480_000, number))
    write(computer.source / "zz gone", "here")
    write(computer.source / "zz longer", "short")

    def meddle() -> None:
        (computer.source / "zz gone").unlink()
        write(computer.source / "zz longer", "no longer short")

    computer.house.at_request("/packs", meddle)
    assert computer.must_back_up() == 2
    after = picture(computer.must_restore(2))
    assert b"zz gone" not in after
    assert after[b"zz longer"] == picture(computer.source)[b"zz longer"]


def test_a_folder_that_vanishes_while_the_backup_runs_is_named(computer: Computer) -> None:
    write(computer.source / "zz folder/kept", "in the snapshot before")
    computer.must_back_up()
    for number in range(40):
        write(computer.source / f"film {number:02}", noise(480_000, number))
    computer.house.at_request("/packs", lambda: shutil.rmtree(computer.source / "zz folder"))
    ended = computer.back_up()
    assert ended.code == SKIPPED
    assert f"{computer.source / 'zz folder'}: No such file or directory (IBS-4101)" in computer("log").said
    assert (computer.must_restore(3) / "zz folder/kept").read_text() == "in the snapshot before"
    assert picture(computer.must_restore(computer.must_back_up())) == picture(computer.source)


def test_a_file_that_is_written_all_the_time_is_stored_as_it_was_read(computer: Computer) -> None:
    journal = write(computer.source / "journal", noise(12_000_000))
    stop = threading.Event()

    def write_on() -> None:
        with journal.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(noise(100, 1))

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        ended = computer.back_up()
    finally:
        stop.set()
        writer.join()
    assert ended.code == DONE, ended
    assert "IBS-4107" in computer("log").said or "was written while it was read" in computer("log").said
    stored = (computer.must_restore(2) / "journal").read_bytes()
    assert len(stored) >= 12_000_000
    assert journal.read_bytes().startswith(stored)
    assert picture(computer.must_restore(computer.must_back_up())) == picture(computer.source)


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_f18_every_name_comes_back_through_backup_catalogue_pages_zip_and_restore(
    open_house: OpenHouse, database: str,
) -> None:
    house = open_house(database)
    computer = house.computer(house.sell("alice"))
    source = os.fsencode(computer.source)
    chance = random.Random(18)
    letters = bytes(sign for sign in range(1, 256) if sign != ord("/"))
    fuzz = {bytes(chance.choices(letters, k=chance.randint(1, 255))) for _ in range(150)} - {b".", b".."}
    for number, name in enumerate(sorted({*ODD_NAMES, *fuzz})):
        with open(os.path.join(source, name), "wb") as file:
            file.write(b"%d" % number)
    for name in ODD_NAMES:
        os.makedirs(os.path.join(source, b"folders", name, name))
        with open(os.path.join(source, b"folders", name, name, b"in it"), "wb") as file:
            file.write(name)
        os.symlink(name, os.path.join(source, b"folders", b"l" + name[:200]))
    for step in (b"a", b"a b", b"a-b", b"a.b", b"ab", b"A", b"a "):  # they sort around the slash
        os.makedirs(os.path.join(source, b"slash", step))
        with open(os.path.join(source, b"slash", step, b"f"), "wb") as file:
            file.write(step)
    before = picture(computer.source)
    assert computer.must_back_up() == 1
    again = computer.back_up()
    assert (again.code, again.json["stored"]) == (DONE, 0)
    assert picture(computer.must_restore(1)) == before
    assert picture(computer.must_restore(2)) == before
    files = house.browser("alice").get(f"/files/{computer.id}/2/download/").zip
    contents = sorted(content for name, content in files.items() if not name.endswith("About this archive.txt"))
    assert contents == sorted(Path(os.fsdecode(os.path.join(source, path))).read_bytes() for path in files_of(before))
    assert len({name.casefold() for name in files}) == len(files)
    listed = computer("list", "1", computer.source, "--json").json
    assert {os.fsencode(entry["name"]) for entry in listed["entries"]} == set(os.listdir(source))


def test_loops_sockets_pipes_and_devices_do_no_harm(computer: Computer) -> None:
    (computer.source / "loop").symlink_to("loop")
    (computer.source / "letters/up").symlink_to("..")
    (computer.source / "round").symlink_to(computer.source)
    os.mkfifo(computer.source / "pipe")
    os.mknod(computer.source / "socket", stat.S_IFSOCK | 0o600)
    assert computer.must_back_up() == 2
    assert picture(computer.must_restore(2)) == picture(computer.source)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><settings><folder path="&c;"/></settings>"""
OUTSIDE = b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><settings><folder path="&x;"/></settings>'


@pytest.mark.parametrize("hostile", [BOMB, OUTSIDE, b"", b"<settings", bytes(100), b"<other/>"],
                         ids=["bomb", "outside", "empty", "truncated", "zeros", "foreign"])
def test_broken_or_hostile_files_of_the_store_cost_no_backup(computer: Computer, hostile: bytes) -> None:
    assert computer("exclude", "add", "*.tmp").code == DONE  # so that there is a version before
    before = picture(computer.source)
    for name in ("settings.xml", "identity.xml", "index.xml", "run.xml", "hardware.xml", "checked.xml"):
        (computer.home / name).write_bytes(hostile)
    assert computer.must_back_up() == 2
    assert "root:" not in (computer.home / "settings.xml").read_text()
    assert picture(computer.must_restore(2)) == before
    for name in ("settings.xml", "settings.xml.bak"):
        (computer.home / name).write_bytes(hostile)
    computer.back_up().must_say(FAILED, "IBS-9202")
    assert picture(computer.must_restore(1)) == before


def test_f17_content_behind_an_old_time_is_found_at_once_by_a_pattern_and_else_within_a_month(
    computer: Computer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    hide_what_only_linux_knows(monkeypatch)
    marked = write(computer.source / "safe.hc", noise(1_000_000, 1), mtime_ns=10**18)
    others = [write(computer.source / f"box {number}", noise(10_000, number), mtime_ns=10**18) for number in range(3)]
    settings = computer.home / "settings.xml"
    settings.write_text(settings.read_text().replace("</settings>", '<always-hash path="*.hc" /></settings>'))
    computer.must_back_up()
    for path in (marked, *others):
        write(path, noise(path.stat().st_size, 99), mtime_ns=10**18)
    first = computer.must_back_up()
    assert (computer.must_restore(first) / "safe.hc").read_bytes() == marked.read_bytes()
    month_ago = (computer.home / "index.xml").stat().st_mtime - 30 * 86_400
    os.utime(computer.home / "index.xml", (month_ago, month_ago))
    last = computer.must_back_up()
    assert picture(computer.must_restore(last)) == picture(computer.source)


def hide_what_only_linux_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time of change and no inode, as on Windows."""
    import sys

    from client.system import sources

    describe = sources.describe_status
    for module in [module for name, module in sys.modules.items() if name.startswith("client")]:
        if getattr(module, "describe_status", None) is describe:
            monkeypatch.setattr(module, "describe_status", lambda status: (*describe(status)[:3], 0, 0))
