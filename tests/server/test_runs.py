"""One run of a computer through the client API, told from the first question to the snapshot."""
from __future__ import annotations

from uuid import UUID

import pytest

from protocol import messages
from protocol.errors import BadRequest, CommitRefused, LeaseLost, NotFound, TokenRejected
from protocol.messages import Gone
from server.extensions import db
from server.models import Pack, Version
from server.models.catalogue import FOREVER
from tests.parts.api_computer import ApiComputer, chunk_ids
from vault.keys import unwrap_key
from vault.manifests import commit_hash, verify_acknowledgement


def test_it_makes_a_snapshot_of_what_the_run_told(desk: ApiComputer) -> None:
    number = desk.back_up({b"a.txt": chunk_ids("a")[0], b"b.txt": chunk_ids("b")[0]})
    snapshots = desk.ask("GET", "/snapshots", messages.Snapshots).snapshots
    assert [snapshot.number for snapshot in snapshots] == [number]
    assert desk.names(number) == [(b"a.txt",), (b"b.txt",)]


def test_it_shows_each_snapshot_as_it_was(desk: ApiComputer) -> None:
    first = desk.back_up({b"kept": chunk_ids("k")[0], b"changed": chunk_ids("old")[0], b"gone": chunk_ids("g")[0]})
    second = desk.back_up({b"changed": chunk_ids("new")[0], b"new": chunk_ids("n")[0]}, [b"changed", b"gone"])
    third = desk.back_up({}, [b"kept"])
    assert desk.names(first) == [(b"changed",), (b"gone",), (b"kept",)]
    assert desk.names(second) == [(b"changed",), (b"kept",), (b"new",)]
    assert desk.names(third) == [(b"changed",), (b"new",)]


def test_it_tells_where_the_chunks_of_each_version_lie(desk: ApiComputer) -> None:
    old, new = chunk_ids("old", "new")
    first = desk.back_up({b"file": old})
    second = desk.back_up({b"file": new}, [b"file"])
    for number, identity in ((first, old), (second, new)):
        page = desk.ask(
            "POST", f"/snapshots/{number}/entries", messages.SnapshotPage, messages.ListEntries(locations=True)
        )
        place = page.chunks[page.entries[0].chunks[0]]
        assert place.id == identity
        assert page.packs[place.pack].number == number


def test_it_hides_entries_until_the_run_is_committed(desk: ApiComputer) -> None:
    first = desk.back_up({b"old": chunk_ids("old")[0]})
    desk.open_run()
    desk.add_entries([desk.entry(b"new")], [Gone(desk.root, b"old")])
    assert desk.names(first) == [(b"old",)]
    with pytest.raises(NotFound):
        desk.names(desk.opened.number)
    desk.commit()
    assert desk.names(desk.opened.number) == [(b"new",)]


def test_it_counts_every_message_once_however_often_it_is_sent(desk: ApiComputer) -> None:
    first, second = chunk_ids("a", "b")
    desk.open_run()
    assert desk.lookup([first, second]) == desk.lookup([first, second])
    pack = desk.store_pack([first, second])
    used = desk.vault.stored_bytes
    desk.ask("POST", desk.run_path("packs"), messages.PackAdded, pack)
    assert desk.vault.stored_bytes == used == pack.pack.size
    batch = desk.add_entries([desk.entry(b"file", [pack.chunks[0].number])])
    desk.ask("POST", desk.run_path("entries"), messages.Done, batch)
    data = desk.commit_object()
    assert desk.commit(data) == desk.commit(data)
    assert desk.names(desk.opened.number) == [(b"file",)]
    log = b"<activity run='1'/>"
    for _ in range(2):
        desk.ask("PUT", desk.run_path("log"), messages.Done, log)
        desk.ask("PUT", "/hardware", messages.Done, messages.HardwareReport(host_name="desk", system="Linux"))


def test_it_signs_what_it_committed(desk: ApiComputer) -> None:
    desk.open_run()
    data = desk.commit_object()
    signature = desk.commit(data).acknowledgement
    vault = UUID(desk.enrolled.vault)
    signer = unwrap_key(desk.vault.wrapped_portal, desk.config.secrets.kek, vault=vault).signer
    assert verify_acknowledgement(signature, data, desk.opened.number, vault, signer)
    assert desk.vault.last_commit_hash == commit_hash(data)


def test_it_gives_a_new_vault_its_founding_files_until_it_holds_a_snapshot(desk: ApiComputer) -> None:
    names = [file.name for file in desk.open_run().vault_files]
    assert names[0] == "ibs-vault.json"
    assert [name[:2] for name in names[1:]] == ["k/", "k/"]
    desk.commit()
    assert desk.open_run().vault_files == ()


def test_it_never_gives_out_a_number_twice(desk: ApiComputer) -> None:
    desk.open_run()
    desk.store_pack(chunk_ids("a", "b"))
    desk.add_entries([desk.entry(b"left", [desk.opened.next_chunk])])
    highest_node = desk.next_node
    desk.end()
    again = desk.open_run()
    assert again.number == 2
    assert again.next_pack == 2
    assert again.next_chunk == 3
    assert again.next_node > highest_node


