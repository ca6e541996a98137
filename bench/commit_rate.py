"""How fast the portal takes a first backup of many small files: packs, entries and commit, by HTTP, into MariaDB.

Run it on a quiet machine: python -m bench.commit_rate [FILES]. It starts a private MariaDB and a portal process; what
a client would compute (ids, messages) is made before the clock starts.
"""
from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from flask_migrate import upgrade

from protocol import messages
from protocol.messages import API, AddEntries, AddPack, Entry, PackedChunk, PackRecord, encode
from server.app import create_app
from server.config import create_data
from server.services.people import accounts, customers
from server.services.selling import plans, subscriptions
from server.services.storage import storages
from tests.parts.mariadb import running_mariadb
from vault.keys import derive_keys
from vault.manifests import Commit, write_commit

SERVE = """
import sys, pathlib
from waitress import create_server
from server.app import create_app
from server.config import load_config
server = create_server(create_app(load_config(pathlib.Path(sys.argv[1]))), listen="127.0.0.1:0", threads=8)
print(server.effective_port, flush=True)
server.run()
"""
PASSWORD = "correct horse battery"
CHUNKS_PER_PACK = 1_000
"""As many of the small files as a pack of 8 MiB takes."""
STORED = 8_000
FILES_PER_FOLDER = 100


def main(files: int) -> None:
    """Measure once and print the figures."""
    with tempfile.TemporaryDirectory(prefix="ibs-commit-rate-") as folder, running_mariadb(Path(folder)) as mariadb:
        data = Path(folder) / "portal"
        config = create_data(data, mariadb.new_database())
        now = datetime.now(UTC)
        with create_app(config).app_context():
            upgrade()
            storages.register_gateway(config, now)
            customer = customers.create_customer("Bench", "bench@example.com", now)
            plan = plans.create_plan("Gold", 10**13, 5, 365, 90, now)
            subscriptions.create_subscription(customer, plan, now)
            accounts.create_account(customer, "bench", PASSWORD, now)
        portal = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(data)], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        try:
            assert portal.stdout is not None
            print(json.dumps(measure(int(portal.stdout.readline()), files)))
        finally:
            portal.terminate()
            portal.wait()


class Portal:
    """The client API over one kept connection."""

    def __init__(self, port: int) -> None:
        self.web = http.client.HTTPConnection("127.0.0.1", port)
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's body; RuntimeError with what the portal says otherwise."""
        self.web.request(method, API + path, body, self.headers)
        response = self.web.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer.decode())
        return answer


def measure(port: int, files: int) -> dict[str, float]:
    """Seconds for each part of the run, and files per second."""
    portal = Portal(port)
    enrolled = _enrol(portal)
    uuid = uuid4()
    opened = _open_run(portal, uuid)
    ids = [secrets.token_bytes(16) for _ in range(files)]
    lookups = [encode(messages.LookupChunks(ids=tuple(ids[start:start + 2000]))) for start in range(0, files, 2000)]
    packs = [_pack(number, ids, start) for number, start in enumerate(range(0, files, CHUNKS_PER_PACK), 1)]
    batches = _batches(files, opened.next_node)
    closing = _commit(opened, uuid, enrolled.computer, len(packs), files, batches)
    figures = {}
    begun = time.perf_counter()
    for name, bodies in (("chunks", lookups), ("packs", packs), ("entries", batches), ("commit", [closing])):
        started = time.perf_counter()
        for body in bodies:
            portal.ask("POST", f"/runs/{opened.number}/{name}", body)
        figures[name] = round(time.perf_counter() - started, 2)
    figures["files_per_second"] = round(files / (time.perf_counter() - begun))
    listing = time.perf_counter()
    page = encode(messages.ListEntries(deep=True, locations=True))
    portal.ask("POST", f"/snapshots/{opened.number}/entries", page)
    figures["first page of a restore"] = round(time.perf_counter() - listing, 3)
    return figures


def _enrol(portal: Portal) -> messages.EnrolledComputer:
    request = messages.EnrolComputer(
        user_name="bench", password=PASSWORD, client_version="1", windows_names=False,
        hardware=messages.HardwareReport(host_name="bench", system="Linux"),
    )
    enrolled = msgspec.json.decode(
        portal.ask("POST", "/enrolments", encode(request)), type=messages.EnrolledComputer)
    portal.headers[messages.TOKEN_HEADER] = f"Bearer {enrolled.token}"
    return enrolled


def _open_run(portal: Portal, uuid: UUID) -> messages.OpenedRun:
    request = messages.OpenRun(
        uuid=str(uuid), automatic=False, client_version="1", client_time=datetime.now(UTC), hardware_hash=bytes(32)
    )
    opened = msgspec.json.decode(portal.ask("POST", "/runs", encode(request)), type=messages.OpenedRun)
    portal.headers[messages.LEASE_HEADER] = opened.lease
    return opened


def _commit(
    opened: messages.OpenedRun, uuid: UUID, computer: str, packs: int, files: int, batches: list[bytes]
) -> bytes:
    """The message that commits all of it."""
    digest = blake2b(b"".join(blake2b(batch, digest_size=32).digest() for batch in batches), digest_size=32).digest()
    vault, now = UUID(opened.vault), datetime.now(UTC)
    commit = Commit(
        run=opened.number, run_uuid=uuid, parent=0, parent_hash=b"", kind="f", root=opened.next_node,
        windows_names=False, pack_count=packs, chunk_count=files, first_chunk=1, batches=len(batches),
        entries_digest=digest, files=files, bytes=files, stored=files, skipped=0, computer=computer,
        client_version="1", consistency="live", started_at=now, finished_at=now,
    )
    data = write_commit(commit, derive_keys(opened.vault_key, vault, opened.key_version), vault)
    return encode(messages.CommitRun(commit=data, files=files, bytes=files, read=files, stored=files, skipped=0))


def _pack(number: int, ids: list[bytes], start: int) -> bytes:
    chunks = tuple(
        PackedChunk(start + place + 1, identity, 1, 1, place * STORED, STORED, 2 * STORED)
        for place, identity in enumerate(ids[start:start + CHUNKS_PER_PACK])
    )
    record = PackRecord(number=number, sha256=secrets.token_bytes(32), size=CHUNKS_PER_PACK * STORED)
    return encode(AddPack(pack=record, cipher=1, key_version=1, chunks=chunks))


def _batches(files: int, root: int) -> list[bytes]:
    entries = []
    node = root
    for number in range(files):
        if number % FILES_PER_FOLDER == 0:
            node += 1
            folder = node
            entries.append(Entry(root, b"folder %06d" % number, folder, 2, 0, 1_700_000_000_000_000_000, 0o755, b""))
        node += 1
        entries.append(Entry(folder, b"a file of some name %06d.txt" % number, node, 1, 2 * STORED,
                             1_700_000_000_123_456_789 + number, 0o644, (number + 1).to_bytes(4, "little")))
    return [
        encode(AddEntries(batch=batch, root=root, entries=tuple(entries[start:start + 2000])))
        for batch, start in enumerate(range(0, len(entries), 2000))
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
