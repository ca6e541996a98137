"""Recovery from the storage alone, and with it the engine of every restore: whole files, nothing overwritten."""
from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.events import Event, FileSkipped, Finished, Notice, Progress, Started, ignore
from client.jobs.cancellation import Cancellation
from client.jobs.control import RunCancelled
from client.restores.delivery import Coming, Delivery, Wanted
from client.restores.recover import run_recover
from client.restores.restoration import RestoreIncomplete
from client.restores.target import Target, TargetFull, TargetUnusable
from tests.parts.tiny_disk import with_tiny_disk
from tests.vault.small_vault import CODE, SIGNING_KEY, VAULT, Item, SmallVault, Steps, fixed_cut, folder
from vault.errors import KeyRejected, SnapshotMissing, VaultError, VaultMissing
from vault.keys import new_recovery_code
from vault.layout import vault_folder
from vault.reader import Location
from vault.records import FILE, FOLDER, LINK

SIGNER = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY).public_key().public_bytes_raw()
LARGE = os.urandom(500_000)
HOME = (b"home", b"anna")
FIRST: dict[Steps, Item] = {
    HOME[:1]: folder(), HOME: folder(1_600_000_000_000_000_001),
    (*HOME, b"letter"): Item(content=b"Dear Bob", mtime_ns=1_650_000_000_123_456_789, attributes=0o640),
    (*HOME, b"program"): Item(content=b"#!/bin/sh\n", attributes=0o100755),
    (*HOME, b"large"): Item(content=LARGE), (*HOME, b"empty"): Item(),
    (*HOME, b"sealed"): Item(FOLDER, b"", 5_000_000_000, 0o40555), (*HOME, b"sealed", b"inside"): Item(content=b"in"),
    (*HOME, b"link"): Item(LINK, b"letter", attributes=0o777), (*HOME, b"nowhere"): Item(LINK, b"/does/not/exist"),
    (*HOME, b"odd \xff\n\x01 "): Item(content=b"odd"), (*HOME, b"x" * 255): Item(content=b"long"),
}
SECOND = {**FIRST, (*HOME, b"letter"): Item(content=b"Dear Carol, and a little more")}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A storage with the vault on it, two snapshots in it."""
    made = SmallVault(tmp_path / "storage" / vault_folder(VAULT), SIGNER, cut=partial(fixed_cut, size=40_000),
                      pack_size=100_000)
    made.create()
    made.store(1, FIRST)
    made.store(2, SECOND)
    return tmp_path / "storage"


class Recovery:
    """Recovers to a folder and keeps the events."""

    def __init__(self, base: Path, target: Path) -> None:
        self.base, self.target = base, target
        self.events: list[Event] = []

    def run(self, code: str = CODE, **options: object) -> Finished:
        self.events.clear()
        return run_recover(str(self.base), str(VAULT), "", code, self.target, self.events.append,
                           **options)  # type: ignore[arg-type]

    @property
    def skipped(self) -> dict[str, str]:
        return {event.path: event.code for event in self.events if isinstance(event, FileSkipped)}


@pytest.fixture
def recovery(base: Path, tmp_path: Path) -> Recovery:
    return Recovery(base, tmp_path / "restored")


def found(target: Path) -> dict[Steps, Item]:
    """What lies below a folder, links unfollowed."""
    tree: dict[Steps, Item] = {}
    top = os.fsencode(target)
    for path, folders, files in os.walk(top):
        for name in folders + files:
            place = os.path.join(path, name)
            status = os.lstat(place)
            steps = tuple(os.path.relpath(place, top).split(b"/"))
            if stat.S_ISLNK(status.st_mode):
                tree[steps] = Item(LINK, os.readlink(place), status.st_mtime_ns, 0o777)
            elif stat.S_ISDIR(status.st_mode):
                tree[steps] = Item(FOLDER, b"", status.st_mtime_ns, stat.S_IMODE(status.st_mode))
            else:
                content = Path(os.fsdecode(place)).read_bytes()
                tree[steps] = Item(FILE, content, status.st_mtime_ns, stat.S_IMODE(status.st_mode))
    return tree


def expected(tree: dict[Steps, Item]) -> dict[Steps, Item]:
    modes = {path: 0o777 if item.kind == LINK else stat.S_IMODE(item.attributes) for path, item in tree.items()}
    return {path: Item(item.kind, item.content, item.mtime_ns, modes[path]) for path, item in tree.items()}


def test_it_restores_contents_names_times_modes_and_links(recovery: Recovery) -> None:
    finished = recovery.run()
    assert found(recovery.target) == expected(SECOND)
    assert (finished.snapshot, finished.files, finished.skipped) == (2, 7, 0)
    assert finished.bytes == sum(len(item.content) for item in SECOND.values() if item.kind == FILE)
    assert isinstance(recovery.events[-1], Finished)
    assert Started(2, "recover") in recovery.events


def test_it_restores_an_older_snapshot(recovery: Recovery) -> None:
    recovery.run(snapshot=1)
    assert found(recovery.target) == expected(FIRST)
    with pytest.raises(SnapshotMissing):
        recovery.run(snapshot=9)


def test_it_shows_run_number_and_fingerprint(recovery: Recovery) -> None:
    recovery.run()
    told = [event.text for event in recovery.events if isinstance(event, Notice)]
    assert len(told) == 1
    assert "Snapshot 2 of workstation" in told[0]
    assert "fingerprint " in told[0]
    (recovery.base / vault_folder(VAULT) / "s/00/000/00000002.ack").unlink()
    shutil.rmtree(recovery.target)
    recovery.run()
    assert any("not confirmed snapshot 2" in event.text for event in recovery.events if isinstance(event, Notice))


def test_a_wrong_recovery_code_changes_nothing(recovery: Recovery) -> None:
    for code in (new_recovery_code(), "", "nonsense", CODE[:-1] + "X"):
        with pytest.raises(KeyRejected) as caught:
            recovery.run(code)
        assert caught.value.code == "IBS-5301"
    assert not recovery.target.exists()


def test_the_vault_must_be_there(recovery: Recovery, tmp_path: Path) -> None:
    for base, vault in ((tmp_path, str(VAULT)), (recovery.base, "00000000-0000-0000-0000-000000000001"),
                        (recovery.base, "rubbish")):
        with pytest.raises(VaultMissing):
            run_recover(str(base), vault, "", CODE, recovery.target, recovery.events.append)
    for key in (recovery.base / vault_folder(VAULT) / "k").iterdir():
        key.unlink()
    with pytest.raises(VaultError, match="no key"):
        recovery.run()


def test_a_file_url_names_a_folder_too(recovery: Recovery) -> None:
    recovery.base = Path("x")
    url = (recovery.target.parent / "storage").as_uri()
    finished = run_recover(url, str(VAULT), "", CODE, recovery.target, recovery.events.append)
    assert finished.files == 7


def test_it_never_overwrites_unless_told_to(recovery: Recovery) -> None:
    there = recovery.target / "home" / "anna"
    there.mkdir(parents=True)
    os.utime(there, ns=(1, 1))
    (there / "letter").write_bytes(b"mine")
    (there / "link").symlink_to("elsewhere")
    (there / "mine as well").write_bytes(b"untouched")
    finished = recovery.run()
    assert recovery.skipped == {"home/anna/letter": "IBS-4201", "home/anna/link": "IBS-4201"}
    assert (finished.files, finished.skipped) == (6, 2)
    assert (there / "letter").read_bytes() == b"mine"
    assert os.readlink(there / "link") == "elsewhere"
    assert (there / "large").read_bytes() == LARGE

    finished = recovery.run(overwrite=True)
    assert finished.skipped == 0
    assert (there / "letter").read_bytes() == SECOND[*HOME, b"letter"].content
    assert os.readlink(there / "link") == "letter"
    assert (there / "mine as well").read_bytes() == b"untouched"


def test_restoring_twice_skips_what_is_there(recovery: Recovery) -> None:
    recovery.run()
    finished = recovery.run()
    assert (finished.files, finished.skipped) == (0, 9)
    assert found(recovery.target) == expected(SECOND)


def test_it_writes_through_no_link_that_was_planted(recovery: Recovery, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (recovery.target / "home").mkdir(parents=True)
    (recovery.target / "home" / "anna").symlink_to(outside)
    for overwrite in (False, True):
        finished = recovery.run(overwrite=overwrite)
        assert finished.files == 0
        assert set(recovery.skipped.values()) == {"IBS-4202"}
        assert list(outside.iterdir()) == []


def test_a_file_where_a_folder_should_be_costs_only_what_is_below(recovery: Recovery) -> None:
    (recovery.target / "home" / "anna").mkdir(parents=True)
    (recovery.target / "home" / "anna" / "sealed").write_bytes(b"a file")
    finished = recovery.run()
    assert set(recovery.skipped) == {"home/anna/sealed", "home/anna/sealed/inside"}
    assert finished.files == 6


def test_a_folder_where_a_file_should_be_stays(recovery: Recovery) -> None:
    (recovery.target / "home" / "anna" / "letter").mkdir(parents=True)
    recovery.run(overwrite=True)
    assert set(recovery.skipped) == {"home/anna/letter"}
    assert (recovery.target / "home" / "anna" / "letter").is_dir()
    assert not [name for name in os.listdir(recovery.target / "home" / "anna") if name.startswith(".ibs")]


def packs(recovery: Recovery) -> list[Path]:
    return sorted((recovery.base / vault_folder(VAULT) / "p").rglob("*.ibp"))


def test_a_flipped_byte_costs_only_the_files_that_it_hits(recovery: Recovery) -> None:
    path = packs(recovery)[1]  # in the midst of the large file
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    finished = recovery.run()
    assert recovery.skipped == {"home/anna/large": "IBS-5201"}
    assert finished.skipped == 1
    intact = {path: item for path, item in expected(SECOND).items() if path[-1] != b"large"}
    assert found(recovery.target) == intact  # no torn file, no temporary


@pytest.mark.parametrize("share", [0, 0.5, 0.98])
def test_f12_a_pack_that_lost_its_end_still_gives_what_it_has(recovery: Recovery, share: float) -> None:
    last = packs(recovery)[-2]  # the small files of the first run
    os.truncate(last, int(last.stat().st_size * share))
    finished = recovery.run(snapshot=1)
    assert finished.skipped == len(recovery.skipped) > 0
    assert (len(found(recovery.target)) > 4) == (share > 0.9)
    assert found(recovery.target).items() <= expected(FIRST).items()
    assert finished.files + finished.skipped >= 7


def test_a_pack_that_is_gone_costs_its_files(recovery: Recovery) -> None:
    packs(recovery)[0].unlink()
    finished = recovery.run()
    assert "home/anna/large" in recovery.skipped
    assert finished.files > 0
    assert not list(recovery.target.rglob(".ibs-*"))


def test_a_full_disk_ends_it_with_every_file_whole(recovery: Recovery, tmp_path: Path) -> None:
    recovery.target = tmp_path / "tiny" / "restored"

    def fill() -> dict[Steps, Item]:
        with pytest.raises(TargetFull):
            recovery.run()
        return found(recovery.target)

    tree = with_tiny_disk(tmp_path / "tiny", 200, fill)
    assert list((tmp_path / "tiny").iterdir()) == []
    files = {path: item.content for path, item in tree.items() if item.kind == FILE}
    assert files.items() <= {path: item.content for path, item in SECOND.items()}.items()
    assert (*HOME, b"large") not in files


def test_a_target_that_is_a_file_is_refused(recovery: Recovery) -> None:
    recovery.target.write_bytes(b"a file")
    with pytest.raises(TargetUnusable):
        recovery.run()


def test_success_is_claimed_only_when_every_file_is_accounted_for(recovery: Recovery) -> None:
    made = SmallVault(recovery.base / vault_folder(VAULT), SIGNER)
    made.nodes, made.next_pack, made.last = 100, 100, 2
    made.commits[2] = (recovery.base / vault_folder(VAULT) / "s/00/000/00000002.commit").read_bytes()
    made.miscount = 1
    made.store(3, SECOND, checkpoint=True)
    with pytest.raises(RestoreIncomplete, match="7 of 8"):
        recovery.run()
    assert Finished not in {type(event) for event in recovery.events}


def test_many_files_of_many_windows_come_back(recovery: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.restores.restoration.WINDOW_FILES", 2)
    finished = recovery.run()
    assert finished.skipped == 0
    assert found(recovery.target) == expected(SECOND)


def test_a_file_that_never_became_complete_leaves_nothing(tmp_path: Path) -> None:
    target = Target(tmp_path)
    delivery = Delivery(target, ignore)
    half = Location(1, bytes(32), bytes(16), 1, 0, 32, 42, 10)
    wanted = Wanted((b"file",), FILE, 20, 0, 0o644, (half, half._replace(offset=74)))
    delivery.deliver(Coming(wanted, (b"file",), target.folder(()), 2), 10, b"second one")
    assert len(list(tmp_path.iterdir())) == 1
    delivery.abandon()
    assert list(tmp_path.iterdir()) == []


def test_it_ends_when_it_is_told_to(recovery: Recovery) -> None:
    cancelled = Cancellation()
    cancelled.end(by_system=False)
    with pytest.raises(RunCancelled):
        recovery.run(cancelled=cancelled)
    left = [path.name for path in recovery.target.rglob("*") if path.is_file() and not path.is_symlink()]
    assert left in ([], ["empty"])  # what needs nothing of the storage may be there


def test_it_needs_no_store_that_can_be_written(base: Path, tmp_path: Path) -> None:
    """Who recovers on a strange computer, or on one whose disk is full, has no place for a log there."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "activity").write_text("in the way")
    ended = subprocess.run(
        [sys.executable, "-m", "client.cli", "--home", str(tmp_path / "store"), "recover", str(base), str(VAULT),
         "--to", str(tmp_path / "back")],
        input=f"\n{CODE}\n", capture_output=True, text=True, check=False,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")},
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "back/home/anna/large").read_bytes() == LARGE
    assert len(list((tmp_path / "state").rglob("activity/*.xml"))) == 1


def test_an_interrupted_restore_leaves_nothing_half_done(recovery: Recovery) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_recover(str(recovery.base), str(VAULT), "", CODE, recovery.target, interrupt)
    assert not list(recovery.target.rglob(".ibs-*"))
    kept = {path: item.content for path, item in found(recovery.target).items() if item.kind == FILE}
    assert kept.items() <= {path: item.content for path, item in SECOND.items()}.items()



def test_an_interrupted_restore_leaves_no_folder_closed_to_those_whom_the_next_one_restores_for(
    recovery: Recovery,
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_recover(str(recovery.base), str(VAULT), "", CODE, recovery.target, interrupt)
    recovery.run()
    modes = {path: item.attributes for path, item in found(recovery.target).items() if item.kind == FOLDER}
    assert modes == {HOME[:1]: 0o755, HOME: 0o755, (*HOME, b"sealed"): 0o755}
