"""One backup run, from the first question to the portal to the new index; docs/architecture.md walks through it."""
from __future__ import annotations

import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from client.api.portal import Portal
from client.api.reporting import note_counts
from client.api.vaults import VaultAccess, choose_cipher
from client.errors import NoFolders
from client.events import Emit, Finished, Notice, PackStored, Progress, Started
from client.jobs.control import Control, RunCancelled
from client.outcomes import end_of_run
from client.run.deduplication import ChunkStore
from client.run.entries import EntrySender
from client.run.heart import Heart
from client.run.opening import KeptJournal, open_run
from client.run.pipeline import Pipeline
from client.run.recorder import Recorder
from client.run.second_look import PacksTorn, SecondLook
from client.run.sources import open_sources
from client.run.walk import Walk, choose_suspects, is_deep
from client.store.index import IndexWriter, read_head, read_index, written_at
from client.store.settings import Identity, Journal, Settings
from client.system import stay_awake
from client.system.process import tune_for_threads
from protocol import __version__
from protocol.messages import (
    AddPack,
    CommitRun,
    Heartbeat,
    PackedChunk,
    PackRecord,
)
from vault.errors import BackupError
from vault.layout import acknowledgement_name
from vault.manifests import Commit, commit_hash, write_commit
from vault.packing import ClosedPack
from vault.parts import ManifestWriter
from vault.writer import PackWriter

REPORT_SECONDS = 0.2
RECENT = 8
"""Packs sent last, which are looked at again when the computer slept in between."""


@dataclass(frozen=True)
class Job:
    """Who backs up what, and whom it tells."""

    settings: Settings
    identity: Identity
    portal: Portal
    emit: Emit
    automatic: bool = False
    control: Control = field(default_factory=Control)


def run_backup(
    settings: Settings, identity: Identity, portal: Portal, emit: Emit, *, automatic: bool = False,
    control: Control | None = None,
) -> Finished:
    """Backs the protected folders up. Returns what the last event says, too.

    Raises a BackupError when the run ended without a snapshot (what was stored is used by the next one), and
    RunCancelled when `control` said so. Damage that the run finds in earlier packs is healed by a second run.
    """
    job = Job(settings, identity, portal, emit, automatic, control or Control())
    if not settings.folders:
        raise NoFolders
    tune_for_threads()
    with stay_awake():
        try:
            finished, damaged = _Run(job).execute()
        except PacksTorn as torn:
            damaged = torn.details["damaged"]
        if damaged:
            emit(Notice(f"{damaged} stored files of the vault were damaged; what they held is stored again."))
            finished, _ = _Run(job).execute()
    return finished


