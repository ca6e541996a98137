"""The recorder: each finding of a run goes to the new index, the manifest and the portal, in the order of the scan."""
from __future__ import annotations

import time
from collections.abc import Collection

from client.events import Emit, FileSkipped, FolderMissing, Notice
from client.run.entries import EntrySender
from client.run.merge import GONE, LEAVE, RACY_NS, SAME, Step
from client.run.pipeline import Outcome
from client.run.scan import FileElsewhere, FolderLost, SourceSkipped, SourceUnstable, VolumeApart
from client.store.index import FILE, FOLDER, Indexed, IndexWriter
from client.system.sources import explain_failure, is_elsewhere
from protocol.messages import Entry, Gone
from vault.errors import BackupError
from vault.parts import ManifestWriter
from vault.records import ADD, CHANGE, DELETE


class Recorder:
    """Counts and writes down what a run finds.

    `full` makes the manifest a checkpoint that lists everything. `folders` are the protected ones: `counts` tells the
    (files, bytes) of each that was gone through.
    """

    def __init__(
        self, index: IndexWriter, manifest: ManifestWriter, entries: EntrySender, emit: Emit, *, full: bool,
        folders: Collection[str] = (),
    ) -> None:
        self._index, self._manifest, self._entries, self._emit, self._full = index, manifest, entries, emit, full
        self._begun_ns = time.time_ns()
        self.files = 0
        self.bytes = 0
        self.skipped = 0
        self.elsewhere = 0
        self.changes = 0
        self.counts: dict[str, tuple[int, int]] = {}
        self._folders = frozenset(folders)
        self._open: list[tuple[int, str, int, int]] = []

    def record(self, step: Step) -> None:
        """A finding that needs no reading: a folder, an unchanged entry, one that is gone or could not be looked at."""
        if step.action == LEAVE:
            self._index.leave()
            if self._open and self._open[-1][0] == step.node:
                _, path, files, size = self._open.pop()
                self.counts[path] = self.files - files, self.bytes - size
        elif step.scanned is not None and step.scanned.kind == FOLDER:
            entry = Indexed(FOLDER, step.scanned.name, step.node, 0, *step.scanned.status[1:3], 0, 0, False, b"")
            self._write(step, entry, b"")
            if step.scanned.path in self._folders:
                self._open.append((step.node, step.scanned.path, self.files, self.bytes))
        elif step.action == GONE:
            self._drop(step)
        elif step.indexed is not None:
            self._keep(step.parent, step.indexed)

    def record_file(self, step: Step, outcome: Outcome) -> None:
        """A file or link that was to be read."""
        assert step.scanned is not None
        path = step.scanned.path
        if outcome.failure is not None:
            self._pass_over(step, path, outcome.failure)
            return
        assert outcome.status is not None
        size, mtime_ns, attributes, changed_ns, inode = outcome.status
        racy = outcome.unstable or mtime_ns > self._begun_ns - RACY_NS
        if outcome.unstable:
            problem = SourceUnstable(path=path)
            self._emit(Notice(f"{problem.sentence} {problem.hint}", problem.code))
        self._write(step, Indexed(
            step.scanned.kind, step.scanned.name, step.node, size, mtime_ns, attributes, changed_ns, inode, racy,
            outcome.ids,
        ), outcome.numbers)

    def report(self, problem: BackupError) -> None:
        """Something could not be looked at: a result that people should see, not a failure. Of what lies in a cloud
        the number alone is told, at the end; a volume in a folder is no part of the backup, and that is said."""
        if isinstance(problem, FileElsewhere):
            self.elsewhere += 1
            return
        if isinstance(problem, VolumeApart):
            self._emit(Notice(f"{problem.sentence} {problem.hint}", problem.code))
            return
        self.skipped += 1
        path = str(problem.details.get("path", ""))
        if isinstance(problem, FolderLost):
            self._emit(FolderMissing(path, problem.code, problem.sentence))
        else:
            self._emit(FileSkipped(path, problem.code, str(problem.details.get("reason", ""))))

    def finish(self) -> None:
        """Everything is recorded: what a whole disk holds, and how many files a cloud has, is known now."""
        for root in self._folders & {"/"}:  # it has no entry of its own
            self.counts[root] = self.files, self.bytes
        if self.elsewhere:
            what = "1 file lies" if self.elsewhere == 1 else f"{self.elsewhere:,} files lie"
            self._emit(Notice(
                f"{what} in a cloud only and {'was' if self.elsewhere == 1 else 'were'} not fetched; what was backed up"
                f" before is kept. {FileElsewhere.hint}", FileElsewhere.code,
            ))

    def _pass_over(self, step: Step, path: str, failure: OSError) -> None:
        if isinstance(failure, FileNotFoundError):  # deleted between scan and reading
            if step.indexed is not None:
                self._drop(step)
            return
        away = is_elsewhere(failure)
        self.report(FileElsewhere(path=path) if away else SourceSkipped(path=path, reason=explain_failure(failure)))
        if step.indexed is not None:
            self._keep(step.parent, step.indexed)

    def _write(self, step: Step, entry: Indexed, numbers: bytes) -> None:
        self._count(entry)
        self._index.add(entry)
        known = step.indexed
        kind, name, node, size, mtime_ns, attributes, _, _, _, ids = entry
        # A new time of change or inode alone is nothing that a restore would bring back.
        if step.action == SAME or (known is not None and known[:6] == entry[:6] and known.chunks == ids):
            if self._full:
                self._manifest.add(ADD, kind, node, step.parent, size, ids, name, mtime_ns, attributes)
            return
        self.changes += 1
        operation = ADD if known is None or self._full else CHANGE
        self._manifest.add(operation, kind, node, step.parent, size, ids, name, mtime_ns, attributes)
        if known is not None:
            self._entries.end(Gone(step.parent, name))
        self._entries.add(Entry(step.parent, name, node, kind, size, mtime_ns, attributes & 0xFFFFFFFF, numbers))

    def _keep(self, parent: int, known: Indexed) -> None:
        self._count(known)
        self._index.add(known)
        if self._full:
            self._manifest.add(
                ADD, known.kind, known.node, parent, known.size, known.chunks, known.name, known.mtime_ns,
                known.attributes,
            )

    def _drop(self, step: Step) -> None:
        assert step.indexed is not None
        self.changes += 1
        if not self._full:
            known = step.indexed
            self._manifest.add(DELETE, known.kind, known.node, step.parent, 0, b"", known.name, 0, 0)
        self._entries.end(Gone(step.parent, step.indexed.name))

    def _count(self, entry: Indexed) -> None:
        if entry.kind == FILE:
            self.files += 1
            self.bytes += entry.size
