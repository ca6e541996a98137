"""Downloads: one file, or a folder as ZIP, streamed from the storage and verified block by block.

Nothing is sent before the first block has been fetched and opened, because a stream that has begun cannot report an
error. Damage found later ends the stream short of its announced length, so that the browser reports a failure.
"""
from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import chain, islice
from uuid import UUID

from protocol.errors import NotFound
from server.config import Config
from server.database import begin_reading
from server.extensions import db
from server.models import Computer, Run, Vault
from server.paths import readable
from server.services.backup.vault_keys import keys_of
from server.services.files import catalogue
from server.services.files.archives import LengthDiffers, Member, length_of, write_archive
from server.services.files.catalogue import HeldVersion
from server.services.files.folder_archives import FolderArchive, Packed, top_name
from server.services.files.folders import FILE, FOLDER, find_version
from server.services.house import audit
from server.services.house.refusals import NothingChosen
from server.services.storage import storages
from server.words import count
from vault.errors import BackupError
from vault.reader import Location, Reader
from vault.storage import Storage

LOOKED_UP_TOGETHER = 2000
"""Chunks whose locations are asked for in one go."""
PACKED_TOGETHER = 500
"""Files of a ZIP whose chunks are read as one sequence, so that neighbours in a pack come with one request."""
log = logging.getLogger("ibs.downloads")


@dataclass(frozen=True)
class Wanted:
    """A file or folder of a restore point; `zone` is the reader's.

    With `chosen`, only those of the folder's own entries that have one of these node numbers.
    """

    computer: Computer
    point: Run
    path: tuple[bytes, ...]
    zone: tzinfo
    chosen: frozenset[int] | None = None


@dataclass(frozen=True)
class Download:
    """What is sent: a name for the file, its exact length in bytes, its media type and its content."""

    name: str
    size: int
    kind: str
    blocks: Iterator[bytes]


def open_download(wanted: Wanted, config: Config) -> Download:
    """The file or folder, with its first block fetched and verified; a single chosen file comes as itself.

    Raises NothingChosen, NotFound, and whatever reading the storage raises.
    """
    version = find_version(wanted.point, wanted.path) if wanted.path else None
    if version is not None and version.kind not in {FILE, FOLDER}:
        raise NotFound(what="file to download there, only a link")
    if wanted.chosen is not None:
        alone = _only_file(wanted, version)
        wanted, version = (replace(wanted, chosen=None), alone) if alone else (wanted, version)
    source = Source(wanted, config)
    try:
        if version is not None and version.kind == FILE:
            return open_file(version, source)
        return open_folder_zip(wanted, version, source)
    except BaseException:
        source.close()
        raise


def open_file(version: HeldVersion, source: Source) -> Download:
    """One file. The stream ends with LengthDiffers when the chunks are not as long as the file."""
    blocks = _of_length(source.read(catalogue.chunks_of(version)), version.size)
    return Download(readable(version.name), version.size, "application/octet-stream", source.begin(blocks))


def open_folder_zip(wanted: Wanted, version: HeldVersion | None, source: Source) -> Download:
    """A folder as ZIP, None being the root of the restore point."""
    node = version.node_no if version is not None else wanted.point.root_node
    finished = wanted.point.finished_at
    if node is None or finished is None:
        raise NotFound(what="such folder")
    moment = finished.astimezone(wanted.zone).strftime("%Y-%m-%d %H.%M")
    top = top_name(wanted.path, wanted.computer.name, moment)
    archive = FolderArchive(wanted.computer.vault_id, wanted.point.run_no, node, top, finished, wanted.chosen)
    lines: list[str] = []
    size = length_of(_members(source, archive, lines))
    note = [archive.note(lines)] if lines else []
    contents = chain(source.contents(archive.members()), ((member, (text,)) for member, text in note))
    blocks = write_archive(contents, wanted.zone)
    return Download(f"{top}.zip", size, "application/zip", source.begin(_of_length(blocks, size)))


def _only_file(wanted: Wanted, folder: HeldVersion | None) -> HeldVersion | None:
    """The file, when nothing else was chosen of a folder, None being the root. Raises NothingChosen, NotFound."""
    chosen = wanted.chosen or frozenset()
    if not chosen:
        raise NothingChosen
    node = folder.node_no if folder is not None else wanted.point.root_node
    entries = catalogue.entries_of(wanted.point, node or 0, chosen)
    if len(entries) != len(chosen):
        raise NotFound(what="such entry in this folder")
    return entries[0] if len(entries) == 1 and entries[0].kind == FILE else None


