"""The portal that script/bench portal measures: 1,000 customers, 3,000 computers, 90 days of runs, 1,000,000 files."""
from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, text

from server.extensions import db
from server.models import Computer, Folder, Run, Vault, Version
from server.models.catalogue import FOREVER
from server.services.files.bulk import Row, insert_rows
from tests.parts.full_house import FullHouse, Size, add_rows, run_row
from tests.parts.portal_world import FILE, FOLDER, BackedUp, PortalWorld, let_hold
from tests.parts.routes import objects_of

MB = 1_000_000
FILES_PER_FOLDER = 100
COLUMNS = "vault_id,parent_no,name,first_run,last_run,node_no,kind,size,mtime_ns,attributes,chunks,segments"
ZIP_FILE = 64 * MB
"""Bytes of each file of the folder that is downloaded as ZIP."""


@dataclass(frozen=True)
class Amounts:
    """How much of everything."""

    customers: int = 1_000
    computers: int = 3_000
    days: int = 90
    files: int = 1_000_000
    zip_bytes: int = 5_000 * MB

    def scaled(self, scale: float) -> Amounts:
        """The same in small."""
        return Amounts(customers=max(40, int(self.customers * scale)), computers=max(40, int(self.computers * scale)),
                       files=max(40, int(self.files * scale)), zip_bytes=int(self.zip_bytes * scale))


class BenchHouse:
    """Fills an empty portal; `objects` are those that the pages show, `zip_path` leads to the large folder."""

    def __init__(self, world: PortalWorld, amounts: Amounts) -> None:
        """Needs an application context."""
        self.world, self.amounts = world, amounts
        self.objects: dict[str, object] = {}
        self.zip_path = ""

    def fill(self) -> None:
        """Everything."""
        self.objects = objects_of(self.world)
        house = FullHouse(self.world, Size(self.amounts.customers, self.amounts.computers, self.amounts.days))
        house.fill()
        archive = self.world.computer(self.world.owner, "ARCHIVE")
        self._add_runs(archive)
        third = self.amounts.files * 3 // 10
        self._add_files(archive.vault.id, third)
        others = [machine.vault["id"] for machine in house.machines if machine.vault["last_commit_run"]]
        each = max(FILES_PER_FOLDER, (self.amounts.files - third) // min(700, len(others)))
        for vault in others[: (self.amounts.files - third) // each]:
            self._add_files(vault, each)
        self.zip_path = self._add_large_folder()
        self.objects |= {
            "computer_id": archive.computer.id, "number": self.amounts.days, "n": self.amounts.days,
            "address": "many", "file": "folder-00000/file-000000.dat", "first": 1,
        }
        if db.engine.dialect.name != "sqlite":
            for table in ("run", "version", "folder", "computer", "customer", "customer_day", "subscription",
                          "audit_event"):
                db.session.execute(text(f"ANALYZE TABLE {table}"))

    def counts(self) -> dict[str, int]:
        """What is there now."""
        return {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) or 0
                for model in (Computer, Run, Version)}

    def _add_runs(self, box: BackedUp) -> None:
        """A snapshot each day, each with the same files."""
        vault, now = box.vault, self.world.now
        rows = [run_row(vault.id, number, now - timedelta(days=self.amounts.days - number, hours=1), 40, "committed",
                        self.amounts.files * 3 // 10) for number in range(1, self.amounts.days + 1)]
        add_rows(Run, rows)
        vault.last_run_no = vault.last_commit_run = self.amounts.days
        vault.last_commit_hash = bytes(32)
        computer = box.computer
        computer.last_commit_at = computer.last_run_at = now
        computer.last_run_state = computer.previous_run_state = "committed"
        computer.restore_points = self.amounts.days
        computer.late_at, computer.overdue_at = now + timedelta(days=1), now + timedelta(days=2)
        let_hold(vault, 30 * 10**9)

    def _add_files(self, vault: int, files: int) -> None:
        """Folders of a hundred files below the root of a vault, and one that holds two thousand."""
        many = min(2_000, files // 2)
        folders = [(b"many", many)] + [(b"folder-%05d" % number, FILES_PER_FOLDER)
                                       for number in range((files - many) // FILES_PER_FOLDER)]
        add_rows(Folder, ({"vault_id": vault, "node_no": node, "parent_no": 1, "name": name}
                          for node, (name, _) in enumerate(folders, 2)))
        rows = [_row(vault, 1, name, node, FOLDER, 0) for node, (name, _) in enumerate(folders, 2)]
        insert_rows(db.session.connection(), "version", COLUMNS, [*rows, *self._files_of(vault, folders)])
        db.session.commit()

    @staticmethod
    def _files_of(vault: int, folders: list[tuple[bytes, int]]) -> Iterator[Row]:
        node = len(folders) + 2
        for parent, (_, amount) in enumerate(folders, 2):
            for number in range(amount):
                node += 1
                yield _row(vault, parent, b"file-%06d.dat" % number, node, FILE, 3_000 + node % 100_000)

    def _add_large_folder(self) -> str:
        """A folder of many files that share the chunks of one, which alone is made: its address."""
        box = self.world.computer(self.world.owner, "LARGE")
        box.cut = lambda content: [content[start : start + 4 * MB] for start in range(0, len(content), 4 * MB)]
        box.pack_size = 8 * MB
        content = random.Random(1).randbytes(ZIP_FILE)
        number = box.store({(b"zip", b"0.bin"): content}, self.world.now)
        vault: Vault = box.vault
        first = db.session.scalars(select(Version).where(Version.vault_id == vault.id, Version.name == b"0.bin")).one()
        rows = [_row(vault.id, first.parent_no, b"%d.bin" % place, 1000 + place, FILE, first.size, first.chunks)
                for place in range(1, max(2, self.amounts.zip_bytes // ZIP_FILE + 1))]
        insert_rows(db.session.connection(), "version", COLUMNS, rows)
        db.session.commit()
        return f"/files/{box.computer.id}/{number}/download/zip"


def _row(vault: int, parent: int, name: bytes, node: int, kind: int, size: int, chunks: bytes = b"") -> Row:
    changed = 1_760_000_000_000_000_000 + node * 10**9
    return vault, parent, name, 1, FOREVER, node, kind, size, changed, 0o644, chunks, 0
