"""A small vault, built object by object as docs/vault-format.md says: what reading is tested against."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path
from uuid import UUID

from vault.blobs import AES_GCM, DATA, seal_blob
from vault.chunks import WHOLE, chunk_id
from vault.keys import derive_keys, recovery_wrapping_key, wrap_key
from vault.layout import VAULT_FILE, acknowledgement_name, commit_name, key_name, pack_name, part_name
from vault.manifests import (
    INDEX,
    NAMES,
    PACKS,
    STRUCTURE,
    Commit,
    PartRecord,
    commit_hash,
    describe_vault,
    seal_section,
    sign_commit,
    write_commit,
)
from vault.packs import PackBuilder
from vault.records import (
    ADD,
    CHANGE,
    DELETE,
    FILE,
    FOLDER,
    StoredPack,
    pack_location,
    pack_names,
    pack_packs,
    pack_structure,
)
from vault.storage import FolderStorage

VAULT = UUID("6f1f0a52-7d7e-4c0b-9d53-0d4a1c5f2b11")
VAULT_KEY = bytes(range(64))
CODE = "0004-1061-050R-3GG2-8A1C-60T3-GFWE"
SIGNING_KEY = bytes(range(100, 132))
FIRST_DAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROOT = 1

Steps = tuple[bytes, ...]


@dataclass(frozen=True)
class Item:
    """A file, folder or link to be stored."""

    kind: int = FILE
    content: bytes = b""
    mtime_ns: int = 1_700_000_000_123_456_789
    attributes: int = 0o644


@dataclass
class Written:
    """An item as the last run stored it."""

    item: Item
    node: int
    chunks: tuple[bytes, ...]


@dataclass
class SmallVault:
    """Stores trees as runs. `cut` turns a file's content into chunks."""

    folder: Path
    signer: bytes = b""
    inline: bool = False
    cut: Callable[[bytes], list[bytes]] = lambda content: [content] if content else []
    cipher: int = AES_GCM
    pack_size: int = 1 << 20
    miscount: int = 0
    """Files that its commits claim beyond those that there are."""
    storage: FolderStorage = field(init=False)

    def __post_init__(self) -> None:
        self.storage = FolderStorage(self.folder)
        self.keys = derive_keys(VAULT_KEY, VAULT)
        self.nodes = ROOT
        self.tree: dict[Steps, Written] = {}
        self.known: set[bytes] = set()
        self.commits: dict[int, bytes] = {}
        self.last = self.next_pack = 0

    def create(self) -> None:
        """ibs-vault.json and the key, wrapped with the recovery code."""
        self.storage.put_new(VAULT_FILE, describe_vault(VAULT, FIRST_DAY, self.pack_size))
        wrapping = recovery_wrapping_key(CODE, VAULT)
        wrapped = wrap_key(VAULT_KEY, wrapping, vault=VAULT, holder="recovery", signer=self.signer)
        self.storage.put_new(key_name(sha256(wrapped).digest()), wrapped)

    def store(self, run: int, tree: dict[Steps, Item], *, checkpoint: bool = False, commit: bool = True) -> None:
        """Run `run` with exactly `tree` in it; without `commit` it is interrupted just before the commit object."""
        kind = "f" if checkpoint or not self.last else "d"
        packs, index, ids = self._store_chunks(run, [tree[path].content for path in sorted(tree)])
        written = {}
        structure, names = [], []
        for path in sorted(self.tree, reverse=True):
            if path not in tree:
                gone = self.tree[path]
                if kind == "d":
                    structure.append(pack_structure(DELETE, gone.item.kind, gone.node, self._node(path[:-1]), 0, b""))
                    names.append(pack_names(DELETE, gone.node, 0, 0, b""))
        for path, chunks in zip(sorted(tree), ids, strict=True):
            item, before = tree[path], self.tree.get(path)
            if before is None:
                self.nodes += 1
            written[path] = Written(item, before.node if before else self.nodes, chunks)
            self.tree[path] = written[path]
            if before and before.item == item and kind == "d":
                continue
            operation = CHANGE if before and kind == "d" else ADD
            node, parent = written[path].node, self._node(path[:-1])
            structure.append(pack_structure(operation, item.kind, node, parent, len(item.content), b"".join(chunks)))
            names.append(pack_names(operation, node, item.mtime_ns, item.attributes, path[-1]))
        self.tree = written
        sections = [(kind, STRUCTURE, b"".join(structure)), (kind, NAMES, b"".join(names)),
                    ("x", PACKS, pack_packs(packs)), ("x", INDEX, b"".join(index))]
        if commit:
            self._commit(run, kind, sections, packs, len(index))

    def _node(self, path: Steps) -> int:
        return self.tree[path].node if path else ROOT

    def _store_chunks(self, run: int, contents: list[bytes]
                      ) -> tuple[list[StoredPack], list[bytes], list[tuple[bytes, ...]]]:
        builder = PackBuilder(VAULT, self.keys, self.pack_size, self.cipher)
        builder.begin(self.next_pack, run)
        packs: list[StoredPack] = []
        index, ids = [], []

        def close() -> None:
            data, digest = builder.close()
            self.storage.put_new(pack_name(builder.number, digest), data)
            packs.append(StoredPack(builder.number, len(data), digest))
            self.next_pack += 1
            builder.begin(self.next_pack, run)

        for content in contents:
            plains = self.cut(content)
            ids.append(tuple(chunk_id(self.keys.chunk, plain) for plain in plains))
            for plain, identity in zip(plains, ids[-1], strict=True):
                if identity in self.known:
                    continue
                self.known.add(identity)
                compression, salt, sealed = seal_blob(self.keys, VAULT, identity, plain, cipher=self.cipher)
                if not builder.fits(16 + len(sealed)):
                    close()
                blob = builder.add(identity, DATA, compression, salt, sealed, len(plain))
                index.append(pack_location(
                    identity, builder.number, blob.offset, blob.length, blob.plain, DATA, compression,
                ))
        if builder.blobs:
            close()
        return packs, index, ids

    def _commit(self, run: int, kind: str, sections: list[tuple[str, int, bytes]], packs: list[StoredPack],
                chunks: int) -> None:
        parts, inline = [], {}
        for number, (letter, section, content) in enumerate(sections):
            stored = seal_section(self.keys, VAULT, run, letter, section, number, content, self.cipher)
            if self.inline:
                inline[section] = stored
                continue
            digest = sha256(stored).digest()
            parts.append(PartRecord(part_name(run, letter, number, digest), section, len(stored), digest))
            self.storage.put_new(parts[-1].name, stored)
        parent = self.commits.get(self.last, b"")
        files = [written.item for written in self.tree.values() if written.item.kind == FILE]
        moment = FIRST_DAY + timedelta(days=run)
        data = write_commit(Commit(
            run=run, run_uuid=UUID(int=run), parent=self.last, parent_hash=commit_hash(parent) if parent else b"",
            kind=kind, root=ROOT, windows_names=False, parts=tuple(parts), inline=inline, pack_count=len(packs),
            chunk_count=chunks, first_chunk=1, batches=0, entries_digest=blake2b(digest_size=32).digest(),
            files=len(files) + self.miscount, bytes=sum(len(item.content) for item in files),
            stored=sum(pack.size for pack in packs), skipped=0, computer="workstation", client_version="0.1.0",
            consistency="live", started_at=moment, finished_at=moment + timedelta(minutes=1),
        ), self.keys, VAULT, self.cipher)
        self.storage.put_new(commit_name(run), data)
        if self.signer:
            self.storage.put_new(acknowledgement_name(run), sign_commit(data, run, VAULT, SIGNING_KEY))
        self.commits[run] = data
        self.last = run


def folder(mtime_ns: int = 1_700_000_000_000_000_000) -> Item:
    """An ordinary folder."""
    return Item(FOLDER, b"", mtime_ns, 0o755)


def fixed_cut(content: bytes, size: int = WHOLE) -> list[bytes]:
    """Chunks of `size` bytes."""
    return [content[start : start + size] for start in range(0, len(content), size)]