def test_it_takes_over_packs_that_a_run_without_a_snapshot_left(desk: ApiComputer) -> None:
    first, second, third = chunk_ids("a", "b", "c")
    desk.open_run()
    left = desk.store_pack([first, second])
    desk.end()
    desk.open_run()
    known = desk.lookup([second, third])
    assert known.numbers == (left.chunks[1].number, 0)
    assert [(taken.pack, taken.chunks) for taken in known.adopted] == [(left.pack, left.chunks)]
    assert desk.lookup([second, third]) == known  # the first answer may have been lost
    desk.add_entries([desk.entry(b"file", [left.chunks[1].number])])
    desk.commit()
    assert desk.run().state == "committed"
    assert db.session.get_one(Pack, (desk.computer.vault_id, left.pack.number), populate_existing=True).state == "live"


def test_it_sends_everything_under_a_new_root_when_the_index_was_lost(desk: ApiComputer) -> None:
    first = desk.back_up({b"a": chunk_ids("a")[0], b"b": chunk_ids("b")[0]})
    opened = desk.open_run()
    desk.root = opened.next_node
    desk.add_entries([desk.entry(b"a", [1])])
    desk.commit()
    assert desk.names(opened.number) == [(b"a",)]
    assert desk.names(first) == [(b"a",), (b"b",)]
    assert db.session.query(Version).filter_by(last_run=FOREVER).count() == 1  # the tree before has ended
    third = desk.back_up({}, [b"a"])
    assert desk.names(third) == []


def test_it_keeps_a_file_of_very_many_chunks(desk: ApiComputer) -> None:
    desk.open_run()
    ids = chunk_ids(*map(str, range(300)))
    desk.store_pack(ids)
    numbers = [1 + place * 7 % 300 for place in range(9000)]
    desk.add_entries([desk.entry(b"disk.img", numbers), desk.entry(b"small", [1])])
    desk.commit()
    request = messages.ListEntries(locations=True)
    page = desk.ask("POST", f"/snapshots/{desk.opened.number}/entries", messages.SnapshotPage, request)
    assert [page.chunks[place].id for place in page.entries[0].chunks] == [ids[number - 1] for number in numbers]


def test_it_lists_deep_trees_page_by_page(desk: ApiComputer) -> None:
    desk.open_run()
    folder = desk.entry(b"folder", kind=2)
    inner = desk.entry(b"a b", parent=folder.node, kind=2)
    desk.add_entries([folder, inner])
    for start in range(0, 4500, 1500):
        desk.add_entries([desk.entry(b"%05d" % number, parent=inner.node) for number in range(start, start + 1500)])
    desk.add_entries([desk.entry(b"a", parent=folder.node), desk.entry(b"z")])
    desk.commit()
    names = desk.names(desk.opened.number)
    assert len(names) == len(set(names)) == 4504
    assert names[:3] == [(b"folder",), (b"folder", b"a"), (b"folder", b"a b")]
    assert names[-2:] == [(b"folder", b"a b", b"04499"), (b"z",)]
    assert desk.names(desk.opened.number, deep=False) == [(b"folder",), (b"z",)]
    below = desk.names(desk.opened.number, (b"folder", b"a b"), deep=False)
    assert below == [(b"folder", b"a b", b"%05d" % number) for number in range(4500)]
    assert desk.names(desk.opened.number, (b"z",)) == [(b"z",)]
    with pytest.raises(NotFound):
        desk.names(desk.opened.number, (b"z", b"below"))


def test_f18_it_gives_back_every_name_byte_for_byte(desk: ApiComputer) -> None:
    names = sorted([
        bytes(range(1, 47)) + bytes(range(48, 256)), b"a", b"A", b"a ", b"a  ", b"a b", b"a\xcc\x81", b"\xc3\xa1",
        b"\xed\xa0\x80", b"\xff\xfe", b"\r\n", b"'\"\\%s;--", b"x" * 765, "ß".encode(), b"ss", b"...",
    ])
    desk.open_run()
    desk.add_entries([desk.entry(name) for name in names])
    desk.commit()
    assert desk.names(desk.opened.number) == [(name,) for name in names]
    for name in names:
        assert desk.names(desk.opened.number, (name,)) == [(name,)]


