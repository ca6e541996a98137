"""What the newest restore points hold, by folder and by type, as the background worker counts it."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask

from server.extensions import db
from server.jobs import create_queue
from server.models import Folder, VaultContent
from server.services.files import contents
from server.services.files.contents import Share
from tests.parts.pages import browse
from tests.parts.portal_world import BackedUp, PortalWorld, Tree, days_ago

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TREE: Tree = {
    (b"home", b"alice", b"Documents", b"letter.DOCX"): b"x" * 300,
    (b"home", b"alice", b"Documents", b"old", b"deep", b"sheet.xlsx"): b"x" * 200,
    (b"home", b"alice", b"Pictures", b"2026", b"a.jpg"): b"x" * 5000,
    (b"home", b"alice", b"Pictures", b"b.jpeg"): b"x" * 1000,
    (b"home", b"alice", b"readme"): b"x" * 7,
    (b"home", b"alice", "Grüße".encode(), b"mail.pst"): b"x" * 900,
    (b"home", b"alice", b"Empty"): None,
}


def counted(box: BackedUp) -> contents.Shares:
    """What is told of one computer after the worker's turn."""
    assert contents.count_due(NOW) >= 1
    shares = contents.shares_of({box.vault.id: "FRONT"})
    assert shares is not None
    return shares


def test_folders_are_told_from_where_they_part(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    home = "home / alice"
    assert sorted(counted(box).folders, key=lambda share: -share.bytes) == [
        Share("… / Pictures / 2026", 1, 5000), Share(f"{home} / Pictures", 1, 1000),
        Share(f"{home} / Grüße", 1, 900), Share(f"{home} / Documents", 2, 500), Share(home, 1, 7)]


def test_types_are_told_by_the_endings_of_names(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    assert counted(box).types == [
        Share("Pictures", 2, 6000), Share("Mail", 1, 900), Share("Documents", 2, 500), Share("Other", 1, 7)]


def test_only_the_newest_restore_point_counts(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(2))
    box.store({(b"a.mp3",): b"123"}, days_ago(1))
    shares = counted(box)
    assert (shares.types, shares.folders) == ([Share("Music and sound", 1, 3)], [Share("Top level", 1, 3)])


def test_hostile_names_and_empty_vaults_are_counted_too(app: Flask, world: PortalWorld) -> None:
    names = [b"\xff.\xfe", b".", b"..jpg", b".hidden", b"a.", "ü.Ünü".encode(), b"x." + b"y" * 200, b"'.'"]
    box = world.computer(world.owner, "FRONT")
    box.store({(b"d", name): b"12" for name in names}, days_ago(1))
    empty = world.computer(world.owner, "EMPTY")
    empty.store({}, days_ago(1))
    world.computer(world.owner, "NEW")
    assert sum(share.files for share in counted(box).types) == len(names)
    assert counted_again(box, empty) == [(len(names), 2 * len(names)), (0, 0)]


def counted_again(*boxes: BackedUp) -> list[tuple[int, int]]:
    """Files and bytes of each computer by folder."""
    found = []
    for box in boxes:
        shares = contents.shares_of({box.vault.id: ""})
        assert shares is not None
        found.append((sum(share.files for share in shares.folders), sum(share.bytes for share in shares.folders)))
    return found


def test_a_computer_that_backs_up_often_is_counted_once_an_hour(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    assert contents.count_due(NOW) == 1
    assert contents.count_due(NOW) == 0
    box.store({(b"a.mp3",): b"123"}, days_ago(1))
    assert contents.count_due(NOW + timedelta(minutes=59)) == 0
    assert contents.count_due(NOW + timedelta(minutes=61)) == 1
    assert contents.count_due(NOW + timedelta(days=9)) == 0


def test_a_turn_ends_in_time_and_the_next_one_goes_on(app: Flask, world: PortalWorld) -> None:
    for number in range(3):
        world.computer(world.owner, f"PC-{number}").store(TREE, days_ago(1))
    slow = iter(range(0, 10_000, 31))
    assert contents.count_due(NOW, clock=lambda: float(next(slow))) == 1
    assert contents.count_due(NOW) == 2
    assert db.session.query(VaultContent).count() == 3


def test_many_folders_are_summed_up_as_other(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"%02d" % number, b"x.bin"): b"x" * (number + 1) for number in range(30)}, days_ago(1))
    shares = counted(box)
    assert [share.words for share in shares.folders] == ["29", "28", "27", "26", "25", "Other"]


def test_home_shows_what_the_worker_counted(app: Flask, world: PortalWorld) -> None:
    front, back = world.computer(world.owner, "FRONT"), world.computer(world.second, "BACK")
    front.store(TREE, days_ago(1))
    back.store({(b"a.mp3",): b"123"}, days_ago(1))
    assert "What is backed up" not in browse(app, "alice.front").get("/").text
    create_queue(app, immediate=True).count_contents()
    page = browse(app, "alice.front").get("/").text
    assert "What is backed up" in page
    assert "FRONT: home / alice / Pictures" in page
    assert "2 files, 6.0 kB" in page
    own = browse(app, "alice.back").get("/").text
    assert ("Pictures" in own, "Music and sound" in own) == (False, True)


def test_a_tree_that_runs_in_a_circle_is_survived(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    db.session.query(Folder).update({"parent_no": 5})
    db.session.commit()
    counted(box)
    assert browse(app, "alice.front").get(f"/files/{box.computer.id}/search?q=letter").status_code == 200
