"""Downloads: one file, a folder as ZIP, whole and verified or visibly failed."""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import AuditEvent, Pack, Version
from server.services.files.archives import LengthDiffers, Member, length_of, write_archive
from server.services.signing_in import sign_in
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld, Tree
from tests.parts.web_server import serve

WHEN = datetime(2026, 10, 5, 8, 30, 14, tzinfo=UTC)


def stored(world: PortalWorld, tree: Tree, *, pack_size: int = 1 << 20, piece: int = 40_000) -> BackedUp:
    """Alice's computer with one restore point of `tree`, cut into pieces."""
    box = world.computer(world.owner, "FRONT")
    box.pack_size = pack_size
    box.cut = lambda content: [content[start : start + piece] for start in range(0, len(content), piece)]
    box.store(tree, WHEN, links=((b"d", b"link"),))
    return box


def fetch(browser: PageClient, box: BackedUp, path: str) -> TestResponse:
    """The answer to a download."""
    return browser.get(f"/files/{box.computer.id}/1/download/{path}")


def unpacked(answer: TestResponse) -> dict[str, bytes]:
    """What a ZIP holds, checked; its announced length must be its true one."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.parametrize("size", [0, 1, 39_999, 40_000, 3_000_000])
def test_a_file_comes_whole_with_its_length_and_name(app: Flask, world: PortalWorld, size: int) -> None:
    content = os.urandom(size)
    box = stored(world, {(b"d", "Fotos – März.zip".encode()): content})
    answer = fetch(browse(app, "alice.front"), box, "d/Fotos – März.zip")
    assert answer.data == content
    assert answer.headers["Content-Length"] == str(size)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"Fotos _ M_rz.zip\"; filename*=UTF-8''Fotos%20%E2%80%93%20M%C3%A4rz.zip")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_file_of_many_chunks_comes_from_many_packs(app: Flask, world: PortalWorld) -> None:
    content = os.urandom(600_000)
    box = stored(world, {(b"d", b"large"): content}, pack_size=50_000, piece=100)
    version = db.session.scalar(select(Version).where(Version.name == b"large"))
    assert version is not None
    assert version.segments == 2
    assert db.session.query(Pack).count() > 10
    assert fetch(browse(app, "alice.front"), box, "d/large").data == content


@pytest.mark.parametrize("name", [b'a"b', b"a\r\nSet-Cookie: x=y", b"\xff", b"a/b", b"; filename=x.exe"])
def test_a_name_cannot_leave_its_header(app: Flask, world: PortalWorld, name: bytes) -> None:
    box = stored(world, {(b"d", name): b"1"})
    browser = browse(app, "alice.front")
    page = browser.get(f"/files/{box.computer.id}/1/folder/d").text
    address = next(part for part in page.split('"') if "/download/d/" in part)
    headers = browser.get(address.replace("&amp;", "&")).headers
    assert "Set-Cookie" not in headers or "x=y" not in headers["Set-Cookie"]
    value = headers["Content-Disposition"]
    assert value.count('"') == 2
    assert "\n" not in value
    assert value.split("filename*=")[1].count(";") == 0


def test_a_folder_comes_as_zip_of_announced_length(app: Flask, world: PortalWorld) -> None:
    tree: Tree = {
        (b"d", b"a.txt"): b"hello",
        (b"d", "ü".encode(), b"deep", b"b.bin"): os.urandom(200_000),
        (b"d", b"empty"): None,
        (b"d", b"zero"): b"",
        (b"other", b"no"): b"not this",
    }
    box = stored(world, tree)
    answer = fetch(browse(app, "alice.front"), box, "d")
    assert "filename*=UTF-8''d.zip" in answer.headers["Content-Disposition"]
    found = unpacked(answer)
    note = found.pop("d/About this archive.txt").decode()
    assert "left out, because it is a link: link" in note
    assert found == {
        "d/": b"", "d/a.txt": b"hello", "d/empty/": b"", "d/zero": b"", "d/ü/": b"", "d/ü/deep/": b"",
        "d/ü/deep/b.bin": tree[b"d", "ü".encode(), b"deep", b"b.bin"],
    }


def test_everything_comes_as_zip_named_by_computer_and_time(app: Flask, world: PortalWorld) -> None:
    world.alice.time_zone = "Asia/Kolkata"
    box = stored(world, {(b"x",): b"1", (b"d", b"y"): b"2"})
    answer = fetch(browse(app, "alice.front"), box, "")
    assert 'filename="FRONT 2026-10-05 14.00.zip"' in answer.headers["Content-Disposition"]
    assert unpacked(answer)["FRONT 2026-10-05 14.00/d/y"] == b"2"
    info = zipfile.ZipFile(io.BytesIO(answer.data)).getinfo("FRONT 2026-10-05 14.00/x")
    assert info.date_time == (2026, 10, 5, 14, 0, 14)
    assert info.compress_type == zipfile.ZIP_STORED


def test_f18_names_that_some_system_cannot_write_are_changed_and_told(app: Flask, world: PortalWorld) -> None:
    note_name = b"About this archive.txt"
    names = [b"a.txt", b"A.TXT", b"CON", b"nul.txt", b"what?", b"dot.", b"\xff\xfe", b"tab\t", note_name]
    box = stored(world, {(b"d", name): name for name in names})
    found = unpacked(fetch(browse(app, "alice.front"), box, "d"))
    note = found.pop("d/About this archive.txt").decode()
    del found["d/"]
    assert sorted(found.values()) == sorted(names)
    assert len({name.casefold() for name in found}) == len(names)
    assert found["d/_CON"] == b"CON"
    assert found["d/About this archive (2).txt"] == note_name
    assert "d/_CON was CON\r\n" in note
    assert "was ~FF~FE\r\n" in note


def test_f23_a_folder_of_a_thousand_small_files_is_byte_exact(app: Flask, world: PortalWorld) -> None:
    tree: Tree = {(b"d", b"%03d" % (number % 20), b"%04d.txt" % number): os.urandom(number) for number in range(1000)}
    box = stored(world, tree, pack_size=100_000)
    found = unpacked(fetch(browse(app, "alice.front"), box, "d"))
    files = {name: data for name, data in found.items() if not name.endswith("/")}
    del files["d/About this archive.txt"]
    assert files == {b"/".join(path).decode(): data for path, data in tree.items()}


def test_nothing_is_opened_for_a_link(app: Flask, world: PortalWorld) -> None:
    box = stored(world, {(b"d", b"x"): b"1"})
    answer = fetch(browse(app, "alice.front"), box, "d/link")
    assert answer.status_code == 404
    assert "only a link" in answer.text


def test_each_download_is_noted_with_path_and_person(app: Flask, world: PortalWorld) -> None:
    box = stored(world, {(b"d", b"x"): b"1"})
    fetch(browse(app, "admin@example.com"), box, "d/x")
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.actor, event.action, event.object) == ("admin@example.com", "downloaded", "FRONT")
    assert event.detail == "restore point 1: d/x"


def packs(box: BackedUp) -> list[Path]:
    """The vault's pack files, oldest first."""
    return sorted(path for path in box.folder.folder.rglob("*.ibp"))