@pytest.mark.parametrize(
    "change",
    [
        {"run_uuid": UUID(int=1)}, {"parent": 7}, {"parent_hash": bytes(32)}, {"batches": 0}, {"batches": 2},
        {"entries_digest": bytes(32)}, {"root": 999}, {"chunk_count": 1}, {"chunk_count": 3}, {"first_chunk": 2},
        {"pack_count": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_refuses_a_commit_that_does_not_agree_with_what_was_sent(
    desk: ApiComputer, change: dict[str, object]
) -> None:
    desk.open_run()
    pack = desk.store_pack(chunk_ids("a", "b"))
    desk.add_entries([desk.entry(b"file", [chunk.number for chunk in pack.chunks])])
    with pytest.raises(CommitRefused):
        desk.commit(desk.commit_object(**change))
    assert desk.run().state == "open"
    desk.commit()
    assert desk.names(1) == [(b"file",)]


def test_it_refuses_a_torn_or_forged_commit_object(desk: ApiComputer) -> None:
    desk.open_run()
    data = desk.commit_object()
    for torn in (data[:-1], data[:20], b"", data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(CommitRefused):
            desk.commit(torn or b"\0")
    assert desk.ask("GET", "/snapshots", messages.Snapshots).snapshots == ()


def test_it_refuses_entries_that_name_chunks_which_were_never_stored(desk: ApiComputer) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    desk.open_run()
    desk.add_entries([desk.entry(b"later", [50])])
    with pytest.raises(CommitRefused):
        desk.commit()


def test_it_refuses_another_batch_under_a_number_that_was_used(desk: ApiComputer) -> None:
    desk.open_run()
    desk.add_entries([desk.entry(b"one")])
    desk.batches.clear()
    with pytest.raises(BadRequest):
        desk.add_entries([desk.entry(b"two")])


def test_it_refuses_another_pack_under_a_number_that_was_used(desk: ApiComputer) -> None:
    desk.open_run()
    desk.store_pack(chunk_ids("a"))
    desk.packs = 0
    with pytest.raises(BadRequest):
        desk.store_pack(chunk_ids("b"))


def test_it_takes_nothing_for_a_run_that_has_ended(desk: ApiComputer) -> None:
    desk.open_run()
    desk.end("cancelled")
    desk.end("cancelled")
    calls = (desk.heartbeat, desk.commit, lambda: desk.store_pack(chunk_ids("a")), lambda: desk.lookup([bytes(16)]))
    for call in calls:
        with pytest.raises(LeaseLost):
            call()
    with pytest.raises(LeaseLost):
        desk.end("failed")


def test_it_asks_for_a_checkpoint_every_thirty_runs(desk: ApiComputer) -> None:
    due = []
    for _ in range(33):
        due.append(desk.open_run().checkpoint_due)
        desk.commit()
    assert [number for number, answer in enumerate(due, 1) if answer] == [1, 31]


def test_it_names_the_parents_packs_for_the_second_look(desk: ApiComputer) -> None:
    desk.open_run()
    packs = [desk.store_pack(chunk_ids(str(number))).pack for number in range(70)]
    desk.commit()
    recent = desk.open_run().recent_packs
    assert len(recent) == 64
    assert list(recent[-32:]) == packs[-32:]
    assert set(recent) < set(packs)


def test_f12_it_has_lost_chunks_stored_again_under_their_numbers(desk: ApiComputer) -> None:
    lost, kept = chunk_ids("lost", "kept")
    desk.open_run()
    damaged, sound = desk.store_pack([lost]).pack, desk.store_pack([kept]).pack
    desk.add_entries([desk.entry(b"a", [1]), desk.entry(b"b", [2])])
    desk.commit()
    (path,) = desk.storage.folder.rglob(f"{damaged.number:08d}-*.ibp")
    path.write_bytes(path.read_bytes()[:50])
    desk.open_run()
    report = messages.ReportDamage(packs=(damaged.number, sound.number, 4711))
    for _ in range(2):
        assert desk.ask("POST", desk.run_path("damage"), messages.DamageConfirmed, report).ids == (lost,)
    assert desk.lookup([lost, kept]).numbers == (-1, 2)
    desk.commit()
    assert desk.open_run().lost_chunks == (lost,)
    desk.store_pack([lost], [1])
    desk.commit()
    assert desk.open_run().lost_chunks == ()
    assert desk.lookup([lost]).numbers == (1,)
    page = desk.ask("POST", "/snapshots/1/entries", messages.SnapshotPage, messages.ListEntries(locations=True))
    assert [page.packs[chunk.pack].number for chunk in page.chunks] == [3, 2]


def test_it_knows_only_the_tokens_it_gave_out(desk: ApiComputer) -> None:
    for token in ("wrong", "x" * 5000, "ünlesbar"):
        desk.token = token
        with pytest.raises(TokenRejected):
            desk.ask("GET", "/status", messages.ComputerStatus)


def test_it_tells_a_computer_about_itself(desk: ApiComputer) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    status = desk.ask("GET", "/status", messages.ComputerStatus)
    assert (status.name, status.plan, status.account) == ("desk", "Gold", "alice.front")
    assert (status.snapshots, status.last_snapshot, status.used) == (1, 1, 100)
    assert status.accepts_backups


def test_it_hands_out_what_a_restore_needs(desk: ApiComputer) -> None:
    vault_key = desk.open_run().vault_key
    access = desk.ask("POST", "/restores", messages.RestoreAccess)
    assert (access.vault, access.vault_key) == (desk.enrolled.vault, vault_key)
    assert access.storage.address.user == desk.enrolled.vault
