"""Who may write: leases, runs that lost their computer, clones, and clocks that are off."""
from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from flask import Flask

from protocol import messages
from protocol.errors import (
    BadRequest,
    CatalogueBehind,
    IdentityShared,
    LeaseLost,
    NotFound,
    VaultBusy,
)
from protocol.messages import Gone
from server.config import Config
from server.extensions import db
from server.models import Chunk, ContentSegment, Run, Version
from server.services.backup.settlement import settle_expired
from tests.parts.api_computer import ApiComputer, chunk_ids, enrol_computer
from vault.errors import StorageError
from vault.layout import commit_name


def test_it_lets_only_one_run_write_at_a_time(desk: ApiComputer) -> None:
    desk.open_run()
    with pytest.raises(VaultBusy):
        desk.open_run()
    assert desk.run(1).state == "open"


def test_f24_it_sees_that_two_computers_share_an_identity(desk: ApiComputer) -> None:
    desk.open_run()
    clone = ApiComputer(desk.web, desk.config, desk.enrolled)
    with pytest.raises(IdentityShared):
        clone.open_run(hardware_hash=sha256(b"another desk").digest())
    desk.commit()
    assert clone.open_run(hardware_hash=sha256(b"another desk").digest()).number == 2


def test_f24_it_keeps_a_clone_from_using_the_lease_it_was_copied_with(desk: ApiComputer) -> None:
    copied = desk.open_run().lease
    desk.heartbeat()
    desk.heartbeat()
    clone = ApiComputer(desk.web, desk.config, desk.enrolled, lease=copied, opened=desk.opened)
    with pytest.raises(LeaseLost):
        clone.heartbeat()
    assert desk.lookup([bytes(16)]).numbers == (0,)


def test_it_takes_the_lease_before_while_the_answer_with_the_newer_one_may_be_lost(desk: ApiComputer) -> None:
    first = desk.open_run().lease
    desk.heartbeat()
    desk.lease = first
    second = desk.heartbeat().lease
    desk.lease = first
    desk.lookup([bytes(16)])
    desk.lease = second
    desk.heartbeat()
    desk.lease = first
    with pytest.raises(LeaseLost):
        desk.lookup([bytes(16)])


def test_it_opens_the_same_run_again_when_the_answer_was_lost(desk: ApiComputer) -> None:
    uuid = uuid4()
    desk.open_run(uuid=uuid)
    assert desk.open_run(uuid=uuid).number == 1
    desk.add_entries([desk.entry(b"file")])
    with pytest.raises(VaultBusy):
        desk.open_run(uuid=uuid)


def test_it_lets_a_computer_that_slept_go_on_while_nobody_has_settled_its_run(desk: ApiComputer) -> None:
    desk.open_run()
    desk.let_lease_lapse()
    desk.heartbeat()
    with pytest.raises(VaultBusy):
        desk.open_run()


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(hours=-2)])
def test_f10_a_lapsed_lease_blocks_nobody_whatever_the_clients_clock_says(
    desk: ApiComputer, ahead: timedelta
) -> None:
    desk.clock_ahead = ahead
    desk.open_run()
    desk.add_entries([desk.entry(b"file")])
    asleep = ApiComputer(desk.web, desk.config, desk.enrolled, lease=desk.lease, opened=desk.opened)
    desk.let_lease_lapse()
    assert desk.open_run().number == 2
    assert desk.run(1).state == "abandoned"
    for call in (asleep.heartbeat, asleep.commit, lambda: asleep.lookup([bytes(16)])):
        with pytest.raises(LeaseLost):
            call()
    desk.commit()
    assert desk.names(2) == []


@pytest.mark.parametrize("ahead", [timedelta(days=365), timedelta(days=-365)])
def test_f11_a_clients_clock_that_is_a_year_off_changes_nothing(
    desk: ApiComputer, config: Config, ahead: timedelta
) -> None:
    before = datetime.now(UTC)
    desk.clock_ahead = ahead
    first = desk.back_up({b"file": chunk_ids("a")[0]})
    second = desk.back_up({}, [b"file"])
    settle_expired(datetime.now(UTC), config)
    snapshots = desk.ask("GET", "/snapshots", messages.Snapshots).snapshots
    assert [snapshot.number for snapshot in snapshots] == [first, second]
    assert all(before <= snapshot.finished_at <= datetime.now(UTC) for snapshot in snapshots)
    assert desk.names(first) == [(b"file",)]