def flip(path: Path, position: int) -> None:
    """Change one bit of a stored file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("path", ["d/x", "d"])
def test_damage_in_the_first_block_gives_a_page_and_marks_the_pack(
    app: Flask, world: PortalWorld, path: str
) -> None:
    box = stored(world, {(b"d", b"x"): os.urandom(1000)})
    flip(packs(box)[0], 100)
    answer = fetch(browse(app, "alice.front"), box, path)
    assert answer.status_code == 409
    assert "IBS-5201" in answer.text
    assert "Content-Disposition" not in answer.headers
    assert db.session.scalars(select(Pack.state)).all() == ["bad"]


def test_a_pack_that_is_gone_gives_a_page_and_is_marked(app: Flask, world: PortalWorld) -> None:
    box = stored(world, {(b"d", b"x"): os.urandom(1000)})
    packs(box)[0].unlink()
    assert fetch(browse(app, "alice.front"), box, "d/x").status_code == 410
    assert db.session.scalars(select(Pack.state)).all() == ["bad"]


@pytest.fixture
def portal(app: Flask) -> Iterator[tuple[str, int]]:
    """The portal behind the real web server; its host and port."""
    with serve(app) as place:
        yield place


@contextlib.contextmanager
def ask(place: tuple[str, int], app: Flask, address: str) -> Iterator[http.client.HTTPResponse]:
    """A download as a browser makes it, through the network."""
    browser = browse(app, "alice.front")
    cookie = browser.get_cookie("session")
    assert cookie is not None
    connection = http.client.HTTPConnection(*place, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", address, headers={"Cookie": f"session={cookie.value}"})
        with connection.getresponse() as answer:
            yield answer


@pytest.mark.parametrize("path", ["d/x", "d"])
def test_damage_met_later_breaks_the_transfer_off(
    app: Flask, world: PortalWorld, portal: tuple[str, int], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = stored(world, {(b"d", b"x"): os.urandom(3_000_000)}, pack_size=500_000)
    damaged = packs(box)[3]
    flip(damaged, 60_000)
    with ask(portal, app, f"/files/{box.computer.id}/1/download/{path}") as answer:
        assert answer.status == 200
        announced = int(answer.headers["Content-Length"])
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
    assert 500_000 < len(caught.value.partial) < announced
    assert "broke off" in caplog.text
    states = dict(db.session.execute(select(Pack.pack_no, Pack.state)).all())
    assert [number for number, state in states.items() if state == "bad"] == [int(damaged.name[:8])]


def test_a_whole_file_passes_the_real_web_server(app: Flask, world: PortalWorld, portal: tuple[str, int]) -> None:
    content = os.urandom(9_000_000)
    box = stored(world, {(b"d", b"x"): content}, piece=1_000_000)
    with ask(portal, app, f"/files/{box.computer.id}/1/download/d/x") as answer:
        assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(content).digest()


def test_a_download_keeps_nobody_from_writing(app: Flask, world: PortalWorld, portal: tuple[str, int]) -> None:
    # So long that its chunks are looked up in two turns, and more than the web server takes in before anybody reads.
    box = stored(world, {(b"d", b"x"): os.urandom(1_000_000) * 80}, piece=20_000)
    with ask(portal, app, f"/files/{box.computer.id}/1/download/d") as answer:
        answer.read(45_000_000)
        world.alice.city = "Lund"
        db.session.commit()  # SQLite has one writer: an open transaction of the download would make this wait in vain
        assert len(answer.read()) + 45_000_000 == int(answer.headers["Content-Length"])


# --- the archive itself -------------------------------------------------------------------------------------------

HOUR = datetime(2026, 11, 22, 9, 14, 32, tzinfo=UTC)


def test_unzip_reads_it_and_keeps_times(tmp_path: Path) -> None:
    members = [(Member("top/", 0, HOUR), [b""]), (Member("top/ü.txt", 5, HOUR), [b"he", b"llo"])]
    data = b"".join(write_archive(members, ZoneInfo("Europe/Berlin")))
    assert len(data) == length_of([member for member, _ in members])
    (tmp_path / "a.zip").write_bytes(data)
    subprocess.run(["unzip", "-q", tmp_path / "a.zip", "-d", tmp_path], check=True)
    unzipped = tmp_path / "top" / "ü.txt"
    assert unzipped.read_bytes() == b"hello"
    assert unzipped.stat().st_mtime == HOUR.timestamp()


def test_more_members_than_an_old_zip_can_count() -> None:
    members = [(Member(f"{number}", 0, HOUR), []) for number in range(70_000)]
    data = b"".join(write_archive(iter(members), UTC))
    assert len(data) == length_of(member for member, _ in members)
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 70_000


def test_files_beyond_four_gigabytes(tmp_path: Path) -> None:
    size, zeros = 4 * 2**30 + 5, bytes(16 * 2**20)
    blocks = [zeros] * 256 + [bytes(5)]
    members = [(Member("huge", size, HOUR), blocks), (Member("after", 3, HOUR), [b"yes"])]
    with (tmp_path / "huge.zip").open("wb") as file:  # the zeros are left as a hole, so that no disk is filled
        for block in write_archive(members, UTC):
            file.seek(len(block), os.SEEK_CUR) if block is zeros else file.write(block)
        assert file.tell() == length_of([member for member, _ in members])
    with zipfile.ZipFile(tmp_path / "huge.zip") as archive:
        assert archive.read("after") == b"yes"
        assert archive.getinfo("huge").file_size == size
    listing = subprocess.run(["unzip", "-l", tmp_path / "huge.zip"], check=True, capture_output=True, text=True)
    assert str(size) in listing.stdout


@pytest.mark.parametrize("content", [b"four", b"sixsix"])
def test_a_member_of_another_length_breaks_the_archive_off(content: bytes) -> None:
    with pytest.raises(LengthDiffers):
        list(write_archive([(Member("five", 5, HOUR), [content])], UTC))


def test_times_that_a_zip_cannot_hold_are_moved_into_its_range() -> None:
    moments = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
    members = [(Member(str(moment.year), 0, moment), []) for moment in moments]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(write_archive(members, UTC))))
    assert [info.date_time[0] for info in archive.infolist()] == [1980, 2107]


def test_it_hashes_passwords_cheaply_only_in_these_tests() -> None:
    assert sign_in.HASHER.memory_cost >= 19 * 1024
