"""The chain of commits, read from the storage alone: its snapshots, their trees and where their chunks lie.

Nothing that a storage says is believed: commits authenticate themselves, name their parents by hash and their parts by
SHA-256, and the portal's signature says which of them it accepted. No pack is read unless a chunk index is lost.
docs/vault-format.md, sections 8 and 10.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple
from uuid import UUID

from vault.errors import CommitInvalid, FormatUnknown, ObjectMissing, SnapshotMissing, StorageError, VaultDamaged
from vault.keys import VaultKeys
from vault.layout import RUNS_PER_FOLDER, acknowledgement_name, commit_name, run_folder
from vault.manifests import (
    INDEX,
    NAMES,
    PACKS,
    STRUCTURE,
    Commit,
    commit_hash,
    open_section,
    read_commit,
    verify_acknowledgement,
)
from vault.reader import Location
from vault.records import DELETE, FOLDER, Change, IndexedChunk, StoredPack, read_changes, read_index, read_packs
from vault.storage import Storage
from vault.trailers import locate_by_trailers, unlisted_packs

BEYOND = 64
"""So many numbers in a row must be absent before the last run counts as found: interrupted runs leave gaps."""

Report = Callable[[str], None]


class Snapshot(NamedTuple):
    """A committed run; `digest` is the SHA-256 of its commit object, the fingerprint that people compare."""

    run: int
    commit: Commit
    digest: bytes


class TreeEntry(NamedTuple):
    """One entry of a snapshot; `path` holds the name bytes of each step from the root, `chunks` the ids."""

    path: tuple[bytes, ...]
    node: int
    kind: int
    size: int
    mtime_ns: int
    attributes: int
    chunks: tuple[bytes, ...]


class History:
    """What a vault holds. Reads all commits when it is made; trees and locations when they are asked for."""

    def __init__(self, storage: Storage, keys: VaultKeys, vault: UUID, signer: bytes | None = None,
                 report: Report = lambda text: None) -> None:
        """`signer` is the portal's public key (from the wrapped vault key); `report` is told what was set aside.

        Raises StorageError; what does not verify is reported and left out.
        """
        self._storage, self._keys, self._vault, self._signer, self._report = storage, keys, vault, signer, report
        self._acknowledged: dict[int, bool] = {}
        self._found = self._read_commits()
        self._chain = self._follow()

    def snapshots(self) -> list[Snapshot]:
        """The snapshots, oldest first; empty when the vault holds none."""
        return list(self._chain)

    def snapshot(self, run: int | None = None) -> Snapshot:
        """Snapshot number `run`, or the newest. Raises SnapshotMissing."""
        for snapshot in reversed(self._chain):
            if run is None or snapshot.run == run:
                return snapshot
        raise SnapshotMissing(number=run if run is not None else "in this vault")

    def acknowledged(self, run: int) -> bool:
        """Whether the portal has signed the commit of `run`; False without its public key."""
        if run not in self._acknowledged:
            found = self._found.get(run)
            self._acknowledged[run] = bool(found and self._signer and self._verify(found[1], run, self._signer))
        return self._acknowledged[run]

    # Finding commits

    def _read_commits(self) -> dict[int, tuple[Snapshot, bytes]]:
        found = {}
        for run in self._numbers():
            try:
                data = self._storage.read(commit_name(run))
                found[run] = Snapshot(run, read_commit(data, self._keys, self._vault), commit_hash(data)), data
                if found[run][0].commit.run != run:
                    raise CommitInvalid(name=commit_name(run), reason=f"it belongs to run {found[run][0].commit.run}")
            except (CommitInvalid, FormatUnknown) as error:
                found.pop(run, None)
                self._report(f"The commit of run {run} is ignored: {error.details['reason']}.")
            except ObjectMissing:
                self._report(f"The commit of run {run} is listed, but it is not there.")
        return found

    def _numbers(self) -> Iterator[int]:
        """The runs that have a commit. Listings are a hint; every number that they leave out is asked for by SIZE."""
        first, absent, highest = 1, 0, self._highest_listed()
        while absent < BEYOND or first <= highest:
            runs = range(first, (first // RUNS_PER_FOLDER + 1) * RUNS_PER_FOLDER)
            present = {int(name[-15:-7]) for name in self._storage.list(run_folder(first)) if _is_commit(name)}
            unlisted = [run for run in runs if run not in present]
            sizes = self._storage.sizes([commit_name(run) for run in unlisted])
            present |= {run for run, size in zip(unlisted, sizes, strict=True) if size is not None}
            for run in runs:
                absent = 0 if run in present else absent + 1
                if run in present:
                    yield run
            first = runs.stop

    def _highest_listed(self) -> int:
        folders = [folder for outer in self._storage.list("s") for folder in self._storage.list(outer)]
        buckets = [outer * 500 + inner for outer, inner in map(_bucket, folders) if outer >= 0]
        return (max(buckets) + 1) * RUNS_PER_FOLDER - 1 if buckets else 0

    def _verify(self, data: bytes, run: int, signer: bytes) -> bool:
        try:
            signature = self._storage.read(acknowledgement_name(run))
        except ObjectMissing:
            return False
        return verify_acknowledgement(signature, data, run, self._vault, signer)

    # The chain

    def _follow(self) -> list[Snapshot]:
        """From the tip back by parent hash. Where a link is lost, older runs count only if the portal signed them."""
        chain: list[Snapshot] = []
        run = self._tip()
        while run:
            snapshot = self._found[run][0]
            chain.append(snapshot)
            commit = snapshot.commit
            parent = self._found.get(commit.parent)
            if commit.parent == 0 or (parent and parent[0].digest == commit.parent_hash and commit.parent < run):
                run = commit.parent
                continue
            self._report(f"The parent of snapshot {run}, run {commit.parent}, is lost.")
            run = next((older for older in sorted(self._found, reverse=True)
                        if older < run and self.acknowledged(older)), 0)
        chain.reverse()
        for off in sorted(set(self._found) - {snapshot.run for snapshot in chain}):
            self._report(f"Run {off} is not part of the chain of snapshots; it is left alone.")
        return chain

    def _tip(self) -> int:
        """The newest run that descends from the newest one that the portal signed; without any, the newest."""
        runs = sorted(self._found, reverse=True)
        anchor = next((run for run in runs if self.acknowledged(run)), 0) if self._signer else 0
        if not anchor:
            return runs[0] if runs else 0
        return next(run for run in runs if run == anchor or self._descends(run, anchor))

    def _descends(self, run: int, anchor: int) -> bool:
        while run > anchor:
            commit = self._found[run][0].commit
            parent = self._found.get(commit.parent)
            if parent is None or parent[0].digest != commit.parent_hash or commit.parent >= run:
                return False
            run = commit.parent
        return run == anchor

    # What a snapshot holds

    def tree(self, run: int) -> Iterator[TreeEntry]:
        """The entries of snapshot `run`, folders before what they hold, names in byte order.

        Holds one record per entry in memory. Raises SnapshotMissing, VaultDamaged, CommitInvalid, StorageError.
        """
        nodes: dict[int, Change] = {}
        for snapshot in self._since_checkpoint(run):
            name = commit_name(snapshot.run)
            structure, names = self._contents(snapshot, STRUCTURE), self._contents(snapshot, NAMES)
            for change in read_changes(structure, names, name):
                if change.operation == DELETE:
                    nodes.pop(change.node, None)
                else:
                    nodes[change.node] = change
        return _walk(nodes, self.snapshot(run).commit.root, commit_name(run))

    def _since_checkpoint(self, run: int) -> list[Snapshot]:
        wanted = [self.snapshot(run)]
        while wanted[-1].commit.kind != "f" and wanted[-1].commit.parent:
            parent = self._found.get(wanted[-1].commit.parent)
            if parent is None or parent[0].digest != wanted[-1].commit.parent_hash:
                raise CommitInvalid(name=str(run), reason=f"run {wanted[-1].commit.parent}, on which it rests, is lost")
            wanted.append(parent[0])
        return wanted[::-1]

    def _contents(self, snapshot: Snapshot, section: int) -> Iterator[bytes]:
        """The contents of a section's parts, in order, each compared with the hash that the commit states."""
        for part in snapshot.commit.parts:
            if part.section == section:
                stored = self._storage.read(part.name)
                if hashlib.sha256(stored).digest() != part.sha256:
                    raise VaultDamaged(name=part.name, reason="its check sum differs")
                yield open_section(self._keys, self._vault, snapshot.run, section, stored, part.name)
        if section in snapshot.commit.inline:
            stored = snapshot.commit.inline[section]
            yield open_section(self._keys, self._vault, snapshot.run, section, stored, commit_name(snapshot.run))

    # Where chunks lie

    def locations(self, wanted: Collection[bytes] | None = None) -> dict[bytes, Location]:
        """Where the chunks of `wanted` (a set of ids; None for all) lie. A later run's word replaces an earlier one's.

        A lost chunk index is made good from the trailers of its packs, and reported.
        """
        found: dict[bytes, Location] = {}
        listed: set[int] = set()
        lost = False
        for snapshot in self._chain:
            packs: dict[int, StoredPack] = {}
            try:
                packs = {pack.number: pack for part in self._contents(snapshot, PACKS) for pack in read_packs(part)}
                listed |= packs.keys()
                for part in self._contents(snapshot, INDEX):
                    for chunk in read_index(part):
                        if (wanted is None or chunk.id in wanted) and chunk.pack in packs:
                            found[chunk.id] = _location(chunk, packs[chunk.pack].sha256)
            except (VaultDamaged, ObjectMissing) as error:
                self._report(f"The chunk index of run {snapshot.run} is lost; the packs are asked instead. {error}")
                found |= self._by_trailers({pack.number: (pack.sha256, pack.size) for pack in packs.values()}, wanted)
                lost = lost or len(packs) < snapshot.commit.pack_count
        if lost:  # a list of packs, too: whatever lies there and no list names
            extra = self._by_trailers(unlisted_packs(self._storage, listed), wanted)
            found = extra | found
        return found

    def _by_trailers(self, packs: dict[int, tuple[bytes, int]], wanted: Collection[bytes] | None
                     ) -> dict[bytes, Location]:
        found: dict[bytes, Location] = {}
        for number, (digest, size) in sorted(packs.items()):
            try:
                blobs = locate_by_trailers(self._storage, self._keys, self._vault, number, digest, size)
                found.update((blob.id, blob) for blob in blobs if wanted is None or blob.id in wanted)
            except (VaultDamaged, StorageError) as error:
                self._report(f"Pack {number} can't be used: {error}")
        return found