class _Run:
    """One run and the parts it is made of, which all live as long as it does."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.begun = time.monotonic()
        self.started_at = datetime.now(UTC)
        self.journal = KeptJournal(job.settings.home, lambda text: job.emit(Notice(text)))
        self.reported = 0.0
        self.undo = contextlib.ExitStack()
        self.committing = False
        self.recent: deque[PackRecord] = deque(maxlen=RECENT)
        self.asleep = 0.0

    def execute(self) -> tuple[Finished, int]:
        """The run, top to bottom: (what it brought, damaged packs found on the way)."""
        job = self.job
        self.uuid, self.opened, self.portal_run = open_run(
            job.settings.home, self.journal, job.portal, automatic=job.automatic, at=self.started_at,
        )
        job.emit(Started(self.opened.number))
        self.access = VaultAccess(self.opened, job.control.pace)
        self.heart = Heart(self.portal_run, self.access, self.opened.lease_seconds / 10, self._progress,
                           woke=self._wake)
        try:
            with job.control.watched(self._break_off):
                snapshot, damaged = self._work()
        except BaseException as error:
            self.undo.close()
            if self.committing:
                raise
            stopped = job.control.cancelled.is_set()
            self._end(RunCancelled() if stopped else error)
            if stopped:
                raise RunCancelled from error
            raise
        finally:
            self.heart.stop()
        finished = Finished(
            snapshot, self.recorder.files, self.recorder.bytes, self.pipeline.bytes_read, self._stored(),
            self.recorder.skipped, round(time.monotonic() - self.begun, 3),
        )
        job.emit(finished)
        return finished, damaged

    def _work(self) -> tuple[int, int]:
        """(the snapshot's number, damaged packs found on the way)."""
        opened, access = self.opened, self.access
        several = access.connections > 1
        self.look = SecondLook(
            opened.recent_packs, access.open, self.portal_run.report_damage, self.job.emit, beside=several,
        )
        with open_sources(self.job.settings, self.job.emit, go_on=self.job.control.check) as self.sources:
            self._prepare()
            self.manifest.begin([(file.name, file.data) for file in opened.vault_files], beside=several)
            self.walk.execute()
        return self._commit(), self.look.wait()

    # --- the parts -------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        opened, access, home = self.opened, self.access, self.job.settings.home
        parent, head = opened.parent, read_head(home)
        fits = parent is not None and head is not None and head[:3] == (
            opened.vault, parent.number, parent.commit_hash)
        self.root = head.root if fits and head is not None else opened.next_node
        self.kind = "d" if fits and not opened.checkpoint_due else "f"
        self.cipher = choose_cipher()
        self.writer = PackWriter(
            access.open, access.vault, access.keys, opened.number, opened.next_pack, self._register,
            size=opened.pack_size, connections=max(1, access.connections - 1), cipher=self.cipher,
            kept=lambda closed: self.manifest.add_pack(closed),
        )
        self.manifest = ManifestWriter(
            access.open, access.vault, access.keys, opened.number, self.kind, self.cipher,
            defer=access.connections == 1, do=self.writer.do,
        )
        self.store = ChunkStore(
            access.keys, self.writer, self.portal_run.lookup_chunks, self.manifest.add_pack,
            opened.next_chunk, level=opened.compression_level, cipher=self.cipher,
        )
        self.index = IndexWriter(home, opened.vault, self.root)
        for end in (self.index.discard, self.writer.abort, self.manifest.abort):
            self.undo.callback(end)
        self.entries = EntrySender(self.portal_run.add_entries, self.root)
        self.undo.callback(self.entries.abort)
        self.store.expect(b"".join(opened.lost_chunks))  # what a run without a snapshot stored again is taken over
        self.pipeline = Pipeline(
            self.store, access.keys.gear, opened.lost_chunks, tell=self._tell, wait=self.job.control.wait,
            read_at=self.sources.read_at,
        )
        self.undo.callback(self.pipeline.abort)
        self.recorder = Recorder(self.index, self.manifest, self.entries, self.job.emit, full=self.kind == "f",
                                 folders=self.job.settings.folders)
        self.walk = Walk(
            self.job.settings, self.recorder, self.pipeline, self._tell,
            choose_suspects(self.job.settings, written_at(home), time.time(), opened.lost_chunks),
            index=read_index(home) if fits else None, root=self.root, deep=is_deep(opened.number),
            next_node=opened.next_node if fits else opened.next_node + 1, read_at=self.sources.read_at,
        )

    def _register(self, closed: ClosedPack) -> None:
        """A pack lies on the storage: the portal is told, and asked whether the run may go on."""
        pack = closed.pack
        record = PackRecord(number=pack.number, sha256=pack.sha256, size=pack.size)
        self.recent.append(record)
        self.portal_run.add_pack(AddPack(
            pack=record,
            cipher=closed.cipher,
            key_version=closed.key_version,
            chunks=tuple(PackedChunk(*chunk) for chunk in closed.chunks),
        ))
        self.store.forget(closed)
        self.job.emit(PackStored(pack.number, pack.size))

    def _tell(self, path: str) -> None:
        """Between two findings: may the run go on, and does somebody want to know how far it is?"""
        control = self.job.control
        if control.paused:
            control.wait(self.heart.check)
        if control.cancelled.is_set():
            raise RunCancelled
        now = time.monotonic()
        if now - self.reported >= REPORT_SECONDS:
            self.reported = now
            self.heart.check()
            size = self.recorder.bytes + self.pipeline.bytes_under_way
            self.job.emit(Progress(self.recorder.files, size, self._stored(), path))

    def _break_off(self) -> None:
        """A person wants the end: whatever waits for the storage or the portal stops waiting."""
        if not self.committing:
            for part in ("pipeline", "writer"):
                if hasattr(self, part):
                    getattr(self, part).stop(RunCancelled())
            self.job.portal.close()

    def _wake(self, seconds: float) -> None:
        self.asleep += seconds
        self.job.emit(Notice(f"The computer slept for {max(1, round(seconds / 60))} min. The backup goes on."))

    def _progress(self) -> Heartbeat:
        if not hasattr(self, "recorder"):
            return Heartbeat()
        return Heartbeat(files=self.recorder.files, bytes=self.recorder.bytes, stored=self._stored())

    def _stored(self) -> int:
        return self.writer.bytes_stored

    # --- the end ---------------------------------------------------------------------------------------------

    def _commit(self) -> int:
        """Packs, then manifest, then the commit object, then the portal: in this order nothing is ever missing."""
        self.writer.flush()
        self.manifest.store_entries()
        batches, digest = self.entries.finish()
        self.writer.wait()
        if self.access.connections == 1:
            self.writer.finish()  # its connection is wanted for the manifest
        inline = self.manifest.finish()
        self.writer.finish()
        if self.asleep:
            self.look.look_again(self.recent)
        data = write_commit(self._describe(inline, batches, digest), self.access.keys, self.access.vault, self.cipher)
        # From here on the storage may hold the snapshot, so its fate is the portal's to settle if this run breaks off.
        self.committing = True
        self.manifest.store_commit(data)
        self.look.wait()  # the portal takes no report of damage once the run is closed
        committed = self.portal_run.commit(CommitRun(
            commit=data, files=self.recorder.files, bytes=self.recorder.bytes, read=self.pipeline.bytes_read,
            stored=self._stored(), skipped=self.recorder.skipped,
        ))
        self.index.finish(self.opened.number, commit_hash(data))
        self.journal.begin_anew(Journal(self.opened.number, commit_hash(data)))
        with contextlib.suppress(BackupError):  # the snapshot stands, whatever becomes of the figures
            note_counts(self.job.settings, self.recorder.counts, datetime.now(UTC))
        with contextlib.suppress(BackupError):  # an acknowledgement only helps a rebuild; the snapshot stands
            self.manifest.storage.put_small(acknowledgement_name(self.opened.number), committed.acknowledgement)
        self.manifest.close()
        return self.opened.number

    def _describe(self, inline: dict[int, bytes], batches: int, digest: bytes) -> Commit:
        opened, parent = self.opened, self.opened.parent
        return Commit(
            run=opened.number,
            run_uuid=self.uuid,
            parent=parent.number if parent else 0,
            parent_hash=parent.commit_hash if parent else b"",
            kind=self.kind,
            root=self.root,
            windows_names=self.job.identity.windows_names,
            parts=tuple(self.manifest.parts),
            inline=inline,
            pack_count=self.manifest.pack_count,
            chunk_count=self.store.next_chunk - opened.next_chunk,
            first_chunk=opened.next_chunk,
            batches=batches,
            entries_digest=digest,
            files=self.recorder.files,
            bytes=self.recorder.bytes,
            stored=self._stored(),
            skipped=self.recorder.skipped,
            computer=self.job.identity.computer,
            client_version=__version__,
            consistency=self.sources.consistency,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
        )

    def _end(self, error: BaseException) -> None:
        """Tells the portal why there is no snapshot."""
        with contextlib.suppress(BackupError):
            self.portal_run.end(end_of_run(error))
            self.journal.begin_anew(Journal(self.journal.now.last_commit, self.journal.now.last_commit_hash))