def test_f07_a_run_that_left_its_commit_object_becomes_a_snapshot(desk: ApiComputer, config: Config) -> None:
    desk.open_run()
    pack = desk.store_pack(chunk_ids("a"))
    desk.add_entries([desk.entry(b"file", [pack.chunks[0].number])])
    data = desk.commit_object()
    desk.leave_commit(data)
    desk.let_lease_lapse()
    assert settle_expired(datetime.now(UTC), config) == 1
    assert desk.names(1) == [(b"file",)]
    assert desk.commit(data).snapshot.number == 1  # the computer wakes up and asks once more
    assert desk.open_run().parent is not None


def test_f07_a_run_without_a_commit_object_is_abandoned_without_a_trace(
    desk: ApiComputer, config: Config
) -> None:
    desk.back_up({b"kept": chunk_ids("k")[0]})
    before = rows_of(desk)
    desk.open_run()
    pack = desk.store_pack(chunk_ids(*map(str, range(100))))
    numbers = [chunk.number for chunk in pack.chunks]
    desk.add_entries([desk.entry(b"new", numbers), desk.entry(b"kept", numbers[:1])], [Gone(desk.root, b"kept")])
    desk.let_lease_lapse()
    settle_expired(datetime.now(UTC), config)
    assert desk.run().state == "abandoned"
    assert rows_of(desk) == before
    third = desk.back_up({}, [b"kept"])
    assert (desk.names(1), desk.names(third)) == ([(b"kept",)], [])


def test_f07_a_torn_commit_object_counts_as_none(desk: ApiComputer, config: Config) -> None:
    desk.open_run()
    desk.add_entries([desk.entry(b"file")])
    desk.leave_commit(desk.commit_object()[:-7])
    desk.let_lease_lapse()
    settle_expired(datetime.now(UTC), config)
    assert desk.run().state == "abandoned"
    assert rows_of(desk) == {"version": [], "content_segment": []}


def test_f07_a_commit_object_of_another_run_is_not_taken_for_this_ones(desk: ApiComputer, config: Config) -> None:
    desk.open_run()
    desk.leave_commit(desk.commit_object(run_uuid=uuid4()))
    desk.let_lease_lapse()
    settle_expired(datetime.now(UTC), config)
    assert desk.run().state == "abandoned"


def test_f08_the_computer_itself_settles_the_run_of_its_journal_at_once(desk: ApiComputer) -> None:
    for number in range(1, 6):
        uuid, lease = desk.uuid, desk.lease
        opened = desk.open_run(unfinished_uuid=str(uuid), unfinished_lease=lease)
        assert opened.number == number
        desk.add_entries([desk.entry(b"file %d" % number)])
        if number == 3:
            desk.leave_commit(desk.commit_object())
        if number % 2:
            desk.heartbeat()
    states = [desk.run(number).state for number in range(1, 6)]
    assert states == ["abandoned", "abandoned", "committed", "abandoned", "open"]
    assert desk.opened.parent is not None
    assert desk.opened.parent.number == 3


def test_f08_a_journal_with_a_wrong_lease_settles_nothing(desk: ApiComputer) -> None:
    desk.open_run()
    with pytest.raises(VaultBusy):
        desk.open_run(unfinished_uuid=str(desk.uuid), unfinished_lease="another")
    with pytest.raises(VaultBusy):
        desk.open_run(unfinished_uuid=str(uuid4()), unfinished_lease=desk.lease)


def test_f08_a_portal_that_dies_while_it_takes_entries_back_leaves_nothing_behind(desk: ApiComputer) -> None:
    desk.back_up({b"kept": chunk_ids("k")[0]})
    before = rows_of(desk)
    desk.open_run()
    desk.add_entries([desk.entry(b"kept"), desk.entry(b"new")], [Gone(desk.root, b"kept")])
    run = desk.run()
    run.state = "abandoned"  # the state went first; here the portal was killed
    db.session.commit()
    desk.open_run()
    assert rows_of(desk) == before


def test_f08_a_run_may_break_off_after_any_of_its_messages(desk: ApiComputer, config: Config) -> None:
    desk.back_up({b"kept": chunk_ids("k")[0], b"changed": chunk_ids("c")[0]})
    before = rows_of(desk)
    for steps in range(7):
        desk.open_run()
        messages_of_a_run = [
            lambda: desk.lookup(chunk_ids("n0", "n1", "c")),
            lambda: desk.store_pack(chunk_ids(f"new {desk.opened.number}")),
            lambda: desk.add_entries([desk.entry(b"changed", [1])], [Gone(desk.root, b"changed")]),
            desk.heartbeat,
            lambda: desk.add_entries([desk.entry(b"folder", kind=2)], [Gone(desk.root, b"kept")]),
            lambda: desk.add_entries([desk.entry(b"image", [1] * 200)]),
        ]
        for send in messages_of_a_run[:steps]:
            send()
        if steps % 2:
            desk.end()
        else:
            desk.let_lease_lapse()
            settle_expired(datetime.now(UTC), config)
        assert rows_of(desk) == before
    last = desk.back_up({b"new": chunk_ids("new 4")[0]}, [b"changed"])
    assert desk.names(1) == [(b"changed",), (b"kept",)]
    assert desk.names(last) == [(b"kept",), (b"new",)]