def _is_commit(name: str) -> bool:
    return name.endswith(".commit") and name[-15:-7].isdigit()


def _bucket(folder: str) -> tuple[int, int]:
    outer, _, inner = folder.removeprefix("s/").partition("/")
    return (int(outer), int(inner)) if outer.isdigit() and inner.isdigit() else (-1, 0)


def _location(chunk: IndexedChunk, digest: bytes) -> Location:
    return Location(
        chunk.pack, digest, chunk.id, chunk.kind, chunk.compression, chunk.offset, chunk.length, chunk.plain
    )


def _walk(nodes: dict[int, Change], root: int, name: str) -> Iterator[TreeEntry]:
    """Depth first from the root; what hangs on nothing went with its folder. Two of one name raise VaultDamaged."""
    children: dict[int, list[Change]] = {}
    for change in nodes.values():
        if change.node != root:
            children.setdefault(change.parent, []).append(change)
    waiting: list[tuple[tuple[bytes, ...], Change]] = []

    def enter(path: tuple[bytes, ...], node: int) -> None:
        inside = sorted(children.pop(node, ()), key=lambda change: change.name, reverse=True)
        if len({change.name for change in inside}) < len(inside):
            raise VaultDamaged(name=name, reason="a folder holds one name twice")
        for change in inside:
            if change.name in {b"", b".", b".."} or b"/" in change.name or b"\0" in change.name:
                raise VaultDamaged(name=name, reason=f"{change.name!r} can't be a file's name")
            waiting.append(((*path, change.name), change))

    enter((), root)
    while waiting:
        path, change = waiting.pop()
        yield TreeEntry(
            path, change.node, change.kind, change.size, change.mtime_ns, change.attributes, change.chunks
        )
        if change.kind == FOLDER:
            enter(path, change.node)