def _members(source: Source, archive: FolderArchive, lines: list[str]) -> Iterator[Member]:
    """All members, the note as the last one; what it says is known once the others were walked."""
    packed = archive.members(lines)
    while batch := source.catalogued(packed, PACKED_TOGETHER):
        yield from (one.member for one in batch)
    if lines:
        yield archive.note(lines)[0]


def _of_length(blocks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """`blocks`, never more bytes than were announced. Raises LengthDiffers."""
    sent = 0
    for block in blocks:
        sent += len(block)
        if sent > length:
            break
        yield block
    if sent != length:
        raise LengthDiffers(f"{sent} instead of {length} bytes")


@contextmanager
def _short_reading() -> Iterator[None]:
    """A transaction of its own: while a download lasts, none may stay open."""
    db.session.commit()
    begin_reading(db.session())
    yield
    db.session.commit()


def _resumed(head: list[bytes], stream: Iterator[bytes]) -> Iterator[bytes]:
    """What was taken from a stream already, and the rest of it."""
    yield from head
    yield from stream


def record(wanted: Wanted, actor: str, address: str, now: datetime) -> None:
    """Note in the audit trail who downloads what."""
    db.session.commit()
    path = "/".join(readable(name) for name in wanted.path) or "all folders"
    if wanted.chosen is not None:
        path += f" ({count(len(wanted.chosen), 'entry', 'entries')} of it)"
    detail = f"restore point {wanted.point.run_no}: {path}"
    audit.record(
        actor, "downloaded", wanted.computer.name, detail=detail, address=address, now=now,
        customer=wanted.computer.customer_id, account=wanted.computer.account_id,
    )  # fmt: skip
    db.session.commit()


class Source:
    """One vault, opened for one download."""

    def __init__(self, wanted: Wanted, config: Config) -> None:
        """Opens the vault's key and makes ready the way to its storage; nothing is fetched yet."""
        vault: Vault = wanted.computer.vault
        keys = keys_of(vault, config.secrets.kek)
        self._vault_id = vault.id
        self._storage: Storage = storages.open_vault_storage(vault, config)
        self._reader = Reader(self._storage, keys, UUID(vault.uuid))
        self._verified = False

    def close(self) -> None:
        """End the connection to the storage."""
        self._storage.close()

    def read(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """The verified content of these chunks, in order."""
        for block in self._reader.read(self._locations(numbers)):
            self._verified = True
            yield block

    def contents(self, packed: Iterator[Packed]) -> Iterator[tuple[Member, Iterable[bytes]]]:
        """Members with their content; each content must be used up before the next member is asked for."""
        while batch := self.catalogued(packed, PACKED_TOGETHER):
            numbers = [catalogue.chunks_of(one.version) if one.version else () for one in batch]
            blocks = self.read(chain.from_iterable(numbers))
            for one, own in zip(batch, numbers, strict=True):
                yield one.member, islice(blocks, len(own))

    def catalogued(self, rows: Iterator[Packed], most: int) -> list[Packed]:
        """The next `most` rows of a walk through the catalogue."""
        with _short_reading():
            return list(islice(rows, most))

    def begin(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """`blocks`, with the first content fetched and verified already. Raises what fetching it raises."""
        stream = self._guarded(blocks)
        head: list[bytes] = []
        for block in stream:
            head.append(block)
            if self._verified:
                break
        return _resumed(head, stream)

    def _guarded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from blocks
        except (BackupError, LengthDiffers) as error:
            log.error("download from vault %s broke off: %s", self._vault_id, error)
            if isinstance(error, BackupError) and "pack" in error.details:
                catalogue.mark_damaged(self._vault_id, error.details["pack"])
            raise
        finally:
            self.close()

    def _locations(self, numbers: Iterable[int]) -> Iterator[Location]:
        waiting = iter(numbers)
        while batch := list(islice(waiting, LOOKED_UP_TOGETHER)):
            with _short_reading():
                found = catalogue.locate(self._vault_id, batch)
            yield from found