def test_it_leaves_a_run_open_while_the_storage_cannot_tell(desk: ApiComputer, config: Config) -> None:
    desk.open_run()
    desk.let_lease_lapse()
    folder = desk.storage.folder / commit_name(1)
    folder.mkdir(parents=True)  # reading it fails, which proves nothing
    assert settle_expired(datetime.now(UTC), config) == 0
    assert desk.run().state == "open"
    with pytest.raises(StorageError):
        desk.open_run()
    folder.rmdir()
    assert settle_expired(datetime.now(UTC), config) == 1
    assert desk.run(1).state == "abandoned"


def test_it_refuses_a_computer_that_remembers_more_than_the_catalogue(desk: ApiComputer) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    with pytest.raises(CatalogueBehind):
        desk.open_run(last_commit=2)
    assert desk.open_run(last_commit=1).number == 2


def test_it_refuses_the_lease_and_the_numbers_of_other_computers(desk: ApiComputer, app: Flask) -> None:
    desk.back_up({b"private": chunk_ids("a")[0]})
    desk.open_run()
    bob = enrol_computer(app.test_client(), desk.config, "bob", "other")
    bob.opened, bob.lease = desk.opened, desk.lease
    for call in (bob.heartbeat, lambda: bob.lookup(chunk_ids("a")), bob.end, lambda: bob.names(1)):
        with pytest.raises(NotFound):
            call()
    bob.open_run()
    with pytest.raises(LeaseLost):
        ApiComputer(bob.web, bob.config, bob.enrolled, lease=desk.lease, opened=bob.opened).heartbeat()
    assert bob.lookup(chunk_ids("a")).numbers == (0,)


def test_it_refuses_a_run_without_a_proper_identifier(desk: ApiComputer) -> None:
    with pytest.raises(BadRequest):
        desk.open_run(uuid="not a uuid")


def test_it_opens_one_run_when_two_requests_come_at_the_same_moment(desk: ApiComputer, app: Flask) -> None:
    db.session.remove()
    outcomes: list[object] = []
    ready = threading.Barrier(4)

    def open_one() -> None:
        computer = ApiComputer(app.test_client(), desk.config, desk.enrolled)
        ready.wait()
        try:
            outcomes.append(computer.open_run().number)
        except VaultBusy:
            outcomes.append("busy")

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["1", "busy", "busy", "busy"]


def test_it_takes_packs_entries_and_heartbeats_side_by_side(desk: ApiComputer, app: Flask) -> None:
    desk.open_run()
    ids = [chunk_ids(*(f"{pack}-{place}" for place in range(50))) for pack in range(8)]
    stored = [desk.put_pack(part) for part in ids]
    db.session.remove()
    failures: list[BaseException] = []

    def send(first: int) -> None:
        computer = ApiComputer(app.test_client(), desk.config, desk.enrolled, lease=desk.lease, opened=desk.opened)
        try:
            for message in stored[first::4] * 2:
                computer.lookup([chunk.id for chunk in message.chunks])
                computer.ask("POST", computer.run_path("packs"), messages.PackAdded, message)
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=send, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        desk.add_entries([desk.entry(b"%d-%d" % (number, place), [1 + place]) for place in range(50)])
    for thread in threads:
        thread.join()
    assert failures == []
    assert desk.vault.stored_bytes == sum(message.pack.size for message in stored)
    assert db.session.query(Chunk).count() == 400
    desk.commit()
    assert len(desk.names(1)) == 500


def test_it_keeps_run_numbers_dense(desk: ApiComputer) -> None:
    desk.open_run()
    desk.end()
    desk.open_run()
    desk.commit()
    desk.open_run()
    numbers = [number for (number,) in db.session.query(Run.run_no).order_by(Run.run_no)]
    assert numbers == [1, 2, 3]


def rows_of(desk: ApiComputer) -> dict[str, list[tuple[object, ...]]]:
    """Every row that says what the snapshots hold."""
    db.session.rollback()
    vault = desk.computer.vault_id
    return {
        table.__tablename__: sorted(
            db.session.query(*table.__table__.columns).filter_by(vault_id=vault).all()  # type: ignore[attr-defined]
        )
        for table in (Version, ContentSegment)
    }
